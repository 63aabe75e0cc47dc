"""The Slaney mel scale and its triangular filter bank.

Source: M. Slaney (1998), "Auditory Toolbox", Technical Report 1998-010, Interval Research: linear
below 1 kHz (66.67 Hz per mel), logarithmic above. The same as ``librosa.filters.mel`` with its
defaults (``htk=False, norm="slaney"``); tests hold librosa's published numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.stft import frequencies
from spatialdrama.errors import ValidationError

_STEP = 200.0 / 3.0  # Hz per mel in the linear part
_CORNER_HZ = 1000.0
_CORNER_MEL = _CORNER_HZ / _STEP
_LOG_STEP = np.log(6.4) / 27.0  # ln(Hz) per mel above the corner


def hz_to_mel(frequency: ArrayLike) -> NDArray[np.float64]:
    """Hz to Slaney mels.

    Examples
    --------
    >>> hz_to_mel([110, 220, 440]).round(4).tolist()
    [1.65, 3.3, 6.6]
    """
    hz = np.asarray(frequency, dtype=np.float64)
    above = _CORNER_MEL + np.log(np.maximum(hz, _CORNER_HZ) / _CORNER_HZ) / _LOG_STEP
    return np.where(hz < _CORNER_HZ, hz / _STEP, above)


def mel_to_hz(mels: ArrayLike) -> NDArray[np.float64]:
    """Slaney mels to Hz.

    Examples
    --------
    >>> mel_to_hz([1, 2, 3]).round(3).tolist()
    [66.667, 133.333, 200.0]
    """
    mel = np.asarray(mels, dtype=np.float64)
    above = _CORNER_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _CORNER_MEL) - _CORNER_MEL))
    return np.where(mel < _CORNER_MEL, mel * _STEP, above)


def mel_matrix(
    *,
    rate: float,
    n_fft: int,
    bands: int = 80,
    low: float = 0.0,
    high: float | None = None,
    norm: str | None = "slaney",
) -> NDArray[np.float64]:
    """Triangular mel filters.

    Parameters
    ----------
    rate : float
        Samples per second.
    n_fft : int
        Transform length.
    bands : int
        Number of filters.
    low, high : float
        Hz; the outer feet of the first and last triangle. ``high`` defaults to ``rate / 2``.
    norm : "slaney" or None
        "slaney" gives every triangle the same area (unit integral over Hz); None the same height.

    Returns
    -------
    ndarray, shape (bands, n_fft // 2 + 1)

    Raises
    ------
    ValidationError
        Edges out of order or above half the rate, or an unknown ``norm``.

    Examples
    --------
    >>> mel_matrix(rate=48000, n_fft=1024, bands=80, low=20, high=24000).shape
    (80, 513)
    """
    high = rate / 2 if high is None else high
    if not 0 <= low < high <= rate / 2:
        raise ValidationError(
            f"mel edges must satisfy 0 <= low < high <= {rate / 2:g} Hz, got {low} and {high}"
        )
    if norm not in ("slaney", None):
        raise ValidationError(f"norm must be 'slaney' or None, got {norm!r}")
    edges = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high), bands + 2))
    bins = frequencies(n_fft, rate)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    if norm == "slaney":
        weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return weights
