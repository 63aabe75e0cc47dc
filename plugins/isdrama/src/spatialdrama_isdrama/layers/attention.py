"""Attention with rotary positions, over itself or over a context (paper C.6)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError

from .masks import masked, places
from .rope import rotary, rotate
from .widths import widened


def split(x: torch.Tensor, heads: int) -> torch.Tensor:
    """Return x (b, t, d) as (b, heads, t, d/heads).

    Example
    -------
    >>> split(torch.zeros(1, 5, 8), 2).shape
    torch.Size([1, 2, 5, 4])
    """
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge(x: torch.Tensor) -> torch.Tensor:
    """Return x (b, heads, t, d/heads) as (b, t, d): the inverse of :func:`split`.

    Example
    -------
    >>> merge(torch.zeros(1, 2, 5, 4)).shape
    torch.Size([1, 5, 8])
    """
    return x.transpose(1, 2).flatten(-2)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    dropout: float = 0.0,
    keep: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """softmax(Q K^T / sqrt(d)) V of Vaswani et al. 2017, each half of equation 18.

    Parameters
    ----------
    query, key, value
        (b, heads, t, d), (b, heads, s, d), (b, heads, s, d); no NaN in the padding.
    mask
        (b, s), True where a key may be seen. A row without any gives zeros.
    dropout
        Of the weights.
    keep
        Whether the weights are returned too; slower, and takes t * s numbers a head.

    Returns
    -------
    out, weights
        (b, heads, t, d); (b, heads, t, s) or None. The weights of a row without keys are zero.

    Example
    -------
    >>> q = torch.zeros(1, 1, 1, 2)
    >>> v = torch.tensor([[1.0, 0.0], [3.0, 0.0]]).view(1, 1, 2, 2)
    >>> attend(q, v, v)[0].flatten()
    tensor([2., 0.])
    """
    seen = any_key = None
    if key.shape[2] == 0:
        return torch.zeros_like(query), query.new_zeros(*query.shape[:3], 0) if keep else None
    if mask is not None:
        any_key = mask.any(1)[:, None, None, None]
        # A softmax over nothing is 0/0: rows without keys see all of them, and are zeroed below.
        seen = mask[:, None, None, :] | ~any_key
    if not keep:
        out = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, dropout_p=dropout
        )
        return (out if mask is None else out * any_key), None
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    scores = widened(scores)
    if seen is not None:
        scores = scores.masked_fill(~seen, float("-inf"))
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * any_key
    used = functional.dropout(weights, dropout) if dropout else weights
    return used.to(value.dtype) @ value, weights


class Attention(nn.Module):
    """Multi-head attention: over x itself, or over a context if one is given.

    Self-attention turns queries and keys by their place among what is there
    (:func:`~.masks.places`), so padding, at the end or between, moves nothing. Attention over a
    context has no positions: frames and context tokens share no clock (E20).

    Parameters
    ----------
    width
        Of x and of the result.
    heads
        `width` must be a multiple.
    rope
        Rotary positions in self-attention.
    context_width
        Width of the context; None for `width`.
    dropout
        Of the attention weights, in training.

    Raises
    ------
    ValidationError
        If the width cannot be split by the heads.

    Example
    -------
    >>> layer = Attention(8, 2)
    >>> layer(torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        rope: bool = True,
        context_width: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        if heads < 1 or width % heads or (rope and (width // heads) % 2):
            raise ValidationError(
                f"Attention: a width of {width} does not make {heads} heads of equal"
                f"{' even' if rope else ''} width; choose a width that is a multiple of "
                f"{max(heads, 1) * (2 if rope else 1)}"
            )
        source = width if context_width is None else context_width
        self.heads, self.rope, self.dropout = heads, rope, dropout
        self.to_query = nn.Linear(width, width)
        self.to_key = nn.Linear(source, width)
        self.to_value = nn.Linear(source, width)
        self.to_out = nn.Linear(width, width)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        *,
        context: torch.Tensor | None = None,
        context_mask: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
        keep: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Return y (b, t, d), and the weights (b, heads, t, s) with `keep`.

        Parameters
        ----------
        x
            (b, t, d).
        mask
            (b, t); y is zero where it is False. None: all is there.
        context, context_mask
            (b, s, context width), (b, s). A row whose keys are all masked gives zeros.
        positions
            (t,) or (b, t), in place of the places of the mask.
        keep
            Whether the weights are returned too.
        """
        x = masked(x, mask)
        source, source_mask = (x, mask) if context is None else (context, context_mask)
        source = masked(source, source_mask)
        if source.shape[1] == 0:
            source_mask = torch.zeros(source.shape[:2], dtype=torch.bool, device=x.device)
        query = split(self.to_query(x), self.heads)
        key = split(self.to_key(source), self.heads)
        value = split(self.to_value(source), self.heads)
        if self.rope and context is None:
            if positions is None:
                positions = self._places(x, mask)
            turn = rotary(positions, query.shape[-1])
            query, key = rotate(query, *turn), rotate(key, *turn)
        dropout = self.dropout if self.training else 0.0
        out, weights = attend(query, key, value, source_mask, dropout=dropout, keep=keep)
        y = masked(self.to_out(merge(out)), mask)
        if source_mask is not None:
            # The bias of the last layer is not an answer of a context that is not there.
            y = masked(y, source_mask.any(1)[:, None])
        return (y, weights) if keep else y

    @staticmethod
    def _places(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        if mask is None:
            return torch.arange(x.shape[1], device=x.device)
        return places(mask)
