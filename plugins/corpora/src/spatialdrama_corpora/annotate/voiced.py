"""The times that a voice knows, on the phones of the annotation: exact, nothing is estimated.

The voice ``kokoro`` tells finer sounds than MRSDrama's phones: a Mandarin final is up to three of
them, spaces between words last, tones and stresses are marks. The text's phones are laid over them
by the cheapest edits.

What the voice tells is what its decoder was asked for. Its sound comes 50 ms earlier (14 lines in
both languages: first sounds 35 ms, sounds after pauses 55 ms, words by PocketSphinx 65 ms), and the
last sound before a pause fades out 0.1 to 0.8 s before it is said to end. Both are mended against
the samples unless that is declined.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from spatialdrama.errors import ValidationError
from spatialdrama.types import Phone, Speech
from spatialdrama_corpora.annotate.activity import HOP, SHORTEST_GAP, active, stretches
from spatialdrama_corpora.annotate.aligned import Aligned, filled, words_of
from spatialdrama_corpora.annotate.phones import FrontEnd, Reading, phones_of
from spatialdrama_corpora.annotate.symbols import (
    FROM_MISAKI,
    MARKS,
    PAUSE,
    PAUSES,
    SOUNDS,
    language_of,
)

#: s; a space between two words that lasts longer is a pause, a shorter one goes to its neighbours.
SHORTEST_PAUSE: Final = 0.125
#: s by which the sound of the voice kokoro comes before its times: two of its frames.
LAG: Final = 0.05
#: ms; what is left between these times and PocketSphinx's, on English lines.
_SETTLED_MS = 15.0
#: dB below the loud frames at which a voice that nothing disturbs has faded out.
_FADED = 42.0
#: s; no sound is shorter than a frame of the voice.
_LEAST = 0.025
_SILENT = ("sil", PAUSE, "")
#: Most sounds that one phone is: "ɥ", "ɛ", "n" of the final van, and one that was inserted.
_MOST = 4


def from_voice(
    speech: Speech,
    reading: Reading | None = None,
    *,
    front_end: FrontEnd | None = None,
    settle: bool = True,
) -> Aligned:
    """Return the phones of a spoken line with the voice's own times.

    Parameters
    ----------
    speech : Speech
        With phones: of the voice ``kokoro``, or in the annotation's symbols already.
    reading : Reading, optional
        Default: of ``speech.text``.
    front_end : callable, optional
        See :func:`.phones.phones_of`.
    settle : bool
        Mend what the voice kokoro tells late, see :func:`settled`; False keeps its numbers. Times
        of other voices, and of people, are never changed.

    Raises
    ------
    ValidationError
        When the voice told no phones.

    Examples
    --------
    >>> import numpy as np
    >>> said = Speech(np.zeros(7200), 24_000, text="我", language="zh",
    ...               phones=[Phone("sil", 0, .1), Phone("w", .1, .15), Phone("o↓", .15, .3)])
    >>> told = from_voice(said).to_dict()
    >>> told["ph"], told["ph_dur"]
    (['<SP>', 'uo'], [0.1, 0.2])
    """
    if not speech.phones:
        raise ValidationError(
            f"the voice of {speech.text[:40]!r} told no phones; use another method of align()."
        )
    if reading is None:
        reading = phones_of(speech.text, speech.language.split("+")[0], front_end=front_end)
    wanted = [(p, w) for p, w in zip(reading.phones, reading.ph2word, strict=True) if p != PAUSE]
    sounds = _sounds(speech.phones)
    spans, wrong = _lay([p for p, _ in wanted], [_plain(s.symbol) for s in sounds])
    mend = settle and speech.provenance.get("voice") == "kokoro"
    if mend:
        sounds = settled(sounds, speech)
    times = [(sounds[a].start, sounds[b - 1].end) if b > a else None for a, b in spans]
    found = [Phone(p, *t) for (p, _), t in zip(wanted, times, strict=True) if t is not None]
    return Aligned(
        phones=filled(found, max(speech.phones[-1].end, speech.duration)),
        words=words_of(reading.words, [w for _, w in wanted], times),
        method="voice",
        confidence=1 - wrong / max(len(wanted), 1),
        typical_error_ms=_SETTLED_MS if mend else 0.0,
    )


def settled(sounds: Sequence[Phone], speech: Speech) -> list[Phone]:
    """Return sounds where they are heard: earlier by the lag of kokoro, and ended by silence.

    Parameters
    ----------
    sounds : sequence of Phone
        Without pauses, in order.
    speech : Speech
        Of the voice ``kokoro``.
    """
    moved = [Phone(p.symbol, max(p.start - LAG, 0.0), max(p.end - LAG, 0.0)) for p in sounds]
    flags = active(speech.samples, speech.rate, below=_FADED)
    if not flags.any():
        return moved
    quiet = [(a * HOP, b * HOP) for a, b in stretches(~flags) if (b - a) * HOP >= SHORTEST_GAP]
    for i, p in enumerate(moved):
        if i + 1 < len(moved) and moved[i + 1].start <= p.end + 1e-6:
            continue  # no pause behind it
        limit = moved[i + 1].start if i + 1 < len(moved) else speech.duration
        fades = [a for a, b in quiet if a < p.end and b > p.end - LAG and b <= limit + 0.2]
        if fades:
            moved[i] = Phone(p.symbol, p.start, max(min(p.end, fades[-1]), p.start + _LEAST))
    return [Phone(p.symbol, round(p.start, 6), round(p.end, 6)) for p in moved]


def _sounds(phones: Sequence[Phone]) -> list[Phone]:
    """The sounds, short spaces shared by their neighbours; longer ones and marks are pauses."""
    out: list[Phone] = []
    owed = 0.0
    gap = True  # whether a pause stands between the last sound and this place
    for phone in phones:
        plain = _plain(phone.symbol)
        if plain.strip("\"'“”‘’() "):
            if phone.symbol in _SILENT or plain[0] in PAUSES:
                gap, owed = True, 0.0
                continue
            out.append(Phone(phone.symbol, phone.start - owed, phone.end))
            gap, owed = False, 0.0
        elif phone.duration >= SHORTEST_PAUSE or gap or not out:
            gap, owed = True, 0.0
        else:
            half = round(phone.duration / 2, 9)
            out[-1] = Phone(out[-1].symbol, out[-1].start, out[-1].end + half)
            owed = phone.duration - half
    return out


def _plain(symbol: str) -> str:
    """A sound without its marks; silence stays what it is."""
    if symbol in _SILENT:
        return symbol or " "
    return "".join(c for c in symbol if c not in MARKS) or " "


def _lay(wanted: Sequence[str], sounds: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """Cut the sounds into one stretch a phone, at the least cost; count phones that differ."""
    rows, columns = len(wanted), len(sounds)
    far = float("inf")
    cost = [[far] * (columns + 1) for _ in range(rows + 1)]
    back = [[0] * (columns + 1) for _ in range(rows + 1)]
    cost[0][0] = 0.0
    # A line of n phones has about as many sounds, in order: cells far off the diagonal are skipped.
    slack = max(40, abs(columns - rows) + 40)
    for i in range(1, rows + 1):
        centre = round(i * columns / rows)
        for j in range(max(0, centre - slack), min(columns, centre + slack) + 1):
            for k in range(0, min(_MOST, j) + 1):
                before = cost[i - 1][j - k]
                if before == far:
                    continue
                price = before + _price(wanted[i - 1], "".join(sounds[j - k : j]))
                if price < cost[i][j]:
                    cost[i][j], back[i][j] = price, k
    spans: list[tuple[int, int]] = []
    wrong, j = 0, columns
    if cost[rows][columns] == far:
        raise ValidationError(
            f"the voice told {columns} sounds, the text has {rows} phones; they do not belong "
            "together."
        )
    for i in range(rows, 0, -1):
        k = back[i][j]
        wrong += _price(wanted[i - 1], "".join(sounds[j - k : j])) > 0.5
        spans.append((j - k, j))
        j -= k
    return spans[::-1], wrong


@lru_cache(maxsize=65536)
def _price(phone: str, sounds: str) -> float:
    """Edits between what a phone sounds like and what was told."""
    if sounds == phone:  # told in the annotation's own symbols
        return 0.0
    if language_of(phone) == "en":
        told = [FROM_MISAKI.get(c, c) for c in sounds]
        if not told:
            return 1.5
        return (0.0 if phone in told else 1.0) + (len(told) - 1)
    expected = SOUNDS.get(phone, phone)
    allowed = {expected, *_ALSO.get(phone, ())}
    return min(_edits(a, sounds) for a in allowed)


#: Other ways in which the voice writes a final.
_ALSO: Final = {
    **{"i": ("ɨ",), "o": ("ɔ",), "iou": ("jɔ",), "ei": ("ɛ",), "en": ("n", "m", "ŋ")},
    **{"u": ("w",)},  # of the rare syllable weng, in two phones
}


def _edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]
