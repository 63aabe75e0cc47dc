"""Tracker rows against MRSDrama's own steps, written out, and against known paths."""

import numpy as np
import pytest
from spatialdrama_corpora.annotate.tracks import pose_from_tracks

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Pose, rotations

EAR = np.array([1.0, 2.0, 1.2])


def rows_of(path, times):
    return np.column_stack([path, 1000 * np.asarray(times)])


def circle(times):
    return EAR + np.stack(
        [2 * np.cos(0.4 * times), 2 * np.sin(0.4 * times), 0.3 + 0 * times], axis=1
    )


@pytest.mark.parametrize("look", [0.0, np.pi / 2, -2.0])
def test_places_are_those_of_mrsdramas_script(look):
    # Its script: subtract the ears, rotate so that the listener faces +y (by atan2 - 90 degrees),
    # interpolate to 50 ms; the house's converter takes x right, y front, z up to its own frame.
    times = np.sort(np.random.default_rng(0).uniform(0, 6, 400))
    times[0] = 0.0
    path = circle(times)
    turn = -(look - np.pi / 2)
    c, s = np.cos(turn), np.sin(turn)
    theirs = (path - EAR) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
    grid = np.arange(int(times[-1] * 20) + 1) / 20
    theirs = np.stack([np.interp(grid, times, theirs[:, i]) for i in range(3)], axis=1)
    house = Pose.from_arrays(
        theirs, [[1, 0, 0, 0]] * len(grid), time=grid, order="wxyz",
        axes="x-right y-forward z-up",
    )  # fmt: skip
    pose = pose_from_tracks(
        rows_of(path, times), ear_position=EAR, ear_orientation=look, smoothing=0
    )
    np.testing.assert_allclose(pose.position, house.position, atol=1e-9)
    vector = pose_from_tracks(
        rows_of(path, times), ear_position=EAR, smoothing=0,
        ear_orientation=(np.cos(look), np.sin(look)),
    )  # fmt: skip
    np.testing.assert_allclose(vector.position, pose.position, atol=1e-9)


def test_smoothing_takes_jitter_and_keeps_the_path():
    times = np.arange(0, 6, 0.02)
    noisy = circle(times) + np.random.default_rng(1).normal(0, 0.01, (len(times), 3))
    pose = pose_from_tracks(rows_of(noisy, times), ear_position=EAR, rate=60)
    truth = circle(pose.time.values) - EAR
    raw = pose_from_tracks(rows_of(noisy, times), ear_position=EAR, rate=60, smoothing=0)
    error = np.linalg.norm(pose.position.values - truth, axis=1)
    before = np.linalg.norm(raw.position.values - truth, axis=1)
    assert np.sqrt((error**2).mean()) < 0.6 * np.sqrt((before**2).mean())
    assert error.max() < 0.03
    # Speed on the circle is .8 m/s; from jitter alone it would be far off.
    speed = np.linalg.norm(np.gradient(pose.position.values, pose.time.values, axis=0), axis=1)
    assert np.median(np.abs(speed - 0.8)) < 0.05


def test_mouths_point_along_the_way():
    times = np.arange(0, 8, 0.05)
    x = np.clip(times - 2, 0, 4)  # stands 2 s, walks along x for 4 s, stands 2 s
    path = EAR + np.stack([x - 2, 1 + 0 * x, 0.3 + 0 * x], axis=1)
    pose = pose_from_tracks(rows_of(path, times), ear_position=EAR)
    mouth = rotations.rotate(pose.orientation.values, np.tile([1.0, 0, 0], (len(pose.time), 1)))
    assert (mouth @ [1, 0, 0] > 0.99).all()
    stands = np.tile(EAR + np.array([2, 1, 0]), (50, 1))
    still = pose_from_tracks(rows_of(stands, np.arange(50) / 20), ear_position=EAR)
    mouth = rotations.rotate(still.orientation.values[:1], np.array([[1.0, 0, 0]]))[0]
    np.testing.assert_allclose(mouth, -np.array([2, 1, 0]) / np.sqrt(5), atol=1e-6)


def test_given_quaternions_are_turned_too():
    times = np.arange(0, 2, 0.05)
    path = np.tile(EAR + np.array([0, 3, 0]), (len(times), 1))
    yaw = 0.3 + 0.5 * times
    q = np.stack([0 * yaw, 0 * yaw, np.sin(yaw / 2), np.cos(yaw / 2)], axis=1)
    q[10] = -q[10]  # the same rotation
    q[11] *= 0.1  # broken by interpolation per component
    pose = pose_from_tracks(rows_of(path, times), ear_position=EAR, ear_orientation=0.7, facing=q)
    mouth = rotations.rotate(pose.orientation.values, np.tile([1.0, 0, 0], (len(times), 1)))
    seen = np.arctan2(mouth[:, 1], mouth[:, 0])
    np.testing.assert_allclose(seen, yaw - 0.7, atol=2e-3)


def test_gaps_are_marked():
    times = np.concatenate([np.arange(0, 2, 0.05), np.arange(3.5, 5, 0.05)])
    pose = pose_from_tracks(rows_of(circle(times), times), ear_position=EAR)
    valid = pose.valid.values
    at = pose.time.values
    assert not valid[(at > 2.0) & (at < 3.45)].any()
    assert valid[(at < 1.95) | (at > 3.55)].all()
    nan = rows_of(circle(times), times)
    nan[5:8, :3] = np.nan
    assert pose_from_tracks(nan, ear_position=EAR).valid.values[:38].all()


def test_a_marker_that_jumped_for_a_moment_is_dropped():
    times = np.arange(0, 4, 0.05)
    path = circle(times)
    path[30] += [3.0, 0, 0]
    pose = pose_from_tracks(rows_of(path, times), ear_position=EAR, smoothing=0)
    np.testing.assert_allclose(pose.position.values, circle(pose.time.values) - EAR, atol=5e-3)


def test_bodies_units_and_order():
    times = np.arange(0, 2, 0.05)
    two = np.vstack([
        np.column_stack([rows_of(circle(times), times), np.full(len(times), 7)]),
        np.column_stack([rows_of(circle(times) + 5, times), np.full(len(times), 8)]),
    ])  # fmt: skip
    shuffled = np.random.default_rng(0).permutation(two)
    pose = pose_from_tracks(shuffled, ear_position=EAR, identity=7, smoothing=0)
    np.testing.assert_allclose(pose.position.values, circle(pose.time.values) - EAR, atol=1e-9)
    with pytest.raises(ValidationError, match=r"2 bodies.*7, 8"):
        pose_from_tracks(two, ear_position=EAR)
    with pytest.raises(ValidationError, match="no row of body 9"):
        pose_from_tracks(two, ear_position=EAR, identity=9)
    centimetres = rows_of(circle(times) * 100, times)
    with pytest.warns(SpatialDramaWarning, match="centimetres"):
        pose = pose_from_tracks(centimetres, ear_position=EAR * 100, smoothing=0)
    np.testing.assert_allclose(pose.position.values, circle(pose.time.values) - EAR, atol=1e-9)
    said = pose_from_tracks(centimetres, ear_position=EAR * 100, unit="cm", smoothing=0)
    assert said == pose


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (np.ones((3, 3)), {}, "x, y, z, time"),
        (np.full((3, 4), np.nan), {}, "has a time"),
        ([[np.nan, 0, 0, 1]], {}, "no finite place"),
        (np.ones((2, 4)), {"time_unit": "min"}, "time_unit"),
        (np.ones((2, 4)), {"unit": "mm"}, "unit must be"),
        (np.ones((2, 4)), {"ear_orientation": (0.0, 0.0)}, "ear_orientation"),
        (np.ones((2, 4)), {"facing": "up"}, "facing must be"),
        (np.ones((2, 4)), {"facing": np.ones((5, 4))}, "one quaternion a row"),
        (np.ones((2, 4)), {"rate": 0}, "rate"),
    ],
)
def test_what_is_wrong_is_said(rows, options, message):
    with pytest.raises(ValidationError, match=message):
        pose_from_tracks(rows, **{"ear_position": EAR, **options})
