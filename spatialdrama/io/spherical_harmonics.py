"""Real spherical harmonics as AES69 files use them, and a grid to evaluate them on."""

from __future__ import annotations

import numpy as np

from spatialdrama.errors import ValidationError


def real_harmonics(order: int, directions: np.ndarray) -> np.ndarray:
    """Return (d, (order + 1)^2) orthonormal real spherical harmonics at unit vectors (d, 3).

    Numbered as in Ambisonics (ACN: l^2 + l + m), without the Condon-Shortley phase: what
    SOFAtoolbox's ``sph2SH`` writes into FreeFieldHRTF files.

    Source: M. A. Blanco, M. Florez and M. Bermejo (1997), J. Mol. Struct. THEOCHEM 419, 19-27.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.io.spherical_harmonics import real_harmonics
    >>> (real_harmonics(1, np.eye(3)) * np.sqrt(4 * np.pi / 3))[:, 1:].round(6) + 0.0
    array([[0., 0., 1.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """
    from scipy.special import gammaln, lpmv

    directions = np.asarray(directions, dtype=float)
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    out = np.empty((len(directions), (order + 1) ** 2))
    for degree in range(order + 1):
        for m in range(degree + 1):
            norm = (2 * degree + 1) / (4 * np.pi) * np.exp(
                gammaln(degree - m + 1) - gammaln(degree + m + 1)
            )  # fmt: skip
            flat = (-1) ** m * np.sqrt(norm) * lpmv(m, degree, directions[:, 2])
            middle = degree * degree + degree
            if m == 0:
                out[:, middle] = flat
                continue
            out[:, middle + m] = np.sqrt(2) * flat * np.cos(m * azimuth)
            out[:, middle - m] = np.sqrt(2) * flat * np.sin(m * azimuth)
    return out


def order_of(count: int, name: str) -> int:
    """Return the order that `count` coefficients belong to."""
    order = round(np.sqrt(count)) - 1
    if (order + 1) ** 2 != count:
        raise ValidationError(
            f"{name}: {count} emitters are spherical harmonics, but a whole order has a square "
            "number (1, 4, 9, 16, ...); the file is wrong, get another copy."
        )
    return order


def ring_grid(order: int) -> np.ndarray:
    """Return (d, 3) unit vectors that a field of this order is sampled on without loss.

    Rings of elevation no farther apart than the harmonics need (and 4 to 10 degrees), each with
    as many azimuths as its circumference asks for, and both poles; mirror-symmetric.
    """
    step = float(np.clip(180.0 / (order + 2), 4.0, 10.0))
    rings = 2 * int(np.ceil(90.0 / step))
    out = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    for elevation in np.linspace(-np.pi / 2, np.pi / 2, rings + 1)[1:-1]:
        count = max(8, 4 * int(np.ceil(90.0 * np.cos(elevation) / step)))
        azimuth = 2 * np.pi * np.arange(count) / count
        z = np.full(count, np.sin(elevation))
        flat = np.cos(elevation)
        out.extend(np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), z], axis=1).tolist())
    return np.asarray(out)
