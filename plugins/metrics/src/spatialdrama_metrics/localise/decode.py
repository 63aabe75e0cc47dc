"""Classes to numbers: azimuth, elevation and distance out of what the network believes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spatialdrama_metrics.localise.network import AZIMUTHS, DISTANCES, ELEVATIONS

#: Degrees, centres of the classes.
AZIMUTH_CENTRES = -180.0 + 360.0 / AZIMUTHS * np.arange(AZIMUTHS)
ELEVATION_CENTRES = -90.0 + 180.0 / ELEVATIONS * (np.arange(ELEVATIONS) + 0.5)
#: m
DISTANCE_CENTRES = np.geomspace(0.2, 8.0, DISTANCES)
#: Classes to either side of the likeliest that its exact place is taken from.
_REACH = 3


def softmax(logits: NDArray) -> NDArray:
    """Return probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def azimuth_deg(belief: NDArray) -> NDArray:
    """Return the azimuth of the highest peak, degrees in (-180, 180].

    The mean angle of the classes within 15 degrees of the likeliest: a source in front that might
    also be behind is put at one of the two, never between them.

    Parameters
    ----------
    belief : (..., 72) float
        Probabilities.
    """
    peak = belief.argmax(axis=-1)
    around = (peak[..., None] + np.arange(-_REACH, _REACH + 1)) % AZIMUTHS
    near = np.take_along_axis(belief, around, axis=-1)
    angle = np.deg2rad(AZIMUTH_CENTRES)[around]
    mean = np.arctan2((near * np.sin(angle)).sum(-1), (near * np.cos(angle)).sum(-1))
    return np.rad2deg(mean)


def elevation_deg(belief: NDArray) -> NDArray:
    """Return the mean elevation that is believed, degrees; (..., 36) probabilities in."""
    return belief @ ELEVATION_CENTRES


def distance_m(belief: NDArray) -> NDArray:
    """Return the geometric mean of the believed distances, m; (..., 24) probabilities in."""
    return np.exp(belief @ np.log(DISTANCE_CENTRES))


def certainty(belief: NDArray) -> NDArray:
    """Return the share of belief within 15 degrees of the likeliest azimuth; (..., 72) in."""
    peak = belief.argmax(axis=-1)
    around = (peak[..., None] + np.arange(-_REACH, _REACH + 1)) % AZIMUTHS
    return np.take_along_axis(belief, around, axis=-1).sum(axis=-1)
