"""Adaptive normalisation from one global vector (paper equation 17; Peebles and Xie 2023)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn


class Part(NamedTuple):
    """What one sub-layer of a block gets from z_g, each (b, 1, d)."""

    shift: torch.Tensor
    scale: torch.Tensor
    gate: torch.Tensor


class Modulation(nn.Module):
    """From z_g to shift, scale and gate of each sub-layer of a block.

    The last linear starts at zero, so that at the start every gate is zero and a block passes its
    input on untouched ("the scale factor is zero-initialised in each block", C.6; AdaLN-zero, E19).

    Parameters
    ----------
    width
        Of z_g and of what is modulated.
    parts
        How many sub-layers.

    Example
    -------
    >>> parts = Modulation(8, parts=2)(torch.randn(3, 8))
    >>> len(parts), parts[0].gate.shape, bool(parts[1].gate.any())
    (2, torch.Size([3, 1, 8]), False)
    """

    def __init__(self, width: int, parts: int):
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, 3 * parts * width)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, z_g: torch.Tensor) -> tuple[Part, ...]:
        """Return one :class:`Part` a sub-layer from z_g (b, d)."""
        numbers = self.linear(nn.functional.silu(z_g))[:, None]
        chunks = numbers.chunk(3 * self.parts, dim=-1)
        return tuple(Part(*chunks[3 * i : 3 * i + 3]) for i in range(self.parts))


def modulate(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return gamma_c x + beta_c of equation 17 with gamma_c = 1 + scale and beta_c = shift.

    Parameters
    ----------
    x
        (b, t, d), already normalised.
    shift, scale
        (b, 1, d) as :class:`Modulation` gives them, or (b, d).

    Example
    -------
    >>> modulate(torch.ones(1, 2, 1), torch.tensor([[3.0]]), torch.tensor([[1.0]])).flatten()
    tensor([5., 5.])
    """
    if shift.ndim == x.ndim - 1:
        shift, scale = shift[:, None], scale[:, None]
    return x * (1 + scale) + shift
