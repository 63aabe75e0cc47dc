"""Room, Source, Scene: what they refuse, and the round trip through JSON."""

import copy
import json
import pickle

import numpy as np
import pytest

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Pose, Room, Scene, Source


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
        ],
    )
    def test_refusals(self, build, message):
        with pytest.raises(ValidationError, match=message):
            build()


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
