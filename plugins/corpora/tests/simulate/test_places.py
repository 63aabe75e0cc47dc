"""Paths, stages, rooms, heads and cameras: within all stated ranges, whatever the seed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_corpora.simulate.cameras import draw_camera
from spatialdrama_corpora.simulate.heads import HEADS, head_options
from spatialdrama_corpora.simulate.paths import Path, path_from_dict
from spatialdrama_corpora.simulate.rooms import FAMILIES, make_room
from spatialdrama_corpora.simulate.stage import FARTHEST, FASTEST, KINDS, NEAREST, Stage

from spatialdrama.errors import UnknownNameError
from spatialdrama.runtime.seeding import rng
from spatialdrama.types import Room, Scene, rotations

FAMILY = st.sampled_from([*FAMILIES, "free"])


def drawn(family, index, seed, kind, seconds):
    room = make_room(family, index, seed=seed)
    stage = Stage(room, rng(seed, "stage"))
    return room, stage, stage.path("ANNA", kind, seconds, rng(seed, kind))


class TestPathsOnStages:
    @settings(deadline=None, max_examples=120)
    @given(FAMILY, st.integers(0, 11), st.integers(0, 10**6), st.sampled_from(list(KINDS)),
           st.floats(2.0, 14.0))  # fmt: skip
    def test_every_movement_keeps_its_ranges_whatever_the_line_becomes(
        self, family, index, seed, kind, seconds
    ):
        room, _, path = drawn(family, index, seed, kind, seconds)
        pose = path.pose(1.3 * seconds)  # voices are not as quick as the estimate says
        Scene(room, {"ANNA": pose})  # refuses walls and heads
        distance = pose.distance.values
        assert distance.min() >= NEAREST
        assert distance.max() <= FARTHEST + 1e-3
        if len(pose.time) > 2:
            step = np.diff(pose.time.values)
            speed = np.linalg.norm(np.diff(pose.position.values, axis=0), axis=1) / step
            assert speed.max() <= FASTEST + 1e-3
            # Smooth: nobody reaches 2 m/s in less than a twentieth of a second.
            gain = np.diff(speed[:-1]) * 100.0  # the last step may be shorter
            assert np.abs(gain).max(initial=0.0) <= 60.0
        assert pose.time.values[0] == 0.0
        assert pose.time.values[-1] == pytest.approx(1.3 * seconds, abs=1e-9)

    @settings(deadline=None, max_examples=30)
    @given(FAMILY, st.integers(0, 10**6))
    def test_a_stage_has_5_to_12_marks_in_its_room(self, family, seed):
        room = make_room(family, seed % 8, seed=seed)
        marks = Stage(room, rng(seed)).marks
        assert 5 <= len(marks) <= 12
        assert room.contains(np.column_stack([marks, np.zeros(len(marks))])).all()

    def test_kinds_are_what_they_are_called(self):
        seen = set()
        for seed in range(40):
            for kind in KINDS:
                _, stage, path = drawn("hall", seed % 5, seed, kind, 6.0)
                seen.add(path.kind)
                pose = path.pose(6.0)
                height = pose.position.values[:, 2] - stage.floor
                moved = np.abs(np.diff(pose.position.values, axis=0)).sum()
                if path.kind in ("stand", "sit", "turn"):
                    assert moved == 0.0
                    assert (height.max() < 1.3) == (path.kind == "sit")
                if path.kind in ("walk", "pause"):
                    assert 5 <= len(path.points) <= 12
                if path.kind == "pause":
                    assert max(path.stays[1:-1]) >= 0.3
                if path.kind == "rise":
                    assert np.ptp([p[2] for p in path.points]) == pytest.approx(0.4, abs=0.07)
                if path.kind == "behind":
                    assert (np.abs(pose.azimuth.values) > np.deg2rad(100)).mean() > 0.5
                if path.kind == "turn":
                    ahead = rotations.rotate(
                        pose.orientation.values, np.tile([1.0, 0, 0], (len(pose.time), 1))
                    )
                    swing = np.arccos(np.clip(ahead @ ahead[0], -1, 1))
                    assert swing.max() > np.deg2rad(75)
                if path.kind == "pass":
                    assert path.positions(np.arange(0, path.length, 0.01)).shape[1] == 3
                    assert np.linalg.norm(
                        path.positions(np.arange(0, path.length + 1, 0.01)), axis=1
                    ).min() < 0.8  # fmt: skip
        assert seen == set(KINDS)

    def test_a_speaker_goes_on_from_where_the_last_line_left_him(self):
        stage = Stage(Room.free_field(), rng(1))
        first = stage.path("ANNA", "walk", 4.0, rng(2))
        then = stage.path("ANNA", "stand", 4.0, rng(3))
        end = first.positions(np.array([4.0]))[0]
        assert np.allclose(then.points[0][:2], end[:2], atol=1e-3)


class TestPaths:
    def test_a_walk_takes_the_time_that_its_legs_take(self):
        path = Path(kind="walk", points=[(1, 0, 0), (1, 2, 0), (3, 2, 0)], speeds=[1, 0.5],
                    stays=[0.5, 1.0, 0])  # fmt: skip
        assert path.length == pytest.approx(0.5 + 2.0 + 1.0 + 4.0)
        at = path.positions([0.0, 1.5, 3.0, 7.6])
        assert np.allclose(at, [(1, 0, 0), (1, 1, 0), (1, 2, 0), (3, 2, 0)], atol=0.01)

    def test_a_walker_looks_along_the_way(self):
        path = Path(kind="walk", points=[(1, 0, 0), (1, 4, 0), (-3, 4, 0)], speeds=[1, 1],
                    stays=[0, 0, 0], facing="motion")  # fmt: skip
        ahead = rotations.rotate(path.orientations([2.0, 6.0]), np.tile([1.0, 0, 0], (2, 1)))
        assert np.allclose(ahead, [(0, 1, 0), (-1, 0, 0)], atol=1e-6)

    def test_an_arc_is_a_circle(self):
        path = Path(kind="circle", arc=(1.5, 0.0, 0.5, 0.2))
        p = path.positions(np.linspace(0, 12, 50))
        assert np.allclose(np.hypot(p[:, 0], p[:, 1]), 1.5)
        assert path.length == pytest.approx(4 * np.pi)

    def test_a_turn_ends_where_it_says(self):
        path = Path(kind="turn", points=[(2, 0, 0)], stays=[0], turns=[(1.0, np.pi / 2, 0.4)])
        ahead = rotations.rotate(path.orientations([0.5, 2.0]), np.tile([1.0, 0, 0], (2, 1)))
        # Looks at the listener, which is -x, then a quarter to the left of that, which is -y.
        assert np.allclose(ahead, [(-1, 0, 0), (0, -1, 0)], atol=1e-4)

    @given(FAMILY, st.integers(0, 1000), st.sampled_from(list(KINDS)))
    @settings(deadline=None, max_examples=30)
    def test_a_path_comes_back_from_json(self, family, seed, kind):
        import json

        path = drawn(family, 0, seed, kind, 5.0)[2]
        assert path_from_dict(json.loads(json.dumps(path.to_dict()))) == path


class TestRooms:
    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from(list(FAMILIES)), st.integers(0, 40), st.integers(0, 10**6))
    def test_a_room_belongs_to_its_family(self, family, index, seed):
        room = make_room(family, index, seed=seed)
        low, high = FAMILIES[family].rt60
        assert low <= room.rt60_bands[3] <= high
        for length, (least, most) in zip(room.size, FAMILIES[family].size, strict=True):
            assert least <= length <= most
        near = np.minimum(*np.abs(room.bounds))
        assert near[:2].min() >= 1.1
        assert room == make_room(family, index, seed=seed)

    def test_families_do_not_overlap(self):
        spans = sorted(f.rt60 for f in FAMILIES.values())
        assert all(a[1] < b[0] for a, b in pairwise(spans))

    def test_rooms_say_how_they_sound_in_four_ways(self):
        rooms = [make_room("living", i) for i in range(24)]
        assert any(r.absorption is not None for r in rooms)
        assert any(isinstance(r.rt60, tuple) for r in rooms)
        assert any(isinstance(r.rt60, float) and r.drr_db is None for r in rooms)
        assert any(r.drr_db is not None for r in rooms)

    def test_an_unknown_family_names_the_known(self):
        with pytest.raises((UnknownNameError, ValueError), match="living"):
            make_room("livng", 0)


class TestHeadsAndCameras:
    def test_a_larger_sphere_hears_larger_delays(self):
        from scipy.signal import butter, correlate, sosfiltfilt

        def lag(name):
            data = head_options(name)["hrtf"]
            side = int(np.argmax(data.position.values[:, 1]))
            low = butter(4, 1500, fs=48_000, output="sos")
            left, right = sosfiltfilt(low, data.impulse_response.values[side])
            c = correlate(right, left)
            fine = np.interp(np.arange(0, len(c), 0.05), np.arange(len(c)), c)
            return (np.argmax(fine) * 0.05 - (len(left) - 1)) / 48_000

        # A. Kuhn (1977): 3 a / c for a source at the side, below a kilohertz or so.
        for name, radius in (("sphere-76mm", 0.076), ("sphere-94mm", 0.094)):
            assert lag(name) == pytest.approx(2.8 * radius / 343, rel=0.12)

    def test_a_sphere_is_the_cores_sphere(self):
        from spatialdrama.dsp.pose_itd import sphere_transfer

        data = head_options("sphere-94mm")["hrtf"]
        some = [3, 200, 611]
        spectra = np.fft.rfft(data.impulse_response.values[some], axis=-1)[..., 1:120]
        frequency = np.fft.rfftfreq(512, 1 / 48_000)[1:120]
        for got, place in zip(spectra, data.position.values[some], strict=True):
            for ear, side in enumerate((1.0, -1.0)):
                angle = np.arccos(side * place[1] / 1.5)
                want = sphere_transfer(frequency, 1.5, angle, head_radius=0.094)
                want = want * np.exp(-2j * np.pi * frequency * 64 / 48_000)
                assert np.allclose(got[ear], want, atol=1e-6)

    def test_every_head_gives_options(self):
        for name in HEADS:
            assert "hrtf" in head_options(name)

    @settings(deadline=None, max_examples=30)
    @given(FAMILY, st.integers(0, 10**6))
    def test_a_camera_stands_in_the_room_and_sees_the_listener(self, family, seed):
        room = make_room(family, 0, seed=seed)
        camera = draw_camera(room, rng(seed))
        position = np.array(camera["position"])
        assert room.contains(position).all()
        q = np.array([camera["orientation"]])
        ahead = rotations.rotate(q, np.array([[1.0, 0, 0]]))[0]
        toward = -position / np.linalg.norm(position)
        assert ahead @ toward > np.cos(np.deg2rad(30))
