"""Line times from one path that all speakers share: where it jumps, somebody else speaks (E12).

Paper C.4. Recorded dramas store a single track of whoever speaks. In a scene, such a track is what
all speakers have; ``Isdrama(times="pose")`` reads the lines' lengths from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import GeometricPrompt, Pose, Scene, Script
from spatialdrama_isdrama.pose.motion import JUMP_SPEED, turns


def shared_path(script: Script, scene: Scene, prompts: Mapping[str, Any]) -> Pose:
    """Return the one path that all speakers of a script have, in the scene or by their prompts.

    Parameters
    ----------
    script : Script
    scene : Scene
    prompts : mapping of speaker to prompt
        A GeometricPrompt stands in for the scene's pose.

    Raises
    ------
    ValidationError
        Two speakers have two paths, or a speaker is placed by words or by a video.

    Examples
    --------
    >>> script = Script.parse("A: One.\\nB: Two.")
    >>> track = Pose.from_samples([0, 1, 1.1, 2], [[1, 1, 0]] * 2 + [[1, -1, 0]] * 2)
    >>> shared_path(script, Scene(None, {"A": track, "B": track}), {}) is track
    True
    """
    paths = {}
    for name in script.speakers:
        prompt = prompts.get(name)
        if prompt is not None and not isinstance(prompt, GeometricPrompt):
            raise ValidationError(
                f"times='pose' reads the turns of a path, and {name} is placed by a "
                f"{type(prompt).__name__}; give a GeometricPrompt, or times to the lines."
            )
        paths[name] = scene.source(name).pose if prompt is None else prompt.pose
    first, *others = paths
    for name in others:
        if paths[name] != paths[first]:
            raise ValidationError(
                f"times='pose' needs one path of whoever speaks, and {first} and {name} have two; "
                "give all speakers the same pose, or leave times='pose' out."
            )
    return paths[first]


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
        The path has another number of turns than the script has lines, or a line has times.

    Examples
    --------
    >>> import numpy as np
    >>> script = Script.parse("A: One.\\nB: Two.")
    >>> track = Pose.from_samples(np.arange(10) / 10, [[1, 1, 0]] * 5 + [[1, -1, 0]] * 5)
    >>> [(line.speaker, line.start, line.end) for line in timed(script, track)]
    [('A', 0.0, 0.45), ('B', 0.45, 0.9)]
    """
    for i, line in enumerate(script, start=1):
        if line.is_timed:
            raise ValidationError(
                f"line {i} of {line.speaker} has times of its own and would get those of the path; "
                "leave one of them out."
            )
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
