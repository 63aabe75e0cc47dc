"""The ffmpeg executable: found, run, and its complaints made readable.

It is a program of its own that is run, never linked or imported, whatever its licence.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from spatialdrama.errors import PluginImportError, ValidationError

REMEDY = "put ffmpeg on PATH, or type pip install 'spatialdrama-corpora[video]'."


def executable() -> str:
    """Return the ffmpeg that is used: the one on PATH, else that of the package imageio-ffmpeg.

    Raises
    ------
    PluginImportError
        Where there is neither.
    """
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise PluginImportError(
            f"video needs the program ffmpeg and there is none; {REMEDY}"
        ) from None


def version() -> str:
    """Return the first line of ``ffmpeg -version``: bytes of a video depend on it."""
    done = subprocess.run(
        [executable(), "-hide_banner", "-version"], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[0] if done.stdout else "ffmpeg, version unknown"


@contextmanager
def running(arguments: Sequence[Any], *, writes: bool) -> Iterator[Process]:
    """Run ffmpeg with a pipe to or from it; it is gone when the block ends, however that ends.

    Parameters
    ----------
    arguments : sequence of str or path
        Behind ``ffmpeg -hide_banner -loglevel error -nostats``.
    writes : bool
        True to write to it, False to read from it.
    """
    pipes = {"stdin": subprocess.PIPE if writes else subprocess.DEVNULL,
             "stdout": subprocess.DEVNULL if writes else subprocess.PIPE}  # fmt: skip
    command = [executable(), "-hide_banner", "-loglevel", "error", "-nostats", *map(str, arguments)]
    with TemporaryFile() as complaints:
        try:
            child = subprocess.Popen(command, stderr=complaints, **pipes)
        except OSError as error:
            raise PluginImportError(
                f"ffmpeg at {command[0]} does not start ({error.strerror or error}); {REMEDY}"
            ) from error
        try:
            yield Process(child, complaints)
        finally:
            if child.poll() is None:
                child.kill()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
            child.wait()


class Process:
    """A running ffmpeg."""

    def __init__(self, child: subprocess.Popen, complaints: IO[bytes]) -> None:
        self.child = child
        self._complaints = complaints

    @property
    def pipe(self) -> IO[bytes]:
        """What is written to, or read from."""
        return self.child.stdin or self.child.stdout

    def finish(self, what: str) -> None:
        """Wait until it is done; raise with its last complaint where it was not content.

        Parameters
        ----------
        what : str
            What it was to do, as it stands before "failed".
        """
        if self.child.stdin is not None:
            with suppress(BrokenPipeError):
                self.child.stdin.close()
        if self.child.wait() != 0:
            raise ValidationError(f"{what} failed: {self.complaint()}")

    def complaint(self) -> str:
        """Return the first line that it said, without addresses."""
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        if not lines:
            return f"ffmpeg ended with status {self.child.returncode}"
        if "Unknown encoder" in lines[0] or "Unrecognized option" in lines[0]:
            return f"this ffmpeg has no H.264 encoder ({lines[0]}); take another: {REMEDY}"
        first = lines[0]
        return "ffmpeg says " + repr(first.split("] ", 1)[-1] if first.startswith("[") else first)


def existing_video(path: Any) -> Path:
    """Return `path` where it is a file."""
    path = Path(path)
    if not path.is_file():
        raise ValidationError(f"there is no video at {path}; check the path.")
    return path
