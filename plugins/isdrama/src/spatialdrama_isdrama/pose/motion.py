"""A pose as the listener's head sees it, cut where it jumps, with its velocity."""

from __future__ import annotations

import itertools

import attrs
import numpy as np

from spatialdrama.types import Pose, rotations
from spatialdrama.types.validate import check_positive

#: s; window of the Savitzky-Golay slope (E8: .15 to .25).
WINDOW = 0.2
#: m/s; a faster step between two samples is no motion (E12).
JUMP_SPEED = 10.0
#: Samples of a window; a parabola's slope changes no more with further ones.
_TAPS = 25


def jumps(pose: Pose, jump_speed: float = JUMP_SPEED) -> np.ndarray:
    """Return the times (j,) in s, each in the middle of a step faster than `jump_speed`.

    Examples
    --------
    >>> places = [(1, 1, 0), (1.01, 1, 0), (-1, 1, 0), (-1.01, 1, 0)]
    >>> jumps(Pose.from_samples([0, 0.02, 0.04, 0.06], places)).round(3).tolist()
    [0.03]
    """
    check_positive(jump_speed, "jump_speed", unit="m/s")
    time, place = _valid(pose)
    speed = np.linalg.norm(np.diff(place, axis=0), axis=1) / np.diff(time)
    fast = np.flatnonzero(speed > jump_speed)
    return (time[fast] + time[fast + 1]) / 2


def turns(pose: Pose, jump_speed: float = JUMP_SPEED) -> list[tuple[float, float]]:
    """Return (begin, end) in s of each stretch between jumps: the lines of a talk (C.4, E12).

    In the geometric pose of a whole drama a sudden jump is another speaker, so the stretches say
    how long each line is.

    Examples
    --------
    >>> places = [(1, 1, 0), (1, 1, 0), (-1, 1, 0), (-1, 1, 0)]
    >>> turns(Pose.from_samples([0, 1.0, 1.01, 3.0], places))
    [(0.0, 1.005), (1.005, 3.0)]
    """
    time, _ = _valid(pose)
    edges = [float(time[0]), *jumps(pose, jump_speed).tolist(), float(time[-1])]
    return list(itertools.pairwise(edges))


@attrs.define(eq=False)
class HeadFrame:
    """A speaker in the frame of the listener's head (x forward, y left, z up).

    Parameters
    ----------
    pose : Pose
    listener : Pose, optional
        None is at rest at the origin.
    jump_speed : float, m/s
        A step above it, of either, cuts time into stretches. Within half of a cut step the last or
        first place of the stretch is held.
    """

    pose: Pose
    listener: Pose | None = None
    jump_speed: float = attrs.field(default=JUMP_SPEED, kw_only=True)
    _cuts: np.ndarray = attrs.field(init=False)
    _speaker: _Track = attrs.field(init=False)
    _head: _Track | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._speaker = _Track(self.pose, jumps(self.pose, self.jump_speed))
        self._head, cuts = None, self._speaker.cuts
        if self.listener is not None:
            self._head = _Track(self.listener, jumps(self.listener, self.jump_speed))
            cuts = np.union1d(cuts, self._head.cuts)
        self._cuts = cuts

    def places(self, times: np.ndarray) -> np.ndarray:
        """Return (t, 3) m at `times` (t,) s."""
        return self._places(times, self._stretch(times))

    def orientations(self, times: np.ndarray) -> np.ndarray:
        """Return (t, 4) xyzw, body to head axes, at `times` (t,) s.

        In a cut step each side keeps its own: a slerp over it would turn a head that never turned.
        """
        stretch = self._stretch(times)
        q = self._speaker.orientations(times, self._within(times, stretch))
        if self._head is None:
            return q
        head = self._head.orientations(times, self._within(times, stretch))
        return rotations.multiply(rotations.conjugate(head), q)

    def velocities(self, times: np.ndarray, window: float = WINDOW) -> np.ndarray:
        """Return (t, 3) m/s, in axes that turn with the head, at `times` (t,) s.

        The slope at t of the parabola fitted to `window` seconds about t (Savitzky and Golay 1964).
        Near an end of a stretch the window is moved inside it, and the slope is taken off centre,
        as ``scipy.signal.savgol_filter`` does with mode "interp". Where the place is held because
        the pose has ended, it is zero.
        """
        check_positive(window, "window", unit="s")
        stretch = self._stretch(times)
        begin, end = self._spans(times, stretch)
        half = np.minimum(window, np.maximum(end - begin, 0.0)) / 2
        centre = np.clip(times, begin + half, np.maximum(end - half, begin + half))
        grid = np.linspace(-1.0, 1.0, _TAPS)
        at = centre[:, None] + half[:, None] * grid
        place = self._places(at.ravel(), np.repeat(stretch, _TAPS)).reshape(*at.shape, 3)
        # Least squares on a symmetric grid: slope and curvature are independent sums.
        bend = grid**2 - np.mean(grid**2)
        slope = np.einsum("k,tkc->tc", grid, place) / np.sum(grid**2)
        curve = np.einsum("k,tkc->tc", bend, place) / np.sum(bend**2)
        moving = (half > 0) & (times >= begin) & (times <= end)
        scale = np.where(moving, half, 1.0)
        off = np.where(moving, (times - centre) / scale, 0.0)
        return np.where(moving[:, None], (slope + 2 * curve * off[:, None]) / scale[:, None], 0.0)

    # -- stretches ----------------------------------------------------------------------------

    def _stretch(self, times: np.ndarray) -> np.ndarray:
        """Which stretch between cuts each time lies in, by number."""
        return np.searchsorted(self._cuts, times, side="right")

    def _within(self, times: np.ndarray, stretch: np.ndarray) -> np.ndarray:
        """Times that say which stretch is meant, also where a grid reaches over its edge."""
        edges = np.concatenate([[-np.inf], self._cuts, [np.inf]])
        return np.clip(times, edges[stretch], np.nextafter(edges[stretch + 1], -np.inf))

    def _places(self, times: np.ndarray, stretch: np.ndarray) -> np.ndarray:
        which = self._within(times, stretch)
        gap = self._speaker.places(times, which)
        if self._head is None:
            return gap
        gap = gap - self._head.places(times, which)
        return rotations.rotate(rotations.conjugate(self._head.orientations(times, which)), gap)

    def _spans(self, times: np.ndarray, stretch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and last time of each stretch at which anything can move."""
        which = self._within(times, stretch)
        begin, end = self._speaker.spans(which, turning=False)
        if self._head is not None:
            first, last = self._head.spans(which, turning=True)
            # A speaker who has stopped still moves in the frame of a head that has not.
            begin, end = np.minimum(begin, first), np.maximum(end, last)
        edges = np.concatenate([[-np.inf], self._cuts, [np.inf]])
        return np.maximum(begin, edges[stretch]), np.minimum(end, edges[stretch + 1])


class _Track:
    """The valid samples of a pose in pieces between cuts; each piece is held outside itself."""

    def __init__(self, pose: Pose, cuts: np.ndarray):
        self.cuts = cuts
        self.time, self.place = _valid(pose)
        self.turn = pose.orientation.values[pose.valid.values]
        self.edges = np.concatenate([[0], np.searchsorted(self.time, cuts), [len(self.time)]])

    def _pieces(self, which: np.ndarray):
        piece = np.searchsorted(self.cuts, which, side="right")
        for number in np.unique(piece):
            yield slice(self.edges[number], self.edges[number + 1]), piece == number

    def places(self, times: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Interpolate `times` within the pieces that the times `which` lie in."""
        out = np.empty((len(times), 3))
        for part, here in self._pieces(which):
            for axis in range(3):
                out[here, axis] = np.interp(times[here], self.time[part], self.place[part, axis])
        return out

    def orientations(self, times: np.ndarray, which: np.ndarray) -> np.ndarray:
        out = np.empty((len(times), 4))
        for part, here in self._pieces(which):
            out[here] = rotations.slerp(self.time[part], self.turn[part], times[here])
        return out

    def spans(self, which: np.ndarray, turning: bool) -> tuple[np.ndarray, np.ndarray]:
        """First and last time of the pieces; no time at all of those that stand still."""
        begin, end = np.full(len(which), np.inf), np.full(len(which), -np.inf)
        for part, here in self._pieces(which):
            moves = np.ptp(self.place[part], axis=0).any()
            if moves or (turning and np.ptp(self.turn[part], axis=0).any()):
                begin[here], end[here] = self.time[part][0], self.time[part][-1]
        return begin, end


def _valid(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    keep = pose.valid.values
    return pose.time.values[keep], pose.position.values[keep]
