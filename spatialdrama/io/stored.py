"""Samples that lie in a file, named or nameless, and are read slice by slice.

Types hold a :class:`Stored` where they would hold an array: what is made from an hour of sound
then costs the memory of the slices that are looked at.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import existing

#: Samples of all channels that are kept in memory before a file is begun: a minute for two ears.
IN_MEMORY = 2 * 60 * 48_000
#: Frames that are read at a time when something goes through all of them.
BLOCK = 1 << 18
#: Samples before the wanted ones that are read where a seek alone fails.
_RUN_UP = 1 << 16


@attrs.frozen(eq=False, repr=False)
class Stored:
    """(c, n) or (n,) float32 samples in a file; made by :func:`stored_sound` and :class:`Scratch`.

    Renderers take it wherever they take (n,) samples, types wherever they take arrays.

    Attributes
    ----------
    shape : (c, n) or (n,)
    ndim, dtype
        As of the float32 array that a slice is.
    path : Path or None
        The file, when it has a name, and this is all of it as it stands there.
    """

    _reader: Any
    _first: int
    _length: int
    _mono: bool = False
    _factor: float = 1.0

    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """(c, n) or (n,)."""
        return (self._length,) if self._mono else (self._reader.channels, self._length)

    @property
    def ndim(self) -> int:
        """1 or 2."""
        return 1 if self._mono else 2

    @property
    def path(self) -> Path | None:
        """The named file of which this is all."""
        whole = self._first == 0 and self._length == self._reader.frames
        return self._reader.path if whole else None

    @property
    def factor(self) -> float:
        """What the file's samples are multiplied by when they are read."""
        return self._factor

    def __len__(self) -> int:
        return self.shape[0]

    def read_slice(self, low: int, high: int) -> np.ndarray:
        """Return samples `low` to `high` of each channel as float32, cut to what there is.

        Raises
        ------
        ValidationError
            When the file is gone, was changed or cut off, or holds broken samples.
        """
        low, high = max(low, 0), min(high, self._length)
        out = self._reader.read(self._first + low, self._first + max(high, low))
        if self._factor != 1.0:
            out = out * np.float32(self._factor)
        return out[0] if self._mono else out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read all of it."""
        whole = self.read_slice(0, self._length)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def part(self, first: int, last: int) -> Stored:
        """Return samples `first` to `last` of each channel, still in the file."""
        return attrs.evolve(self, first=self._first + first, length=last - first)

    def times(self, factor: float) -> Stored:
        """Return the same samples with a gain, a factor in single precision."""
        return attrs.evolve(self, factor=float(np.float32(self._factor) * np.float32(factor)))

    def blocks(self, size: int = BLOCK) -> Iterator[np.ndarray]:
        """Yield all samples in pieces of `size` frames."""
        for low in range(0, self._length, size):
            yield self.read_slice(low, low + size)

    @cached_property
    def peak(self) -> float:
        """Largest absolute sample."""
        return max(float(np.abs(block).max(initial=0.0)) for block in self.blocks())

    def __reduce__(self) -> tuple[Any, ...]:
        # A nameless file cannot travel, its samples can.
        if self._reader.path is None:
            return np.array, (self.read_slice(0, self._length),)
        return Stored, (self._reader, self._first, self._length, self._mono, self._factor)

    def __repr__(self) -> str:
        return f"Stored({self._reader.name}, shape {self.shape})"


def stored_sound(path: Any, *, channels: int, rate: int | None = None) -> tuple[Stored, int]:
    """Return the samples of a sound file, left there, and its rate.

    Parameters
    ----------
    path : path
        Any format that libsndfile reads.
    channels : int
        Refuses a file with another number of them; 1 gives shape (n,).
    rate : int, Hz, optional
        Refuses a file at another rate.

    Raises
    ------
    ValidationError
        Names the file when it is missing, damaged, empty or not as wanted. Samples that are no
        numbers are told of when they are read.

    Examples
    --------
    >>> from spatialdrama.io.stored import stored_sound
    >>> samples, rate = stored_sound("hour.flac", channels=2)       # doctest: +SKIP
    >>> samples.read_slice(0, 480).shape                            # doctest: +SKIP
    (2, 480)
    """
    reader, found = _File.opened(path, channels)
    if rate is not None and found != rate:
        raise ValidationError(
            f"{path} is at {found} Hz, expected {rate} Hz; resample it first, for example with "
            f"soxr.resample(x, {found}, {rate})."
        )
    return Stored(reader, 0, reader.frames, channels == 1), found


@attrs.frozen
class _File:
    """Opens its file for each slice: a drama has more stems than a process may hold open."""

    path: Path
    channels: int
    frames: int
    _stamp: tuple[int, int]

    @classmethod
    def opened(cls, path: Any, channels: int) -> tuple[_File, int]:
        path = existing(path, "sound file")
        with _named(path), soundfile.SoundFile(path) as file:
            found, frames, rate = file.channels, int(file.frames), int(file.samplerate)
        if found != channels:
            kinds = {1: "one channel", 2: "two, left then right"}
            raise ValidationError(
                f"{path} has {found} channel{'s' if found > 1 else ''}; expected "
                f"{kinds.get(channels, channels)}."
            )
        if not frames:
            raise ValidationError(f"sound file {path} holds no samples.")
        return cls(path.absolute(), channels, frames, _stamp_of(path)), rate

    @property
    def name(self) -> str:
        return self.path.name

    def read(self, low: int, high: int) -> np.ndarray:
        if high <= low:
            return np.zeros((self.channels, 0), np.float32)
        if _stamp_of(existing(self.path, "sound file")) != self._stamp:
            raise ValidationError(
                f"{self.path} was written anew since it was opened; load it again."
            )
        with _named(self.path), soundfile.SoundFile(self.path) as file:
            out = _slice(file, low, high)
        if len(out) != high - low:
            raise ValidationError(
                f"{self.path} ends after {low + len(out)} samples and its header says "
                f"{self.frames}; it was cut off, copy it again."
            )
        if not np.isfinite(out).all():
            raise ValidationError(f"sound file {self.path} holds NaN or infinite samples.")
        return np.ascontiguousarray(out.T)


def _slice(file: soundfile.SoundFile, low: int, high: int) -> np.ndarray:
    file.seek(low)
    out = file.read(high - low, dtype="float32", always_2d=True)
    if len(out) < high - low:
        # Ogg Vorbis: a seek into the last packet finds nothing, one to before it does.
        early = max(low - _RUN_UP, 0)
        file.seek(early)
        out = file.read(high - early, dtype="float32", always_2d=True)[low - early :]
    return out


def _stamp_of(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


class _named:
    """Say which file libsndfile could not read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, (soundfile.LibsndfileError, RuntimeError, TypeError)):
            raise ValidationError(f"sound file {self._path} cannot be read: {error}") from None


class Scratch:
    """A shelf for samples while something long is made: in memory first, then in a nameless file.

    The file has no name in any folder and is gone when nothing of it is used any more, however
    the process ends.

    Parameters
    ----------
    channels : int
        1 for samples of shape (n,).
    folder : path, optional
        On whose disk the file lies; default the system's temporary folder.
    in_memory : int
        Samples of all channels that are kept as arrays before the file is begun.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.io.stored import Scratch
    >>> shelf = Scratch(in_memory=0)
    >>> kept = shelf.keep(np.arange(5, dtype=np.float32))
    >>> kept.read_slice(1, 3)
    array([1., 2.], dtype=float32)
    """

    path = None
    name = "a nameless file"

    def __init__(
        self, channels: int = 1, *, folder: Any = None, in_memory: int | None = None
    ) -> None:
        self.channels, self.frames = channels, 0
        self._folder = folder
        self._left = IN_MEMORY if in_memory is None else in_memory
        self._file: Any = None
        self._lock = threading.Lock()

    def keep(self, samples: np.ndarray) -> np.ndarray | Stored:
        """Return what stands for `samples` from now on: they themselves, or where they lie."""
        self._left -= samples.size
        if self._left >= 0:
            return samples
        mono = samples.ndim == 1
        first = self.frames
        self._append(samples.reshape(self.channels, -1))
        return Stored(self, first, self.frames - first, mono)

    def _append(self, samples: np.ndarray) -> None:
        """Write (c, n) samples behind the last ones, frame by frame."""
        if not samples.size:
            return
        frames = np.ascontiguousarray(samples.T, dtype=np.float32)
        try:
            with self._lock:
                if self._file is None:
                    self._file = tempfile.TemporaryFile(dir=_made(self._folder))  # noqa: SIM115
                self._file.seek(0, os.SEEK_END)
                self._file.write(frames.data)
                self._file.flush()
        except OSError as error:
            raise self._explained(error) from error
        self.frames += len(frames)

    def read(self, low: int, high: int) -> np.ndarray:
        """Return (c, high - low) float32; for :class:`Stored`."""
        size = 4 * self.channels
        with self._lock:
            self._file.seek(low * size)
            data = self._file.read((high - low) * size)
        return np.ascontiguousarray(np.frombuffer(data, np.float32).reshape(-1, self.channels).T)

    def check_space(self, samples: float) -> None:
        """Raise when `samples` more, of all channels, would not fit on the disk."""
        if samples <= self._left:
            return
        folder = _made(self._folder)
        free = shutil.disk_usage(folder).free
        if free < 4 * samples:
            raise ValidationError(
                f"the sound needs {4 * samples / 1e9:.2f} GB in {folder} while it is made and "
                f"{free / 1e9:.2f} GB are free; free some, or {_ELSEWHERE}."
            )

    def _explained(self, error: OSError) -> ValidationError:
        folder = self._folder or tempfile.gettempdir()
        if error.errno == errno.ENOSPC:
            return ValidationError(
                f"no space left in {folder} for the sound while it is made; free some, or "
                f"{_ELSEWHERE}."
            )
        reason = error.strerror or str(error)
        return ValidationError(f"cannot keep sound in {folder}: {reason}; {_ELSEWHERE}.")


_ELSEWHERE = "set SPATIALDRAMA_HOME or TMPDIR to a folder on another disk"


def _made(folder: Any) -> str:
    """Return the folder, made when it is not there; the system's where it cannot be."""
    if folder is None:
        return tempfile.gettempdir()
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.gettempdir()
    return str(folder) if os.access(folder, os.W_OK) else tempfile.gettempdir()


def gathered(
    blocks: Iterable[np.ndarray], channels: int, *, folder: Any = None, in_memory: int | None = None
) -> np.ndarray | Stored:
    """Return (c, n) blocks side by side: an array, or stored when they are long.

    Parameters
    ----------
    blocks : iterable of (c, n) float32
    channels : int
    folder, in_memory
        As of :class:`Scratch`.
    """
    shelf = Scratch(channels, folder=folder, in_memory=0)
    most = IN_MEMORY if in_memory is None else in_memory
    waiting: list[np.ndarray] = []
    held = 0
    for block in blocks:
        waiting.append(block)
        held += block.size
        if held > most and block.size:
            # From here on each block goes straight into the file.
            most = 0
            while waiting:
                shelf._append(waiting.pop(0))
    if not shelf.frames:
        return np.concatenate([np.zeros((channels, 0), np.float32), *waiting], axis=1)
    return Stored(shelf, 0, shelf.frames)
