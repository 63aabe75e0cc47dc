"""What all trackers share: their range, their grid of frames, their input."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import signal

#: Share of a step; a time in the middle belongs to the frame before, however it was rounded.
_TIE = 1e-6


class Tracker(Protocol):
    """Mono samples to a pitch track."""

    def track(
        self, mono: NDArray, *, rate: int, hop_s: float, low: float, high: float
    ) -> NDArray[np.float64]:
        """Hz at 0, ``hop_s``, 2 ``hop_s`` ...; :func:`grid_frames` values, 0 where unvoiced."""
        ...


def grid_frames(samples: int, *, rate: float, hop_s: float) -> int:
    """Number of frames from time 0 to the end of a signal.

    Examples
    --------
    >>> grid_frames(48000, rate=48000, hop_s=0.01)
    101
    """
    return 1 + int(samples / rate / hop_s + 1e-9)


def on_grid(times: NDArray, f0: NDArray, *, hop_s: float, frames: int) -> NDArray[np.float64]:
    """Read a tracker's own frames at the common times.

    Voicing is the nearest frame's. The pitch between two voiced frames is interpolated
    (logarithmically), so that trackers with other frame rates are not a step off.

    Parameters
    ----------
    times, f0 : ndarray, shape (n,)
        s, evenly spaced; Hz, 0 where unvoiced.
    hop_s : float
    frames : int

    Returns
    -------
    ndarray, shape (frames,)

    Examples
    --------
    >>> own = np.array([0, 0.02]), np.array([100.0, 121.0])
    >>> on_grid(*own, hop_s=0.01, frames=3).round().tolist()
    [100.0, 110.0, 121.0]
    """
    if not len(times):
        return np.zeros(frames)
    if len(times) == 1:
        times, f0 = np.array([times[0], times[0] + hop_s]), np.array([f0[0], 0.0])
    grid = np.arange(frames) * hop_s
    after = np.clip(np.searchsorted(times, grid), 1, len(times) - 1)
    before = after - 1
    step = times[1] - times[0]
    place = np.clip((grid - times[before]) / step, 0.0, 1.0)
    nearest = f0[np.where(place <= 0.5 + _TIE, before, after)]
    both = (f0[before] > 0) & (f0[after] > 0)
    floor = np.where(f0 > 0, f0, 1.0)
    between = floor[before] ** (1 - place) * floor[after] ** place
    out = np.where(both, between, nearest)
    # Half a step beyond its first and last frame a tracker has said nothing.
    edge = step * (0.5 + _TIE)
    out[(grid < times[0] - edge) | (grid > times[-1] + edge)] = 0.0
    return out


def resampled(mono: NDArray, *, rate: int, to: int) -> NDArray[np.float64]:
    """Band-limited resampling."""
    if rate == to:
        return mono
    common = int(np.gcd(int(rate), to))
    return signal.resample_poly(mono, to // common, int(rate) // common)
