"""Both ears in auditory bands: powers, coherence, phases, from one short-time transform.

Level differences, coherence and phase differences all start from the same spectrum, and the
transform is what they cost; :func:`ear_bands` keeps of it what any of them needs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.erb import erb_bandwidth, erb_centres, erb_matrix
from spatialdrama.dsp.stft import as_samples, frame_count, frame_times, frequencies, stft_blocks
from spatialdrama.errors import ValidationError

#: Hz; duplex theory: where interaural phase is heard (Lord Rayleigh 1907; Blauert 1997, 2.4).
IPD_BAND = (100.0, 1500.0)
#: Hz; from where a head casts a shadow to where speech ends.
ILD_BAND = (200.0, 14_000.0)
#: Hz; over a wider strip a source 1 ms to the side turns its phase so far that it would read as
#: incoherent; a narrower one has fewer independent looks, and reads high whatever the sound.
STRIP_HZ = 140.0


class EarBands(NamedTuple):
    """Powers and coherence of two ears in ERB bands and the cross-spectrum in single bins.

    ``times`` s (frames,); ``centres`` Hz (bands,); ``power`` (2, frames, bands) per ear, 1 for
    white noise of variance 1; ``coherence`` (frames, bands), see
    :func:`spatialdrama.dsp.coherence_track`; ``frequencies`` Hz (bins,); ``bins`` complex (frames,
    bins), left times conjugate right, without scale. What was not asked for has no columns. Single
    precision where the samples are.
    """

    times: NDArray[np.float64]
    centres: NDArray[np.float64]
    power: NDArray[np.floating]
    coherence: NDArray[np.floating]
    frequencies: NDArray[np.float64]
    bins: NDArray[np.complexfloating]


def geometry(rate: float, window_s: float, hop_s: float) -> tuple[int, int]:
    """Samples of a window and between two of them.

    Raises
    ------
    ValidationError
        A rate that is not positive, or a window under four samples.

    Examples
    --------
    >>> geometry(48000, 0.043, 0.02)
    (2064, 960)
    """
    if not rate > 0:
        raise ValidationError(f"rate must be positive, got {rate}")
    length, hop = 2 * round(window_s * rate / 2), round(hop_s * rate)
    if length < 4 or hop < 1:
        raise ValidationError(
            f"window_s={window_s} and hop_s={hop_s} are too short at {rate:g} Hz: "
            f"{length} and {hop} samples"
        )
    return length, hop


def band_bins(band: tuple[float, float], n_fft: int, rate: float) -> slice:
    """Bins whose frequencies lie in ``band`` (Hz), never the first one.

    Raises
    ------
    ValidationError
        A band that ends above half the rate, or where it begins.

    Examples
    --------
    >>> band_bins((100.0, 1500.0), 2064, 48000)
    slice(5, 65, None)
    """
    low, high = band
    if not 0 <= low < high <= rate / 2:
        raise ValidationError(
            f"band must satisfy 0 <= low < high <= {rate / 2:g} Hz (half the rate), got {band}"
        )
    hertz = frequencies(n_fft, rate)
    # Never the mean: it has no interaural delay.
    first = max(1, int(np.searchsorted(hertz, low)))
    return slice(first, int(np.searchsorted(hertz, high, side="right")))


def ear_bands(
    samples: ArrayLike,
    *,
    rate: float,
    centres: ArrayLike | None = None,
    band: tuple[float, float] | None = None,
    smooth_s: float | None = None,
    window_s: float = 0.043,
    hop_s: float = 0.02,
) -> EarBands:
    """Band powers of two ears, and on demand their coherence and phases, from one transform.

    Parameters
    ----------
    samples : array_like, shape (2, n)
        Left, right.
    rate : float
        Samples per second.
    centres : array_like, shape (bands,), optional
        Hz; by default one ERB band per Cam from 200 Hz to 14 kHz (32 bands), or to .45 of the rate.
    band : (float, float), optional
        Hz; keep the cross-spectrum of these bins.
    smooth_s : float, optional
        Measure the coherence as well, over this many seconds.
    window_s, hop_s : float
        Hann frame and its step, seconds.

    Returns
    -------
    EarBands
        Of ``1 + n // hop`` frames.

    Raises
    ------
    ValidationError
        Not two channels, NaN, or a band above half the rate.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> bands = ear_bands(np.stack([2 * noise, noise]), rate=48000, band=(100, 1500))
    >>> bands.power.shape, bands.bins.shape, bands.coherence.shape
    ((2, 51, 32), (51, 60), (51, 0))
    >>> bands.power.mean(axis=(1, 2)).round().tolist()
    [4.0, 1.0]
    """
    samples = as_samples(samples, ears=2)
    length, hop = geometry(rate, window_s, hop_s)
    if centres is None:
        centres = erb_centres(low=ILD_BAND[0], high=min(ILD_BAND[1], 0.45 * rate))
    centres = np.asarray(centres, dtype=np.float64)
    kept = slice(0, 0) if band is None else band_bins(band, length, rate)
    weights = _weights(tuple(centres.tolist()), length, rate, samples.dtype.char)
    edges, share = _strips(tuple(centres.tolist()), length, rate, samples.dtype.char)
    if smooth_s is None:
        edges = edges[:0]
    frames = frame_count(samples.shape[-1], hop)
    complex_ = np.result_type(samples.dtype, np.complex64)
    power = np.empty((2, frames, len(centres)), dtype=samples.dtype)
    bins = np.empty((frames, kept.stop - kept.start), dtype=complex_)
    strips = np.empty((2, frames, len(edges)), dtype=samples.dtype)
    across = np.empty((frames, len(edges)), dtype=complex_)
    for part, spectrum in stft_blocks(samples, length=length, hop=hop):
        squared = spectrum.real**2
        squared += spectrum.imag**2
        power[:, part] = squared @ weights
        if smooth_s is None:
            bins[part] = spectrum[0, :, kept] * spectrum[1, :, kept].conj()
            continue
        cross = spectrum[0] * spectrum[1].conj()
        bins[part] = cross[:, kept]
        strips[:, part] = np.add.reduceat(squared, edges, axis=-1)
        across[part] = np.add.reduceat(cross, edges, axis=-1)
    coherence = np.empty((frames, 0), dtype=samples.dtype)
    if smooth_s is not None:
        coherence = _gathered(across, strips, share, max(1, round(smooth_s * rate / hop)))
    times = frame_times(frames, hop=hop, rate=rate)
    return EarBands(times, centres, power, coherence, frequencies(length, rate)[kept], bins)


def strip_edges(length: int, rate: float) -> NDArray[np.intp]:
    """First bins of the strips in which coherence is measured; the last one ends with the bins.

    A third of an ERB wide, at least one bin and at most :data:`STRIP_HZ`. The first bin, the mean,
    is in none.

    Examples
    --------
    One bin of 23.3 Hz each at first, and six (140 Hz) in the end:

    >>> edges = strip_edges(2064, 48000)
    >>> edges[:3].tolist(), int(edges[-1] - edges[-2])
    ([1, 2, 3], 6)
    """
    spacing = rate / length
    most = max(1, int(STRIP_HZ / spacing))
    edges, edge = [], 1
    while edge <= length // 2:
        edges.append(edge)
        third = float(erb_bandwidth(edge * spacing)) / 3
        edge += min(most, max(1, int(third / spacing)))
    return np.array(edges)


def moving_sum(values: NDArray, width: int) -> NDArray:
    """Sum over a centred window of ``width`` frames, shorter at the ends; frames are axis -2.

    Added up window by window. A running sum would leave rounding errors of loud frames behind in
    the silence after them.

    Examples
    --------
    >>> import numpy as np
    >>> moving_sum(np.array([[1.0], [2.0], [4.0]]), 3).ravel().tolist()
    [3.0, 7.0, 6.0]
    """
    before = width // 2
    pad = [(0, 0)] * (values.ndim - 2) + [(before, width - 1 - before), (0, 0)]
    padded = np.pad(values, pad)
    frames = values.shape[-2]
    total = padded[..., :frames, :].copy()
    for start in range(1, width):
        total += padded[..., start : start + frames, :]
    return total


def _gathered(across: NDArray, strips: NDArray, share: NDArray, width: int) -> NDArray:
    """Coherence (frames, bands) from strips: each strip's, averaged with its energy as weight."""
    power = np.sqrt(moving_sum(strips, width))
    # Root by root: the product of two quiet ears' powers would underflow in single precision.
    whole = (power[0] * power[1]) @ share
    common = np.abs(moving_sum(across, width)) @ share
    value = np.divide(common, whole, out=np.zeros_like(whole), where=whole > 0)
    return np.minimum(value, 1.0)


@lru_cache(maxsize=8)
def _strips(
    centres: tuple[float, ...], length: int, rate: float, char: str
) -> tuple[NDArray[np.intp], NDArray]:
    """First bins of the strips and their shares of the bands (strips, bands); kept per geometry."""
    edges = strip_edges(length, rate)
    weights = _weights(centres, length, rate, char)
    # Within a strip the weights of a band hardly differ: those of its bins, averaged.
    sizes = np.diff(edges, append=len(weights)).astype(char)
    share = np.add.reduceat(weights, edges, axis=0) / sizes[:, None]
    for array in (edges, share):
        array.flags.writeable = False
    return edges, share


@lru_cache(maxsize=8)
def _weights(centres: tuple[float, ...], length: int, rate: float, char: str) -> NDArray:
    """ERB weights (bins, bands) that read 1 in white noise of variance 1; kept per geometry."""
    # A Hann window of this length lets .375 of the power through.
    weights = erb_matrix(centres, n_fft=length, rate=rate).T / (0.375 * length)
    weights = np.ascontiguousarray(weights, dtype=char)
    weights.flags.writeable = False
    return weights
