"""Interaural phase and level differences as the published evaluation computes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.mel import mel_matrix
from spatialdrama.dsp.stft import as_samples, hann
from spatialdrama.errors import ValidationError
from spatialdrama_metrics.published.resample import resample

#: Hz, samples, samples: everything is computed at this rate, with these frames.
RATE, FRAME, HOP = 32_000, 1024, 320
#: Bands and edges (Hz) of the mel matrix.
MELS, LOW, HIGH = 128, 50.0, 14_000.0
#: Added to both magnitudes before their ratio.
EPSILON = 1e-10
#: The published tables give the mean error times this.
SCALE = 100.0
#: Frames worked on at once: 17 MB of complex spectra of two ears.
BLOCK_FRAMES = 1024


class PublishedError(NamedTuple):
    """A published interaural error: ``value``, the compared ``frames``, the value of ``mono``.

    ``mono`` is what one signal in both ears would score against this reference.
    """

    value: float
    frames: int
    mono: float


def ipd_mae(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: int,
    wrap: bool = False,
    mel: bool = True,
    per_frame: bool = True,
    scale: float = SCALE,
) -> PublishedError:
    """Mean absolute error of the interaural phase difference, the published way.

    At 32 kHz, per frame of 1024 samples every 320 (periodic Hann, centred, edges reflected), the
    phase of the right ear minus that of the left, not wrapped; projected on 128 mel bands; both
    cut to the shorter; mean absolute difference, divided by the number of frames once more, times
    100. The defaults are the published code; the paper's equations 20 to 23 are ``wrap=True,
    mel=False, per_frame=False``.

    Parameters
    ----------
    audio, reference : array_like, shape (2, n)
        Left, right. The longer one is cut to the frames of the shorter.
    rate : int
        Samples per second, of both.
    wrap : bool
        Take the principal value of the phase difference (equation 22).
    mel : bool
        Project frequency bins on mel bands; their weights sum to about .033, so that what comes
        out is no longer in radians.
    per_frame : bool
        Divide the mean by the number of frames, so that a longer clip has a smaller error.
    scale : float
        Factor of the result.

    Returns
    -------
    PublishedError

    Raises
    ------
    ValidationError
        Not two channels, NaN, or too short for one frame (513 samples at 32 kHz, 16 ms).

    References
    ----------
    Zhang et al. (2025), "ISDrama", appendix D.1, and its released evaluation code.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal((2, 2, 160000))
    >>> error = ipd_mae(noise[0], noise[1], rate=32000)
    >>> error.frames, round(error.value * error.frames, 1), round(error.mono * error.frames, 1)
    (501, 4.7, 3.4)
    """
    options = {"level": False, "wrap": wrap, "mel": mel}
    return _mae(audio, reference, rate, options, per_frame=per_frame, scale=scale)


def ild_mae(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: int,
    mel: bool = True,
    per_frame: bool = True,
    scale: float = SCALE,
) -> PublishedError:
    """Mean absolute error of the interaural level difference, the published way.

    ``20 log10((|R| + 1e-10) / (|L| + 1e-10))`` per bin, then everything as in :func:`ipd_mae`.

    Parameters
    ----------
    audio, reference, rate, mel, per_frame, scale
        As in :func:`ipd_mae`. The paper's equation 23 is ``mel=False, per_frame=False``: dB times
        100.

    Returns
    -------
    PublishedError

    Raises
    ------
    ValidationError
        As in :func:`ipd_mae`.

    References
    ----------
    Zhang et al. (2025), "ISDrama", appendix D.1, and its released evaluation code.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal((2, 32000))
    >>> options = {"rate": 32000, "mel": False, "per_frame": False, "scale": 1}
    >>> round(ild_mae(noise * [[2], [1]], noise, **options).value, 2)
    6.02
    """
    options = {"level": True, "wrap": False, "mel": mel}
    return _mae(audio, reference, rate, options, per_frame=per_frame, scale=scale)


def _mae(
    audio: ArrayLike,
    reference: ArrayLike,
    rate: int,
    options: dict[str, bool],
    *,
    per_frame: bool,
    scale: float,
) -> PublishedError:
    pair = [_ready(role, x, rate) for role, x in (("audio", audio), ("reference", reference))]
    frames = min(1 + x.shape[1] // HOP for x in pair)
    error = mono = values = 0.0
    blocks = (interaural_blocks(x, frames=frames, **options) for x in pair)
    for candidate, wanted in zip(*blocks, strict=True):
        error += float(np.abs(candidate - wanted).sum())
        mono += float(np.abs(wanted).sum())
        values += wanted.size
    factor = scale / values / (frames if per_frame else 1)
    return PublishedError(error * factor, frames, mono * factor)


def _ready(role: str, samples: ArrayLike, rate: int) -> NDArray[np.float64]:
    """Check one signal and bring it to the common rate."""
    try:
        out = resample(as_samples(samples, ears=2), rate, RATE)
    except ValidationError as error:
        raise ValidationError(f"{role}: {error}") from None
    if out.shape[1] <= FRAME // 2:
        raise ValidationError(
            f"{role} has {out.shape[1]} samples at {RATE} Hz, and the published frames need at "
            f"least {FRAME // 2 + 1} ({1e3 * (FRAME // 2 + 1) / RATE:.0f} ms); give a longer clip"
        )
    return out


def interaural_blocks(
    samples: NDArray[np.float64], *, frames: int, level: bool, wrap: bool, mel: bool
) -> Iterator[NDArray[np.float64]]:
    """Yield the interaural difference, a block of frames at a time, right minus left.

    Parameters
    ----------
    samples : ndarray, shape (2, n)
        At 32 kHz, at least 513 samples.
    frames : int
        How many frames of the clip.
    level : bool
        dB instead of radians.
    wrap, mel : bool
        As in :func:`ipd_mae`.

    Yields
    ------
    ndarray, shape (block, 128) or, without ``mel``, (block, 513)
    """
    edges = [(0, 0), (FRAME // 2, FRAME // 2)]
    padded = np.pad(samples.astype(np.float32), edges, mode="reflect")
    windows = sliding_window_view(padded, FRAME, axis=1)[:, ::HOP]
    for low in range(0, frames, BLOCK_FRAMES):
        part = windows[:, low : min(low + BLOCK_FRAMES, frames)] @ dft_weights()
        left, right = part.view(np.complex64)
        if level:
            difference = 20 * np.log10((np.abs(right) + EPSILON) / (np.abs(left) + EPSILON))
        elif wrap:
            difference = np.angle(right * left.conj())
        else:
            difference = np.angle(right) - np.angle(left)
        yield difference @ mel_weights() if mel else difference


@cache
def dft_weights() -> NDArray[np.float32]:
    """Windowed Fourier matrix, shape (1024, 1026): real and imaginary part of each bin in turn.

    A matrix product in single precision, and not a fast transform, because that is what the
    published code computes: edges are reflected, so the first frame is symmetric, its phases are 0
    or pi, and rounding alone decides between pi and -pi. A fast transform keeps the symmetry and
    has no such noise; on 5 s of a recording the error is then .05 % smaller, on .5 s half a per
    cent.

    Examples
    --------
    >>> dft_weights().shape
    (1024, 1026)
    """
    turns = np.outer(np.arange(FRAME), np.arange(FRAME // 2 + 1)) % FRAME / FRAME
    weights = np.exp(-2j * np.pi * turns) * hann(FRAME, np.float64)[:, None]
    weights = np.ascontiguousarray(weights.astype(np.complex64)).view(np.float32)
    weights.flags.writeable = False
    return weights


@cache
def mel_weights() -> NDArray[np.float64]:
    """Mel matrix of the published code, shape (513, 128): Slaney's scale and normalisation.

    Examples
    --------
    >>> mel_weights().shape, mel_weights().sum(axis=0).round(3)[[0, 60, 127]].tolist()
    ((513, 128), [0.031, 0.032, 0.032])
    """
    weights = mel_matrix(rate=RATE, n_fft=FRAME, bands=MELS, low=LOW, high=HIGH).T
    weights.flags.writeable = False
    return weights
