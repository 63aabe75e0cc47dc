"""Who speaks when: from a script with times, from jumps of a pose, from pauses of the sound.

All of them cut the silence between two turns in half, as MRSDrama's makers did (facts of its
segments), and none gives a turn longer than 16 s, the longest segment of that corpus.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Pose, Script
from spatialdrama.types.validate import check_positive
from spatialdrama_corpora.annotate.activity import FRAME, HOP, active, gaps, stretches
from spatialdrama_corpora.annotate.symbols import PAUSE

#: s; no segment of MRSDrama is longer.
LONGEST: Final = 16.0
#: m/s; nobody walks so fast, so the tracker has gone over to somebody else.
JUMP: Final = 10.0
#: s; the silence after which somebody else may speak.
PAUSE_BETWEEN: Final = 0.6
#: s; shorter turns are a cough or a slip of the tracker.
SHORTEST: Final = 0.3


@attrs.frozen
class Turn:
    """A stretch in which one person speaks, in seconds of the recording.

    Attributes
    ----------
    start, end : float
        With half of the silence to the neighbours.
    speaker, text : str
        Empty where nobody said it.
    line : int or None
        Number of the script's line, from 0.
    """

    start: float
    end: float
    speaker: str = ""
    text: str = ""
    line: int | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return round(self.end - self.start, 9)

    def name(self, session: str) -> str:
        """Name as MRSDrama writes it: session, cut, start, end, speaker.

        Examples
        --------
        >>> Turn(1.5, 4.25, "A").name("hamlet")
        'hamlet_cut_1.500_4.250_A'
        """
        return f"{session}_cut_{self.start:.3f}_{self.end:.3f}" + (
            f"_{self.speaker}" if self.speaker else ""
        )


def turns(
    audio: BinauralAudio,
    *,
    script: Script | None = None,
    pose: Pose | None = None,
    longest: float = LONGEST,
) -> tuple[Turn, ...]:
    """Return the turns of a recording by the best that is known of it.

    A script with times decides; without one the jumps of a pose that follows whoever speaks;
    without either the pauses of the sound.

    Parameters
    ----------
    audio : BinauralAudio
    script : Script, optional
        Timed; one without times is refused, since its lines cannot be told apart by sound.
    pose : Pose, optional
    longest : float, s

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(5 * 8000) / 8000
    >>> speech = np.sin(2 * np.pi * 200 * t) * ((t % 2.5 > 0.5) & (t % 2.5 < 2.0))
    >>> found = turns(BinauralAudio(np.stack([speech, speech]), 8000))
    >>> [(round(turn.start, 1), round(turn.end, 1)) for turn in found]
    [(0.0, 2.5), (2.5, 5.0)]
    """
    if script is not None:
        return from_script(script, audio.duration, audio=audio, longest=longest)
    if pose is not None:
        return from_pose(pose, audio.duration, audio=audio, longest=longest)
    return from_pauses(audio, longest=longest)


def from_script(
    script: Script,
    duration: float | None = None,
    *,
    audio: BinauralAudio | None = None,
    longest: float = LONGEST,
) -> tuple[Turn, ...]:
    """Return a turn for each line of a timed script, cut where it is longer than `longest`.

    Where lines overlap, each keeps its own times. A long line is cut at a pause of its phones,
    else where `audio` is quietest, else in equal parts.

    Raises
    ------
    ValidationError
        For a script without times, or one that goes on after the recording has ended.

    Examples
    --------
    >>> from spatialdrama.types import Line
    >>> script = Script([Line("A", "Yes.", start=1, end=2), Line("B", "No.", start=3, end=4)])
    >>> [(t.start, t.end, t.speaker) for t in from_script(script, 5.0)]
    [(0.0, 2.5, 'A'), (2.5, 5.0, 'B')]
    """
    if not script.is_timed:
        raise ValidationError(
            "the script has no times: give a TextGrid or JSON with start and end of each line."
        )
    order = sorted(range(len(script.lines)), key=lambda i: script.lines[i].start)
    lines = [script.lines[i] for i in order]
    last = max(line.end for line in lines)
    duration = last if duration is None else duration
    if last > duration + 0.05:
        raise ValidationError(
            f"the script goes on to {last:.2f} s; the recording ends at {duration:.2f} s. Is it "
            "the script of another take?"
        )
    spans = _halved([(x.start, min(x.end, duration)) for x in lines], duration)
    found = []
    for i, line, (a, b) in zip(order, lines, spans, strict=True):
        pauses = [line.start + (p.start + p.end) / 2 for p in line.phones if p.symbol == PAUSE]
        cuts = _cuts(a, b, longest, pauses, audio)
        parts = _texts(line.text, [(y - x) / (b - a) for x, y in cuts])
        found += [Turn(x, y, line.speaker, t, i) for (x, y), t in zip(cuts, parts, strict=True)]
    return tuple(found)


def from_pose(
    pose: Pose,
    duration: float | None = None,
    *,
    audio: BinauralAudio | None = None,
    jump: float = JUMP,
    longest: float = LONGEST,
) -> tuple[Turn, ...]:
    """Return turns between the jumps of a pose that follows whoever speaks.

    Parameters
    ----------
    pose : Pose
        At the rate it was tracked with; smoothing hides jumps.
    duration : float, s
        Of the recording; default the pose's.
    audio : BinauralAudio, optional
        Long turns are cut where it is quiet.
    jump : float, m/s

    Examples
    --------
    >>> there = Pose.from_samples([0, 1, 2, 2.05, 3], [[1, 1, 0]] * 3 + [[-1, 2, 0]] * 2)
    >>> [(t.start, t.end) for t in from_pose(there, 3.0)]
    [(0.0, 2.025), (2.025, 3.0)]
    """
    check_positive(jump, "jump", unit="m/s")
    keep = pose.valid.values
    times, places = pose.time.values[keep], pose.position.values[keep]
    duration = float(times[-1]) if duration is None else duration
    edges = [0.0, *(e for e in _jumps(times, places, jump) if 0 < e < duration), duration]
    return tuple(
        Turn(x, y) for a, b in itertools.pairwise(edges) for x, y in _cuts(a, b, longest, (), audio)
    )


def jumps(pose: Pose, jump: float = JUMP) -> list[float]:
    """Return when a pose goes over to somebody else, s; slips of a moment are passed over.

    Examples
    --------
    >>> jumps(Pose.from_samples([0, 1, 1.1, 2], [[1, 1, 0], [1, 1, 0], [-1, 2, 0], [-1, 2, 0]]))
    [1.05]
    """
    keep = pose.valid.values
    return _jumps(pose.time.values[keep], pose.position.values[keep], jump)


def _jumps(times: np.ndarray, places: np.ndarray, jump: float) -> list[float]:
    """When a track goes over to somebody else; slips of a moment are passed over."""

    def far(i: int, j: int) -> bool:
        return np.linalg.norm(places[j] - places[i]) > jump * max(times[j] - times[i], 1e-9)

    at = [0, *(i + 1 for i in range(len(times) - 1) if far(i, i + 1)), len(times)]
    runs = list(itertools.pairwise(at))
    lasting = [(a, b) for a, b in runs if times[min(b, len(times) - 1)] - times[a] >= SHORTEST]
    return [
        round(float(times[b - 1] + times[c]) / 2, 6)
        for (_, b), (c, _) in itertools.pairwise(lasting)
        if far(b - 1, c)
    ]


def from_pauses(
    audio: BinauralAudio, *, pause: float = PAUSE_BETWEEN, longest: float = LONGEST
) -> tuple[Turn, ...]:
    """Return turns between pauses; who speaks is not known.

    Parameters
    ----------
    audio : BinauralAudio
    pause : float, s
        Shorter silences belong to a turn.
    """
    flags = active(audio.samples, audio.rate)
    spoken = stretches(flags)
    if not spoken:
        raise ValidationError("nobody speaks in this recording: it has no turns.")
    ends = [spoken[0][0] * HOP, min(spoken[-1][1] * HOP, audio.duration)]
    quiet = gaps(flags, check_positive(pause, "pause", unit="s"))
    edges = [ends[0], *(t for gap in quiet for t in gap), ends[1]]
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    spans = [(a, b) for a, b in spans if b - a >= SHORTEST] or [(ends[0], ends[1])]
    return tuple(
        Turn(x, y)
        for a, b in _halved(spans, audio.duration)
        for x, y in _cuts(a, b, longest, [sum(g) / 2 for g in gaps(flags)], audio)
    )


def _halved(spans: Sequence[tuple[float, float]], duration: float) -> list[tuple[float, float]]:
    """Stretch spans over the silence between them, half each; overlaps stay."""
    out = []
    for k, (a, b) in enumerate(spans):
        before = max((y for _, y in spans[:k]), default=-a)
        after = spans[k + 1][0] if k + 1 < len(spans) else 2 * duration - b
        start = (before + a) / 2 if before < a else a
        end = (b + after) / 2 if after > b else b
        out.append((round(max(start, 0.0), 6), round(min(end, duration), 6)))
    return out


def _cuts(
    start: float,
    end: float,
    longest: float,
    pauses: Iterable[float],
    audio: BinauralAudio | None,
) -> list[tuple[float, float]]:
    """Cut a stretch into parts of at most `longest`, at pauses where it can be."""
    check_positive(longest, "longest", unit="s")
    parts, at = [], start
    pauses = sorted(pauses)
    while end - at > longest + 1e-9:
        # Equal parts as far as that goes: 17 s become two turns of 8.5 s, not 16 and 1.
        aim = at + (end - at) / np.ceil((end - at) / longest)
        low, high = (
            max(at + 0.3 * longest, end - longest * np.ceil((end - aim) / longest)),
            (at + longest),
        )
        near = [p for p in pauses if low <= p <= high]
        if near:
            cut = min(near, key=lambda p: abs(p - aim))
        elif audio is not None:
            cut = _quietest(audio, max(low, aim - 2), min(high, aim + 2))
        else:
            cut = aim
        parts.append((round(at, 6), round(float(cut), 6)))
        at = parts[-1][1]
    return [*parts, (round(at, 6), round(end, 6))]


def _quietest(audio: BinauralAudio, low: float, high: float) -> float:
    part = audio.cut(low, high)
    size = max(round(10 * FRAME * part.rate), 1)
    power = (part.samples.astype(np.float64) ** 2).sum(axis=0)
    mean = np.convolve(power, np.ones(size), "valid")
    return low + (int(np.argmin(mean)) + size / 2) / part.rate


def _texts(text: str, shares: Sequence[float]) -> list[str]:
    """Give each part of a line its share of the words; of one part all of them."""
    if len(shares) == 1:
        return [text]
    pieces: list[Any] = text.split(" ") if " " in text else list(text)
    edges = np.rint(np.cumsum([0.0, *shares]) / sum(shares) * len(pieces)).astype(int)
    glue = " " if " " in text else ""
    return [glue.join(pieces[a:b]) for a, b in itertools.pairwise(edges)]
