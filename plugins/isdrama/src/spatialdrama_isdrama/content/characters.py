"""Semantics that need no download: an encoder of characters, trained with the model."""

from __future__ import annotations

import torch
from torch import nn

from spatialdrama_isdrama.layers import EncoderLayer, RmsNorm, lengths_to_mask

from .config import ContentConfig

#: Odd multipliers of two multiplicative hashes (Knuth 1973): the golden ratio, and a prime.
_MULTIPLIERS = (2_654_435_761, 2_246_822_519)
_WORD = 2**32


def buckets_of(text: str, buckets: int) -> torch.Tensor:
    """Return two numbers from 1 to buckets - 1 for each character; 0 is the padding.

    Upper and lower case are one. Two characters rarely share both numbers, so a table of some
    thousand rows holds all of Unicode (Svenstrup et al. 2017).

    Returns
    -------
    (c, 2) int64

    Example
    -------
    >>> numbers = buckets_of("aA你", 100)
    >>> numbers.shape, bool((numbers[0] == numbers[1]).all()), bool((numbers > 0).all())
    (torch.Size([3, 2]), True, True)
    """
    # One character's lower case may be two; the first one keeps a row for each character.
    codes = [ord(char.lower()[0]) + 1 for char in text]
    return torch.tensor(
        [[1 + (code * m % _WORD) * (buckets - 1) // _WORD for m in _MULTIPLIERS] for code in codes],
        dtype=torch.long,
    ).reshape(-1, 2)


class CharacterEncoder(nn.Module):
    """Hashed character embeddings and Transformer layers.

    Parameters
    ----------
    config
        Its ``character_`` fields, ``semantics_width``, ``heads`` and ``dropout``.

    Example
    -------
    >>> config = ContentConfig(semantics="characters", semantics_width=8, heads=2)
    >>> CharacterEncoder(config).eval().states("你好").shape
    torch.Size([2, 8])
    """

    name = "characters"

    def __init__(self, config: ContentConfig):
        super().__init__()
        self.width, self.buckets = config.semantics_width, config.character_buckets
        self.embedding = nn.Embedding(self.buckets, self.width, padding_idx=0)
        self.layers = nn.ModuleList(
            EncoderLayer(self.width, config.heads, 4 * self.width, dropout=config.dropout)
            for _ in range(config.character_layers)
        )
        self.norm = RmsNorm(self.width, affine=True)

    def forward(self, buckets: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, c, d) of numbers (b, c, 2) and the mask (b, c); zero outside it."""
        x = self.embedding(buckets).sum(-2)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x) * mask[..., None]

    def batch(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the states (b, c, d) of texts, with their mask (b, c)."""
        rows = [buckets_of(text, self.buckets) for text in texts]
        device = self.embedding.weight.device
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)
        mask = lengths_to_mask(torch.tensor([len(row) for row in rows], device=device))
        return self(padded, mask), mask

    def states(self, text: str, language: str | None = None) -> torch.Tensor:
        """Return (c, d); the language is read off the characters."""
        return self.batch([text])[0][0]
