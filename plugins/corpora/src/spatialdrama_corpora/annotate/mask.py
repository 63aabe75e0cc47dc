"""One real mask for both ears: the only thing by which noise is taken out here.

A real gain that both ears share in each place of the time-frequency plane scales the two spectra
alike there, so that their level difference and their phase difference stay what they were. Whatever
decides on the gains, a statistical rule or a network, they go through :func:`apply_mask`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import fft

from spatialdrama.dsp.stft import as_samples, framed, hann, stft
from spatialdrama.errors import ValidationError

#: s; long enough to part the harmonics of a low voice, short enough for a plosive.
WINDOW: Final = 0.032
#: Frames overlap by three quarters: two Hann windows then add up to a constant.
OVERLAP: Final = 4


def window_length(rate: int) -> int:
    """Return the samples of an analysis window, a multiple of the overlap.

    Examples
    --------
    >>> window_length(48_000)
    1536
    """
    return round(WINDOW * rate / OVERLAP) * OVERLAP


def spectra(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the centred short-time spectra of one or two ears, (..., t, f) complex.

    Examples
    --------
    >>> import numpy as np
    >>> spectra(np.zeros((2, 48_000)), 48_000).shape
    (2, 126, 769)
    """
    length = window_length(rate)
    return stft(samples, length=length, hop=length // OVERLAP)


def apply_mask(samples: np.ndarray, mask: np.ndarray, rate: int) -> np.ndarray:
    """Return sound with its spectra times real gains, the same for every ear.

    Parameters
    ----------
    samples : (n,) or (e, n) float
    mask : (t, f) float
        One row for each frame of :func:`spectra`.
    rate : int, Hz

    Returns
    -------
    ndarray, as `samples`
        A mask of ones gives `samples` back.

    Raises
    ------
    ValidationError
        For a mask of another shape, or one that has an ear axis: that would change the level
        difference between the ears.

    Examples
    --------
    >>> import numpy as np
    >>> sound = np.random.default_rng(0).normal(size=(2, 4800))
    >>> bool(np.allclose(apply_mask(sound, np.ones((13, 769)), 48_000), sound))
    True
    """
    samples = as_samples(samples)
    length = window_length(rate)
    hop, n = length // OVERLAP, samples.shape[-1]
    shape = (1 + n // hop, length // 2 + 1)
    mask = np.asarray(mask)
    if mask.shape != shape or np.iscomplexobj(mask):
        raise ValidationError(
            f"a mask of these {n} samples is real, of shape {shape}, and one for all ears; got "
            f"{mask.dtype} {mask.shape}."
        )
    window = hann(length, samples.dtype.type)
    frames = framed(samples, length=length, hop=hop)
    out = np.zeros((*samples.shape[:-1], n + 2 * length), samples.dtype)
    weight = np.zeros(n + 2 * length, samples.dtype)
    for t in range(shape[0]):
        piece = fft.irfft(fft.rfft(frames[..., t, :] * window) * mask[t], length)
        out[..., t * hop : t * hop + length] += piece * window
        weight[t * hop : t * hop + length] += window**2
    inner = slice(length // 2, length // 2 + n)
    # The last samples lie under fewer windows; their weight says by how much.
    return (out[..., inner] / np.maximum(weight[inner], 1e-8)).astype(samples.dtype)
