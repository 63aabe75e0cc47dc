"""Where the package keeps files: one home, search paths for assets, locks between processes.

``SPATIALDRAMA_HOME`` moves everything; the default is the user's cache folder as platformdirs
gives it. ``SPATIALDRAMA_ASSETS`` is a list of folders (separated as in ``PATH``) in which assets
are looked up first; they are only read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from spatialdrama.errors import AssetError

try:
    import fcntl
except ImportError:  # not POSIX: no lock; renames stay atomic, work may be done twice
    fcntl = None  # type: ignore[assignment]


def home() -> Path:
    """The package's folder, not created by asking for it."""
    chosen = os.environ.get("SPATIALDRAMA_HOME")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("spatialdrama", appauthor=False)


def asset_home() -> Path:
    """Where fetched assets are kept."""
    return home() / "assets"


def asset_search_path() -> tuple[Path, ...]:
    """Folders that are read before any other source: ``SPATIALDRAMA_ASSETS``, then our own."""
    listed = os.environ.get("SPATIALDRAMA_ASSETS", "").split(os.pathsep)
    return (*(Path(part).expanduser() for part in listed if part), asset_home())


def cache_home() -> Path:
    """Where finished pieces of work are kept."""
    return home() / "cache"


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (created empty); others wait.

    The kernel drops the lock when its holder ends, however it ends, so none is ever stale.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as handle:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sibling(path: Path, suffix: str = "tmp") -> Path:
    """A new name beside ``path``, on the same disk, for writing before an atomic rename."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.{suffix}")


def remove(path: Path) -> None:
    """Delete a file or a folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path, *, progress=None, chunk: int = 1 << 20) -> str:
    """Hexadecimal sha256 of a file; ``progress(bytes)`` is called after each chunk."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(chunk):
            digest.update(block)
            if progress is not None:
                progress(len(block))
    return digest.hexdigest()


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk or a quota is full."""
    full = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return isinstance(error, OSError) and error.errno in full


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk of ``folder`` or of its nearest existing parent."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def no_space(what: str, folder: Path, needed: int, again: str) -> AssetError:
    """The error for a full disk."""
    return AssetError(
        f"no space left in {folder} for {what}: it needs {needed / 1e6:.1f} MB, "
        f"{free_bytes(folder) / 1e6:.1f} MB are free. Free some space or set SPATIALDRAMA_HOME "
        f"to a folder on another disk, then: {again}"
    )
