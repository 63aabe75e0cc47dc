"""Keys of finished scores: what was heard, by which metric, with which code and models."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spatialdrama
from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.registry import entry, get
from spatialdrama.runtime.cache import key_of
from spatialdrama.types import BinauralAudio, Pose, Speech
from spatialdrama.types.validate import is_stored

#: Raised when cuts, pairings or the stored form change.
SCHEME = 1
#: Environment variables that say where things lie and what is shown; no score depends on them.
OF_MACHINE = frozenset(
    f"SPATIALDRAMA_{name}"
    for name in ("ASSETS", "CACHE_GB", "DISABLE_PLUGINS", "HOME", "PLUGINS", "PROGRESS",
                 "RECORDINGS", "STRICT_PLUGINS", "TRACE_PLUGINS")
)  # fmt: skip
_PIECE = 1 << 22


def file_digest(path: Any) -> str:
    """Return sha256 of a file's bytes, read once for each state of the file."""
    path = Path(path)
    try:
        state = path.stat()
    except OSError:
        raise ValidationError(f"{path} does not exist; check the path.") from None
    return _file_digest(str(path.resolve()), state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _file_digest(path: str, size: int, changed: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def sound_digest(sound: BinauralAudio | Speech) -> str:
    """Return sha256 of the samples and rate, read in pieces."""
    digest = hashlib.sha256(str(sound.rate).encode())
    signal = sound.signal if isinstance(sound, Speech) else (sound.stored or sound.samples)
    for low in range(0, signal.shape[-1], _PIECE):
        piece = (
            signal.read_slice(low, low + _PIECE)
            if is_stored(signal)
            else signal[..., low : low + _PIECE]
        )
        digest.update(piece.tobytes())
    return digest.hexdigest()


def any_digest(value: Any) -> str | None:
    """Return the digest of a sound, a file or nothing."""
    if value is None:
        return None
    if isinstance(value, BinauralAudio | Speech):
        return sound_digest(value)
    return file_digest(value)


def pose_digest(pose: Pose) -> str:
    """Return sha256 of times, places, orientations and which of them are valid."""
    digest = hashlib.sha256()
    for part in (pose.time, pose.position, pose.orientation, pose.valid):
        digest.update(f"{part.shape}{part.dtype}".encode() + part.values.tobytes())
    return digest.hexdigest()


def path_digest(path: Any) -> str:
    """Return a file's digest; of a folder that of its files' names, sizes and times of change.

    A folder may hold a model of gigabytes, so its bytes are not read.
    """
    path = Path(path)
    if not path.is_dir():
        return file_digest(path)
    digest = hashlib.sha256()
    for file in sorted(f for f in path.rglob("*") if f.is_file()):
        state = file.stat()
        told = f"{file.relative_to(path)}\0{state.st_size}\0{state.st_mtime_ns}\0"
        digest.update(told.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def code_of(package: str) -> str:
    """Return sha256 over the Python sources of a top-level package, or module, by name.

    An edit in an editable checkout so makes new keys, although no version was raised.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return ""
    origin = Path(found.origin)
    files = sorted(origin.parent.rglob("*.py")) if found.submodule_search_locations else [origin]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(origin.parent)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def core() -> dict[str, str]:
    """Return what stands for the core in a key."""
    return {"version": spatialdrama.__version__, "code": code_of("spatialdrama")}


def _settings() -> list[str]:
    """Return names of this project's environment variables that a plugin may read."""
    return sorted(n for n in os.environ if n.startswith("SPATIALDRAMA_") and n not in OF_MACHINE)


def _by_content(value: Any) -> Any:
    """Return the digest of what a path names, such as weights; anything else as it is.

    ``"name:PATH"``, as recognisers have it, keeps its name.
    """
    if isinstance(value, Mapping):
        return {name: _by_content(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_by_content(part) for part in value]
    if not isinstance(value, str | os.PathLike):
        return value
    if _is_there(value):
        return {"file": path_digest(value)}
    name, _, path = os.fspath(value).partition(":")
    return {"name": name, "file": path_digest(path)} if _is_there(path) else value


def _is_there(path: str | os.PathLike) -> bool:
    # The empty text is no path, although pathlib takes it for the working folder.
    return bool(os.fspath(path)) and os.path.exists(path)


def described(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a metric's or renderer's fingerprint, or None when nothing stands for its content.

    That is so for what a notebook registered, and for options that are objects.
    """
    found = entry(kind, name)
    if found.obj is not None:
        return None
    spec = found.spec
    try:
        assets = {asset: get("asset", asset).sha256 for asset in spec.assets}
    except SpatialDramaError:
        return None
    made = {
        "name": found.full_name,
        "distribution": [found.distribution, found.distribution_version],
        "version": spec.version,
        "spec": [list(getattr(spec, "needs", ())), getattr(spec, "per", "")],
        "code": code_of(spec.target.split(":")[0].split(".")[0]),
        "options": {name: _by_content(value) for name, value in options.items()},
        "settings": {name: _by_content(os.environ[name]) for name in _settings()},
        "assets": assets,
    }
    try:
        key_of(made)
    except ValidationError:
        return None
    return made
