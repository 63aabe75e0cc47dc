"""One channel that stays in its file until it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import existing

#: Samples before the wanted ones that are read where a seek alone fails.
_RUN_UP = 1 << 16


class MonoFile:
    """A one-channel sound file as a signal that is read slice by slice.

    Renderers take it wherever they take (n,) samples, and hold a block of it at a time.

    Parameters
    ----------
    path : path
        Any format that libsndfile reads.
    rate : int, Hz, optional
        Refuses a file at another rate.

    Attributes
    ----------
    path : Path
    rate : int, Hz
    shape : (n,)
    ndim, dtype
        As of a float32 array, which a slice is.

    Raises
    ------
    ValidationError
        Names the file when it is missing, damaged, empty, or has more than one channel.

    Examples
    --------
    >>> from spatialdrama.io.audio import MonoFile
    >>> mono = MonoFile("speech.flac")                              # doctest: +SKIP
    >>> mono                                                        # doctest: +SKIP
    MonoFile(speech.flac, 3600.00 s at 48000 Hz)
    >>> mono.read_slice(0, 480).shape                               # doctest: +SKIP
    (480,)
    """

    ndim, dtype = 1, np.dtype(np.float32)

    def __init__(self, path: Any, *, rate: int | None = None) -> None:
        self.path = existing(path, "mono file")
        self._file = self._opened()
        channels, self.rate = self._file.channels, int(self._file.samplerate)
        self.shape = (int(self._file.frames),)
        if channels != 1:
            raise ValidationError(f"mono file {path} has {channels} channels; give one channel.")
        if not self.shape[0]:
            raise ValidationError(f"mono file {path} holds no samples.")
        if rate is not None and rate != self.rate:
            raise ValidationError(
                f"{path} is at {self.rate} Hz, expected {rate} Hz; resample it first, for example "
                f"with soxr.resample(x, {self.rate}, {rate})."
            )

    def _opened(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(self.path)
        except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
            raise ValidationError(f"mono file {self.path} cannot be read: {error}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        # An open file cannot travel; its path can.
        return type(self), (self.path,)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.rate

    def read_slice(self, low: int, high: int) -> np.ndarray:
        """Return (high - low,) float32 samples, cut to what there is.

        Raises
        ------
        ValidationError
            When the file ends before its header says, or holds broken data.
        """
        low, high = max(low, 0), min(high, len(self))
        if high <= low:
            return np.zeros(0, dtype=np.float32)
        try:
            out = self._from(low, high)
            if len(out) < high - low:
                # Ogg Vorbis: a seek into the last packet finds nothing, one to before it does.
                early = max(low - _RUN_UP, 0)
                out = self._from(early, high)[low - early :]
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise ValidationError(f"mono file {self.path} cannot be read: {error}") from None
        if len(out) != high - low:
            raise ValidationError(
                f"mono file {self.path} ends after {low + len(out)} samples and its header says "
                f"{len(self)}; it was cut off, copy it again."
            )
        return out

    def _from(self, low: int, high: int) -> np.ndarray:
        # Seeking in compressed files decodes from the last frame on; reading on does not.
        if self._file.tell() != low:
            self._file.seek(low)
        return self._file.read(high - low, dtype="float32")

    def close(self) -> None:
        """Close the file; it cannot be read any more."""
        self._file.close()

    def __repr__(self) -> str:
        return f"MonoFile({Path(self.path).name}, {self.duration:.2f} s at {self.rate} Hz)"
