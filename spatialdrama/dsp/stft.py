"""Short-time Fourier transform in bounded memory: frames, windows, frequencies, times.

Frames are centred: frame ``t`` looks at the samples around ``t * hop``, zeros standing in for
what lies outside, so that frame times need no correction and a clip of ``n`` samples always has
``1 + n // hop`` frames. Zeros, not reflections: a reflected edge has the interaural delay of the
wrong sign.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from spatialdrama.errors import ValidationError

#: Frames worked on at once. 32 frames of 4096 samples, two ears, are 1 MB in float32 and as much
#: again as spectrum: both stay in a core's cache, which makes the whole 1.7 times as fast as 512.
BLOCK_FRAMES = 32


def as_samples(samples: ArrayLike, *, ears: int | None = None) -> NDArray[np.floating]:
    """Audio as a float array, its ear count and finiteness checked.

    Parameters
    ----------
    samples : array_like, shape (n,) or (2, n)
    ears : int, optional
        Demand this many rows; ``None`` takes any shape whose last axis is time.

    Returns
    -------
    ndarray of float32 or float64
        ``samples`` itself where it already is one of these.

    Raises
    ------
    ValidationError
        Wrong number of channels, no samples, or NaN or infinity (with the first place).

    Examples
    --------
    >>> as_samples([[0, 1], [1, 0]], ears=2).shape
    (2, 2)
    """
    array = np.asarray(samples)
    if array.dtype not in (np.float32, np.float64):
        if array.dtype.kind not in "iuf":
            raise ValidationError(f"audio samples must be real numbers, got dtype {array.dtype}")
        array = array.astype(np.float64)
    if ears is not None and (array.ndim != 2 or array.shape[0] != ears):
        turned = array.ndim == 2 and array.shape[1] == ears
        hint = "; transpose it with samples.T" if turned else ""
        raise ValidationError(f"audio must have shape ({ears}, samples), got {array.shape}{hint}")
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValidationError(f"audio has no samples, got shape {array.shape}")
    # The sum is finite exactly when all are (or overflows, which is as bad): one pass, no copy.
    if not np.isfinite(np.sum(array, dtype=np.float64)):
        where = np.argwhere(~np.isfinite(array))
        place = where[0].tolist() if len(where) else "the sum"
        raise ValidationError(f"audio holds {len(where)} NaN or infinite samples, first at {place}")
    return array


def frame_count(n: int, hop: int) -> int:
    """Number of centred frames of ``n`` samples: ``1 + n // hop``.

    Examples
    --------
    >>> frame_count(48000, 480)
    101
    """
    return 1 + n // hop


def frame_times(frames: int, *, hop: int, rate: float) -> NDArray[np.float64]:
    """Centres of the frames in seconds, shape (frames,).

    Examples
    --------
    >>> frame_times(3, hop=480, rate=48000).tolist()
    [0.0, 0.01, 0.02]
    """
    return np.arange(frames) * (hop / rate)


def frequencies(n_fft: int, rate: float) -> NDArray[np.float64]:
    """Frequencies of the bins in Hz, shape (n_fft // 2 + 1,).

    Examples
    --------
    >>> frequencies(8, 16000).tolist()
    [0.0, 2000.0, 4000.0, 6000.0, 8000.0]
    """
    return fft.rfftfreq(n_fft, 1.0 / rate)


def hann(length: int, dtype: type = np.float32) -> NDArray[np.floating]:
    """Periodic Hann window (the one whose shifted copies add up to a constant).

    Examples
    --------
    >>> hann(4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(dtype)


def framed(samples: NDArray[np.floating], *, length: int, hop: int) -> NDArray[np.floating]:
    """Centred frames as a read-only view on a zero-padded copy.

    Parameters
    ----------
    samples : ndarray, shape (..., n)
    length, hop : int
        Samples per frame and between frames.

    Returns
    -------
    ndarray, shape (..., 1 + n // hop, length)

    Examples
    --------
    >>> import numpy as np
    >>> framed(np.arange(1.0, 5.0), length=4, hop=2).tolist()
    [[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 0.0, 0.0]]
    """
    if length < 1 or hop < 1:
        raise ValidationError(f"frame length and hop must be at least 1, got {length} and {hop}")
    pad = [(0, 0)] * (samples.ndim - 1) + [(length // 2, length)]
    windows = sliding_window_view(np.pad(samples, pad), length, axis=-1)
    return windows[..., ::hop, :][..., : frame_count(samples.shape[-1], hop), :]


def stft_blocks(
    samples: ArrayLike,
    *,
    length: int,
    hop: int,
    n_fft: int | None = None,
    bins: slice | None = None,
    block: int = BLOCK_FRAMES,
) -> Iterator[tuple[slice, NDArray[np.complexfloating]]]:
    """The short-time spectrum, a block of frames at a time, so that memory does not grow.

    Parameters
    ----------
    samples : array_like, shape (..., n)
    length, hop : int
        Samples per Hann frame and between frames.
    n_fft : int, optional
        Transform length, at least ``length``; frames are zero-padded at their end.
    bins : slice, optional
        Keep only these frequency bins.
    block : int
        Frames per block.

    Yields
    ------
    frames : slice
        Which frames the block holds.
    spectrum : ndarray of complex, shape (..., frames, bins)
        complex64 for float32 input, else complex128.

    Examples
    --------
    >>> import numpy as np
    >>> [s.shape for _, s in stft_blocks(np.zeros(100), length=8, hop=4, block=20)]
    [(20, 5), (6, 5)]
    """
    samples = as_samples(samples)
    n_fft = length if n_fft is None else n_fft
    if n_fft < length:
        raise ValidationError(f"n_fft must be at least the frame length {length}, got {n_fft}")
    frames = framed(samples, length=length, hop=hop)
    window = hann(length, samples.dtype.type)
    total = frames.shape[-2]
    # One buffer for all blocks; what lies behind the frame's length stays zero.
    room = np.zeros((*frames.shape[:-2], min(block, total), n_fft), dtype=samples.dtype)
    for start in range(0, total, block):
        part = slice(start, min(start + block, total))
        windowed = room[..., : part.stop - start, :]
        np.multiply(frames[..., part, :], window, out=windowed[..., :length])
        spectrum = fft.rfft(windowed, axis=-1)
        yield part, spectrum if bins is None else spectrum[..., bins]


def stft(
    samples: ArrayLike, *, length: int = 2048, hop: int = 512, n_fft: int | None = None
) -> NDArray[np.complexfloating]:
    """The whole short-time spectrum at once; see :func:`stft_blocks` for long audio.

    Parameters
    ----------
    samples : array_like, shape (..., n)
    length, hop, n_fft : int
        As in :func:`stft_blocks`.

    Returns
    -------
    ndarray of complex, shape (..., 1 + n // hop, n_fft // 2 + 1)
        Time before frequency: a frame is contiguous.

    Examples
    --------
    >>> import numpy as np
    >>> stft(np.zeros((2, 48000)), length=1024, hop=480).shape
    (2, 101, 513)
    """
    blocks = stft_blocks(samples, length=length, hop=hop, n_fft=n_fft)
    return np.concatenate([spectrum for _, spectrum in blocks], axis=-2)
