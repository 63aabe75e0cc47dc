"""Pose: geometry against closed forms, conventions against the published code's arithmetic."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Pose, frames, rotations


def mouth(pose, times=0.0):
    """Where the mouth points: body x in the scene frame."""
    return rotations.rotate(pose.quaternions_at(times), np.array([[1.0, 0.0, 0.0]]))


class TestDirections:
    def test_azimuth_grows_to_the_left(self):
        assert np.rad2deg(Pose.fixed((0, 1, 0)).azimuth[0]) == pytest.approx(90)
        assert np.rad2deg(Pose.fixed((0, -1, 0)).azimuth[0]) == pytest.approx(-90)
        assert np.rad2deg(Pose.fixed((-1, 0, 0)).azimuth[0]) == pytest.approx(180)
        assert np.rad2deg(Pose.fixed((-1, -0.0, 0)).azimuth[0]) == pytest.approx(180)

    @pytest.mark.parametrize("azimuth", [-150, -60, 0, 45, 90, 179])
    @pytest.mark.parametrize("elevation", [-40, 0, 60])
    def test_fixed_by_angles_gives_the_angles_back(self, azimuth, elevation):
        pose = Pose.fixed(azimuth_deg=azimuth, elevation_deg=elevation, distance=2.5)
        assert np.rad2deg(pose.azimuth[0]) == pytest.approx(azimuth)
        assert np.rad2deg(pose.elevation[0]) == pytest.approx(elevation)
        assert pose.distance[0] == pytest.approx(2.5)

    def test_facing_the_listener_points_the_mouth_at_the_origin(self):
        pose = Pose.fixed((3.0, 1.0, 0.5))
        expected = -np.array([3.0, 1.0, 0.5]) / np.linalg.norm([3.0, 1.0, 0.5])
        np.testing.assert_allclose(mouth(pose)[0], expected, atol=1e-12)

    def test_left_ear_is_nearer_to_a_source_on_the_left(self):
        gap = Pose.fixed((0.5, 1.0, 0.0)).ear_distance()
        assert gap.sel(ear="left") < gap.sel(ear="right")


class TestWalk:
    def test_speed_is_kept_and_pauses_are_stood(self):
        pose = Pose.walk([(1, 0, 0), (1, 2, 0), (1, 2, 1)], speed=0.5, start=2, pauses={1: 3})
        assert pose.time.values[[0, -1]].tolist() == [2.0, 2.0 + 4.0 + 3.0 + 2.0]
        np.testing.assert_allclose(
            pose.positions_at([0, 4.0, 6.5, 9.0, 99]),
            [[1, 0, 0], [1, 1, 0], [1, 2, 0], [1, 2, 0], [1, 2, 1]],
        )

    def test_a_walker_looks_where_they_go(self):
        pose = Pose.walk([(1, -1, 0), (1, 1, 0), (-1, 1, 0)], speed=1.0)
        np.testing.assert_allclose(mouth(pose, 1.0)[0], [0, 1, 0], atol=1e-9)
        np.testing.assert_allclose(mouth(pose, 3.0)[0], [-1, 0, 0], atol=1e-9)

    def test_facing_the_listener_holds_on_the_way(self):
        pose = Pose.walk([(2, 2, 0), (2, -2, 0)], speed=1.0, facing="listener")
        for t in np.linspace(0, 4, 9):
            point = pose.positions_at(t)[0]
            np.testing.assert_allclose(mouth(pose, t)[0], -point / np.linalg.norm(point), atol=2e-3)

    def test_radial_velocity_is_positive_when_receding(self):
        pose = Pose.line((1, 0, 0), (5, 0, 0), duration=4.0)
        away = pose.at(2.0 + np.array([-0.2, 0.0, 0.2])).radial_velocity()
        # Straight ahead both ears recede alike: v x / sqrt(x^2 + a^2) at x = 3 m.
        expected = 3 / np.hypot(3, 0.0875)
        np.testing.assert_allclose(away.values[1], expected, rtol=1e-3)

    def test_circle_keeps_its_radius_and_turns_counter_clockwise(self):
        pose = Pose.circle(radius=1.5, duration=8.0, height=0.3)
        track = pose.positions_at(np.linspace(0, 8, 500))
        radii = np.hypot(track[:, 0], track[:, 1])
        assert radii.min() > 1.497
        assert radii.max() <= 1.5 + 1e-9
        assert np.all(np.diff(np.unwrap(np.arctan2(track[:, 1], track[:, 0]))) > 0)


class TestRefusals:
    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda: Pose.from_samples([0, 1], [[1, 0, 0], [np.nan, 0, 0]]), r"position\[1, 0\]"),
            (lambda: Pose.from_samples([1, 0], [[1, 0, 0]] * 2), r"time\[1\] = 0 s follows 1 s"),
            (lambda: Pose.from_samples([0, 0], [[1, 0, 0]] * 2), "increase strictly"),
            (lambda: Pose.from_samples([0], [[1, 0, 0]], [[0, 0, 0, 0]]), r"norm 0 at t = 0"),
            (lambda: Pose.from_samples([0], [[1, 0, 0]], [[0, 0, 0, 0.4]]), "norm 0.4"),
            (lambda: Pose.from_samples([], np.zeros((0, 3))), "no samples"),
            (lambda: Pose.fixed((1, 0)), "three numbers"),
            (lambda: Pose.fixed("ahead"), "three numbers"),
            (lambda: Pose.line((1, 0, 0), (2, 0, 0), duration=0), "duration must be more"),
            (lambda: Pose.fixed((1, 0, 0)).resample(0), "rate_hz must be more"),
            (lambda: Pose.from_samples([0], [[1, 0, 0]], valid=[1, 1]), r"valid must have shape"),
            (lambda: Pose.fixed(azimuth_deg=30), "needs a distance"),
            (lambda: Pose.fixed((1, 0, 0), azimuth_deg=30), "either a position"),
            (lambda: Pose.fixed(azimuth_deg=30, distance=-1), "more than zero m"),
            (lambda: Pose.walk([(1, 0, 0)], speed=1), "at least two waypoints"),
            (lambda: Pose.walk([(1, 0, 0), (1, 0, 0)], speed=1), "same point"),
            (lambda: Pose.walk([(1, 0, 0), (2, 0, 0)], speed=0), "speed"),
            (lambda: Pose.walk([(1, 0, 0), (2, 0, 0)], speed=1, pauses={5: 1}), "waypoint 5"),
            (lambda: Pose.walk([(1, 0, 0), (2, 0, 0)], speed=1, facing="up"), "facing must be"),
        ],
    )
    def test_messages_name_the_value(self, build, message):
        with pytest.raises(ValidationError, match=message):
            build()

    def test_buffers_are_read_only(self):
        pose = Pose.fixed((1, 0, 0))
        with pytest.raises(ValueError, match="read-only"):
            pose.position.values[0, 0] = 2.0

    def test_equal_by_content(self):
        assert Pose.fixed((1, 2, 0)) == Pose.fixed((1, 2, 0))
        assert Pose.fixed((1, 2, 0)) != Pose.fixed((1, 2, 0.1))


class TestRelative:
    def test_a_listener_who_turns_left_hears_the_front_on_the_right(self):
        turned = Pose.fixed((0, 0, 0), facing=(0, 1, 0))
        assert np.rad2deg(Pose.fixed((2, 0, 0)).relative_to(turned).azimuth[0]) == pytest.approx(
            -90
        )

    def test_a_listener_who_turns_and_walks_against_matrices(self):
        times = np.linspace(0, 3, 31)
        yaw = np.linspace(0, 2, 31)
        q = Rotation.from_euler("z", yaw[:, None]).as_quat()
        listener = Pose.from_samples(times, np.stack([0.2 * times, 0 * times, 0 * times], 1), q)
        speaker = Pose.walk([(2, 1, 0.2), (-1, 2, 0)], speed=0.8)
        seen = speaker.relative_to(listener)
        for t in (0.0, 0.71, 1.5, 2.9):
            world = speaker.positions_at(t)[0] - listener.positions_at(t)[0]
            angle = np.interp(t, times, yaw)
            c, s = np.cos(angle), np.sin(angle)
            expected = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ world
            np.testing.assert_allclose(seen.positions_at(t)[0], expected, atol=2e-4)


class TestForeignConventions:
    def test_mrsdrama_axes(self):
        # Mouth along the direction of motion: yaw = atan2(vy, vx) about z in (right, front, up).
        yaw = np.deg2rad(90)  # moves along +y, which is to the front
        q = [np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
        pose = Pose.from_arrays([[0.5, 2.0, 0.1]], [q], time=[0.0], order="wxyz",
                                axes="x-right y-forward z-up")  # fmt: skip
        np.testing.assert_allclose(pose.position.values, [[2.0, -0.5, 0.1]])
        np.testing.assert_allclose(mouth(pose), [[1, 0, 0]], atol=1e-12)

    def test_centimetres(self):
        pose = Pose.from_arrays([[-76.2, -228.6, 64.3]], [[1, 0, 0, 0]], time=[0], order="wxyz",
                                axes="x-right y-forward z-up", unit="cm")  # fmt: skip
        np.testing.assert_allclose(pose.position.values, [[-2.286, 0.762, 0.643]])

    def test_binaural_speech_against_the_published_mouth_position(self, tmp_path):
        """The published warp puts the mouth at p + R(q)^-1 (0.09, 0, -0.20), y to the right."""
        rng = np.random.default_rng(3)
        rotation = Rotation.random(20, random_state=3)
        position = rng.normal(0, 1, (20, 3)) + np.array([2, 0, 0])
        offset = np.array([0.09, 0.0, -0.20])
        published = position + rotation.apply(offset, inverse=True)
        path = tmp_path / "tx_positions.txt"
        np.savetxt(path, np.hstack([position, rotation.as_quat()]), fmt="%.10f")
        pose = Pose.read(path, "binaural-speech-120hz")
        ours = pose.position.values + rotations.rotate(pose.orientation.values, offset[None])
        np.testing.assert_allclose(ours * [1, -1, 1], published, atol=1e-8)
        assert pose.time.values[1] == pytest.approx(1 / 120)

    def test_the_mirror_alone_flips_x_and_z_of_the_quaternion(self):
        q = Rotation.from_euler("zyx", [0.3, -0.2, 0.1]).as_quat()
        pose = Pose.from_arrays([[1, 0, 0]], [q], time=[0], order="xyzw",
                                axes="x-forward y-right z-up")  # fmt: skip
        got = pose.orientation.values[0]
        expected = q * [-1, 1, -1, 1]
        np.testing.assert_allclose(got * np.sign(got @ expected), expected, atol=1e-12)

    def test_broken_quaternions_are_bridged_and_said(self):
        q = np.array([[1, 0, 0, 0], [0.03, 0, 0, 0.01], [0.5, 0, 0, -np.sqrt(0.75)]])
        with pytest.warns(SpatialDramaWarning, match="1 of 3 quaternions"):
            pose = Pose.from_arrays(np.ones((3, 3)), q, time=[0, 1, 2], order="wxyz",
                                    axes="x-forward y-left z-up", repair=True)  # fmt: skip
        np.testing.assert_allclose(np.linalg.norm(pose.orientation.values, axis=1), 1.0)
        np.testing.assert_allclose(mouth(pose, 1.0)[0, :2], [0.5, -np.sqrt(0.75)], atol=1e-9)

    @pytest.mark.parametrize("axes", ["x-right y-right z-up", "x-north y-left z-up", "z-up", ""])
    def test_odd_axes_are_refused(self, axes):
        with pytest.raises(ValidationError, match="axes="):
            frames.parse_axes(axes)

    def test_unknown_format_names_the_nearest(self, tmp_path):
        (tmp_path / "p.txt").write_text("1 0 0 1 0 0 0\n")
        with pytest.raises(LookupError, match="mrsdrama-120hz"):
            Pose.read(tmp_path / "p.txt", "mrsdrama-120")


class TestFiles:
    def pose(self):
        return Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=0.8)

    def test_netcdf_round_trip(self, tmp_path):
        assert Pose.read(self.pose().save(tmp_path / "pose.nc")) == self.pose()

    def test_zarr_round_trip(self, tmp_path):
        pytest.importorskip("zarr")
        path = tmp_path / "pose.zarr"
        self.pose().save(path)
        assert Pose.read(self.pose().save(path)) == self.pose()

    def test_invalid_samples_survive(self, tmp_path):
        pose = Pose.from_samples([0, 1, 2], [[1, 0, 0], [np.nan] * 3, [3, 0, 0]],
                                 np.tile([0, 0, 0, 1.0], (3, 1)), [True, False, True])  # fmt: skip
        assert pose.positions_at(1.0)[0, 0] == pytest.approx(2.0)
        again = Pose.read(pose.save(tmp_path / "p.nc"))
        assert again.valid.values.tolist() == [True, False, True]

    def test_foreign_files_are_refused_by_name(self, tmp_path):
        bad = tmp_path / "x.txt"
        bad.write_text("1 2 3\n")
        with pytest.raises(ValidationError, match=r"x\.txt has shape \(1, 3\)"):
            Pose.read(bad, "mrsdrama-120hz")
        with pytest.raises(ValidationError, match="name it with format="):
            Pose.read(bad)
        with pytest.raises(ValidationError, match="does not exist"):
            Pose.read(tmp_path / "none.txt", "mrsdrama-120hz")


def test_pictures():
    bundle = Pose.circle(radius=1, duration=3)._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Pose(")
    assert "<svg" in bundle["text/html"]
    assert "aria-label" in bundle["text/html"]
