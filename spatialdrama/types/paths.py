"""Paths that people describe in words: stand, walk, go round. Behind the constructors of Pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import rotations
from spatialdrama.types.pose import Pose
from spatialdrama.types.validate import check_finite, check_positive, vector3

#: Hz; poses that turn all the time (a circle, a face that follows the listener) are sampled at
#: this rate: at 2 m/s and 0.5 m the chord is within a centimetre of the arc.
CURVE_RATE = 20.0
#: s; how long a walker takes to turn at a corner.
TURN_TIME = 0.4


def fixed(
    position: Sequence[float] | None,
    azimuth_deg: float | None,
    elevation_deg: float,
    distance: float | None,
    facing: str | Sequence[float],
) -> Pose:
    """See :meth:`spatialdrama.Pose.fixed`."""
    if (position is None) == (azimuth_deg is None):
        raise ValidationError(
            "Pose.fixed takes either a position (x, y, z) or azimuth_deg= with distance=; "
            f"got position={position!r}, azimuth_deg={azimuth_deg!r}."
        )
    if position is None:
        if distance is None:
            raise ValidationError(
                "Pose.fixed(azimuth_deg=...) needs a distance; add distance=1.5 (metres)."
            )
        check_positive(distance, "distance", unit="m")
        a, e = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
        point = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    else:
        point = vector3(position, "position")
    return Pose.from_samples([0.0], point[None], _orientation(point[None], None, facing))


def walk(
    waypoints: Sequence[Sequence[float]],
    speed: float,
    start: float,
    pauses: Mapping[int, float],
    facing: str | Sequence[float],
) -> Pose:
    """See :meth:`spatialdrama.Pose.walk`."""
    points = np.asarray(waypoints, dtype=float)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2:
        raise ValidationError(
            "Pose.walk needs at least two waypoints (x, y, z) in metres; got shape "
            f"{points.shape}. For one point use Pose.fixed."
        )
    check_finite(points, "waypoint", "give finite metres.")
    check_positive(speed, "speed", unit="m/s")
    for index in pauses:
        if not 0 <= index < len(points):
            raise ValidationError(
                f"pauses names waypoint {index}, but there are {len(points)} (0 to "
                f"{len(points) - 1})."
            )
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if steps.min() == 0:
        i = int(np.argmin(steps))
        raise ValidationError(
            f"waypoints {i} and {i + 1} are the same point; use pauses={{{i}: seconds}} to stay."
        )
    arrive, leave = _timetable(steps / speed, start, pauses, len(points))
    times, path = _with_stays(arrive, leave, points)
    if isinstance(facing, str) and facing == "motion":
        return _walk_facing_motion(times, path, arrive, leave, points)
    if isinstance(facing, str):
        times, path = _densify(times, path)
    return Pose.from_samples(times, path, _orientation(path, None, facing))


def circle(
    radius: float,
    duration: float,
    turns: float,
    start_azimuth_deg: float,
    height: float,
    facing: str | Sequence[float],
) -> Pose:
    """See :meth:`spatialdrama.Pose.circle`."""
    check_positive(radius, "radius", unit="m")
    check_positive(duration, "duration", unit="s")
    n = max(int(np.ceil(duration * CURVE_RATE)), int(np.ceil(abs(turns) * 72)), 2) + 1
    times = np.linspace(0.0, duration, n)
    angle = np.deg2rad(start_azimuth_deg) + 2 * np.pi * turns * times / duration
    path = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(n, height)], axis=1)
    motion = np.sign(turns or 1) * np.stack([-np.sin(angle), np.cos(angle), 0 * angle], axis=1)
    return Pose.from_samples(times, path, _orientation(path, motion, facing))


def _orientation(
    path: np.ndarray, motion: np.ndarray | None, facing: str | Sequence[float]
) -> np.ndarray:
    if isinstance(facing, str):
        if facing == "listener":
            return rotations.facing(-path)
        if facing == "motion" and motion is not None:
            return rotations.facing(motion)
        choices = "'listener'" + (", 'motion'" if motion is not None else "")
        raise ValidationError(f"facing must be {choices} or a direction (x, y, z); got {facing!r}.")
    direction = vector3(facing, "facing")
    if not direction.any():
        raise ValidationError("facing is (0, 0, 0), which points nowhere; give a direction.")
    return np.repeat(rotations.facing(direction[None]), len(path), axis=0)


def _timetable(
    legs: np.ndarray, start: float, pauses: Mapping[int, float], n: int
) -> tuple[np.ndarray, np.ndarray]:
    stay = np.array(
        [check_positive(pauses.get(i, 0.0), "pause", unit="s", zero_ok=True) for i in range(n)]
    )
    arrive = (
        start
        + np.concatenate([[0.0], np.cumsum(legs)])
        + np.concatenate([[0.0], np.cumsum(stay[:-1])])
    )
    return arrive, arrive + stay


def _with_stays(
    arrive: np.ndarray, leave: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    times, path = [], []
    for a, b, p in zip(arrive, leave, points, strict=True):
        times.append(a)
        path.append(p)
        if b > a:
            times.append(b)
            path.append(p)
    return np.array(times), np.array(path)


def _walk_facing_motion(
    times: np.ndarray,
    path: np.ndarray,
    arrive: np.ndarray,
    leave: np.ndarray,
    points: np.ndarray,
) -> Pose:
    """Face along each leg, turning within TURN_TIME about the corner."""
    legs = rotations.facing(np.diff(points, axis=0))
    keys: list[tuple[float, np.ndarray]] = [(arrive[0], legs[0])]
    for i in range(len(legs)):
        half = min(TURN_TIME / 2, (arrive[i + 1] - leave[i]) / 3)
        keys.append((leave[i] + half, legs[i]))
        keys.append((arrive[i + 1] - half, legs[i]))
    keys.append((arrive[-1], legs[-1]))
    key_times = np.array([k[0] for k in keys])
    key_quats = rotations.continuous(np.array([k[1] for k in keys]))
    all_times = np.union1d(times, key_times)
    positions = np.stack([np.interp(all_times, times, path[:, i]) for i in range(3)], axis=1)
    return Pose.from_samples(all_times, positions, rotations.slerp(key_times, key_quats, all_times))


def _densify(times: np.ndarray, path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    grid = np.arange(times[0], times[-1], 1.0 / CURVE_RATE)
    dense = np.union1d(times, grid)
    return dense, np.stack([np.interp(dense, times, path[:, i]) for i in range(3)], axis=1)
