"""Closed-form heads against what they are made to be."""

from functools import cache

import numpy as np
import pytest
from spatialdrama_render.ear_models import SIDE_DB, SIDE_HZ, SPACING, spaced_pinnae, sphere
from spatialdrama_render.physical import PhysicalRenderer

from spatialdrama.dsp.pose_itd import pose_itd_us
from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose

RATE, C = 48_000, 343.0


def direction(azimuth_deg):
    a = np.deg2rad(azimuth_deg)
    return np.array([np.cos(a), np.sin(a), 0.0])


def heard_itd(renderer, azimuth, slope):
    """Delay of the right ear behind the left in s, below 1.5 kHz, from a rendered click."""
    click = np.zeros(2000, np.float32)
    click[0] = 1.0
    pose = Pose.fixed(azimuth_deg=azimuth, distance=1.5)
    left, right = np.fft.rfft(renderer.render(click, pose, directivity="omni").samples, 8192)
    hertz = np.fft.rfftfreq(8192, 1 / RATE)
    weight = np.minimum(1.0, (300 / np.maximum(hertz, 1)) ** 2) ** slope
    cross = right * left.conj() * weight * ((hertz > 150) & (hertz < 1500))
    fine = np.fft.fftshift(np.fft.irfft(cross, 16 * 8192))
    return (np.argmax(fine) - 8 * 8192) / (16 * RATE)


@pytest.fixture(scope="module")
def rendering():
    return cache(lambda name: PhysicalRenderer(name, equalisation="none", air="none", near="none"))


@pytest.mark.parametrize("azimuth", [-90, -40, 0, 25, 65, 90, 140])
def test_pinnae_are_delayed_by_straight_lines(rendering, azimuth):
    want = 2 * SPACING * np.sin(np.deg2rad(azimuth)) / C
    assert heard_itd(rendering("spaced-pinnae"), azimuth, 0) == pytest.approx(want, abs=8e-6)


@pytest.mark.parametrize("lateral", [90, 30, -60])
def test_pinnae_differ_in_level_as_asked(lateral):
    data = spaced_pinnae(shadow=2.0)
    place = 1.5 * direction(lateral)
    row = int(np.argmin(np.linalg.norm(data["position"].values - place, axis=1)))
    spectra = np.abs(np.fft.rfft(data["impulse_response"].values[row], 512))
    at = np.fft.rfftfreq(512, 1 / RATE)
    for hertz, decibels in zip(SIDE_HZ[1:5], SIDE_DB[1:5], strict=True):
        k = int(np.argmin(np.abs(at - hertz)))
        got = 20 * np.log10(spectra[0, k] / spectra[1, k])
        assert got == pytest.approx(2 * decibels * np.sin(np.deg2rad(lateral)), abs=0.3)


def test_pinnae_without_shadow_are_two_points():
    data = spaced_pinnae(shadow=0.0, spacing=0.11)
    magnitude = np.abs(np.fft.rfft(data["impulse_response"].values, 512))
    np.testing.assert_allclose(magnitude[..., 2:200], 1.0, atol=0.02)


@pytest.mark.parametrize("azimuth", [-75, -30, 0, 45, 90, 120])
def test_the_sphere_has_the_times_of_its_series(rendering, azimuth):
    """The series' own interaural time, weighted to speech, against what is rendered."""
    want = 1e-6 * float(
        pose_itd_us(Pose.fixed(azimuth_deg=azimuth, distance=1.5).position.values[0])
    )
    assert heard_itd(rendering("sphere"), azimuth, 2) == pytest.approx(want, abs=25e-6)


def test_mirrored_directions_have_exchanged_ears():
    for data in (sphere(), spaced_pinnae()):
        place, response = data["position"].values, data["impulse_response"].values
        for row in (10, 200, 400, 600):
            twin = np.argmin(np.linalg.norm(place - place[row] * [1, -1, 1], axis=1))
            np.testing.assert_allclose(response[row], response[twin, ::-1], atol=1e-9)


def test_impossible_models_are_refused():
    with pytest.raises(ValidationError, match="spacing"):
        spaced_pinnae(spacing=0.0)
    with pytest.raises(ValidationError, match="radius"):
        sphere(radius=2.0)
