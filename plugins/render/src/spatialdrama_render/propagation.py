"""When the sound heard now left the mouth, from where, and into which direction it came.

Everything here runs at control points a few milliseconds apart, never per sample.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose

#: s; retarded times are solved to this (a 20,000th of a sample at 48 kHz).
_TOLERANCE = 1e-9
_MAX_ROUNDS = 60


#: s; how densely orientations are sampled before lines join them (0.02 degrees at 4 turns/s).
_AXIS_STEP = 0.005


class Track:
    """A pose as plain arrays, for loops that ask for it ten thousand times a second.

    Parameters
    ----------
    pose : Pose
    """

    def __init__(self, pose: Pose) -> None:
        valid = pose.valid.values
        self._pose = pose
        self.time = pose.time.values[valid]
        self.place = np.ascontiguousarray(pose.position.values[valid].T)

    @cached_property
    def axis_time(self) -> np.ndarray:
        """(a,) s; when `axis` is known. Sources without a front never ask."""
        return np.union1d(self.time, np.arange(self.time[0], self.time[-1], _AXIS_STEP))

    @cached_property
    def axis(self) -> np.ndarray:
        """(3, a) float; where the mouth points."""
        return np.ascontiguousarray(_forward(self._pose.quaternions_at(self.axis_time)).T)

    def between(self, first: int, last: int) -> Track:
        """Return the track of samples `first` to `last` alone, held before and after."""
        cut = object.__new__(Track)
        cut.time = self.time[first : last + 1]
        cut.place = np.ascontiguousarray(self.place[:, first : last + 1])
        a, b = np.searchsorted(self.axis_time, [cut.time[0], cut.time[-1]])
        cut.axis_time = self.axis_time[a : b + 1]
        cut.axis = np.ascontiguousarray(self.axis[:, a : b + 1])
        return cut

    @property
    def still(self) -> bool:
        """True for one sample, held for ever."""
        return len(self.time) == 1

    def positions_at(self, times: np.ndarray) -> np.ndarray:
        """Return (..., 3) m at (...) s, as :meth:`Pose.positions_at` does."""
        return _at(times, self.time, self.place)

    def axis_at(self, times: np.ndarray) -> np.ndarray:
        """Return (..., 3) unit vectors along which the mouth points."""
        axis = _at(times, self.axis_time, self.axis)
        return axis / np.linalg.norm(axis, axis=-1, keepdims=True)


def _at(times: np.ndarray, grid: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(times, grid, row) for row in values], axis=-1)


def _forward(quaternions: np.ndarray) -> np.ndarray:
    """Return the body's x axis, (n, 3), of xyzw quaternions (n, 4)."""
    x, y, z, w = quaternions.T
    return np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)], axis=1)


@attrs.frozen(eq=False)
class Paths:
    """Control-rate description of `i` straight paths to one receiver at `k` times.

    Attributes
    ----------
    emission : (k, i) float, s
        When the sound heard at the control point left the source.
    distance : (k, i) float, m
    direction : (k, i, 3) float
        Unit vector from the receiver to the (image) source, in the receiver's own axes.
    cos_mouth : (k, i) float
        Cosine of the angle between where the mouth pointed and the way the sound took.
    """

    emission: np.ndarray
    distance: np.ndarray
    direction: np.ndarray
    cos_mouth: np.ndarray


def emission_times(
    track: Track, times: np.ndarray, receiver: np.ndarray, sign: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve t' = t - |s(t') - r(t)| / c for every image of a moving source.

    Parameters
    ----------
    track : Track
    times : (k,) float, s, when the sound is heard
    receiver : (k, 3) float, m, where it is heard
    sign, offset : (i, 3) float
        An image is at ``sign * s + offset``.

    Returns
    -------
    emission : (k, i) float, s
    vector : (k, i, 3) float, m
        From the receiver to the image at the time of emission.

    Raises
    ------
    ValidationError
        When the source moves as fast as sound, so that no single time answers.

    Notes
    -----
    Fixed-point iteration; each round shrinks the error by v/c, so speech needs three or four.
    """
    emission = np.repeat(times[:, None], len(sign), axis=1)
    for _ in range(_MAX_ROUNDS):
        vector = sign * track.positions_at(emission) + offset - receiver[:, None]
        better = times[:, None] - np.linalg.norm(vector, axis=2) / SPEED_OF_SOUND
        change = np.abs(better - emission).max(initial=0.0)
        emission = better
        if change < _TOLERANCE or track.still:
            return emission, vector
    raise ValidationError(
        f"the source moves as fast as sound (343 m/s) near t = {float(times[0]):.2f} s; slow the "
        "pose down or cut it where it jumps."
    )


def trace(
    track: Track,
    times: np.ndarray,
    listener: Pose | None,
    sign: np.ndarray,
    offset: np.ndarray,
    *,
    mouth: bool = True,
) -> Paths:
    """Follow the sound back from a listener's head at `times` to every image of a source.

    Parameters
    ----------
    track : Track
        The source, in the scene frame.
    times : (k,) float, s
    listener : Pose or None
        None is at rest at the origin, looking along x.
    sign, offset : (i, 3) float
        Images in the scene frame, see :func:`emission_times`.
    mouth : bool
        False leaves ``cos_mouth`` at one, for sources without a front.
    """
    receiver = np.zeros((len(times), 3)) if listener is None else listener.positions_at(times)
    emission, vector = emission_times(track, times, receiver, sign, offset)
    distance = np.linalg.norm(vector, axis=2)
    direction = vector / np.maximum(distance, 1e-9)[..., None]
    cos_mouth = np.ones_like(distance)
    if mouth:
        facing = track.axis_at(emission) * sign
        cos_mouth = -np.einsum("kic,kic->ki", facing, direction)
    if listener is not None:
        direction = np.einsum(
            "kab,kib->kia", head_matrices(listener, times).transpose(0, 2, 1), direction
        )
    return Paths(emission, distance, direction, cos_mouth)


def head_matrices(listener: Pose, times: Any) -> np.ndarray:
    """Return (k, 3, 3); columns are the head's forward, left and up in the scene frame."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_quat(listener.quaternions_at(times)).as_matrix()
