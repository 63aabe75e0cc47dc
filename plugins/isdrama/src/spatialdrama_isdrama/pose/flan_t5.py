"""FLAN-T5 as the reader of prompts (4.2; Chung et al. 2024), by transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from spatialdrama.errors import ValidationError

from .pretrained import load_pretrained, missing_width
from .texts import checked_texts


class FlanT5:
    """The encoder half of a T5, frozen; loaded from a folder or a hub when first used.

    It is no part of the pose encoder's weights: a checkpoint names it (`text_model`) and does not
    carry it.

    Parameters
    ----------
    model
        A local folder, or a hub name such as "google/flan-t5-large".
    width
        What the model gives a token (large: 1024, base: 768, small: 512).
    longest
        Tokens; the rest of a prompt is cut (the authors' other models: 80).
    device
        Where it runs; `to` moves it.

    Examples
    --------
    >>> FlanT5("google/flan-t5-large")
    FlanT5('google/flan-t5-large')
    """

    def __init__(self, model: str, *, width: int = 1024, longest: int = 80, device: Any = "cpu"):
        self.model, self.width, self.longest = model, width, longest
        self.device = torch.device(device)
        self._loaded: Any = None

    def __repr__(self) -> str:
        return f"FlanT5({self.model!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def to(self, device: Any) -> FlanT5:
        """Move it, and return it."""
        self.device = torch.device(device)
        if self._loaded is not None:
            self._loaded[1].to(self.device)
        return self

    def __call__(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last hidden states (b, s, d) and the mask (b, s), without gradient.

        Raises
        ------
        ValidationError
            Without transformers or the model, saying what to do; or for another width.
        """
        texts = checked_texts(texts)
        tokenizer, model = self._load()
        batch = tokenizer(
            texts, padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(self.device)
        with torch.no_grad():
            states = model(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
            ).last_hidden_state
        return states, batch["attention_mask"].bool()

    def _load(self) -> Any:
        if self._loaded is None:
            tokenizer, model = load_pretrained(
                self.model, ("AutoTokenizer", "T5EncoderModel"), "text_condition='hashed'"
            )
            if model.config.d_model != self.width:
                raise ValidationError(missing_width(self.model, "text_width", model.config.d_model))
            self._loaded = tokenizer, model.to(self.device).eval().requires_grad_(False)
        return self._loaded
