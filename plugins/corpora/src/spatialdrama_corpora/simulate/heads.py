"""Whose ears the corpus is heard with: one measured head in several preparations, and closed forms.

A head is a set of options for the renderer. Spheres of other sizes are built here from the core's
closed form, because the renderer's own has one size.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.dsp.pose_itd import sphere_transfer
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
    "sphere-87mm": {"hrtf": "sphere"},
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
    model", equation 8, through :func:`spatialdrama.dsp.pose_itd.sphere_transfer`.

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
    left = np.arccos(np.clip(directions[:, 1], -1, 1))
    angles, at = np.unique(np.stack([left, np.pi - left], axis=1).round(9), return_inverse=True)
    # The series needs a frequency; at 0 Hz a sphere is not there.
    table = sphere_transfer(
        np.maximum(frequency, 1.0)[None], _DISTANCE, angles[:, None], head_radius=radius
    )
    lead = np.exp(-2j * np.pi * frequency * _LEAD / HOUSE_RATE)
    response = np.fft.irfft(table[at.reshape(-1, 2)] * lead, _TAPS)
    made = hrir_dataset(
        response, _DISTANCE * directions, rate=HOUSE_RATE,
        title=f"rigid sphere, {1000 * radius:.0f} mm",
    )  # fmt: skip
    made.attrs["near"] = "sphere"
    return made
