"""When each line starts: pauses, overlaps, and times that the script fixes itself."""

from __future__ import annotations

from collections.abc import Sequence

from spatialdrama.errors import ValidationError
from spatialdrama.types import Line


def check_gaps(lines: Sequence[Line]) -> None:
    """Raise when a script asks a speaker to talk over themself."""
    for i, line in enumerate(lines[1:], start=2):
        if line.gap is not None and line.gap < 0 and lines[i - 2].speaker == line.speaker:
            raise ValidationError(
                f"line {i} of {line.speaker} overlaps {line.speaker}'s own line before by "
                f"{-line.gap:g} s; only different speakers can overlap."
            )


def start_times(
    lines: Sequence[Line], durations: Sequence[float], *, pause: float, lead_in: float
) -> list[float]:
    """Return the start of each line in seconds.

    Parameters
    ----------
    lines : n lines
        A line with a start keeps it; otherwise its gap, or `pause`, follows the line before.
    durations : n float, s
        How long each line turned out to be.
    pause, lead_in : float, s

    Notes
    -----
    A line never starts before zero, before the line ahead of it starts, or while its own speaker
    still talks: an overlap that is longer than the line it overlaps is cut to fit.

    Examples
    --------
    >>> from spatialdrama.types import Line
    >>> lines = [Line("A", "One."), Line("B", "Two.", gap=-0.5), Line("A", "Three.")]
    >>> start_times(lines, [2.0, 1.0, 1.0], pause=0.4, lead_in=0.3)
    [0.3, 1.8, 3.2]
    """
    starts: list[float] = []
    free_from: dict[str, float] = {}
    before = 0.0
    for i, (line, duration) in enumerate(zip(lines, durations, strict=True)):
        if line.start is not None:
            start = line.start
        elif i == 0:
            start = lead_in if line.gap is None else max(line.gap, 0.0)
        else:
            gap = pause if line.gap is None else line.gap
            start = max(before + gap, starts[-1], free_from.get(line.speaker, 0.0))
        starts.append(round(start, 6))
        before = max(before, start + duration) if line.gap and line.gap < 0 else start + duration
        free_from[line.speaker] = start + duration
    return starts


def shortened_overlaps(
    lines: Sequence[Line], starts: Sequence[float], durations: Sequence[float]
) -> list[str]:
    """Return a sentence for every overlap that did not fit and was shortened."""
    said = []
    for i in range(1, len(lines)):
        gap = lines[i].gap
        if gap is None or gap >= 0 or lines[i].start is not None:
            continue
        got = starts[i - 1] + durations[i - 1] - starts[i]
        if got < -gap - 0.01:
            said.append(
                f"line {i + 1} of {lines[i].speaker} overlaps by {max(got, 0.0):.2f} s and not by "
                f"the {-gap:g} s asked for: it cannot start before the line ahead of it, nor while "
                "its own speaker still talks."
            )
    return said
