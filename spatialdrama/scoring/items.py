"""Named things to score: dramas, recordings, folders and files, opened where they are needed."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json
from spatialdrama.io.scenes import scene_to_dict
from spatialdrama.io.scripts import script_to_dict
from spatialdrama.scoring import content, poses
from spatialdrama.scoring.cuts import Cut, cuts_of
from spatialdrama.types import BinauralAudio, Drama
from spatialdrama.types.validate import unknown_name

SOUNDS = (".wav", ".flac")
DRAMA = "drama.json"
#: s; sound files up to this length are read once for all metrics. Sixteen of them with their
#: references, a batch, take 250 MB.
SHORT = 20.0


@attrs.frozen(eq=False)
class Item:
    """One thing to score. It travels to a worker as it is: a path, or the sound itself.

    Parameters
    ----------
    name : str
        Its row's label in the table.
    sound : Drama, BinauralAudio or Path
        A path is a drama's folder or a two-channel sound file.
    reference : BinauralAudio or Path, optional
    transcript, language : str, optional
    prompts : mapping of speaker to Speech, BinauralAudio or path, optional
    pose : Pose or PoseFile, optional
        Of a recording's voice.
    """

    name: str
    sound: Any
    reference: Any = None
    transcript: str | None = None
    language: str | None = None
    prompts: Any = None
    pose: Any = None

    def cuts(
        self, needs: Collection[str], *, progress: bool | None = False, keep: bool = False
    ) -> tuple[list[Cut], dict[str, list[str]]]:
        """Open it and return its cuts, with notes by need; `keep` short files in memory."""
        reference = opened(self.reference, keep)
        return cuts_of(
            opened(self.sound, keep), needs, reference=reference, transcript=self.transcript,
            language=self.language, prompts=self.prompts,
            pose=poses.read(self.pose) if "pose" in needs else None, progress=progress,
        )  # fmt: skip

    def is_alone(self, per: str) -> bool:
        """Whether a metric hears one cut of it, so that chance needs other items."""
        if per == "item" or isinstance(self.sound, BinauralAudio):
            return True
        if isinstance(self.sound, Drama):
            return len(self.sound.script) < 2
        if not self.sound.is_dir():
            return True
        return _told(self.sound)[0] < 2

    def could(self, need: str) -> bool:
        """Whether it may have what a metric needs, as far as can be told without opening it."""
        sound = self.sound
        if isinstance(sound, Drama) or (isinstance(sound, Path) and not sound.is_file()):
            return True
        has = {"reference": self.reference, "prompt": self.prompts, "line": self.transcript,
               "script": self.transcript, "pose": self.pose}  # fmt: skip
        return has.get(need) is not None

    def content(self, needs: Collection[str]) -> dict[str, Any]:
        """Return what stands in a key for all that a metric with these needs hears."""
        dry = "reference" in needs and self.reference is None
        told: dict[str, Any] = {"sound": self._sound(dry or "prompt" in needs)}
        if "reference" in needs:
            told["reference"] = content.any_digest(self.reference)
            told["dry"] = self._renderer() if dry else None
        if {"line", "script"} & set(needs):
            told["said"] = [self.transcript, self.language]
        if "pose" in needs:
            told["pose"] = poses.digest(self.pose)
        if "prompt" in needs and self.prompts:
            told["prompts"] = {str(k): content.any_digest(v) for k, v in self.prompts.items()}
        return told

    def _sound(self, stems: bool) -> Any:
        sound = self.sound
        if isinstance(sound, BinauralAudio):
            return content.sound_digest(sound)
        if isinstance(sound, Drama):
            parts = [content.sound_digest(sound.audio), script_to_dict(sound.script),
                     scene_to_dict(sound.scene)]  # fmt: skip
            return [*parts, *(content.sound_digest(s) for s in sound.stems if stems)]
        if sound.is_dir():
            files = [sound / DRAMA, sound / "drama.wav"]
            files += sorted((sound / "stems").glob("*")) if stems else []
            return {file.name: content.file_digest(file) for file in files}
        return content.file_digest(sound)

    def _renderer(self) -> Any:
        if isinstance(self.sound, Drama):
            made = self.sound.provenance.get("renderer") or {}
        elif isinstance(self.sound, Path) and self.sound.is_dir():
            made = _told(self.sound)[1]
        else:
            return None
        if not made.get("name"):
            return None
        return content.described("renderer", made["name"], made.get("options", {}))


def _told(folder: Path) -> tuple[int, Mapping[str, Any]]:
    """Return how many lines a drama's folder has, and what it says of its renderer."""
    path = folder / DRAMA
    return _told_by(path, content.file_digest(path))


@functools.lru_cache(maxsize=1024)
def _told_by(path: Path, digest: str) -> tuple[int, Mapping[str, Any]]:
    data = read_json(path, "drama")
    renderer = data.get("provenance", {}).get("renderer") or {}
    return len(data.get("script", {}).get("lines", ())), renderer


def opened(sound: Any, keep: bool = False) -> Any:
    """Return a drama's folder as a Drama, a sound file as sound that stays in it.

    With `keep`, a short file is read now: each metric would read it again, and decode it.
    """
    if not isinstance(sound, Path):
        return sound
    if sound.is_dir():
        return Drama.load(sound)
    audio = BinauralAudio.open(sound)
    if keep and audio.duration <= SHORT:
        return BinauralAudio(audio.samples, audio.rate, provenance=audio.provenance)
    return audio


def gather(
    items: Any,
    *,
    reference: Any,
    transcript: Any,
    language: Any,
    prompts: Any,
    pose: Any = None,
    pose_format: str | None = None,
) -> tuple[list[Item], bool]:
    """Return all items with what belongs to each, and whether they are several by kind.

    A mapping, an iterable and a folder of dramas are several things even when they hold one.
    """
    things, several = _named(items)
    for one in reference.values() if isinstance(reference, Mapping) else (reference,):
        if not (one is None or isinstance(one, BinauralAudio) or _is_path(one)):
            raise ValidationError(
                f"reference must be a BinauralAudio or a path; got {one!r}. "
                "Try BinauralAudio.load(path)."
            )
    if several and isinstance(reference, BinauralAudio):
        raise ValidationError(
            "one reference for several items; pass reference={name: sound or path}, or a folder "
            "with a file for each."
        )
    refer = _References(reference)
    names = tuple(things)
    for given, what in ((reference, "reference"), (transcript, "transcript")):
        for name in given if isinstance(given, Mapping) else ():
            if name not in things:
                raise unknown_name(f"item, of which a {what} is given", str(name), names)
    placed = poses.poses_of(pose, pose_format, things, several)
    spoken = isinstance(prompts, Mapping) and any(isinstance(v, Mapping) for v in prompts.values())
    return [
        Item(
            name,
            thing,
            refer(name) if several else refer.one(),
            transcript.get(name) if isinstance(transcript, Mapping) else transcript,
            language.get(name) if isinstance(language, Mapping) else language,
            prompts.get(name) if spoken else prompts,
            placed.get(name),
        )
        for name, thing in things.items()
    ], several


def _named(items: Any) -> tuple[dict[str, Any], bool]:
    if isinstance(items, Drama):
        return {"drama": items}, False
    if isinstance(items, BinauralAudio):
        return {"recording": items}, False
    if isinstance(items, str) or hasattr(items, "__fspath__"):
        path = _existing(items)
        if path.is_dir() and not (path / DRAMA).exists():
            return _inside(path), True
        return {path.stem if path.is_file() else path.name: path}, False
    if isinstance(items, Mapping):
        found = {str(name): _thing(thing, str(name)) for name, thing in items.items()}
    elif isinstance(items, Iterable):
        found = _listed(list(items))
    else:
        raise ValidationError(
            f"score takes a Drama or BinauralAudio, a path, or several of them; "
            f"got {type(items).__name__}."
        )
    if not found:
        raise ValidationError("there is nothing to score; the collection of items is empty.")
    return found, True


def _thing(thing: Any, name: str) -> Any:
    if isinstance(thing, str) or hasattr(thing, "__fspath__"):
        return Path(thing)
    if isinstance(thing, Drama | BinauralAudio):
        return thing
    raise ValidationError(
        f"item {name!r} must be a Drama, a BinauralAudio or a path; got {type(thing).__name__}."
    )


def _listed(things: list[Any]) -> dict[str, Any]:
    """Name what has no name: paths by their shortest distinct tails, others by number."""
    found = [_thing(thing, f"{i:04d}") for i, thing in enumerate(things, start=1)]
    found = [
        part
        for thing in found
        for part in (_folder(thing).values() if isinstance(thing, Path) else (thing,))
    ]
    depth = 1
    # Not resolved: two links to one file are two items, with two names.
    paths = [_bare(Path(os.path.abspath(p))) for p in found if isinstance(p, Path)]
    if len(set(paths)) < len(paths):
        twice = next(str(p) for p in paths if paths.count(p) > 1)
        raise ValidationError(f"two items have one path, {twice}; give each once, or a mapping.")
    while len({p.parts[-depth:] for p in paths}) < len(paths):
        depth += 1
    names = iter("/".join(p.parts[-depth:]) for p in paths)
    return {
        next(names) if isinstance(thing, Path) else f"{i:04d}": thing
        for i, thing in enumerate(found, start=1)
    }


def _folder(path: Path) -> dict[str, Path]:
    return _inside(path) if path.is_dir() and not (path / DRAMA).exists() else {path.name: path}


def _inside(folder: Path) -> dict[str, Path]:
    """Return the dramas below a folder, or the sound files in it, by their relative names."""
    dramas = sorted(file.parent for file in folder.rglob(DRAMA))
    if dramas:
        return {drama.relative_to(folder).as_posix(): drama for drama in dramas}
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SOUNDS and f.is_file())
    if not files:
        raise ValidationError(
            f"{folder} holds neither {DRAMA}, nor folders with one, nor {' or '.join(SOUNDS)} "
            "files; check the path."
        )
    found = {_bare(file.relative_to(folder)).as_posix(): file for file in files}
    if len(found) < len(files):
        raise ValidationError(
            f"{folder} holds files that differ in their suffix alone; name them in a mapping."
        )
    return found


def _bare(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in SOUNDS else path


def _existing(path: Any) -> Path:
    path = Path(path)
    if not path.exists():
        raise ValidationError(f"{path} does not exist; check the path.")
    return path


class _References:
    """Whose reference is what: one, by name, or the file of the same name in a folder."""

    def __init__(self, given: Any) -> None:
        if isinstance(given, str) or hasattr(given, "__fspath__"):
            given = _existing(given)
        self.given = given

    def one(self) -> Any:
        if isinstance(self.given, Mapping):
            if len(self.given) != 1:
                raise ValidationError(f"one item and {len(self.given)} references; give one.")
            one = next(iter(self.given.values()))
            return _sound_in(Path(one)) if _is_path(one) else one
        if isinstance(self.given, Path) and self.given.is_dir():
            return _sound_in(self.given)
        return self.given

    def __call__(self, name: str) -> Any:
        if self.given is None:
            return None
        if isinstance(self.given, Mapping):
            found = self.given.get(name)
            return _sound_in(Path(found)) if _is_path(found) else found
        if not isinstance(self.given, Path) or not self.given.is_dir():
            raise ValidationError(
                "one reference for several items; pass reference={name: sound or path}, or a "
                "folder with a file for each."
            )
        for place in (self.given / name, *(self.given / f"{name}{s}" for s in SOUNDS)):
            if place.exists():
                return _sound_in(place)
        raise ValidationError(
            f"{self.given} has no reference for {name!r}: no {name}.wav, {name}.flac or "
            f"{name}/drama.wav."
        )


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "__fspath__")


def _sound_in(path: Path) -> Path:
    return path / "drama.wav" if path.is_dir() else path
