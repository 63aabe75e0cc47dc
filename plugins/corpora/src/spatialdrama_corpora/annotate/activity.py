"""Where somebody speaks: frames above the noise, and the pauses between them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from spatialdrama.dsp.active import frame_levels_db
from spatialdrama.dsp.stft import as_samples

#: s from one frame to the next, and length of one.
HOP: Final = 0.01
FRAME: Final = 0.02
#: dB below the loud frames at which a clean voice has ended; 8 dB above the floor of a noisy one.
BELOW, ABOVE = 32.0, 8.0
#: s; closures of plosives are shorter than the shortest pause.
SHORTEST_GAP: Final = 0.12


def active(samples: Any, rate: int, *, below: float = BELOW) -> np.ndarray:
    """Return (t,) bool, one value every 10 ms: whether somebody speaks.

    The threshold lies 32 dB below the loud frames (their 95th percentile), or 8 dB above the floor
    (5th percentile) where noise is stronger than that. Bursts shorter than 30 ms are no speech.

    Parameters
    ----------
    samples : (n,) or (2, n) float
        Ears are taken together by power.
    rate : int, Hz
    below : float, dB
        Instead of 32; a clean voice may fade farther.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(np.arange(48_000) * 0.1) * (np.arange(48_000) > 24_000)
    >>> bool(active(tone, 48_000)[52:98].all()), bool(active(tone, 48_000)[:48].any())
    (True, False)
    """
    samples = as_samples(samples)
    level = frame_levels_db(samples, length=round(FRAME * rate), hop=round(HOP * rate))
    loud, floor = np.percentile(level, [95, 5])
    # Without silence the floor is speech itself: it may not lift the threshold into the voice.
    threshold = max(loud - below, min(floor + ABOVE, loud - 12.0))
    if loud < -80:
        return np.zeros(len(level), bool)
    found = level > threshold
    return _without_short(found, False, SHORTEST_GAP / 3)


def stretches(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return first and one past the last index of each run of True.

    Examples
    --------
    >>> stretches(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def gaps(flags: np.ndarray, shortest: float = SHORTEST_GAP) -> list[tuple[float, float]]:
    """Return start and end in s of the pauses between active frames, those at the ends left out.

    Examples
    --------
    >>> gaps(np.array([False] * 5 + [True] * 9 + [False] * 20 + [True] * 3))
    [(0.14, 0.34)]
    """
    quiet = [(a * HOP, b * HOP) for a, b in stretches(~flags)]
    last = len(flags) * HOP
    return [
        (round(a, 6), round(b, 6))
        for a, b in quiet
        if b - a >= shortest - 1e-9 and a > 0 and b < last - 1e-9
    ]


def _without_short(flags: np.ndarray, fill: bool, shortest: float) -> np.ndarray:
    out = flags.copy()
    for a, b in stretches(out != fill):
        if (b - a) * HOP < shortest:
            out[a:b] = fill
    return out
