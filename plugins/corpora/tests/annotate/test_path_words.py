"""Prompts read back and compared with the pose by geometry of their own."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_corpora.annotate import path_words
from spatialdrama_corpora.annotate.motion import SECTORS, motion_of
from spatialdrama_corpora.annotate.path_words import phrasings, text_prompts

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Pose

ZH_NAMES = ("正前方", "左前方", "左侧", "左后方", "正后方", "右后方", "右侧", "右前方")
ZH = dict(zip(ZH_NAMES, SECTORS, strict=True))
EN_WORD = re.compile(r"\b(front-left|front-right|back-left|back-right|front|back|left|right)\b")
ZH_WORD = re.compile("|".join(ZH))


VIA = re.compile(r"(?:passing through|by way of|，经过)[^,，]*")


def sectors_said(text, language):
    """First, what lies between, last: in the order in which they are passed."""
    found = EN_WORD.findall if language == "en" else lambda t: [ZH[w] for w in ZH_WORD.findall(t)]
    between = [w for part in VIA.findall(text) for w in found(part)]
    ends = found(VIA.sub("", text))
    return [ends[0], *between, *ends[1:]] if between else ends


def sector_seen(point):
    """By degrees, not by the code under test: 0 ahead, 90 left."""
    angle = math.degrees(math.atan2(point[1], point[0])) % 360
    return SECTORS[round(angle / 45) % 8]


def near_edge(point, margin=2.0):
    angle = math.degrees(math.atan2(point[1], point[0])) % 45
    return abs(angle - 22.5) < margin


coordinate = st.floats(0.35, 4.0)


@st.composite
def walks(draw):
    """(pose, waypoints, start, speed, rest): walks of two or three points, then a rest."""
    points = []
    for _ in range(draw(st.integers(2, 3))):
        angle, reach = draw(st.floats(-math.pi, math.pi)), draw(coordinate)
        points.append((reach * math.cos(angle), reach * math.sin(angle), 0.3))
    speed, start = draw(st.sampled_from([0.3, 0.8, 1.5])), draw(st.sampled_from([0.0, 1.3]))
    legs = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if legs.min() < 0.6:
        points = [(2.0, -1.5, 0.3), (2.0, 1.5, 0.3)]
        legs = np.array([3.0])
    rest = draw(st.sampled_from([0.0, 1.5]))
    pose = Pose.walk(points, speed=speed, start=start)
    return pose, np.array(points), start, speed, rest, start + legs.sum() / speed


@settings(max_examples=60, deadline=None)
@given(walks(), st.sampled_from(["en", "zh"]))
def test_walks_are_said_as_they_are(walk, language):
    pose, points, start, speed, rest, arrives = walk
    said = text_prompts(pose, language, count=9, start=0.0, end=arrives + rest)
    assert len({p.text for p in said}) == len(said) >= 4
    dense = pose.positions_at(np.linspace(0, arrives, 4000))
    seen = [sector_seen(p) for p in dense]
    for text in (p.text for p in said):
        words = sectors_said(text, language)
        assert len(words) >= 1
        if not near_edge(points[0]):
            assert words[0] == seen[0], text
        if not near_edge(points[-1]):
            assert words[-1] == seen[-1], text
        # What is said to lie between was passed, in that order.
        place = 0
        for word in words:
            place = next((i for i in range(place, len(seen)) if seen[i] == word), None)
            if place is None:
                assert near_edge(points[0]) or near_edge(points[-1]), text
                break
        pace = {0.3: ("slowly", "慢慢地"), 0.8: ("at a steady pace", "以平稳的步伐"),
                1.5: ("quickly", "快步")}[speed]  # fmt: skip
        for other in ("slowly", "at a steady pace", "quickly", "慢慢地", "以平稳的步伐", "快步"):
            assert (other in text) <= (other in pace), text
        seconds = re.search(r"(\d+(?:\.\d+)?) ?(?:s\b|秒)", text)
        if seconds:
            assert float(seconds[1]) == pytest.approx(start, abs=0.16), text
        if re.search("then pauses|然后停下", text):
            assert rest > 0, text
        nearer = np.linalg.norm(points[0]) - np.linalg.norm(points[-1])
        if re.search("coming nearer|越走越近", text):
            assert nearer > 0.4, text
        if re.search("farther|越走越远", text):
            assert nearer < -0.4, text


@settings(max_examples=60, deadline=None)
@given(st.floats(-180, 180), st.floats(0.3, 5.0), st.floats(-60, 60), st.sampled_from(["en", "zh"]))
def test_still_speakers_are_said_where_they_are(azimuth, distance, elevation, language):
    pose = Pose.fixed(azimuth_deg=azimuth, distance=distance, elevation_deg=elevation)
    point = pose.position.values[0]
    said = text_prompts(pose, language, count=9)
    assert len(said) == 5
    assert said[0].text.startswith("[STATIC]" if language == "en" else "[静止]")
    for text in (p.text for p in said):
        assert near_edge(point, 1e-6) or sectors_said(text, language) == [sector_seen(point)], text
        if re.search(r"\bnear\b|close by|近处", text):
            assert distance < 1.0 + 1e-9, text
        if re.search(r"\bfar\b|远处", text):
            assert distance > 2.5 - 1e-9, text
        if re.search(r", up\b|above ear|偏上", text):
            assert elevation > 14.99
        if re.search(r", down\b|below ear|偏下", text):
            assert elevation < -14.99
        # Ears of the listener 1.2 m above the floor; who speaks from above 1.35 m stands.
        if re.search(r"\bstand|站", text):
            assert 1.2 + point[2] > 1.35 - 1e-9
        if re.search(r"\bsit|坐", text):
            assert 1.2 + point[2] <= 1.35 + 1e-9
        metres = re.search(r"(\d+\.\d+) ?(?:m away|米远)", text)
        if metres:
            assert float(metres[1]) == pytest.approx(distance, abs=0.06)


def test_the_words_of_mrsdrama():
    walk = Pose.walk([(1.5, -1.5, 0.3), (1.5, 1.5, 0.3)], speed=0.6)
    text = text_prompts(walk, count=1, end=8.0)[0].text
    # As published: "[DYNAMIC] Moves from front-right to front-left, passing through center front,
    # then pauses".
    expected = "[DYNAMIC] Moves from front-right to front-left, passing through front, then pauses"
    assert text == expected


def test_pauses_and_sitting_down():
    halting = Pose.walk([(2, -2, 0.35), (2, 0, 0.35), (2, 2, 0.35)], speed=0.7, pauses={1: 1.5})
    assert motion_of(halting).stays == 1
    assert all("pause" in t for t in phrasings(motion_of(halting), "en")[:2])
    assert "中途停顿" in phrasings(motion_of(halting), "zh")[0]
    sits = Pose.from_samples([0, 1, 2, 3], [[1, 1, 0.4], [1, 1, 0.4], [1, 1, -0.1], [1, 1, -0.1]])
    assert motion_of(sits).change == "sits down"
    assert "sits down" in phrasings(motion_of(sits), "en")[0]
    assert "坐下" in phrasings(motion_of(sits), "zh")[0]
    up = Pose.from_samples([0, 1, 2, 3], [[1, 1, -0.1], [1, 1, -0.1], [1, 1, 0.4], [1, 1, 0.4]])
    assert motion_of(up).change == "stands up"


def test_a_part_of_the_pose_alone():
    pose = Pose.walk([(2, 2, 0), (2, -2, 0), (-2, -2, 0)], speed=1.0)
    first = motion_of(pose, start=0.0, end=3.9)
    second = motion_of(pose, start=4.1, end=8.0)
    assert (first.start.sector, first.end.sector) == ("front-left", "front-right")
    assert (second.start.sector, second.end.sector) == ("front-right", "back-right")


def test_from_where_the_listener_looks():
    ahead = Pose.fixed((2, 0, 0))
    left = Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    assert "at right" in text_prompts(ahead, listener=left)[0].text


def test_jitter_of_a_tracker_is_no_walk():
    rng = np.random.default_rng(0)
    jitter = np.array([1.5, 1.0, 0.3]) + rng.normal(0, 0.005, (100, 3))
    assert not motion_of(Pose.from_samples(np.arange(100) / 20, jitter)).moves


def test_same_seed_same_words():
    walk = Pose.line((2, 1, 0), (-2, 1, 0), duration=5)
    assert text_prompts(walk, "en", 7) == text_prompts(walk, "en", 7)
    sets = {tuple(p.text for p in text_prompts(walk, "en", seed)) for seed in range(20)}
    assert len(sets) > 5
    assert all(s[0].startswith("[DYNAMIC]") for s in sets)


def test_every_sentence_of_both_languages_is_of_that_language():
    walk, still = Pose.line((2, 1, 0), (-2, 1, 0), duration=5), Pose.fixed((1, 0, 0))
    for pose in (walk, still):
        assert all(re.search("[\u4e00-\u9fff]", t) for t in phrasings(motion_of(pose), "zh"))
        assert all(t.isascii() for t in phrasings(motion_of(pose), "en"))
    assert path_words.LANGUAGES == ("en", "zh")


def test_what_is_wrong_is_said():
    with pytest.raises(UnknownNameError, match="en, zh"):
        text_prompts(Pose.fixed((1, 0, 0)), "fr")
    with pytest.raises(ValidationError, match="count"):
        text_prompts(Pose.fixed((1, 0, 0)), count=0)
    with pytest.raises(ValidationError, match="ends after it starts"):
        motion_of(Pose.fixed((1, 0, 0)), start=2, end=1)
