"""Character errors between two texts that are already comparable."""

from __future__ import annotations

from typing import NamedTuple

from spatialdrama.errors import ValidationError


class Edits(NamedTuple):
    """Substitutions, deletions and insertions that turn the reference into the hypothesis.

    ``length`` is the reference's number of characters; :attr:`rate` the edits over it.
    """

    substitutions: int
    deletions: int
    insertions: int
    length: int

    @property
    def rate(self) -> float:
        """Edits per reference character; above 1 when much was inserted."""
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


def _AS_IS(jiwer):
    """A transform that only splits into characters: normalisation is ours and happened."""
    return jiwer.Compose([jiwer.ReduceToListOfListOfChars()])
