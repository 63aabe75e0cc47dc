"""Pronunciation and semantics of a line to z_c (paper 4.2)."""

from __future__ import annotations

import torch
from torch import nn

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import EncoderLayer, RmsNorm, masked

from .config import ContentConfig
from .inventory import LANGUAGES, PHONES, TONES
from .regulator import in_phone, regulate


class ContentEncoder(nn.Module):
    """Phones and what they mean to one state a phone; with durations, to z_c on frames.

    Embeddings of the phone, of its language and tone (options), and the projected semantics are
    added, and a Transformer reads the line.

    Parameters
    ----------
    config
        Its widths, layers and options.

    Example
    -------
    >>> config = ContentConfig(width=8, heads=2, inner=16, layers=1, semantics="none")
    >>> encoder = ContentEncoder(config)
    >>> phones, mask = torch.tensor([[1, 5, 30]]), torch.ones(1, 3, dtype=torch.bool)
    >>> states = encoder(phones, mask, language=torch.ones(1, 3, dtype=torch.long))
    >>> z_c, frame_mask = encoder.stretch(states, torch.tensor([[2, 3, 3]]))
    >>> states.shape, z_c.shape
    (torch.Size([1, 3, 8]), torch.Size([1, 8, 8]))
    """

    def __init__(self, config: ContentConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.phone = nn.Embedding(len(PHONES), width, padding_idx=0)
        self.tone = self.language = self.meaning = self.place = None
        if config.tones == "embedded":
            self.tone = nn.Embedding(len(TONES), width)
        if config.languages:
            self.language = nn.Embedding(len(LANGUAGES), width, padding_idx=0)
        if config.semantics != "none":
            self.meaning = nn.Linear(config.semantics_width, width)
        if config.in_phone:
            self.place = nn.Linear(3, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, config.heads, config.inner, dropout=config.dropout)
            for _ in range(config.layers)
        )
        self.norm = RmsNorm(width, affine=True)

    def forward(
        self,
        phones: torch.Tensor,
        phone_mask: torch.Tensor,
        semantics: torch.Tensor | None = None,
        language: torch.Tensor | None = None,
        tones: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the states (b, k, d); zero outside the mask.

        Parameters
        ----------
        phones, phone_mask
            (b, k) numbers of :data:`~.inventory.PHONES`, (b, k).
        semantics
            (b, k, ds), the states of :func:`~.semantics.expand`; None with semantics "none".
        language, tones
            (b, k) numbers of :data:`~.inventory.LANGUAGES` and :data:`~.inventory.TONES`; needed
            if the config embeds them.

        Raises
        ------
        ValidationError
            If an input that the config asks for is missing, or one is there that it has no use for.
        """
        self._check("semantics", semantics, self.meaning)
        x = self.phone(phones)
        for name, numbers, embedding in (
            ("language", language, self.language),
            ("tones", tones, self.tone),
        ):
            if embedding is not None:
                self._check(name, numbers, embedding)
                x = x + embedding(numbers)
        if self.meaning is not None:
            x = x + self.meaning(masked(semantics, phone_mask))
        x = masked(x, phone_mask)
        for layer in self.layers:
            x = layer(x, phone_mask)
        return masked(self.norm(x), phone_mask)

    def stretch(
        self, states: torch.Tensor, frames: torch.Tensor, total: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return z_c (b, t, d) and its mask (b, t): each state for its frames.

        Parameters
        ----------
        states, frames, total
            As :func:`~.regulator.regulate`. With ``in_phone`` the place of each frame in its phone
            is added.
        """
        z_c, mask = regulate(states, frames, total)
        if self.place is not None:
            z_c = masked(z_c + self.place(in_phone(frames, total, z_c.dtype)), mask)
        return z_c, mask

    def _check(self, name: str, given: torch.Tensor | None, wanted: nn.Module | None) -> None:
        if (given is None) != (wanted is None):
            raise ValidationError(
                f"ContentEncoder: {name} {'must' if wanted is not None else 'must not'} be given "
                f"with this config (semantics={self.config.semantics!r}, "
                f"tones={self.config.tones!r}, languages={self.config.languages})"
            )
