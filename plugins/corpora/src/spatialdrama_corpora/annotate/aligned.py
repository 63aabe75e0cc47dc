"""What every aligner gives: phones and words with times, who said so, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import Phone
from spatialdrama_corpora.annotate.symbols import PAUSE
from spatialdrama_corpora.annotate.textgrid import Interval, TextGrid


@attrs.frozen(kw_only=True)
class Aligned:
    """Phones and words of one line in time.

    Attributes
    ----------
    phones : tuple of Phone
        They fill the line from its first sample to its last; silence is ``<SP>``.
    words : tuple of Interval
        As written; pauses are no words.
    method : str
        "voice", "pocketsphinx", "whisper" or "energy".
    confidence : float
        0 to 1. "voice": share of phones that the voice pronounced as the text reads. "whisper":
        mean probability that the recogniser gives the words. "pocketsphinx": share of words with a
        likely length of every phone. "energy": share of the pauses written that were found, at
        most .5.
    typical_error_ms : float
        Median distance of a word's start from the truth, where that was known (14 lines of the
        voice kokoro, English and Mandarin, 241 words); 0 is what the voice itself told.
    note : str
        What else there is to say, such as why a better aligner was not used.
    """

    phones: tuple[Phone, ...] = attrs.field(converter=tuple)
    words: tuple[Interval, ...] = attrs.field(converter=tuple)
    method: str
    confidence: float
    typical_error_ms: float
    note: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.phones[-1].end if self.phones else 0.0

    def textgrid(self) -> TextGrid:
        """Return tiers ``words`` and ``phones``, as MRSDrama has them."""
        phones = [Interval(p.symbol, p.start, p.end) for p in self.phones]
        return TextGrid({"words": self.words, "phones": phones}, end=self.duration)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form with the keys of MRSDrama's items (ph, ph_dur, word, ...)."""
        words = _with_pauses(self.words, self.duration)
        return {
            "ph": [p.symbol for p in self.phones],
            "ph_dur": [p.duration for p in self.phones],
            "word": [w.text for w in words],
            "word_dur": [w.duration for w in words],
            "method": self.method,
            "confidence": round(self.confidence, 3),
            "typical_error_ms": self.typical_error_ms,
            **({"note": self.note} if self.note else {}),
        }

    def __repr__(self) -> str:
        return (
            f"Aligned({len(self.words)} words, {len(self.phones)} phones, {self.method}, "
            f"confidence {self.confidence:.2f})"
        )


def filled(phones: Iterable[Phone], duration: float) -> tuple[Phone, ...]:
    """Return phones that fill `duration`: what lies between them is ``<SP>``, and pauses are one.

    Raises
    ------
    ValidationError
        For phones that overlap.

    Examples
    --------
    >>> [(p.symbol, p.start, p.end) for p in filled([Phone("a", 0.1, 0.2)], 0.3)]
    [('<SP>', 0.0, 0.1), ('a', 0.1, 0.2), ('<SP>', 0.2, 0.3)]
    """
    out: list[Phone] = []

    def add(symbol: str, start: float, end: float) -> None:
        if end - start <= 1e-9:
            return
        if out and out[-1].symbol == symbol == PAUSE:
            out[-1] = Phone(PAUSE, out[-1].start, end)
        else:
            out.append(Phone(symbol, start, end))

    clock = 0.0
    for phone in phones:
        if phone.start < clock - 1e-6:
            raise ValidationError(
                f"phone {phone.symbol!r} begins at {phone.start:.3f} s, before the one in front of "
                f"it ends ({clock:.3f} s)."
            )
        add(PAUSE, clock, phone.start)
        add(phone.symbol, max(phone.start, clock), phone.end)
        clock = max(phone.end, clock)
    add(PAUSE, clock, duration)
    return tuple(out)


def words_of(
    written: Sequence[str], ph2word: Sequence[int], times: Sequence[tuple[float, float] | None]
) -> tuple[Interval, ...]:
    """Return the words, each from its first phone to its last; those without a phone are left out.

    Parameters
    ----------
    written : sequence of str
    ph2word : (k,) word of each phone
    times : (k,) start and end of each phone, None where it was not found
    """
    out = []
    for index, word in enumerate(written):
        mine = [t for t, w in zip(times, ph2word, strict=True) if w == index and t is not None]
        if word != PAUSE and mine:
            out.append(Interval(word, mine[0][0], mine[-1][1]))
    return tuple(out)


def _with_pauses(words: Sequence[Interval], duration: float) -> list[Interval]:
    out: list[Interval] = []
    clock = 0.0
    for word in words:
        if word.start > clock + 1e-6:
            out.append(Interval(PAUSE, clock, word.start))
        out.append(word)
        clock = word.end
    if clock < duration - 1e-6:
        out.append(Interval(PAUSE, clock, duration))
    return out
