"""Line times from one path that all speakers share: where it jumps, somebody else speaks (E12).

Paper C.4. Recorded dramas store a single track of whoever speaks. In a :class:`Scene` every
speaker has a path, so this is needed only to read such a track.
"""

from __future__ import annotations

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Script
from spatialdrama_isdrama.pose.motion import JUMP_SPEED, turns


def timed(script: Script, pose: Pose, *, jump_speed: float = JUMP_SPEED) -> Script:
    """Return the script with the times of the path's turns, one for each line.

    Turns meet in the middle of a jump, as the recordings share a gap between two speakers.

    Parameters
    ----------
    script : Script
    pose : Pose
        The track of whoever speaks.
    jump_speed : float, m/s
        Faster than this is another speaker.

    Raises
    ------
    ValidationError
        The path has another number of turns than the script has lines.

    Examples
    --------
    >>> import numpy as np
    >>> script = Script.parse("A: One.\\nB: Two.")
    >>> track = Pose.from_samples(np.arange(10) / 10, [[1, 1, 0]] * 5 + [[1, -1, 0]] * 5)
    >>> [(line.speaker, line.start, line.end) for line in timed(script, track)]
    [('A', 0.0, 0.45), ('B', 0.45, 0.9)]
    """
    found = turns(pose, jump_speed)
    if len(found) != len(script):
        raise ValidationError(
            f"the path has {len(found)} turns (it jumps {len(found) - 1} times by more than "
            f"{jump_speed:g} m/s) and the script has {len(script)} lines; give one turn to each "
            "line, or join the lines of one turn."
        )
    return Script(
        attrs.evolve(line, start=start, end=end)
        for line, (start, end) in zip(script, found, strict=True)
    )
