"""Conversion of foreign coordinate conventions into the house's, quaternions included."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import rotations
from spatialdrama.types.pose import Pose
from spatialdrama.types.validate import check_finite

_DIRECTIONS = {
    "forward": (1, 0, 0), "front": (1, 0, 0), "backward": (-1, 0, 0), "back": (-1, 0, 0),
    "left": (0, 1, 0), "right": (0, -1, 0), "up": (0, 0, 1), "down": (0, 0, -1),
}  # fmt: skip
_UNITS = {"m": 1.0, "cm": 0.01}

#: Quaternions shorter than this came from interpolating across a sign flip; what is left of
#: them does not say where the head was (MRSDrama's dynamic clips fall to 0.035).
BROKEN_NORM = 0.5


def parse_axes(axes: str) -> np.ndarray:
    """Return the (3, 3) matrix whose columns are the stored axes in house coordinates.

    Examples
    --------
    >>> from spatialdrama.types.frames import parse_axes
    >>> parse_axes("x-right y-forward z-up") @ [1, 2, 3]
    array([ 2., -1.,  3.])
    """
    words = dict(part.split("-", 1) for part in axes.lower().split() if "-" in part)
    if set(words) != {"x", "y", "z"} or any(w not in _DIRECTIONS for w in words.values()):
        raise ValidationError(
            f"axes={axes!r} must name a direction for x, y and z, such as "
            f"'x-forward y-left z-up'; directions: {', '.join(sorted(_DIRECTIONS))}."
        )
    matrix = np.array([_DIRECTIONS[words[a]] for a in "xyz"], dtype=float).T
    if abs(np.linalg.det(matrix)) != 1.0:
        raise ValidationError(f"axes={axes!r} uses one direction twice.")
    return matrix


def from_arrays(
    position: Any,
    quaternion: Any,
    *,
    time: Any,
    order: str,
    axes: str,
    unit: str = "m",
    inverse: bool = False,
    repair: bool = False,
) -> Pose:
    """See :meth:`spatialdrama.Pose.from_arrays`."""
    if unit not in _UNITS:
        raise ValidationError(f"unit must be 'm' or 'cm'; got {unit!r}.")
    matrix = parse_axes(axes)
    time = np.atleast_1d(np.asarray(time, dtype=float))
    position = np.atleast_2d(np.asarray(position, dtype=float))
    q = reorder(np.atleast_2d(np.asarray(quaternion, dtype=float)), order)
    check_finite(position, "position", "give finite metres.")
    q = repaired(q, time) if repair else rotations.checked(q, time, np.ones(len(q), bool))
    if inverse:
        q = rotations.conjugate(q)
    return Pose.from_samples(
        time, position @ matrix.T * _UNITS[unit], convert_quaternions(q, matrix)
    )


def reorder(q: np.ndarray, order: str) -> np.ndarray:
    """Return (t, 4) quaternions as xyzw."""
    if order not in ("xyzw", "wxyz"):
        raise ValidationError(f"order must be 'xyzw' or 'wxyz'; got {order!r}.")
    return q if order == "xyzw" else q[:, [1, 2, 3, 0]]


def convert_quaternions(q: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return xyzw quaternions of the same heads in house coordinates.

    The stored body has its mouth along x and its crown along z; its y axis is to the left in a
    right-handed convention and to the right in a left-handed one, where the stored rotation is
    the mirror image of a real one: R' = M R B with B = diag(1, det M, 1).
    """
    from scipy.spatial.transform import Rotation

    body = np.diag([1.0, np.linalg.det(matrix), 1.0])
    turned = matrix @ Rotation.from_quat(q).as_matrix() @ body
    return rotations.continuous(Rotation.from_matrix(turned).as_quat())


def repaired(q: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return unit quaternions, with broken ones bridged by slerp and a warning that says so."""
    norm = np.linalg.norm(np.nan_to_num(q), axis=1)
    usable = norm >= BROKEN_NORM
    if not usable.any():
        raise ValidationError(
            f"no quaternion has a norm of {BROKEN_NORM} or more; the orientation is unusable. "
            "Read the positions alone with Pose.from_samples."
        )
    if not usable.all() or np.abs(norm - 1).max() > rotations.UNIT_TOLERANCE:
        warnings.warn(
            f"{int((~usable).sum())} of {len(q)} quaternions were shorter than {BROKEN_NORM} and "
            f"are bridged by slerp; the shortest has norm {norm.min():.3f}, the others are "
            "renormalised.",
            SpatialDramaWarning,
            stacklevel=4,
        )
    good = rotations.continuous(q[usable] / norm[usable, None])
    return rotations.slerp(time[usable], good, time)
