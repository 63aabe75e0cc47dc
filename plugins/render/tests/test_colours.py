"""Colours as mixes of low-passed copies, against the spectra that they stand for."""

import numpy as np
import pytest
from scipy.signal import bilinear, freqz, lfilter
from spatialdrama_render.air import Air
from spatialdrama_render.colours import MOUTH, colours
from spatialdrama_render.directivity import low_passed
from spatialdrama_render.images import shoebox_images

from spatialdrama.types import Room

RATE = 48_000
OCTAVES = np.array([125.0, 250, 500, 1000, 2000, 4000, 8000])
FREQUENCY = np.geomspace(60, 16_000, 300)
TYPICAL = {"walls": "plasterboard", "floor": "carpet", "ceiling": "acoustic-ceiling"}
LIVING = {
    "walls": "plaster", "front": "glass", "left": "wood-lining", "floor": "carpet-thin",
    "ceiling": "plasterboard",
}  # fmt: skip
STEEP = {
    "walls": "curtains-velvet", "front": "audience", "left": "seats", "floor": "carpet",
    "ceiling": "wood-lining",
}  # fmt: skip


def wanted(bands, distance, air):
    """Magnitude at FREQUENCY: octave bands over log frequency, air tone by tone."""
    level = np.interp(np.log(FREQUENCY), np.log(OCTAVES), 20 * np.log10(np.maximum(bands, 1e-3)))
    return level if air is None else level - distance * air.attenuation(FREQUENCY)


def one_pole(corner):
    """Return the low-pass at FREQUENCY by scipy's bilinear transform, pre-warped."""
    k = np.tan(np.pi * corner / RATE)
    b, a = bilinear([k], [1, k], fs=0.5)
    return freqz(b, a, FREQUENCY, fs=RATE)[1]


def errors(room, order, air, farthest, *, mouth=False, seed=0):
    """Return per image, at random distances: worst and root-mean-square error in dB, and gain."""
    images = shoebox_images(room, order, air=air)
    mixed = colours(images, mouth=mouth, air=air, farthest=farthest, rate=RATE)
    rng, out = np.random.default_rng(seed), []
    for i in range(len(images)):
        distance = rng.uniform(0.2, farthest)
        level = wanted(images.bands[i], distance, air)
        got = mixed.response(FREQUENCY, i, distance, rate=RATE)
        off = 20 * np.log10(np.abs(got)) - level
        off = off[level > level.max() - 26]  # what is quieter in the same image is covered by it
        out.append((np.abs(off).max(), np.sqrt(np.mean(off**2)), images.gain[i]))
    return np.array(out).T, mixed


def test_plain_rooms_are_exact_and_cost_nothing():
    for room in (None, Room((6, 5, 3), rt60=0.35), Room((6, 5, 3), absorption="open")):
        images = shoebox_images(room, 2)
        plain = colours(images, mouth=False)
        assert plain.corners.shape == (0,)
        np.testing.assert_array_equal(plain.table, np.ones((len(images), 1, 2, 1)))
        mouth = colours(images, mouth=True)
        assert mouth.corners == pytest.approx([343 / 0.0875 / (2 * np.pi)])
        np.testing.assert_array_equal(mouth.table[:, 0], np.tile(np.eye(2), (len(images), 1, 1)))


@pytest.mark.parametrize("air", [Air(), Air(humidity=20), Air(temperature_c=10, humidity=30)])
@pytest.mark.parametrize("farthest", [8.0, 20.0, 50.0])
def test_air(air, farthest):
    (worst, average, _), mixed = np.array([
        errors(None, 0, air, farthest, seed=s)[0][:, 0] for s in range(20)
    ]).T, errors(None, 0, air, farthest)[1]  # fmt: skip
    assert worst.max() < 0.9
    assert average.max() < 0.3
    # Nothing at all is taken where the mouth is.
    np.testing.assert_allclose(mixed.response(FREQUENCY, 0, 0.0, rate=RATE), 1.0, atol=5e-3)
    assert len(mixed.corners) <= (2 if farthest <= 20 else 4)


@pytest.mark.parametrize("air", [None, Air()])
@pytest.mark.parametrize(
    ("room", "order", "most", "average", "all_together"),
    [
        (Room((6, 5, 3), rt60=0.35), 2, 0.9, 0.3, 0.15),
        (Room((6, 5, 3), rt60=[0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25]), 3, 0.9, 0.3, 0.25),
        (Room((6, 5, 3), absorption=LIVING), 3, 0.9, 0.3, 0.2),
        (Room((6, 5, 3), absorption=TYPICAL), 2, 1.3, 0.4, 0.2),
        (Room((6, 5, 3), absorption="carpet"), 3, 1.3, 0.4, 0.35),
        (Room((6, 5, 3), absorption=STEEP), 2, 1.8, 0.8, 0.35),
        (Room((6, 5, 3), absorption=STEEP), 3, 2.6, 1.3, 0.5),
    ],
)
def test_walls(room, order, most, average, all_together, air):
    (worst, spread, gain), mixed = errors(room, order, air, 8.0 * order)
    assert worst.max() < most
    assert spread.max() < average
    # What matters is the whole: images weigh as much as they are loud.
    assert np.sqrt(np.average(spread**2, weights=gain**2)) < all_together
    assert len(mixed.corners) <= 5
    assert np.isfinite(mixed.table).all()


@pytest.mark.parametrize("air", [None, Air()])
def test_a_mouth_multiplies_the_colour_exactly(air):
    """For any angle: b + (1 - b) / (1 + s / w0) times what walls and air do."""
    images = shoebox_images(Room((6, 5, 3), absorption=STEEP), 2)
    mixed = colours(images, mouth=True, air=air, farthest=20.0)
    without = colours(images, mouth=False, air=air, farthest=20.0)
    assert set(mixed.corners.round(6)) == {*without.corners.round(6), round(MOUTH, 6)}
    assert (np.diff(mixed.corners) > 0).all()
    mouth = one_pole(MOUTH)
    for image, distance, share in ((0, 1.0, 0.3), (3, 7.7, 0.05), (20, 19.0, 1.0), (11, 3.0, 0.0)):
        got = mixed.response(FREQUENCY, image, distance, share=share, rate=RATE)
        plain = without.response(FREQUENCY, image, distance, rate=RATE)
        np.testing.assert_allclose(got, plain * (share + (1 - share) * mouth), atol=1e-9)


def test_weights_are_of_the_signals_that_the_renderer_makes():
    """A click through real one-pole filters, mixed by the table, has the response it says."""
    images = shoebox_images(Room((6, 5, 3), absorption=TYPICAL), 2)
    mixed = colours(images, mouth=True, air=Air(), farthest=16.0, rate=RATE)
    click = np.zeros(16_384)
    click[0] = 1
    copies = [click]
    for corner in mixed.corners:
        k = np.tan(np.pi * corner / RATE)
        copies.append(lfilter([k / (1 + k)] * 2, [1, (k - 1) / (1 + k)], click))
    at = int(np.argmin(np.abs(mixed.corners - MOUTH)))
    np.testing.assert_allclose(copies[1 + at], low_passed(click, RATE), atol=1e-12)
    g = 5
    for image in (0, 4, 17):
        out = mixed.table[image, g, 0] @ np.array(copies)
        bins = np.arange(30, 5000, 70)
        frequency = bins * RATE / len(click)
        want = mixed.response(frequency, image, mixed.distances[g], rate=RATE)
        np.testing.assert_allclose(np.fft.rfft(out)[bins], want, atol=1e-6)


def test_colours_hardly_delay():
    """A direct sound from 20 m through air: the same within a fifth of a sample below 4 kHz."""
    mixed = colours(shoebox_images(None, 0), mouth=False, air=Air(), farthest=20.0)
    frequency = np.linspace(200, 4000, 500)
    phase = np.unwrap(np.angle(mixed.response(frequency, 0, 20.0, rate=RATE)))
    delay = -np.gradient(phase, 2 * np.pi * frequency)
    assert np.ptp(delay) * RATE < 0.2
    assert np.abs(delay).max() < 15e-6


def test_the_same_room_twice_gives_the_same_weights():
    images = shoebox_images(Room((6, 5, 3), absorption=TYPICAL), 2)
    a, b = (colours(images, mouth=True, air=Air(), farthest=f) for f in (17.0, 19.0))
    np.testing.assert_array_equal(a.table, b.table)
    np.testing.assert_array_equal(a.distances, b.distances)
    assert a.distances[-1] >= 19.0
