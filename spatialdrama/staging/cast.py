"""Whether everybody who speaks has a place and a voice, asked before any work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.types import Scene, Script
from spatialdrama.types.validate import nearest_names, unknown_name


def check_cast(
    script: Script, scene: Scene, voices: Mapping[str, Any], remedy: Callable[[], str]
) -> None:
    """Raise for a speaker of the script who is not in the scene, or has no voice.

    Parameters
    ----------
    script : Script
    scene : Scene
    voices : mapping of speaker to whatever a generator takes for a voice
    remedy : callable
        Says what to do where no name among `voices` is like the one that is missing; begins with
        its own punctuation.

    Raises
    ------
    UnknownNameError, ValidationError

    Examples
    --------
    >>> from spatialdrama.types import Pose, Scene, Script
    >>> script = Script.parse("ANNA: Who is there?")
    >>> scene = Scene(speakers={"ANNA": Pose.fixed((1, 0, 0))})
    >>> check_cast(script, scene, {"ANA": "x"}, lambda: "; give one.")
    Traceback (most recent call last):
    ...
    spatialdrama.errors.ValidationError: speaker 'ANNA' has no voice among voices; did you mean \
'ANA'?
    """
    for name in script.speakers:
        if name not in scene.speakers:
            raise unknown_name("speaker in the scene", name, scene.speakers)
        if name not in voices:
            near = nearest_names(name, set(voices) - set(script.speakers), 1)
            hint = f"; did you mean {near[0]!r}?" if near else remedy()
            raise ValidationError(f"speaker {name!r} has no voice among voices{hint}")
