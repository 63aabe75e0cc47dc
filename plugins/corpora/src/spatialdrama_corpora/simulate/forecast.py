"""What a build will come to, told without making anything: hours, disk, time."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import attrs

from spatialdrama.runtime.cache import Cache
from spatialdrama.runtime.folders import free_bytes
from spatialdrama_corpora.simulate.config import SimulationConfig
from spatialdrama_corpora.simulate.plan import plan
from spatialdrama_corpora.simulate.speak import tail_seconds

#: Bytes for each second of a segment, rather too many: both sounds, pose, annotation;
#: video of 320 x 240 pixels; a line in the cache of what was spoken.
_SOUND, _VIDEO, _SPEECH = 280_000, 45_000, 98_000
#: Seconds of one core for each second of a segment: speaking, rendering and writing, filming.
_SPEAKING, _RENDERING, _FILMING = 0.75, 0.1, 0.5


@attrs.frozen
class BuildForecast:
    """What a corpus will hold and need; estimates.

    Attributes
    ----------
    segments, dramas : int
    hours : float
        Of sound, the tails of rooms included.
    splits, languages, movements : mapping of name to segments
    disk_bytes, cache_bytes, free_bytes : int
        In the corpus, in the cache of spoken lines, and free where the corpus goes.
    cache_limit_bytes : int
        What the cache keeps at most (``SPATIALDRAMA_CACHE_GB``); a longer build that is stopped
        speaks some lines again.
    seconds, seconds_spoken : float
        That the build takes on `workers` cores, and when all lines have been spoken before.
    workers : int
    """

    segments: int
    dramas: int
    hours: float
    splits: dict[str, int]
    languages: dict[str, int]
    movements: dict[str, int]
    disk_bytes: int
    cache_bytes: int
    cache_limit_bytes: int
    free_bytes: int
    seconds: float
    seconds_spoken: float
    workers: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return attrs.asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.segments} segments in {self.dramas} dramas, {self.hours:.2f} h of sound "
            f"({_counts(self.splits)}; {_counts(self.languages)})",
            f"{_size(self.disk_bytes)} on the disk, {_size(self.free_bytes)} are free; "
            f"{_size(self.cache_bytes)} for spoken lines in the cache, which keeps "
            f"{_size(self.cache_limit_bytes)}",
            f"about {_long(self.seconds)} with {self.workers} workers, "
            f"{_long(self.seconds_spoken)} when every line has been spoken before",
        ]
        return "\n".join(lines)


def forecast(config: SimulationConfig, out: Any, *, workers: int | None = None) -> BuildForecast:
    """Plan a corpus and add up.

    Parameters
    ----------
    config : SimulationConfig
    out : path
    workers : int, optional
        Default: one for each core.

    Examples
    --------
    >>> forecast(SimulationConfig(hours=0.01, video=False), "corpus").dramas
    1
    """
    from pathlib import Path

    count = workers or os.cpu_count() or 1
    kinds: dict[str, Counter] = {k: Counter() for k in ("splits", "languages", "movements")}
    dramas, spoken, seconds = set(), 0.0, 0.0
    segments = 0
    for segment in plan(config):
        segments += 1
        dramas.add(segment.drama)
        spoken += segment.seconds
        seconds += segment.seconds + tail_seconds(segment.room)
        for kind, name in (
            ("splits", segment.split), ("languages", segment.language),
            ("movements", segment.path.kind),
        ):  # fmt: skip
            kinds[kind][name] += 1
    width, height = config.video_size
    video = config.video * width * height / (320 * 240)
    work = seconds * (_RENDERING + _FILMING * video)
    return BuildForecast(
        segments=segments, dramas=len(dramas), hours=round(seconds / 3600, 3),
        **{kind: dict(counter) for kind, counter in kinds.items()},
        disk_bytes=round(seconds * (_SOUND + _VIDEO * video)),
        cache_bytes=round(spoken * _SPEECH), cache_limit_bytes=Cache("speech").max_bytes,
        free_bytes=free_bytes(Path(out).absolute()),
        seconds=round((work + spoken * _SPEAKING) / count, 1),
        seconds_spoken=round(work / count, 1), workers=count,
    )  # fmt: skip


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _long(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
