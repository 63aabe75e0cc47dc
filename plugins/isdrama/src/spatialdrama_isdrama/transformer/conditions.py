"""What a line is generated from: the C and the a of the paper's equations."""

from __future__ import annotations

import attrs
import torch

from spatialdrama.errors import ValidationError

from ..autoencoder.config import FRAMES_PER_LATENT

Tensor = torch.Tensor


@attrs.frozen(kw_only=True, eq=False)
class Conditions:
    """Content, pose, voice prompt and scene of a batch of lines.

    Parameters
    ----------
    content : (b, t, d)
        z_c on mel frames; t is a multiple of 4.
    pose : (b, e, t, d)
        z_p on mel frames, left ear first.
    mask : (b, t)
        True where the line is.
    prompt : (b, c, p) or None
        Latent of the voice prompt, at the latent rate.
    prompt_mask : (b, p) or None
        A row without any True has no prompt. None: all of `prompt` is there.
    scene : (b, s, d) or None
        Tokens of the scene's description or picture.
    scene_mask : (b, s) or None
        A row without any True has no scene.
    f0 : (b, t), Hz, or None
        Pitch that the later blocks are to follow, 0 where unvoiced: the truth in training, a wish
        at inference. None: what the model itself predicts.
    voiced : (b, t) or None
        Where `f0` counts; None: where it is above 0.

    Raises
    ------
    ValidationError
        If shapes do not go together.

    Examples
    --------
    >>> line = torch.ones(1, 8, dtype=torch.bool)
    >>> c = Conditions(content=torch.zeros(1, 8, 3), pose=torch.zeros(1, 2, 8, 3), mask=line)
    >>> c.rows, c.latents
    (1, 2)
    """

    content: Tensor
    pose: Tensor
    mask: Tensor
    prompt: Tensor | None = None
    prompt_mask: Tensor | None = None
    scene: Tensor | None = None
    scene_mask: Tensor | None = None
    f0: Tensor | None = None
    voiced: Tensor | None = None

    def __attrs_post_init__(self) -> None:
        if self.content.ndim != 3 or self.pose.ndim != 4:
            raise ValidationError(
                f"Conditions: content is (b, t, d) and pose (b, e, t, d); got "
                f"{tuple(self.content.shape)} and {tuple(self.pose.shape)}."
            )
        b, t = self.content.shape[:2]
        if t % FRAMES_PER_LATENT:
            raise ValidationError(
                f"Conditions: a line has a multiple of {FRAMES_PER_LATENT} mel frames; got {t}. "
                "Pad content, pose and mask with masked frames."
            )
        wanted = {"mask": (b, t), "f0": (b, t), "voiced": (b, t)}
        if self.prompt is not None:
            wanted["prompt_mask"] = (b, self.prompt.shape[-1])
        if self.scene is not None:
            wanted["scene_mask"] = (b, self.scene.shape[1])
        for name, shape in wanted.items():
            value = getattr(self, name)
            if value is not None and tuple(value.shape) != shape:
                raise ValidationError(
                    f"Conditions.{name} must be {shape} beside a content of "
                    f"{tuple(self.content.shape)}; got {tuple(value.shape)}."
                )
        heads = {"pose": (self.pose, 3, (b, 2, t)), "prompt": (self.prompt, 1, (b,))}
        heads["scene"] = (self.scene, 1, (b,))
        for name, (value, axes, shape) in heads.items():
            if value is not None and (value.ndim < 3 or tuple(value.shape[:axes]) != shape):
                raise ValidationError(
                    f"Conditions.{name} must begin with the axes {shape} beside a content of "
                    f"{tuple(self.content.shape)}; got {tuple(value.shape)}."
                )
        if self.voiced is not None and self.f0 is None:
            raise ValidationError("Conditions.voiced says where f0 counts; give f0 as well.")

    @property
    def rows(self) -> int:
        """How many lines."""
        return self.content.shape[0]

    @property
    def latents(self) -> int:
        """Latent frames of the longest line."""
        return self.content.shape[1] // FRAMES_PER_LATENT

    def map(self, change) -> Conditions:
        """Return the same with `change` done to every tensor.

        Examples
        --------
        >>> line = torch.ones(2, 4, dtype=torch.bool)
        >>> c = Conditions(content=torch.zeros(2, 4, 3), pose=torch.zeros(2, 2, 4, 3), mask=line)
        >>> c.map(lambda x: x[:1]).rows
        1
        """
        values = {field.name: getattr(self, field.name) for field in attrs.fields(Conditions)}
        return Conditions(**{k: None if v is None else change(v) for k, v in values.items()})

    def to(self, device: torch.device | str) -> Conditions:
        """Return the same on a device."""
        return self.map(lambda x: x.to(device))

    def with_prompt(self, prompt: Tensor | None, mask: Tensor | None = None) -> Conditions:
        """Return the same with another voice prompt (b, c, p) and mask (b, p), or with none."""
        return attrs.evolve(self, prompt=prompt, prompt_mask=mask)

    def prompts(self) -> tuple[Tensor, Tensor]:
        """Return the prompt (b, p, c), channels last, and its mask (b, p); p is 0 without one."""
        if self.prompt is None:
            empty = self.content.new_zeros(self.rows, 0, 1)
            return empty, empty.new_zeros(self.rows, 0, dtype=torch.bool)
        x = self.prompt.transpose(1, 2)
        if self.prompt_mask is None:
            return x, x.new_ones(x.shape[:2], dtype=torch.bool)
        return x, self.prompt_mask

    def scenes(self) -> tuple[Tensor, Tensor]:
        """Return the scene tokens (b, s, d) and their mask (b, s); s is 0 without a scene."""
        if self.scene is None:
            empty = self.content.new_zeros(self.rows, 0, 1)
            return empty, empty.new_zeros(self.rows, 0, dtype=torch.bool)
        if self.scene_mask is None:
            return self.scene, self.scene.new_ones(self.scene.shape[:2], dtype=torch.bool)
        return self.scene, self.scene_mask

    def pitch(self) -> tuple[Tensor, Tensor] | None:
        """Return f0 (b, t) in Hz and where it counts (b, t), or None if none is given."""
        if self.f0 is None:
            return None
        voiced = self.f0 > 0 if self.voiced is None else self.voiced & (self.f0 > 0)
        return self.f0, voiced & self.mask
