"""Phones over the energy of a line: the aligner that is always there, and the roughest one.

Pauses that are written are laid on pauses that are heard, in order, where they agree best; between
them phones share the time in which somebody speaks, vowels longer than consonants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Phone
from spatialdrama_corpora.annotate.activity import HOP, active, gaps, stretches
from spatialdrama_corpora.annotate.aligned import Aligned, filled, words_of
from spatialdrama_corpora.annotate.phones import Reading
from spatialdrama_corpora.annotate.symbols import HELD, PAUSE

#: ms; median error of word starts, measured on lines of the voice kokoro.
TYPICAL_ERROR_MS: Final = 45.0
#: Mean length of a vowel or final over that of a consonant, in lines of the voice kokoro.
_HELD = 1.7
#: Cost of a written pause that is not heard, in shares of the line; of a heard one not written.
_UNHEARD, _UNWRITTEN = 0.08, 0.04


def by_energy(samples: Any, rate: int, reading: Reading, *, note: str = "") -> Aligned:
    """Return the phones of a line, spread over its energy.

    Parameters
    ----------
    samples : (n,) or (2, n) float
        One line, with little around it.
    rate : int, Hz
    reading : Reading
        What is said.

    Raises
    ------
    ValidationError
        For silence.
    """
    flags = active(samples, rate)
    if not flags.any():
        raise ValidationError("the line is silent: there is nothing to align its phones with.")
    duration = np.shape(samples)[-1] / rate
    clock = _Clock(flags)
    written = _written_pauses(reading)
    heard = gaps(flags)
    pairs = _matched(written, [clock.share(a) for a, _ in heard])
    anchors = [0.0, *(clock.share(heard[g][0]) for _, g in pairs), 1.0]
    marks = [0.0, *(written[w] for w, _ in pairs), 1.0]
    times = _times(reading, clock, marks, anchors, duration)
    found = [Phone(p, *t) for p, t in zip(reading.phones, times, strict=True) if t is not None]
    inner = [w for w in written if w < 0.999]
    return Aligned(
        phones=filled(found, duration),
        words=words_of(reading.words, reading.ph2word, times),
        method="energy",
        confidence=0.5 * (len(pairs) / len(inner) if inner else 1.0),
        typical_error_ms=TYPICAL_ERROR_MS,
        note=note,
    )


def weights(phones: Sequence[str]) -> np.ndarray:
    """Return how long each phone is expected to be, relative to a consonant; pauses are 0.

    Examples
    --------
    >>> weights(["n", "v", "<SP>"]).tolist()
    [1.0, 1.7, 0.0]
    """
    return np.array([0.0 if p == PAUSE else _HELD if p in HELD else 1.0 for p in phones])


def within(phones: Sequence[str], start: float, end: float, flags: np.ndarray) -> list[Phone]:
    """Return phones that fill what is active between two times, in s; all of it if nothing is.

    Examples
    --------
    >>> [p.end for p in within(["b", "p"], 0.0, 1.0, np.ones(100, bool))]
    [0.5, 1.0]
    """
    first, last = round(start / HOP), max(round(end / HOP), round(start / HOP) + 1)
    loud = np.flatnonzero(flags[first:last])
    if len(loud):
        start = max(start, (first + loud[0]) * HOP)
        end = min(end, (first + loud[-1] + 1) * HOP)
    edges = np.concatenate([[0.0], np.cumsum(weights(phones))])
    edges = start + (end - start) * edges / max(edges[-1], 1e-9)
    return [
        Phone(p, round(float(a), 6), round(float(b), 6))
        for p, a, b in zip(phones, edges[:-1], edges[1:], strict=True)
    ]


class _Clock:
    """Time in which somebody speaks, as a share of all of it, and back."""

    def __init__(self, flags: np.ndarray) -> None:
        spoken = flags.copy()
        first, last = stretches(flags)[0][0], stretches(flags)[-1][1]
        spoken[first:last] = True
        for a, b in gaps(flags):
            spoken[round(a / HOP) : round(b / HOP)] = False
        self._edges = np.arange(len(flags) + 1) * HOP
        counted = np.concatenate([[0.0], np.cumsum(spoken)])
        self._share = counted / counted[-1]

    def share(self, time: float) -> float:
        return float(np.interp(time, self._edges, self._share))

    def time(self, share: float, *, late: bool) -> float:
        """When that share has been spoken; at a pause its start, or its end if `late`."""
        side = "right" if late else "left"
        i = int(np.searchsorted(self._share, share + (1e-9 if late else -1e-9), side=side))
        i = min(max(i, 1), len(self._share) - 1)
        low, high = self._share[i - 1], self._share[i]
        inside = (share - low) / (high - low) if high > low else 0.0
        return float((i - 1 + np.clip(inside, 0, 1)) * HOP)


def _written_pauses(reading: Reading) -> list[float]:
    """Where pauses stand in the text, as shares of what is said."""
    said = np.concatenate([[0.0], np.cumsum(weights(reading.phones))])
    places = [i for i, p in enumerate(reading.phones) if p == PAUSE]
    return [float(said[i] / said[-1]) for i in places]


def _matched(written: Sequence[float], heard: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs of a written and a heard pause, in order, at the least cost."""
    rows, columns = len(written), len(heard)
    cost = np.zeros((rows + 1, columns + 1))
    cost[1:, 0] = _UNHEARD * np.arange(1, rows + 1)
    cost[0, 1:] = _UNWRITTEN * np.arange(1, columns + 1)
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            cost[i, j] = min(
                cost[i - 1, j - 1] + abs(written[i - 1] - heard[j - 1]),
                cost[i - 1, j] + _UNHEARD,
                cost[i, j - 1] + _UNWRITTEN,
            )
    pairs, i, j = [], rows, columns
    while i and j:
        if np.isclose(cost[i, j], cost[i - 1, j - 1] + abs(written[i - 1] - heard[j - 1])):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif np.isclose(cost[i, j], cost[i - 1, j] + _UNHEARD):
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _times(
    reading: Reading,
    clock: _Clock,
    marks: Sequence[float],
    anchors: Sequence[float],
    duration: float,
) -> list[tuple[float, float] | None]:
    said = np.concatenate([[0.0], np.cumsum(weights(reading.phones))])
    shares = np.interp(said / said[-1], marks, anchors)
    times: list[tuple[float, float] | None] = []
    for i, phone in enumerate(reading.phones):
        if phone == PAUSE:
            times.append(None)
            continue
        start = round(clock.time(shares[i], late=True), 6)
        # The last frame reaches beyond the last sample.
        end = round(min(clock.time(shares[i + 1], late=False), duration), 6)
        times.append((start, max(end, start)))
    return times
