"""Line times from one path that all speakers share: where it jumps, somebody else speaks (E12).

Paper C.4. Recorded dramas store a single track of whoever speaks. In a :class:`Scene` every
speaker has a path, so this is needed only to read such a track.
"""

from __future__ import annotations

import itertools

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Script
from spatialdrama.types.validate import check_positive

#: m/s; half a metre in a frame of a 20 Hz tracker. Nobody runs that fast.
JUMP = 10.0


def turn_times(pose: Pose, *, jump: float = JUMP) -> list[tuple[float, float]]:
    """Return (start, end) in s of each stretch without a jump.

    A jump lies between two samples; the turns meet in the middle between them (the half-gap rule
    of the recordings).

    Parameters
    ----------
    pose : Pose
        The track of whoever speaks.
    jump : float, m/s
        Faster than this is another speaker.

    Examples
    --------
    >>> track = Pose.from_samples(np.arange(10) / 10, [[1, 1, 0]] * 5 + [[1, -1, 0]] * 5)
    >>> turn_times(track)
    [(0.0, 0.45), (0.45, 0.9)]
    """
    check_positive(jump, "jump", unit="m/s")
    times, points = pose.time.values, pose.position.values
    if len(times) < 2:
        raise ValidationError("a pose of one sample has no turns; give a path over time.")
    speed = np.linalg.norm(np.diff(points, axis=0), axis=1) / np.diff(times)
    at = np.flatnonzero(speed > jump)
    cuts = [float(times[0]), *((times[at] + times[at + 1]) / 2).tolist(), float(times[-1])]
    return [(round(a, 9), round(b, 9)) for a, b in itertools.pairwise(cuts)]


def timed(script: Script, pose: Pose, *, jump: float = JUMP) -> Script:
    """Return the script with the times of the path's turns, one for each line.

    Raises
    ------
    ValidationError
        The path has another number of turns than the script has lines.

    Examples
    --------
    >>> script = Script.parse("A: One.\\nB: Two.")
    >>> track = Pose.from_samples(np.arange(10) / 10, [[1, 1, 0]] * 5 + [[1, -1, 0]] * 5)
    >>> [(line.speaker, line.start, line.end) for line in timed(script, track)]
    [('A', 0.0, 0.45), ('B', 0.45, 0.9)]
    """
    turns = turn_times(pose, jump=jump)
    if len(turns) != len(script):
        raise ValidationError(
            f"the path has {len(turns)} turns (it jumps {len(turns) - 1} times by more than "
            f"{jump:g} m/s) and the script has {len(script)} lines; give one turn to each line, or "
            "join the lines of one turn."
        )
    return Script(
        attrs.evolve(line, start=start, end=end)
        for line, (start, end) in zip(script, turns, strict=True)
    )
