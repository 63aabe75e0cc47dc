"""Whose ears the corpus is heard with: one measured head in several preparations, and closed forms.

A head is a set of options for the renderer. Spheres are built here, because the renderer's own has
one size.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from spatialdrama.conventions import HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.io.sofa import hrir_dataset
from spatialdrama.types.validate import unknown_name

#: Name -> what the renderer is told; a radius (m) stands for a rigid sphere of that size.
HEADS: Mapping[str, Mapping[str, Any]] = {
    "kemar": {"hrtf": "kemar"},
    "kemar-unequalised": {"hrtf": "kemar", "equalisation": "none"},
    "kemar-measured-phase": {"hrtf": "kemar", "phase": "measured"},
    "kemar-sphere-itd": {"hrtf": "kemar", "itd": "sphere"},
    "spaced-pinnae": {"hrtf": "spaced-pinnae"},
    "sphere-76mm": {"radius": 0.076},
    "sphere-82mm": {"radius": 0.082},
    "sphere-87mm": {"radius": 0.0875},
    "sphere-94mm": {"radius": 0.094},
}
_DISTANCE, _TAPS, _LEAD, _STEP_DEG = 1.5, 512, 64, 10.0


def head_options(name: str) -> dict[str, Any]:
    """Return the renderer's options for a head.

    Raises
    ------
    UnknownNameError
        For a name that is not in :data:`HEADS`.

    Examples
    --------
    >>> head_options("kemar-sphere-itd")
    {'hrtf': 'kemar', 'itd': 'sphere'}
    """
    if name not in HEADS:
        raise unknown_name("head", name, HEADS)
    options = dict(HEADS[name])
    radius = options.pop("radius", None)
    return options if radius is None else {"hrtf": sphere(radius), **options}


@functools.cache
def sphere(radius: float) -> xr.Dataset:
    """Return the responses of ears on the sides of a rigid sphere of `radius` m.

    Returns
    -------
    xarray.Dataset
        As :func:`spatialdrama.io.sofa.read_sofa` gives it, directions every 10 degrees.

    Notes
    -----
    R. O. Duda and W. L. Martens (1998), "Range dependence of the response of a spherical head
    model", equation 8. On a grid the series splits into a part that knows frequency and one that
    knows the angle, which makes it a hundred times faster than angle by angle.

    Examples
    --------
    >>> sphere(0.08).attrs["title"]
    'rigid sphere, 80 mm'
    """
    azimuth, elevation = np.meshgrid(
        np.arange(0.0, 360.0, _STEP_DEG), np.arange(-80.0, 81.0, _STEP_DEG), indexing="ij"
    )
    a, e = np.deg2rad(azimuth.ravel()), np.deg2rad(elevation.ravel())
    around = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    directions = np.concatenate([around, [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])
    frequency = np.fft.rfftfreq(_TAPS, 1 / HOUSE_RATE)
    cosine = np.stack([directions[:, 1], -directions[:, 1]], axis=1)
    # The series needs a frequency; at 0 Hz a sphere is not there.
    spectra = _series(np.maximum(frequency, 1.0), cosine, radius)
    lead = np.exp(-2j * np.pi * frequency * _LEAD / HOUSE_RATE)
    made = hrir_dataset(
        np.fft.irfft(spectra * lead, _TAPS), _DISTANCE * directions, rate=HOUSE_RATE,
        title=f"rigid sphere, {1000 * radius:.0f} mm",
    )  # fmt: skip
    made.attrs["near"] = "sphere"
    return made


def _series(frequency: np.ndarray, cosine: np.ndarray, radius: float) -> np.ndarray:
    """Return (..., f) complex: pressure at points of the sphere over that at its middle without it.

    Parameters
    ----------
    frequency : (f,) Hz
    cosine : (...)
        Of the angle between the source and the point.
    radius : float, m
    """
    wave, ratio = 2 * np.pi * frequency * radius / SPEED_OF_SOUND, _DISTANCE / radius
    order = np.arange(int(wave.max() + 10 * np.cbrt(wave.max())) + 48)[:, None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        out = special.spherical_jn(order, wave * ratio) + 1j * special.spherical_yn(
            order, wave * ratio
        )
        slope = special.spherical_jn(order, wave, True) + 1j * special.spherical_yn(
            order, wave, True
        )
        terms = (2 * order + 1) * out / slope
    # Hankel functions overflow where terms have long stopped to count.
    terms = np.where(np.isfinite(terms), terms, 0.0)
    legendre = special.eval_legendre(order.reshape(-1, *[1] * cosine.ndim), cosine)
    total = np.tensordot(legendre, terms, (0, 0))
    return np.conj(-(ratio / wave) * np.exp(-1j * wave * ratio) * total)
