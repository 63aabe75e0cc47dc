"""One layer of an encoder: self-attention, attention over a context if any, feed-forward (C.1)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .attention import Attention
from .feed_forward import FeedForward
from .masks import masked
from .norms import RmsNorm


class EncoderLayer(nn.Module):
    """A Transformer layer, normalised before each part (Xiong et al. 2020), RoPE in itself.

    Parameters
    ----------
    width, heads
        Of the attention.
    inner
        Of the feed-forward.
    context_width
        Width of what is looked at; None: the layer has no cross-attention.
    dropout
        Of the attention weights, the inner numbers and each part's result, in training.

    Example
    -------
    >>> layer = EncoderLayer(8, 2, 16, context_width=6)
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> layer(torch.randn(2, 5, 8), mask, torch.randn(2, 3, 6), mask[:, :3]).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        context_width: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.dropout = dropout
        self.attention_norm = RmsNorm(width, affine=True)
        self.attention = Attention(width, heads, dropout=dropout)
        self.cross_norm = self.cross = None
        if context_width is not None:
            self.cross_norm = RmsNorm(width, affine=True)
            self.cross = Attention(
                width, heads, rope=False, context_width=context_width, dropout=dropout
            )
        self.feed_norm = RmsNorm(width, affine=True)
        self.feed = FeedForward(width, inner, dropout)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        context: torch.Tensor | None = None,
        context_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return (b, t, d), zero outside the mask.

        Parameters
        ----------
        x, mask
            (b, t, d), (b, t).
        context, context_mask
            (b, s, context width), (b, s). An item whose context is all masked goes on without, and
            so do all of them if there is no context.
        """
        x = masked(x, mask)
        x = x + self._drop(self.attention(self.attention_norm(x), mask))
        if self.cross is not None and context is not None:
            seen = self.cross(self.cross_norm(x), mask, context=context, context_mask=context_mask)
            x = x + self._drop(seen)
        return masked(x + self._drop(self.feed(self.feed_norm(x))), mask)

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)
