"""Rotary positions (paper C.6; Su et al. 2024, equation 34): relative time in attention."""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError

from .widths import widened

BASE = 10_000.0


def rotary(positions: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines of the angles position * 10000^(-2 i / width).

    Parameters
    ----------
    positions
        (t,) or (b, t), in frames.
    width
        Of one head, even.

    Returns
    -------
    cos, sin
        Each (t, width/2) or (b, t, width/2), float32.

    Raises
    ------
    ValidationError
        If the width is odd.

    Example
    -------
    >>> rotary(torch.tensor([0, 1]), 2)[0]
    tensor([[1.0000],
            [0.5403]])
    """
    if width % 2:
        raise ValidationError(
            f"rotary positions turn pairs: a head's width must be even, got {width}"
        )
    # float64 angles: at thousands of frames a float32 product is off by more than its cosine may.
    step = torch.arange(0, width, 2, device=positions.device, dtype=torch.float64) / width
    angle = positions.double()[..., None] * BASE**-step
    return angle.cos().float(), angle.sin().float()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn the pair (x[i], x[i + half]) of each head by its angle; same shape and type.

    Parameters
    ----------
    x
        (b, heads, t, d/heads): queries or keys.
    cos, sin
        As :func:`rotary` gives them for the width d/heads.

    Example
    -------
    >>> x = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    >>> rotate(x, *rotary(torch.tensor([1]), 2)).flatten()
    tensor([0.5403, 0.8415])
    """
    if cos.ndim == 3:
        cos, sin = cos[:, None], sin[:, None]
    first, second = widened(x).chunk(2, dim=-1)
    turned = torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.to(x.dtype)
