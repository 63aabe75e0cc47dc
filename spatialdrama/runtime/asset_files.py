"""Where an asset's file may lie, and whether it is the right one. No network, no decisions."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
from pathlib import Path

from spatialdrama.errors import AssetError
from spatialdrama.registry.specs import AssetSource, AssetSpec, Part

from . import folders


def installed_file(part: Part) -> Path | None:
    """Path of the part's file when its distribution is installed in that very version."""
    try:
        distribution = importlib.metadata.distribution(part.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    if distribution.version != part.version:
        return None
    path = Path(str(distribution.locate_file(part.member)))
    return path if path.is_file() else None


def target_of(spec: AssetSpec) -> Path:
    """Where a fetched asset is kept."""
    return folders.asset_home() / spec.subfolder / spec.filename


def places(spec: AssetSpec) -> list[Path]:
    """Files that may be the asset, best first. Only our own sub-folder may hold a damaged one."""
    found = []
    for root in folders.asset_search_path():
        found.append(root / spec.subfolder / spec.filename)
        if root != folders.asset_home():
            flat = root / spec.filename
            # a file of that name in a person's own folder may be something else entirely
            if flat.is_file() and flat.stat().st_size == spec.size:
                found.append(flat)
    for source in spec.sources:
        if source.where == "folder":
            path = Path(source.path).expanduser()
            path = path / spec.filename if path.is_dir() else path
            # the system's copy may be of another version: no reason for alarm
            if path.is_file() and path.stat().st_size == spec.size:
                found.append(path)
    packaged = in_place(spec)
    if packaged is not None:
        found.append(packaged)
    return [path for path in found if path.is_file()]


def in_place(spec: AssetSpec) -> Path | None:
    """A file inside an installed package that is the asset as it stands: used without a copy."""
    if spec.folder:  # its neighbours are expected beside it
        return None
    for source in spec.sources:
        if source.where == "package" and len(source.parts) == 1 and not source.decompress:
            path = installed_file(source.parts[0])
            if path is not None and path.stat().st_size == spec.size:
                return path
    return None


def installed_source(spec: AssetSpec) -> AssetSource | None:
    """The first package source whose every part is installed."""
    for source in spec.sources:
        if source.where == "package" and all(map(installed_file, source.parts)):
            return source
    return None


# Hashes and what is remembered of them


def whats_wrong(spec: AssetSpec, path: Path) -> str:
    """What is wrong with a file, in words; empty when it is the asset."""
    size = path.stat().st_size
    if size != spec.size:
        return f"expected {spec.size} bytes, seen {'more' if size > spec.size else size}"
    seen = folders.sha256_of(path)
    return "" if seen == spec.sha256 else f"expected sha256 {spec.sha256}, seen {seen}"


def check(spec: AssetSpec, path: Path) -> str:
    """The message of a damaged file; empty when it is the asset. Remembers a good one."""
    if remembered(spec, path):
        return ""
    wrong = whats_wrong(spec, path)
    if not wrong:
        remember(spec, path)
        return ""
    remedy = f"Type: {fetch_command(spec)} --force"
    if folders.asset_home() not in path.parents:
        remedy = f"Remove that file, or replace it: {fetch_command(spec)} --force"
    return f"asset {spec.name!r} is damaged: {path}: {wrong}. {remedy}"


def memory_of(path: Path) -> Path:
    """Where the check of a file is remembered: beside it in our folder, else in ours for it."""
    if folders.asset_home() in path.parents:
        return path.with_name(f".{path.name}.verified.json")
    tag = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:32]
    return folders.asset_home() / ".verified" / f"{tag}.json"


def stamp(spec: AssetSpec, path: Path) -> dict:
    """What has to stay the same for a checked file to be trusted without another hash."""
    seen = path.stat()
    return {"sha256": spec.sha256, "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}


def remembered(spec: AssetSpec, path: Path) -> bool:
    """Whether this very file was checked before."""
    try:
        return json.loads(memory_of(path).read_text()) == stamp(spec, path)
    except (OSError, ValueError):
        return False


def remember(spec: AssetSpec, path: Path) -> None:
    """Note that this very file was checked."""
    memory = memory_of(path)
    # a read-only home only costs another hash next time
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        temporary = folders.sibling(memory)
        try:
            temporary.write_text(json.dumps(stamp(spec, path)))
            os.replace(temporary, memory)
        finally:
            folders.remove(temporary)


def fetch_command(spec: AssetSpec) -> str:
    """What a person types to get it."""
    return f"spatialdrama assets fetch {spec.name}"


def no_space(spec: AssetSpec) -> AssetError:
    """The error for a full disk."""
    what = f"asset {spec.name!r}"
    return folders.no_space(what, folders.asset_home(), spec.size, fetch_command(spec))
