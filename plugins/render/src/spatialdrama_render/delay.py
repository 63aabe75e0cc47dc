"""Reading a signal at fractional, moving times.

A signal is first raised to eight times its rate by a 32-taps-per-phase Kaiser sinc, once per
block and for all paths together; then each path reads it with two points (linear) or four
(Lagrange). That costs a few operations per sample in plain numpy where a 16-tap sinc at every
read costs fifty. Errors, held by the tests: two points below -80 dB at 1 kHz and -55 dB at 6 kHz,
four points below -72 dB up to 15 kHz.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

#: How many times finer the raised signal is.
FACTOR = 8
_HALF_TAPS = 16
_KAISER_BETA = 8.0
#: Samples needed before and after the times that are read.
GUARD = _HALF_TAPS + 4


@lru_cache(maxsize=1)
def _phases() -> np.ndarray:
    """Return (33, 8): the taps that give each of the eight points after a sample."""
    n = np.arange(-_HALF_TAPS, _HALF_TAPS + 1)[:, None] - np.arange(FACTOR) / FACTOR
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - (n / (_HALF_TAPS + 1)) ** 2, 0)))
    return (np.sinc(n) * window / np.i0(_KAISER_BETA)).astype(np.float32)


def raised(signal: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return samples `first` to `last` of a signal at :data:`FACTOR` times its rate.

    Parameters
    ----------
    signal : (n,) float32 or complex64
        Silent before 0 and after n.
    first, last : int
        In samples of the signal; may lie outside it.

    Returns
    -------
    ((last - first + 1) * FACTOR,) array
        Element j is the band-limited signal at ``first + j / FACTOR``.
    """
    low, high = first - _HALF_TAPS, last + _HALF_TAPS + 1
    piece = np.zeros(high - low, dtype=signal.dtype)
    a, b = max(low, 0), min(high, len(signal))
    if b > a:
        piece[a - low : b - low] = signal[a:b]
    if not np.iscomplexobj(piece):
        return _all_phases(piece)
    fine = np.empty((last - first + 1) * FACTOR, dtype=np.complex64)
    fine.real = _all_phases(piece.real)
    fine.imag = _all_phases(piece.imag)
    return fine


def _all_phases(piece: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(piece, 2 * _HALF_TAPS + 1)
    return (np.ascontiguousarray(windows) @ _phases()).ravel()


def raised_for(signal: np.ndarray, position: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Raise the part of a signal that control points `hop` samples apart read.

    Parameters
    ----------
    signal : (n,) float32 or complex64
    position : float64 array
        In samples of the signal, anywhere.

    Returns
    -------
    fine : (m,) array
    position : array
        The same points in elements of `fine`. Those far outside the signal are drawn near, where
        there is silence too; the margin keeps every line that touches the signal as it was, up to
        three times the speed of normal play.
    """
    margin = GUARD + 4 * hop
    position = np.clip(position, -margin, len(signal) + margin)
    first = int(np.floor(position.min())) - 1
    last = int(np.ceil(position.max())) + 2
    return raised(signal, first, last), (position - first) * FACTOR


def read_linear(fine: np.ndarray, position: np.ndarray, hop: int) -> np.ndarray:
    """Read between two points, along straight lines between control points.

    Parameters
    ----------
    fine : (m,) float32 or complex64
        From :func:`raised`.
    position : (k, i) float64
        In elements of `fine`, from 0 to m - 2, at control points `hop` samples apart.

    Returns
    -------
    (k - 1, i, hop) array
    """
    index, share = _split(position, hop)
    low = fine.take(index)
    index += 1
    high = fine.take(index)
    high -= low
    high *= share
    high += low
    return high


def read_lagrange(fine: np.ndarray, position: np.ndarray, hop: int) -> np.ndarray:
    """Read between four points by a cubic; positions from 1 to m - 3, else as above."""
    index, t = _split(position, hop)
    before, low, high, after = (fine.take(index + k) for k in (-1, 0, 1, 2))
    out = before * (-t * (t - 1) * (t - 2) / 6)
    out += low * ((t + 1) * (t - 1) * (t - 2) / 2)
    out += high * (-(t + 1) * t * (t - 2) / 2)
    out += after * ((t + 1) * t * (t - 1) / 6)
    return out


def lines(control: np.ndarray, hop: int) -> np.ndarray:
    """Return (k - 1, i, hop) float32: straight lines between (k, i) control values."""
    step = (np.diff(control, axis=0) / hop).astype(np.float32)
    out = step[..., None] * np.arange(hop, dtype=np.float32)
    out += control[:-1, :, None].astype(np.float32)
    return out


def _split(position: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whole (int32) and fractional (float32) parts of lines between control points.

    Counted from the whole part at the line's start, single precision holds the fraction to
    1 / 8000 of an element.
    """
    base = np.floor(position[:-1])
    step = (np.diff(position, axis=0) / hop).astype(np.float32)
    share = step[..., None] * np.arange(hop, dtype=np.float32)
    share += (position[:-1] - base)[..., None].astype(np.float32)
    index = share.astype(np.int32)
    share -= index
    index += base[..., None].astype(np.int32)
    return index, share
