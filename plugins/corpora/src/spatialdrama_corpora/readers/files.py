"""Files below a corpus's folder, found by the names that annotations made elsewhere give them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError


def corpus_folder(path: Any) -> Path:
    """Return `path` when it is a folder, or raise naming it."""
    path = Path(path).expanduser()
    if not path.exists():
        raise ValidationError(f"corpus folder {path} does not exist; check the path.")
    if not path.is_dir():
        raise ValidationError(f"corpus {path} is a file; give the folder it lies in.")
    return path


class Files:
    """All files below a folder by name and by stem; hidden ones are left out.

    Parameters
    ----------
    root : path
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: list[Path] = []
        self._named: dict[str, list[Path]] = defaultdict(list)
        self._stems: dict[str, list[Path]] = defaultdict(list)
        self._in: dict[Path, list[Path]] = defaultdict(list)
        self._at: dict[str, Path] = {}
        for folder, folders, names in os.walk(root, followlinks=True):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            for name in sorted(names):
                if name.startswith("."):
                    continue
                path = Path(folder, name)
                self.paths.append(path)
                self._named[name].append(path)
                self._stems[path.stem].append(path)
                self._in[path.parent].append(path)
                self._at[os.path.normpath(path)] = path

    def ending(self, *suffixes: str) -> list[Path]:
        """Return the files with one of `suffixes`, in the order of their names."""
        return [p for p in self.paths if p.suffix.lower() in suffixes]

    def inside(self, folder: Path, *suffixes: str) -> list[Path]:
        """Return the files that lie in `folder` itself and have one of `suffixes`."""
        return [p for p in self._in.get(folder, ()) if p.suffix.lower() in suffixes]

    def named(self, given: str, near: Path) -> Path:
        """Return the file that an annotation in folder `near` calls `given`.

        Tried in order: the path as it is; from `near`, its parents, and `root`; the same file
        name anywhere, the nearest one first, since annotations often keep the paths of the
        machine they were made on. A file that is nowhere is where `near` would have it.
        """
        text = given.replace("\\", "/")
        base = text.rpartition("/")[2]
        if text.startswith("/"):
            if os.path.exists(text):
                return Path(text)
        else:
            for folder in self._upwards(near):
                if found := self._at.get(os.path.normpath(f"{folder}/{text}")):
                    return found
        paths = self._named.get(base, [])
        return paths[0] if len(paths) == 1 else self._nearest(paths, near) or near / base

    def with_stem(self, stems: Iterable[str], suffixes: Iterable[str], near: Path) -> Path | None:
        """Return the nearest file with one of the stems and suffixes, None without one."""
        for stem in stems:
            found = [p for p in self._stems.get(stem, []) if p.suffix.lower() in suffixes]
            if found:
                return self._nearest(found, near)
        return None

    def _upwards(self, near: Path) -> list[Path]:
        folders = [near]
        while folders[-1] != self.root and self.root in folders[-1].parents:
            folders.append(folders[-1].parent)
        return folders

    def _nearest(self, paths: list[Path], near: Path) -> Path | None:
        def shared(path: Path) -> int:
            pairs = zip(path.parts, near.parts, strict=False)
            return next((i for i, (a, b) in enumerate(pairs) if a != b), len(near.parts))

        return max(paths, key=shared, default=None)
