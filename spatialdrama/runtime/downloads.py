"""Getting bytes: over http with resume, and out of packages of the registry through pip.

Nothing here decides *whether* to download; :mod:`spatialdrama.runtime.assets` does, and only when
a person asked it to fetch. Nothing here trusts what it gets: the caller checks size and sha256.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import http.client
import importlib.util
import io
import lzma
import os
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from spatialdrama.errors import AssetError
from spatialdrama.registry.specs import Part

from . import folders

Report = Callable[[int], object]  #: called with the number of bytes just received

CHUNK = 1 << 18
TIMEOUT_S = 15.0  #: for connecting and for each read; a stalled server must not hang a demo
TRIES = 3
USER_AGENT = "spatialdrama"

#: Hosts that could not be reached at all in this process: behind a closed network, each further
#: file of the same maker would cost another wait before its next source is tried.
_unreachable: dict[str, str] = {}

_OPENERS: dict[str, Callable] = {"bz2": bz2.open, "gz": gzip.open, "xz": lzma.open}


def ignore(_count: int) -> None:
    """A report that goes nowhere."""


# http


def download(url: str, target: Path, *, report: Report = ignore, pause_s: float = 1.0) -> None:
    """Download into ``target``, going on where an earlier attempt stopped.

    Parameters
    ----------
    url : str
        http or https address; proxies come from the environment.
    target : Path
        File to append to; what it already holds is not asked for again.
    report : callable
        Called with each number of bytes received (negative when starting over).
    pause_s : float
        Pause before the second try; doubled before the third.

    Raises
    ------
    AssetError
        The host cannot be reached, the server refused, or the connection broke :data:`TRIES` times.
    OSError
        Writing failed (a full disk).
    """
    host = urllib.parse.urlsplit(url).netloc
    if host in _unreachable:
        raise AssetError(f"{url}: {_unreachable[host]}")
    for attempt in range(TRIES):
        try:
            _download_once(url, target, report)
            return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # our part is as long as the file or longer: start over
                report(-_length(target))
                target.unlink(missing_ok=True)
            elif error.code not in (408, 429) and error.code < 500:
                raise AssetError(f"{url} answered {error.code} {error.reason}") from error
            reason = f"answered {error.code} {error.reason}"
        except urllib.error.URLError as error:  # not even connected: no use in trying again
            _unreachable[host] = f"cannot reach {host}: {error.reason}"
            raise AssetError(f"{url}: {_unreachable[host]}") from error
        except (http.client.HTTPException, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        except (ConnectionError, ssl.SSLError) as error:
            reason = str(error)
        if attempt + 1 < TRIES:
            time.sleep(pause_s * 2**attempt)
    raise AssetError(f"{url}: {reason} ({TRIES} tries)")


def _download_once(url: str, target: Path, report: Report) -> None:
    have = _length(target)
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if have and answer.status != 206:  # the server does not do ranges and sends everything
            report(-have)
            have = 0
        expected = answer.headers.get("Content-Length")
        received = 0
        with open(target, "ab" if have else "wb") as file:
            while block := answer.read(CHUNK):
                file.write(block)
                received += len(block)
                report(len(block))
        if expected is not None and received < int(expected):
            raise http.client.IncompleteRead(b"", int(expected) - received)


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


# Decompression and concatenation


class _Joined(io.RawIOBase):
    """Several files read as one, opened one after the other."""

    def __init__(self, files: Iterator[BinaryIO]) -> None:
        self._files = files
        self._current: BinaryIO | None = next(files, None)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while self._current is not None:
            block = self._current.read(len(buffer))
            if block:
                buffer[: len(block)] = block
                return len(block)
            self._current.close()
            self._current = next(self._files, None)
        return 0


def write_joined(
    files: Iterable[BinaryIO], target: Path, *, decompress: str | None = None, limit: int
) -> None:
    """Write the files one behind the other into ``target``, decompressed if asked.

    Stops one byte past ``limit``: a file that unpacks to more than it should cannot fill the disk.
    """
    joined = io.BufferedReader(_Joined(iter(files)), CHUNK)
    source = _OPENERS[decompress](joined, "rb") if decompress else joined
    left = limit + 1
    try:
        with open(target, "wb") as out:
            while left and (block := source.read(min(CHUNK, left))):
                out.write(block)
                left -= len(block)
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise AssetError(f"cannot decompress ({decompress}): {error}") from error
    except OSError as error:
        if error.errno is None:  # bz2 says "Invalid data stream" this way
            raise AssetError(f"cannot decompress ({decompress}): {error}") from error
        raise


# Packages through pip


@contextlib.contextmanager
def downloaded_packages(
    parts: Iterable[Part], *, near: Path, sdist: bool = False, report: Report = ignore
) -> Iterator[dict[tuple[str, str], Path]]:
    """Archives of the parts' distributions, downloaded with pip for the length of the block.

    Parameters
    ----------
    parts : iterable of Part
        Each distribution is downloaded once.
    near : Path
        Folder whose disk takes the temporary files.
    sdist : bool
        Accept a source distribution. pip runs its build script to learn its metadata.

    Raises
    ------
    AssetError
        There is no pip, or it failed; ends with its last line.
    """
    with keep_packages(near=near):
        wanted = dict.fromkeys((part.distribution, part.version) for part in parts)
        yield {pair: _archive_of(*pair, sdist, report) for pair in wanted}


@contextlib.contextmanager
def keep_packages(*, near: Path) -> Iterator[None]:
    """Keep downloaded packages until the outermost such block ends.

    A model, its vocabulary and its configuration often lie in one package of 70 MB, which need
    not travel three times.
    """
    global _kept
    if _kept is not None:
        yield
        return
    near.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=near, prefix=".pip-") as folder:
        _kept = Path(folder)
        try:
            yield
        finally:
            _kept = None


_kept: Path | None = None


def _archive_of(name: str, version: str, sdist: bool, report: Report) -> Path:
    assert _kept is not None  # inside keep_packages
    place = _kept / f"{name}=={version}"
    if not place.exists():
        place.mkdir()
        try:
            _pip_download(name, version, place, sdist, report)
        except BaseException:
            folders.remove(place)
            raise
    archives = [path for path in place.iterdir() if path.is_file()]
    if len(archives) != 1:
        raise AssetError(f"pip download {name}=={version} left {len(archives)} files")
    return archives[0]


def _pip_download(name: str, version: str, place: Path, sdist: bool, report: Report) -> None:
    requirement = f"{name}=={version}"
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            f"this Python ({sys.executable}) has no pip. Run: {sys.executable} -m ensurepip, or "
            f"install {requirement} with your own installer"
        )
    scratch = place / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    command += ["--progress-bar", "off", "--dest", str(place)]
    command += [] if sdist else ["--only-binary", ":all:"]
    # pip's temporary files go beside the target: the free space that counts is there, and their
    # growth is the only sign of progress that pip gives
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_NO_COLOR": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, requirement],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        try:
            seen = 0
            while process.poll() is None:
                time.sleep(0.1)
                now = max(seen, _tree_size(place))
                report(now - seen)
                seen = now
        finally:
            if process.poll() is None:  # Ctrl-C
                process.kill()
                process.wait()
        if process.returncode:
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            if any("No space left on device" in line for line in said):
                raise OSError(errno.ENOSPC, "No space left on device")
            errors = [line for line in said if line.startswith("ERROR")] or said or ["no output"]
            raise AssetError(f"pip download {requirement} failed: {errors[-1]}")


def _tree_size(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # pip moves files while we look
                total += os.stat(os.path.join(root, name)).st_size
    return total


@contextlib.contextmanager
def member_of(archive: Path, member: str) -> Iterator[BinaryIO]:
    """One file inside a wheel or a source distribution, opened for reading.

    In a source distribution the top folder (``name-version/``) may be left out, and ``src/`` too.
    """
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bag:
            name = _match(member, bag.namelist(), archive)
            with bag.open(name) as file:
                yield file  # type: ignore[misc]
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as bag:
            names = [info.name for info in bag.getmembers() if info.isfile()]
            file = bag.extractfile(_match(member, names, archive))
            assert file is not None  # isfile() above
            with file:
                yield file  # type: ignore[misc]
    else:
        raise AssetError(f"{archive.name} is neither a wheel nor a source archive")


def _match(member: str, names: list[str], archive: Path) -> str:
    tops = {"", *(name.split("/", 1)[0] + "/" for name in names if "/" in name)}
    for top in sorted(tops):
        for middle in ("", "src/"):
            if top + middle + member in names:
                return top + middle + member
    raise AssetError(f"{archive.name} holds no file {member!r}")
