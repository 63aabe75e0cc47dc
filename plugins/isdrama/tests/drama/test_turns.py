"""Line times of a shared path: what jumps is another speaker, what walks is not."""

import numpy as np
import pytest
from spatialdrama_isdrama.drama.turns import timed

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


def test_lines_take_the_times_of_the_turns_and_these_meet_in_the_middle_of_a_jump():
    pose = track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0), still((2, 0, 0), 3.0))
    script = timed(Script.parse("A: One.\nB: Two.\nA: Three."), pose)
    times = [(line.start, line.end) for line in script]
    np.testing.assert_allclose(times, [(0, 1.975), (1.975, 2.975), (2.975, 5.95)])


def test_a_run_is_no_turn():
    script = timed(Script.parse("A: One."), track(walk((1, -4, 0), (1, 4, 0), 1.0)))  # 8 m/s
    assert script[0].end == pytest.approx(0.95)


def test_another_number_of_lines_is_said():
    with pytest.raises(ValidationError, match=r"2 turns .* 1 lines"):
        timed(Script.parse("A: One."), track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0)))
