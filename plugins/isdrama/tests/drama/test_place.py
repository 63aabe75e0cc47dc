"""Frames in time, and words for rooms."""

import numpy as np
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.drama.place import frame_times, in_words

from spatialdrama.types import Pose, Room, Scene


def test_frames_are_a_hop_apart_from_the_start_on():
    times = frame_times(2.5, 4, MelConfig(rate=24_000, hop=240, high=12_000.0))
    np.testing.assert_allclose(times, [2.5, 2.51, 2.52, 2.53])


def test_rooms_in_words():
    where = {"A": Pose.fixed((1, 0, 0))}
    assert "without walls" in in_words(Scene(None, where))
    words = in_words(Scene(Room((6, 5, 3), rt60=0.35), where))
    assert "6 by 5 by 3 metres" in words
    assert "0.35 seconds" in words
    assert in_words(Scene(None, where, description="A cave.")) == "A cave."
