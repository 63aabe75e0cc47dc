"""Finished lines, kept between runs under the hash of everything that made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json, write_json
from spatialdrama.io.speech import read_array, read_speech, write_array, write_speech
from spatialdrama.runtime.cache import Cache
from spatialdrama.runtime.folders import remove
from spatialdrama.types import BinauralAudio, Speech

T = TypeVar("T")


class KeptLines:
    """Two shelves, one for speech and one for rendered lines; disabled, it just makes.

    Parameters
    ----------
    enabled : bool
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._speech = Cache("speech")
        self._binaural = Cache("binaural")

    def speech(self, inputs: Mapping[str, Any], make: Callable[[], Speech]) -> Speech:
        """Return the kept line made from `inputs`, or make and keep it."""
        return self._kept(self._speech, inputs, make, write_speech, read_speech)

    def binaural(
        self, inputs: Mapping[str, Any], make: Callable[[], BinauralAudio]
    ) -> BinauralAudio:
        """Return the kept rendering made from `inputs`, or make and keep it."""
        return self._kept(self._binaural, inputs, make, _write, _read)

    def _kept(
        self,
        cache: Cache,
        inputs: Mapping[str, Any],
        make: Callable[[], T],
        write: Callable[[T, Path], Any],
        read: Callable[[Path], T],
    ) -> T:
        if not self.enabled:
            return make()
        key = cache.key(**inputs)
        found = cache.get(key)
        if found is not None:
            try:
                return read(found)
            except ValidationError:  # cut short by a crash or a bad disk: make it again
                remove(found)
        made = make()
        with cache.put(key) as folder:
            write(made, folder)
        return made


def _write(audio: BinauralAudio, folder: Path) -> None:
    write_array(folder / "samples.npy", audio.samples)
    write_json(folder / "about.json", {"rate": audio.rate, "provenance": dict(audio.provenance)})


def _read(folder: Path) -> BinauralAudio:
    about = read_json(folder / "about.json", "rendering")
    samples = read_array(folder / "samples.npy")
    return BinauralAudio(samples, about["rate"], provenance=about["provenance"])
