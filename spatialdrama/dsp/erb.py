"""Equivalent rectangular bandwidths: the ear's frequency resolution as a scale and a filter bank.

Source: B. R. Glasberg and B. C. J. Moore (1990), "Derivation of auditory filter shapes from
notched-noise data", Hearing Research 47, 103-138. The filters are fourth-order gammatones
(R. D. Patterson et al. 1992, "Complex sounds and auditory images").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.stft import frequencies
from spatialdrama.errors import ValidationError

_SLOPE = 4.37e-3  # per Hz
_MINIMUM = 24.7  # Hz
_CAMS = 1.0 / (_SLOPE * _MINIMUM * np.log10(np.e))  # 21.33: makes d(cams)/df = 1/bandwidth
#: A fourth-order gammatone of parameter b has an ERB of .982 b.
_GAMMATONE = 1.019


def erb_bandwidth(frequency: ArrayLike) -> NDArray[np.float64]:
    """Equivalent rectangular bandwidth in Hz at a frequency in Hz: ``24.7 (4.37 f/1000 + 1)``.

    Examples
    --------
    >>> round(float(erb_bandwidth(1000.0)), 2)
    132.64
    """
    return _MINIMUM * (_SLOPE * np.asarray(frequency, dtype=np.float64) + 1.0)


def hz_to_cams(frequency: ArrayLike) -> NDArray[np.float64]:
    """Frequency in Hz to the ERB-number scale in Cams (one Cam = one bandwidth).

    The paper rounds the factor to 21.4; here it is the exact integral of 1/bandwidth, 21.33.

    Examples
    --------
    >>> round(float(hz_to_cams(1000.0)), 2)
    15.57
    """
    return _CAMS * np.log10(1.0 + _SLOPE * np.asarray(frequency, dtype=np.float64))


def cams_to_hz(cams: ArrayLike) -> NDArray[np.float64]:
    """Inverse of :func:`hz_to_cams`.

    Examples
    --------
    >>> round(float(cams_to_hz(hz_to_cams(440.0))), 6)
    440.0
    """
    return (np.power(10.0, np.asarray(cams, dtype=np.float64) / _CAMS) - 1.0) / _SLOPE


def erb_centres(*, low: float = 200.0, high: float = 14_000.0, spacing: float = 1.0) -> NDArray:
    """Centre frequencies ``spacing`` Cams apart that fill ``low`` to ``high`` Hz.

    Parameters
    ----------
    low, high : float
        Hz; the outermost centres lie half a band inside.
    spacing : float
        Cams between neighbours; 1 tiles the band without overlap.

    Returns
    -------
    ndarray, shape (bands,)
        Hz, rising.

    Examples
    --------
    >>> erb_centres(low=100, high=1000).round().tolist()[:3]
    [122.0, 162.0, 207.0]
    """
    if not 0 <= low < high:
        raise ValidationError(f"band edges must satisfy 0 <= low < high, got {low} and {high} Hz")
    bottom, top = hz_to_cams([low, high])
    count = max(1, int(np.floor((top - bottom) / spacing + 1e-9)))
    margin = (top - bottom - (count - 1) * spacing) / 2
    return cams_to_hz(bottom + margin + spacing * np.arange(count))


def erb_matrix(centres: ArrayLike, *, n_fft: int, rate: float) -> NDArray[np.float64]:
    """Gammatone power weights that turn a power spectrum into ERB-band powers.

    Parameters
    ----------
    centres : array_like, shape (bands,)
        Centre frequencies in Hz, below ``rate / 2``.
    n_fft : int
        Transform length.
    rate : float
        Samples per second.

    Returns
    -------
    ndarray, shape (bands, n_fft // 2 + 1)
        Rows sum to one, so that a flat power spectrum has the same value in each band and a band
        power is the mean power density around its centre.

    Raises
    ------
    ValidationError
        A centre at or above half the sample rate.

    Examples
    --------
    >>> weights = erb_matrix([500.0, 1000.0], n_fft=2048, rate=48000)
    >>> weights.shape, weights.sum(axis=1).round(6).tolist()
    ((2, 1025), [1.0, 1.0])
    """
    centres = np.asarray(centres, dtype=np.float64)
    if centres.max() >= rate / 2:
        raise ValidationError(
            f"an ERB band is centred on {centres.max():.0f} Hz, but audio at {rate:g} Hz ends at "
            f"{rate / 2:g} Hz; lower `high` or use a higher rate"
        )
    bins = frequencies(n_fft, rate)
    offset = (bins[None, :] - centres[:, None]) / (_GAMMATONE * erb_bandwidth(centres)[:, None])
    weights = (1.0 + offset**2) ** -4.0
    # Beyond eight bandwidths a gammatone is 70 dB down; exact zeros there keep a loud band from
    # filling an empty one with its skirt.
    weights[np.abs(offset) > 8.0] = 0.0
    return weights / weights.sum(axis=1, keepdims=True)
