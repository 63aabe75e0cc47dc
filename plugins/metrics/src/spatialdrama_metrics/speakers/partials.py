"""What the GE2E network looks at: mel spectra of stretches of 1.6 s, overlapping by half.

Source: Resemblyzer 0.1.4 (Apache-2.0), ``audio.wav_to_mel_spectrogram`` and
``VoiceEncoder.compute_partial_slices``; after L. Wan et al. (2018), "Generalized end-to-end loss
for speaker verification", ICASSP. Power spectra, not their logarithm, so level matters.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.mel import mel_matrix
from spatialdrama.dsp.stft import framed, hann
from spatialdrama_metrics.at_16k import RATE

MELS = 40
#: Samples of a window, samples and frames of a stretch.
_WINDOW, _HOP = 400, 160
FRAMES = 160
#: A last stretch that is filled less than this is left out, unless it is the only one.
_COVERAGE = 0.75


@cache
def _mels() -> NDArray[np.float32]:
    return mel_matrix(rate=RATE, n_fft=_WINDOW, bands=MELS).astype(np.float32)


def mel_power(wave: ArrayLike) -> NDArray[np.float32]:
    """Mel power spectra, 25 ms every 10 ms.

    Parameters
    ----------
    wave : array_like, shape (n,)
        16 kHz.

    Returns
    -------
    ndarray, shape (1 + n // 160, 40)

    Examples
    --------
    >>> mel_power(np.zeros(16000)).shape
    (101, 40)
    """
    wave = np.asarray(wave, dtype=np.float32)
    frames = framed(wave, length=_WINDOW, hop=_HOP)
    spectrum = np.fft.rfft(frames * hann(_WINDOW, np.float64), axis=-1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power @ _mels().T


def starts(samples: int, *, per_second: float = 1.3) -> list[int]:
    """First frames of the stretches that cover a signal.

    Parameters
    ----------
    samples : int
        At 16 kHz.
    per_second : float
        Stretches a second; 1.3 overlaps them by half.

    Returns
    -------
    list of int
        At least one.

    Examples
    --------
    >>> starts(4 * 16000)
    [0, 77, 154, 231]
    """
    frames = -(-(samples + 1) // _HOP)
    step = round(RATE / per_second / _HOP)
    found = list(range(0, max(1, frames - FRAMES + step + 1), step))
    covered = (samples - found[-1] * _HOP) / (FRAMES * _HOP)
    return found[:-1] if covered < _COVERAGE and len(found) > 1 else found


def partials(wave: NDArray, *, per_second: float = 1.3) -> NDArray[np.float32]:
    """Mel spectra of all stretches; zeros stand where the last one is longer than the signal.

    Parameters
    ----------
    wave : ndarray, shape (n,)
        16 kHz.
    per_second : float

    Returns
    -------
    ndarray, shape (p, 160, 40)

    Examples
    --------
    >>> partials(np.zeros(4 * 16000)).shape
    (4, 160, 40)
    """
    first = starts(len(wave), per_second=per_second)
    end = (first[-1] + FRAMES) * _HOP
    mel = mel_power(np.pad(wave, (0, max(0, end - len(wave)))))
    return np.stack([mel[start : start + FRAMES] for start in first])
