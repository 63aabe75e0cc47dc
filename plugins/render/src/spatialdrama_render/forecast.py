"""What a rendering would give and take, told before it is made."""

from __future__ import annotations

import time
from typing import Any

import attrs
import numpy as np

from spatialdrama_render.plan import Plan
from spatialdrama_render.talkers import Talker

#: Blocks that run before the clock does (kernels load, caches fill), and that it times.
_WARM, _TIMED = 2, 6


@attrs.frozen
class Forecast:
    """A rendering that passed all checks and has not been made.

    Attributes
    ----------
    layout : str
    duration : float, s
        Of the output, the room's last sound included.
    rate : int, Hz
    speakers : tuple of str
    nearest, farthest : float, m
        Shortest and longest way from a speaker who speaks to the listener's head.
    room : str
    work : float, s
        How long this machine would take, about.
    """

    layout: str
    duration: float
    rate: int
    speakers: tuple[str, ...]
    nearest: float
    farthest: float
    room: str
    work: float

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return attrs.asdict(self) | {"speakers": list(self.speakers)}

    def __str__(self) -> str:
        who = ", ".join(self.speakers)
        return (
            f"{self.duration:.2f} s of {self.layout} sound at {self.rate} Hz: {who} at "
            f"{self.nearest:.2f} to {self.farthest:.2f} m, {self.room}; about "
            f"{_span(self.work)} of work"
        )


def work_per_second(plan: Plan, talker: Talker) -> float:
    """Return the seconds that this machine needs for a second of one talker of a plan.

    Some blocks of noise are rendered: silence would cost nothing.
    """
    job = talker.stems[0][1]
    noise = np.random.default_rng(977).standard_normal(1 << 17).astype(np.float32) * 0.1
    loud = Talker(
        talker.pieces, talker.directivity, [(0, attrs.evolve(job, mono=noise, gain=1.0))],
        talker.reach, talker.nearest,
    )  # fmt: skip
    alone = Plan(
        plan.receiver, plan.acoustics, [loud], plan.room, plan.listener, job.start, plan.rate,
        plan.threads,
    )  # fmt: skip
    blocks = alone.blocks()
    for _ in range(_WARM):
        next(blocks)
    began, samples = time.perf_counter(), 0
    for _ in range(_TIMED):
        samples += next(blocks).shape[1]
    spent = time.perf_counter() - began
    blocks.close()
    return spent / samples * plan.rate


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"
