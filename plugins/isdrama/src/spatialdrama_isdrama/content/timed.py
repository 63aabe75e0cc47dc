"""Phones with times: what a voice or a corpus says was spoken, on the model's inventory.

A voice's sounds are finer than the inventory (a Mandarin final is up to three of them) and have
spaces between words that last. Both are joined here; no sample is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types.script import Phone

from . import inventory
from .align import aligned, spread
from .kokoro import SILENCE as KOKORO_SILENCE
from .kokoro import parse
from .reading import Reading

RATE = 24_000


@attrs.frozen(kw_only=True)
class Timed:
    """Phones of a spoken line with their lengths.

    Parameters
    ----------
    symbols, tones, languages
        (k,) as in :class:`~.reading.Reading`.
    durations
        (k,) whole samples; their sum is the end of the last phone.
    rate
        Samples a second.
    """

    symbols: tuple[str, ...]
    tones: tuple[int, ...]
    languages: tuple[str, ...]
    durations: tuple[int, ...]
    rate: int


def timed_of(
    phones: Sequence[Phone],
    *,
    rate: int = RATE,
    reading: Reading | None = None,
    pause: float = 0.125,
) -> Timed:
    """Return a line's phones on the inventory, with lengths that sum to the end of the last.

    Two notations are understood: the inventory's own (finals may bear a tone, vowels a stress), as
    in MRSDrama, and that of the voice ``kokoro`` (misaki's alphabet, tone arrows, "sil").

    Parameters
    ----------
    phones
        With times in seconds; between them there may be gaps, which are silence, no overlaps.
    rate
        Times are rounded to samples of this rate; for ``kokoro`` 24000 is exact.
    reading
        What the text is read as; where sounds can be cut into Mandarin syllables in two ways, the
        way that agrees with it is taken.
    pause
        Seconds from which a space between two words of ``kokoro`` is a pause. A shorter one is
        shared by its neighbours. In fluent lines spaces last 25 to 100 ms (70 spaces of six lines
        by six identities), so the default makes none of them one.

    Raises
    ------
    ValidationError
        For times that run backwards, and for symbols of neither notation.

    Example
    -------
    >>> line = [Phone("sil", 0.0, 0.1), Phone("w", 0.1, 0.15), Phone("o↓", 0.15, 0.3)]
    >>> said = timed_of(line)
    >>> said.symbols, said.tones, said.durations
    (('<SP>', 'uo'), (0, 3), (2400, 4800))
    """
    pieces = _without_gaps(phones, rate)
    own = [inventory.split_tone(symbol) for symbol, _ in pieces]
    if KOKORO_SILENCE not in {symbol for symbol, _ in pieces} and None not in own:
        found = [(*toned, n) for toned, (_, n) in zip(own, pieces, strict=True) if toned]
        found = [(s, t, inventory.language_of(s), n) for s, t, n in _one_pause(found)]
    else:
        found = parse(pieces, reading=reading, shortest_pause=round(pause * rate))
    symbols, tones, languages, durations = zip(*found, strict=True)
    return Timed(
        symbols=symbols,
        tones=tones,
        languages=_filled(languages),
        durations=durations,
        rate=rate,
    )


def timed_reading(reading: Reading | str, timed: Timed) -> Reading:
    """Return a reading with the phones that were spoken and the words that were written.

    Parameters
    ----------
    reading
        What the text is read as: each spoken phone goes to the word of the phone that it stands
        for, by the cheapest edits. A plain text instead: words are spread evenly over the phones.
    timed
        What was spoken.

    Example
    -------
    >>> from spatialdrama_isdrama.content.phones import read
    >>> said = timed_of([Phone("uo", 0.0, 0.2), Phone("<SP>", 0.2, 0.3), Phone("iao", 0.3, 0.5)])
    >>> both = timed_reading(read("我要"), said)
    >>> both.symbols, [both.text[start:end] for start, end in both.spans]
    (('uo', '<SP>', 'iao'), ['我', '', '要'])
    """
    if isinstance(reading, str):
        text, words, ph2word = reading, *spread(reading, timed.symbols)
    else:
        text, words, ph2word = reading.text, *aligned(reading, timed.symbols)
    return Reading(
        text=text,
        symbols=timed.symbols,
        tones=timed.tones,
        languages=timed.languages,
        words=words,
        ph2word=ph2word,
    )


def to_frames(timed: Timed, *, rate: int, hop: int, total: int | None = None) -> np.ndarray:
    """Return the mel frames of each phone; they sum to `total`.

    Frame i is centred on sample i * hop, and belongs to the phone that sounds there; what lies
    behind the last phone is its own. So rounding errors never add up.

    Parameters
    ----------
    timed
        At any rate.
    rate, hop
        Of the mel: 48000 and 256 in the paper.
    total
        Frames of the mel; those of a centred transform without it, 1 + samples // hop.

    Returns
    -------
    (k,) int64
        A phone shorter than a hop may have none.

    Example
    -------
    >>> said = timed_of([Phone("uo", 0.0, 0.1), Phone("<SP>", 0.1, 0.2)])
    >>> to_frames(said, rate=48_000, hop=256)
    array([19, 19])
    """
    ends = np.cumsum(np.asarray(timed.durations, np.int64)) * rate
    if total is None:
        total = 1 + int(ends[-1]) // (hop * timed.rate)
    # Sample i * hop of the mel lies before an end if i * hop * timed.rate < end * rate: whole
    # numbers only, so that no rounding decides.
    step = hop * timed.rate
    before = np.minimum(-(-ends // step), total)
    before[-1] = total
    return np.diff(before, prepend=0)


def _without_gaps(phones: Sequence[Phone], rate: int) -> list[tuple[str, int]]:
    pieces: list[tuple[str, int]] = []
    at = 0
    for phone in phones:
        start, end = round(phone.start * rate), round(phone.end * rate)
        if start < at or end < start:
            raise ValidationError(
                f"the phone {phone.symbol!r} goes from {phone.start} to {phone.end} s, but the "
                f"phones before it end at {at / rate:g} s; give phones in order, without overlaps"
            )
        if start > at:
            pieces.append((inventory.SILENCE, start - at))
        pieces.append((phone.symbol, end - start))
        at = end
    if not pieces:
        raise ValidationError("a spoken line has phones; got none")
    return pieces


def _one_pause(found: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Pauses that follow each other, as one."""
    joined: list[tuple[str, int, int]] = []
    for symbol, tone, n in found:
        if joined and symbol == joined[-1][0] == inventory.SILENCE:
            joined[-1] = (symbol, tone, joined[-1][2] + n)
        else:
            joined.append((symbol, tone, n))
    return joined


def _filled(languages: Sequence[str]) -> tuple[str, ...]:
    """Give pauses the language before them, the first ones that behind."""
    current = next(filter(None, languages), "zh")
    filled = []
    for language in languages:
        current = language or current
        filled.append(current)
    return tuple(filled)
