"""Root mean square normalisation (paper 4.3; Zhang and Sennrich 2019, equation 4)."""

from __future__ import annotations

import torch
from torch import nn

from spatialdrama.errors import ValidationError

from .widths import widened


class RmsNorm(nn.Module):
    """Divide each vector by its root mean square; computed in float32, returned in x's type.

    y = x / sqrt(mean(x^2) + eps), times a learned weight if `affine`. Unlike a layer norm it takes
    no mean away. Where AdaLN follows (equation 17), the weight is AdaLN's, hence the default.

    Parameters
    ----------
    width
        Size of the last axis.
    affine
        Whether there is a learned weight (starts at one).
    eps
        Added to the mean square.

    Example
    -------
    >>> RmsNorm(2, eps=0.0)(torch.tensor([[3.0, -3.0]]))
    tensor([[ 1., -1.]])
    """

    def __init__(self, width: int, affine: bool = False, eps: float = 1e-6):
        super().__init__()
        if width < 1:
            raise ValidationError(f"RmsNorm: width must be at least 1, got {width}")
        self.width, self.eps = width, eps
        self.weight = nn.Parameter(torch.ones(width)) if affine else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x (..., width) normalised, same shape and type."""
        wide = widened(x)
        y = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        if self.weight is not None:
            y = y * self.weight
        return y.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.width}, affine={self.weight is not None}"
