"""Delays against the measured interaural difference of a rendered sound, and words for rooms."""

import numpy as np
import pytest
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.drama.place import ear_delays, frame_times, in_words

from spatialdrama.types import Pose, Room, Scene


def test_frames_are_a_hop_apart_from_the_start_on():
    times = frame_times(2.5, 4, MelConfig(rate=24_000, hop=240, high=12_000.0))
    np.testing.assert_allclose(times, [2.5, 2.51, 2.52, 2.53])


@pytest.mark.parametrize(("azimuth", "sign"), [(90, -1), (-90, 1), (0, 0), (180, 0)])
def test_the_near_ear_hears_first(azimuth, sign):
    left, right = ear_delays(Pose.fixed(azimuth_deg=azimuth, distance=1.5), np.zeros(1))
    assert np.sign(np.round(left - right, 7))[0] == sign


def test_both_ears_hear_a_metre_later_what_is_a_metre_farther():
    near, far = (ear_delays(Pose.fixed((r, 0, 0)), np.zeros(1)) for r in (1.0, 2.0))
    np.testing.assert_allclose(far - near, 1 / 343.0, rtol=1e-9)


def test_low_sound_is_late_by_three_halves_of_the_straight_path_at_most():
    # Kuhn (1977): 3 a sin(azimuth) / c for the lowest sound; Woodworth: (az + sin az) a / c for the
    # highest. What speech gives lies between.
    a, c, az = 0.0875, 343.0, np.radians(50)
    left, right = ear_delays(Pose.fixed(azimuth_deg=50, distance=8.0), np.zeros(1))[:, 0]
    assert (az + np.sin(az)) * a / c < right - left < 3 * a * np.sin(az) / c


def test_a_listener_who_turns_moves_the_speaker():
    speaker, turned = Pose.fixed((2, 0, 0)), Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    seen = ear_delays(speaker.relative_to(turned), np.zeros(1))
    same = ear_delays(Pose.fixed((0, -2, 0)), np.zeros(1))
    np.testing.assert_allclose(seen, same, atol=1e-9)


def test_rooms_in_words():
    where = {"A": Pose.fixed((1, 0, 0))}
    assert "without walls" in in_words(Scene(None, where))
    words = in_words(Scene(Room((6, 5, 3), rt60=0.35), where))
    assert "6 by 5 by 3 metres" in words
    assert "0.35 seconds" in words
    assert in_words(Scene(None, where, description="A cave.")) == "A cave."
