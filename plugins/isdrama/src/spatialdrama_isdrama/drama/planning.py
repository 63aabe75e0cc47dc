"""From a script to segments: what each says, for how long, and when it starts (4.4, C.4, E11, E12).

All of it is known before anything sounds, so poses can be read at the times at which lines will
be heard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.staging.timetable import shortened_overlaps, start_times
from spatialdrama.types import Line, Phone, Script
from spatialdrama_isdrama.autoencoder.config import FRAMES_PER_LATENT, MelConfig
from spatialdrama_isdrama.content import Reading, fit
from spatialdrama_isdrama.content.inventory import BREATH, SILENCE
from spatialdrama_isdrama.drama.schedule import Task
from spatialdrama_isdrama.drama.splitting import LONGEST, pieces


@attrs.frozen(eq=False)
class Segment:
    """What is generated at once: a line, or a piece of a long one.

    Attributes
    ----------
    index : int
        Of the line in the script.
    part, parts : int
        Which piece of how many.
    line : Line
        Timed.
    reading : Reading
        The phones of the piece.
    frames : (k,) int
        Mel frames of each phone; their sum is a multiple of four.
    start : float, s
        In the drama.
    samples : int
        How many samples of it are used: all, or as many as a timed line has left.
    """

    index: int
    part: int
    parts: int
    line: Line
    reading: Reading
    frames: np.ndarray
    start: float
    samples: int

    @property
    def total(self) -> int:
        """Mel frames."""
        return int(self.frames.sum())

    def seed_keys(self, purpose: str) -> tuple[int | str, ...]:
        """Return what its random numbers belong to, for :func:`line_seed`."""
        return (self.index, self.line.speaker, self.line.text, self.part, purpose)


@attrs.frozen(eq=False)
class Plan:
    """A drama before it sounds.

    Attributes
    ----------
    script : Script
        Timed, with phones.
    segments : tuple of Segment
        In script order.
    warnings : tuple of str
        About overlaps that do not fit.
    """

    script: Script
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()

    def tasks(self, mel: MelConfig) -> list[Task]:
        """Return the segments as the schedule takes them."""
        return [Task(s.line.speaker, s.total / mel.frames_per_second) for s in self.segments]

    def of_line(self, index: int) -> list[int]:
        """Return which segments make a line."""
        return [i for i, s in enumerate(self.segments) if s.index == index]


@attrs.frozen(eq=False)
class _Timed:
    """A line with frames, before it has a start."""

    reading: Reading
    frames: np.ndarray
    cuts: list[slice]
    samples: int


def plan(
    script: Script,
    readings: Sequence[Reading],
    durations: Sequence[np.ndarray],
    *,
    mel: MelConfig,
    pause: float,
    lead_in: float,
    longest: float = LONGEST,
) -> Plan:
    """Give every line its frames, its pieces and its time.

    Parameters
    ----------
    script : n lines
    readings : n Reading
    durations : n arrays (k,) float, mel frames
        Predicted for each phone. A line with times gets exactly as many frames as they say (E11);
        any other as many as are predicted, rounded up to whole latent frames.
    mel : MelConfig
    pause, lead_in : float, s
    longest : float, s
        What the model speaks at once; longer lines are cut at pauses (E12).

    Raises
    ------
    ValidationError
        Names the line: too little time for its phones, or too long without a pause.
    """
    made = []
    for i, line in enumerate(script):
        try:
            made.append(_timed(line, readings[i], durations[i], mel, longest))
        except SpatialDramaError as error:
            raise ValidationError(f"line {i + 1} of {line.speaker}: {error}") from None
    lengths = [m.samples / mel.rate for m in made]
    starts = start_times(script.lines, lengths, pause=pause, lead_in=lead_in)
    # On whole samples, so that the mix ends where the last line does.
    starts = [round(start * mel.rate) / mel.rate for start in starts]
    said = tuple(shortened_overlaps(script.lines, starts, lengths))
    lines, segments = [], []
    for i, (line, one, start) in enumerate(zip(script, made, starts, strict=True)):
        end = start + one.samples / mel.rate
        lines.append(attrs.evolve(line, start=start, end=end, phones=_phones(one, mel)))
        segments += _segments(i, lines[-1], one, mel)
    return Plan(Script(lines), tuple(segments), said)


def _timed(
    line: Line, reading: Reading, durations: np.ndarray, mel: MelConfig, longest: float
) -> _Timed:
    step = FRAMES_PER_LATENT
    if line.is_timed:
        samples = round(line.duration * mel.rate)
        total = step * math.ceil(samples / (step * mel.hop))
    else:
        total = step * math.ceil(float(np.sum(durations)) / step - 1e-9)
        total = max(total, step * math.ceil(len(reading) / step))
        samples = total * mel.hop
    if total < len(reading):
        raise ValidationError(
            f"{line.duration:.2f} s are {total} frames, too few for {len(reading)} phones; give "
            f"it {len(reading) / mel.frames_per_second:.2f} s or more, or no times."
        )
    frames = _fitted(durations, total)
    limit = int(longest * mel.frames_per_second) // step * step
    cuts = pieces(
        frames.tolist(), pauses(reading), limit, what="it", frames_per_second=mel.frames_per_second
    )
    return _Timed(reading, _whole_latents(frames, cuts), cuts, samples)


def _whole_latents(frames: np.ndarray, cuts: list[slice]) -> np.ndarray:
    """Return the frames with each piece a whole number of latents long; the sum stays.

    Cuts go back to the latent before them: where two cuts were at most a limit of whole latents
    apart they still are, and rounding to the nearest would not keep that.
    """
    step, out, before = FRAMES_PER_LATENT, [], 0
    for part in cuts:
        end = step * (int(frames[: part.stop].sum()) // step)
        out.append(_fitted(frames[part], end - before))
        before = end
    return np.concatenate(out)


def _phones(one: _Timed, mel: MelConfig) -> tuple[Phone, ...]:
    """Return phones with times from the line's start, none beyond its end."""
    length = one.samples / mel.rate
    edges = np.minimum(np.cumsum([0, *one.frames]) / mel.frames_per_second, length)
    return tuple(
        Phone(symbol, round(float(a), 6), round(float(b), 6))
        for symbol, a, b in zip(one.reading.symbols, edges[:-1], edges[1:], strict=True)
        if b > a
    )


def _segments(index: int, line: Line, one: _Timed, mel: MelConfig) -> list[Any]:
    out, before = [], 0
    for part, phones in enumerate(one.cuts):
        frames = one.frames[phones]
        first, last = before * mel.hop, (before + int(frames.sum())) * mel.hop
        out.append(
            Segment(
                index=index,
                part=part,
                parts=len(one.cuts),
                line=line,
                reading=cut(one.reading, phones),
                frames=frames,
                start=line.start + first / mel.rate,
                samples=min(last, one.samples) - first,
            )
        )
        before += int(frames.sum())
    return out


def _fitted(durations: np.ndarray, total: int) -> np.ndarray:
    return fit(torch.as_tensor(np.asarray(durations, float)), total).numpy()


def cut(reading: Reading, part: slice) -> Reading:
    """Return the phones of a piece of a line; what they mean is still read in the whole line.

    Examples
    --------
    >>> from spatialdrama_isdrama.content import read
    >>> cut(read("我，有。"), slice(2, 5)).symbols
    ('<SP>', 'iou', '<SP>')
    """
    return attrs.evolve(
        reading,
        symbols=reading.symbols[part],
        tones=reading.tones[part],
        languages=reading.languages[part],
        ph2word=reading.ph2word[part],
    )


def pauses(reading: Reading) -> list[bool]:
    """Return behind which phones a line may be cut: pauses, but not the one it begins with.

    Examples
    --------
    >>> from spatialdrama_isdrama.content import read
    >>> pauses(read("我，有。"))
    [False, False, True, False, True]
    """
    marks = [symbol in (SILENCE, BREATH) for symbol in reading.symbols]
    return [mark and i > 0 for i, mark in enumerate(marks)]
