"""Finished lines, kept between runs under the hash of everything that made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spatialdrama.io.files import read_json, write_json
from spatialdrama.io.speech import read_speech, write_speech
from spatialdrama.runtime.cache import Cache
from spatialdrama.types import BinauralAudio, Speech


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
        if not self.enabled:
            return make()
        key = self._speech.key(**inputs)
        folder = self._speech.get_or_make(key, lambda place: write_speech(make(), place))
        return read_speech(folder)

    def binaural(
        self, inputs: Mapping[str, Any], make: Callable[[], BinauralAudio]
    ) -> BinauralAudio:
        """Return the kept rendering made from `inputs`, or make and keep it."""
        if not self.enabled:
            return make()
        key = self._binaural.key(**inputs)
        folder = self._binaural.get_or_make(key, lambda place: _write(make(), place))
        about = read_json(folder / "about.json", "rendering")
        samples = np.load(folder / "samples.npy", allow_pickle=False)
        return BinauralAudio(samples, about["rate"], provenance=about["provenance"])


def _write(audio: BinauralAudio, folder: Any) -> None:
    np.save(folder / "samples.npy", audio.samples)
    write_json(folder / "about.json", {"rate": audio.rate, "provenance": dict(audio.provenance)})
