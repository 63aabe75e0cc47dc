"""Sound files of any length, written block by block, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import numpy as np
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, explained

#: bytes of sound that a WAV file can count, with room for its headers.
WAV_LIMIT = 2**32 - 2**16
#: Bytes per sample.
_SIZES = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_FLOATING = ("FLOAT", "DOUBLE")
#: Frames that are converted at a time.
_CHUNK = 1 << 16


@attrs.frozen(repr=False)
class WrittenSound:
    """What lies in a file that was rendered into it.

    Attributes
    ----------
    path : Path
    layout : str
        ``"binaural"``, or one of :data:`spatialdrama.types.multichannel.LAYOUTS`.
    rate : int, Hz
    frames : int
        Samples of each channel.
    peak : float
        Largest absolute sample of any channel.
    format, subtype : str
        As libsndfile names them: ``"WAV"`` and ``"PCM_24"``.
    provenance : mapping
    """

    path: Path
    layout: str
    rate: int
    frames: int
    peak: float
    format: str
    subtype: str
    provenance: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.rate

    def __repr__(self) -> str:
        peak = 20 * np.log10(max(self.peak, 1e-9))
        return (
            f"WrittenSound({self.path.name}: {self.layout}, {self.duration:.2f} s at "
            f"{self.rate} Hz, {self.format} {self.subtype}, peak {peak:.1f} dBFS)"
        )


class BlockWriter:
    """Takes blocks of a file that is being written; made by :func:`writing`.

    Attributes
    ----------
    frames : int
        How many have been taken.
    peak : float
        Largest absolute sample so far.
    format, subtype : str
        What the file is; the subtype is final after the end.
    """

    def __init__(self, target: Path, channels: int, rate: int, form: str, subtype: str) -> None:
        self._target, self._channels, self._rate = target, channels, rate
        self.format, self.subtype = form, subtype
        self.frames, self.peak = 0, 0.0
        self._file: soundfile.SoundFile | None = None

    def write(self, block: np.ndarray) -> None:
        """Append (channels, n) samples.

        Raises
        ------
        ValidationError
            For samples that the format would clip or that are no numbers, and when the disk is
            full.
        """
        if block.ndim != 2 or len(block) != self._channels:
            raise ValidationError(
                f"a block of {self._target} needs shape ({self._channels}, n); got {block.shape}."
            )
        peak = float(np.abs(block).max(initial=0.0))
        if not np.isfinite(peak):
            raise ValidationError(f"cannot write {self._target}: the sound holds NaN or infinity.")
        if peak > 1.0 and self.subtype not in _FLOATING:
            raise ValidationError(
                f"cannot write {self._target} as {self.subtype}: near t = "
                f"{self.frames / self._rate:.2f} s the peak is {peak:.3f}, which would clip. Lower "
                "the gain for both ears alike, or write subtype='FLOAT' to a .wav."
            )
        with _named(self._target):
            self._file.write(block.T)
        self.frames += block.shape[1]
        self.peak = max(self.peak, peak)


@contextmanager
def writing(
    path: Any,
    channels: int,
    rate: int,
    *,
    frames: int,
    subtype: str | None = None,
    layout: str = "binaural",
) -> Iterator[BlockWriter]:
    """Write a sound file in blocks; it appears, whole, when the block of code ends well.

    Parameters
    ----------
    path : path
        Ends in .wav or .flac. A WAV file of more than 4 GB becomes RF64 (EBU Tech 3306), under the
        same name; most programs read it as WAV.
    channels : int
    rate : int, Hz
    frames : int
        How many samples of each channel will come; their space is asked for first.
    subtype : str, optional
        As of libsndfile. Default: 24 bits, and float32 for a ``.wav`` whose peak passes 1. The
        peak is known at the end alone, so such a file is written as float32 beside its place and
        converted then. With a subtype the first sample that it would clip ends the work.
    layout : str
        ``"5.1"`` names its loudspeakers in the WAV file.

    Raises
    ------
    ValidationError
        For a name or subtype that cannot be written, for too little space, for sound that would
        clip, and when another number of frames came. Nothing is left of the file then, and an
        older one of that name stays.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.io.block_writer import writing
    >>> with writing("out.wav", 2, 48000, frames=960) as writer:    # doctest: +SKIP
    ...     for _ in range(2):
    ...         writer.write(np.zeros((2, 480), np.float32))
    """
    path = Path(path)
    decide_later = subtype is None and path.suffix.lower() == ".wav"
    first = "FLOAT" if decide_later else (subtype or "PCM_24").upper()
    count = frames * channels
    form = container(path, first, layout, count)
    with atomic(path) as temporary:
        _check_space(path, temporary, count * (_SIZES[first] + (3 if decide_later else 0)))
        writer = BlockWriter(path, channels, rate, form, first)
        with _named(path):
            writer._file = soundfile.SoundFile(temporary, "w", rate, channels, first, format=form)
        try:
            yield writer
        finally:
            with _named(path):
                writer._file.close()
        if writer.frames != frames:
            raise ValidationError(
                f"{path} was to hold {frames} samples and got {writer.frames}; render it again."
            )
        if decide_later and writer.peak <= 1.0:
            writer.subtype = "PCM_24"
            writer.format = container(path, "PCM_24", layout, count)
            _converted(temporary, path, writer.format, "PCM_24")
        _check_whole(temporary, path, frames)
        with open(temporary, "r+b") as file:
            undated(file)


def undated(file: BinaryIO) -> None:
    """Take the time of writing out of a WAV file, so that the same sound is the same bytes.

    libsndfile puts it into the chunk PEAK of float files: version, time, then the peaks.

    Parameters
    ----------
    file : binary file, open for reading and writing
        Anything but WAV is left as it is.
    """
    file.seek(0)
    if file.read(4) not in (b"RIFF", b"RF64"):
        return
    file.seek(12)
    while len(head := file.read(8)) == 8 and head[:4] != b"data":
        size = int.from_bytes(head[4:], "little")
        if head[:4] == b"PEAK":
            file.seek(4, os.SEEK_CUR)
            file.write(bytes(4))
            return
        file.seek(size + size % 2, os.SEEK_CUR)


def container(path: Any, subtype: str, layout: str = "binaural", count: int = 0) -> str:
    """Return libsndfile's format for a file name, or raise for what cannot be written.

    Parameters
    ----------
    path : path
    subtype : str
    layout : str
    count : int
        Samples of all channels.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".wav", ".flac"):
        raise ValidationError(f"cannot write {path}: use a name that ends in .wav or .flac.")
    form = suffix[1:].upper()
    if subtype not in _SIZES or not soundfile.check_format(form, subtype):
        known = [name for name in _SIZES if soundfile.check_format(form, name)]
        raise ValidationError(
            f"cannot write {path} as {subtype}; a {suffix} file can be one of {', '.join(known)}."
        )
    if form == "WAV" and count * _SIZES[subtype] > WAV_LIMIT:
        return "RF64"
    if form == "WAV" and layout == "5.1":
        return "WAVEX"  # says which channel is which loudspeaker
    return form


def _check_space(path: Path, temporary: Path, needed: int) -> None:
    free = shutil.disk_usage(temporary.parent).free
    if path.suffix.lower() != ".flac" and free < needed:
        raise ValidationError(
            f"{path} needs {needed / 1e9:.2f} GB while it is written and {free / 1e9:.2f} GB are "
            "free; free some, or choose another folder."
        )


def _converted(temporary: Path, path: Path, form: str, subtype: str) -> None:
    other = temporary.with_name(temporary.stem + "-converted" + temporary.suffix)
    try:
        with _named(path), soundfile.SoundFile(temporary) as source:
            rate, channels = source.samplerate, source.channels
            with soundfile.SoundFile(other, "w", rate, channels, subtype, format=form) as target:
                for block in source.blocks(_CHUNK, dtype="float32", always_2d=True):
                    target.write(block)
        os.replace(other, temporary)
    finally:
        other.unlink(missing_ok=True)


def _check_whole(temporary: Path, path: Path, frames: int) -> None:
    with _named(path):
        found = soundfile.info(str(temporary)).frames
    if found != frames:
        raise ValidationError(
            f"{path} was not written whole ({found} of {frames} samples); is the disk full?"
        )


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file libsndfile could not write, and that a full disk is one."""
    try:
        yield
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        if shutil.disk_usage(path.parent).free < 1 << 20:
            raise explained(OSError(errno.ENOSPC, ""), path) from None
        raise ValidationError(f"cannot write {path}: {error}") from None
