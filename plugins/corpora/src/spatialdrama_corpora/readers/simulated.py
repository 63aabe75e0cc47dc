"""The project's own corpora, as ``spatialdrama corpus build`` lays them out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama.io.files import guarded, read_json
from spatialdrama.io.scenes import room_from_dict
from spatialdrama.types import Line, Phone, Pose, Room, Speech, TextPrompt, VideoPrompt

from ..corpus import Corpus, Problem
from ..items import Item
from .files import corpus_folder
from .sounds import load_binaural, load_mono

#: First part of the schema of ``corpus.json``; the number behind it is the layout's version.
_SCHEMA, _VERSION = "spatialdrama.corpus", "1"
#: Our name of a part -> the manifest's column.
_COLUMNS = {
    "audio": "binaural", "mono": "mono", "pose": "pose", "video": "video", "line": "annotation",
}  # fmt: skip
#: Columns of a row that no other part of an item holds.
_EXTRA = (
    "identity", "style", "rate", "pitch", "movement", "seed", "work", "author", "scene", "family",
    "room", "rt60", "head", "gain_db", "id", "scene_prompt_zh",
)  # fmt: skip


class Simulated:
    """Reads a corpus that was simulated: ``corpus.json``, ``manifest.parquet`` and ``items/``.

    Opening reads the manifest alone, so that it takes as long for broken items. A build that was
    killed leaves a corpus that opens: items that are whole and not yet in the manifest are read
    from their own annotation, without times in their drama, and counted as a note. ``check()``
    also compares the bytes of every file with the hashes of the manifest.

    ``item.speaker`` is the voice's identity, who is heard, and ``item.line.speaker`` the role.
    ``item.extra`` holds identity, style, rate, pitch, movement, room family, head and seed, the
    Mandarin scene prompt, "camera" with its lens, "f0_hop", and "mouth_pixels" (t, 2) where there
    is a video.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> corpus = sd.corpora["simulated"].open("out/corpus")      # doctest: +SKIP
    >>> corpus.split("train")[0].mono.f0                         # doctest: +SKIP
    """

    name = "simulated"

    def knows(self, path: Any) -> bool:
        """Return whether the folder's ``corpus.json`` is of a simulated corpus."""
        try:
            _head(Path(path))
        except ValidationError:
            return False
        return True

    def open(self, path: Any) -> Corpus:
        """Return the items under `path`.

        Raises
        ------
        ValidationError
            When there is no ``corpus.json`` of this layout, or no item yet.
        """
        root = corpus_folder(path)
        head = _head(root)
        problems: list[Problem] = []
        rows = _rows(root, problems)
        seen = {str(row.get("id")) for row in rows}
        late = list(_unlisted(root, seen, problems))
        if late:
            problems.append(
                Problem("", str(root / "manifest.parquet"), f"{len(late)} items are not in the "
                        "manifest.", "Run the same build again: it goes on from here.", "note")
            )  # fmt: skip
        items = []
        for row in [*rows, *late]:
            try:
                items.append(guarded(partial(_item, row, root), f"row {row.get('name')!r}"))
            except ValidationError as error:
                problems.append(
                    Problem(str(row.get("name", "")), str(root / "manifest.parquet"), str(error),
                            "Run the same build again.")
                )  # fmt: skip
        if not items:
            raise ValidationError(
                f"{root} holds no item yet" + (f" ({problems[0]})" if problems else "")
                + "; run the same build again."
            )  # fmt: skip
        return Corpus(
            items, name=self.name, licence=str(head.get("licence", "")), path=root,
            problems=problems,
        )  # fmt: skip


def _head(root: Path) -> Mapping[str, Any]:
    head = read_json(root / "corpus.json", "corpus")
    schema, _, version = str(head.get("schema") if isinstance(head, Mapping) else "").partition("/")
    if schema != _SCHEMA or head.get("kind", "simulated") != "simulated":
        raise ValidationError(f"{root / 'corpus.json'} is not of a simulated corpus.")
    if version != _VERSION:
        raise ValidationError(
            f"{root / 'corpus.json'} has layout {version!r}; this version reads {_VERSION!r}."
        )
    return head


def _rows(root: Path, problems: list[Problem]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = root / "manifest.parquet"
    if not path.exists():
        return []
    try:
        return pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        problems.append(
            Problem("", str(path), f"it cannot be read: {error}.",
                    "Run the same build again; items are read from their annotations.")
        )  # fmt: skip
        return []


def _unlisted(root: Path, seen: set[str], problems: list[Problem]) -> Iterator[dict[str, Any]]:
    """Yield rows of whole items that the manifest does not list."""
    for folder in sorted((root / "items").glob("??/*")):
        if folder.name in seen or folder.name.startswith(".") or not folder.is_dir():
            continue
        if len(folder.name) != 64:  # what a killed worker was making
            continue
        where = folder.relative_to(root).as_posix()
        try:
            told = read_json(folder / "annotation.json", "annotation")
            files = told["files"]
        except (ValidationError, KeyError, TypeError) as error:
            problems.append(
                Problem("", str(folder), f"an item without its annotation: {error}",
                        "Remove the folder and run the same build again.")
            )  # fmt: skip
            continue
        names = {"binaural": "binaural.flac", "mono": "mono.flac", "pose": "pose.nc",
                 "video": "video.mp4"}  # fmt: skip
        columns = {part: f"{where}/{name}" for part, name in names.items() if part in files}
        hashes = {f"{part}_sha256": files[part] for part in columns}
        yield dict(told) | columns | hashes | {
            "id": folder.name, "annotation": f"{where}/annotation.json", "room": told["room_name"],
            "scene_prompt": told.get("scene_prompts", {}).get("en", ""), "rt60": None,
            "scene_prompt_zh": told.get("scene_prompts", {}).get("zh", ""),
            "camera": json.dumps(told.get("camera") or {}), "start": None, "end": None,
        }  # fmt: skip


def _item(row: Mapping[str, Any], root: Path) -> Item:
    files = {part: root / row[column] for part, column in _COLUMNS.items() if row.get(column)}
    duration = float(row["duration"])
    line = partial(_line, files["line"], row.get("start"), row.get("end"))
    load: dict[str, Any] = {
        "audio": partial(load_binaural, files["audio"], HOUSE_RATE),
        "mono": partial(_mono, files["mono"], files["line"], line, str(row["identity"])),
        "pose": partial(Pose.read, files["pose"]),
        "room": partial(_room, files["line"]),
        "extra": partial(_extra, files["line"], _told(row, files)),
    }
    if "video" in files:
        load["video"] = partial(_video, files["video"], files["line"])
    prompts = tuple(
        TextPrompt(p["text"], language=p["language"]) for p in row["text_prompts"] or ()
    )
    if prompts:
        load["text_prompts"] = prompts
    if row.get("scene_prompt"):
        load["scene_prompt"] = str(row["scene_prompt"])
    return Item(
        row["name"], corpus=Simulated.name, drama=row["drama"], split=row["split"],
        speaker=str(row["identity"]), line=line, duration=duration, rate=HOUSE_RATE,
        load=load, files=files,
    )  # fmt: skip


def _told(row: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    extra = {name: row[name] for name in _EXTRA if row.get(name) is not None}
    hashes = {part: row.get(f"{_COLUMNS[part]}_sha256") for part in files}
    return extra | {"sha256": {part: told for part, told in hashes.items() if told}}


@lru_cache(maxsize=256)
def _annotation(path: Path) -> Mapping[str, Any]:
    # Line, room, F0 and camera of an item stand in one file, and are asked for one by one.
    return read_json(path, "annotation")


def _line(path: Path, start: float | None, end: float | None) -> Line:
    told = _annotation(path)
    timed = start is not None and end is not None and end > start
    return Line(
        told["speaker"], told["text"], language=told["language"], style=told.get("style") or "",
        start=start if timed else None, end=end if timed else None,
        phones=tuple(Phone(*phone) for phone in told["phones"]),
    )  # fmt: skip


def _mono(path: Path, annotation: Path, line: Any, identity: str) -> Speech:
    import attrs

    told = _annotation(annotation)
    speech = load_mono(path, HOUSE_RATE, line(), identity=identity)
    if not told.get("f0"):
        return speech
    return attrs.evolve(
        speech, f0=np.asarray(told["f0"], dtype=np.float32), f0_hop=float(told["f0_hop"])
    )


def _room(path: Path) -> Room:
    return room_from_dict(_annotation(path)["room"])


def _video(path: Path, annotation: Path) -> VideoPrompt:
    if not path.exists():
        raise ValidationError(f"video {path} does not exist; run the same build again.")
    told = _annotation(annotation)
    camera = told.get("camera") or {}
    options: dict[str, Any] = {"rate": float(camera.get("rate", 24.0))}
    if "position" in camera:
        options |= {"camera_position": camera["position"],
                    "camera_orientation": camera["orientation"]}  # fmt: skip
    if told.get("mouth_pixels"):
        column, row = told["mouth_pixels"][0]
        if column is not None and row is not None:  # null: behind the camera as the film begins
            options["speaker_pixel"] = (round(column), round(row))
    return VideoPrompt(path, **options)


def _extra(path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    annotation = _annotation(path)
    extra = dict(told)
    for name in ("camera", "f0_hop", "path", "rt60_bands", "phonemes"):
        if annotation.get(name) is not None:
            extra[name] = annotation[name]
    if annotation.get("mouth_pixels"):
        extra["mouth_pixels"] = np.asarray(annotation["mouth_pixels"], dtype=float)
    return extra
