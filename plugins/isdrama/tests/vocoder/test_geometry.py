"""Delays of a pose, against closed forms and the core's own models."""

import numpy as np
import pytest
from spatialdrama_isdrama.vocoder.geometry import delays_of

import spatialdrama as sd
from spatialdrama.dsp import pose_itd_us
from spatialdrama.errors import ValidationError

C, A = 343.0, 0.0875
PLACES = [(1.5, 0.4, 0.2), (-2.0, 1.0, 0.0), (0.3, -0.4, -0.1), (0.0, 1.0, 0.0)]


@pytest.mark.parametrize("place", PLACES)
def test_straight_lines(place):
    found = delays_of(sd.Pose.fixed(place), [0.0], 0.11, head="straight")[0]
    x, y, z = place
    wanted = [np.sqrt(x**2 + (y - s) ** 2 + z**2) / C for s in (0.11, -0.11)]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("head", ["woodworth", "sphere", "straight"])
@pytest.mark.parametrize("place", PLACES)
def test_between_the_ears_it_is_the_core_s_model(head, place):
    left, right = delays_of(sd.Pose.fixed(place), [0.0], head=head)[0]
    wanted = float(pose_itd_us(place, model=head))
    assert (right - left) * 1e6 == pytest.approx(wanted, abs=0.01)


def test_far_away_it_is_woodworth_s_formula():
    for azimuth in np.radians([0, 20, 45, 90]):
        place = (1000 * np.cos(azimuth), 1000 * np.sin(azimuth), 0)
        left, right = delays_of(sd.Pose.fixed(place), [0.0])[0]
        assert right - left == pytest.approx(A / C * (azimuth + np.sin(azimuth)), abs=2e-7)


def test_a_receding_speaker_is_heard_where_it_was():
    v = 30.0
    pose = sd.Pose.line((5, 0, 0), (5 + 4 * v, 0, 0), duration=4.0)
    times = np.linspace(1, 3, 21)
    found = delays_of(pose, times, 1e-3, head="straight").mean(axis=1)
    # d = |p(t - d)| / c with p = 5 + v t.
    np.testing.assert_allclose(found, (5 + v * times) / (C + v), atol=1e-8)


def test_a_listener_who_turns_and_walks():
    speaker = sd.Pose.fixed((2, 0, 0))
    turned = sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    left, right = delays_of(speaker, [0.0], listener=turned)[0]
    assert left > right  # who looks to the left has a speaker in front to the right
    beside = sd.Pose.fixed((2, -1.5, 0), facing=(1, 0, 0))
    near = delays_of(speaker, [0.0], listener=beside, head="straight")[0]
    np.testing.assert_allclose(near, [(1.5 - A) / C, (1.5 + A) / C], rtol=1e-9)


def test_mirrored_places_exchange_the_ears():
    here = delays_of(sd.Pose.fixed((1, 0.7, 0.1)), [0.0])[0]
    there = delays_of(sd.Pose.fixed((1, -0.7, 0.1)), [0.0])[0]
    np.testing.assert_allclose(here, there[::-1], rtol=1e-12)


def test_what_cannot_be():
    with pytest.raises(ValidationError, match="head must be one of"):
        delays_of(sd.Pose.fixed((1, 0, 0)), [0.0], head="cube")
    with pytest.raises(ValidationError, match="move the pose out of the head"):
        delays_of(sd.Pose.fixed((0.15, 0, 0)), [0.0], 0.2)
