"""When a frame is: its number in the line, and how far through the line it lies."""

from __future__ import annotations

import math

import torch
from torch import nn

from spatialdrama_isdrama.layers import masked, places

#: Frames of the shortest and the longest wave: 20 ms to 16 s (the longest segment) and more.
SHORTEST, LONGEST = 4.0, 4096.0
WAVES = 16
_PROGRESS = 4


class Clock(nn.Module):
    """A linear layer on sines of a frame's number (Vaswani et al. 2017, 3.5) and its progress.

    Frames see one another through relative positions alone, and a condition's tokens not even
    that; prompts say "first ... then", and a video's frames belong to the line's.

    Parameters
    ----------
    width
        Of the result.

    Examples
    --------
    >>> Clock(8)(torch.ones(2, 5, dtype=torch.bool)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(2 * WAVES + 2 * _PROGRESS + 1, width)

    def forward(self, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, t, d) from the mask (b, t); padding has no time and gives zeros."""
        return masked(self.linear(waves(mask).to(self.linear.weight.dtype)), mask)


def waves(mask: torch.Tensor) -> torch.Tensor:
    """Return (b, t, 41): sines and cosines of number and progress, and the progress itself.

    Progress goes from 0 to 1 over what the mask leaves of a row, so it knows no padding.
    """
    number = places(mask).double()
    count = mask.sum(1, keepdim=True).clamp(min=2)
    progress = number / (count - 1)
    ratio = torch.linspace(0, 1, WAVES, dtype=torch.float64, device=mask.device)
    period = SHORTEST * (LONGEST / SHORTEST) ** ratio
    half_turns = torch.arange(1, _PROGRESS + 1, device=mask.device) * math.pi
    angle = torch.cat(
        [2 * math.pi * number[..., None] / period, progress[..., None] * half_turns], dim=-1
    )
    return torch.cat([angle.sin(), angle.cos(), progress[..., None]], dim=-1).float()
