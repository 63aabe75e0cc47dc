"""A small trainable reader of spatial phrases in English and Mandarin, without a vocabulary."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import nn

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama_isdrama.layers import EncoderLayer, RmsNorm, lengths_to_mask

from .texts import bucket, checked_texts, pieces, tokens


class HashedText(nn.Module):
    """Tokens as sums of hashed pieces, then Transformer layers.

    Prompts about poses use a few hundred words in two languages; pieces of words (Bojanowski et al.
    2017) read those that training never saw, and hashing needs no file of words.

    Parameters
    ----------
    width, heads, layers
        Of the Transformer.
    buckets
        Rows of the table of pieces.
    longest
        Tokens; what is beyond is cut with a warning.
    dropout
        In training.

    Examples
    --------
    >>> words = HashedText(16, heads=2, layers=1)
    >>> condition, mask = words(["walks to the left"])
    >>> condition.shape
    torch.Size([1, 4, 16])
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int = 4,
        layers: int = 2,
        buckets: int = 4096,
        longest: int = 80,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.width, self.buckets, self.longest = width, buckets, longest
        self.table = nn.Embedding(buckets, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, heads, 4 * width, dropout=dropout) for _ in range(layers)
        )
        self.norm = RmsNorm(width, affine=True)

    def forward(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (b, s, d) and the mask (b, s).

        Raises
        ------
        ValidationError
            For a text without any word or character that is read.
        """
        rows = [self._pieces(text) for text in checked_texts(texts)]
        device = self.table.weight.device
        mask = lengths_to_mask(torch.tensor([len(row) for row in rows], device=device))
        flat = [number for row in rows for token in row for number in token]
        sizes = torch.tensor([len(token) for row in rows for token in row], device=device)
        token = torch.repeat_interleave(torch.arange(len(sizes), device=device), sizes)
        made = self.table(torch.tensor(flat, device=device))
        means = made.new_zeros(len(sizes), self.width).index_add(0, token, made)
        # Over the root: a sum of unlike pieces has one size, however many there are.
        means = means / sizes[:, None].sqrt()
        x = made.new_zeros(*mask.shape, self.width).masked_scatter(mask[..., None], means)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x), mask

    def _pieces(self, text: str) -> list[list[int]]:
        words = tokens(text)
        if not words:
            raise ValidationError(
                f"no word in {text!r} can be read; prompts are in English or Mandarin."
            )
        if len(words) > self.longest:
            warnings.warn(
                f"a prompt of {len(words)} tokens is cut after {self.longest}: ...'"
                f"{' '.join(words[self.longest - 3 : self.longest])}'.",
                SpatialDramaWarning,
                stacklevel=4,
            )
        cut = pieces(words)[: self.longest]
        return [[bucket(piece, self.buckets) for piece in token] for token in cut]
