"""Edits between two texts that are already comparable: by character, or by any other token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from spatialdrama.errors import ValidationError


class Edits(NamedTuple):
    """Substitutions, deletions and insertions that turn the reference into the hypothesis.

    ``length`` is the reference's number of tokens; :attr:`rate` the edits over it.
    """

    substitutions: int
    deletions: int
    insertions: int
    length: int

    @property
    def rate(self) -> float:
        """Edits per reference token; above 1 when much was inserted."""
        return (self.substitutions + self.deletions + self.insertions) / self.length


def character_errors(reference: str, hypothesis: str) -> Edits:
    """Count the fewest edits between two texts, character by character (Levenshtein 1966).

    Parameters
    ----------
    reference, hypothesis : str
        Normalised (see :func:`spatialdrama_metrics.text.normalise`).

    Returns
    -------
    Edits

    Raises
    ------
    ValidationError
        An empty reference has no rate.

    Examples
    --------
    >>> character_errors("whosthere", "whostheir").rate.__round__(3)
    0.222
    >>> character_errors("你好", "").rate
    1.0
    """
    if not reference:
        raise ValidationError(
            "the reference text is empty after normalisation, so no error rate exists; "
            "give the line words"
        )
    import jiwer

    if not hypothesis:  # jiwer counts it, too, but warns
        return Edits(0, len(reference), 0, len(reference))
    out = jiwer.process_characters(
        reference,
        hypothesis,
        reference_transform=_AS_IS(jiwer),
        hypothesis_transform=_AS_IS(jiwer),
    )
    return Edits(out.substitutions, out.deletions, out.insertions, len(reference))


def token_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    """Count the fewest edits between two sequences of tokens, such as syllables.

    Parameters
    ----------
    reference, hypothesis : sequence of str
        Tokens; none is empty or holds a space.

    Returns
    -------
    Edits

    Raises
    ------
    ValidationError
        An empty reference has no rate.

    Examples
    --------
    >>> token_errors(["ni3", "hao3", "ma5"], ["ni3", "hao4"])
    Edits(substitutions=1, deletions=1, insertions=0, length=3)
    """
    if not reference:
        raise ValidationError("there are no reference tokens, so no error rate exists")
    import jiwer

    if not hypothesis:
        return Edits(0, len(reference), 0, len(reference))
    out = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return Edits(out.substitutions, out.deletions, out.insertions, len(reference))


def _AS_IS(jiwer):
    """A transform that only splits into characters: normalisation is ours and happened."""
    return jiwer.Compose([jiwer.ReduceToListOfListOfChars()])
