"""Whispered speech from voiced speech: the mouth's shape kept, the voice replaced by breath.

A whisper has the vocal tract's resonances but turbulence for excitation. So, frame by frame: the
spectral envelope is taken from the voiced speech by liftering the cepstrum below the pitch period
(the period is known exactly from the synthesis), and noise is given that envelope. Unvoiced sounds
are breath already and pass unchanged. Two facts about whispers are imposed on the voiced parts
(S. Jovicic, "Formant feature differences between whispered and voiced sustained vowels", Acustica
84, 1998; V. Tran et al., "Improvement to a NAM-captured whisper-to-speech system", Speech
Communication 52, 2010): little energy below 500 Hz and a flatter spectrum above.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

WINDOW_S = 0.030
HOP_S = 0.005
TILT_DB_PER_OCTAVE = 6.0  # what the missing glottal pulse leaves
TILT_FROM_HZ, TILT_TO_HZ = 250.0, 3000.0
VOICED_DB = -10.0  # level of whispered vowels against voiced ones, after the tilt


def whispered(
    samples: np.ndarray, rate: int, f0: np.ndarray, f0_hop: float, rng: np.random.Generator
) -> np.ndarray:
    """Turn voiced speech into a whisper of the same words and times.

    Parameters
    ----------
    samples : (n,) float
        Voiced speech.
    rate
        Hz.
    f0 : (t,) float, Hz
        Pitch curve of those samples, 0 where unvoiced; value i belongs at i * ``f0_hop``.
    f0_hop
        Seconds.
    rng
        Source of the breath noise.

    Returns
    -------
    (n,) float32

    Example
    -------
    >>> tone = np.sin(2 * np.pi * 200 * np.arange(4800) / 24000)
    >>> whispered(tone, 24000, np.full(16, 200.0), 0.0125, np.random.default_rng(0)).shape
    (4800,)
    """
    samples = np.asarray(samples, np.float64)
    window = int(WINDOW_S * rate)
    transform = ShortTimeFFT(
        hann(window, sym=False), int(HOP_S * rate), rate, mfft=1 << (window - 1).bit_length()
    )
    spectrum = transform.stft(samples)  # (f, t)
    centres = transform.t(len(samples))
    pitch = curve_at(f0, f0_hop, centres)
    envelope = _envelope(spectrum, pitch, rate)
    noise = transform.stft(rng.standard_normal(len(samples)))
    noise /= np.sqrt(np.mean(np.abs(noise) ** 2))
    breath = transform.istft(noise * envelope * _tilt(transform.f)[:, None], k1=len(samples))
    voiced = _smooth(curve_at(f0, f0_hop, np.arange(len(samples)) / rate) > 0, rate)
    breath *= 10 ** (VOICED_DB / 20) * _level(samples, voiced) / _level(breath, voiced)
    return (samples * np.sqrt(1 - voiced) + breath * np.sqrt(voiced)).astype(np.float32)


def curve_at(curve: np.ndarray, hop: float, times: np.ndarray) -> np.ndarray:
    """The nearest values of a curve at times (its first and last values beyond its ends)."""
    index = np.floor(np.asarray(times) / hop + 0.5).astype(np.int64)
    return np.asarray(curve)[np.clip(index, 0, len(curve) - 1)]


def _envelope(spectrum: np.ndarray, pitch: np.ndarray, rate: int) -> np.ndarray:
    """Magnitude without the harmonics: cepstrum cut at .6 of the pitch period, (f, t)."""
    floor = 1e-5 * np.abs(spectrum).max() + 1e-12
    cepstrum = np.fft.irfft(np.log(np.maximum(np.abs(spectrum), floor)), axis=0)
    period = rate / np.where(pitch > 0, pitch, 200.0)
    cutoff = np.clip(0.6 * period, 0.0012 * rate, 0.003 * rate)
    quefrency = np.arange(len(cepstrum))
    quefrency = np.minimum(quefrency, len(cepstrum) - quefrency)[:, None]
    lifter = np.clip(1.5 - quefrency / cutoff, 0, 1)  # full to half the cutoff, then a slope
    return np.exp(np.fft.rfft(cepstrum * lifter, axis=0).real)


def _tilt(frequency: np.ndarray) -> np.ndarray:
    """Gain over frequency: down below 250 Hz, rising to 3 kHz, flat above."""
    octaves = np.log2(np.clip(frequency, TILT_FROM_HZ, TILT_TO_HZ) / TILT_FROM_HZ)
    bottom = np.clip(frequency / TILT_FROM_HZ, 0, 1) ** 2
    return bottom * 10 ** (TILT_DB_PER_OCTAVE * octaves / 20)


def _smooth(voiced: np.ndarray, rate: int) -> np.ndarray:
    return np.clip(uniform_filter1d(voiced.astype(np.float64), int(0.01 * rate)), 0, 1)


def _level(samples: np.ndarray, weight: np.ndarray) -> float:
    return float(np.sqrt(np.sum(weight * samples**2) / (np.sum(weight) + 1e-9))) + 1e-9
