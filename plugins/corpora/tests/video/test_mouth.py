"""The mouth in the picture lies where the projection says, and opens as the speech does.

It is looked for by its colour and by normalised cross-correlation, both written here: neither
knows the camera.
"""

import numpy as np
import pytest
from scipy.stats import spearmanr
from spatialdrama_corpora.video import (
    Appearance,
    Camera,
    Talker,
    mouth_opening,
    mouth_shown,
    project,
    render_frames,
)
from spatialdrama_corpora.video.opening import aperture

from spatialdrama.types import Pose, Room, Speech
from spatialdrama.types.script import Phone

#: Nothing on it is as red as lips: no red hair, shirt or wall.
PERSON = Appearance(
    skin=(222, 176, 140), hair=(34, 28, 28), eyes=(60, 40, 28), shirt=(46, 78, 130),
    shirt_second=(70, 76, 84), trousers=(44, 48, 62), blink_phase=3.0,
)  # fmt: skip


def _lips(frame):
    red, green, _ = np.moveaxis(frame.astype(float), -1, 0)
    return (green < 0.58 * red) & (red > 35)


def _centroid(mask):
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def _one(camera, pose, opening=0.0, **options):
    return next(render_frames(camera, [Talker(pose, [opening], PERSON)], 1, **options))


@pytest.mark.parametrize("opening", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("place", "facing"),
    [
        ((0.7, 0.0, 0.0), "listener"),
        ((0.7, 0.15, 0.1), "listener"),
        ((1.0, -0.3, -0.2), (-1, 0, 0)),
        ((1.2, 0.3, 0.1), (-1, 0.6, 0)),
        ((1.0, 0.0, 0.0), (-1, -0.5, 0.25)),
        ((1.5, 0.4, 0.0), "listener"),
        ((2.2, -0.5, 0.2), "listener"),
    ],
)
def test_its_colour_is_where_the_projection_says(place, facing, opening):
    camera = Camera((0, 0, 0), size=(256, 192))
    pose = Pose.fixed(place, facing=facing)
    expected = project(camera, [place])[0][0]
    found = _centroid(_lips(_one(camera, pose, opening)))
    # Lips that are wide open are 25 mm tall, and teeth are not red: the middle of the red moves.
    slack = 1.0 + 0.008 * opening * camera.focal_px / np.linalg.norm(place)
    assert np.linalg.norm(found - expected) < slack


def test_a_tracker_that_knows_nothing_follows_it():
    camera = Camera.looking_at((0, 0, 0.1), (1.5, 0, 0), focal_px=330.0, size=(256, 192))
    pose = Pose.line((1.5, 0.5, 0.0), (1.4, -0.5, 0.05), duration=2.0, facing="listener")
    count = 36
    opening = 0.5 + 0.5 * np.sin(np.arange(count) * 0.9)
    room = Room((6, 5, 3), rt60=0.4)
    frames = np.stack(list(render_frames(
        camera, [Talker(pose, opening, 1)], count, room=room, seed=1
    )))  # fmt: skip
    expected = project(camera, pose.positions_at(np.arange(count) / 24))[0]
    found = _follow(frames.mean(axis=3), expected[0])
    assert np.ptp(expected[:, 0]) > 150
    assert np.linalg.norm(found - expected, axis=1).max() < 2.0


def _follow(frames, pixel, half=(10, 12), reach=7):
    """Follow a patch of the first frame: the best normalised cross-correlation near the last."""
    corner = np.floor(pixel).astype(int) - half
    rest = pixel - corner
    width, height = 2 * half[0] + 1, 2 * half[1] + 1
    patch = frames[0][corner[1] : corner[1] + height, corner[0] : corner[0] + width]
    patch = (patch - patch.mean()) / patch.std()
    track = [pixel]
    for frame in frames[1:]:
        scores = np.full((2 * reach + 1, 2 * reach + 1), -1.0)
        for j in range(-reach, reach + 1):
            for i in range(-reach, reach + 1):
                x, y = corner[0] + i, corner[1] + j
                here = frame[y : y + height, x : x + width]
                scores[j + reach, i + reach] = np.mean(patch * (here - here.mean())) / here.std()
        j, i = np.unravel_index(np.argmax(scores), scores.shape)
        corner = corner + np.array([i - reach, j - reach])
        track.append(corner + rest)
    return np.array(track)


def test_the_mouth_opens_with_the_energy():
    rng = np.random.default_rng(0)
    rate, count = 24_000, 48
    times = np.arange(2 * rate) / rate
    envelope = 0.5 - 0.5 * np.cos(2 * np.pi * 2 * times)
    speech = Speech(0.3 * envelope * rng.normal(size=len(times)), rate)
    opening = mouth_opening(speech, 24.0, count)
    camera = Camera.looking_at((0, 0, 0), (0.8, 0, 0), focal_px=600.0, size=(256, 192))
    frames = np.stack(list(render_frames(
        camera, [Talker(Pose.fixed((0.8, 0, 0)), opening, PERSON)], count
    )))  # fmt: skip
    column, row = project(camera, [(0.8, 0, 0)])[0][0].astype(int)
    below = frames[:, row : row + 30, column - 5 : column + 6]
    height = np.array([_lips(frame).any(axis=1).sum() for frame in below])  # rows of lip and gap
    loud = envelope[(np.arange(count) * rate / 24).astype(int)]
    assert spearmanr(height, loud).statistic > 0.9
    # The lower lip's rim is 8.5 mm below the middle of a shut mouth, 20.5 mm of an open one.
    assert height.min() == pytest.approx(0.0085 * camera.focal_px / 0.8, abs=1)
    assert height.max() == pytest.approx(0.0205 * camera.focal_px / 0.8, abs=1)


def test_opening_of_a_known_level():
    rate = 24_000
    tone = np.sin(2 * np.pi * 200 * np.arange(rate) / rate)
    speech = Speech(np.r_[0.5 * tone, 0.05 * tone, 0 * tone], rate)
    opening = mouth_opening(speech, 24.0)
    assert len(opening) == 72
    assert opening[12] == pytest.approx(1.0, abs=0.01)
    assert opening[36] == pytest.approx((1 - 20 / 34) ** 1.5, abs=0.01)  # 20 dB below
    assert opening[60] == 0
    later = mouth_opening(speech, 24.0, 96, start=0.5)
    assert len(later) == 96
    assert np.allclose(later[12:84], opening)
    assert np.all(later[:11] == 0)
    assert np.all(later[84:] == 0)


def test_silence_is_shut():
    assert np.all(mouth_opening(Speech(np.zeros(24_000), 24_000), 24.0) == 0)


def test_lips_meet_in_m_and_open_in_a():
    rate = 24_000
    noise = np.random.default_rng(1).normal(size=rate)
    phones = (Phone("m", 0.0, 0.25), Phone("ɑː", 0.25, 0.5), Phone("i", 0.5, 0.75),
              Phone("<SP>", 0.75, 1.0))  # fmt: skip
    opening = mouth_opening(Speech(0.1 * noise, rate, phones=phones), 24.0)
    assert opening[2] == 0
    assert opening[9] > 0.95
    assert 0.3 < opening[15] < 0.5
    assert opening[21] == 0


@pytest.mark.parametrize(
    ("symbols", "low", "high"),
    [
        (("p", "b", "m", "P", "B", "M"), 0, 0),
        (("", "sp", "<SP>", "<AP>", "sil", ",", "…", " "), 0, 0),
        (("a", "ˈɑ", "AA1", "ang", "uai", "iao", "æ", "I", "W", "AY0"), 1, 1),
        (("i", "UW1", "ʊ", "in", "u", "van", "v"), 0.1, 1),
        (("s", "t", "zh", "NG", "ŋ", "HH", "x"), 0.3, 0.3),
        (("f", "F"), 0.1, 0.1),
    ],
)
def test_sounds_of_three_alphabets(symbols, low, high):
    assert all(low <= aperture(s) <= high for s in symbols), [aperture(s) for s in symbols]


def test_a_mouth_that_is_turned_away_is_not_shown():
    camera = Camera((0, 0, 0), size=(256, 192))
    seen, aside = (1.0, 0, 0), (1.0, 2.0, 0)
    assert mouth_shown(camera, Pose.fixed(seen), [0.0]).tolist() == [True]
    assert mouth_shown(camera, Pose.fixed(seen, facing=(1, 0, 0)), [0.0]).tolist() == [False]
    assert mouth_shown(camera, Pose.fixed(aside), [0.0]).tolist() == [False]
    # And truly: no lips in the picture from behind.
    assert _lips(_one(camera, Pose.fixed(seen), 0.5)).sum() > 10
    assert _lips(_one(camera, Pose.fixed(seen, facing=(1, 0, 0)), 0.5)).sum() == 0


def test_lips_differ_from_the_skin_of_every_speaker():
    for seed in range(200):
        person = Appearance.of(seed)
        skin, lips = np.array(person.skin), np.array(person.lips)
        assert lips[1] / lips[0] < 0.75 * skin[1] / skin[0]
