"""Atomic writes and readable errors for every door."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spatialdrama.errors import SpatialDramaError, ValidationError

#: A list of plain values that the indentation has spread over lines. A raw newline never stands
#: inside a JSON string, so this cannot touch text.
_INNERMOST = re.compile(r'\[\n *((?:[^\[\]{}"]|"[^"\\\[\]{}]*")*)\n *\]')


@contextmanager
def atomic(path: Any) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it when the block ends well.

    A full disk, a missing right or Ctrl-C leaves `path` as it was.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise explained(error, path) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner reads; use what the umask would have given.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise explained(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def explained(error: OSError, path: Path) -> ValidationError:
    """Return what an operating-system error means for somebody who wanted to write `path`."""
    if error.errno == errno.ENOSPC:
        return ValidationError(
            f"no space left to write {path}; free some, or choose another folder with --out."
        )
    reason = error.strerror or str(error)
    return ValidationError(f"cannot write {path}: {reason}; choose another folder with --out.")


def existing(path: Any, what: str) -> Path:
    """Return `path` when it is a readable file, or raise naming it."""
    path = Path(path)
    if path.is_dir():
        raise ValidationError(f"{what} {path} is a folder; give a file.")
    if not path.exists():
        raise ValidationError(f"{what} {path} does not exist; check the path.")
    return path


def write_json(path: Any, data: Any) -> Path:
    """Write `data` as readable JSON, atomically; NaN is refused."""
    with atomic(path) as temporary:
        text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False, default=_plain)
        text = _INNERMOST.sub(lambda m: "[" + re.sub(r"\n *", " ", m[1]) + "]", text)
        temporary.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def read_json(path: Any, what: str) -> Any:
    """Read JSON, or raise naming file and place."""
    path = existing(path, what)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValidationError(f"{what} {path} is not UTF-8 text ({error.reason}).") from None
    except json.JSONDecodeError as error:
        raise ValidationError(
            f"{what} {path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None


def _plain(value: Any) -> Any:
    for method in ("tolist", "items"):
        if hasattr(value, method):
            return dict(value) if method == "items" else value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def guarded(build: Callable[[], Any], where: str) -> Any:
    """Run `build` and put `where` in front of a validation message."""
    try:
        return build()
    except ValidationError as error:
        raise ValidationError(f"{where}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValidationError(f"{where}: missing or odd entry ({error!r}).") from None


@contextmanager
def whole_folder(path: Any, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Give a temporary folder whose content moves to `path` when the block ends well.

    Names in `stale` that the block did not write are removed from `path`. Messages about files in
    the temporary folder name the place where they would have stood.
    """
    out = Path(path)
    if out.exists() and not out.is_dir():
        raise ValidationError(f"{out} is a file; name a folder.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise explained(error, out) from error
    try:
        yield making
        out.mkdir(exist_ok=True)
        for name in stale:
            (out / name).unlink(missing_ok=True)
        # The description goes last: a folder with a drama.json is whole.
        for made in sorted(making.iterdir(), key=lambda p: p.name == "drama.json"):
            target = out / made.name
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(made, target)
    except SpatialDramaError as error:  # an AssetError is an OSError too, and explains itself
        raise type(error)(str(error).replace(str(making), str(out))) from None
    except OSError as error:
        raise explained(error, out) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
