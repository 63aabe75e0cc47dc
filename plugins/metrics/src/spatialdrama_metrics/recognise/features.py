"""Log-mel features as Whisper was trained on.

Source: A. Radford et al. (2022), "Robust speech recognition via large-scale weak supervision",
section 2.2, and its released code: 80 Slaney mels of a 25 ms Hann window every 10 ms at 16 kHz.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from spatialdrama.dsp.mel import mel_matrix

RATE = 16_000
WINDOW_S = 30.0  # the network sees exactly this much
_LENGTH, _HOP, _MELS = 400, 160, 80


def to_16k(mono: ArrayLike, *, rate: int) -> NDArray[np.float32]:
    """Resample mono to 16 kHz with a polyphase filter.

    Examples
    --------
    >>> to_16k(np.zeros(48000), rate=48000).shape
    (16000,)
    """
    mono = np.asarray(mono, dtype=np.float64)
    if rate != RATE:
        common = np.gcd(int(rate), RATE)
        mono = signal.resample_poly(mono, RATE // common, int(rate) // common)
    return mono.astype(np.float32)


@cache
def _mels() -> NDArray[np.float32]:
    return mel_matrix(rate=RATE, n_fft=_LENGTH, bands=_MELS, high=8000.0).astype(np.float32)


def log_mel(mono: ArrayLike) -> NDArray[np.float32]:
    """Features of up to 30 s, zero-padded to 30 s.

    Parameters
    ----------
    mono : array_like, shape (n,)
        16 kHz, full scale 1; what lies beyond 30 s is left out.

    Returns
    -------
    ndarray, shape (80, 3000)
        ``(max(log10 power, top - 8) + 4) / 4``.

    Examples
    --------
    >>> log_mel(np.zeros(16000)).shape
    (80, 3000)
    """
    n = int(WINDOW_S * RATE)
    padded = np.zeros(n, dtype=np.float32)
    part = np.asarray(mono, dtype=np.float32)[:n]
    padded[: len(part)] = part
    padded = np.pad(padded, _LENGTH // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LENGTH)[::_HOP][: n // _HOP]
    window = signal.get_window("hann", _LENGTH).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32) ** 2
    log = np.log10(np.maximum(_mels() @ power.T, 1e-10))
    return ((np.maximum(log, log.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
