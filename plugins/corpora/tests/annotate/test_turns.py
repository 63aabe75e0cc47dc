"""Turns from scripts, poses and pauses, whose times are known."""

import numpy as np
import pytest
from spatialdrama_corpora.annotate.turn_taking import (
    LONGEST,
    Turn,
    from_pauses,
    from_pose,
    from_script,
    turns,
)

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line, Phone, Pose, Script

RATE = 16_000


def spoken(*spans, seconds):
    """A tone in each span of seconds, at both ears, over a little hiss."""
    t = np.arange(round(seconds * RATE)) / RATE
    loud = sum(((t >= a) & (t < b)).astype(float) for a, b in spans)
    sound = 0.1 * np.sin(2 * np.pi * 220 * t) * loud
    sound += np.random.default_rng(0).normal(0, 2e-4, len(t))
    return BinauralAudio(np.stack([sound, 0.5 * sound]), RATE)


def test_silence_between_lines_is_shared_half_and_half():
    script = Script([
        Line("A", "One.", start=1.0, end=2.0), Line("B", "Two.", start=3.0, end=5.0),
        Line("A", "Three.", start=4.5, end=6.0),
    ])  # fmt: skip
    found = from_script(script, 8.0)
    assert [(t.start, t.end, t.speaker, t.line) for t in found] == [
        (0.0, 2.5, "A", 0), (2.5, 5.0, "B", 1), (4.5, 8.0, "A", 2)
    ]  # fmt: skip
    assert found[0].name("take1") == "take1_cut_0.000_2.500_A"


def test_long_lines_are_cut_at_their_pauses():
    text = " ".join(f"word{i}" for i in range(40))
    phones = [
        Phone("AA", 0.0, 12.0), Phone("<SP>", 12.0, 12.5), Phone("AA", 12.5, 21.0),
        Phone("<SP>", 21.0, 21.2), Phone("AA", 21.2, 40.0),
    ]  # fmt: skip
    line = Line("A", text, start=0.0, end=40.0, phones=phones)
    found = from_script(Script([line]), 40.0)
    assert all(t.duration <= LONGEST + 1e-9 for t in found)
    assert found[0].end == pytest.approx(12.25)
    assert " ".join(t.text for t in found) == text
    assert [t.end for t in found[:-1]] == [t.start for t in found[1:]]


def test_long_lines_without_phones_are_cut_where_it_is_quiet():
    audio = spoken((0.5, 9.0), (9.6, 18.0), seconds=19.0)
    script = Script([Line("A", "我" * 30, start=0.5, end=18.0)])
    found = turns(audio, script=script)
    assert len(found) == 2
    assert 8.9 < found[0].end < 9.7
    assert found[0].text + found[1].text == "我" * 30


def test_pauses_alone():
    audio = spoken((0.5, 2.0), (2.3, 3.0), (4.2, 6.0), seconds=7.0)
    found = from_pauses(audio)
    assert [(round(t.start, 1), round(t.end, 1)) for t in found] == [(0.0, 3.6), (3.6, 7.0)]
    shorter = from_pauses(audio, pause=0.2)
    assert len(shorter) == 3
    assert shorter[0].end == pytest.approx(2.15, abs=0.03)


def test_nothing_is_longer_than_sixteen_seconds():
    audio = spoken((0.2, 39.8), seconds=40.0)
    for found in (from_pauses(audio), from_pose(Pose.fixed((1, 0, 0)), 40.0, audio=audio)):
        assert max(t.duration for t in found) <= LONGEST + 1e-6
        assert min(t.duration for t in found) > 5
        assert found[0].start == 0.0
        assert found[-1].end == 40.0


def test_jumps_of_a_pose_are_turns():
    # Who speaks is tracked: A walks at 1 m/s, from 4 s on B stands 3 m away, from 7 s on A again.
    times = np.arange(0, 10, 0.05)
    a = np.stack([2 - 0.2 * times, 1 + 0 * times, 0 * times], axis=1)
    b = np.tile([-1.0, -2.0, 0.3], (len(times), 1))
    path = np.where(((times >= 4) & (times < 7))[:, None], b, a)
    found = from_pose(Pose.from_samples(times, path), 10.0)
    assert [t.start for t in found] == pytest.approx([0.0, 3.975, 6.975])
    assert found[-1].end == 10.0
    slip = a.copy()
    slip[100] += 3.0
    assert len(from_pose(Pose.from_samples(times, slip), 10.0)) == 1


def test_what_is_wrong_is_said():
    with pytest.raises(ValidationError, match="no times"):
        from_script(Script([Line("A", "One.")]))
    with pytest.raises(ValidationError, match=r"6\.00 s; the recording ends at 3\.00 s"):
        from_script(Script([Line("A", "One.", start=1.0, end=6.0)]), 3.0)
    with pytest.raises(ValidationError, match="nobody speaks"):
        from_pauses(BinauralAudio(np.zeros((2, RATE)), RATE))
    with pytest.raises(ValidationError, match="jump"):
        from_pose(Pose.fixed((1, 0, 0)), jump=0)
    assert Turn(0, 1).name("x") == "x_cut_0.000_1.000"
