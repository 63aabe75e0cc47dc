"""Turns of a shared path: what jumps is another speaker, what walks is not."""

import numpy as np
import pytest
from spatialdrama_isdrama.drama.turns import timed, turn_times

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Script

RATE = 20.0


def track(*stretches):
    points = np.concatenate(stretches)
    return Pose.from_samples(np.arange(len(points)) / RATE, points)


def still(point, seconds):
    return np.tile(point, (round(seconds * RATE), 1)).astype(float)


def walk(a, b, seconds):
    return np.linspace(a, b, round(seconds * RATE))


def test_each_jump_is_a_turn_and_turns_meet_in_the_middle_of_it():
    pose = track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0), still((2, 0, 0), 3.0))
    turns = turn_times(pose)
    np.testing.assert_allclose(turns, [(0, 1.975), (1.975, 2.975), (2.975, 5.95)])


def test_a_run_is_no_turn():
    assert len(turn_times(track(walk((1, -4, 0), (1, 4, 0), 1.0)))) == 1  # 8 m/s


def test_a_jump_right_before_a_walk_is_found():
    pose = track(walk((1, 2, 0), (1, 1, 0), 2.0), walk((1, -1, 0), (2, -1, 0), 2.0))
    assert [round(a, 3) for a, _ in turn_times(pose)] == [0.0, 1.975]


def test_lines_take_the_times_of_the_turns_in_order():
    pose = track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0))
    script = timed(Script.parse("A: One.\nB: Two."), pose)
    assert [(line.start, line.end) for line in script] == turn_times(pose)


def test_another_number_of_lines_is_said():
    with pytest.raises(ValidationError, match=r"2 turns .* 1 lines"):
        timed(Script.parse("A: One."), track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0)))


def test_a_pose_of_one_sample_has_no_turns():
    with pytest.raises(ValidationError, match="one sample"):
        turn_times(Pose.fixed((1, 0, 0)))
