"""What should be heard against what was heard: an error rate of texts, without any sound."""

from __future__ import annotations

from typing import Any

import attrs

from spatialdrama_metrics.functional.edits import Edits, character_errors, token_errors
from spatialdrama_metrics.text import pinyin
from spatialdrama_metrics.text.normalise import normalise


@attrs.frozen(kw_only=True)
class TextErrors:
    """Two normalised texts and the edits between them.

    ``edits`` by character; ``tones`` and ``syllables`` by Mandarin syllable with and without its
    tone, None where the reference has no Mandarin or pypinyin is not installed.
    """

    reference: str
    hypothesis: str
    edits: Edits
    tones: Edits | None = None
    syllables: Edits | None = None

    @property
    def rate(self) -> float:
        """Character error rate."""
        return self.edits.rate

    def details(self) -> dict[str, Any]:
        """What a score says about itself."""
        out: dict[str, Any] = {
            "reference": self.reference,
            "hypothesis": self.hypothesis,
            "substitutions": self.edits.substitutions,
            "deletions": self.edits.deletions,
            "insertions": self.edits.insertions,
        }
        if self.tones is not None and self.syllables is not None:
            out |= {"tone_pinyin": self.tones.rate, "pinyin": self.syllables.rate}
        elif pinyin.has_mandarin(self.reference):
            out["tone_pinyin_note"] = "type: pip install 'spatialdrama-metrics[pinyin]'"
        if not self.hypothesis:
            out["note"] = "nothing was recognised"
        return out


def compare(
    reference: str,
    heard: str,
    *,
    language: str | None = None,
    heard_language: str | None = None,
) -> TextErrors:
    """Compare a script's words with a transcript's.

    Both are normalised (:func:`spatialdrama_metrics.text.normalise`: simplified characters,
    numbers as words, no case, punctuation or spaces).

    Parameters
    ----------
    reference : str
        What should be heard.
    heard : str
        What was heard; may be empty.
    language, heard_language : str, optional
        Read numbers that stand alone; the second one defaults to the first.

    Returns
    -------
    TextErrors

    Raises
    ------
    ValidationError
        The reference has nothing to say.

    Examples
    --------
    >>> errors = compare("誰在那裡？", "谁在哪里。")
    >>> errors.rate, errors.edits.substitutions
    (0.25, 1)
    """
    wanted = normalise(reference, language=language)
    got = normalise(heard, language=heard_language or language)
    edits = character_errors(wanted, got)
    if not (pinyin.has_mandarin(wanted) and pinyin.available()):
        return TextErrors(reference=wanted, hypothesis=got, edits=edits)
    tones, plain = (
        token_errors(pinyin.syllables(wanted, tones=t), pinyin.syllables(got, tones=t))
        for t in (True, False)
    )
    return TextErrors(reference=wanted, hypothesis=got, edits=edits, tones=tones, syllables=plain)


def cer(reference: str, heard: str, *, language: str | None = None) -> float:
    """Character error rate of two texts as they are written.

    Parameters
    ----------
    reference, heard : str
    language : str, optional
        Reads numbers that stand alone.

    Returns
    -------
    float
        0 is perfect, 1 when nothing was heard, above 1 when much is made up.

    Raises
    ------
    ValidationError
        The reference has nothing to say.

    Examples
    --------
    >>> cer("Who's there?", "whos their"), cer("Who's there?", "")
    (0.2222222222222222, 1.0)
    """
    return compare(reference, heard, language=language).rate
