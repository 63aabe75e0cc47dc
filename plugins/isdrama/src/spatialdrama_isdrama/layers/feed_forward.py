"""The two linear layers behind attention (Vaswani et al. 2017, equation 2, with GELU)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class FeedForward(nn.Module):
    """W2 gelu(W1 x + b1) + b2, each frame by itself.

    Parameters
    ----------
    width
        Of x and of the result.
    inner
        Between the two.
    dropout
        On the inner numbers, in training.

    Example
    -------
    >>> FeedForward(8, 32)(torch.randn(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int, inner: int, dropout: float = 0.0):
        super().__init__()
        self.first = nn.Linear(width, inner)
        self.second = nn.Linear(inner, width)
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (..., width) from x (..., width)."""
        inner = functional.gelu(self.first(x))
        return self.second(functional.dropout(inner, self.dropout, self.training))
