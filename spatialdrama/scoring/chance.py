"""What nothing would score: lines against what belongs to other lines, and mono in both ears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np

from spatialdrama.scoring.cuts import Cut
from spatialdrama.types import BinauralAudio

#: How many shifted pairings of lines and references stand behind a chance level.
CHANCE_SHIFTS = 3
#: What another line's is taken of; a line keeps its own words.
EXCHANGED = ("reference", "pose", "prompt")


@attrs.frozen
class Job:
    """One call of a metric. Sound is made when it is asked for, and not kept."""

    label: str
    make: Callable[[], Cut]


def own(cut: Cut) -> Job:
    """The line as it is."""
    return Job(cut.label, lambda: cut)


def mono(cut: Cut) -> Job:
    """The line with the mean of its ears in both."""

    def make() -> Cut:
        middle = cut.audio.samples.mean(axis=0)
        audio = BinauralAudio(np.stack([middle, middle]), cut.audio.rate)
        return attrs.evolve(cut, audio=audio)

    return Job(cut.label, make)


def shuffled(cut: Cut, other: Cut) -> Job:
    """The line with another line's reference, pose and prompt, as long as both last."""

    def make() -> Cut:
        given = {**cut.given, **{k: v for k, v in other.given.items() if k in EXCHANGED}}
        length = min(cut.audio.duration, other.audio.duration)
        if "reference" in given:
            length = min(length, given["reference"].duration)
            given["reference"] = given["reference"].cut(0, length)
        return attrs.evolve(cut, audio=cut.audio.cut(0, length), given=given)

    return Job(cut.label, make)


def pairings(
    cuts: Sequence[Cut], strangers: Sequence[Cut], needs: Sequence[str], shifts: int
) -> Iterator[Job]:
    """Yield lines with the belongings of the `shifts` lines after each, in a ring.

    Of a single line, `strangers` give them: lines of other items. Where a prompt is needed, lines
    of the same speaker are passed over, because his own voice is no stranger's.
    """
    if not set(EXCHANGED) & set(needs):
        return
    if len(cuts) == 1:
        yield from (shuffled(cuts[0], other) for other in strangers)
        return
    for shift in range(1, min(shifts, len(cuts) - 1) + 1):
        for i, cut in enumerate(cuts):
            other = cuts[(i + shift) % len(cuts)]
            if "prompt" not in needs or not cut.speaker or cut.speaker != other.speaker:
                yield shuffled(cut, other)
