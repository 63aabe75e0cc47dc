"""What can be chosen about the pose encoder; the defaults are the paper's (4.2, C.1, C.4)."""

from __future__ import annotations

import math
from typing import Any

import attrs

from spatialdrama.errors import ValidationError

#: Embedders of words and of pictures; "hashed" and "small" are trained with the encoder.
TEXT_CONDITIONS = ("flan-t5", "hashed")
IMAGE_CONDITIONS = ("clip", "small")


def _choice(*options: str):
    def check(config: Any, attribute: attrs.Attribute, value: Any) -> None:
        if value not in options:
            raise ValidationError(
                f"PoseConfig: {attribute.name} must be one of {', '.join(map(repr, options))}; "
                f"got {value!r}."
            )

    return check


def _whole(least: int):
    def check(config: Any, attribute: attrs.Attribute, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValidationError(
                f"PoseConfig: {attribute.name} must be a whole number from {least}; got {value!r}."
            )

    return check


def _number(least: float, below: float = math.inf, *, open_: bool = False):
    def check(config: Any, attribute: attrs.Attribute, value: Any) -> None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not least <= value < below or (open_ and value == least):
            bounds = f"{'above' if open_ else 'from'} {least:g}"
            bounds += "" if below == math.inf else f" and below {below:g}"
            raise ValidationError(
                f"PoseConfig: {attribute.name} must be a number {bounds}; got {value!r}."
            )

    return check


def _flag(config: Any, attribute: attrs.Attribute, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValidationError(f"PoseConfig: {attribute.name} must be True or False; got {value!r}.")


def _field(default: Any, check: Any) -> Any:
    return attrs.field(default=default, validator=check)


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
        False: no eq. 1 ("w/o MPE" of Table 4).
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

    width: int = _field(768, _whole(2))
    heads: int = _field(8, _whole(1))
    layers: int = _field(8, _whole(1))
    inner: int = _field(3072, _whole(1))
    cross: str = _field("every", _choice("every", "alternate"))
    dropout: float = _field(0.1, _number(0, 1))
    content_width: int = _field(768, _whole(1))
    clock: bool = _field(True, _flag)

    geometric: str = _field("per_ear", _choice("per_ear", "joint"))
    kernel: int = _field(5, _whole(1))
    geometric_layers: int = _field(1, _whole(1))
    orientation: str = _field("quaternion", _choice("quaternion", "axes"))
    distance: bool = _field(False, _flag)
    log_distance: bool = _field(False, _flag)
    direction: bool = _field(False, _flag)
    normalised: bool = _field(False, _flag)
    ear_offset: float = _field(0.09, _number(0))
    velocity_window: float = _field(0.2, _number(0, open_=True))
    jump_speed: float = _field(10.0, _number(0, open_=True))

    text_condition: str = _field("flan-t5", _choice(*TEXT_CONDITIONS))
    text_model: str = _field("google/flan-t5-large", attrs.validators.instance_of(str))
    text_width: int = _field(1024, _whole(1))
    text_length: int = _field(80, _whole(1))
    text_buckets: int = _field(4096, _whole(2))
    text_layers: int = _field(2, _whole(1))
    text_heads: int = _field(4, _whole(1))

    image_condition: str = _field("clip", _choice(*IMAGE_CONDITIONS))
    image_model: str = _field("openai/clip-vit-base-patch32", attrs.validators.instance_of(str))
    image_width: int = _field(768, _whole(1))
    image_rate: float = _field(4.0, _number(0, open_=True))
    crop: int = _field(32, _whole(8))
    video_aligned: bool = _field(False, _flag)

    pool: str = _field("concat", _choice("concat", "mean"))
    pool_parts: int = _field(1, _whole(1))
    embed_width: int = _field(0, _whole(0))
    contrast_level: str = _field("line", _choice("line", "frame"))
    contrast_every: int = _field(8, _whole(1))
    temperature: float = _field(0.07, _number(0, open_=True))
    learned_temperature: bool = _field(True, _flag)
    negatives: str = _field("all", _choice("all", "mask", "soft"))

    contrastive: bool = _field(True, _flag)
    contrastive_weight: float = _field(1.0, _number(0))
    duration_weight: float = _field(1.0, _number(0))
    read_back_weight: float = _field(1.0, _number(0))
    align_weight: float = _field(0.0, _number(0))

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
        if self.kernel % 2 == 0:
            raise ValidationError(
                f"PoseConfig: kernel must be odd; got {self.kernel}. Take {self.kernel + 1}."
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
