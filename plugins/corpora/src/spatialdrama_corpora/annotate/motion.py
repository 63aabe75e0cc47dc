"""What a pose does, as facts that words can be made of: sectors, stays, speeds, posture.

Nothing here is language; ``path_words.py`` finds the words.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose
from spatialdrama_corpora.annotate.activity import stretches

#: Counter-clockwise from straight ahead, 45 degrees each.
SECTORS: Final = (
    "front", "front-left", "left", "back-left", "back", "back-right", "right", "front-right",
)  # fmt: skip
#: m; nearer is near, farther is far.
NEAR, FAR = 1.0, 2.5
#: rad; 15 degrees above or below the ears is heard as up or down.
HIGH: Final = np.deg2rad(15.0)
#: m/s; below it somebody stands, and where slow and fast begin. People stroll at .5 and hurry
#: above 1.1.
STILL, SLOW, FAST = 0.12, 0.5, 1.1
#: m; ears of a listener on a chair, and the mouth's height from which somebody stands.
EAR_HEIGHT, STANDING = 1.2, 1.35
#: s and m; a shorter stay is a corner, a smaller change of height is a nod.
SHORTEST_STAY, POSTURE_CHANGE = 0.4, 0.25
_RATE = 20.0
#: m; whoever stays within this of where they began has not moved.
_SWAY = 0.15


@attrs.frozen(kw_only=True)
class Place:
    """Where somebody is: sector, "near", "" or "far", and "up", "" or "down"."""

    sector: str
    reach: str
    height: str
    distance: float
    posture: str


@attrs.frozen(kw_only=True)
class Motion:
    """What happens from the first moment to the last.

    Attributes
    ----------
    start, end : Place
    through : tuple of str
        Sectors in between, in order, none beside its like.
    moves : bool
    begins : float, s
        From the first moment until the first step.
    stays : int
        Pauses between two stretches of movement.
    rests : float, s
        From the last step to the end.
    speed : float, m/s
        Mean while moving.
    pace : "slow", "steady" or "fast"
    nearing : float, m
        How much nearer the end is than the start; negative is farther.
    change : "", "sits down" or "stands up"
    duration : float, s
    """

    start: Place
    end: Place
    through: tuple[str, ...] = ()
    moves: bool = False
    begins: float = 0.0
    stays: int = 0
    rests: float = 0.0
    speed: float = 0.0
    pace: str = "steady"
    nearing: float = 0.0
    change: str = ""
    duration: float = 0.0


def sector(azimuth: float) -> str:
    """Return the sector of an azimuth in rad, counter-clockwise from straight ahead.

    Examples
    --------
    >>> import math
    >>> sector(0.0), sector(math.pi / 2), sector(-3 * math.pi / 4)
    ('front', 'left', 'back-right')
    """
    return SECTORS[int(np.floor(azimuth / (np.pi / 4) + 0.5)) % 8]


def motion_of(
    pose: Pose,
    *,
    start: float | None = None,
    end: float | None = None,
    ear_height: float = EAR_HEIGHT,
) -> Motion:
    """Return what a pose does between two times.

    Parameters
    ----------
    pose : Pose
        In the listener's frame.
    start, end : float, s
        Default: from the first sample to the last.
    ear_height : float, m
        Of the listener's ears above the floor on which the speaker stands; tells standing from
        sitting.

    Raises
    ------
    ValidationError
        For an end before the start.

    Examples
    --------
    >>> walk = Pose.line((1, -1, 0.3), (1, 1, 0.3), duration=4)
    >>> found = motion_of(walk)
    >>> found.start.sector, found.through, found.end.sector, found.pace
    ('front-right', ('front',), 'front-left', 'steady')
    """
    first = float(pose.time[0]) if start is None else float(start)
    last = float(pose.time[-1]) if end is None else float(end)
    if last < first:
        raise ValidationError(f"a stretch of a pose ends after it starts; got {first} to {last} s.")
    n = max(int(np.floor((last - first) * _RATE)) + 1, 1)
    times = np.minimum(first + np.arange(n) / _RATE, last)
    if last > times[-1]:
        times = np.append(times, last)
    path = pose.positions_at(times)
    places = (place(path[0], ear_height), place(path[-1], ear_height))
    middle = place(np.median(path, axis=0), ear_height)  # whoever sways, or is lost for a moment
    still = Motion(start=middle, end=middle, duration=last - first, rests=last - first)
    if len(path) < 3 or np.linalg.norm(path - path[0], axis=1).max() < _SWAY:
        return still
    speed = _speeds(path, times)
    runs = _runs(speed > STILL)
    if not runs:
        return still
    moving = np.zeros(len(path) - 1, bool)
    for a, b in runs:
        moving[a:b] = True
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    mean = float(steps[moving].sum() / np.diff(times)[moving].sum())
    return Motion(
        start=places[0],
        end=places[1],
        through=_through(path, places[0].sector, places[1].sector),
        moves=True,
        begins=float(times[runs[0][0]] - first),
        stays=len(runs) - 1,
        rests=float(last - times[runs[-1][1]]),
        speed=mean,
        pace="slow" if mean < SLOW else "fast" if mean > FAST else "steady",
        nearing=places[0].distance - places[1].distance,
        change=_change(path),
        duration=last - first,
    )


def place(point: np.ndarray, ear_height: float = EAR_HEIGHT) -> Place:
    """Return where a point (3,) in m is.

    Examples
    --------
    >>> import numpy as np
    >>> place(np.array([0.4, 0.4, 0.5]))  # a mouth 1.7 m above the floor
    Place(sector='front-left', reach='near', height='up', distance=0.755, posture='stands')
    """
    distance = float(np.linalg.norm(point))
    elevation = float(np.arctan2(point[2], np.hypot(point[0], point[1])))
    return Place(
        sector=sector(float(np.arctan2(point[1], point[0]))),
        reach="near" if distance < NEAR else "far" if distance > FAR else "",
        height="up" if elevation > HIGH else "down" if elevation < -HIGH else "",
        distance=round(distance, 3),
        posture="stands" if ear_height + point[2] > STANDING else "sits",
    )


def _speeds(path: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Speed of each step, even over a quarter of a second."""
    raw = np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(times)
    width = min(5, len(raw) | 1)
    padded = np.pad(raw, width // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)[: len(raw)]


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of movement, short stays bridged."""
    runs: list[tuple[int, int]] = []
    for a, b in stretches(flags):
        if runs and (a - runs[-1][1]) / _RATE < SHORTEST_STAY:
            runs[-1] = (runs[-1][0], b)
        elif (b - a) / _RATE >= 0.2:
            runs.append((a, b))
    return runs


def _through(path: np.ndarray, first: str, last: str) -> tuple[str, ...]:
    seen = [sector(a) for a in np.arctan2(path[:, 1], path[:, 0])]
    order: list[str] = []
    count = 0
    for k, name in enumerate(seen):
        count = count + 1 if k and name == seen[k - 1] else 1
        # A sector that is only brushed is not worth a word.
        if count == 3 and (not order or order[-1] != name):
            order.append(name)
    if order and order[0] == first:
        order = order[1:]
    if order and order[-1] == last:
        order = order[:-1]
    return tuple(order)


def _change(path: np.ndarray) -> str:
    rise = float(path[-1, 2] - path[0, 2])
    if abs(rise) < POSTURE_CHANGE:
        return ""
    return "stands up" if rise > 0 else "sits down"
