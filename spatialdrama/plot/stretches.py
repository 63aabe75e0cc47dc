"""Long sound a stretch at a time, so that a picture of an hour takes no more memory than of a
minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from spatialdrama.types import BinauralAudio

#: s; how much sound is analysed at once, beside what one frame needs.
STRETCH = 30.0
#: Fields of a track that have a row for each frame; the others are the same for all stretches.
_OF_FRAMES = ("itd_us", "coherence", "level_db", "ild_db", "cross")


def stretches(audio: BinauralAudio, *, length: int, hop: int) -> Iterator[tuple[np.ndarray, slice]]:
    """Yield samples, and which of their centred frames belong to the stretch.

    Parameters
    ----------
    audio : BinauralAudio
    length, hop : int
        Samples of a frame and between frames.

    Yields
    ------
    samples : (2, m) float32
        They begin at a multiple of `hop` and hold all that the frames look at, so that the frames
        are those of the whole.
    keep : slice
        Over all stretches there are ``1 + n // hop`` frames.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> from spatialdrama.plot.stretches import stretches
    >>> audio = sd.BinauralAudio(np.zeros((2, 70 * 8000)), 8000)
    >>> [keep.stop - keep.start for _, keep in stretches(audio, length=400, hop=160)]
    [1500, 1500, 501]
    """
    frames = 1 + audio.length // hop
    step = max(1, round(STRETCH * audio.rate / hop))
    before = -(-length // hop)  # frames of context; the frame before them sees nothing of ours
    for first in range(0, frames, step):
        last = min(first + step, frames)
        low = max(first - before, 0)
        high = min((last - 1) * hop + length, audio.length)
        if last == frames:
            high = audio.length
        yield audio.span(low * hop, high), slice(first - low, last - low)


def tracked(
    track: Callable[..., Any],
    audio: BinauralAudio,
    *,
    window_s: float,
    hop_s: float,
    **options: Any,
) -> Any:
    """Return ``track(samples, ...)`` of :mod:`spatialdrama.dsp`, computed in stretches.

    Parameters
    ----------
    track : callable
        :func:`~spatialdrama.dsp.itd_track`, ``ild_track`` or ``cross_track``.
    audio : BinauralAudio
    window_s, hop_s : float, s
    **options
        Handed to `track`.
    """
    length, hop = 2 * round(window_s * audio.rate / 2), round(hop_s * audio.rate)
    parts, kept = [], {name: [] for name in _OF_FRAMES}
    for samples, keep in stretches(audio, length=length, hop=hop):
        part = track(samples, rate=audio.rate, window_s=window_s, hop_s=hop_s, **options)
        for name in set(_OF_FRAMES) & set(part._fields):
            kept[name].append(getattr(part, name)[keep])
        parts.append(part)
        parts = parts[:1]
    whole = {name: np.concatenate(values) for name, values in kept.items() if values}
    times = np.arange(1 + audio.length // hop) * (hop / audio.rate)
    return parts[0]._replace(times=times, **whole)


def columns(audio: BinauralAudio, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first sample, (2, m) samples) of at most `count` columns side by side."""
    edges = np.linspace(0, audio.length, min(count, audio.length) + 1).astype(int)
    for low, high in pairwise(edges):
        yield int(low), audio.span(int(low), int(high))
