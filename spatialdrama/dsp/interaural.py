"""Interaural time, level and phase differences and coherence, frame by frame.

One sign rule for all of them: **positive means the left ear gets it first, louder, or ahead in
phase**, so positive values belong to a source on the left, as positive azimuths do.

Sources: J. Blauert (1997), "Spatial Hearing", chapter 2, for the bands in which each cue counts;
C. H. Knapp and G. C. Carter (1976), IEEE Trans. ASSP 24, 320-327, for cross-correlation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.ndimage import uniform_filter1d

from spatialdrama.dsp.active import frame_levels_db
from spatialdrama.dsp.erb import erb_centres, erb_matrix
from spatialdrama.dsp.level import power_to_db
from spatialdrama.dsp.stft import as_samples, frame_count, frame_times, frequencies, stft_blocks
from spatialdrama.errors import ValidationError

#: Hz; below it rooms rumble, above it the waveform's period nears the largest delay of a head.
ITD_BAND = (150.0, 1800.0)
#: us; a head of ordinary size reaches 700 to 800, two microphones .22 m apart 640.
MAX_ITD_US = 1000.0
#: s; long enough for ten periods of a low voice, short enough for a walker (85 ms at 1 m/s: 9 cm).
ITD_WINDOW_S = 0.085
#: Hz; duplex theory: where interaural phase is heard (Lord Rayleigh 1907; Blauert 1997, 2.4).
IPD_BAND = (100.0, 1500.0)
#: Hz; from where a head casts a shadow to where speech ends.
ILD_BAND = (200.0, 14_000.0)

_GRID_US = 25.0  # a twentieth of the shortest period in the band: no peak can hide between


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


def _geometry(rate: float, window_s: float, hop_s: float) -> tuple[int, int]:
    if not rate > 0:
        raise ValidationError(f"rate must be positive, got {rate}")
    length, hop = 2 * round(window_s * rate / 2), round(hop_s * rate)
    if length < 4 or hop < 1:
        raise ValidationError(
            f"window_s={window_s} and hop_s={hop_s} are too short at {rate:g} Hz: "
            f"{length} and {hop} samples"
        )
    return length, hop


def _band_bins(band: tuple[float, float], n_fft: int, rate: float) -> slice:
    low, high = band
    if not 0 <= low < high <= rate / 2:
        raise ValidationError(
            f"band must satisfy 0 <= low < high <= {rate / 2:g} Hz (half the rate), got {band}"
        )
    hertz = frequencies(n_fft, rate)
    # Never the mean: it has no interaural delay.
    first = max(1, int(np.searchsorted(hertz, low)))
    return slice(first, int(np.searchsorted(hertz, high, side="right")))


def peak_lag(cross: NDArray, omega: NDArray, limit: float) -> tuple[NDArray, NDArray]:
    """Lag (s) and height of the highest point of the continuous cross-correlation.

    ``r(lag) = Re sum_k cross_k exp(-1j omega_k lag)`` is a finite sum of cosines, so instead of
    upsampling or fitting a parabola its maximum is found exactly: a grid, then Newton steps.
    """
    steps = max(1, int(np.ceil(limit * 1e6 / _GRID_US)))
    grid = np.linspace(-limit, limit, 2 * steps + 1)
    phase = np.outer(omega, grid).astype(cross.real.dtype)
    heights = cross.real @ np.cos(phase) + cross.imag @ np.sin(phase)
    lag = grid[np.argmax(heights, axis=1)]
    step = grid[1] - grid[0]
    low, high = np.maximum(lag - step, -limit), np.minimum(lag + step, limit)
    cross = cross.astype(np.complex128)
    for _ in range(4):
        turned = cross * np.exp(-1j * np.outer(lag, omega))
        slope = turned.imag @ omega
        curvature = -(turned.real @ omega**2)
        # Newton where the curve bends down; elsewhere (the peak lies at the limit) go uphill.
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = np.where(curvature < 0, -slope / curvature, np.sign(slope) * step)
        lag = np.clip(lag + np.nan_to_num(newton), low, high)
    return lag, np.real(cross * np.exp(-1j * np.outer(lag, omega))).sum(axis=1)


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
    length, hop = _geometry(rate, window_s, hop_s)
    # Padding by the search range keeps the correlation from wrapping round.
    n_fft = fft.next_fast_len(length + int(np.ceil(max_itd_us * 1e-6 * rate)), real=True)
    bins = _band_bins(band, n_fft, rate)
    omega = 2 * np.pi * frequencies(n_fft, rate)[bins]
    frames = frame_count(samples.shape[-1], hop)
    lag, height = np.zeros(frames), np.zeros(frames)
    left, right = np.zeros(frames), np.zeros(frames)
    for part, spectrum in stft_blocks(samples, length=length, hop=hop, n_fft=n_fft, bins=bins):
        power = np.sum(np.abs(spectrum) ** 2, axis=-1, dtype=np.float64)
        left[part], right[part] = power
        sound = np.flatnonzero((power > 0).all(axis=0))
        if len(sound):
            cross = spectrum[0, sound] * spectrum[1, sound].conj()
            # One scale per frame: quiet frames would underflow in single precision.
            scale = np.maximum(np.abs(cross).max(axis=1), np.finfo("f4").tiny)
            found, peak = peak_lag(cross / scale[:, None], omega, max_itd_us * 1e-6)
            index = part.start + sound
            lag[index] = found
            height[index] = peak * scale / np.sqrt(left[index] * right[index])
    window_power = 0.375 * length * n_fft / 2  # of the Hann window, one-sided spectrum
    return ItdTrack(
        frame_times(frames, hop=hop, rate=rate),
        lag * 1e6,
        np.clip(height, -1.0, 1.0),
        power_to_db((left + right) / 2 / window_power),
    )


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
        Hz; by default one band per Cam from 200 Hz to 14 kHz (33 bands), or to .45 of the rate.
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
    samples = as_samples(samples, ears=2)
    length, hop = _geometry(rate, window_s, hop_s)
    if centres is None:
        centres = erb_centres(low=ILD_BAND[0], high=min(ILD_BAND[1], 0.45 * rate))
    centres = np.asarray(centres, dtype=np.float64)
    # Unit rms in white noise of one band reads as power per bin; see itd_track for the window.
    weights = erb_matrix(centres, n_fft=length, rate=rate).T / (0.375 * length)
    frames = frame_count(samples.shape[-1], hop)
    power = np.empty((2, frames, len(centres)))
    for part, spectrum in stft_blocks(samples, length=length, hop=hop):
        squared = spectrum.real.astype(np.float64) ** 2 + spectrum.imag.astype(np.float64) ** 2
        power[:, part] = squared @ weights
    level = power_to_db(power)
    return IldTrack(
        frame_times(frames, hop=hop, rate=rate),
        centres,
        level[0] - level[1],
        power_to_db(power.mean(axis=0)),
    )


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
    length, hop = _geometry(rate, window_s, hop_s)
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
    length, hop = _geometry(rate, window_s, hop_s)
    bins = _band_bins(band, length, rate)
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
    """Magnitude of the complex interaural coherence per ERB band, averaged over neighbours in time.

    ``|<L R*>| / sqrt(<|L|**2> <|R|**2>)``: 1 for one source in free field whatever its delay and
    level, near 0 for a diffuse field above some 500 Hz. With few frames in the average it reads
    high (one frame gives 1 in a band of one bin): compare only figures of the same ``smooth_s``.

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
    samples = as_samples(samples, ears=2)
    length, hop = _geometry(rate, window_s, hop_s)
    if centres is None:
        centres = erb_centres(low=ILD_BAND[0], high=min(ILD_BAND[1], 0.45 * rate))
    centres = np.asarray(centres, dtype=np.float64)
    weights = erb_matrix(centres, n_fft=length, rate=rate).T
    frames = frame_count(samples.shape[-1], hop)
    cross = np.empty((frames, len(centres)), dtype=np.complex128)
    power = np.empty((2, frames, len(centres)))
    for part, spectrum in stft_blocks(samples, length=length, hop=hop):
        product = spectrum[0] * spectrum[1].conj()
        cross[part] = product.real @ weights + 1j * (product.imag @ weights)
        power[:, part] = (np.abs(spectrum) ** 2) @ weights
    width = max(1, round(smooth_s / hop_s))
    cross, power = _moving_sum(cross, width, axis=0), _moving_sum(power, width, axis=1)
    norm = np.sqrt(power[0] * power[1])
    sound = norm > 0
    value = np.divide(np.abs(cross), norm, out=np.zeros(norm.shape), where=sound)
    return frame_times(frames, hop=hop, rate=rate), centres, np.minimum(value, 1.0)


def _moving_sum(values: NDArray, width: int, *, axis: int) -> NDArray:
    """Sum over a centred window of ``width`` frames, shorter at the ends."""
    parts = (values.real, values.imag) if np.iscomplexobj(values) else (values,)
    sums = [uniform_filter1d(p, width, axis=axis, mode="constant") for p in parts]
    return sums[0] + 1j * sums[1] if len(sums) == 2 else np.maximum(sums[0], 0.0)
