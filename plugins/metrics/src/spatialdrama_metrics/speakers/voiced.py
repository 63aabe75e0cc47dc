"""One level, and no long silences: what stands before the GE2E network.

Source: Resemblyzer 0.1.4 (Apache-2.0), ``audio.normalize_volume`` and ``trim_long_silences``. Which
windows hold a voice the package asks WebRTC's detector; here the level decides, unless
``"webrtc"`` is asked for.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from spatialdrama.dsp.active import gate
from spatialdrama.dsp.level import power_to_db, rms_db
from spatialdrama_metrics.at_16k import RATE
from spatialdrama_metrics.optional import optional

Trim = Literal["level", "webrtc", "none"]
Level = Literal["fixed", "raise"]

WINDOW = 480  # samples of 30 ms, which WebRTC's detector takes
#: dBFS, rms. The package's -30 is a floor that speech seldom needs; most of it lies about -24.
LEVEL_DB = {"fixed": -24.0, "raise": -30.0}
GATE_DB = 30.0
#: Windows that a decision is averaged over, and those kept around a voice.
_SMOOTH, _AROUND = 8, 7


def levelled(wave: NDArray, level: Level = "fixed") -> NDArray[np.float64]:
    """Bring the rms to -24 dBFS, or raise it to -30 dBFS.

    Parameters
    ----------
    wave : ndarray, shape (n,)
        Not silent.
    level : {"fixed", "raise"}
        ``"raise"`` leaves sound above -30 dBFS as it is, as the package does; then gain changes
        the result.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> round(float(rms_db(levelled(np.ones(100)))), 6)
    -24.0
    """
    change = LEVEL_DB[level] - float(rms_db(wave))
    if change < 0 and level == "raise":
        return np.asarray(wave)
    return np.asarray(wave) * 10 ** (change / 20)


def voiced_windows(wave: NDArray, how: Trim = "level") -> NDArray[np.bool_]:
    """Which windows of 30 ms hold a voice, one by one.

    Parameters
    ----------
    wave : ndarray, shape (n,)
        16 kHz; a last window that is not full is left out.
    how : {"level", "webrtc", "none"}
        Within 30 dB of the loudest window; WebRTC's detector in its strictest mode; all.

    Returns
    -------
    ndarray of bool, shape (n // 480,)

    Examples
    --------
    >>> voiced_windows(np.repeat([0.0, 0.5], 480)).tolist()
    [False, True]
    """
    windows = wave[: len(wave) // WINDOW * WINDOW].reshape(-1, WINDOW)
    if how == "none":
        return np.ones(len(windows), dtype=bool)
    if how == "level":
        return gate(power_to_db(np.mean(windows.astype(np.float64) ** 2, axis=1)), gate_db=GATE_DB)
    detector = optional(
        "webrtcvad", who="trimming with 'webrtc'", extra="spatialdrama-metrics[webrtc]"
    ).Vad(3)
    whole = np.round(np.clip(windows, -1, 1) * 32767).astype("<i2")
    return np.array([detector.is_speech(w.tobytes(), sample_rate=RATE) for w in whole], dtype=bool)


def without_silence(wave: NDArray, how: Trim = "level") -> NDArray:
    """Leave out silences longer than about .2 s.

    Parameters
    ----------
    wave : ndarray, shape (n,)
        16 kHz.
    how : {"level", "webrtc", "none"}
        See :func:`voiced_windows`.

    Returns
    -------
    ndarray, shape (m,)
        Whole windows of 30 ms, possibly none; with ``"none"`` the whole signal.

    Examples
    --------
    >>> wave = np.concatenate([np.ones(16000), np.zeros(32000)])
    >>> len(without_silence(wave)) / 16000
    1.08
    """
    if how == "none":
        return wave
    flags = voiced_windows(wave, how)
    if not len(flags):
        return wave[:0]
    padded = np.pad(flags.astype(float), ((_SMOOTH - 1) // 2, _SMOOTH // 2))
    share = np.convolve(padded, np.ones(_SMOOTH), mode="valid") / _SMOOTH
    kept = binary_dilation(np.round(share).astype(bool), np.ones(_AROUND))
    return wave[: len(flags) * WINDOW][np.repeat(kept, WINDOW)]


def seconds_of_sound(mono: NDArray, *, rate: int) -> float:
    """Seconds of a signal within 30 dB of its loudest 30 ms.

    Parameters
    ----------
    mono : ndarray, shape (n,)
        At any rate; the last window may be shorter.
    rate : int

    Returns
    -------
    float
        0 for silence.

    Examples
    --------
    >>> seconds_of_sound(np.repeat([0.0, 0.5], 48000), rate=48000)
    1.01
    """
    size = max(1, round(WINDOW / RATE * rate))
    short = -len(mono) % size
    power = np.pad(np.asarray(mono, dtype=np.float64) ** 2, (0, short)).reshape(-1, size).sum(1)
    lengths = np.full(len(power), size)
    lengths[-1] -= short
    return float(lengths[gate(power_to_db(power / lengths), gate_db=GATE_DB)].sum() / rate)
