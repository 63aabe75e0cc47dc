"""Heads in closed form: a rigid sphere, and two pinnae on a stand without a head.

Each gives impulse responses as :func:`spatialdrama.io.sofa.read_sofa` does, so that a model is
prepared, interpolated and rendered like a measured head.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from spatialdrama.conventions import HEAD_RADIUS, HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.dsp.pose_itd import sphere_transfer
from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa import hrir_dataset

#: m; half the distance between two points that hear the delays of such a microphone. The ears of a
#: 3Dio Free Space are 19 cm apart and sound goes round them; the makers of MRSDrama, who recorded
#: with one, reckon with 11 cm to either side.
SPACING = 0.11
#: Level difference (dB) between the ears for a source straight to one side, by frequency (Hz).
#: Small bodies shadow little below 2 kHz; sideways pinnae favour their side above.
SIDE_HZ = (200.0, 1000.0, 2000.0, 4000.0, 8000.0, 14_000.0)
SIDE_DB = (1.0, 1.2, 2.5, 3.5, 5.0, 12.0)
_TAPS = 512
#: Samples before the wave passes the centre.
_LEAD = 64
_STEP_DEG = 10.0


def sphere(*, radius: float = HEAD_RADIUS, distance: float = 1.5) -> xr.Dataset:
    """Return the responses of ears on the sides of a rigid sphere.

    Parameters
    ----------
    radius : float, m
    distance : float, m
        Of the source, for which the series is exact.

    Returns
    -------
    xarray.Dataset

    Notes
    -----
    R. O. Duda and W. L. Martens (1998), "Range dependence of the response of a spherical head
    model", equations 1 to 6, through :func:`spatialdrama.dsp.pose_itd.sphere_transfer`.

    Examples
    --------
    >>> from spatialdrama_render.ear_models import sphere
    >>> sphere(radius=0.08).sizes["ear"]
    2
    """
    if not 0 < radius < distance:
        raise ValidationError(
            f"a sphere of radius {radius!r} m needs a source outside of it; got {distance!r} m."
        )
    directions = _grid()
    frequency = np.fft.rfftfreq(_TAPS, 1 / HOUSE_RATE)
    # The series needs a frequency; at 0 Hz a sphere is not there.
    safe = np.maximum(frequency, 1.0)
    left = np.arccos(np.clip(directions[:, 1], -1, 1))
    # Rings share most of their angles; each is worked out once.
    angles, at = np.unique(np.stack([left, np.pi - left], axis=1).round(9), return_inverse=True)
    table = sphere_transfer(safe[None], distance, angles[:, None], head_radius=radius)
    spectra = table[at.reshape(-1, 2)]
    return _responses(directions, spectra, frequency, distance, "rigid sphere", near="sphere")


def spaced_pinnae(*, spacing: float = SPACING, shadow: float = 1.0) -> xr.Dataset:
    """Return the responses of two pinnae that face sideways, with no head between them.

    Parameters
    ----------
    spacing : float, m
        Half the distance between the ears.
    shadow : float
        Factor of the level difference in dB.

    Returns
    -------
    xarray.Dataset

    Notes
    -----
    Straight lines to two points give the delays; the level difference is :data:`SIDE_DB` times the
    sine of the lateral angle, half of it to each ear. A KEMAR head's difference is three to four
    times as large, and wrong for such a microphone.

    Examples
    --------
    >>> from spatialdrama_render.ear_models import spaced_pinnae
    >>> spaced_pinnae().attrs["title"]
    'spaced pinnae'
    """
    if not 0 < spacing < 0.5:
        raise ValidationError(f"spacing is half the distance between ears in m; got {spacing!r}.")
    directions = _grid()
    frequency = np.fft.rfftfreq(_TAPS, 1 / HOUSE_RATE)
    lateral = directions[:, 1, None]
    level = shadow * np.interp(np.log(np.maximum(frequency, 1.0)), np.log(SIDE_HZ), SIDE_DB)
    gain = 10 ** (lateral * level / 40)
    delay = spacing * lateral / SPEED_OF_SOUND
    turn = np.exp(2j * np.pi * frequency * delay)
    spectra = np.stack([gain * turn, np.conj(turn) / gain], axis=1)
    return _responses(directions, spectra, frequency, 1.5, "spaced pinnae", near="points")


def _grid() -> np.ndarray:
    """Return (v, 3) directions on rings, mirror-symmetric, poles included."""
    a, e = np.meshgrid(
        np.arange(0.0, 360.0, _STEP_DEG), np.arange(-80.0, 81.0, _STEP_DEG), indexing="ij"
    )
    a, e = np.deg2rad(a.ravel()), np.deg2rad(e.ravel())
    around = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    return np.concatenate([around, [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])


def _responses(
    directions: np.ndarray, spectra: np.ndarray, frequency: np.ndarray, distance: float,
    title: str, *, near: str,
) -> xr.Dataset:  # fmt: skip
    lead = np.exp(-2j * np.pi * frequency * _LEAD / HOUSE_RATE)
    response = np.fft.irfft(spectra * lead, _TAPS)
    made = hrir_dataset(response, distance * directions, rate=HOUSE_RATE, title=title)
    made.attrs["near"] = near
    return made
