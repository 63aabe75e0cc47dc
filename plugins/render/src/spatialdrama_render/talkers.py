"""What each speaker sends into the room, block by block, from any number of stems."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama_render.checks import Job, check_finite
from spatialdrama_render.teleports import Piece


@attrs.define(eq=False)
class Talker:
    """One speaker: stems on one clock, one place at a time.

    Attributes
    ----------
    pieces : list of Piece
        Each is rendered as a source of its own.
    directivity : str
    stems : list of (first sample, Job)
    reach, nearest : float, m
        Longest and shortest way to the listener.
    """

    pieces: list[Piece]
    directivity: str
    stems: list[tuple[int, Job]] = attrs.field(factory=list)
    reach: float = 0.0
    nearest: float = np.inf

    def add(self, first: int, job: Job) -> None:
        """Let a stem begin at a sample of the drama."""
        self.stems.append((first, job))
        self.reach = max(self.reach, job.reach)
        self.nearest = min(self.nearest, job.nearest)

    @property
    def gain(self) -> float:
        """The factor of the first stem; all stems of a speaker share it."""
        return self.stems[0][1].gain

    @property
    def end(self) -> int:
        """One past the last sample that is spoken."""
        return max(first + len(job.mono) for first, job in self.stems)

    @property
    def spoken(self) -> int:
        """How many samples its stems have."""
        return sum(len(job.mono) for _, job in self.stems)

    def block(self, first: int, count: int) -> np.ndarray | None:
        """Return (count,) float32 from sample `first` on, or None for silence."""
        out = None
        for begin, job in self.stems:
            low, high = max(first, begin), min(first + count, begin + len(job.mono))
            if high <= low:
                continue
            part = _slice(job.mono, low - begin, high - begin)
            if out is None and high - low == count:  # most blocks: one stem, all through
                out = np.multiply(part, np.float32(job.gain), dtype=np.float32)
                continue
            if out is None:
                out = np.zeros(count, dtype=np.float32)
            out[low - first : high - first] += part * np.float32(job.gain)
        return out

    def sounding(
        self, first: int, block: np.ndarray | None, start: float, rate: int
    ) -> list[np.ndarray | None]:
        """Return what each piece emits of a block that begins at sample `first`."""
        if block is None:
            return [None] * len(self.pieces)
        if len(self.pieces) == 1 and self.pieces[0].whole:
            return [block]
        times = start + (first + np.arange(len(block))) / rate
        out: list[np.ndarray | None] = []
        for piece in self.pieces:
            gain = piece.gain(times)
            out.append((block * gain).astype(np.float32) if gain.any() else None)
        return out


def _slice(mono: Any, low: int, high: int) -> np.ndarray:
    if hasattr(mono, "read_slice"):
        return check_finite(mono.read_slice(low, high), low)
    return mono[low:high]
