"""Sizes of Spatial-AST, apart from the network so that asking for them costs no torch."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from spatialdrama.errors import ValidationError


def _positive(instance: Any, attribute: attrs.Attribute, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValidationError(f"{attribute.name} must be a whole number from 1, got {value!r}")


@attrs.frozen(kw_only=True)
class SpatialAstConfig:
    """Sizes of Spatial-AST; the defaults are the published ones (86 M parameters in blocks).

    Parameters
    ----------
    width, depth, heads, mlp_ratio : int
        Of the transformer; ``width`` is a multiple of ``heads``.
    classes : int
        Kinds of sound that the first head knows.

    Examples
    --------
    >>> SpatialAstConfig().patches
    512
    """

    frames: ClassVar[int] = 1024  #: what shorter clips are stretched to
    bands: ClassVar[int] = 128
    patch: ClassVar[int] = 16
    eps: ClassVar[float] = 1e-6

    width: int = attrs.field(default=768, validator=_positive)
    depth: int = attrs.field(default=12, validator=_positive)
    heads: int = attrs.field(default=12, validator=_positive)
    mlp_ratio: int = attrs.field(default=4, validator=_positive)
    classes: int = attrs.field(default=355, validator=_positive)

    def __attrs_post_init__(self) -> None:
        if self.width % self.heads:
            raise ValidationError(
                f"width must be a multiple of heads, got width={self.width} and heads={self.heads}"
            )

    @property
    def patches(self) -> int:
        """Tokens of a clip, without the three learned ones."""
        return (self.frames // self.patch) * (self.bands // self.patch)
