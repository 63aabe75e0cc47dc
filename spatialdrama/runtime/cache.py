"""A content-addressed store of finished work: same inputs, same key, same folder.

An entry is a folder that appears by one atomic rename, so that a reader sees all of it or none,
whichever process made it and however that process ended. All kinds share one size cap per user
(``SPATIALDRAMA_CACHE_GB``, default 5); the entries unused for longest go first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError

from . import folders

DEFAULT_GB = 5.0
#: Entries used within this many seconds are never evicted: another process may be reading them.
GRACE_S = 600.0
#: Seconds between two walks over the cache to measure it.
MEASURE_EVERY_S = 60.0
#: Eviction goes on until this share of the cap is left, so that it does not run at every put.
KEEP = 0.8


def key_of(inputs: Mapping[str, Any]) -> str:
    """sha256 over canonical JSON of the inputs.

    Parameters
    ----------
    inputs : mapping
        Text, numbers, booleans, None, and lists, tuples, mappings and numpy arrays of them.
        1 and 1.0 differ, as do -0.0 and 0.0; a tuple equals a list.

    Raises
    ------
    ValidationError
        A NaN or a value of another type: its text might change from run to run.

    Example
    -------
    >>> from spatialdrama.runtime.cache import key_of
    >>> key_of({"text": "Hi", "rate": 1.0}) == key_of({"rate": 1.0, "text": "Hi"})
    True
    """
    text = json.dumps(
        _canonical(inputs, "inputs"), sort_keys=True, ensure_ascii=True, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationError(f"cache key: {where} must be finite; got {value!r}.")
        return value
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise ValidationError(f"cache key: names in {where} must be text; got {name!r}.")
        return {name: _canonical(item, f"{where}[{name!r}]") for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if hasattr(value, "__array__") and hasattr(value, "dtype"):
        return _array(value, where)
    raise ValidationError(
        f"cache key: {where} must be text, a number, a list, a mapping or an array; "
        f"got {type(value).__name__} {value!r}."
    )


def _array(value: Any, where: str) -> Any:
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "biufcSU":
        raise ValidationError(f"cache key: {where} must be a plain array; got dtype {array.dtype}.")
    plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    digest = hashlib.sha256(plain.tobytes()).hexdigest()
    return {"__array__": [plain.dtype.str, list(array.shape), digest]}


class Cache:
    """The entries of one kind of work ("speech", "render").

    Parameters
    ----------
    kind : str
        Name of the sub-folder.
    home : Path, optional
        Root of all kinds; default below ``SPATIALDRAMA_HOME``.
    max_bytes : int, optional
        Cap over all kinds; default ``SPATIALDRAMA_CACHE_GB`` or 5 GB. 0 keeps nothing beyond
        the grace period.

    Example
    -------
    >>> from spatialdrama.runtime.cache import Cache
    >>> cache = Cache("example")
    >>> key = cache.key(text="Hello", seed=7)
    >>> folder = cache.get(key)
    >>> if folder is None:
    ...     with cache.put(key) as folder:
    ...         _ = (folder / "greeting.txt").write_text("Hello")
    >>> (cache.path(key) / "greeting.txt").read_text()
    'Hello'
    >>> cache.clear()
    """

    def __init__(
        self, kind: str, *, home: Path | None = None, max_bytes: int | None = None
    ) -> None:
        if not kind or "/" in kind or "\\" in kind or kind.startswith("."):
            raise ValidationError(f"Cache kind must be a plain word, like 'speech'; got {kind!r}.")
        self.kind = kind
        self.home = Path(home) if home is not None else folders.cache_home()
        self.folder = self.home / kind
        self.max_bytes = _cap() if max_bytes is None else int(max_bytes)
        self._measured_at = -math.inf

    def key(self, **inputs: Any) -> str:
        """Key of these inputs; see :func:`key_of`."""
        return key_of(inputs)

    def path(self, key: str | Mapping[str, Any]) -> Path:
        """Where the entry of ``key`` is or will be; a mapping is turned into its key."""
        key = key_of(key) if isinstance(key, Mapping) else key
        if len(key) < 8 or not key.isalnum():
            raise ValidationError(
                f"cache keys come from Cache.key(...); got {key!r}, which is not one."
            )
        return self.folder / key[:2] / key

    def get(self, key: str | Mapping[str, Any]) -> Path | None:
        """Folder of a finished entry, or None. Marks it as used."""
        path = self.path(key)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError:  # a read-only cache still serves
            pass
        return path

    @contextlib.contextmanager
    def put(self, key: str | Mapping[str, Any]) -> Iterator[Path]:
        """An empty folder to fill; it becomes the entry when the block ends without an error.

        When another process finished the same entry first, its work is kept and this one is
        dropped: equal keys mean equal content. After an error, Ctrl-C included, nothing is left.

        Raises
        ------
        AssetError
            The disk is full.
        """
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        making = folders.sibling(path)
        making.mkdir()
        try:
            yield making
            try:
                os.rename(making, path)
            except OSError:
                if not path.is_dir():
                    raise
        except OSError as error:
            if folders.is_full(error):
                size = _size_of(making)
                folders.remove(making)
                raise folders.no_space(
                    f"a {self.kind} entry of the cache", self.home, size, "run the command again"
                ) from error
            raise
        finally:
            folders.remove(making)
        self._evict_if_due()

    def get_or_make(self, key: str | Mapping[str, Any], make: Callable[[Path], None]) -> Path:
        """The entry of ``key``; ``make(folder)`` fills it when it is not there yet."""
        found = self.get(key)
        if found is None:
            with self.put(key) as folder:
                make(folder)
            found = self.path(key)
        return found

    def __contains__(self, key: str | Mapping[str, Any]) -> bool:
        return self.path(key).is_dir()

    def __len__(self) -> int:
        return sum(1 for _ in _entries(self.folder))

    def size(self) -> int:
        """Bytes that this kind takes."""
        return sum(_size_of(entry) for entry in _entries(self.folder))

    def clear(self) -> None:
        """Drop all entries of this kind."""
        folders.remove(self.folder)

    def __repr__(self) -> str:
        return f"Cache({self.kind!r}, {len(self)} entries, {self.size() / 1e6:.1f} MB)"

    # Eviction

    def _evict_if_due(self) -> None:
        if time.monotonic() - self._measured_at < MEASURE_EVERY_S:
            return
        self._measured_at = time.monotonic()
        self.evict()

    def evict(self) -> int:
        """Bring all kinds together under the cap, least recently used first; bytes freed."""
        _sweep_leftovers(self.home)
        found = []
        kinds = [folder for folder in _children(self.home) if folder.is_dir()]
        for folder in kinds:
            for entry in _entries(folder):
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime, _size_of(entry), entry))
        total = sum(size for _, size, _ in found)
        if total <= self.max_bytes:
            return 0
        freed, now = 0, time.time()
        for used, size, entry in sorted(found, key=lambda item: item[0]):
            if total - freed <= KEEP * self.max_bytes or now - used < GRACE_S:
                break
            # renamed first: a reader finds the whole entry or none
            doomed = folders.sibling(entry, "gone")
            with contextlib.suppress(OSError):
                os.rename(entry, doomed)
                folders.remove(doomed)
                freed += size
        return freed


def _cap() -> int:
    text = os.environ.get("SPATIALDRAMA_CACHE_GB", "").strip()
    try:
        gigabytes = float(text) if text else DEFAULT_GB
        if not 0 <= gigabytes < math.inf:
            raise ValueError
    except ValueError:
        raise ValidationError(
            f"SPATIALDRAMA_CACHE_GB must be a number of gigabytes, like 5; got {text!r}."
        ) from None
    return int(gigabytes * 1e9)


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _entries(kind_folder: Path) -> Iterator[Path]:
    for shelf in _children(kind_folder):
        for entry in _children(shelf):
            if not entry.name.startswith("."):
                yield entry


def _size_of(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total


def _sweep_leftovers(home: Path) -> None:
    """Remove what a killed process left half-made, a day later."""
    old = time.time() - 86_400
    for kind in _children(home):
        for shelf in _children(kind):
            for entry in _children(shelf):
                with contextlib.suppress(OSError):
                    if entry.name.startswith(".") and entry.stat().st_mtime < old:
                        folders.remove(entry)
