"""Irregular surfaces: value noise, so that a tracker finds something to hold on to anywhere."""

from __future__ import annotations

import numpy as np

#: Values on the lattice that the noise runs between; the same for everybody, for ever.
_SIDE = 64
_LATTICE = np.random.Generator(np.random.PCG64(5)).random((_SIDE, _SIDE), np.float32)


def noise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return values in [0, 1) that change smoothly, about once a unit, and repeat after 64.

    Examples
    --------
    >>> u = np.array([3.0, 3.5, 67.0])
    >>> values = noise(u, np.zeros(3))
    >>> bool(values[0] == values[2]), bool(values[0] == values[1])
    (True, False)
    """
    i, j = np.floor(u), np.floor(v)
    x, y = u - i, v - j
    x, y = x * x * (3 - 2 * x), y * y * (3 - 2 * y)
    i, j = i.astype(np.int32) % _SIDE, j.astype(np.int32) % _SIDE
    k, m = (i + 1) % _SIDE, (j + 1) % _SIDE
    low = _LATTICE[i, j] * (1 - x) + _LATTICE[k, j] * x
    high = _LATTICE[i, m] * (1 - x) + _LATTICE[k, m] * x
    return low * (1 - y) + high * y


def speckle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return values in [0, 1), one for each unit square: noise without its smoothness."""
    return _LATTICE[np.floor(u).astype(np.int32) % _SIDE, np.floor(v).astype(np.int32) % _SIDE]


def grain(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return noise of three sizes in [0, 1): plaster, soil, leaves."""
    return (4 * noise(u, v) + 2 * noise(2.1 * u + 7, 2.1 * v) + noise(4.3 * u, 4.3 * v + 9)) / 7


def _fine(steps: int = 8) -> np.ndarray:
    places = (np.arange(_SIDE * steps, dtype=np.float32) + 0.5) / steps
    return noise(places[:, None], places[None])


_FINE = _fine()


def quick_noise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return :func:`noise` at the nearest eighth of a unit: one look-up, for what moves.

    Examples
    --------
    >>> u = np.array([3.0625])
    >>> bool(quick_noise(u, u)[0] == noise(u.astype(np.float32), u.astype(np.float32))[0])
    True
    """
    last = len(_FINE) - 1  # a power of two, less one
    i = np.floor(u * 8).astype(np.int32) & last
    j = np.floor(v * 8).astype(np.int32) & last
    return _FINE[i, j]
