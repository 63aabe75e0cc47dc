"""Prompts in words become a condition: vectors, one for each word, piece or character (4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch

from .config import PoseConfig
from .flan_t5 import FlanT5
from .hashed_text import HashedText


@runtime_checkable
class TextCondition(Protocol):
    """What :attr:`.pose_encoder.PoseEncoder.words` must offer."""

    width: int

    def __call__(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (b, s, d) and the mask (b, s); each text has at least one token."""
        ...


def text_condition(config: PoseConfig) -> TextCondition:
    """Return what the config asks for; nothing is loaded yet.

    Examples
    --------
    >>> words = text_condition(PoseConfig(text_condition="hashed", text_width=16))
    >>> condition, mask = words(["sits at front-left", "从左前方走到右后方"])
    >>> condition.shape, mask.sum(1)
    (torch.Size([2, 9, 16]), tensor([4, 9]))
    """
    if config.text_condition == "flan-t5":
        return FlanT5(config.text_model, width=config.text_width, longest=config.text_length)
    return HashedText(
        config.text_width, heads=config.text_heads, layers=config.text_layers,
        buckets=config.text_buckets, longest=config.text_length, dropout=config.dropout,
    )  # fmt: skip
