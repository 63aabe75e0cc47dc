"""Poses that jump: the voice fades out where it was and in where it is.

Between two samples of a pose the voice moves in a straight line. Where tracking was lost, a scene
was cut or a position was typed anew, that line is crossed at a speed nobody has, and rendering it
as motion gives a whistle (or no answer, beyond the speed of sound). Such a step is a teleport: the
pose is cut there, and what is emitted passes from one piece to the other in a short cross-fade.
"""

from __future__ import annotations

import warnings

import attrs
import numpy as np

from spatialdrama.errors import SpatialDramaWarning
from spatialdrama_render.propagation import Track

#: m/s; slower steps are always motion (the fastest sprinter reaches 12, a car 30).
SLOWEST = 30.0
#: A step is a teleport when it is this many times faster than what is around it.
FACTOR = 4.0
#: Steps to either side that a step is compared with.
_AROUND = 3
#: s; length of the cross-fade.
FADE = 0.010


@attrs.frozen(eq=False)
class Piece:
    """An unbroken piece of a track and when it sounds.

    Attributes
    ----------
    track : Track
    begin, end : float, s
        Middle of the fades; infinite where there is none.
    """

    track: Track
    begin: float
    end: float

    @property
    def whole(self) -> bool:
        """True for a pose that never jumps."""
        return np.isinf(self.begin) and np.isinf(self.end)

    def held(self, times: np.ndarray) -> np.ndarray:
        """Return times (s), before and after the piece those of its own first and last sample."""
        return np.clip(times, self.track.time[0], self.track.time[-1])

    def gain(self, times: np.ndarray) -> np.ndarray:
        """Return (n,) gains at emission times (s); those of all pieces of a track sum to one."""
        rise = np.clip((times - self.begin) / FADE + 0.5, 0.0, 1.0)
        fall = np.clip((self.end - times) / FADE + 0.5, 0.0, 1.0)
        return np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2


def jumps(track: Track) -> np.ndarray:
    """Return the indices i of steps from sample i to i + 1 that nobody walks.

    Examples
    --------
    >>> from spatialdrama.types import Pose
    >>> from spatialdrama_render.propagation import Track
    >>> from spatialdrama_render.teleports import jumps
    >>> places = [(1, 1, 0), (1.01, 1, 0), (1.02, 1, 0), (-1, 1, 0), (-1.01, 1, 0)]
    >>> jumps(Track(Pose.from_samples([0, 0.01, 0.02, 0.03, 0.04], places))).tolist()
    [2]
    """
    if len(track.time) < 3:
        return np.zeros(0, dtype=int)
    speed = np.linalg.norm(np.diff(track.place, axis=1), axis=0) / np.diff(track.time)
    fast = np.flatnonzero(speed > SLOWEST)
    found = []
    for i in fast:
        around = np.concatenate([speed[max(0, i - _AROUND) : i], speed[i + 1 : i + 1 + _AROUND]])
        if speed[i] > FACTOR * np.median(around):
            found.append(i)
    return np.array(found, dtype=int)


def pieces(track: Track, who: str = "the source") -> list[Piece]:
    """Cut a track where it jumps; warns, once for all jumps."""
    cuts = jumps(track)
    if not len(cuts):
        return [Piece(track, -np.inf, np.inf)]
    i = int(cuts[0])
    step = float(np.linalg.norm(track.place[:, i + 1] - track.place[:, i]))
    more = f" and {len(cuts) - 1} more times" if len(cuts) > 1 else ""
    warnings.warn(
        f"{who} jumps {step:.2f} m at t = {track.time[i]:.2f} s{more}; each jump is faded over "
        f"{1000 * FADE:.0f} ms instead of being heard as motion.",
        SpatialDramaWarning,
        stacklevel=4,
    )
    middle = (track.time[cuts] + track.time[cuts + 1]) / 2
    begins, ends = [-np.inf, *middle], [*middle, np.inf]
    firsts, lasts = [0, *(cuts + 1)], [*cuts, len(track.time) - 1]
    return [
        Piece(track.between(a, b), begin, end)
        for a, b, begin, end in zip(firsts, lasts, begins, ends, strict=True)
    ]
