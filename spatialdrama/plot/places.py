"""Poses as curves to draw and as words to read: shared by pictures, legends and alt texts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spatialdrama.types import Pose, Script
from spatialdrama.types.pose import VELOCITY_SPAN

#: m; a pose that stays this close to its start is a tracker's jitter, not a walk.
STILL = 0.02
#: m; the first and last steps of a walk are at least this long.
_STEP = 0.002


class Track(NamedTuple):
    """A pose sampled densely enough to draw: ``times`` (n,) s, ``points`` (n, 3) m, ``mouth``
    (n, 3) unit vectors, ``moving`` (first, last) s of motion or None."""

    times: np.ndarray
    points: np.ndarray
    mouth: np.ndarray
    moving: tuple[float, float] | None


def sampled(pose: Pose, times: np.ndarray) -> Pose:
    """Return `pose` at `times`, in memory that grows with the times alone."""
    times = np.atleast_1d(times)
    return Pose.from_samples(times, pose.positions_at(times), pose.quaternions_at(times))


def track(pose: Pose, most: int = 600) -> Track:
    """Return the pose as a curve of at most about `most` points.

    Examples
    --------
    >>> from spatialdrama.plot.places import track
    >>> from spatialdrama.types import Pose
    >>> track(Pose.walk([(1, 0, 0), (1, 2, 0)], speed=1.0, start=3.0)).moving
    (3.0, 5.0)
    """
    own = pose.time.values[pose.valid.values]
    times = own
    if len(own) > 1:
        grid = np.linspace(own[0], own[-1], most)
        times = np.unique(np.concatenate([own, grid])) if len(own) <= most else grid
    points, quaternions = pose.positions_at(times), pose.quaternions_at(times)
    x, y, z, w = quaternions.T
    # First column of the rotation matrix: where body x, the mouth, points.
    mouth = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], axis=1)
    return Track(times, points, mouth, _moving(times, points))


def _moving(times: np.ndarray, points: np.ndarray) -> tuple[float, float] | None:
    gone = np.linalg.norm(points - points[0], axis=1)
    left = np.linalg.norm(points - points[-1], axis=1)
    if gone.max() <= STILL:
        return None
    first = int(np.argmax(gone > _STEP)) - 1
    last = len(times) - int(np.argmax(left[::-1] > _STEP))
    return float(times[first]), float(times[min(last, len(times) - 1)])


def radial_speed(pose: Pose, times: np.ndarray) -> np.ndarray:
    """Return (n,) m/s at which the distance to the head's centre grows, as heard in Doppler."""
    t0, t1 = float(pose.time[0]), float(pose.time[-1])
    before = np.clip(times - VELOCITY_SPAN / 2, t0, t1)
    after = np.clip(times + VELOCITY_SPAN / 2, t0, t1)
    far = np.linalg.norm(pose.positions_at(after), axis=1)
    near = np.linalg.norm(pose.positions_at(before), axis=1)
    gap = after - before
    return np.divide(far - near, gap, out=np.zeros_like(gap), where=gap > 1e-9)


def direction_words(point: np.ndarray) -> str:
    """Return where a point is heard, in words.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.plot.places import direction_words
    >>> direction_words(np.array([0.0, -2.0, 0.0]))
    '2.0 m away, 90° right'
    """
    azimuth = round(float(np.degrees(np.arctan2(point[1], point[0]))))
    distance = float(np.linalg.norm(point))
    if abs(azimuth) < 3:
        side = "ahead"
    elif abs(azimuth) > 177:
        side = "behind"
    else:
        side = f"{abs(azimuth)}° {'left' if azimuth > 0 else 'right'}"
    return f"{distance:.1f} m away, {side}"


def height_words(points: np.ndarray) -> str:
    """Return how high points (n, 3) lie against the listener's ears."""
    low, high = float(points[:, 2].min()), float(points[:, 2].max())

    def one(z: float) -> str:
        return f"{abs(z):.1f} m {'above' if z > 0 else 'below'}"

    if max(abs(low), abs(high)) < 0.05:
        return "at ear height"
    if high - low < 0.05:
        return f"{one(high)} the ears"
    if low * high >= 0:
        side = "above" if high > 0 else "below"
        near, far = sorted([abs(low), abs(high)])
        return f"{near:.1f} to {far:.1f} m {side} the ears"
    return f"{one(low)} to {one(high)} the ears"


def describe(pose: Pose) -> list[str]:
    """Return short sentences about a pose, for legends and for readers who see no picture.

    Examples
    --------
    >>> from spatialdrama.plot.places import describe
    >>> from spatialdrama.types import Pose
    >>> describe(Pose.fixed((0, 1.5, 0.4)))
    ['stands 1.6 m away, 90° left', '0.4 m above the ears']
    """
    t = track(pose)
    height = height_words(t.points)
    if t.moving is None:
        return [f"stands {direction_words(t.points[0])}", height]
    length = float(np.linalg.norm(np.diff(t.points, axis=0), axis=1).sum())
    first, last = t.moving
    return [
        f"moves {length:.1f} m, {first:.1f} to {last:.1f} s",
        f"from {direction_words(t.points[0])}",
        f"to {direction_words(t.points[-1])}",
        height,
    ]


def spoken(script: Script | None, name: str) -> list[tuple[int, float, float]]:
    """Return (number from 1, start, end) of each timed line of `name`."""
    if script is None:
        return []
    return [
        (i, line.start, line.end)
        for i, line in enumerate(script, start=1)
        if line.speaker == name and line.is_timed
    ]


def ranges(numbers: list[int]) -> str:
    """Return numbers as people write them.

    Examples
    --------
    >>> from spatialdrama.plot.places import ranges
    >>> ranges([1, 2, 3, 5])
    '1-3, 5'
    """
    parts: list[list[int]] = []
    for n in numbers:
        if parts and n == parts[-1][1] + 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
