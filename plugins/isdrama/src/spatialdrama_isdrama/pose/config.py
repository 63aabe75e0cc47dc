"""What can be chosen about the pose encoder; the defaults are the paper's (4.2, C.1, C.4)."""

from __future__ import annotations

from typing import Any

import attrs

from spatialdrama.errors import ValidationError

from ..checks import model_name, number, one_of, option, truth, whole

#: Embedders of words and of pictures; "hashed" and "small" are trained with the encoder.
TEXT_CONDITIONS = ("flan-t5", "hashed")
IMAGE_CONDITIONS = ("clip", "small")


@attrs.frozen(kw_only=True)
class PoseConfig:
    """Sizes and options of the Multimodal Pose Encoder.

    Parameters
    ----------
    width, heads, layers
        Of z_p and of the text and video Transformers (C.1: 768, 8, 8).
    inner
        Width of a layer's feed-forward part. The 23.32 M of C.1 cannot hold the usual four times
        the width (E1); :meth:`paper_params` comes near it.
    cross
        "every": each layer looks at itself and at the condition. "alternate": a layer does either,
        in turn.
    dropout
        Of the Transformers, in training.
    content_width
        Of z_c.
    clock
        Whether frames know their time and how far through the line they are. Not in the paper;
        without it a "then" in a prompt has nothing to hold on to.
    geometric
        "per_ear": one convolution sees the pose from each ear, so that the mirror image of a pose
        swaps the ears of z_p. "joint": one convolution makes both ears from the concatenation.
    kernel, geometric_layers
        Of the geometric branch (C.1: one Conv1d of kernel 5). Further layers follow a GELU.
    orientation
        "quaternion" as printed, or "axes": where mouth and crown point. The axes have no sign to
        choose; the quaternion's jumps where a speaker who faces the listener turns a little.
    distance, log_distance, direction
        Numbers that follow from the positions and are added to them (E7).
    normalised
        Whether z_p is divided by its root mean square, in all three branches.
    ear_offset
        m, from the middle of the head to an ear (E7: .09 to .11; the authors' scripts have .11).
    velocity_window, jump_speed
        s, of the Savitzky-Golay slope; m/s, above which a step is no motion (E8, E12).
    text_condition, text_model, text_width, text_length
        "flan-t5" from a local folder or a hub name, or "hashed"; width and longest prompt in
        tokens. `text_width` of "flan-t5" must be the model's (large: 1024).
    text_buckets, text_layers, text_heads
        Of "hashed" alone.
    image_condition, image_model, image_width, image_rate, crop
        "clip" or "small"; width; pictures a second (C.1: 4); side of the crop round the mouth that
        "small" sees, in pixels.
    video_aligned
        Whether the video condition, which has the frames of z_c, is also added to the input.
        Cross-attention alone (as printed) has to find out that frame t goes with frame t.
    pool, pool_parts, embed_width
        What eq. 1 compares: the ears side by side ("concat") or their mean, which cannot tell left
        from right where `geometric` is "per_ear"; over how many equal stretches of the line the
        time mean is taken; the width of a projection, 0 for none.
    contrast_level, contrast_every
        "line" compares pooled lines; "frame" every so many frames of them, where frames whose
        poses are alike count as `negatives` says.
    temperature, learned_temperature
        tau of eq. 1 (E9) and whether it is learned.
    negatives
        What becomes of items of a batch with equal attributes: "all" counts them as negatives (as
        printed), "mask" leaves them out, "soft" shares the target among them.
    contrastive
        False: no eq. 1 ("w/o MPE" of Table 4). An `align_weight` above 0 still draws the branches
        together then; the row of the table has neither.
    contrastive_weight, duration_weight
        Of the losses of C.2.
    read_back_weight, align_weight
        Of the read-back, and of the squared distance of z_p-txt and z_p-vid to z_p-geo frame by
        frame (not in the paper).

    Raises
    ------
    ValidationError
        For values out of range, naming the field.

    Examples
    --------
    >>> PoseConfig().width, PoseConfig.paper_params().cross
    (768, 'alternate')
    """

    width: int = option(768, whole(2))
    heads: int = option(8, whole(1))
    layers: int = option(8, whole(1))
    inner: int = option(3072, whole(1))
    cross: str = option("every", one_of("every", "alternate"))
    dropout: float = option(0.1, number(0, 1, below=True))
    content_width: int = option(768, whole(1))
    clock: bool = option(True, truth)

    geometric: str = option("per_ear", one_of("per_ear", "joint"))
    kernel: int = option(5, whole(1, odd=True))
    geometric_layers: int = option(1, whole(1))
    orientation: str = option("quaternion", one_of("quaternion", "axes"))
    distance: bool = option(False, truth)
    log_distance: bool = option(False, truth)
    direction: bool = option(False, truth)
    normalised: bool = option(False, truth)
    ear_offset: float = option(0.09, number(0))
    velocity_window: float = option(0.2, number(0, above=True))
    jump_speed: float = option(10.0, number(0, above=True))

    text_condition: str = option("flan-t5", one_of(*TEXT_CONDITIONS))
    text_model: str = option("google/flan-t5-large", model_name)
    text_width: int = option(1024, whole(1))
    text_length: int = option(80, whole(1))
    text_buckets: int = option(4096, whole(2))
    text_layers: int = option(2, whole(1))
    text_heads: int = option(4, whole(1))

    image_condition: str = option("clip", one_of(*IMAGE_CONDITIONS))
    image_model: str = option("openai/clip-vit-base-patch32", model_name)
    image_width: int = option(768, whole(1))
    image_rate: float = option(4.0, number(0, above=True))
    crop: int = option(32, whole(8))
    video_aligned: bool = option(False, truth)

    pool: str = option("concat", one_of("concat", "mean"))
    pool_parts: int = option(1, whole(1))
    embed_width: int = option(0, whole(0))
    contrast_level: str = option("line", one_of("line", "frame"))
    contrast_every: int = option(8, whole(1))
    temperature: float = option(0.07, number(0, above=True))
    learned_temperature: bool = option(True, truth)
    negatives: str = option("all", one_of("all", "mask", "soft"))

    contrastive: bool = option(True, truth)
    contrastive_weight: float = option(1.0, number(0))
    duration_weight: float = option(1.0, number(0))
    read_back_weight: float = option(1.0, number(0))
    align_weight: float = option(0.0, number(0))

    def __attrs_post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValidationError(
                f"PoseConfig: a width of {self.width} does not make {self.heads} heads of equal "
                f"even width; choose a multiple of {2 * self.heads}."
            )
        if self.text_condition == "hashed" and self.text_width % (2 * self.text_heads):
            raise ValidationError(
                f"PoseConfig: text_width {self.text_width} does not make {self.text_heads} heads "
                f"of equal even width; choose a multiple of {2 * self.text_heads}."
            )

    @classmethod
    def paper_params(cls, **changes: Any) -> PoseConfig:
        """Return the reading of "8 layers, 768, 23.32 M" that comes near the number (E1).

        Layers look at themselves and at the condition in turn, with a thin feed-forward part.

        Examples
        --------
        >>> PoseConfig.paper_params(dropout=0.0).inner
        192
        """
        return cls(**{"cross": "alternate", "inner": 192, **changes})
