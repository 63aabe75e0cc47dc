"""Sound at 16 kHz, the rate of the networks that know voices and judge quality.

They were trained on what SoX's high-quality resampler gave, so it is the one used here.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.stft import as_samples

RATE = 16_000


def at_16k(samples: ArrayLike, *, rate: int) -> NDArray[np.float32]:
    """Resample to 16 kHz (soxr, high quality, as librosa does it).

    Parameters
    ----------
    samples : array_like, shape (n,) or (2, n)
    rate : int
        Samples per second.

    Returns
    -------
    ndarray, shape (ceil(n * 16000 / rate),) or (2, the same)

    Raises
    ------
    ValidationError
        No samples, NaN or infinity.

    Examples
    --------
    >>> at_16k(np.zeros(44100), rate=44100).shape
    (16000,)
    """
    samples = as_samples(samples).astype(np.float32)
    if rate == RATE:
        return samples
    length = -(-samples.shape[-1] * RATE // int(rate))
    made = soxr.resample(np.ascontiguousarray(samples.T), rate, RATE, quality="HQ").T
    lacking = max(0, length - made.shape[-1])
    return np.pad(made, [(0, 0)] * (made.ndim - 1) + [(0, lacking)])[..., :length]
