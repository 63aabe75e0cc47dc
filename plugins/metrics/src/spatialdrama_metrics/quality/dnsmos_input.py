"""What DNSMOS looks at: stretches of 9.01 s, as samples and as log-mel spectra.

Source: C. K. A. Reddy et al. (2022), "DNSMOS P.835: A non-intrusive perceptual objective speech
quality metric to evaluate noise suppressors", ICASSP, and its released code (speechmos 0.0.1.1,
MIT): short sound is doubled until it is long enough, stretches start every second.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.mel import mel_matrix
from spatialdrama.dsp.stft import framed, hann
from spatialdrama_metrics.at_16k import RATE

WINDOW_S = 9.01
SAMPLES = int(WINDOW_S * RATE)
_FFT, _HOP, _MELS, _FRAMES = 321, 160, 120, 900
_TOP_DB = 80.0


def stretches(wave: NDArray, *, every_s: int = 1) -> list[NDArray[np.float32]]:
    """Cut a signal as the original does.

    Parameters
    ----------
    wave : ndarray, shape (n,)
        16 kHz.
    every_s : int
        s from one stretch to the next.

    Returns
    -------
    list of ndarray, each of shape (144160,)
        Views, so that they cost no memory.

    Examples
    --------
    >>> len(stretches(np.ones(4 * 16000)))
    7
    """
    wave = np.asarray(wave, dtype=np.float32)
    while len(wave) < SAMPLES:
        wave = np.concatenate([wave, wave])
    count = int(np.floor(len(wave) / RATE) - WINDOW_S) + 1
    # The end as the original computes it: where rounding makes a stretch one sample short, it is
    # left out there, and so it is here.
    ends = {start: int((start + WINDOW_S) * RATE) for start in range(0, count, every_s)}
    return [wave[s * RATE : end] for s, end in ends.items() if end - s * RATE >= SAMPLES]


@cache
def _mels() -> NDArray[np.float32]:
    return mel_matrix(rate=RATE, n_fft=_FFT, bands=_MELS).astype(np.float32)


def log_mel(wave: NDArray) -> NDArray[np.float32]:
    """Spectra for the network that was trained on P.808 ratings.

    Parameters
    ----------
    wave : ndarray, shape (144160,)

    Returns
    -------
    ndarray, shape (900, 120)
        dB below the loudest, 80 at most, as ``(dB + 40) / 40``.

    Examples
    --------
    >>> float(log_mel(np.ones(144160)).max())
    1.0
    """
    frames = framed(np.asarray(wave[:-_HOP], dtype=np.float32), length=_FFT, hop=_HOP)[:_FRAMES]
    spectrum = np.fft.rfft(frames * hann(_FFT, np.float64), axis=-1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ _mels().T
    db = 10 * np.log10(np.maximum(power, 1e-10))
    db -= db.max()
    return ((np.maximum(db, -_TOP_DB) + 40) / 40).astype(np.float32)
