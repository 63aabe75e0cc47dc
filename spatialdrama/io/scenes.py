"""Scenes as JSON that a person can write by hand.

A pose is either samples (``{"time": [...], "position": [...], "orientation": [...]}``), a
constructor (``{"walk": [[2, 1, 0], [-1, 2, 0]], "speed": 0.8}``, ``{"fixed": [1, 0, 0]}``,
``{"azimuth_deg": 30, "distance": 1.5}``, ``{"circle": {"radius": 1, "duration": 8}}``) or a file
(``{"file": "tx_positions.txt", "format": "mrsdrama-120hz"}``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import guarded, read_json, write_json
from spatialdrama.types.pose import Pose
from spatialdrama.types.scene import Room, Scene, Source

SCHEMA = "spatialdrama.scene/1"


def scene_to_dict(scene: Scene) -> dict[str, Any]:
    """Return a JSON-ready description of `scene`."""
    out: dict[str, Any] = {"schema": SCHEMA}
    out["room"] = room_to_dict(scene.room)
    out["speakers"] = {
        name: {
            "pose": pose_to_dict(source.pose),
            "gain_db": source.gain_db,
            "directivity": source.directivity,
        }
        for name, source in scene.speakers.items()
    }
    if scene.listener is not None:
        out["listener"] = pose_to_dict(scene.listener)
    if scene.description:
        out["description"] = scene.description
    return out


def room_to_dict(room: Room) -> dict[str, Any] | None:
    """Return a JSON-ready description of a room; None for the free field."""
    if room.is_free_field:
        return None
    if room.is_measured:
        return {"brir": room.brir}
    out: dict[str, Any] = {"size": list(room.size), "listener": list(room.listener)}
    if room.rt60 is not None:
        out["rt60"] = _listed(room.rt60)
    elif isinstance(room.absorption, Mapping):
        out["absorption"] = {wall: _listed(v) for wall, v in room.absorption.items()}
    else:
        out["absorption"] = _listed(room.absorption)
    if room.drr_db is not None:
        out["drr_db"] = room.drr_db
    return out


def room_from_dict(entry: Mapping[str, Any] | None, folder: Path | None = None) -> Room:
    """Build a room; `folder` is where the impulse response it names is looked for."""
    if entry is None:
        return Room.free_field()
    if not isinstance(entry, Mapping):
        raise ValidationError(f"expected a mapping with size and rt60; got {entry!r}.")
    _no_strangers(entry, {"size", "rt60", "absorption", "listener", "drr_db", "brir"}, "room")
    options = dict(entry)
    brir = options.get("brir")
    if isinstance(brir, str) and brir and folder is not None:
        options["brir"] = folder / brir  # an absolute path stays what it is
    return Room(**options)


def scene_from_dict(data: Mapping[str, Any], folder: Path | None = None) -> Scene:
    """Build a scene; `folder` is where the pose files it names are looked for."""
    if not isinstance(data, Mapping) or not isinstance(data.get("speakers"), Mapping):
        raise ValidationError('a scene needs "speakers": {name: pose}.')
    _no_strangers(data, {"schema", "room", "speakers", "listener", "description"}, "scene")
    schema = data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise ValidationError(f"scene has schema {schema!r}; this version reads {SCHEMA!r}.")
    room = guarded(lambda: room_from_dict(data.get("room"), folder), "room")
    speakers = {
        name: guarded(lambda entry=entry: _source(entry, folder), f"speaker {name!r}")
        for name, entry in data["speakers"].items()
    }
    listener = data.get("listener")
    return Scene(
        room,
        speakers,
        listener=None
        if listener is None
        else guarded(lambda: pose_from_dict(listener, folder), "listener"),
        description=data.get("description", ""),
    )


def pose_to_dict(pose: Pose) -> dict[str, Any]:
    """Return exact samples; rounding would break the round trip. Lost positions become null."""
    position = pose.position.values
    out = {
        "time": pose.time.values.tolist(),
        "position": [[float(v) if np.isfinite(v) else None for v in row] for row in position],
        "orientation": pose.orientation.values.tolist(),
    }
    if not pose.valid.values.all():
        out["valid"] = pose.valid.values.tolist()
    return out


def pose_from_dict(data: Any, folder: Path | None = None) -> Pose:
    """Build a pose from any of the forms in the module's description."""
    if not isinstance(data, Mapping):
        raise ValidationError(f"a pose is a mapping such as {{'fixed': [1, 0, 0]}}; got {data!r}.")
    options = dict(data)
    if "time" in options:
        _no_strangers(options, {"time", "position", "orientation", "valid"}, "pose")
        return Pose.from_samples(
            options["time"],
            np.array(options["position"], dtype=float),
            options.get("orientation"),
            options.get("valid"),
        )
    if "walk" in options:
        pauses = {int(k): v for k, v in options.pop("pauses", {}).items()}
        return Pose.walk(options.pop("walk"), pauses=pauses, **options)
    if "circle" in options:
        return Pose.circle(**options["circle"])
    if "fixed" in options:
        return Pose.fixed(options.pop("fixed"), **options)
    if "azimuth_deg" in options:
        return Pose.fixed(**options)
    if "file" in options:
        path = Path(options.pop("file"))
        return Pose.read(path if path.is_absolute() or folder is None else folder / path, **options)
    raise ValidationError(
        "a pose needs one of fixed, azimuth_deg, walk, circle, file or time; "
        f"got {sorted(options)}."
    )


def write_scene(scene: Scene, path: Any) -> Path:
    """Write JSON; a measured room beside or below the file is named relative to it."""
    data = scene_to_dict(scene)
    if scene.room.is_measured:
        brir, folder = Path(scene.room.brir), Path(path).absolute().parent
        if brir.is_relative_to(folder):
            data["room"]["brir"] = brir.relative_to(folder).as_posix()
    return write_json(path, data)


def read_scene(path: Any) -> Scene:
    """Read JSON; messages name the file."""
    data = read_json(path, "scene file")
    return guarded(lambda: scene_from_dict(data, Path(path).parent), f"scene file {path}")


def _listed(value: Any) -> Any:
    """Return tuples as the lists that JSON makes of them."""
    return list(value) if isinstance(value, tuple) else value


def _source(entry: Any, folder: Path | None) -> Source:
    if not isinstance(entry, Mapping) or "pose" not in entry:
        return Source(pose_from_dict(entry, folder))
    _no_strangers(entry, {"pose", "gain_db", "directivity"}, "speaker")
    options = {k: v for k, v in entry.items() if k != "pose"}
    return Source(pose_from_dict(entry["pose"], folder), **options)


def _no_strangers(entry: Mapping[str, Any], known: set[str], what: str) -> None:
    strangers = sorted(set(entry) - known)
    if strangers:
        raise ValidationError(
            f"{what} has no entry {strangers[0]!r}; entries are {', '.join(sorted(known))}."
        )
