"""From one entry of MRSDrama's JSON to one item."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import POSE_FORMATS
from spatialdrama.errors import ValidationError
from spatialdrama.types import Line, Phone, Pose, Speech, TextPrompt, VideoPrompt
from spatialdrama.types.script import languages_in

from ..corpus import Problem
from ..items import Item
from .aliases import listed, number
from .annotations import ITEM_NAME, PHONES, Entry, checked_list, drama_of
from .files import Files
from .poses import read_mrsdrama
from .sounds import SOUNDS, header, load_binaural, load_mono

VIDEOS = (".mp4", ".mov", ".mkv", ".avi", ".webm")
#: The mark in front of a text prompt, in any case: "[DYNAMIC] Moves from ...".
_MARK = re.compile(r"^\s*\[(dynamic|static)\]\s*", re.IGNORECASE)
_PAUSES = ("<SP>", "<AP>", "SP", "AP", "sil", "")


@attrs.define
class Segment:
    """An entry with its files found and its times sorted out, before it becomes an item."""

    name: str
    drama: str
    speaker: str
    split: str
    start: float | None
    end: float | None
    audio: Path
    pose: Path | None
    mono: Path | None
    video: Path | None
    file: Path
    entry: Entry


def segment_of(entry: Entry, file: Path, files: Files) -> Segment:
    """Return the segment that an entry of `file` describes.

    Raises
    ------
    ValidationError
        For an entry without a name or a speaker, or with times that run backwards.
    """
    fields, near = entry.fields, file.parent
    name = entry.name or Path(str(fields.get("audio", ""))).stem
    if not name:
        raise ValidationError("an entry has neither a name nor a sound file.")
    told = ITEM_NAME.match(name)
    speaker = str(fields.get("speaker") or (told["speaker"] if told else "")).strip()
    if not speaker:
        raise ValidationError(f"entry {name!r} has no speaker.")
    start = number(fields.get("start"), f"the start of {name!r}")
    end = number(fields.get("end"), f"the end of {name!r}")
    if start is None and told:
        start, end = float(told["start"]), float(told["end"])
    if start is not None and end is not None and not end > start >= 0:
        raise ValidationError(f"entry {name!r} ends at {end:g} s and starts at {start:g} s.")
    audio = _path(fields.get("audio"), near, files) or files.with_stem([name], SOUNDS, near)
    audio = audio or near / f"{name}.wav"  # reading it tells that it is missing
    pose = _path(fields.get("pose"), near, files) or files.with_stem(
        (f"{name}_v", name, f"{name}_pose"), (".npy",), near
    )
    video = _path(fields.get("video"), near, files) or _only_video(near, files)
    return Segment(
        name, _drama(entry, told, file, files), speaker, str(fields.get("split") or ""), start, end,
        audio, pose, _path(fields.get("mono"), near, files), video, file, entry,
    )  # fmt: skip


def _drama(entry: Entry, told: re.Match[str] | None, file: Path, files: Files) -> str:
    if entry.fields.get("drama"):
        return drama_of(str(entry.fields["drama"]))
    if told:
        return drama_of(told["session"])
    return drama_of(file.stem if file.parent == files.root else file.parent.name)


def _path(value: Any, near: Path, files: Files) -> Path | None:
    return files.named(value, near) if isinstance(value, str) and value.strip() else None


def _only_video(near: Path, files: Files) -> Path | None:
    found = files.inside(near, *VIDEOS)
    return found[0] if len(found) == 1 else None


def item_of(
    segment: Segment, *, corpus: str, split: str, rate: int | None, unit: str,
    pose_rate: float | None, problems: list[Problem],
) -> Item | None:  # fmt: skip
    """Return the item, or None when not even its duration is known; adds to `problems`."""

    def said(error: Exception, remedy: str, file: Path = segment.file) -> None:
        problems.append(Problem(segment.name, str(file), str(error), remedy))

    fields = segment.entry.fields
    pairs: dict[str, list[tuple[str, float]]] = {}
    for what in ("phone", "word"):
        values, long = listed(fields.get(f"{what}s")), listed(fields.get(f"{what}_durations"))
        try:
            pairs[what] = checked_list(values, long, f"{what}s") if values or long else []
        except ValidationError as error:
            said(error, f"Mend the entry; its {what}s are left out.")
            pairs[what] = []
    try:
        duration = _duration(segment, pairs["phone"])
    except ValidationError as error:
        said(error, "Restore the file; the item is left out.", segment.audio)
        return None
    try:
        line = _line(segment, duration, pairs)
    except ValidationError as error:
        said(error, "Mend the entry; the item has no line.")
        line = None
    odd = sorted({phone for phone, _ in pairs["phone"]} - PHONES)
    if odd and line is not None and line.language == "zh":
        problems.append(
            Problem(segment.name, str(segment.file), f"its phones {', '.join(odd)} are none of "
                    f"MRSDrama's {len(PHONES)}.", "They are kept as they are.", "note")
        )  # fmt: skip
    if segment.pose is None:
        said(ValidationError("it has no pose."), "Name one as pos_fn, or call it after the item.")
    # Of fifty thousand items, phones and words as objects would take a gigabyte.
    spoken = line and pairs["phone"] and partial(_spoken, line, *_packed(pairs["phone"]))
    spoken = spoken or line
    return Item(
        segment.name, corpus=corpus, drama=segment.drama, split=split, line=spoken,
        speaker=_person(segment), duration=duration, rate=rate or header_rate(segment.audio),
        load=_load(segment, spoken, duration, rate, unit, pose_rate, pairs["word"]),
        files=_files(segment),
    )  # fmt: skip


def header_rate(path: Path) -> int:
    """Return the rate of a sound file, or the house's when it cannot be read."""
    try:
        return header(path).rate
    except ValidationError:
        return 48_000


def _person(segment: Segment) -> str:
    letter = len(segment.speaker) == 1 and segment.speaker.isupper()
    return f"{segment.drama}/{segment.speaker}" if letter else segment.speaker


def _duration(segment: Segment, phones: list[tuple[str, float]]) -> float:
    if segment.start is not None and segment.end is not None:
        return segment.end - segment.start
    given = number(segment.entry.fields.get("duration"), f"the duration of {segment.name!r}")
    long = given or sum(seconds for _, seconds in phones)
    return long if long > 0 else header(segment.audio).duration


def _line(
    segment: Segment, duration: float, pairs: Mapping[str, list[tuple[str, float]]]
) -> Line | None:
    fields = segment.entry.fields
    text = fields.get("text")
    if not text:
        text = _words_in([word for word, _ in pairs["word"]])
    if not text:
        raise ValidationError("it has no text.")
    start = segment.start
    return Line(
        segment.speaker, " ".join(str(text).split()), language=str(fields.get("language") or "zh"),
        start=start, end=None if start is None else start + duration,
    )  # fmt: skip


def _packed(pairs: list[tuple[str, float]]) -> tuple[str, array[float]]:
    return "\n".join(symbol for symbol, _ in pairs), array("d", [s for _, s in pairs])


def _spoken(line: Line, symbols: str, seconds: array[float]) -> Line:
    timed = _timed(symbols, seconds)
    return attrs.evolve(line, phones=tuple(Phone(s, a, b) for s, a, b in timed))


def _words_in(words: list[str]) -> str:
    kept = [word for word in words if word not in _PAUSES]
    latin = any(word.isascii() for word in kept)
    return (" " if latin else "").join(kept)


def _timed(symbols: str, seconds: array[float]) -> list[tuple[str, float, float]]:
    edges = np.round(np.concatenate([[0.0], np.cumsum(seconds)]), 9).tolist()
    return list(zip(symbols.split("\n"), edges[:-1], edges[1:], strict=True))


def _files(segment: Segment) -> dict[str, Path]:
    found = {"audio": segment.audio, "mono": segment.mono, "pose": segment.pose,
             "video": segment.video, "line": segment.file}  # fmt: skip
    return {part: path for part, path in found.items() if path is not None}


def _load(
    segment: Segment, line: Any, duration: float, rate: int | None, unit: str,
    pose_rate: float | None, words: list[tuple[str, float]],
) -> dict[str, Any]:  # fmt: skip
    load: dict[str, Any] = {"audio": partial(load_binaural, segment.audio, rate)}
    if segment.mono is not None:
        load["mono"] = partial(_mono, segment.mono, rate, line, _person(segment))
    if segment.pose is not None:
        load["pose"] = partial(
            read_mrsdrama, segment.pose, duration, unit=unit, pose_rate=pose_rate
        )
    fields = segment.entry.fields
    if segment.video is not None:
        load["video"] = partial(
            _video, segment.video, fields.get("camera_position"),
            fields.get("camera_orientation"), unit,
        )  # fmt: skip
    rows, motion = _unmarked(fields.get("text_prompts"))
    if rows:
        load["text_prompts"] = partial(_prompts, tuple(rows))
    if scene := _scene_prompt(segment.entry):
        load["scene_prompt"] = scene
    extra = _extra(segment, motion)
    load["extra"] = partial(_with_words, extra, *_packed(words)) if words else extra
    return load


def _mono(path: Path, rate: int | None, line: Any, identity: str) -> Speech:
    return load_mono(path, rate, line() if callable(line) else line, identity=identity)


def _unmarked(value: Any) -> tuple[list[str], str]:
    """Return (prompts without their mark, "dynamic", "static" or "")."""
    values = [value] if isinstance(value, str) else list(value or ())
    rows, motion = [], ""
    for text in map(str, values):
        mark = _MARK.match(text)
        motion = mark[1].lower() if mark else motion
        rows.append(text[mark.end() :].strip() if mark else text.strip())
    return [row for row in rows if row], motion


def _prompts(rows: tuple[str, ...]) -> tuple[TextPrompt, ...]:
    return tuple(TextPrompt(row, language=(languages_in(row) or ("en",))[0]) for row in rows)


def _scene_prompt(entry: Entry) -> str:
    told = entry.fields.get("scene_prompt")
    if not told:
        scenes = entry.common.get("scenes") or entry.common.get("scene_prompts") or {}
        scene = entry.fields.get("scene")
        told = scenes.get(str(scene), "") if isinstance(scenes, Mapping) else ""
        if not told and isinstance(scene, str) and " " in scene:
            told = scene  # words, not a number
    return str(told).strip()


def _with_words(extra: dict[str, Any], words: str, seconds: array[float]) -> dict[str, Any]:
    return extra | {"words": _timed(words, seconds)}


def _extra(segment: Segment, motion: str) -> dict[str, Any]:
    extra: dict[str, Any] = dict(segment.entry.rest)
    if segment.video is not None and segment.start is not None:
        extra["video_start"] = segment.start
    if motion:
        extra["motion"] = motion
    if "scene" in segment.entry.fields:
        extra["scene"] = segment.entry.fields["scene"]
    return extra


def _video(path: Path, position: Any, orientation: Any, unit: str) -> VideoPrompt:
    if not path.exists():
        raise ValidationError(f"video {path} does not exist; copy it, or take it out of the JSON.")
    spec = POSE_FORMATS["mrsdrama-20hz"]
    place = (0.0, 0.0, 0.0) if position is None else position
    turn = (1.0, 0.0, 0.0, 0.0) if orientation is None else orientation
    camera = Pose.from_arrays(
        [place], [turn], time=[0.0], order=spec.order, axes=spec.axes, unit=unit
    )
    # Without a camera's orientation it looks where the listener looks.
    facing = (0.0, 0.0, 0.0, 1.0) if orientation is None else camera.orientation.values[0]
    return VideoPrompt(path, camera_position=camera.position.values[0], camera_orientation=facing)
