"""The sum of rendered lines, a stretch at a time, turned down when it would be too loud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from spatialdrama.types import BinauralAudio

#: dBFS; a mix that peaks higher is turned down, both ears alike, and the provenance says so.
CEILING_DB = -1.0
#: Samples of each ear that are added up at a time.
BLOCK = 1 << 16


def mixed(
    parts: Iterable[tuple[float, BinauralAudio]],
    rate: int,
    *,
    folder: Any = None,
    **provenance: Any,
) -> tuple[BinauralAudio, float]:
    """Return the sum of rendered lines and the gain in dB that it needed.

    Parameters
    ----------
    parts : iterable of (start in s, BinauralAudio)
        In the order of their starts. Each is asked for when its turn comes, and let go when
        nothing later overlaps it.
    rate : int, Hz
    folder : path, optional
        On whose disk a mix of more than a minute lies, see :meth:`BinauralAudio.from_blocks`.
    **provenance
        Of the sum.

    Returns
    -------
    mix : BinauralAudio
    gain_db : float
        0 unless the sum would peak above CEILING_DB; both ears share it.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> one = BinauralAudio(np.full((2, 4), 0.25), 48_000)
    >>> mix, gain_db = mixed([(0.0, one), (2 / 48_000, one)], 48_000)
    >>> mix.samples[0].tolist(), gain_db
    ([0.25, 0.25, 0.5, 0.5, 0.25, 0.25], 0.0)
    """
    loudest = _Loudest()
    blocks = loudest.watching(summed((round(at * rate), audio.samples) for at, audio in parts))
    mix = BinauralAudio.from_blocks(blocks, rate, folder=folder, provenance=provenance)
    gain_db = min(0.0, CEILING_DB - 20 * float(np.log10(max(loudest.peak, 1e-12))))
    return (mix if gain_db == 0 else mix.scaled(10 ** (gain_db / 20))), gain_db


def summed(parts: Iterable[tuple[int, np.ndarray]]) -> Iterator[np.ndarray]:
    """Yield the sum of (first sample, (2, n) samples) in float32 blocks from sample 0 on.

    Parameters
    ----------
    parts : iterable of (int, (2, n) float)
        In the order of their first samples, so that what lies before the next one is finished.
        Sums are taken in float64: where lines overlap, their order does not show.
    """
    waiting = np.zeros((2, 0))
    at = 0  # the sample with which `waiting` begins
    for first, samples in parts:
        while at < first:
            size = min(first - at, BLOCK)
            yield _front(waiting, size)
            waiting, at = waiting[:, size:], at + size
        missing = samples.shape[1] - waiting.shape[1]
        waiting = np.pad(waiting, ((0, 0), (0, max(missing, 0))))
        waiting[:, : samples.shape[1]] += samples
        del samples  # the next line is rendered while this frame waits
    for low in range(0, waiting.shape[1], BLOCK):
        yield waiting[:, low : low + BLOCK].astype(np.float32)


def _front(waiting: np.ndarray, size: int) -> np.ndarray:
    block = np.zeros((2, size), np.float32)
    have = min(size, waiting.shape[1])
    block[:, :have] = waiting[:, :have]
    return block


class _Loudest:
    """The largest absolute sample of blocks that pass by."""

    def __init__(self) -> None:
        self.peak = 0.0

    def watching(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)))
            yield block
