"""Geometry against closed forms, scipy and the core."""

import numpy as np
import pytest
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation
from spatialdrama_isdrama.pose import geometry
from spatialdrama_isdrama.pose.motion import HeadFrame, jumps, turns

import spatialdrama as sd
from spatialdrama.conventions import HEAD_RADIUS
from spatialdrama.errors import ValidationError


def dense(place, duration, rate=200.0, **kwargs):
    time = np.arange(round(duration * rate) + 1) / rate
    return sd.Pose.from_samples(time, np.stack(place(time), axis=1), **kwargs)


def test_circle_round_the_head():
    radius, turn, ear = 1.5, 0.8, 0.09
    pose = dense(lambda t: (radius * np.cos(turn * t), radius * np.sin(turn * t), 0 * t), 6.0)
    times = geometry.frame_times(1000, 0.1)
    seen = geometry.features(pose, times, ear)
    # Range to the ear at (0, e, 0) is sqrt(R^2 + e^2 - 2 R e sin(wt)); its slope by hand.
    angle = turn * times
    for column, side in ((10, ear), (11, -ear)):
        reach = np.sqrt(radius**2 + side**2 - 2 * radius * side * np.sin(angle))
        slope = -radius * side * turn * np.cos(angle) / reach
        assert np.abs(seen[:, column] - slope).max() < 1e-3
        assert np.abs(slope).max() > 0.07  # the tolerance is small beside what is measured
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle) - ear, 0 * angle], axis=1)
    np.testing.assert_allclose(seen[:, 0:3], expected, atol=1e-4)
    np.testing.assert_allclose(seen[:, 3:6] - seen[:, 0:3], [[0, 2 * ear, 0]] * 1000, atol=1e-6)


def test_straight_pass_by():
    speed, aside = 1.4, 0.8
    pose = sd.Pose.line((-3, aside, 0.2), (4, aside, 0.2), duration=7 / speed)
    times = np.linspace(0, 7 / speed, 300)
    seen = geometry.features(pose, times, 0.1).astype(float)
    x = -3 + speed * times
    for column, gap in ((10, aside - 0.1), (11, aside + 0.1)):
        expected = speed * x / np.sqrt(x**2 + gap**2 + 0.2**2)
        np.testing.assert_allclose(seen[:, column], expected, atol=1e-6)
    assert seen[0, 10] < -1
    assert seen[-1, 10] > 1


def test_radial_velocity_is_the_cores_on_a_straight_way_from_an_ear():
    ear = np.array([0, HEAD_RADIUS, 0])
    way = np.array([0.6, 0.64, 0.48])  # of unit length
    pose = sd.Pose.line(ear + way, ear + 3 * way, duration=2.5).resample(100)
    seen = geometry.features(pose, pose.time.values, HEAD_RADIUS)
    core = pose.radial_velocity().sel(ear="left").values
    np.testing.assert_allclose(seen[:, 10], core, atol=1e-6)
    np.testing.assert_allclose(core, 0.8, atol=1e-9)


def test_radial_velocity_is_near_the_cores_on_a_walk():
    pose = sd.Pose.walk([(2, 1, 0), (1, -1, 0), (-1, -1.5, 0.3)], speed=1.0).resample(187.5)
    seen = geometry.features(pose, pose.time.values, HEAD_RADIUS)
    # Both are smoothed over .2 s; at the corner they smooth differently.
    gap = np.abs(seen[:, 10:12] - pose.radial_velocity().values)
    assert np.median(gap) < 2e-3
    assert gap.max() < 0.15


def test_velocity_is_scipys_savitzky_golay():
    generator = np.random.default_rng(3)
    time = np.arange(200) / 100
    place = np.cumsum(generator.normal(size=(200, 3)), axis=0) * 0.01 + [2, 0, 0]
    pose = sd.Pose.from_samples(time, place)
    window = 24 / 100  # 25 taps of the pose's own samples
    mine = HeadFrame(pose).velocities(time, window)
    oracle = savgol_filter(place, 25, 2, deriv=1, delta=0.01, axis=0, mode="interp")
    np.testing.assert_allclose(mine, oracle, atol=1e-9)


def test_velocity_of_noise_is_smoothed():
    generator = np.random.default_rng(0)
    time = np.arange(0, 4, 1 / 60)
    place = np.stack([1 + 0.5 * time, 0 * time, 0 * time], axis=1)
    pose = sd.Pose.from_samples(time, place + generator.normal(scale=2e-3, size=place.shape))
    speed = HeadFrame(pose).velocities(geometry.frame_times(700, 0.1))[:, 0]
    wide = HeadFrame(pose).velocities(geometry.frame_times(700, 0.1), 0.4)[:, 0]
    assert np.std(speed) < 0.03
    assert np.std(wide) < 0.6 * np.std(speed)
    assert abs(np.mean(speed) - 0.5) < 5e-3


def test_a_jump_is_a_cut_and_no_motion():
    time = np.arange(0, 2, 0.01)
    x = np.where(time < 1, 1 + 0.5 * time, -2 - 0.25 * time)
    pose = sd.Pose.from_samples(time, np.stack([x, 0 * x + 1, 0 * x], axis=1))
    assert jumps(pose).round(4).tolist() == [0.995]
    assert [tuple(np.round(t, 3)) for t in turns(pose)] == [(0.0, 0.995), (0.995, 1.99)]
    times = np.array([0.5, 0.94, 0.98, 1.0, 1.05, 1.5])
    speed = HeadFrame(pose).velocities(times)[:, 0]
    np.testing.assert_allclose(speed, [0.5, 0.5, 0.5, -0.25, -0.25, -0.25], atol=1e-9)
    # In the cut step each side holds its own place.
    at = HeadFrame(pose).places(np.array([0.9925, 0.9975]))[:, 0]
    np.testing.assert_allclose(at, [1 + 0.5 * 0.99, -2 - 0.25 * 1.0])


def test_a_quick_walker_is_not_cut():
    pose = sd.Pose.line((1, 1, 0), (9, 1, 0), duration=1.0)
    assert len(jumps(pose)) == 0
    assert len(jumps(pose, jump_speed=5.0)) == len(pose.time) - 1


def test_the_end_of_a_pose_is_standing_still():
    pose = sd.Pose.line((1, 0, 0), (2, 0, 0), duration=1.0)
    seen = geometry.features(pose, [-0.5, 0.0, 0.5, 1.0, 1.2], 0.0)
    np.testing.assert_allclose(seen[:, 10], [0, 1, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(seen[:, 0], [1, 1, 1.5, 2, 2], atol=1e-6)


def test_a_turning_head():
    turn = 1.2
    time = np.linspace(0, 3, 601)
    q = Rotation.from_euler("z", (turn * time)[:, None]).as_quat()
    listener = sd.Pose.from_samples(time, np.tile([0.5, 0, 0], (601, 1)), q)
    pose = sd.Pose.fixed((2.5, 0, 0), facing=(-1, 0, 0))
    times = np.linspace(0, 3, 97)
    seen = geometry.features(pose, times, 0.1, listener=listener).astype(float)
    # The head turns left, so the speaker goes round it to the right.
    angle = -turn * times
    place = np.stack([2 * np.cos(angle), 2 * np.sin(angle), 0 * angle], axis=1)
    np.testing.assert_allclose(seen[:, 0:3], place - [0, 0.1, 0], atol=1e-4)
    reach = np.sqrt(4 + 0.01 - 0.4 * np.sin(angle))
    np.testing.assert_allclose(seen[:, 10], 0.2 * turn * np.cos(angle) / reach, atol=3e-3)
    # The mouth's direction in the head's frame turns the same way.
    forward = Rotation.from_quat(seen[:, 6:10]).apply([1.0, 0, 0])
    np.testing.assert_allclose(
        forward, np.stack([-np.cos(angle), -np.sin(angle), 0 * angle], axis=1), atol=1e-4
    )
    # The quaternion never leaves its hemisphere although the turn exceeds 180 degrees.
    assert (np.sum(seen[1:, 6:10] * seen[:-1, 6:10], axis=1) > 0.9).all()


def test_a_listener_who_keeps_pace_hears_no_shift():
    speaker = sd.Pose.line((2, 1, 0), (4, 1, 0), duration=2.0)
    listener = sd.Pose.line((0, 0, 0), (2, 0, 0), duration=2.0)
    seen = geometry.features(speaker, np.linspace(0, 2, 50), listener=listener)
    np.testing.assert_allclose(seen[:, 10:12], 0, atol=1e-9)
    # A listener who stood all the time, given or not, changes nothing.
    alone = geometry.features(speaker, np.linspace(0, 2, 50))
    given = geometry.features(
        speaker, np.linspace(0, 2, 50), listener=sd.Pose.fixed((0, 0, 0), facing=(1, 0, 0))
    )
    np.testing.assert_allclose(alone, given, atol=1e-6)


def mirrored(pose):
    turn = pose.orientation.values * [-1, 1, -1, 1]
    return sd.Pose.from_samples(pose.time.values, pose.position.values * [1, -1, 1], turn)


def test_the_mirror_image_swaps_the_ears():
    pose = sd.Pose.walk([(2, 1, 0.1), (0.5, -1, 0), (-1, -1.5, 0.3)], speed=0.9)
    times = geometry.frame_times(600)
    seen, other = geometry.features(pose, times), geometry.features(mirrored(pose), times)
    np.testing.assert_array_equal(other[:, :6], geometry.mirror(seen)[:, :6])
    np.testing.assert_allclose(other, geometry.mirror(seen), atol=1e-6)
    np.testing.assert_array_equal(geometry.mirror(geometry.mirror(seen)), seen)
    # The mouth of the mirror image points into the mirror image of its direction.
    one = Rotation.from_quat(seen[:, 6:10]).apply([1.0, 0, 0])
    two = Rotation.from_quat(other[:, 6:10]).apply([1.0, 0, 0])
    np.testing.assert_allclose(two, one * [1, -1, 1], atol=1e-6)
    assert np.abs(one[:, 1]).max() > 0.1


def test_doppler_is_a_tone_compressed():
    # Crests leave every 1/f s from a speaker who recedes at v and arrive at c: closed form by
    # following two of them.
    c, f = 343.0, 440.0
    for v in (-5.0, -0.3, 0.0, 0.3, 20.0):
        first = 10.0 / c
        second = 1 / f + (10.0 + v / f) / c
        assert geometry.doppler(v) == pytest.approx(1 / (second - first) / f, rel=1e-12)
    assert geometry.doppler(1.0) < 1 < geometry.doppler(-1.0)
    with pytest.raises(ValidationError, match="as fast as sound"):
        geometry.doppler([0.0, -343.0])


def test_on_the_ear_nothing_is_nan():
    pose = sd.Pose.line((0, 0.09, 0), (1, 0.09, 0), duration=1.0)
    seen = geometry.features(pose, [0.0, 0.5])
    assert np.isfinite(seen).all()
    assert seen[0, 10] == 0
    assert seen.dtype == np.float32
    assert seen.shape == (2, geometry.WIDTH)


@pytest.mark.parametrize(
    ("times", "options", "message"),
    [
        ([1.0, 0.5], {}, "increasing"),
        ([0.0, np.nan], {}, "finite"),
        ([0.0], {"ears": -0.1}, "ears must be zero or more"),
        ([0.0], {"window": 0.0}, "window must be more than zero"),
        ([0.0], {"jump_speed": -1.0}, "jump_speed must be more than zero"),
    ],
)
def test_what_is_refused(times, options, message):
    with pytest.raises(ValidationError, match=message):
        geometry.features(sd.Pose.fixed((1, 0, 0)), times, **options)
