"""The short-time spectrum of a low band alone, from fewer samples.

Delays are heard below 2 kHz, and a transform of sound at 48 kHz spends eleven twelfths of its work
on what lies above. Here the sound is low-passed and thinned out first. That is not the same as
cutting bins out of the whole transform: what lies above the band then reaches into it by the
window's skirts, here by less of them. With ``SKIRT`` lobes of distance to where the filter begins
the two differ by 6e-7 of what lies there, and the filter's ripple is 1e-6: about the precision of
single samples. Double ones are not thinned, and tests hold the one against the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray
from scipy import fft

from spatialdrama.dsp.stft import BLOCK_FRAMES, frame_count, stft_blocks

#: Lobes of the window (1 / its duration) between the band and the filter's edge. Those of a Hann
#: window fall with the cube of the distance: 1 / (pi 80**3) is 6e-7.
SKIRT = 80
#: dB; what the filter leaves of sound that would fold back. Ears' differences suffer less than
#: that, because both ears are filtered alike.
STOP_DB = 120.0
#: Samples that one product of the filter gives; more waste work on zeros, fewer on calls.
_AT_ONCE = 32


def thinning(rate: float, *, high: float, length: int, hop: int, n_fft: int) -> int:
    """How many samples become one: the most that leaves the band as it is, 1 for none.

    Parameters
    ----------
    rate : float
        Samples per second.
    high : float
        Hz; upper edge of the band.
    length, hop, n_fft : int
        Samples of a frame, between frames, and of a transform.

    Returns
    -------
    int
        A divisor of `hop` and `n_fft`, so that frames and bins stay where they are.

    Examples
    --------
    >>> thinning(48000, high=1800.0, length=4080, hop=960, n_fft=4320)
    6
    """
    common = gcd(hop, n_fft)
    fits = [
        d
        for d in range(1, common + 1)
        if common % d == 0 and (_edges(rate / d)[0] - high) * length / rate >= SKIRT
    ]
    return max(fits, default=1)


def _edges(rate: float) -> tuple[float, float]:
    """Where the filter begins and where it is shut, Hz: what folds back lies between the two."""
    return 0.375 * rate, 0.625 * rate


def narrow_blocks(
    samples: NDArray[np.floating], *, rate: float, length: int, hop: int, n_fft: int, bins: slice
) -> Iterator[tuple[slice, NDArray[np.complexfloating]]]:
    """As :func:`spatialdrama.dsp.stft.stft_blocks` with `bins`, but for a phase per frame.

    All channels of a frame are turned by the same phase, so that their cross-spectra are the same.

    Parameters
    ----------
    samples : ndarray of float32 or float64, shape (2, n)
        Double precision is not thinned.
    rate : float
        Samples per second.
    length, hop, n_fft : int
    bins : slice

    Yields
    ------
    frames : slice
    spectrum : ndarray of complex, shape (2, frames, bins)

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal((2, 48000)).astype("f4")
    >>> shape = {"length": 4080, "hop": 960, "n_fft": 4320, "bins": slice(14, 163)}
    >>> def cross(x):
    ...     parts = [part for _, part in narrow_blocks(x, rate=48000, **shape)]
    ...     return np.concatenate([p[0] * p[1].conj() for p in parts])
    >>> thin, whole = cross(noise), cross(noise.astype("f8"))
    >>> bool(np.abs(thin - whole).max() < 1e-5 * np.abs(whole).max())
    True
    """
    high = (bins.stop - 1) * rate / n_fft
    thin = 1
    if samples.dtype == np.float32:
        thin = thinning(rate, high=high, length=length, hop=hop, n_fft=n_fft)
    if thin == 1:
        yield from stft_blocks(samples, length=length, hop=hop, n_fft=n_fft, bins=bins)
        return
    total = frame_count(samples.shape[-1], hop)
    window = _window(length, thin)
    few = _thinned(samples, thin, rate, before=length // 2, after=length)
    frames = sliding_window_view(few, len(window), axis=-1)[:, :: hop // thin][:, :total]
    empty = _empty(samples, length, hop, total)
    block = BLOCK_FRAMES * thin  # as many bytes as a block of whole frames
    room = np.zeros((2, min(block, total), n_fft // thin), dtype=few.dtype)
    for start in range(0, total, block):
        part = slice(start, min(start + block, total))
        windowed = room[:, : part.stop - start]
        np.multiply(frames[:, part], window, out=windowed[..., : len(window)])
        spectrum = fft.rfft(windowed, axis=-1)[..., bins]
        if empty is not None:
            spectrum[empty[:, part]] = 0
        yield part, spectrum


def _empty(samples: NDArray, length: int, hop: int, total: int) -> NDArray[np.bool_] | None:
    """Which frames hold nothing but zeros, (2, frames); None where no sample is zero.

    The filter rings into frames of digital silence, and silence must stay silence.
    """
    nothing = samples == 0
    if not nothing.any():
        return None
    sounds = np.zeros((2, samples.shape[-1] + 1), dtype=np.int64)
    np.cumsum(~nothing, axis=-1, out=sounds[:, 1:])
    starts = np.arange(total) * hop - length // 2
    ends = np.clip([starts, starts + length], 0, samples.shape[-1])
    return sounds[:, ends[0]] == sounds[:, ends[1]]


@lru_cache(maxsize=8)
def _window(length: int, thin: int) -> NDArray[np.float32]:
    """Every `thin`-th value of the Hann window of this length."""
    at = np.arange(0, length, thin) / length
    window = (0.5 - 0.5 * np.cos(2 * np.pi * at)).astype(np.float32)
    window.flags.writeable = False
    return window


def _thinned(
    samples: NDArray, thin: int, rate: float, *, before: int, after: int
) -> NDArray[np.float32]:
    """Low-passed samples, one of `thin`; the first lies `before` samples ahead of the sound.

    Zeros stand in for what lies outside. A product with a matrix does several outputs at once:
    eight times as fast as one filter after the other, three times as fast as by transforms.
    """
    matrix = _filter(thin, rate)
    half = (len(matrix) - (_AT_ONCE - 1) * thin) // 2
    n = samples.shape[-1]
    step = _AT_ONCE * thin
    rows = -(-(before + n + after) // step)
    padded = np.zeros((2, (rows - 1) * step + len(matrix)), dtype=np.float32)
    room = padded[:, half + before :]
    room[:, :n] = samples
    view = as_strided(
        padded,
        (2, rows, len(matrix)),
        (padded.strides[0], step * padded.itemsize, padded.itemsize),
        writeable=False,
    )
    return (view @ matrix).reshape(2, rows * _AT_ONCE)


@lru_cache(maxsize=8)
def _filter(thin: int, rate: float) -> NDArray[np.float32]:
    """The low-pass as a matrix (samples, outputs): column j is the filter, `thin * j` later."""
    begins, shut = _edges(rate / thin)
    # Kaiser's rules for the window that shuts by so much within so many Hz (J. F. Kaiser 1974).
    width = 2 * np.pi * (shut - begins) / rate
    half = int(np.ceil((STOP_DB - 7.95) / (2.285 * width) / 2))
    count = 2 * half + 1
    cut = (begins + shut) / rate
    taps = np.sinc(cut * np.arange(-half, half + 1)) * np.kaiser(count, 0.1102 * (STOP_DB - 8.7))
    taps /= taps.sum()
    matrix = np.zeros((count + (_AT_ONCE - 1) * thin, _AT_ONCE), dtype=np.float32)
    for j in range(_AT_ONCE):
        # Thinned sums have fewer terms: the factor keeps a spectrum's size.
        matrix[j * thin : j * thin + count, j] = taps * thin
    matrix.flags.writeable = False
    return matrix
