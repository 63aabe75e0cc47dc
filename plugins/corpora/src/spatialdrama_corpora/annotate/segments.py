"""From a recording to annotated segments: the steps in their order, each where it is asked for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line, Pose, Room, Script, Speech, TextPrompt
from spatialdrama.types.validate import unknown_name
from spatialdrama_corpora.annotate.aligned import Aligned
from spatialdrama_corpora.annotate.aligning import align
from spatialdrama_corpora.annotate.denoising import METHODS as DENOISERS
from spatialdrama_corpora.annotate.denoising import denoise
from spatialdrama_corpora.annotate.loudness import TARGET, to_lufs
from spatialdrama_corpora.annotate.motion import EAR_HEIGHT
from spatialdrama_corpora.annotate.path_words import text_prompts
from spatialdrama_corpora.annotate.phones import Reading, phones_of
from spatialdrama_corpora.annotate.recordings import Recording
from spatialdrama_corpora.annotate.room_words import scene_prompt
from spatialdrama_corpora.annotate.turn_taking import LONGEST, SHORTEST, Turn, jumps, turns

#: In the order in which they are done.
STEPS: Final = (
    "denoise", "loudness", "turns", "phones", "align", "pose", "text_prompts", "scene_prompts",
)  # fmt: skip
_NO_HAN = re.compile(r"[^\u3400-\u9fff]+")


@attrs.frozen(kw_only=True)
class Settings:
    """Options of all steps.

    Parameters
    ----------
    steps : sequence of str
        Of :data:`STEPS`; done in that order whatever the order here.
    target : float, LUFS
    denoiser : "spectral" or "deepfilternet"
    reduction_db : float, dB
    longest : float, s
        Of a segment.
    aligner : str
        See :func:`.aligning.align`.
    language : str, optional
        Of the text; read off the writing by default.
    prompt_languages : sequence of "en" and "zh"
    prompts : int
        Phrasings a segment and language.
    ear_height : float, m
    seed : int

    Raises
    ------
    UnknownNameError
        For a step or denoiser that does not exist.
    """

    steps: tuple[str, ...] = attrs.field(default=STEPS)
    target: float = TARGET
    denoiser: str = "spectral"
    reduction_db: float = 15.0
    longest: float = LONGEST
    aligner: str = "auto"
    language: str | None = None
    prompt_languages: tuple[str, ...] = attrs.field(default=("en", "zh"), converter=tuple)
    prompts: int = 3
    ear_height: float = EAR_HEIGHT
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        steps = (self.steps,) if isinstance(self.steps, str) else tuple(self.steps)
        for step in steps:
            if step not in STEPS:
                raise unknown_name("annotation step", step, STEPS)
        if not steps:
            raise ValidationError(f"no step to do; name some of {', '.join(STEPS)}.")
        if self.denoiser not in DENOISERS:
            raise unknown_name("denoising method", self.denoiser, DENOISERS)
        object.__setattr__(self, "steps", tuple(s for s in STEPS if s in steps))


@attrs.frozen(kw_only=True)
class Segment:
    """One turn with everything that was found out about it.

    Attributes
    ----------
    name : str
    turn : Turn
        Where it lies in the recording.
    audio : BinauralAudio
    reading : Reading or None
    aligned : Aligned or None
    pose : Pose or None
        Time 0 is the segment's first sample.
    text_prompts : tuple of TextPrompt
    scene_prompts : mapping of language to str
    notes : tuple of str
        Steps that could not be done, and why.
    """

    name: str
    turn: Turn
    audio: BinauralAudio = attrs.field(repr=False)
    reading: Reading | None = None
    aligned: Aligned | None = None
    pose: Pose | None = None
    text_prompts: tuple[TextPrompt, ...] = ()
    scene_prompts: Mapping[str, str] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()

    def line(self) -> Line | None:
        """Return what is said with the times of its phones; None where nothing is known."""
        if not self.turn.text:
            return None
        return Line(
            self.turn.speaker or "?",
            self.turn.text,
            start=self.turn.start,
            end=self.turn.end,
            phones=self.aligned.phones if self.aligned else (),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form with the keys of MRSDrama's items."""
        out: dict[str, Any] = {
            "item_name": self.name,
            "speaker": self.turn.speaker,
            "start_time": self.turn.start,
            "end_time": self.turn.end,
        }
        if self.turn.text:
            out |= {"raw_txt": _raw(self.turn.text), "text": self.turn.text}
        if self.aligned is not None:
            out |= self.aligned.to_dict()
        elif self.reading is not None:
            out |= {"ph": list(self.reading.phones), "word": list(self.reading.words),
                    "ph2word": list(self.reading.ph2word)}  # fmt: skip
        if self.text_prompts:
            out["spatial_prompt"] = self.text_prompts[0].text
            out["text_prompts"] = [[p.language, p.text] for p in self.text_prompts]
        if self.scene_prompts:
            out["scene_prompts"] = dict(self.scene_prompts)
        if self.notes:
            out["notes"] = list(self.notes)
        return out


def _raw(text: str) -> str:
    """Han characters only where there are some, as MRSDrama has its texts."""
    return _NO_HAN.sub("", text) or text


def segments_of(recording: Recording, settings: Settings) -> tuple[Segment, ...]:
    """Do the steps on one recording.

    Noise is judged before the level is set, so that what is taken out does not count as loudness.

    Raises
    ------
    ValidationError
        Names the step; what a segment lacks (a text, a pose) is noted and no error.
    """
    audio, script = recording.audio(), recording.script()
    pose, room = recording.pose(), recording.room()
    if "denoise" in settings.steps:
        audio = denoise(audio, settings.denoiser, reduction_db=settings.reduction_db)
    if "loudness" in settings.steps:
        audio = to_lufs(audio, settings.target)
    found = _turns(recording, audio, script, pose, settings)
    scenes = _scenes(room, settings)
    return tuple(
        _segment(recording, turn, audio, pose, scenes, settings, alone=len(found) == 1)
        for turn in found
    )


def _turns(
    recording: Recording,
    audio: BinauralAudio,
    script: Script | str | None,
    pose: Pose | None,
    settings: Settings,
) -> tuple[Turn, ...]:
    if isinstance(script, str):
        whole = Turn(0.0, audio.duration, "", script)
        if "turns" not in settings.steps or audio.duration <= settings.longest:
            return (whole,)
        raise ValidationError(
            f"{recording.name} lasts {audio.duration:.1f} s and its text has no times; give a "
            "TextGrid, or a recording of at most "
            f"{settings.longest:g} s."
        )
    if script is not None and script.is_timed and "turns" in settings.steps:
        return turns(audio, script=script, longest=settings.longest)
    if recording.whole or "turns" not in settings.steps:
        line = script.lines[0] if script is not None and len(script.lines) == 1 else None
        return (Turn(0.0, audio.duration, line.speaker if line else "", line.text if line else ""),)
    if script is not None and len(script.lines) == 1:
        line = script.lines[0]
        return (Turn(0.0, audio.duration, line.speaker, line.text, 0),)
    found = turns(audio, pose=pose, longest=settings.longest)
    return found if script is None else _said_in_order(recording.name, found, script)


def _said_in_order(name: str, found: tuple[Turn, ...], script: Script) -> tuple[Turn, ...]:
    """Give the lines of a script without times to as many turns, in order."""
    if len(found) != len(script.lines):
        raise ValidationError(
            f"the script of {name} has {len(script.lines)} lines without times, but {len(found)} "
            "turns are heard; give a TextGrid with the times."
        )
    return tuple(
        attrs.evolve(turn, speaker=line.speaker, text=line.text, line=i)
        for i, (turn, line) in enumerate(zip(found, script.lines, strict=True))
    )


def _scenes(room: Room | None, settings: Settings) -> dict[str, str]:
    if room is None or "scene_prompts" not in settings.steps:
        return {}
    return {code: scene_prompt(room, code, settings.seed) for code in settings.prompt_languages}


def _segment(
    recording: Recording,
    turn: Turn,
    audio: BinauralAudio,
    pose: Pose | None,
    scenes: dict[str, str],
    settings: Settings,
    *,
    alone: bool,
) -> Segment:
    notes: list[str] = []
    name = recording.name if alone else turn.name(recording.name)
    part = audio if alone else audio.cut(turn.start, turn.end)
    reading = aligned = None
    if {"phones", "align"} & set(settings.steps):
        if turn.text and turn.duration >= SHORTEST / 2:
            reading = phones_of(turn.text, settings.language)
        else:
            notes.append("no text: phones and times are not known")
    if reading is not None and "align" in settings.steps:
        aligned = _aligned(recording.speech(), part, turn, settings)
    mine = None
    prompts: list[TextPrompt] = []
    if pose is not None and {"pose", "text_prompts"} & set(settings.steps):
        mine = _cut_pose(pose, turn)
    elif {"pose", "text_prompts"} & set(settings.steps):
        notes.append("no pose: where the speaker is, is not known")
    if mine is not None and "text_prompts" in settings.steps:
        for code in settings.prompt_languages:
            prompts += text_prompts(
                mine, code, settings.seed, settings.prompts, ear_height=settings.ear_height,
                listener=recording.listener(), start=0.0, end=turn.duration,
            )  # fmt: skip
    return Segment(
        name=name, turn=turn, audio=part, reading=reading, aligned=aligned, pose=mine,
        text_prompts=tuple(prompts), scene_prompts=scenes, notes=tuple(notes),
    )  # fmt: skip


def _aligned(speech: Speech | None, part: BinauralAudio, turn: Turn, settings: Settings) -> Aligned:
    sound = speech if speech is not None and speech.phones else part
    return align(sound, turn.text, settings.language, method=settings.aligner)


def _cut_pose(pose: Pose, turn: Turn) -> Pose:
    """The pose of a turn, in time from its first sample; held where the pose does not reach.

    The silence at the ends of a turn is shared with its neighbours. Where the pose is still, or
    already, with one of them, the turn's own places are held instead.
    """
    edges = [turn.start, *(t for t in jumps(pose) if turn.start < t < turn.end), turn.end]
    low, high = max(itertools.pairwise(edges), key=lambda span: span[1] - span[0])
    times = pose.time.values
    inside = times[(times > low + 1e-9) & (times < high - 1e-9)]
    # Between the last sample of one and the first of the other the pose crosses the room.
    first = inside[0] if low > turn.start and len(inside) else low
    last = inside[-1] if high < turn.end and len(inside) else high
    grid = np.unique([first, *inside, last])
    return pose.at(grid).shifted(-turn.start)
