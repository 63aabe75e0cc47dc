"""How a speaker moves during one line: a path that is planned without knowing how long the line is.

A path is points with a speed for each leg and a stay at each point. It becomes a pose once the
line's length is known: what lies beyond is not walked. Positions are the polyline, averaged over a
short window, so that every position is a mean of points of the polyline: in a convex room the path
stays inside, and no step is faster than the leg.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.types import Pose, rotations

#: Hz; of poses that move. At 2 m/s round the sharpest corner the chord is within 1 mm of the arc.
POSE_RATE = 100.0
#: s; over how long a corner is rounded, and a walker's turn takes.
WINDOW = 0.5


def _tuples(value: Any) -> tuple[tuple[float, ...], ...]:
    # Tenths of a millimetre: plans stay short to write down.
    return tuple(tuple(round(float(v), 4) for v in row) for row in value)


@attrs.frozen(kw_only=True)
class Path:
    """A planned movement.

    Attributes
    ----------
    kind : str
        What it is called in the manifest, see :data:`.stage.KINDS`.
    points : (n, 3) m
        Scene frame. One point is somebody who stays.
    speeds : (n - 1,) m/s
    stays : (n,) s
    arc : (radius m, first azimuth rad, rad/s, height m), or ()
        Instead of points, round the listener.
    facing : "listener", "motion" or (x, y, z)
        Where the mouth points: to the listener, along the way, or to a point in the scene.
    turns : rows of (from s, angle rad, seconds)
        Turns of the head on top of that, counter-clockwise.
    window : float, s
        Over how long corners are rounded.

    Examples
    --------
    >>> path = Path(kind="walk", points=[(1, 1, 0), (1, -1, 0)], speeds=[1.0], stays=[0.5, 0])
    >>> path.length
    2.5
    >>> pose = path.pose(4.0)
    >>> pose.position.values[[0, -1]].tolist()
    [[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]]
    """

    kind: str
    points: tuple[tuple[float, ...], ...] = attrs.field(default=(), converter=_tuples)
    speeds: tuple[float, ...] = attrs.field(default=(), converter=tuple)
    stays: tuple[float, ...] = attrs.field(default=(), converter=tuple)
    arc: tuple[float, ...] = attrs.field(default=(), converter=tuple)
    facing: str | tuple[float, ...] = attrs.field(
        default="listener", converter=lambda f: f if isinstance(f, str) else tuple(f)
    )
    turns: tuple[tuple[float, ...], ...] = attrs.field(default=(), converter=_tuples)
    window: float = WINDOW

    @property
    def is_still(self) -> bool:
        """Whether nothing moves or turns."""
        return len(self.points) == 1 and not self.turns

    @property
    def length(self) -> float:
        """Seconds until the last point is reached; of an arc one turn."""
        if self.arc:
            return 2 * np.pi / abs(self.arc[2])
        return float(self._keys()[0][-1]) if len(self.points) > 1 else 0.0

    def positions(self, times: Any) -> np.ndarray:
        """Return (t, 3) m at `times` (s), corners rounded."""
        times = np.asarray(times, dtype=float)
        if self.arc:
            radius, first, rate, height = self.arc
            angle = first + rate * times
            return np.stack(
                [radius * np.cos(angle), radius * np.sin(angle), np.full(len(times), height)], 1
            )
        if len(self.points) == 1:
            return np.repeat(np.array(self.points), len(times), axis=0)
        key_times, key_points = self._keys()
        shifts, weights = _hann(self.window)
        at = times[:, None] + shifts
        return np.stack(
            [np.interp(at, key_times, key_points[:, i]) @ weights for i in range(3)], axis=1
        )

    def orientations(self, times: Any) -> np.ndarray:
        """Return (t, 4) xyzw at `times` (s), turns included."""
        times = np.asarray(times, dtype=float)
        if self.facing == "motion":
            yaw = self._heading(times)
            ahead = np.stack([np.cos(yaw), np.sin(yaw), np.zeros(len(times))], axis=1)
        else:
            target = np.zeros(3) if self.facing == "listener" else np.array(self.facing)
            ahead = target - self.positions(times)
        facing = rotations.facing(ahead)
        if not self.turns:
            return facing
        angle = sum(a * _eased((times - t) / max(d, 1e-3)) for t, a, d in self.turns)
        turn = np.zeros((len(times), 4))
        turn[:, 2], turn[:, 3] = np.sin(angle / 2), np.cos(angle / 2)
        return rotations.multiply(turn, facing)

    def pose(self, duration: float) -> Pose:
        """Return the pose of a line of `duration` s, from its first to its last sample."""
        if self.is_still:
            times = np.array([0.0, duration])
        else:
            steps = max(int(np.ceil(duration * POSE_RATE - 1e-9)), 1)
            times = np.minimum(np.arange(steps + 1) / POSE_RATE, duration)
            times = times[np.concatenate([[True], np.diff(times) > 1e-9])]
        return Pose.from_samples(times, self.positions(times), self.orientations(times))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; empty fields are left out."""
        fields = attrs.asdict(self, filter=lambda a, v: v != ())
        return {k: _listed(v) for k, v in fields.items()}

    def _keys(self) -> tuple[np.ndarray, np.ndarray]:
        """Return times (k,) s and points (k, 3) m of the polyline."""
        points = np.array(self.points)
        legs = np.linalg.norm(np.diff(points, axis=0), axis=1) / np.array(self.speeds)
        arrive = np.concatenate([[0.0], np.cumsum(legs + np.array(self.stays[:-1]))])
        leave = arrive + np.array(self.stays)
        return np.stack([arrive, leave], axis=1).ravel(), np.repeat(points, 2, axis=0)

    def _heading(self, times: np.ndarray) -> np.ndarray:
        """Return (t,) rad: the way the legs go, turned into smoothly; a stay keeps the last."""
        if self.arc:
            return self.arc[1] + self.arc[2] * times + np.sign(self.arc[2]) * np.pi / 2
        step = np.diff(np.array(self.points), axis=0)
        flat = np.hypot(step[:, 0], step[:, 1]) > 0.05
        if not flat.any():  # somebody who gets up looks at the listener
            x, y = self.points[0][:2]
            return np.full(len(times), np.arctan2(-y, -x))
        yaw = np.unwrap(np.arctan2(step[flat, 1], step[flat, 0]))
        starts = self._keys()[0][1:-1:2][flat]
        shifts, weights = _hann(WINDOW)
        at = times[:, None] + shifts
        leg = np.clip(np.searchsorted(starts, at, side="right") - 1, 0, len(yaw) - 1)
        return yaw[leg] @ weights


def path_from_dict(data: dict[str, Any]) -> Path:
    """Build from :meth:`Path.to_dict`."""
    return Path(**data)


def _listed(value: Any) -> Any:
    return [_listed(v) for v in value] if isinstance(value, tuple) else value


def _hann(window: float) -> tuple[np.ndarray, np.ndarray]:
    """Return shifts (k,) s and weights (k,) that sum to 1."""
    half = max(round(window * POSE_RATE / 2), 1)
    weights = np.hanning(2 * half + 3)[1:-1]
    return np.arange(-half, half + 1) / POSE_RATE, weights / weights.sum()


def _eased(share: np.ndarray) -> np.ndarray:
    """Return 0 before, 1 after, and least jerk in between (T. Flash and N. Hogan, 1985)."""
    s = np.clip(share, 0.0, 1.0)
    return s**3 * (10 - 15 * s + 6 * s**2)
