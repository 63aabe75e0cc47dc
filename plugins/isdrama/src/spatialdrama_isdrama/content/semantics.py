"""What a text means, character by character (paper 4.2, C.1: "preserves temporal length").

Three kinds: ``bert`` as in the paper, ``characters``, a small encoder that is trained with the
model and needs no download, and ``none``. All have one row for each character of the text; phones
get them by the words they belong to (ph2word, E10).
"""

from __future__ import annotations

from typing import Protocol

import torch

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import masked

from .config import ContentConfig


class Semantics(Protocol):
    """A text to one state for each of its characters."""

    name: str
    width: int

    def states(self, text: str, language: str | None = None) -> torch.Tensor:
        """Return (c, d) for a text of c characters in a language ("zh", "en", None: by script)."""
        ...


class NoSemantics:
    """States of width 0: the phones alone say what is said.

    Example
    -------
    >>> NoSemantics().states("你好").shape
    torch.Size([2, 0])
    """

    name = "none"
    width = 0

    def states(self, text: str, language: str | None = None) -> torch.Tensor:
        """Return (c, 0)."""
        return torch.zeros(len(text), 0)


def semantics_of(config: ContentConfig) -> Semantics:
    """Return the semantics that a config names; a BERT is opened when it is first asked.

    Example
    -------
    >>> semantics_of(ContentConfig(semantics="none")).width
    0
    """
    if config.semantics == "bert":
        from .bert import Bert

        return Bert(zh=config.bert_zh, en=config.bert_en, width=config.semantics_width)
    if config.semantics == "characters":
        from .characters import CharacterEncoder

        return CharacterEncoder(config)
    return NoSemantics()


def expand(states: torch.Tensor, mask: torch.Tensor, spans: torch.Tensor) -> torch.Tensor:
    """Return a state for each phone: the mean over the characters of its word.

    A Han character is a word, so its phones get its row as it is; an English phone gets the mean of
    its word's letters; a pause without a mark gets zeros.

    Parameters
    ----------
    states
        (b, c, d), a row for each character.
    mask
        (b, c), characters that are there.
    spans
        (b, k, 2) start and end of each phone's characters; equal where there are none.

    Returns
    -------
    (b, k, d)

    Raises
    ------
    ValidationError
        If a span lies outside the characters.

    Example
    -------
    >>> states = torch.tensor([[[1.0], [3.0]]])
    >>> spans = torch.tensor([[[0, 1], [0, 2], [2, 2]]])
    >>> expand(states, torch.ones(1, 2, dtype=torch.bool), spans).flatten()
    tensor([1., 2., 0.])
    """
    start, end = spans.unbind(-1)
    lengths = mask.sum(1, keepdim=True)
    if bool(((start < 0) | (end < start) | (end > lengths)).any()):
        raise ValidationError(
            f"the characters of a phone must lie in the text of {lengths.flatten().tolist()} "
            f"characters; got spans up to {int(spans.max())}"
        )
    place = torch.arange(states.shape[1], device=states.device)
    inside = (place >= start[..., None]) & (place < end[..., None])
    weights = inside.to(states) / (end - start).clamp(min=1)[..., None].to(states)
    return weights @ masked(states, mask)
