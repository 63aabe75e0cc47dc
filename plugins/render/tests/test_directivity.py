"""The talker's closed form, and that rendering follows it."""

import numpy as np
import pytest
from spatialdrama_render.directivity import (
    check_directivity,
    diffuse_share,
    direct_share,
    low_passed,
    response,
)

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose

RATE = 48_000


def brown_duda(frequency, theta_deg):
    """Equations 3 and 4 of the paper, as printed, divided by their value on the axis."""
    s, w0 = 2j * np.pi * np.asarray(frequency), 343.0 / 0.0875
    alpha = lambda t: (1 + 0.1 / 2) + (1 - 0.1 / 2) * np.cos(np.deg2rad(t / 150 * 180))  # noqa: E731
    shadow = lambda t: (1 + s * alpha(t) / (2 * w0)) / (1 + s / (2 * w0))  # noqa: E731
    return shadow(theta_deg) / shadow(0.0)


@pytest.mark.parametrize("theta", [0, 45, 90, 150, 180])
def test_closed_form_is_the_papers(theta):
    frequency = [50.0, 500.0, 2000.0, 10_000.0]
    got = response(frequency, np.cos(np.deg2rad(theta)))
    np.testing.assert_allclose(got, brown_duda(frequency, theta), rtol=1e-12)


@pytest.mark.parametrize("turn_deg", [0, 60, 120, 180])
def test_rendered_level_follows_the_orientation(sphere, turn_deg):
    """Spectra of a click facing the head and turned away; below a quarter of the rate the
    low-pass is the analog one."""
    click = np.zeros(64, np.float32)
    click[0] = 1
    a = np.deg2rad(180 - turn_deg)
    spectra = []
    for facing in ((-1, 0, 0), (np.cos(a), np.sin(a), 0)):
        pose = Pose.fixed((2.0, 0, 0), facing=facing)
        spectra.append(np.abs(np.fft.rfft(sphere.render(click, pose).samples, 4096)))
    frequency = np.fft.rfftfreq(4096, 1 / RATE)
    band = (frequency > 100) & (frequency < 6000)
    got = 20 * np.log10(spectra[1] / spectra[0])[:, band]
    want = 20 * np.log10(np.abs(response(frequency[band], np.cos(np.deg2rad(turn_deg)))))
    assert np.abs(got - want).max() < 0.6


def test_facing_the_listener_equals_omni(sphere, noise):
    pose = Pose.fixed((1.5, 0.7, 0.2), facing="listener")
    mono = noise(2000)
    speech = sphere.render(mono, pose).samples
    omni = sphere.render(mono, pose, directivity="omni").samples
    np.testing.assert_allclose(speech, omni, atol=2e-6)


def test_omni_does_not_depend_on_orientation(sphere, noise):
    mono = noise(1000)
    a = sphere.render(mono, Pose.fixed((1, 1, 0), facing=(1, 0, 0)), directivity="omni").samples
    b = sphere.render(mono, Pose.fixed((1, 1, 0), facing=(-1, 0, 1)), directivity="omni").samples
    np.testing.assert_array_equal(a, b)


def test_diffuse_share_is_the_power_over_the_sphere():
    rng = np.random.default_rng(0)
    cosine = rng.uniform(-1, 1, 200_000)  # uniform on the sphere
    for hertz in (20.0, 20_000.0):
        power = np.mean(np.abs([response(hertz, c) for c in cosine[:20_000]]) ** 2)
        share = diffuse_share()
        low = 1 / (1 + 2j * np.pi * hertz / (343 / 0.0875))
        got = np.abs(share + (1 - share) * low) ** 2
        assert abs(10 * np.log10(got / power)) < 0.15
    assert direct_share(1.0) == 1.0


def test_low_pass_corner():
    click = np.zeros(48_000)
    click[0] = 1
    spectrum = np.abs(np.fft.rfft(low_passed(click, RATE)))
    corner = round(343 / 0.0875 / (2 * np.pi))
    np.testing.assert_allclose(spectrum[corner], np.sqrt(0.5), rtol=2e-3)


def test_unknown_directivity():
    with pytest.raises(ValidationError, match="speech, omni; got 'horn'"):
        check_directivity("horn")
