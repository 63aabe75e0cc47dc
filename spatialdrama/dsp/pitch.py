"""Fundamental frequency by YIN: light, no model, for pictures and sanity checks.

Source: A. de Cheveigne and H. Kawahara (2002), "YIN, a fundamental frequency estimator for speech
and music", JASA 111, 1917-1930. Steps 1 to 5; scoring (FFE) uses stronger trackers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from spatialdrama.dsp.active import gate
from spatialdrama.dsp.level import power_to_db
from spatialdrama.dsp.stft import as_samples, frame_times, framed
from spatialdrama.errors import ValidationError

#: Samples per second that YIN runs at; lags are interpolated, so more buys nothing but time.
_RATE = 16_000
_BLOCK = 1024


class F0Track(NamedTuple):
    """``times`` s, ``f0`` Hz with 0 where unvoiced, ``aperiodicity`` 0 to about 1; (frames,)."""

    times: NDArray[np.float64]
    f0: NDArray[np.float64]
    aperiodicity: NDArray[np.float64]


def _normalised_difference(frames: NDArray, window: int, lags: int) -> NDArray:
    """YIN's equation 8, d'(lag), shape (frames, lags); frames hold ``window + lags`` samples."""
    n_fft = fft.next_fast_len(frames.shape[-1], real=True)
    spectrum = fft.rfft(frames, n_fft)
    head = fft.rfft(frames[:, :window], n_fft)
    product = fft.irfft(spectrum * head.conj(), n_fft)[:, :lags]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energy = energy[:, window : window + lags] - energy[:, :lags]
    difference = np.maximum(energy[:, :1] + energy - 2 * product, 0.0)
    running = np.cumsum(difference[:, 1:], axis=1)
    ratio = np.ones_like(difference)
    index = np.arange(1, lags)
    np.divide(difference[:, 1:] * index, running, out=ratio[:, 1:], where=running > 1e-12)
    return ratio


def _pick(ratio: NDArray, low: int, threshold: float) -> tuple[NDArray, NDArray]:
    """First dip under the threshold (else the deepest), refined by a parabola: lag, depth."""
    inner = ratio[:, 1:-1]
    dip = (inner <= ratio[:, :-2]) & (inner < ratio[:, 2:])
    dip[:, : low - 1] = False
    first = dip & (inner < threshold)
    searched = np.where(dip, inner, np.inf)
    lag = 1 + np.where(first.any(axis=1), first.argmax(axis=1), searched.argmin(axis=1))
    row = np.arange(len(ratio))
    before, at, after = ratio[row, lag - 1], ratio[row, lag], ratio[row, lag + 1]
    bend = before - 2 * at + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend > 1e-9)
    depth = np.where(dip.any(axis=1), at - (before - after) * shift / 4, 1.0)
    return lag + np.clip(shift, -0.5, 0.5), np.clip(depth, 0.0, None)


def f0_yin(
    samples: ArrayLike,
    *,
    rate: float,
    hop_s: float = 0.01,
    low: float = 65.0,
    high: float = 600.0,
    threshold: float = 0.15,
    gate_db: float = 40.0,
    smooth: int = 5,
) -> F0Track:
    """Fundamental frequency of one voice.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Mono.
    rate : float
        Samples per second.
    hop_s : float
        Step between frames, seconds (rounded to 16 kHz samples).
    low, high : float
        Search range, Hz.
    threshold : float
        Aperiodicity under which a dip is taken at once; a frame is voiced below twice that.
    gate_db : float
        Frames this far below the loudest are unvoiced.
    smooth : int
        Odd width of the median filter over voiced frames; 1 for none.

    Returns
    -------
    F0Track

    Raises
    ------
    ValidationError
        Not mono, NaN, or a search range that the rate cannot hold.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(16000) / 16000
    >>> voice = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 6))
    >>> track = f0_yin(voice, rate=16000)
    >>> round(float(np.median(track.f0)), 1)
    150.0
    """
    samples = as_samples(samples)
    if samples.ndim != 1:
        raise ValidationError(f"f0_yin takes mono of shape (n,), got {samples.shape}")
    if smooth < 1 or smooth % 2 == 0:
        raise ValidationError(f"smooth must be an odd number of frames from 1, got {smooth}")
    if not 20 <= low < high <= min(rate, _RATE) / 4:
        raise ValidationError(
            f"F0 range must satisfy 20 <= low < high <= {min(rate, _RATE) / 4:g} Hz, "
            f"got {low} and {high}"
        )
    if rate != _RATE:
        step = np.gcd(int(rate), _RATE)
        samples = signal.resample_poly(samples, _RATE // step, int(rate) // step)
    samples = samples.astype(np.float64)
    hop, lags, window = round(hop_s * _RATE), int(_RATE / low) + 2, int(_RATE / low)
    frames = framed(samples, length=window + lags, hop=hop)
    lag, depth, level = np.empty((3, len(frames)))
    for start in range(0, len(frames), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = frames[part] - frames[part].mean(axis=1, keepdims=True)
        ratio = _normalised_difference(block, window, lags)
        lag[part], depth[part] = _pick(ratio, max(2, int(_RATE / high)), threshold)
        level[part] = power_to_db((block**2).mean(axis=1))
    voiced = (depth < 2 * threshold) & gate(level, gate_db=gate_db)
    f0 = np.where(voiced, _RATE / lag, 0.0)
    voiced &= (f0 >= low) & (f0 <= high)
    return F0Track(
        frame_times(len(frames), hop=hop, rate=_RATE),
        _voiced_median(np.where(voiced, f0, 0.0), smooth),
        depth,
    )


def _voiced_median(f0: NDArray, width: int) -> NDArray:
    """Median over the voiced neighbours of voiced frames: lone octave slips disappear."""
    voiced = np.flatnonzero(f0)
    if width < 2 or not len(voiced):
        return f0
    marked = np.pad(np.where(f0 > 0, f0, np.nan), width // 2, constant_values=np.nan)
    smoothed = np.array(f0)
    smoothed[voiced] = np.nanmedian(sliding_window_view(marked, width)[voiced], axis=1)
    return smoothed
