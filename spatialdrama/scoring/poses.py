"""Where the voice of a recording is: a pose as it is, or in the file of a tracker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.conventions import POSE_FORMATS
from spatialdrama.errors import ValidationError
from spatialdrama.scoring.content import path_digest, pose_digest
from spatialdrama.types import BinauralAudio, Drama, Pose
from spatialdrama.types.validate import unknown_name

#: Files that say their convention themselves, and all that a folder is searched for.
OURS = (".nc", ".zarr")
SUFFIXES = (*OURS, ".npy", ".txt")
#: s; a pose may end so much before the sound without a note.
EARLY = 2.0


@attrs.frozen
class PoseFile:
    """A pose in its file, read where it is needed."""

    path: Path
    format: str = "auto"


def poses_of(
    pose: Any, form: str | None, things: Mapping[str, Any], several: bool
) -> dict[str, Pose | PoseFile]:
    """Return the pose of each item that has one.

    Parameters
    ----------
    pose : Pose, path, mapping of item to either, or None
        A path is a file, or a folder with ``name.nc``, ``.zarr``, ``.npy`` or ``.txt`` for each
        recording.
    form : str, optional
        Convention of files that do not say it, see :meth:`spatialdrama.Pose.read`.
    things : mapping of name to Drama, BinauralAudio or Path
    several : bool

    Raises
    ------
    ValidationError, UnknownNameError
        For a pose of a drama, of no item, or none for each; a file without a convention.
    """
    if form is not None and form not in (*POSE_FORMATS, "netcdf", "auto"):
        raise unknown_name("pose format", form, [*POSE_FORMATS, "netcdf", "auto"])
    given = _named(pose, things, several)
    for name in given:
        if name not in things:
            raise unknown_name("item, of which a pose is given", str(name), list(things))
        if _is_drama(things[name]):
            raise ValidationError(
                f"{name!r} is a drama and has poses of its own; leave out its pose, or score its "
                "sound, drama.audio."
            )
    found = {name: _placed(one, name, form or "auto") for name, one in given.items()}
    if form is not None and not any(isinstance(one, PoseFile) for one in found.values()):
        raise ValidationError(
            f"pose format {form!r} without a pose file; pass pose=path (--pose FILE), or leave it "
            "out."
        )
    return found


def _named(pose: Any, things: Mapping[str, Any], several: bool) -> dict[str, Any]:
    if pose is None:
        return {}
    if isinstance(pose, Mapping):
        return {name: one for name, one in pose.items() if one is not None}
    if _is_path(pose):
        path = Path(pose)
        if not path.exists():
            raise ValidationError(f"pose {path} does not exist; check the path.")
        if path.is_dir() and path.suffix not in OURS:
            return {
                name: _inside(path, name) for name, thing in things.items() if not _is_drama(thing)
            }
    if several:
        raise ValidationError(
            "one pose for several items; pass pose={name: Pose or path}, or a folder with a file "
            "for each."
        )
    return {next(iter(things)): pose}


def _inside(folder: Path, name: str) -> Path:
    for suffix in SUFFIXES:
        place = folder / f"{name}{suffix}"
        if place.exists():
            return place
    raise ValidationError(
        f"{folder} has no pose for {name!r}: no {', '.join(name + s for s in SUFFIXES)}."
    )


def _placed(one: Any, name: str, form: str) -> Pose | PoseFile:
    if isinstance(one, Pose):
        return one
    if not _is_path(one):
        raise ValidationError(
            f"the pose of {name!r} must be a Pose or a path; got {type(one).__name__}."
        )
    path = Path(one)
    if form == "auto" and path.suffix not in OURS:
        raise ValidationError(
            f"{path} does not say its convention; pass pose_format= (--pose-format), one of "
            f"{', '.join(POSE_FORMATS)}."
        )
    return PoseFile(path, "netcdf" if path.suffix in OURS else form)


def read(pose: Pose | PoseFile | None) -> Pose | None:
    """Return the pose itself."""
    return Pose.read(pose.path, pose.format) if isinstance(pose, PoseFile) else pose


def digest(pose: Pose | PoseFile | None) -> Any:
    """Return what stands for a pose in the key of a score."""
    if isinstance(pose, PoseFile):
        return [path_digest(pose.path), pose.format]
    return None if pose is None else pose_digest(pose)


def check_times(pose: Pose, audio: BinauralAudio) -> list[str]:
    """Return a note where a pose ends early; time 0 is the sound's first sample.

    Raises
    ------
    ValidationError
        When the pose moves only after the sound's end: its clock is another one.
    """
    if pose.is_static:
        return []
    first, last = (float(pose.time[i]) for i in (0, -1))
    if first >= audio.duration or last <= 0.0:
        raise ValidationError(
            f"the pose lasts from {first:.2f} to {last:.2f} s and the sound from 0 to "
            f"{audio.duration:.2f} s; time 0 is the first sample: use pose.shifted(seconds)."
        )
    if last < audio.duration - EARLY:
        return [f"the pose ends more than {EARLY:g} s before the sound; its last place is held"]
    return []


def _is_drama(thing: Any) -> bool:
    return isinstance(thing, Drama) or (isinstance(thing, Path) and thing.is_dir())


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "__fspath__")
