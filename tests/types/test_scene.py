"""Room, Source, Scene: what they refuse, and the round trip through JSON."""

import copy
import json
import pickle
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.io.scenes import room_from_dict, room_to_dict
from spatialdrama.types import Pose, Room, Scene, Source
from spatialdrama.types.materials import MATERIALS, WALLS

#: One room of each kind.
ROOMS = [
    Room.free_field(),
    Room.measured("hall.sofa"),
    Room((6, 5, 3), rt60=0.35),
    Room((6, 5, 3), rt60=0.35, drr_db=2),
    Room((6, 5, 3), rt60=[0.6, 0.5, 0.4, 0.4, 0.4, 0.35, 0.3]),
    Room((6, 5, 3), absorption=0.2),
    Room((6, 5, 3), absorption="plasterboard"),
    Room((6, 5, 3), absorption=[0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4]),
    Room((6, 5, 3), absorption={"walls": "plaster", "floor": "carpet", "ceiling": 0.6}),
]


def scene(**more):
    return Scene(
        Room((6, 5, 3), rt60=0.35),
        {
            "ANNA": Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=0.8, pauses={0: 1.0}),
            "BEN": Source(
                Pose.fixed(azimuth_deg=-60, distance=1.5), gain_db=-3, directivity="omni"
            ),
        },
        **more,
    )


class TestRoom:
    def test_the_origin_is_the_middle_at_ear_height(self):
        assert Room((6, 5, 3), rt60=0.3).listener == (3.0, 2.5, 1.5)
        assert Room((6, 5, 2), rt60=0.3).listener == (3.0, 2.5, 1.0)

    def test_bounds_and_surface(self):
        room = Room((6, 5, 3), rt60=0.3, listener=(1, 2, 1))
        low, high = room.bounds
        assert low.tolist() == [-1, -2, -1]
        assert high.tolist() == [5, 3, 2]
        assert room.surface == pytest.approx(2 * (30 + 18 + 15))
        assert room.contains([[4.9, 0, 0], [5.1, 0, 0]]).tolist() == [True, False]

    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda: Room((6, 5, 3)), "either rt60"),
            (lambda: Room((6, 5, 3), rt60=0.3, absorption=0.2), "either rt60"),
            (lambda: Room((6, 5, 3), rt60=-1), "rt60 must be more than zero"),
            (lambda: Room((6, 5, 3), rt60=float("nan")), "rt60"),
            (lambda: Room((6, 5, 3), absorption=1.5), "share of energy"),
            (lambda: Room((6, -5, 3), rt60=0.3), "three positive metres"),
            (lambda: Room((6, 5), rt60=0.3), "three numbers"),
            (lambda: Room("6x5x3", rt60=0.3), "three numbers"),
            (lambda: Source(Pose.fixed((1, 0, 0)), gain_db="x"), "gain_db must be a finite"),
            (lambda: Room((6, 5, 3), rt60=0.3, listener=(7, 1, 1)), "not inside"),
            (lambda: Room(None, rt60=0.3), "free field has no rt60"),
            (lambda: Room(None, drr_db=3), "free field has no drr_db"),
            (lambda: Room((6, 5, 3), rt60=[0.3, 0.4]), "one number or seven, seconds at 125, "),
            (lambda: Room((6, 5, 3), rt60=[0.3] * 6 + [0]), "more than zero s in every band"),
            (lambda: Room((6, 5, 3), rt60=[0.3] * 6 + [np.inf]), "seven finite numbers"),
            (lambda: Room((6, 5, 3), rt60="long"), "rt60 must be a number in s; got 'long'"),
            (lambda: Room((6, 5, 3), rt60=0.3, drr_db="loud"), "drr_db must be a finite"),
            (lambda: Room((6, 5, 3), absorption=0), "never decay"),
            (lambda: Room((6, 5, 3), absorption=-0.1), "share of energy"),
            (lambda: Room((6, 5, 3), absorption=np.nan), "share of energy"),
            (lambda: Room((6, 5, 3), absorption=None), "either rt60"),
            (lambda: Room((6, 5, 3), absorption="capet"), "Did you mean 'carpet'"),
            (lambda: Room((6, 5, 3), absorption=[0.1, 0.2]), "one number or seven, shares"),
            (lambda: Room((6, 5, 3), absorption=[[0.1], 0.2]), "one number or seven, shares"),
            (lambda: Room((6, 5, 3), absorption=[0.1] * 6 + [1.1]), "share of energy"),
            (lambda: Room((6, 5, 3), absorption=[0] + [0.1] * 6), "every wall at 125 Hz"),
            (lambda: Room((6, 5, 3), absorption={"walls": 0.1, "flor": 0.1}), "mean 'floor'"),
            (lambda: Room((6, 5, 3), absorption={"walls": 0.1}), "nothing of floor, ceiling"),
            (
                lambda: Room((6, 5, 3), absorption={"walls": 2, "floor": 0, "ceiling": 0}),
                "absorption of front is a share",
            ),
            (lambda: Room((6, 5, 3), rt60=0.3, brir="a.wav"), r"Room\.measured"),
            (lambda: Room(None, brir="a.wav", rt60=0.3), "measured room .* no rt60"),
            (lambda: Room.measured(""), "path of an impulse response"),
            (lambda: Room.measured(3), "path of an impulse response; got 3"),
            (lambda: Room.measured("a.wav").volume, "a measured room has no size"),
            (lambda: Room.free_field().rt60_bands, "a free field has no size"),
            (lambda: Room((6, 5, 3), rt60=0.3).wall_absorption, "give absorption="),
            (lambda: Room((6, 5, 3), rt60=0.3).drr_at(0), "distance must be more than zero m"),
        ],
    )
    def test_refusals(self, build, message):
        with pytest.raises(ValidationError, match=message):
            build()

    def test_walls_and_bands(self):
        room = Room(
            (6, 5, 3),
            absorption={
                "walls": "brick",
                "left": "open",
                "floor": np.full(7, 0.25),
                "ceiling": 0.5,
            },
        )
        table = room.wall_absorption
        assert table.shape == (6, 7)
        brick = [0.01, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02]
        np.testing.assert_array_equal(table[[0, 1, 3]], [brick] * 3)
        np.testing.assert_array_equal(table[2], 1)
        np.testing.assert_array_equal(table[4], 0.25)
        np.testing.assert_array_equal(table[5], 0.5)
        assert room.wall_areas.tolist() == [15, 15, 18, 18, 30, 30]
        with pytest.raises(ValueError):
            table[0, 0] = 1

    def test_materials_are_those_of_the_published_table(self):
        """pyroomacoustics carries the same annex (Vorländer 2008) in its own names."""
        pra = pytest.importorskip("pyroomacoustics")
        for ours, theirs in {
            "acoustic-ceiling": "ceiling_fissured_tile", "acoustic-plaster":
            "acoustical_plaster_25mm", "audience": "audience_wooden_chairs_2_m2", "brick":
            "smooth_brickwork_flush_pointing", "carpet": "carpet_tufted_9m", "carpet-thin":
            "carpet_thin", "concrete": "unpainted_concrete", "curtains": "curtains_cotton_0.5",
            "curtains-velvet": "curtains_velvet", "glass": "glass_window", "linoleum":
            "linoleum_on_concrete", "marble": "marble_floor", "mineral-wool":
            "rockwool_50mm_80kgm3", "plaster": "hard_surface", "plasterboard": "plasterboard",
            "seats": "chairs_upholstered_cloth", "stage-floor": "stage_floor", "tiles":
            "ceramic_tiles", "wood-lining": "wooden_lining", "wooden-door": "wooden_door",
        }.items():  # fmt: skip
            want = list(pra.Material(theirs).absorption_coeffs)
            want = want + want[-1:] * (7 - len(want))
            assert MATERIALS[ours] == pytest.approx(want), ours
        assert set(MATERIALS["open"]) == {1.0}

    def test_eyring_by_band(self):
        """Against pyroomacoustics' own formula, one band at a time."""
        pra = pytest.importorskip("pyroomacoustics")
        room = Room(
            (6, 5, 3), absorption={"walls": "plasterboard", "floor": "carpet", "ceiling": 0.6}
        )
        areas, table = [15, 15, 18, 18, 30, 30], room.wall_absorption
        for band in range(7):
            mean = sum(a * s for a, s in zip(areas, table[:, band], strict=True)) / 126
            want = pra.acoustics.rt60_eyring(126, 90, mean, 0.0, 343.0)
            assert room.rt60_bands[band] == pytest.approx(want, rel=2e-3)
        assert Room((6, 5, 3), rt60=0.4).rt60_bands.tolist() == [0.4] * 7

    def test_direct_to_reverberant_ratio(self):
        """Critical distance: there a diffuse field that has not decayed is as loud."""
        room = Room((20, 15, 8), rt60=3.0)
        critical = np.sqrt(2400 * 6 * np.log(10) / (4 * np.pi * 343 * 3.0))
        # From emission to arrival the field loses 60 r / (c T) dB; the formula leaves that out.
        assert room.drr_at(critical) == pytest.approx(60 * critical / (343 * 3.0), abs=1e-9)
        assert room.drr_at(1) - room.drr_at(2) == pytest.approx(20 * np.log10(2) - 60 / (343 * 3.0))
        wished = Room((20, 15, 8), rt60=3.0, drr_db=5)
        assert wished.drr_at(1) == pytest.approx(5)
        assert wished.drr_at(3) - wished.drr_at(1) == pytest.approx(room.drr_at(3) - room.drr_at(1))

    def test_measured(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        room = Room.measured("hall.wav")
        assert room.brir == str(tmp_path / "hall.wav")
        assert room.is_measured
        assert not room.is_free_field
        assert not room.is_shoebox
        assert room.contains([[99, 0, 0]]).all()
        assert room == Room.measured(tmp_path / "hall.wav") != Room.measured("other.wav")
        assert Scene(room, {"A": Pose.fixed((1, 0, 0))}).room == room
        assert "hall.wav" in room._repr_mimebundle_()["text/html"]

    @pytest.mark.parametrize(
        ("room", "shown"),
        [
            (Room((6, 5, 3), rt60=0.35), "Room(6 x 5 x 3 m, RT60 0.35 s)"),
            (Room((6, 5, 3), absorption=0.2), "Room(6 x 5 x 3 m, absorption 0.2)"),
            (Room((6, 5, 3), absorption="open"), "Room(6 x 5 x 3 m, open, RT60 0.0042 s)"),
            (Room((6, 5, 3), rt60=1, drr_db=3), "Room(6 x 5 x 3 m, RT60 1 s, D/R 3 dB at 1 m)"),
            (Room((6, 5, 3), rt60=[0.5] * 6 + [0.3]), "Room(6 x 5 x 3 m, RT60 0.3 to 0.5 s)"),
        ],
    )  # fmt: skip
    def test_repr(self, room, shown):
        assert repr(room) == shown

    @pytest.mark.parametrize("room", ROOMS)
    def test_equal_by_content_and_usable_as_a_key(self, room):
        again = attrs.evolve(room)
        assert again == room
        assert hash(again) == hash(room)
        assert copy.deepcopy(room) == pickle.loads(pickle.dumps(room)) == room
        assert len({*ROOMS, room}) == len(ROOMS)

    @pytest.mark.parametrize("room", ROOMS)
    def test_json_round_trip(self, room, tmp_path):
        one = Scene(room, {"A": Pose.fixed((1, 0, 0))})
        assert Scene.from_dict(json.loads(json.dumps(one.to_dict()))) == one
        assert Scene.load(one.save(tmp_path / "scene.json")) == one

    def test_a_measured_room_beside_its_scene_moves_with_it(self, tmp_path):
        one = Scene(Room.measured(tmp_path / "a" / "hall.wav"), {"A": Pose.fixed((1, 0, 0))})
        path = one.save(tmp_path / "a" / "scene.json")
        assert json.loads(path.read_text())["room"] == {"brir": "hall.wav"}
        (tmp_path / "a").rename(tmp_path / "b")
        assert Scene.load(tmp_path / "b" / "scene.json").room.brir == str(
            tmp_path / "b" / "hall.wav"
        )


class TestScene:
    def test_a_source_outside_the_room_is_named_with_time_and_place(self):
        with pytest.raises(
            ValidationError, match=r"'ANNA' is outside the room at t = 1\.00 s: \(2\.00, "
        ):
            Scene(Room((4, 4, 3), rt60=0.3),
                  {"ANNA": Pose.line((1, 0, 0), (5, 0.5, 0), duration=4)})  # fmt: skip

    def test_a_path_through_the_head_is_refused_between_samples_too(self):
        with pytest.raises(ValidationError, match=r"passes through the listener's head: 0\.05 m"):
            Scene(None, {"ANNA": Pose.line((1, 0.05, 0), (-1, 0.05, 0), duration=2)})

    def test_the_head_moves_with_the_listener(self):
        speaker = {"ANNA": Pose.fixed((1, 0, 0))}
        Scene(None, speaker, listener=Pose.line((0, 0, 0), (0, 1, 0), duration=2))
        with pytest.raises(ValidationError, match="head"):
            Scene(None, speaker, listener=Pose.line((0, 0, 0), (2, 0, 0), duration=2))

    def test_refusals(self):
        with pytest.raises(ValidationError, match="speakers="):
            Scene(None, {})
        with pytest.raises(ValidationError, match="needs a Pose; got tuple"):
            Scene(None, {"A": (1, 0, 0)})
        with pytest.raises(UnknownNameError, match="Did you mean 'omni'"):
            Source(Pose.fixed((1, 0, 0)), directivity="omno")
        with pytest.raises(UnknownNameError, match="Did you mean 'ANNA'"):
            scene().source("ANA")

    def test_copies_and_pickles(self):
        assert pickle.loads(pickle.dumps(scene())) == scene()
        assert copy.deepcopy(scene()) == scene()

    def test_json_round_trip(self, tmp_path):
        turning = Pose.from_samples([0, 2], np.zeros((2, 3)), [[0, 0, 0, 1], [0, 0, 0.6, 0.8]])
        for one in (scene(), scene(listener=turning, description="a hall"), scene().dry()):
            assert Scene.from_dict(json.loads(json.dumps(one.to_dict()))) == one
            assert Scene.load(one.save(tmp_path / "scene.json")) == one

    def test_hand_written_forms(self, tmp_path):
        Pose.fixed((0, 1, 0)).save(tmp_path / "still.nc")
        (tmp_path / "scene.json").write_text(json.dumps({
            "room": {"size": [6, 5, 3], "rt60": 0.35},
            "speakers": {
                "A": {"walk": [[2, 1, 0], [-1, 2, 0]], "speed": 0.8, "pauses": {"1": 2}},
                "B": {"azimuth_deg": -60, "distance": 1.5},
                "C": {"pose": {"fixed": [1, 0, 0.4]}, "gain_db": -2},
                "D": {"circle": {"radius": 1.2, "duration": 9}},
                "E": {"file": "still.nc"},
            },
        }))  # fmt: skip
        made = Scene.load(tmp_path / "scene.json")
        assert made.speakers["A"].pose == Pose.walk(
            [(2, 1, 0), (-1, 2, 0)], speed=0.8, pauses={1: 2}
        )
        assert made.speakers["C"].gain_db == -2
        assert made.speakers["E"].pose == Pose.fixed((0, 1, 0))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "line 1, column 2"),
            ("[]", "speakers"),
            ('{"speakers": {"A": {"stand": [1, 0, 0]}}}', "speaker 'A': a pose needs one of"),
            ('{"speakers": {"A": {"fixed": [1, 0]}}}', "speaker 'A': position must be three"),
            ('{"speakers": {"A": {"fixed": [1,0,0]}}, "rooms": 1}', "no entry 'rooms'"),
            ('{"schema": "x/9", "speakers": {"A": {"fixed": [1,0,0]}}}', "schema 'x/9'"),
            ('{"room": {"size": [6,5,3]}, "speakers": {"A": {"fixed": [1,0,0]}}}', "room: Room"),
            (
                '{"room": {"size": [6,5,3], "absorption": "bricks"},'
                ' "speakers": {"A": {"fixed": [1,0,0]}}}',
                "room: no material named 'bricks'. Did you mean 'brick'",
            ),
        ],
    )
    def test_messages_name_file_and_place(self, tmp_path, content, message):
        path = tmp_path / "scene.json"
        path.write_text(content)
        with pytest.raises(ValidationError, match=message) as caught:
            Scene.load(path)
        assert "scene.json" in str(caught.value)

    def test_picture_escapes_names(self):
        page = Scene(None, {"<b>": Pose.fixed((1, 0, 0))})._repr_mimebundle_()["text/html"]
        assert "<b>" not in page
        assert "&lt;b&gt;" in page


def test_the_reference_names_every_material():
    page = Path(__file__).parents[2] / "docs" / "reference" / "files.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in MATERIALS if f"`{name}`" not in text] == []


SHARES = st.floats(0.01, 1.0)
WALL = st.one_of(
    SHARES, st.sampled_from(sorted(MATERIALS)), st.lists(SHARES, min_size=7, max_size=7)
)


@settings(max_examples=60, deadline=None)
@given(
    walls=st.fixed_dictionaries(dict.fromkeys(WALLS, WALL)),
    drr_db=st.none() | st.floats(-30, 30),
    size=st.tuples(*[st.floats(1.0, 50.0)] * 3),
)
def test_any_walls_survive_json(walls, drr_db, size):
    room = Room(size, absorption=walls, drr_db=drr_db)
    again = room_from_dict(json.loads(json.dumps(room_to_dict(room))))
    assert again == room
    assert hash(again) == hash(room)
    assert np.isfinite(room.rt60_bands).all()
    assert (room.rt60_bands > 0).all()
    assert np.isfinite(room.drr_at(1.0))
