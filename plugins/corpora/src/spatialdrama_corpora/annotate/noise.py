"""How strong the noise is at every moment and frequency, from the noisy recording alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

#: s; speech leaves every band at least once in this time, even in fast lines.
MEMORY: Final = 1.5
#: Smoothing of the noisy power before its minimum is sought, and of the noise afterwards.
_POWER, _NOISE, _PRESENCE = 0.85, 0.8, 0.9
#: 15 dB; the ratio at which speech, if it is there, is expected (Gerkmann and Hendriks 2012).
_EXPECTED: Final = 10**1.5


def minimum_statistics(power: np.ndarray, frames_per_second: float) -> np.ndarray:
    """Return the noise power (t, f): the lowest smoothed power of the last and next moments.

    R. Martin (2001), "Noise power spectral density estimation based on optimal smoothing and
    minimum statistics", with a fixed smoothing, and a window on both sides of each frame since the
    recording is whole. The minimum of a smoothed power is below its mean; how far is drawn once
    for the power of one ear. The mean of two ears is steadier, so theirs reads up to 1 dB high.

    Parameters
    ----------
    power : (t, f) float
        Short-time power, mean of both ears.
    frames_per_second : float

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).exponential(size=(800, 20))
    >>> bool(abs(minimum_statistics(noise, 125.0).mean() - 1) < 0.15)
    True
    """
    smooth = _recursive(power, _POWER)
    span = min(max(int(MEMORY * frames_per_second), 3), 2 * len(power) + 1)
    lowest = minimum_filter1d(smooth, span, axis=0, mode="nearest")
    # An exponential power smoothed over N frames has a relative spread of 1 / sqrt(N); the
    # minimum of that many independent values lies as far below its mean as drawn ones do.
    return uniform_filter1d(lowest, span, axis=0, mode="nearest") / _bias(span)


def tracked(power: np.ndarray, frames_per_second: float) -> np.ndarray:
    """Return the noise power (t, f), updated wherever speech is unlikely.

    T. Gerkmann and R. C. Hendriks (2012), "Unbiased MMSE-based noise power estimation with low
    complexity and low tracking delay", equations 18 to 23, started and bounded by
    :func:`minimum_statistics`: without the bound a vowel that is held is learned as noise.

    Parameters
    ----------
    power : (t, f) float
    frames_per_second : float

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).gamma(2, 0.5, size=(800, 20))   # two ears
    >>> bool(abs(tracked(noise, 125.0)[100:].mean() - 1) < 0.15)
    True
    """
    floor = minimum_statistics(power, frames_per_second)
    noise = floor[0].copy()
    presence = np.full(power.shape[1], 0.5)
    out = np.empty_like(power)
    for t, now in enumerate(power):
        ratio = now / np.maximum(noise, 1e-20)
        odds = (1 + _EXPECTED) * np.exp(-np.minimum(ratio * _EXPECTED / (1 + _EXPECTED), 200.0))
        speech = 1 / (1 + odds)
        presence = _PRESENCE * presence + (1 - _PRESENCE) * speech
        speech = np.where(presence > 0.99, np.minimum(speech, 0.99), speech)
        noise = _NOISE * noise + (1 - _NOISE) * (speech * noise + (1 - speech) * now)
        noise = np.clip(noise, 0.5 * floor[t], 4.0 * floor[t])
        out[t] = noise
    return out


def _recursive(power: np.ndarray, keep: float) -> np.ndarray:
    """First-order smoothing over frames, forwards, started at the mean of the first ones."""
    from scipy.signal import lfilter

    start = keep * power[:8].mean(axis=0, keepdims=True)
    return lfilter([1 - keep], [1.0, -keep], power, axis=0, zi=start)[0]


def _bias(span: int) -> float:
    """Mean of the minimum over `span` frames of smoothed power of mean one, by drawing it once."""
    rng = np.random.default_rng(0)
    drawn = _recursive(rng.exponential(size=(max(4 * span, 400), 64)), _POWER)
    return float(minimum_filter1d(drawn, span, axis=0)[span // 2 : -span // 2].mean())
