"""The benchmarks' job and truth are proved by closed forms before they judge anything."""

import sys
from pathlib import Path

import numpy as np
import pytest

numba = pytest.importorskip("numba")

RATE = 48_000
C = 343.0


@pytest.fixture(scope="module", autouse=True)
def _benchmarks_on_the_path():
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def truth():
    import truth

    return truth


@pytest.fixture(scope="module")
def job():
    import reference_job

    return reference_job


def responses(shape):
    """Return a set of `shape` (v, 2, t) on the 26 directions of a cube's grid, at 48 kHz."""
    import xarray as xr

    grid = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)])
    grid = grid[np.abs(grid).sum(axis=1) > 0]
    position = 1.4 * grid / np.linalg.norm(grid, axis=1, keepdims=True)
    return xr.Dataset(
        {
            "impulse_response": (("measurement", "ear", "tap"), shape(position)),
            "position": (("measurement", "axis"), position),
            "delay": (("measurement", "ear"), np.zeros((len(position), 2))),
        },
        attrs={"rate": float(RATE), "title": "made up", "sha256": ""},
    )


def clicks(position):
    """One smooth click per ear, at the same time for every direction: ears without a head."""
    time = np.arange(256) - 64
    click = np.sinc(time * 0.9) * np.exp(-((time / 12.0) ** 2))
    return np.broadcast_to(click, (len(position), 2, 256))


def band_limited(n, high=18_000.0, seed=3):
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    spectrum[np.fft.rfftfreq(n, 1 / RATE) > high] = 0
    edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / 480
    return np.fft.irfft(spectrum, n) * np.sin(np.pi / 2 * np.clip(edge, 0, 1)) ** 2


@pytest.mark.parametrize("radial", [-3.0, -0.8, 0.0, 2.0])
def test_retarded_time_of_radial_motion_is_linear(truth, radial):
    """On a line through the head, t' = (t - r0 / c) / (1 + v / c)."""
    direction = np.array([0.6, 0.64, 0.48])
    times = np.linspace(0, 1, 500)
    got = truth.retarded(lambda t: (4.0 + radial * t)[:, None] * direction, times)
    np.testing.assert_allclose(got, (times - 4.0 / C) / (1 + radial / C), atol=1e-12)


def test_retarded_time_of_passing_motion_solves_the_quadratic(truth):
    """At height h over a line at speed v: (t - t')^2 c^2 = h^2 + (v t' - x)^2."""
    h, v, x = 0.35, 3.0, 1.5
    times = np.linspace(0, 1, 500)
    a, b, d = C**2 - v**2, 2 * (v * x - C**2 * times), C**2 * times**2 - h**2 - x**2
    exact = (-b - np.sqrt(b**2 - 4 * a * d)) / (2 * a)

    def place(t):
        return np.stack([v * t - x, np.full_like(t, h), np.zeros_like(t)], axis=-1)

    np.testing.assert_allclose(truth.retarded(place, times), exact, atol=1e-12)


def test_moving_tone_without_a_head_is_the_spherical_wave(truth):
    """Equal clicks at all directions leave p = s(t') / r(t') and one constant filter.

    The tone's amplitude and phase after that filter are those of its transform at the frequency
    that is heard, since radial motion keeps the frequency constant.
    """
    head = truth.Head(responses(clicks))
    f, r0, v, seconds = 3000.0, 3.0, 2.0, 0.4
    direction = np.array([0.6, 0.64, 0.48])
    signal = truth.tone(f, seconds, fade=0.05)
    got = truth.render(
        head, signal, lambda t: (r0 + v * t)[:, None] * direction, round(seconds * RATE)
    )
    times = np.arange(got.shape[1]) / RATE
    heard = f / (1 + v / C)
    time = (np.arange(256) - 64) / RATE
    click = clicks(np.zeros((1, 3)))[0, 0]
    # Directions' onsets are all equal, so the head's centre hears at the onset itself.
    onset = head.centre - 64 / RATE
    filtered = np.sum(click * np.exp(-2j * np.pi * heard * (time - onset)))
    emitted = (times - r0 / C) / (1 + v / C)
    phase = np.exp(2j * np.pi * f * emitted)
    expected = 0.5 * np.imag(filtered * phase) / (r0 + v * emitted)
    middle = slice(round(0.08 * RATE), round(0.3 * RATE))
    error = np.abs(got[:, middle] - expected[middle]).max() / np.abs(expected[middle]).max()
    # 1 / r changes by 1e-4 over the click's length, which the closed form leaves out.
    assert error < 3e-4


def test_still_source_is_convolution_with_its_measured_response(truth):
    """At a measured direction: scipy's convolution, a whole-sample delay and 1 / r."""
    from scipy.signal import fftconvolve

    random = np.random.default_rng(0)

    def shape(position):
        decay = np.exp(-np.arange(400) / 40.0)
        raw = random.standard_normal((len(position), 2, 400)) * decay
        raw[..., 0] = 4.0
        spectrum = np.fft.rfft(raw, 512)
        above = np.clip((np.fft.rfftfreq(512, 1 / RATE) - 12_000) / 8000, 0, 1)
        spectrum *= np.cos(np.pi / 2 * above) ** 2  # a sudden edge would ring for ever
        return np.roll(np.fft.irfft(spectrum, 512), 64, axis=-1)

    measured = responses(shape)
    head = truth.Head(measured)
    samples = band_limited(6000)
    which, delay = 5, 480
    r = delay / RATE * C
    direction = measured["position"].values[which] / 1.4
    got = truth.render(
        head,
        truth.sampled(samples, RATE),
        lambda t: np.broadcast_to(r * direction, (len(t), 3)),
        6000 + 1200,
    )
    # The truth's clock starts when the wave is at the head's centre.
    whole = 512 + delay
    spectrum = np.fft.rfft(measured["impulse_response"].values[which], 16384)
    turn = np.exp(2j * np.pi * np.fft.rfftfreq(16384, 1 / RATE) * (head.centre - delay / RATE))
    shifted = np.fft.irfft(spectrum * turn, 16384)
    expected = fftconvolve(np.concatenate([samples, np.zeros(4000)])[None], shifted, axes=1) / r
    got, expected = got[:, whole:], expected[:, whole : got.shape[1]]
    error = ((got - expected) ** 2).sum() / (expected**2).sum()
    assert 10 * np.log10(error) < -70


def test_sampled_signal_is_the_sum_of_sincs(truth):
    samples = band_limited(400)
    at = np.linspace(100.3, 300.7, 50) / RATE
    sincs = np.sinc(at[:, None] * RATE - np.arange(400)) @ samples
    np.testing.assert_allclose(truth.sampled(samples, RATE)(at), sincs, atol=2e-5)


def test_areas_of_a_cubes_grid_follow_its_symmetry(truth):
    grid = responses(clicks)["position"].values / 1.4
    area = truth.hull_areas(grid)
    assert area.sum() == pytest.approx(1.0)
    kinds = np.count_nonzero(np.abs(grid) > 0.01, axis=1)
    for kind in (1, 3):  # faces and corners; how flat squares are cut decides about the edges
        assert np.ptp(area[kinds == kind]) < 0.02


def test_a_direction_below_the_measured_ones_is_refused(truth):
    measured = responses(clicks)
    head = truth.Head(measured.isel(measurement=measured["position"].values[:, 2] > -0.9))
    with pytest.raises(ValueError, match=r"-45 degrees up lies below the lowest measured ring"):
        head.weights(np.array([[np.sqrt(0.5), 0.0, -np.sqrt(0.5)]]))


def test_job_is_the_published_one(job):
    times, places = job.legs()
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / np.diff(times)
    assert len(speed) == 13
    assert times[-1] >= 60
    assert speed.min() == pytest.approx(0.8)
    assert speed.max() == pytest.approx(3.0)
    path = job.positions(np.linspace(0, 60, 60_001), 60)
    radius = np.linalg.norm(path, axis=1)
    assert radius.min() == pytest.approx(0.35, abs=1e-3)
    assert radius.max() == pytest.approx(4.7, abs=0.05)
    assert job.room().contains(path).all()
    hard = job.positions(np.linspace(0, 10, 10_001), 10)
    elevation = np.rad2deg(np.arcsin(hard[:, 2] / np.linalg.norm(hard, axis=1)))
    assert elevation.min() > -40
    assert elevation.max() > 80


def test_long_jobs_walk_to_and_fro_without_a_jump(job):
    times = np.arange(0, 300, 0.01)
    path = job.positions(times, 300)
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() <= 0.0301
    there, back = (
        job.positions(np.array([7.0]), 300),
        job.positions(np.array([2 * job.legs()[0][-1] - 7.0]), 300),
    )
    np.testing.assert_allclose(there, back, atol=1e-9)
    short = job.positions(times[:1000], 10)
    np.testing.assert_allclose(short, path[:1000], atol=1e-12)


def test_four_speakers_stay_in_the_room_and_off_the_head(job):
    for seconds in (10.0, 90.0):
        poses = job.four_poses(seconds)
        assert len(poses) == 4
        for pose in poses:
            assert pose.duration >= seconds
            path = pose.positions_at(np.linspace(0, seconds, 5000))
            assert job.room().contains(path).all()
            assert np.linalg.norm(path, axis=1).min() > 0.3


def test_the_same_voice_every_time(job):
    first, what = job.voice(3.0)
    assert what.startswith(("espeak-ng", "noise like speech"))
    assert first.shape == (3 * RATE,)
    assert 0.1 < np.abs(first).max() < 0.52
    np.testing.assert_array_equal(first, job.voice(3.0)[0])
