"""A line as phones: what every part of the drama that knows of content hands on."""

from __future__ import annotations

import attrs
import numpy as np


@attrs.frozen(eq=False)
class Words:
    """Phones of a line or of a piece of one.

    Attributes
    ----------
    ids : (k,) int
        Of the phones, as the content encoder takes them.
    languages : (k,) int
        Of each phone.
    symbols : tuple of k str
    pauses : tuple of k bool
        Which of them are pauses, where a long line may be cut.
    semantics : (k, ds) float32 or None
        What the text encoder says of the word that each phone belongs to.
    """

    ids: np.ndarray
    languages: np.ndarray
    symbols: tuple[str, ...]
    pauses: tuple[bool, ...]
    semantics: np.ndarray | None = None

    def cut(self, part: slice) -> Words:
        """Return the phones of a piece."""
        return Words(
            self.ids[part],
            self.languages[part],
            self.symbols[part],
            self.pauses[part],
            None if self.semantics is None else self.semantics[part],
        )
