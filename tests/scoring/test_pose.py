"""Poses of recordings: as they are, in a tracker's file, by item, and in the keys of scores."""

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import SpatialDramaError, UnknownNameError, ValidationError
from spatialdrama.runtime.cache import Cache
from spatialdrama.scoring.content import pose_digest

RATE = 16_000


def azimuth(audio, pose):
    """Degrees at the middle of the sound."""
    x, y, _ = pose.positions_at([audio.duration / 2])[0]
    return np.degrees(np.arctan2(y, x))


@pytest.fixture
def told(mine):
    """A metric that gives its pose's azimuth away."""
    mine(azimuth, "azimuth", needs=("pose",), unit="deg", direction="down", chance="shuffle")


def at(degrees):
    return sd.Pose.fixed(azimuth_deg=degrees, distance=2.0)


def tracked(path, degrees=30.0, rows=120):
    """A tracker's file: x right, y forward, z up, w first; one voice that stands still."""
    turn = np.radians(degrees)
    place = [-2 * np.sin(turn), 2 * np.cos(turn), 0.0, 1.0, 0.0, 0.0, 0.0]
    np.savetxt(path, np.tile(place, (rows, 1)))
    return path


class TestGiven:
    def test_a_pose_and_a_file_for_one_recording(self, make, told, tmp_path):
        audio, _ = make.pair()
        assert sd.score(audio, ["azimuth"], pose=at(50))["azimuth"] == pytest.approx(50)
        path = at(-20).save(tmp_path / "p.nc")
        assert sd.score(audio, ["azimuth"], pose=str(path))["azimuth"] == pytest.approx(-20)
        rows = tracked(tmp_path / "tx_positions.txt")
        table = sd.score(audio, ["azimuth"], pose=rows, pose_format="mrsdrama-120hz")
        assert table["azimuth"] == pytest.approx(30)

    def test_time_0_is_the_first_sample(self, make, told):
        audio, _ = make.pair(seconds=2.0)
        walk = sd.Pose.from_samples([0.0, 2.0], [[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]])
        assert sd.score(audio, ["azimuth"], pose=walk)["azimuth"] == pytest.approx(0, abs=1e-6)
        late = sd.score(audio, ["azimuth"], pose=walk.shifted(1.0))
        assert late["azimuth"] == pytest.approx(45)
        assert late.notes == ()

    def test_by_item_and_a_folder(self, make, told, tmp_path):
        items = {name: make.pair(seed=i)[0] for i, name in enumerate("ab")}
        at(-40).save(tmp_path / "b.nc")
        table = sd.score(items, ["azimuth"], pose={"a": at(10), "b": tmp_path / "b.nc"})
        assert table.lines("azimuth") == pytest.approx({"a": 10, "b": -40})
        # Chance is each sound with the other's pose: the same two numbers, exchanged.
        assert float(table.data["chance"].sel(metric="azimuth")) == pytest.approx(-15)
        tracked(tmp_path / "a.txt")
        table = sd.score(items, ["azimuth"], pose=tmp_path, pose_format="mrsdrama-120hz")
        assert table.lines("azimuth") == pytest.approx({"a": 30, "b": -40})

    def test_an_item_without_one_is_reported(self, make, told):
        items = {name: make.pair()[0] for name in "ab"}
        table = sd.score(items, ["azimuth"], pose={"a": at(10)})
        assert table["azimuth"] == pytest.approx(10)
        assert any("azimuth on b" in n and "--pose FILE" in n for n in table.notes)

    def test_a_drama_beside_a_recording(self, make, told):
        items = {"night": make.drama(lines=2), "clip": make.pair()[0]}
        table = sd.score(items, ["azimuth"], pose={"clip": at(10)})
        values = list(table.lines("azimuth").values())
        assert values == pytest.approx([45, -45, 10])  # A and B of the drama, the clip

    def test_compare_hands_it_on(self, make, told):
        found = sd.compare(
            {"one": make.pair()[0], "other": make.pair()[1]}, metrics=["azimuth"], pose=at(25)
        )
        assert found["other", "azimuth"].value == pytest.approx(25)


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({}, r"needs a pose; pass pose=\.\.\., or --pose FILE, or score a Drama"),
            ({"pose": 3}, "must be a Pose or a path; got int"),
            ({"pose": "none.nc"}, r"none\.nc does not exist"),
            ({"pose": {"x": at(0)}}, "'x'"),
            ({"pose": at(0), "pose_format": "mrsdrama-120hz"}, "without a pose file"),
            ({"pose_format": "mrsdrama-120hz"}, "without a pose file"),
            ({"pose": at(0), "pose_format": "mrsdrama"}, "mrsdrama-120hz"),
        ],
    )
    def test_with_a_reason(self, make, told, given, message):
        with pytest.raises(SpatialDramaError, match=message):
            sd.score(make.pair()[0], ["azimuth"], **given)

    def test_rows_without_a_convention(self, make, told, tmp_path):
        rows = tracked(tmp_path / "p.txt")
        with pytest.raises(ValidationError, match=r"pose_format= .*mrsdrama-120hz"):
            sd.score(make.pair()[0], ["azimuth"], pose=rows)

    @pytest.mark.parametrize("saved", [False, True])
    def test_a_drama_has_its_own(self, make, told, tmp_path, saved):
        drama = make.drama()
        thing = drama.save(tmp_path / "night") if saved else drama
        with pytest.raises(ValidationError, match="is a drama and has poses of its own"):
            sd.score(thing, ["azimuth"], pose=at(0))
        with pytest.raises(ValidationError, match="'x' is a drama and has"):
            sd.score({"x": thing, "y": make.pair()[0]}, ["azimuth"], pose={"x": at(0)})

    def test_one_for_several(self, make, told, tmp_path):
        items = {name: make.pair()[0] for name in "ab"}
        with pytest.raises(ValidationError, match="one pose for several items"):
            sd.score(items, ["azimuth"], pose=at(0))
        at(0).save(tmp_path / "a.nc")
        with pytest.raises(ValidationError, match=r"no pose for 'b': no b\.nc"):
            sd.score(items, ["azimuth"], pose=tmp_path)
        with pytest.raises(UnknownNameError, match="'c'"):
            sd.score(items, ["azimuth"], pose={"c": at(0)})

    def test_a_clock_of_another_day(self, make, told):
        walk = sd.Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=0.8)
        audio, _ = make.pair(seconds=1.0)
        with pytest.raises(ValidationError, match=r"from 100\.00 to .*time 0 is the first sample"):
            sd.score(audio, ["azimuth"], pose=walk.shifted(100.0))
        long, _ = make.pair(seconds=7.0)
        (note,) = sd.score(long, ["azimuth"], pose=walk).notes
        assert "its last place is held" in note


class TestKept:
    def scored(self, folder, **pose):
        return sd.score(folder, ["azimuth_mae_deg"], cache=True, **pose)

    def test_another_pose_is_scored_anew(self, make, tmp_path):
        """Delayed noise: what arrives .5 ms earlier at the left ear comes from the left."""
        folder = tmp_path / "clips"
        folder.mkdir()
        noise = np.random.default_rng(0).normal(0, 0.1, 48_024)
        ears = np.stack([noise[24:], noise[:-24]])
        sd.BinauralAudio(ears, 48_000).save(folder / "a.wav")
        left = self.scored(folder, pose={"a": at(60)})
        right = self.scored(folder, pose={"a": at(-60)})
        # The one sound is heard in one place: errors of 60 and of -60 degrees are its two sides.
        heard = left.details["a", "azimuth_mae_deg"]["heard"]
        assert 20 < heard < 160
        assert heard == pytest.approx(right.details["a", "azimuth_mae_deg"]["heard"])
        assert left["azimuth_mae_deg"] < 60 < right["azimuth_mae_deg"]
        assert len(Cache("scores")) == 2
        assert self.scored(folder, pose={"a": at(60)}) == left
        assert len(Cache("scores")) == 2

    def test_a_file_counts_by_content_and_convention(self, make, tmp_path):
        folder = tmp_path / "clips"
        folder.mkdir()
        make.pair(seconds=1.0)[0].save(folder / "a.wav")
        rows = tracked(tmp_path / "p.txt", 80)
        for n, (degrees, form) in enumerate(
            [(80, "mrsdrama-120hz"), (-80, "mrsdrama-120hz"), (-80, "binaural-speech-120hz")], 1
        ):
            tracked(rows, degrees)
            given = {"pose": {"a": rows}, "pose_format": form}
            fresh = sd.score(folder, ["azimuth_mae_deg"], cache=False, **given)
            assert self.scored(folder, **given) == fresh
            assert len(Cache("scores")) == n

    def test_poses_are_told_apart(self):
        walk = sd.Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=0.8)
        same = sd.Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=0.8)
        assert pose_digest(walk) == pose_digest(same)
        others = {pose_digest(p) for p in (walk, walk.shifted(0.1), at(0), at(1))}
        assert len(others) == 4
