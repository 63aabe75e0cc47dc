"""Spherical heads: limits known from the literature, and a shortest path found by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatialdrama.conventions import HEAD_RADIUS, SPEED_OF_SOUND
from spatialdrama.dsp.interaural import itd_track, peak_lag
from spatialdrama.dsp.pose_itd import pose_itd_us, sphere_transfer
from spatialdrama.errors import ValidationError

A, C = HEAD_RADIUS, SPEED_OF_SOUND
MODELS = ("sphere", "woodworth", "kuhn", "straight")


def at(azimuth_deg, elevation_deg=0.0, distance=2.0):
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    unit = [
        np.cos(elevation) * np.cos(azimuth),
        np.cos(elevation) * np.sin(azimuth),
        np.sin(elevation),
    ]
    return distance * np.array(unit)


def test_woodworth_far_away_is_his_formula():
    for azimuth in (0, 10, 45, 80, 90):
        angle = np.radians(azimuth)
        want = A / C * (angle + np.sin(angle)) * 1e6
        assert pose_itd_us(at(azimuth, 0, 1e4), model="woodworth") == pytest.approx(want, abs=0.05)


def test_woodworth_near_is_the_shortest_path_round_a_circle():
    # Straight to any visible point of the circle, then along it: the least of all is the answer.
    source = at(35, 0, 0.3)[:2]
    theta = np.linspace(-np.pi, np.pi, 200_001)
    points = A * np.stack([np.cos(theta), np.sin(theta)], axis=1)
    visible = points @ source >= A * A - 1e-12
    reach = np.linalg.norm(points - source, axis=1)
    arrival = {}
    for name, ear in (("left", np.pi / 2), ("right", -np.pi / 2)):
        arc = A * np.abs(np.angle(np.exp(1j * (theta - ear))))
        arrival[name] = (reach + arc)[visible].min()
    want = (arrival["right"] - arrival["left"]) / C * 1e6
    assert pose_itd_us([*source, 0.0], model="woodworth") == pytest.approx(want, abs=0.01)


def test_straight_is_two_microphones():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((50, 3)) + np.array([0, 0, 2])
    left, right = (np.linalg.norm(points - [0, s * A, 0], axis=1) for s in (1, -1))
    np.testing.assert_allclose(
        pose_itd_us(points, model="straight"), (right - left) / C * 1e6, atol=1e-6
    )


def test_sphere_meets_kuhn_at_low_and_woodworth_at_high_frequency():
    for azimuth in (15, 45, 75):
        angle = np.radians(azimuth)
        incidence = np.array([np.pi / 2 - angle, np.pi / 2 + angle])
        low = sphere_transfer(60.0, 100.0, incidence)
        delay = np.angle(low[0] * low[1].conj()) / (2 * np.pi * 60.0)
        assert delay == pytest.approx(3 * A / C * np.sin(angle), rel=0.01)
        # Wide enough to average out the wave that creeps round the other side.
        hertz = np.linspace(10_000, 20_000, 201)
        high = sphere_transfer(hertz[:, None], 100.0, incidence)
        slope = np.polyfit(hertz, np.unwrap(np.angle(high[:, 0] * high[:, 1].conj())), 1)[0]
        assert slope / (2 * np.pi) == pytest.approx(A / C * (angle + np.sin(angle)), rel=0.02)


def test_sphere_levels_are_those_of_the_literature():
    # Duda and Martens (1998): +6 dB towards the source at high frequency; bright spot behind.
    front, side, behind = np.abs(sphere_transfer(10_000.0, 20.0, np.radians([0.0, 150.0, 180.0])))
    assert 20 * np.log10(front) == pytest.approx(6.0, abs=0.3)
    assert behind > side
    # Reciprocity of scale: only ka and r/a count.
    one = sphere_transfer(1000.0, 0.5, 1.0, head_radius=0.1)
    two = sphere_transfer(500.0, 1.0, 1.0, head_radius=0.2)
    assert one == pytest.approx(two, rel=1e-9)


def test_the_table_is_the_direct_sum():
    rng = np.random.default_rng(3)
    distance = rng.uniform(0.12, 6.0, 40)
    lateral = rng.uniform(-np.pi / 2, np.pi / 2, 40)
    hertz = np.linspace(150, 1800, 34)
    left = sphere_transfer(hertz, distance[:, None], np.pi / 2 - lateral[:, None])
    right = sphere_transfer(hertz, distance[:, None], np.pi / 2 + lateral[:, None])
    weight = np.minimum(1, (300 / hertz) ** 4)
    want = peak_lag(weight * left * right.conj(), 2 * np.pi * hertz, 1.2e-3)[0] * 1e6
    points = np.stack([np.cos(lateral), np.sin(lateral), 0 * lateral], axis=1) * distance[:, None]
    np.testing.assert_allclose(pose_itd_us(points), want, atol=1.0)


def test_itd_track_measures_what_the_sphere_predicts():
    rng = np.random.default_rng(4)
    n, rate = 48_000, 48_000
    hertz = np.fft.rfftfreq(n, 1 / rate)
    band = (hertz > 20) & (hertz < 4000)
    spectrum = np.zeros(len(hertz), complex)
    tilt = np.minimum(1, (300 / hertz[band]) ** 2)  # amplitude: -12 dB per octave of power
    spectrum[band] = tilt * np.exp(2j * np.pi * rng.random(band.sum()))
    for azimuth in (-70, 20, 50):
        position = at(azimuth, 20, 1.2)
        angle = np.arccos(position[1] / 1.2)
        ears = []
        for incidence in (angle, np.pi - angle):
            heard = np.zeros_like(spectrum)
            heard[band] = spectrum[band] * sphere_transfer(hertz[band], 1.2, incidence)
            ears.append(np.fft.irfft(heard, n))
        measured = np.median(itd_track(np.stack(ears), rate=rate).itd_us)
        assert measured == pytest.approx(float(pose_itd_us(position)), abs=8)


# The MIT KEMAR set (Gardner and Martin 1994; 1.4 m, normal pinna) in the horizontal plane at 0, 15,
# ... 180 degrees to the left, its impulse responses correlated over 150 to 1800 Hz with a speech
# spectrum. Numbers of a measurement, rounded to 1 us.
KEMAR_US = [0, 177, 343, 512, 650, 722, 745, 729, 663, 515, 330, 165, 0]


def test_a_measured_head_agrees():
    positions = [at(azimuth, 0, 1.4) for azimuth in range(0, 181, 15)]
    error = np.abs(pose_itd_us(positions) - KEMAR_US)
    assert error.max() < 55
    assert error.mean() < 20
    assert error.mean() < np.abs(pose_itd_us(positions, model="woodworth") - KEMAR_US).mean() / 4


@settings(max_examples=40, deadline=None)
@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(0.15, 20), st.sampled_from(MODELS))
def test_symmetries(azimuth, elevation, distance, model):
    x, y, z = at(azimuth, elevation, distance)
    value = float(pose_itd_us([x, y, z], model=model))
    assert float(pose_itd_us([x, -y, z], model=model)) == pytest.approx(-value, abs=1e-6)
    # Front and back, above and below: a sphere cannot tell them apart.
    assert float(pose_itd_us([-x, y, -z], model=model)) == pytest.approx(value, abs=1e-6)
    if abs(y) > 0.01 * distance:
        assert np.sign(value) == np.sign(y)


def test_shapes_and_refusals():
    assert pose_itd_us(np.ones((3, 4, 3))).shape == (3, 4)
    with pytest.raises(ValidationError, match=r"smallest distance 0\.05 m"):
        pose_itd_us([[1, 0, 0], [0.05, 0, 0]])
    with pytest.raises(ValidationError, match="NaN"):
        pose_itd_us([np.nan, 0, 0])
    with pytest.raises(ValidationError, match=r"\(\.\.\., 3\), got \(2,\)"):
        pose_itd_us([1.0, 2.0])
    with pytest.raises(ValidationError, match="'flat'"):
        pose_itd_us([1, 0, 0], model="flat")
