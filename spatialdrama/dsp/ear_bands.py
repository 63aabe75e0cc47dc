"""Both ears in auditory bands: powers and cross-spectra, from one short-time transform.

Level differences, coherence and phase differences all start from the same spectrum, and the
transform is what they cost; :func:`ear_bands` keeps of it what any of them needs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.erb import erb_centres, erb_matrix
from spatialdrama.dsp.stft import as_samples, frame_count, frame_times, frequencies, stft_blocks
from spatialdrama.errors import ValidationError

#: Hz; duplex theory: where interaural phase is heard (Lord Rayleigh 1907; Blauert 1997, 2.4).
IPD_BAND = (100.0, 1500.0)
#: Hz; from where a head casts a shadow to where speech ends.
ILD_BAND = (200.0, 14_000.0)


class EarBands(NamedTuple):
    """Powers and cross-spectra of two ears over time, in ERB bands and in single bins.

    ``times`` s (frames,); ``hop_s`` between them; ``centres`` Hz (bands,); ``power`` (2, frames,
    bands) per ear, 1 for white noise of variance 1; ``cross`` complex (frames, bands) left times
    conjugate right, on the same scale; ``frequencies`` Hz (bins,) and ``bins`` complex (frames,
    bins) the cross-spectrum bin by bin in a band of its own, without scale: empty if not asked for.
    Single precision where the samples are.
    """

    times: NDArray[np.float64]
    hop_s: float
    centres: NDArray[np.float64]
    power: NDArray[np.floating]
    cross: NDArray[np.complexfloating]
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
    window_s: float = 0.043,
    hop_s: float = 0.02,
) -> EarBands:
    """Powers and cross-spectra of two ears from one short-time transform.

    Parameters
    ----------
    samples : array_like, shape (2, n)
        Left, right.
    rate : float
        Samples per second.
    centres : array_like, shape (bands,), optional
        Hz; by default one ERB band per Cam from 200 Hz to 14 kHz (32 bands), or to .45 of the rate.
    band : (float, float), optional
        Hz; keep the cross-spectrum of these bins as well.
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
    >>> bands.power.shape, bands.bins.shape
    ((2, 51, 32), (51, 60))
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
    frames = frame_count(samples.shape[-1], hop)
    banded = np.empty((4, frames, len(centres)), dtype=samples.dtype)
    bins = np.empty((frames, kept.stop - kept.start), dtype=np.result_type(samples.dtype, 1j))
    for part, spectrum in stft_blocks(samples, length=length, hop=hop):
        left, right = spectrum
        product = left * right.conj()
        bins[part] = product[:, kept]
        # Four kinds of rows through one product with the bands.
        rows = np.empty((4, *left.shape), dtype=samples.dtype)
        for row, ear in zip(rows, spectrum, strict=False):
            np.multiply(ear.real, ear.real, out=row)
            row += ear.imag * ear.imag
        rows[2], rows[3] = product.real, product.imag
        banded[:, part] = (rows.reshape(-1, rows.shape[-1]) @ weights).reshape(4, len(left), -1)
    return EarBands(
        frame_times(frames, hop=hop, rate=rate),
        hop / rate,
        centres,
        banded[:2],
        banded[2] + 1j * banded[3],
        frequencies(length, rate)[kept],
        bins,
    )


@lru_cache(maxsize=8)
def _weights(centres: tuple[float, ...], length: int, rate: float, char: str) -> NDArray:
    """ERB weights (bins, bands) that read 1 in white noise of variance 1; kept per geometry."""
    # A Hann window of this length lets .375 of the power through.
    weights = erb_matrix(centres, n_fft=length, rate=rate).T / (0.375 * length)
    weights = np.ascontiguousarray(weights, dtype=char)
    weights.flags.writeable = False
    return weights
