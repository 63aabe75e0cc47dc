"""A convolution over time that sees zeros in the padding."""

from __future__ import annotations

import torch
from torch import nn

from spatialdrama.errors import ValidationError

from .masks import masked


class MaskedConv(nn.Module):
    """A 1-d convolution on (b, t, d), as long as its input, zero outside the mask.

    Parameters
    ----------
    width_in, width_out
        Channels.
    kernel
        Odd, in frames.
    dilation
        Frames between two taps.

    Raises
    ------
    ValidationError
        If the kernel is even: no frame would be its middle.

    Notes
    -----
    An item equals its unpadded self if its padding is at the ends; across padding in its middle the
    taps see zeros.

    Example
    -------
    >>> MaskedConv(6, 8, kernel=5)(torch.randn(2, 7, 6), torch.ones(2, 7, dtype=torch.bool)).shape
    torch.Size([2, 7, 8])
    """

    def __init__(self, width_in: int, width_out: int, kernel: int, dilation: int = 1):
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ValidationError(
                f"MaskedConv: the kernel must be odd, got {kernel}; take {kernel + 1}"
            )
        self.conv = nn.Conv1d(
            width_in, width_out, kernel, padding=dilation * (kernel // 2), dilation=dilation
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return (b, t, width_out) from x (b, t, width_in) and the mask (b, t)."""
        y = self.conv(masked(x, mask).transpose(1, 2)).transpose(1, 2)
        return masked(y, mask)
