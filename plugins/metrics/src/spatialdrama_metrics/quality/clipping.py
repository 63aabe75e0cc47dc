"""Samples that a converter or a file format has cut off."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spatialdrama.dsp.stft import as_samples

#: Samples in a row at the peak that make it a ceiling, and how equal they must be.
_RUN, _EQUAL = 3, 1e-6


def clipped_share(samples: ArrayLike) -> float:
    """Share of the samples that stand at a ceiling.

    A ceiling is the largest absolute value of a channel when at least three samples in a row have
    it; a sine of 20 Hz or more at 48 kHz has none.

    Parameters
    ----------
    samples : array_like, shape (2, n) or (n,)

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> t = np.arange(4800) / 48000
    >>> clipped_share(np.sin(2 * np.pi * 100 * t))
    0.0
    >>> clipped_share(np.clip(2 * np.sin(2 * np.pi * 100 * t), -1, 1)) > 0.6
    True
    """
    samples = np.atleast_2d(as_samples(samples))
    magnitude = np.abs(samples)
    peak = magnitude.max(axis=1, keepdims=True)
    at_peak = (magnitude >= peak * (1 - _EQUAL)) & (peak > 0)
    # A sample counts when it, or a neighbour up to two places away, is the middle of a run.
    padded = np.pad(at_peak, ((0, 0), (_RUN - 1, _RUN - 1)))
    runs = np.lib.stride_tricks.sliding_window_view(padded, _RUN, axis=1).all(axis=2)
    inside = np.lib.stride_tricks.sliding_window_view(runs, _RUN, axis=1).any(axis=2)
    return float(inside.mean())
