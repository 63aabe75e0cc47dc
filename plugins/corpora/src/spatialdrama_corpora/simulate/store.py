"""How a simulated corpus lies on the disk: folders named by their hash, and one Parquet manifest.

::

    corpus.json            configuration, its hash, versions, licence
    manifest.parquet       one row for each segment
    items/<2 hex>/<hash>/  binaural.flac mono.flac pose.nc annotation.json video.mp4

A folder's name is the hash of all that makes the item; a folder appears by one rename, so it is
whole or not there. The manifest holds the hash of each file's bytes.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, explained, read_json, write_json
from spatialdrama.runtime import folders
from spatialdrama_corpora.simulate.config import SimulationConfig

SCHEMA = "spatialdrama.corpus/1"
#: part of an item -> its file.
FILES = {
    "binaural": "binaural.flac", "mono": "mono.flac", "pose": "pose.nc",
    "annotation": "annotation.json", "video": "video.mp4",
}  # fmt: skip
LICENCE = (
    "Texts: public domain (William Shakespeare; Cao Xueqin; Lu Xun, died 1936). Speech: made with "
    "the voice named in each annotation, under its licence. Everything else: CC0-1.0."
)
#: Fields of an annotation that a row of the manifest repeats.
_COPIED = (
    "name", "drama", "index", "split", "work", "author", "scene", "speaker", "identity", "text",
    "language", "style", "rate", "pitch", "movement", "duration", "seed", "family", "head",
    "gain_db",
)  # fmt: skip
_MAKING = ".making"


class Store:
    """The folder of a corpus that is being built.

    Parameters
    ----------
    path : path
    config : SimulationConfig

    Raises
    ------
    ValidationError
        When the folder holds a corpus of another configuration, or something else.
    """

    def __init__(self, path: Any, config: SimulationConfig) -> None:
        self.path, self.config = Path(path), config

    @contextlib.contextmanager
    def opened(self) -> Iterator[Store]:
        """Make or check the folder, and keep other builds out of it meanwhile."""
        self.check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with open(self.path / ".lock", "ab") as handle:
                self._lock(handle)
                self._sweep()
                if not (self.path / "corpus.json").exists():
                    write_json(self.path / "corpus.json", self._head())
                yield self
        except OSError as error:
            raise explained(error, self.path) from error

    def check(self) -> None:
        """Raise when this corpus cannot be built here."""
        if self.path.exists() and not self.path.is_dir():
            raise ValidationError(f"{self.path} is a file; name a folder with --out.")
        head = self.path / "corpus.json"
        if head.exists():
            found = read_json(head, "corpus")
            if found.get("key") != self.config.key:
                raise ValidationError(
                    f"{self.path} holds a corpus of another configuration (hash "
                    f"{str(found.get('key'))[:12]}, this one {self.config.key[:12]}); give "
                    "another --out, or the configuration it was begun with."
                )
        elif self.path.is_dir() and any(p.name != ".lock" for p in self.path.iterdir()):
            raise ValidationError(
                f"{self.path} is not empty and holds no corpus; name a new folder with --out."
            )

    def _lock(self, handle: Any) -> None:
        if folders.fcntl is None:
            return
        try:
            folders.fcntl.flock(handle, folders.fcntl.LOCK_EX | folders.fcntl.LOCK_NB)
        except OSError:
            raise ValidationError(
                f"another build is at work in {self.path}; wait for it, or stop it first."
            ) from None

    def _sweep(self) -> None:
        """Remove what a killed build left half-made."""
        for shelf in (self.path / "items").glob("??"):
            for left in shelf.glob(".*"):
                folders.remove(left)
        for left in self.path.glob(".manifest-*"):
            folders.remove(left)

    def _head(self) -> dict[str, Any]:
        versions = {
            name: importlib.metadata.version(name)
            for name in ("spatialdrama", "spatialdrama-corpora")
        }
        return {
            "schema": SCHEMA, "kind": "simulated", "key": self.config.key, "licence": LICENCE,
            "versions": versions, "config": self.config.to_dict(),
        }  # fmt: skip

    # -- items --------------------------------------------------------------------------------

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the rows of the manifest by item hash, of those whose folder is there."""
        file = self.path / "manifest.parquet"
        if not file.exists():
            return {}
        return {r["id"]: r for r in read_manifest(file) if (self.path / r["path"]).is_dir()}

    def write(self, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Write the manifest, in the order of the names, with each segment's time in its drama."""
        return write_manifest(self.path / "manifest.parquet", timed(rows))


def item_path(root: Path, key: str) -> Path:
    """Return where the item of a hash is or will be."""
    return Path(root) / "items" / key[:2] / key


@contextlib.contextmanager
def item_folder(root: Path, key: str) -> Iterator[Path]:
    """Give an empty folder, which becomes the item's when the block ends well."""
    path = item_path(root, key)
    making = folders.sibling(path, _MAKING.removeprefix("."))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        making.mkdir()
        yield making
        try:
            os.rename(making, path)
        except OSError:
            # Another worker was first: equal hashes mean equal items.
            if not path.is_dir():
                raise
    except OSError as error:
        raise explained(error, path) from error
    finally:
        folders.remove(making)


def was_begun(root: Path, key: str) -> bool:
    """Whether somebody in this build began the item and died: what it was making lies there."""
    path = item_path(root, key)
    return any(path.parent.glob(f".{path.name}.*{_MAKING}"))


def read_annotation(root: Path, key: str) -> dict[str, Any]:
    """Return an item's annotation."""
    return read_json(item_path(root, key) / FILES["annotation"], "annotation")


def hashes(folder: Path) -> dict[str, str]:
    """Return {part: sha256 of its file} of what lies in a folder."""
    return {
        part: folders.sha256_of(folder / name)
        for part, name in FILES.items()
        if (folder / name).exists() and part != "annotation"
    }


def row_of(key: str, gap: float, annotation: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return the manifest's row of an item, its times still open."""
    where = item_path(Path(), key).as_posix()
    made = annotation["files"] | {"annotation": folders.sha256_of(
        item_path(root, key) / FILES["annotation"]
    )}  # fmt: skip
    row = {name: annotation[name] for name in _COPIED}
    row |= {"id": key, "path": where, "gap": gap, "start": 0.0, "end": 0.0}
    row["room"] = annotation["room_name"]
    bands = annotation["rt60_bands"]
    row["rt60"] = float("nan") if bands is None else float(bands[3])
    for part, file in FILES.items():
        row[part] = f"{where}/{file}" if part in made else ""
        row[f"{part}_sha256"] = made.get(part, "")
    row["text_prompts"] = [dict(p) for p in annotation["text_prompts"]]
    row["scene_prompt"] = annotation["scene_prompts"].get("en", "")
    row["scene_prompt_zh"] = annotation["scene_prompts"].get("zh", "")
    row["camera"] = json.dumps(annotation["camera"])
    return row


def timed(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in the order of their names, with start and end (s) in their drama."""
    out, clock, drama = [], 0.0, None
    for row in sorted(rows, key=lambda r: r["name"]):
        clock = 0.0 if row["drama"] != drama else clock
        drama = row["drama"]
        start = clock + row["gap"]
        clock = start + row["duration"]
        out.append(dict(row) | {"start": round(start, 6), "end": round(clock, 6)})
    return out


# -- the manifest --------------------------------------------------------------------------------


def _schema() -> Any:
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    fields = {
        "name": text, "drama": text, "index": whole, "split": text, "speaker": text,
        "identity": text, "text": text, "language": text, "style": text, "rate": number,
        "pitch": number, "movement": text, "start": number, "end": number, "gap": number,
        "duration": number, "seed": whole, "work": text, "author": text, "scene": text,
        "family": text, "room": text, "rt60": number, "head": text, "gain_db": number, "id": text,
        "path": text,
    }  # fmt: skip
    for part in FILES:
        fields |= {part: text, f"{part}_sha256": text}
    prompt = pa.struct([("text", text), ("language", text)])
    fields |= {"text_prompts": pa.list_(prompt), "scene_prompt": text, "scene_prompt_zh": text}
    return pa.schema(list((fields | {"camera": text}).items()))


def write_manifest(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as Parquet, atomically; the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=_schema()), buffer, compression="zstd")
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    return Path(path)


def read_manifest(path: Any) -> list[dict[str, Any]]:
    """Read the rows of a manifest.

    Raises
    ------
    ValidationError
        Names the file when it is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ValidationError(f"manifest {path} cannot be read: {error}") from None
