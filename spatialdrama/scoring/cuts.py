"""What a metric gets to hear: a line's stretch of sound with what belongs to it, or all of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.progress import progress as progress_bar
from spatialdrama.scoring.poses import check_times
from spatialdrama.scoring.prompts import drama_prompts, given_prompts
from spatialdrama.scoring.reference import check_pair, dry_reference
from spatialdrama.types import BinauralAudio, Drama, Line, Pose, Script, Speech

#: s; how much later than its own end a line is still heard: 34 m of air, or the start of a tail.
LATE = 0.1

REMEDIES = {
    "reference": "pass reference='recording.wav' (of several items a folder with a file of each "
    "name), or --reference PATH",
    "line": "pass transcript='...', or --transcript TEXT, or score a Drama",
    "script": "score a Drama, which has one",
    "scene": "score a Drama, which has one",
    "pose": "pass pose=..., or --pose FILE, or score a Drama",
    "prompt": "pass prompts={speaker: Speech}, or score a Drama with stems",
}


@attrs.frozen
class Cut:
    """A stretch of sound and what a metric may ask about it.

    Parameters
    ----------
    label : str
        Of the row in the table; "" for a recording, which is all of its item.
    per : "line" or "item"
    audio : BinauralAudio
        Of long sound, still in its file.
    given : dict
        Values by the names that ``MetricSpec.needs`` lists.
    speaker : str
    """

    label: str
    per: str
    audio: BinauralAudio
    given: dict[str, Any]
    speaker: str = ""


def check_needs(name: str, spec: Any, cuts: Sequence[Cut]) -> None:
    """Raise when a metric needs what its cuts do not have."""
    have = next((set(c.given) for c in cuts if c.per == spec.per), set())
    for need in sorted(set(spec.needs) - have):
        raise lacking(name, need)


def lacking(name: str, need: str) -> ValidationError:
    """Return the error of a metric that does not get what it needs."""
    return ValidationError(f"metric {name!r} needs a {need}; {REMEDIES[need]}.")


def cuts_of(
    sound: Any,
    needs: Collection[str],
    *,
    reference: BinauralAudio | None = None,
    transcript: str | None = None,
    language: str | None = None,
    prompts: Any = None,
    pose: Pose | None = None,
    progress: bool | None = False,
) -> tuple[list[Cut], dict[str, list[str]]]:
    """Return all cuts of a drama or recording, and notes by the need that they explain.

    Raises
    ------
    ValidationError
        For sound that is neither, a reference of another rate or length, or a pose of another
        time.
    """
    notes: dict[str, list[str]] = {}
    if not isinstance(sound, Drama | BinauralAudio):
        raise ValidationError(f"score takes a Drama or BinauralAudio; got {type(sound).__name__}.")
    if reference is not None:
        check_pair(sound.audio if isinstance(sound, Drama) else sound, reference)
    if isinstance(sound, BinauralAudio):
        if pose is not None:
            notes["pose"] = check_times(pose, sound)
        return recording_cuts(sound, reference, transcript, language, prompts, pose), notes
    if "reference" in needs and reference is None:
        with progress_bar(label="rendering the dry reference", total=1, show=progress) as bar:
            reference, note = dry_reference(sound)
            bar.update()
        notes["reference"] = [note]
    spoken = None
    if "prompt" in needs:
        spoken, notes["prompt"] = drama_prompts(sound, prompts)
    return drama_cuts(sound, reference, spoken), notes


def drama_cuts(
    drama: Drama, reference: BinauralAudio | None, prompts: Sequence[Speech] | None
) -> list[Cut]:
    """Return a cut for each line, and one for the whole drama."""
    cuts = []
    listener = drama.scene.listener
    for i, line in enumerate(drama.script, start=1):
        given: dict[str, Any] = {
            "line": line,
            "script": drama.script,
            "scene": drama.scene,
            "pose": drama.scene.source(line.speaker)
            .pose.relative_to(listener)
            .shifted(-line.start),
        }
        if reference is not None:
            given["reference"] = reference.cut(line.start, line.end + LATE)
        if prompts is not None:
            given["prompt"] = prompts[i - 1]
        audio = drama.line_audio(i - 1, tail=LATE)
        cuts.append(Cut(f"{i:03d} {line.speaker}", "line", audio, given, line.speaker))
    whole: dict[str, Any] = {"script": drama.script, "scene": drama.scene}
    if reference is not None:
        whole["reference"] = reference
    return [*cuts, Cut("whole drama", "item", drama.audio, whole)]


def recording_cuts(
    audio: BinauralAudio,
    reference: BinauralAudio | None,
    transcript: str | None,
    language: str | None,
    prompts: Any,
    pose: Pose | None = None,
) -> list[Cut]:
    """Return a recording as the one line and the one item that it is."""
    given: dict[str, Any] = {}
    spoken = given_prompts(prompts, None)
    if len(spoken) > 1:
        raise ValidationError(
            f"a recording has one speaker; got prompts of {', '.join(spoken)}. Score a Drama."
        )
    if spoken:
        given["prompt"] = next(iter(spoken.values()))
    if reference is not None:
        given["reference"] = reference
    if pose is not None:
        given["pose"] = pose
    if transcript is not None:
        line = Line("speaker", transcript, language=language, start=0.0, end=audio.duration)
        given |= {"line": line, "script": Script([line])}
    return [Cut("", per, audio, given) for per in ("line", "item")]
