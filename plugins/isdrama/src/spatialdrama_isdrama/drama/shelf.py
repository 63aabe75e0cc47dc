"""Finished segments, kept between runs: what makes an interrupted drama go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spatialdrama.staging.kept import KeptLines
from spatialdrama.types import BinauralAudio


class _Missing(Exception):
    """Nothing is kept under these inputs."""


class Shelf:
    """Looks up and keeps segments, which are made in batches and not one call each.

    Parameters
    ----------
    enabled : bool
        Disabled, it holds nothing.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._lines = KeptLines(enabled=enabled)

    @property
    def enabled(self) -> bool:
        """Whether anything is kept."""
        return self._lines.enabled

    def find(self, inputs: Mapping[str, Any]) -> BinauralAudio | None:
        """Return the segment that was made from `inputs`, or None."""
        try:
            return self._lines.binaural(inputs, _missing)
        except _Missing:
            return None

    def keep(self, inputs: Mapping[str, Any], audio: BinauralAudio) -> None:
        """Keep a finished segment."""
        self._lines.binaural(inputs, lambda: audio)


def _missing() -> BinauralAudio:
    raise _Missing
