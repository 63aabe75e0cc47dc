"""The geometric warp against its closed form."""

import numpy as np
import pytest
from spatialdrama_render.geometric import GeometricRenderer
from spatialdrama_render.propagation import Track, emission_times

from spatialdrama.errors import SpatialDramaWarning
from spatialdrama.types import Pose, Room, Scene

RATE, C = 48_000, 343.0


def shifted(mono, seconds, gain, n=8192):
    spectrum = np.fft.rfft(mono, n)
    spectrum *= np.exp(-2j * np.pi * np.fft.rfftfreq(n, 1 / RATE) * seconds)
    return gain * np.fft.irfft(spectrum, n)


@pytest.mark.parametrize("place", [(0, 1, 0), (1.5, -0.7, 0.3), (-2, 0.2, 1)])
def test_static_source_is_two_delays_and_two_gains(noise, place):
    mono = noise(3000)
    got = GeometricRenderer().render(mono, Pose.fixed(place)).samples
    for e, y in enumerate((0.0875, -0.0875)):
        distance = np.linalg.norm(np.subtract(place, (0, y, 0)))
        want = shifted(mono, distance / C, 1 / distance)[: got.shape[1]]
        np.testing.assert_allclose(got[e], want, atol=1e-3 * np.abs(want).max())


def test_relative_leaves_the_difference_between_the_ears(noise):
    mono, place = noise(3000), (0.5, 1.2, 0.0)
    got = GeometricRenderer(relative=True).render(mono, Pose.fixed(place)).samples
    distance = [np.linalg.norm(np.subtract(place, (0, y, 0))) for y in (0.0875, -0.0875)]
    half = (distance[1] - distance[0]) / 2 / C
    early = shifted(np.concatenate([np.zeros(100), mono]), -half, 1 / distance[0])[100:]
    n = 2900
    np.testing.assert_allclose(got[0, 50:n], early[50:n], atol=2e-3 * np.abs(early).max())
    late = shifted(mono, half, 1 / distance[1])
    np.testing.assert_allclose(got[1, 50:n], late[50:n], atol=2e-3 * np.abs(late).max())


def test_doppler_per_ear_is_exact():
    t = np.arange(2 * RATE) / RATE
    mono = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    pose = Pose.line((4, 0.5, 0), (-4, 0.5, 0), duration=2.0)
    got = GeometricRenderer().render(mono, pose).samples
    heard = np.arange(10_000, 90_000) / RATE
    for e, y in enumerate((0.0875, -0.0875)):
        ear = np.tile([0, y, 0], (len(heard), 1))
        emission, vector = emission_times(
            Track(pose), heard, ear, np.ones((1, 3)), np.zeros((1, 3))
        )
        want = np.sin(2 * np.pi * 1000 * emission[:, 0]) / np.linalg.norm(vector[:, 0], axis=1)
        assert np.abs(got[e, 10_000:90_000] - want).max() < 2e-3


def test_listener_turns(noise):
    mono = noise(2000)
    turned = GeometricRenderer().render(
        mono, Pose.fixed((1, 0, 0)), listener=Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    )
    right = GeometricRenderer().render(mono, Pose.fixed((0, -1, 0)))
    np.testing.assert_allclose(turned.samples, right.samples, atol=1e-6)


def test_rooms_are_left_out_with_a_warning(noise):
    room = Room((6, 5, 3), rt60=0.4)
    pose, mono = Pose.fixed((1, 1, 0)), noise(400)
    with pytest.warns(SpatialDramaWarning, match="leaves out the room"):
        wet = GeometricRenderer().render(mono, pose, room=room).samples
    np.testing.assert_array_equal(wet, GeometricRenderer().render(mono, pose).samples)
    scene = Scene(room, {"A": pose})
    with pytest.warns(SpatialDramaWarning, match="leaves out the room") as caught:
        GeometricRenderer().render_scene([("A", 0.0, mono), ("A", 0.1, mono)], scene)
    assert len(caught) == 1


def test_wide_ears(noise):
    got = GeometricRenderer(ear_radius=0.11).render(noise(500), Pose.fixed((0, 2, 0)))
    assert got.provenance["ear_radius"] == 0.11
    peaks = [np.correlate(ear, noise(500), "full").argmax() - 499 for ear in got.samples]
    np.testing.assert_allclose(np.diff(peaks)[0], 0.22 / C * RATE, atol=1)


@pytest.mark.parametrize("options", [{"ear_radius": 0}, {"near_limit": -1}])
def test_options(options):
    with pytest.raises(ValueError, match="must be more than 0 m"):
        GeometricRenderer(**options)
