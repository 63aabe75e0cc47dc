"""The whole of a line's content: semantics, encoder, durations, and batches of readings."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import lengths_to_mask

from .config import ContentConfig
from .durations import DurationPredictor
from .encoder import ContentEncoder
from .inventory import LANGUAGES
from .reading import Reading
from .semantics import NoSemantics, Semantics, expand, semantics_of


@attrs.frozen(kw_only=True, eq=False)
class ContentBatch:
    """Readings side by side.

    Parameters
    ----------
    phones, tones, language
        (b, k) numbers of the inventory, 0 in the padding.
    mask
        (b, k).
    spans
        (b, k, 2) characters of each phone in its text.
    texts
        b texts.
    """

    phones: torch.Tensor
    tones: torch.Tensor
    language: torch.Tensor
    mask: torch.Tensor
    spans: torch.Tensor
    texts: tuple[str, ...]

    @classmethod
    def of(cls, readings: Sequence[Reading], device: str | torch.device = "cpu") -> ContentBatch:
        """Pad readings to one length.

        Raises
        ------
        ValidationError
            If there is none.

        Example
        -------
        >>> from spatialdrama_isdrama.content.phones import read
        >>> ContentBatch.of([read("我"), read("我要")]).mask.sum(1)
        tensor([3, 4])
        """
        if not readings:
            raise ValidationError("a batch needs readings; got none")

        def padded(rows: list) -> torch.Tensor:
            return pad_sequence([torch.tensor(row) for row in rows], batch_first=True).to(device)

        lengths = torch.tensor([len(reading) for reading in readings], device=device)
        return cls(
            phones=padded([r.phones for r in readings]),
            tones=padded([r.tones for r in readings]),
            language=padded([[LANGUAGES.index(code) for code in r.languages] for r in readings]),
            mask=lengths_to_mask(lengths),
            spans=padded([r.spans for r in readings]),
            texts=tuple(r.text for r in readings),
        )


class Content(nn.Module):
    """Encoder and duration predictor, with the semantics that the config names.

    Parameters
    ----------
    config
        Of all of them.
    semantics
        In place of the config's, of the same width. One that is a module is trained with the rest
        and saved with it; a BERT stays frozen and outside the weights.

    Raises
    ------
    ValidationError
        If the semantics have another width than the config says.

    Example
    -------
    >>> from spatialdrama_isdrama.content.phones import read
    >>> config = ContentConfig(
    ...     width=8, heads=2, inner=16, layers=1, semantics="characters", semantics_width=8
    ... )
    >>> content = Content(config).eval()
    >>> batch = content.batch([read("我有女儿。")])
    >>> z_c, mask = content.z_c(batch, totals=torch.tensor([40]))
    >>> z_c.shape, int(mask.sum())
    (torch.Size([1, 40, 8]), 40)
    """

    def __init__(self, config: ContentConfig, semantics: Semantics | None = None):
        super().__init__()
        self.config = config
        self.encoder = ContentEncoder(config)
        self.durations = DurationPredictor(config)
        meaning = semantics_of(config) if semantics is None else semantics
        wanted = 0 if config.semantics == "none" else config.semantics_width
        if meaning.width != wanted:
            raise ValidationError(
                f"the semantics {meaning.name!r} are {meaning.width} wide, the config says "
                f"{wanted}; set semantics_width"
            )
        self.semantics = meaning if isinstance(meaning, nn.Module) else None
        self._source = [meaning]

    @property
    def source(self) -> Semantics:
        """The semantics, trained or not; ``content.source.to("cuda")`` moves a BERT."""
        return self._source[0]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.phone.weight.device

    def batch(self, readings: Sequence[Reading]) -> ContentBatch:
        """Return readings side by side, where the weights are."""
        return ContentBatch.of(readings, self.device)

    def meaning(self, batch: ContentBatch) -> torch.Tensor | None:
        """Return the semantic state of each phone (b, k, ds); None without semantics."""
        semantics = self.source
        if isinstance(semantics, NoSemantics):
            return None
        if hasattr(semantics, "batch"):
            states, mask = semantics.batch(list(batch.texts))
        else:
            rows = [semantics.states(text).to(self.device) for text in batch.texts]
            mask = lengths_to_mask(torch.tensor([len(r) for r in rows], device=self.device))
            states = pad_sequence(rows, batch_first=True)
        return expand(states, mask, batch.spans)

    def forward(self, batch: ContentBatch) -> torch.Tensor:
        """Return the states (b, k, d)."""
        return self.encoder(
            batch.phones,
            batch.mask,
            self.meaning(batch),
            batch.language if self.config.languages else None,
            batch.tones if self.config.tones != "none" else None,
        )

    @torch.no_grad()
    def z_c(
        self, batch: ContentBatch, *, totals: torch.Tensor | None = None, rate: float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return z_c (b, t, d) and its mask (b, t) with predicted durations.

        Parameters
        ----------
        batch
            What is said.
        totals
            (b,) frames of each line, from its pose or video; below 1 or None: as predicted.
        rate
            Factor of speed.
        """
        states = self(batch)
        frames = self.durations.frames_of(
            self.durations(states, batch.mask),
            batch.mask,
            totals=totals,
            rate=rate,
            language=batch.language,
        )
        return self.encoder.stretch(states, frames)
