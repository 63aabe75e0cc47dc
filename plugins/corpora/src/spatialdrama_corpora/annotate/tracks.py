"""Positions of a tracker to a pose in the listener's frame.

The steps are those of MRSDrama's own processing: take the listener's head away, turn so that it
looks ahead, resample. Differences, each where that processing goes wrong: gaps are marked and not
bridged beyond half a second, velocities come from a smoothed path, orientations are interpolated on
the sphere, and the axes are the house's (x forward, y left, z up).
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Pose, rotations
from spatialdrama.types.validate import check_positive, finite, vector3

#: Hz; the rate of MRSDrama's tracker files after processing.
RATE: Final = 20.0
#: s; longer gaps are marked as not valid instead of being bridged.
LONGEST_GAP: Final = 0.5
#: s; Savitzky-Golay window over which the jitter of a tracker is evened out.
SMOOTHING: Final = 0.35
#: m/s; slower is standing, and standing says nothing about where a mouth points.
STILL: Final = 0.12
#: m; jitter up to this is no movement of a mouth that was taken for lost.
_OUTLIER: Final = 0.6
#: Median distance beyond which numbers are centimetres: nobody speaks to a head from farther.
_METRES = 20.0


def pose_from_tracks(
    rows: Any,
    *,
    ear_position: Any,
    ear_orientation: float | Any = 0.0,
    rate: float = RATE,
    start: float | None = None,
    identity: Any = None,
    unit: str = "auto",
    time_unit: str = "ms",
    smoothing: float = SMOOTHING,
    longest_gap: float = LONGEST_GAP,
    facing: str | Any = "motion",
) -> Pose:
    """Return the pose of one tracked speaker, as the listener's head sees it.

    Parameters
    ----------
    rows : (t, 4) or (t, 5) float
        x, y, z, time, and the number of the tracked body, as MRSDrama's raw trackers write them;
        right-handed, z up. In any order; rows of NaN are gaps.
    ear_position : three float
        Middle of the listener's head in the tracker's frame and unit.
    ear_orientation : float, rad, or two float
        The direction in which the listener looks, counter-clockwise from the tracker's first axis;
        of a vector (x, y) its angle, as MRSDrama's metadata has it.
    rate : float, Hz
        Of the result.
    start : float, s
        Time of the tracker that becomes 0; default its first row.
    identity : optional
        Take only rows of this body; needed where several were tracked.
    unit : "auto", "m" or "cm"
        "auto" takes centimetres where half of the places are farther than 20 away.
    time_unit : "ms" or "s"
    smoothing : float, s
        0 keeps the jitter.
    longest_gap : float, s
        Longer gaps get ``valid = False``.
    facing : "motion", "listener", or (t, 4) quaternions xyzw of the tracker's frame
        Where the mouth points. "motion" is MRSDrama's choice: along the path while walking, the
        last or next such direction while standing, and towards the listener where nobody walks.

    Returns
    -------
    Pose

    Raises
    ------
    ValidationError
        For rows of another shape, several bodies without `identity`, times that stand still, or a
        speaker inside the listener's head.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(0, 4000, 50.0)
    >>> rows = np.stack([0 * t + 3, t / 1000, 0 * t + 1.5, t], axis=1)    # walks along y
    >>> pose = pose_from_tracks(rows, ear_position=(1, 2, 1.2), ear_orientation=np.pi / 2)
    >>> pose.position.values[0].round(2).tolist()     # 2 m to the right, 2 m behind
    [-2.0, -2.0, 0.3]
    """
    times, places, quats = _sorted(rows, identity, time_unit, facing)
    origin = vector3(ear_position, "ear_position")
    known = np.isfinite(places).all(axis=1)
    if known.sum() < 1:
        raise ValidationError("the track has no finite place; nothing was seen.")
    scale = _scale(places[known] - origin, unit)
    seen = times - (times[0] if start is None else finite(start, "start"))
    # The house's x is where the listener looks: one turn about z takes the tracker there.
    turn = -_angle(ear_orientation)
    turned = _about_z(places[known] - origin, turn) * scale
    turned = _without_outliers(turned, seen[known])
    grid, valid = _grid(seen[known], check_positive(rate, "rate", unit="Hz"), longest_gap)
    path = np.stack([np.interp(grid, seen[known], turned[:, i]) for i in range(3)], axis=1)
    path = smoothed(path, rate, smoothing)
    if quats is not None:
        q = rotations.multiply(_z_quaternion(turn)[None], quats[known])
        return Pose.from_samples(grid, path, _slerped(seen[known], q, grid), valid)
    return Pose.from_samples(grid, path, _facing(path, rate, facing), valid)


def smoothed(path: np.ndarray, rate: float, window: float = SMOOTHING) -> np.ndarray:
    """Return a path (t, 3) without jitter: Savitzky-Golay, second order, its ends kept.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.stack([np.linspace(0, 1, 40)] * 3, axis=1)
    >>> bool(np.allclose(smoothed(line, 20.0), line))
    True
    """
    length = 2 * round(window * rate / 2) + 1
    if length < 5:
        length = 5 if window > 0 else 1
    if length == 1 or len(path) < length:
        return path
    return savgol_filter(path, length, 2, axis=0, mode="interp")


def motion_quaternions(path: np.ndarray, rate: float) -> np.ndarray:
    """Return where the mouth points by the motion of a path (t, 3): (t, 4) xyzw.

    Below 0.12 m/s the last direction holds (before the first one, that one); a path that never
    moves faces the origin, where the listener is.
    """
    if len(path) < 2:
        return rotations.facing(-path)
    velocity = np.gradient(path, 1 / rate, axis=0)
    moves = np.linalg.norm(velocity[:, :2], axis=1) > STILL
    if not moves.any():
        return rotations.facing(-path)
    # A walker's mouth stays level: stairs and sitting down do not tilt the head.
    flat = velocity * np.array([1.0, 1.0, 0.0])
    at = np.maximum.accumulate(np.where(moves, np.arange(len(path)), -1))
    at = np.where(at < 0, np.argmax(moves), at)
    return rotations.continuous(rotations.facing(flat[at]))


def _facing(path: np.ndarray, rate: float, facing: Any) -> np.ndarray:
    if isinstance(facing, str) and facing == "listener":
        return rotations.facing(-path)
    if isinstance(facing, str) and facing == "motion":
        return motion_quaternions(path, rate)
    raise ValidationError(
        f"facing must be 'motion', 'listener' or (t, 4) quaternions; got {facing!r}."
    )


def _sorted(
    rows: Any, identity: Any, time_unit: str, facing: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    rows = np.atleast_2d(np.asarray(rows, dtype=float))
    if rows.ndim != 2 or rows.shape[1] not in (4, 5) or len(rows) == 0:
        raise ValidationError(
            f"tracker rows are x, y, z, time and maybe a number of the body; got {rows.shape}."
        )
    if time_unit not in ("ms", "s"):
        raise ValidationError(f"time_unit must be 'ms' or 's'; got {time_unit!r}.")
    quats = None
    if not isinstance(facing, str):
        quats = np.atleast_2d(np.asarray(facing, dtype=float))
        if quats.shape != (len(rows), 4):
            raise ValidationError(
                f"facing needs one quaternion a row, shape ({len(rows)}, 4); got {quats.shape}."
            )
    if rows.shape[1] == 5:
        bodies = np.unique(rows[np.isfinite(rows[:, 4]), 4])
        if identity is None and len(bodies) > 1:
            raise ValidationError(
                f"{len(bodies)} bodies were tracked ({', '.join(f'{b:g}' for b in bodies[:5])}): "
                "say which with identity=."
            )
        if identity is not None:
            mine = rows[:, 4] == float(identity)
            if not mine.any():
                raise ValidationError(f"no row of body {identity}; there are {bodies.tolist()}.")
            rows, quats = rows[mine], None if quats is None else quats[mine]
    rows, quats = _by_time(rows, quats)
    return rows[:, 3] / (1000.0 if time_unit == "ms" else 1.0), rows[:, :3], quats


def _by_time(rows: np.ndarray, quats: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows with a time, in order, the last of those that share one."""
    timed = np.isfinite(rows[:, 3])
    if not timed.any():
        raise ValidationError("no tracker row has a time in its fourth column.")
    order = np.flatnonzero(timed)
    order = order[np.argsort(rows[order, 3], kind="stable")]
    times = rows[order, 3]
    order = order[np.append(np.diff(times) > 0, True)]
    return rows[order], None if quats is None else quats[order]


def _scale(places: np.ndarray, unit: str) -> float:
    if unit not in ("auto", "m", "cm"):
        raise ValidationError(f"unit must be 'auto', 'm' or 'cm'; got {unit!r}.")
    if unit != "auto":
        return 1.0 if unit == "m" else 0.01
    middle = float(np.median(np.linalg.norm(places, axis=1)))
    if middle <= _METRES:
        return 1.0
    warnings.warn(
        f"half of the tracked places are farther than {middle:.0f} away, so they are read as "
        "centimetres; say unit='cm' to confirm, or unit='m'.",
        SpatialDramaWarning,
        stacklevel=3,
    )
    return 0.01


def _angle(orientation: Any) -> float:
    if np.ndim(orientation) == 0:
        return finite(orientation, "ear_orientation")
    vector = np.asarray(orientation, dtype=float)
    if vector.shape not in ((2,), (3,)) or not np.any(vector[:2]):
        raise ValidationError(
            f"ear_orientation is an angle in rad or a direction (x, y); got {orientation!r}."
        )
    return float(np.arctan2(vector[1], vector[0]))


def _about_z(places: np.ndarray, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return places @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]).T


def _z_quaternion(angle: float) -> np.ndarray:
    return np.array([0.0, 0.0, np.sin(angle / 2), np.cos(angle / 2)])


def _without_outliers(places: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Single rows far from their neighbours, where a marker was taken for another one."""
    if len(places) < 5:
        return places
    middle = median_filter(places, size=(5, 1), mode="nearest")
    far = np.linalg.norm(places - middle, axis=1) > _OUTLIER
    if not far.any() or far.mean() > 0.2:
        return places
    keep = ~far
    return np.stack([np.interp(times, times[keep], places[keep, i]) for i in range(3)], axis=1)


def _grid(times: np.ndarray, rate: float, longest_gap: float) -> tuple[np.ndarray, np.ndarray]:
    """A regular grid over the rows, and whether each time lies in no long gap."""
    n = int(np.floor((times[-1] - times[0]) * rate + 1e-9)) + 1
    grid = times[0] + np.arange(n) / rate
    if len(times) < 2:
        return grid, np.ones(n, bool)
    after = np.clip(np.searchsorted(times, grid, side="left"), 1, len(times) - 1)
    inside = (grid > times[after - 1] + 1e-9) & (grid < times[after] - 1e-9)
    return grid, ~(inside & (times[after] - times[after - 1] > longest_gap))


def _slerped(times: np.ndarray, q: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Unit quaternions on the grid; broken ones (shorter than .5) are passed over."""
    length = np.linalg.norm(q, axis=1)
    good = np.isfinite(length) & (length > 0.5)
    if not good.any():
        raise ValidationError("no quaternion of the track is longer than .5; leave them out.")
    unit = rotations.continuous(q[good] / length[good, None])
    return rotations.slerp(times[good], unit, grid)
