"""How large a network is."""

from __future__ import annotations

from torch import nn


def parameters_of(module: nn.Module) -> int:
    """Return how many numbers a module learns; shared ones count once.

    Examples
    --------
    >>> parameters_of(nn.Linear(3, 2))
    8
    """
    return sum(p.numel() for p in module.parameters())
