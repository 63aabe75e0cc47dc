"""How long a drama will be and what it needs on the disk, told before anybody has spoken."""

from __future__ import annotations

import unicodedata
from typing import Any

import attrs

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.io.stored import IN_MEMORY
from spatialdrama.staging.timetable import start_times
from spatialdrama.types import Line, Script

#: Characters a second in read speech, pauses included: letters and Han characters. Rather slow,
#: so that the disk is rather too big.
LETTERS, HAN = 12.0, 4.0
#: Bytes of a sample: two ears at 24 bits; a dry line as FLAC, about half of 24 bits.
_EARS, _FLAC = 6, 1.5
#: Bytes of a sample while a drama is made: float32, two ears and the dry lines.
_MIX, _STEM = 8, 4
#: Bytes of a sample in the cache: what the voice said at about half the rate, and two ears. A
#: room's tail lengthens each rendered line by a tenth or so.
_KEPT = 2 + 8 * 1.1


@attrs.frozen
class Forecast:
    """What a script will come to, estimated from its text.

    Attributes
    ----------
    seconds : float
        How long the drama will be.
    spoken : float
        Seconds of all lines.
    folder_bytes : int
        What stays in the drama's folder.
    work_bytes : int
        What nameless files take while it is made.
    cache_bytes : int
        What kept lines take, so that an interrupted run goes on; the cache has its own limit.
    """

    seconds: float
    spoken: float
    folder_bytes: int
    work_bytes: int
    cache_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return attrs.asdict(self)

    def __str__(self) -> str:
        kept = f", {_size(self.cache_bytes)} for kept lines" if self.cache_bytes else ""
        work = f", {_size(self.work_bytes)} more while it is made" if self.work_bytes else ""
        return (
            f"about {_length(self.seconds)} of sound: {_size(self.folder_bytes)} on the disk"
            f"{work}{kept}"
        )


def forecast(
    script: Script, *, pause: float, lead_in: float, rate: float = 1.0, kept: bool = True
) -> Forecast:
    """Return the :class:`Forecast` of a script.

    Parameters
    ----------
    script : Script
    pause, lead_in : float, s
    rate : float
        Speed factor of all lines.
    kept : bool
        Whether finished lines are kept.

    Examples
    --------
    >>> from spatialdrama.types import Script
    >>> forecast(Script.parse("ANNA: Twelve chars"), pause=0.4, lead_in=0.0).seconds
    1.0
    """
    durations = [line_seconds(line, rate) for line in script]
    starts = start_times(script.lines, durations, pause=pause, lead_in=lead_in)
    seconds = max(s + d for s, d in zip(starts, durations, strict=True))
    spoken = sum(durations)
    # The first minute is held in memory.
    work = [
        size * max(HOUSE_RATE * length - first, 0)
        for size, length, first in ((_MIX, seconds, IN_MEMORY / 2), (_STEM, spoken, IN_MEMORY))
    ]
    return Forecast(
        seconds=round(seconds, 1),
        spoken=round(spoken, 1),
        folder_bytes=round(HOUSE_RATE * (_EARS * seconds + _FLAC * spoken)),
        work_bytes=round(sum(work)),
        cache_bytes=round(HOUSE_RATE * _KEPT * spoken) if kept else 0,
    )


def line_seconds(line: Line, rate: float = 1.0) -> float:
    """Return how long a line will be in s: as its times say, or from its characters."""
    if line.is_timed:
        return line.duration
    han = sum(unicodedata.name(c, "").startswith("CJK UNIFIED") for c in line.text)
    return (han / HAN + (len(line.text) - han) / LETTERS) / rate


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
