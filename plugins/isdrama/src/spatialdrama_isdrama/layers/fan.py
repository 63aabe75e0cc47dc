"""The layer of a Fourier Analysis Network (paper equation 3; Dong et al. 2024)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError


class Fan(nn.Module):
    """[cos(W_p x) | sin(W_p x) | gelu(B + W x)]: what repeats, and what does not.

    Parameters
    ----------
    width_in, width_out
        Sizes of the last axis.
    share
        Part of `width_out` that is cosines, and again that is sines (FAN's default 1/4, E18). With
        0 the layer is a linear and a GELU: the ablation without FAN.

    Raises
    ------
    ValidationError
        If the share leaves nothing to the last part of equation 3.

    Example
    -------
    >>> Fan(6, 16)(torch.randn(2, 5, 6)).shape
    torch.Size([2, 5, 16])
    """

    def __init__(self, width_in: int, width_out: int, share: float = 0.25):
        super().__init__()
        periodic = round(share * width_out)
        if share < 0 or width_out - 2 * periodic < 1:
            raise ValidationError(
                f"Fan: share must be from 0 to below 0.5 (cosines and sines each), got {share} "
                f"of {width_out}; the default is 0.25"
            )
        self.periodic = nn.Linear(width_in, periodic, bias=False) if periodic else None
        self.other = nn.Linear(width_in, width_out - 2 * periodic)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (..., width_out) from x (..., width_in)."""
        other = functional.gelu(self.other(x))
        if self.periodic is None:
            return other
        angle = self.periodic(x)
        return torch.cat([angle.cos(), angle.sin(), other], dim=-1)
