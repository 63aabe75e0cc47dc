"""Hypothesis strategies for poses, scripts and binaural clips. Needs the extra ``testing``."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from spatialdrama.conventions import HEAD_CLEARANCE
from spatialdrama.types import BinauralAudio, Line, Pose, Script

from . import cases


@st.composite
def poses(
    draw: st.DrawFn,
    *,
    most_samples: int = 12,
    nearest: float = 2 * HEAD_CLEARANCE,
    farthest: float = 20.0,
) -> Pose:
    """Poses with 1 to ``most_samples`` samples that stay outside the head.

    Samples lie in one half space, so that the straight lines between them miss the head too.
    """
    count = draw(st.integers(1, most_samples))
    steps = draw(st.lists(st.floats(0.01, 2.0), min_size=count, max_size=count))
    side = draw(st.sampled_from(np.vstack([np.eye(3), -np.eye(3)]).tolist()))
    spread = st.floats(-farthest / 2, farthest / 2)
    points = []
    for _ in range(count):
        point = np.array([draw(spread) for _ in range(3)])
        along = np.abs(np.array(side)) > 0
        point[along] = np.array(side)[along] * draw(st.floats(nearest, farthest / 2))
        points.append(point)
    quaternions = [_quaternion(draw) for _ in range(count)]
    time = np.cumsum(steps) - steps[0]
    return Pose.from_samples(time, np.array(points), np.array(quaternions))


def _quaternion(draw: st.DrawFn) -> np.ndarray:
    unit = st.floats(-1, 1)
    value = np.array([draw(unit) for _ in range(4)])
    length = np.linalg.norm(value)
    return value / length if length > 1e-3 else np.array([0.0, 0.0, 0.0, 1.0])


WORDS = ("who", "is", "there", "nay", "answer", "me", "stand", "谁", "在", "那里", "请", "进来")


@st.composite
def scripts(draw: st.DrawFn, *, most_lines: int = 6, timed: bool = False) -> Script:
    """Scripts of 1 to ``most_lines`` lines by up to three speakers, in English and Mandarin."""
    lines = []
    start = 0.0
    for _ in range(draw(st.integers(1, most_lines))):
        words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5))
        start += draw(st.floats(0.0, 1.0)) if timed else 0.0
        length = draw(st.floats(0.2, 3.0)) if timed else 0.0
        times = {"start": start, "end": start + length} if timed else {}
        speaker = draw(st.sampled_from(["ANNA", "BERT", "曹雪芹"]))
        lines.append(Line(speaker, " ".join(words), **times))
        start += length
    return Script(lines)


@st.composite
def binaural_clips(draw: st.DrawFn, *, longest: float = 0.3) -> BinauralAudio:
    """Noise clips with interaural differences as a head makes them; the ears may be silent."""
    kind = draw(st.sampled_from(["plain", "plain", "plain", "silent", "one ear"]))
    audio = cases.clip(
        itd_us=draw(st.floats(-750, 750)),
        ild_db=draw(st.floats(-20, 20)),
        duration=draw(st.floats(0.05, longest)),
        rate=draw(st.sampled_from([16_000, 44_100, 48_000])),
        seed=draw(st.integers(0, 2**16)),
    )
    gains = {"plain": (1, 1), "silent": (0, 0), "one ear": (1, 0)}[kind]
    return BinauralAudio(audio.samples * np.array(gains)[:, None], audio.rate)
