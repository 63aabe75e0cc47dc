"""Semantics by BERT (paper C.1; Devlin et al. 2018), word pieces spread over their characters."""

from __future__ import annotations

from typing import Any

import torch

from spatialdrama.errors import ValidationError

from .mandarin import HAN


class Bert:
    """BERT's last hidden states, frozen; opened when they are first asked for.

    Parameters
    ----------
    zh, en
        A local folder (as ``save_pretrained`` writes it) or a hub name for each language. A text
        with Han characters in it is read by the Chinese one, which knows Latin word pieces too.
    width
        What the model was built for; BERT-base has 768.
    device
        Where it runs.

    Raises
    ------
    ValidationError
        When it is asked for states: if transformers is not installed, a folder holds no BERT or one
        of another width, or a text is longer than it can read.

    Notes
    -----
    Nothing is downloaded unless a hub name is given and the hub can be reached; offline, give a
    folder.

    Example
    -------
    >>> bert = Bert(zh="bert-base-chinese", en="bert-base-uncased")
    >>> bert.states("你好，世界。").shape                          # doctest: +SKIP
    torch.Size([6, 768])
    """

    name = "bert"

    def __init__(self, *, zh: str, en: str, width: int = 768, device: str = "cpu"):
        self.width, self.device = width, device
        self.sources = {"zh": zh, "en": en}
        self._open: dict[str, tuple[Any, Any]] = {}

    def to(self, device: str | torch.device) -> Bert:
        """Run there from now on."""
        self.device = str(device)
        for _, model in self._open.values():
            model.to(device)
        return self

    @torch.no_grad()
    def states(self, text: str, language: str | None = None) -> torch.Tensor:
        """Return (c, d): each character has the state of the word piece that it is part of.

        Characters that BERT leaves out, such as spaces, have zeros.
        """
        kind = "zh" if HAN.search(text) or language == "zh" else "en"
        tokenizer, model = self._load(kind)
        read = tokenizer(
            text, return_offsets_mapping=True, return_tensors="pt", add_special_tokens=True
        )
        offsets = read.pop("offset_mapping")[0].tolist()
        longest = model.config.max_position_embeddings
        if len(offsets) > longest:
            raise ValidationError(
                f"a line of {len(offsets)} word pieces is longer than the {longest} that "
                f"{self.sources[kind]} reads; split it"
            )
        hidden = model(**read.to(self.device)).last_hidden_state[0]
        states = hidden.new_zeros(len(text), self.width)
        for (start, end), row in zip(offsets, hidden, strict=True):
            states[start:end] = row  # the marks around a text have an empty span
        return states

    def _load(self, kind: str) -> tuple[Any, Any]:
        if kind not in self._open:
            self._open[kind] = self._read(self.sources[kind])
        return self._open[kind]

    def _read(self, source: str) -> tuple[Any, Any]:
        try:
            from transformers import AutoTokenizer, BertModel
        except ImportError as error:
            raise ValidationError(
                "the semantics 'bert' need transformers: pip install "
                "'spatialdrama-isdrama[transformers]'; or use semantics='characters'"
            ) from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True)
            model = BertModel.from_pretrained(source, add_pooling_layer=False, use_safetensors=True)
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValidationError(
                f"no BERT could be read from {source!r}: {reason} Give a folder with config.json, "
                "vocab.txt and model.safetensors"
            ) from error
        if model.config.hidden_size != self.width:
            raise ValidationError(
                f"the BERT in {source!r} is {model.config.hidden_size} wide, the model was built "
                f"for {self.width}; set semantics_width={model.config.hidden_size}"
            )
        return tokenizer, model.eval().requires_grad_(False).to(self.device)
