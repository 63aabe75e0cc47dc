"""Retarded times against the quadratic that a straight walk gives, one sample at a time."""

import numpy as np
import pytest
from spatialdrama_render.propagation import Track, emission_times, head_matrices, trace

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose

C = 343.0
ONE, NONE = np.ones((1, 3)), np.zeros((1, 3))


def exact_emission(t, start, velocity, ear):
    """Solve |start + velocity t' - ear| = c (t - t') for t' < t."""
    gap = np.asarray(start) - np.asarray(ear)
    a = velocity @ velocity - C * C
    b = 2 * (gap @ velocity + C * C * t)
    c = gap @ gap - C * C * t * t
    roots = np.roots([a, b, c]).real
    return max(r for r in roots if r <= t)


@pytest.mark.parametrize("speed", [0.5, 3.0, 30.0, 150.0])
def test_straight_walk(speed):
    velocity = speed * np.array([0.6, -0.8, 0.0])
    start = -velocity + np.array([0.3, 1.0, 0.2])
    pose = Pose.from_samples([0.0, 4.0], [start, start + 4 * velocity])
    ear = np.array([0.0, 0.0875, 0.0])
    times = np.linspace(1.5, 3.5, 40)
    got, _ = emission_times(Track(pose), times, np.tile(ear, (40, 1)), ONE, NONE)
    want = [exact_emission(t, start, velocity, ear) for t in times]
    np.testing.assert_allclose(got[:, 0], want, atol=2e-9)


def test_supersonic_is_refused():
    pose = Pose.from_samples([0.0, 0.001, 0.002], [[1, 0, 0], [200, 0, 0], [1, 0, 0]])
    with pytest.raises(ValidationError, match="as fast as sound"):
        emission_times(Track(pose), np.linspace(0, 0.5, 400), np.zeros((400, 3)), ONE, NONE)


def test_track_is_the_pose():
    pose = Pose.walk([(2, 1, 0), (-1, 2, 0.3), (-1, -1.5, 0)], speed=1.2)
    track, times = Track(pose), np.linspace(-1, 8, 333)
    np.testing.assert_allclose(track.positions_at(times), pose.positions_at(times), atol=1e-12)
    x, y, z, w = pose.quaternions_at(times).T
    forward = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)], 1)
    np.testing.assert_allclose(track.axis_at(times), forward, atol=2e-4)


def test_a_head_that_turns_left_hears_the_front_on_its_right():
    pose = Pose.fixed((2, 0, 0))
    listener = Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    paths = trace(Track(pose), np.array([1.0]), listener, ONE, NONE)
    np.testing.assert_allclose(paths.direction[0, 0], [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(head_matrices(listener, [0.0])[0][:, 0], [0, 1, 0], atol=1e-9)


def test_mouth_angle_of_the_source_and_of_its_mirror_image():
    # Talks towards +y from (2, 0, 0); the wall x = 3 mirrors it to (4, 0, 0), still towards +y.
    pose = Pose.fixed((2, 0, 0), facing=(0.6, 0.8, 0))
    sign = np.array([[1.0, 1, 1], [-1, 1, 1]])
    offset = np.array([[0.0, 0, 0], [6, 0, 0]])
    paths = trace(Track(pose), np.array([1.0]), None, sign, offset)
    # Away from the listener at first hand (-0.6), towards it through the wall (+0.6).
    np.testing.assert_allclose(paths.cos_mouth[0], [-0.6, 0.6], atol=1e-9)
    np.testing.assert_allclose(paths.distance[0], [2, 4], atol=1e-9)


def test_where_the_mouth_points_is_computed_when_it_is_asked(monkeypatch):
    """An hour of tracking has 720,000 orientations that a source without a front never needs."""
    pose = Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=1.0)
    with monkeypatch.context() as patched:
        patched.setattr(Pose, "quaternions_at", lambda *_: pytest.fail("nobody asked"))
        track = Track(pose)
        track.positions_at(np.linspace(0, 1, 5))
    times = np.array([0.0, 0.5, 1.0])
    forward = head_matrices(pose, times)[:, :, 0]
    np.testing.assert_allclose(track.axis_at(times), forward, atol=1e-3)
    part = Track(pose).between(0, 1)
    assert part.axis.shape == (3, len(part.axis_time))
