"""Rooms in words, read back against the room."""

import re

import pytest
from spatialdrama_corpora.annotate.room_words import (
    MATERIALS_ZH,
    scene_phrasings,
    scene_prompt,
)

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Room
from spatialdrama.types.materials import MATERIALS

# (room, size in English and Mandarin, decay in English and Mandarin). Volumes 16, 90, 480, 6000 m3.
ROOMS = [
    (Room((3, 2.2, 2.4), rt60=0.2), "small", "狭小", "very dry", "非常干"),
    (Room((6, 5, 3), rt60=0.4), "medium-sized", "中等大小", "dry", "较干"),
    (Room((12, 8, 5), rt60=0.8), "large", "宽敞", "lively", "活跃"),
    (Room((30, 20, 10), rt60=1.4), "very large", "巨大", "reverberant", "混响明显"),
    (Room((30, 20, 10), rt60=3.0), "very large", "巨大", "very reverberant", "混响很长"),
]


@pytest.mark.parametrize(("room", "size", "zh_size", "decay", "zh_decay"), ROOMS)
def test_size_and_decay_are_said(room, size, zh_size, decay, zh_decay):
    for text in scene_phrasings(room, "en"):
        assert re.search(rf"(?<!very ){size}\b", text), text
        assert re.search(rf"(?<!very ){decay}\b", text), text
        if times := re.search(r"(?:RT60|decays in) (\d+(?:\.\d+)?) s", text):
            assert float(times[1]) == pytest.approx(room.rt60, rel=0.05)
    for text in scene_phrasings(room, "zh"):
        assert zh_size in text
        assert zh_decay in text


def test_measures_are_those_of_the_room():
    text = next(t for t in scene_phrasings(Room((7.25, 4.5, 2.8), rt60=0.5), "en") if " by " in t)
    assert "7.25 by 4.5 m and 2.8 m high" in text
    volume = re.search(r"about (\d+) cubic", scene_phrasings(Room((7, 5, 3), rt60=0.5), "en")[2])
    assert float(volume[1]) == pytest.approx(105, rel=0.1)


def test_materials_are_said():
    room = Room(
        (6, 5, 3), absorption={"walls": "curtains-velvet", "floor": "carpet", "ceiling": 0.3}
    )
    for text in scene_phrasings(room, "en"):
        assert "walls of curtains velvet" in text
        assert "floor of carpet" in text
        assert "ceiling" not in text  # a number has no name
    assert all("墙面为丝绒帘幕，地面为地毯" in t for t in scene_phrasings(room, "zh"))
    assert "walls of brick" in scene_prompt(Room((6, 5, 3), absorption="brick"))
    assert set(MATERIALS_ZH) == set(MATERIALS)


def test_free_field_and_measured_rooms():
    assert re.search("free field|open|anechoic", scene_prompt(Room.free_field()))
    assert "measured" in scene_prompt(Room.measured("hall.wav"))
    assert "实测" in scene_prompt(Room.measured("hall.wav"), "zh")


def test_same_seed_same_words():
    room = ROOMS[1][0]
    assert {scene_prompt(room, "en", s) for s in range(30)} == set(scene_phrasings(room, "en"))
    assert scene_prompt(room, "zh", 5) == scene_prompt(room, "zh", 5)


def test_what_is_wrong_is_said():
    with pytest.raises(UnknownNameError, match="en, zh"):
        scene_prompt(Room.free_field(), "de")
    with pytest.raises(ValidationError, match="Room"):
        scene_prompt("a hall")
