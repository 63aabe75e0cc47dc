"""Levels in decibels, defined once: rms, peak and the gain that takes one level to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: dB; what silence measures. Far below 24-bit noise (-144 dB), and finite: so means stay finite.
SILENCE_DB = -200.0
_FLOOR_POWER = 10 ** (SILENCE_DB / 10)


def power_to_db(power: ArrayLike) -> NDArray[np.float64]:
    """Power to decibels, with silence at :data:`SILENCE_DB`.

    Parameters
    ----------
    power : array_like, any shape
        Non-negative power (amplitude squared).

    Returns
    -------
    ndarray of float64, same shape
        ``10 log10(power)`` in dB, never below -200.

    Examples
    --------
    >>> float(power_to_db(0.01)), float(power_to_db(0.0))
    (-20.0, -200.0)
    """
    return 10.0 * np.log10(np.maximum(np.asarray(power, dtype=np.float64), _FLOOR_POWER))


def db_to_gain(level_db: ArrayLike) -> NDArray[np.float64]:
    """Decibels to an amplitude factor: ``10 ** (level_db / 20)``.

    Examples
    --------
    >>> round(float(db_to_gain(-6.0)), 4)
    0.5012
    """
    return np.power(10.0, np.asarray(level_db, dtype=np.float64) / 20.0)


def rms_db(samples: ArrayLike, *, axis: int | None = None) -> NDArray[np.float64]:
    """Root-mean-square level in dB re full scale (a full-scale square wave is 0 dB).

    Parameters
    ----------
    samples : array_like, any shape
    axis : int, optional
        Axis to average over; the default is all of them, which treats the two ears as one signal.

    Returns
    -------
    ndarray of float64
        Level in dBFS, never below -200.

    Examples
    --------
    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    >>> round(float(rms_db(sine)), 2)
    -3.01
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.size == 0:
        return np.asarray(SILENCE_DB)
    return power_to_db(np.mean(values * values, axis=axis))


def peak_db(samples: ArrayLike, *, axis: int | None = None) -> NDArray[np.float64]:
    """Largest sample magnitude in dB re full scale; above 0 means that a fixed-point file clips.

    Examples
    --------
    >>> float(peak_db([0.1, -1.0]))
    0.0
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.size == 0:
        return np.asarray(SILENCE_DB)
    return power_to_db(np.max(np.abs(values), axis=axis) ** 2)


def ear_levels_db(samples: ArrayLike) -> NDArray[np.float64]:
    """Root-mean-square level of each ear in dBFS.

    Parameters
    ----------
    samples : array_like, shape (2, n)
        Left, right.

    Returns
    -------
    ndarray, shape (2,)

    Examples
    --------
    >>> ear_levels_db([[1.0, -1.0], [0.1, -0.1]]).round(1).tolist()
    [0.0, -20.0]
    """
    return rms_db(samples, axis=-1)
