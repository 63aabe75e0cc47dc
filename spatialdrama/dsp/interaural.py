"""Interaural time, level and phase differences and coherence, frame by frame.

One sign rule for all of them: **positive means the left ear gets it first, louder, or ahead in
phase**, so positive values belong to a source on the left, as positive azimuths do.

Sources: J. Blauert (1997), "Spatial Hearing", chapter 2, for the bands in which each cue counts;
C. H. Knapp and G. C. Carter (1976), IEEE Trans. ASSP 24, 320-327, for cross-correlation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from spatialdrama.dsp.active import frame_levels_db
from spatialdrama.dsp.ear_bands import (
    IPD_BAND,
    EarBands,
    band_bins,
    ear_bands,
    geometry,
)
from spatialdrama.dsp.level import power_to_db
from spatialdrama.dsp.narrow import narrow_blocks
from spatialdrama.dsp.stft import as_samples, frame_count, frame_times, frequencies, stft_blocks

#: Hz; below it rooms rumble, above it the waveform's period nears the largest delay of a head.
ITD_BAND = (150.0, 1800.0)
#: us; a head of ordinary size reaches 700 to 800, two microphones .22 m apart 640.
MAX_ITD_US = 1000.0
#: s; long enough for ten periods of a low voice, short enough for a walker (85 ms at 1 m/s: 9 cm).
ITD_WINDOW_S = 0.085
_GRID_US = 25.0  # a twentieth of the shortest period in the band: no peak can hide between
_PEAK_FRAMES = 512  # at least, in which peaks are sought at once


class ItdTrack(NamedTuple):
    """Interaural time difference over time, all of shape (frames,).

    ``times`` s; ``itd_us`` microseconds, positive = left ear first; ``coherence`` the height of
    the normalised cross-correlation at that delay (1 = one is a delayed copy of the other; this
    is the IACC of room acoustics, per frame and in the ITD band); ``level_db`` the mean level of
    the two ears in that band, dB. Frames without sound have delay 0, coherence 0, level -200.
    """

    times: NDArray[np.float64]
    itd_us: NDArray[np.float64]
    coherence: NDArray[np.float64]
    level_db: NDArray[np.float64]


class IldTrack(NamedTuple):
    """Interaural level difference over time and frequency.

    ``times`` s (frames,); ``centres`` Hz (bands,); ``ild_db`` (frames, bands) positive = left
    louder; ``level_db`` (frames, bands) the mean power of the ears. A band in which one ear is
    silent has a difference limited by the -200 dB floor of :mod:`spatialdrama.dsp.level`.
    """

    times: NDArray[np.float64]
    centres: NDArray[np.float64]
    ild_db: NDArray[np.float64]
    level_db: NDArray[np.float64]


class CrossTrack(NamedTuple):
    """Interaural cross-spectrum over time and frequency.

    ``times`` s (frames,); ``frequencies`` Hz (bins,); ``cross`` complex (frames, bins) =
    left times conjugate right, whose angle is the wrapped interaural phase difference.
    """

    times: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    cross: NDArray[np.complexfloating]


def peak_lag(cross: NDArray, omega: NDArray, limit: float) -> tuple[NDArray, NDArray]:
    """Lag (s) and height of the highest point of the continuous cross-correlation.

    ``r(lag) = Re sum_k cross_k exp(-1j omega_k lag)`` is a finite sum of cosines, so instead of
    upsampling or fitting a parabola its maximum is found exactly: a grid, then Newton steps. Within
    a step of the grid the sum is its own Taylor series to the last digit, so the steps cost a
    polynomial each instead of an exponential per bin.

    Parameters
    ----------
    cross : ndarray of complex, shape (frames, bins)
        Cross-spectrum, left times conjugate right.
    omega : ndarray, shape (bins,)
        Angular frequencies, rad/s.
    limit : float
        Largest lag to either side, s.

    Returns
    -------
    lag, height : ndarray of float64, shape (frames,)

    Examples
    --------
    >>> import numpy as np
    >>> omega = 2 * np.pi * np.arange(200.0, 1800.0, 20.0)
    >>> lag, height = peak_lag(np.exp(1j * omega * 3.21e-4)[None], omega, 1e-3)
    >>> round(float(lag[0]) * 1e6, 6), round(float(height[0]), 6)
    (321.0, 80.0)
    """
    steps = max(1, int(np.ceil(limit * 1e6 / _GRID_US)))
    grid = np.linspace(-limit, limit, 2 * steps + 1)
    turn = _turns(np.asarray(omega, dtype=np.float64).tobytes(), limit, len(grid))
    rough = turn.astype(cross.dtype)
    heights = cross.real @ rough.real.T - cross.imag @ rough.imag.T
    nearest = np.argmax(heights, axis=1)
    step = grid[1] - grid[0]
    taylor = _taylor(cross.astype(np.complex128) * turn[nearest], omega * step)
    # In steps of the grid from here on, and no further than the next point or the limit.
    low = np.where(nearest > 0, -1.0, 0.0)
    high = np.where(nearest < len(grid) - 1, 1.0, 0.0)
    orders = np.arange(len(taylor))[:, None]
    first, second = (taylor * orders)[1:], (taylor * orders * (orders - 1))[2:]
    offset = np.zeros(len(cross))
    for _ in range(4):
        slope, curvature = _polynomial(first, offset), _polynomial(second, offset)
        # Newton where the curve bends down; elsewhere (the peak lies at the limit) go uphill.
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = np.where(curvature < 0, -slope / curvature, np.sign(slope))
        offset = np.clip(offset + np.nan_to_num(newton), low, high)
    return grid[nearest] + offset * step, _polynomial(taylor, offset)


@lru_cache(maxsize=4)
def _turns(omega: bytes, limit: float, points: int) -> NDArray[np.complex128]:
    """``exp(-1j lag omega)`` for every point of the grid, (points, bins); kept per band."""
    turn = np.exp(-1j * np.outer(np.linspace(-limit, limit, points), np.frombuffer(omega)))
    turn.flags.writeable = False
    return turn


def _taylor(turned: NDArray, angle: NDArray) -> NDArray[np.float64]:
    """Coefficients (orders, frames) of ``Re sum_k turned_k exp(-1j angle_k x)``, exact in |x|<1."""
    largest = float(np.abs(angle).max())
    term, columns = np.ones_like(angle), [np.ones_like(angle)]
    size = 1.0
    # At least the curvature is needed; the rest until the last term is below double precision.
    while len(columns) < 4 or size > 1e-17:
        term = term * angle / len(columns)
        size *= largest / len(columns)
        columns.append(term)
    table = np.stack(columns, axis=1)
    # Powers of -1j: the parts alternate between real and imaginary, two plus and two minus.
    table[:, 2::4] *= -1
    table[:, 3::4] *= -1
    out = np.empty((table.shape[1], len(turned)))
    out[0::2] = (turned.real @ table[:, 0::2]).T
    out[1::2] = (turned.imag @ table[:, 1::2]).T
    return out


def _polynomial(coefficients: NDArray, x: NDArray) -> NDArray:
    """Value at x (frames,) of polynomials (orders, frames), by Horner's rule."""
    value = coefficients[-1].copy()
    for coefficient in coefficients[-2::-1]:
        value *= x
        value += coefficient
    return value


def itd_track(
    samples: ArrayLike,
    *,
    rate: float,
    window_s: float = ITD_WINDOW_S,
    hop_s: float = 0.02,
    band: tuple[float, float] = ITD_BAND,
    max_itd_us: float = MAX_ITD_US,
) -> ItdTrack:
    """Interaural time difference by band-limited cross-correlation.

    Parameters
    ----------
    samples : array_like, shape (2, n)
        Left, right.
    rate : float
        Samples per second.
    window_s, hop_s : float
        Hann frame and its step, seconds.
    band : (float, float)
        Hz.
    max_itd_us : float
        Search range to either side, microseconds.

    Returns
    -------
    ItdTrack
        Of ``1 + n // hop`` frames.

    Raises
    ------
    ValidationError
        Not two channels, NaN, a band above half the rate, or a window under four samples.

    Notes
    -----
    The two ears' windows overlap only in part when one is delayed, which draws the estimate
    towards zero by a factor of about ``1 - 13 / (window * 2 pi * centre)**2``: .1 us at 85 ms.

    Examples
    --------
    A noise that reaches the right ear 10 samples (208.33 us) after the left one:

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> track = itd_track(np.stack([noise[10:], noise[:-10]]), rate=48000)
    >>> round(float(np.median(track.itd_us)))
    208
    """
    samples = as_samples(samples, ears=2)
    length, hop = geometry(rate, window_s, hop_s)
    # Padding by the search range keeps the correlation from wrapping round.
    n_fft = fft.next_fast_len(length + int(np.ceil(max_itd_us * 1e-6 * rate)), real=True)
    bins = band_bins(band, n_fft, rate)
    omega = 2 * np.pi * frequencies(n_fft, rate)[bins]
    frames = frame_count(samples.shape[-1], hop)
    lag, height = np.zeros(frames), np.zeros(frames)
    left, right = np.zeros(frames), np.zeros(frames)
    blocks = narrow_blocks(samples, rate=rate, length=length, hop=hop, n_fft=n_fft, bins=bins)
    # Transforms want small blocks and the search for the peak large ones.
    for group in _gathered(blocks, _PEAK_FRAMES):
        start = group[0][0].start
        spectrum = np.concatenate([spectrum for _, spectrum in group], axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).sum(axis=-1, dtype=np.float64)
        left[start : start + power.shape[1]], right[start : start + power.shape[1]] = power
        sound = np.flatnonzero((power > 0).all(axis=0))
        if len(sound):
            cross = spectrum[0, sound] * spectrum[1, sound].conj()
            # One scale per frame: quiet frames would underflow in single precision.
            scale = np.maximum(np.abs(cross).max(axis=1), np.finfo("f4").tiny)
            found, peak = peak_lag(cross / scale[:, None], omega, max_itd_us * 1e-6)
            index = start + sound
            lag[index] = found
            height[index] = peak * scale / np.sqrt(left[index] * right[index])
    window_power = 0.375 * length * n_fft / 2  # of the Hann window, one-sided spectrum
    return ItdTrack(
        frame_times(frames, hop=hop, rate=rate),
        lag * 1e6,
        np.clip(height, -1.0, 1.0),
        power_to_db((left + right) / 2 / window_power),
    )


def _gathered(blocks: Iterable[tuple[slice, NDArray]], frames: int) -> Iterator[list]:
    """Yield blocks together, at least so many frames of them."""
    group: list[tuple[slice, NDArray]] = []
    for block in blocks:
        group.append(block)
        if block[0].stop - group[0][0].start >= frames:
            yield group
            group = []
    if group:
        yield group


def ild_track(
    samples: ArrayLike,
    *,
    rate: float,
    centres: ArrayLike | None = None,
    window_s: float = 0.043,
    hop_s: float = 0.02,
) -> IldTrack:
    """Interaural level difference per ERB band.

    Parameters
    ----------
    samples : array_like, shape (2, n)
        Left, right.
    rate : float
        Samples per second.
    centres : array_like, shape (bands,), optional
        Hz; by default one band per Cam from 200 Hz to 14 kHz (32 bands), or to .45 of the rate.
    window_s, hop_s : float
        Hann frame and its step, seconds.

    Returns
    -------
    IldTrack
        Of ``1 + n // hop`` frames.

    Raises
    ------
    ValidationError
        Not two channels, NaN, or a band above half the rate.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> track = ild_track(np.stack([2 * noise, noise]), rate=48000)
    >>> round(float(track.ild_db.mean()), 2)
    6.02
    """
    return ild_of(ear_bands(samples, rate=rate, centres=centres, window_s=window_s, hop_s=hop_s))


def ild_of(bands: EarBands) -> IldTrack:
    """Interaural level difference from band powers that are there already; see :func:`ild_track`.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> bands = ear_bands(np.stack([2 * noise, noise]), rate=48000)
    >>> round(float(ild_of(bands).ild_db.mean()), 2)
    6.02
    """
    level = power_to_db(bands.power)
    mean = power_to_db(bands.power.mean(axis=0, dtype=np.float64))
    return IldTrack(bands.times, bands.centres, level[0] - level[1], mean)


def broadband_ild_db(
    samples: ArrayLike, *, rate: float, window_s: float = 0.043, hop_s: float = 0.02
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interaural level difference of the whole band, per frame.

    Parameters
    ----------
    samples : array_like, shape (2, n)
    rate, window_s, hop_s : float
        As in :func:`ild_track`.

    Returns
    -------
    times, ild_db : ndarray, shape (1 + n // hop,)
        Seconds; dB, positive = left louder.

    Examples
    --------
    >>> import numpy as np
    >>> _, ild = broadband_ild_db(np.array([[1.0], [0.1]]) * np.ones(480), rate=48000)
    >>> round(float(ild[0]), 6)
    20.0
    """
    samples = as_samples(samples, ears=2)
    length, hop = geometry(rate, window_s, hop_s)
    left, right = (frame_levels_db(ear, length=length, hop=hop) for ear in samples)
    return frame_times(len(left), hop=hop, rate=rate), left - right


def cross_track(
    samples: ArrayLike,
    *,
    rate: float,
    band: tuple[float, float] = IPD_BAND,
    window_s: float = 0.043,
    hop_s: float = 0.02,
) -> CrossTrack:
    """Interaural cross-spectrum in a band: magnitude for weights, angle for the phase difference.

    Parameters
    ----------
    samples : array_like, shape (2, n)
    rate : float
    band : (float, float)
        Hz.
    window_s, hop_s : float
        Hann frame and its step, seconds.

    Returns
    -------
    CrossTrack

    Examples
    --------
    A 500 Hz tone that the left ear gets an eighth of a period earlier:

    >>> import numpy as np
    >>> phase = 2 * np.pi * 500 * np.arange(48000) / 48000
    >>> track = cross_track(np.stack([np.sin(phase + np.pi / 4), np.sin(phase)]), rate=48000)
    >>> middle = track.cross[25, np.argmin(abs(track.frequencies - 500))]
    >>> round(float(np.angle(middle) / np.pi), 3)
    0.25
    """
    samples = as_samples(samples, ears=2)
    length, hop = geometry(rate, window_s, hop_s)
    bins = band_bins(band, length, rate)
    blocks = stft_blocks(samples, length=length, hop=hop, bins=bins)
    cross = np.concatenate([spectrum[0] * spectrum[1].conj() for _, spectrum in blocks])
    times = frame_times(len(cross), hop=hop, rate=rate)
    return CrossTrack(times, frequencies(length, rate)[bins], cross)


def ipd(samples: ArrayLike, *, rate: float, **options: object) -> NDArray[np.float64]:
    """Wrapped interaural phase difference in (-pi, pi], shape (frames, bins).

    Options as :func:`cross_track`; positive = left ahead, so ``ipd = 2 pi f itd`` where it does
    not wrap.

    Examples
    --------
    >>> import numpy as np
    >>> bool(abs(ipd(np.ones((2, 4800)), rate=48000)).max() < 1e-12)
    True
    """
    return np.angle(cross_track(samples, rate=rate, **options).cross).astype(np.float64)


def coherence_track(
    samples: ArrayLike,
    *,
    rate: float,
    centres: ArrayLike | None = None,
    window_s: float = 0.043,
    hop_s: float = 0.01,
    smooth_s: float = 0.2,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Magnitude of the interaural coherence per ERB band, averaged over neighbours in time.

    ``|<L R*>| / sqrt(<|L|**2> <|R|**2>)`` in strips of a third of a band and at most 140 Hz, then
    averaged over the band with the strips' energies as weights. 1 for one source in free field
    whatever its delay (.97 and more up to 700 us) and level; near 0 for a diffuse field above some
    500 Hz. Over a whole band of 1 kHz a delay of .5 ms turns the phase by half a circle, and one
    source would read as a room: hence strips. With few frames in the average it reads high (one
    frame gives 1 in a strip of one bin): compare only figures of the same ``smooth_s``.

    Parameters
    ----------
    samples : array_like, shape (2, n)
    rate : float
    centres : array_like, shape (bands,), optional
        Hz; default as :func:`ild_track`.
    window_s, hop_s, smooth_s : float
        Frame, step, and width of the moving average, seconds.

    Returns
    -------
    times, centres, coherence : ndarray, shapes (frames,), (bands,), (frames, bands)
        Where an ear is silent the coherence is 0.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(24000)
    >>> coherence_track(np.stack([noise, noise / 2]), rate=48000)[2].min().round(6)
    np.float64(1.0)
    """
    bands = ear_bands(
        samples, rate=rate, centres=centres, smooth_s=smooth_s, window_s=window_s, hop_s=hop_s
    )
    return bands.times, bands.centres, bands.coherence.astype(np.float64)
