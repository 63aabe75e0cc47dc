"""What every recogniser shares: 16 kHz parts that end in pauses, silence left out, texts joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.active import frame_levels_db
from spatialdrama.dsp.level import rms_db
from spatialdrama_metrics.recognise.features import RATE, to_16k

#: dBFS; a network asked what silence says makes something up.
SILENT_DB = -70.0


class Heard(NamedTuple):
    """``text`` as recognised; ``language`` decoded in; ``confidence`` mean log probability.

    ``confidence`` is NaN where a recogniser does not say.
    """

    text: str
    language: str
    confidence: float


def windows(mono: NDArray, *, rate: int = RATE, longest_s: float = 28.0) -> list[slice]:
    """Cut long audio at its quietest places into parts the network can see.

    Parameters
    ----------
    mono : ndarray, shape (n,)
    rate : int
    longest_s : float
        Longest part; cuts lie in the last third of it.

    Returns
    -------
    list of slice
        Adjacent, covering everything.

    Examples
    --------
    >>> windows(np.ones(10 * 16000))
    [slice(0, 160000, None)]
    """
    longest, hop = int(longest_s * rate), rate // 50
    level = frame_levels_db(mono, length=rate // 5, hop=hop)
    parts, start = [], 0
    while len(mono) - start > longest:
        first, last = (start + longest * 2 // 3) // hop, (start + longest) // hop
        cut = (first + int(np.argmin(level[first:last]))) * hop
        parts.append(slice(start, cut))
        start = cut
    return [*parts, slice(start, len(mono))]


def sounding_parts(mono: NDArray, *, rate: int) -> list[NDArray]:
    """The parts of a signal that are worth a recogniser's time, 16 kHz, 28 s at most.

    Parameters
    ----------
    mono : ndarray, shape (n,)
    rate : int
        Samples per second.

    Returns
    -------
    list of ndarray
        Empty when all of it is below -70 dBFS.

    Examples
    --------
    >>> len(sounding_parts(np.zeros(4800), rate=48000))
    0
    """
    wave = to_16k(mono, rate=rate)
    parts = [wave[part] for part in windows(wave)]
    return [part for part in parts if rms_db(part) >= SILENT_DB]


def hear(parts: Sequence[NDArray], understand: Callable[[NDArray], Heard]) -> Heard:
    """Put the texts of one line's parts together.

    Parameters
    ----------
    parts : sequence of ndarray
        At least one, see :func:`sounding_parts`.
    understand : callable
        One part to what is heard in it.

    Returns
    -------
    Heard
        In the language of the part with the most text; the mean confidence.

    Examples
    --------
    >>> hear([np.ones(2), np.ones(3)], lambda part: Heard(f"{len(part)}", "en", -1.0))
    Heard(text='2 3', language='en', confidence=-1.0)
    """
    heard = [understand(part) for part in parts]
    longest = max(heard, key=lambda h: len(h.text))
    confidence = float(np.mean([h.confidence for h in heard]))
    return Heard(" ".join(h.text for h in heard).strip(), longest.language, confidence)
