"""Sound files of corpora: headers that are believed only as far as the file reaches."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io.audio import open_binaural, read_samples
from spatialdrama.io.files import existing
from spatialdrama.io.stored import stored_sound
from spatialdrama.types import BinauralAudio, Line, Speech

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")

#: Sizes in a RIFF header that writers of streams leave there because they do not know better.
_UNKNOWN = (0, 0xFFFFFFFF, 0x7FFFFFFF)


class Header(NamedTuple):
    """``channels``, ``frames`` (samples of each channel) and ``rate`` (Hz) of a sound file."""

    channels: int
    frames: int
    rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.rate


def header(path: Any) -> Header:
    """Return what a sound file's header says, without reading its samples.

    Raises
    ------
    ValidationError
        For a file that is missing, damaged, empty, or shorter than its header says.
    """
    path = existing(path, "sound file")
    check_whole(path)
    try:
        info = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise ValidationError(f"sound file {path} cannot be read: {error}") from None
    if info.frames <= 0:
        raise ValidationError(f"sound file {path} holds no samples.")
    return Header(int(info.channels), int(info.frames), int(info.samplerate))


def check_whole(path: Path) -> None:
    """Raise for a WAV file that ends before the length in its header.

    libsndfile quietly takes such a file for a shorter one.
    """
    with open(path, "rb") as file:
        if file.read(4) != b"RIFF":
            return
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, size = head[:4], struct.unpack("<I", head[4:])[0]
            if name == b"data":
                there = path.stat().st_size - file.tell()
                if size not in _UNKNOWN and there < size:
                    raise ValidationError(
                        f"sound file {path} is cut off: {there} of {size} bytes of sound are "
                        "there. Copy it again."
                    )
                return
            file.seek(size + size % 2, 1)
    raise ValidationError(f"sound file {path} is cut off in its header. Copy it again.")


def _checked_rate(path: Any, found: int, wanted: int | None) -> None:
    if wanted is not None and found != wanted:
        raise ValidationError(
            f"sound file {path} is at {found} Hz and the corpus at {wanted} Hz; resample it, or "
            f"open the corpus with rate={found} when all of it is at that rate."
        )


def _samples(path: Any, rate: int | None, what: str) -> tuple[np.ndarray, int]:
    seen = header(path)
    _checked_rate(path, seen.rate, rate)
    samples, found = read_samples(path, what)
    if samples.shape[1] < seen.frames:
        raise ValidationError(
            f"{what} {path} is cut off: {samples.shape[1]} of {seen.frames} samples are there. "
            "Copy it again."
        )
    return samples, found


def load_binaural(
    path: Any, rate: int | None = None, start: float = 0.0, end: float | None = None,
    *, stored: bool = False,
) -> BinauralAudio:  # fmt: skip
    """Return the two ears of a file, or its part from `start` to `end` (s).

    Parameters
    ----------
    path : path
        Two channels, left then right; of more the first two are taken.
    rate : int, Hz, optional
        Refuses a file at another rate.
    stored : bool
        Leave the samples in the file, as suits recordings of many minutes.
    """
    seen = header(path)
    _checked_rate(path, seen.rate, rate)
    if seen.channels < 2:
        raise ValidationError(
            f"sound file {path} has one channel; binaural sound has two, left then right."
        )
    if stored and seen.channels == 2:
        audio = open_binaural(path)
    else:
        samples, found = _samples(path, rate, "sound file")
        audio = BinauralAudio(samples[:2], found, provenance={"file": Path(path).name})
    return audio if end is None else audio.cut(start, end)


def load_mono(
    path: Any,
    rate: int | None = None,
    line: Line | None = None,
    start: float = 0.0,
    end: float | None = None,
    *,
    identity: str = "",
    stored: bool = False,
) -> Speech:
    """Return dry speech of a one-channel file, with the words and phones of `line`.

    Takes `rate`, `start`, `end` and `stored` as :func:`load_binaural` does.
    """
    seen = header(path)
    _checked_rate(path, seen.rate, rate)
    if seen.channels != 1:
        raise ValidationError(f"mono file {path} has {seen.channels} channels; give one channel.")
    if stored:
        mono, found = stored_sound(path, channels=1)
    else:
        samples, found = _samples(path, rate, "mono file")
        mono = samples[0]
    if end is not None:
        first, last = round(start * found), min(round(end * found), len(mono))
        mono = mono.part(first, last) if stored else mono[first:last]
    speech = Speech(mono, found, identity=identity, provenance={"file": Path(path).name})
    if line is None:
        return speech
    return attrs.evolve(speech, text=line.text, language=line.language or "", phones=line.phones)
