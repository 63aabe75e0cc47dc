"""Interaural differences: known delays, gains and phases, and slow oracles in the time domain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from spatialdrama.dsp.active import gate
from spatialdrama.dsp.erb import erb_centres, erb_matrix
from spatialdrama.dsp.interaural import (
    broadband_ild_db,
    coherence_track,
    cross_track,
    ild_track,
    ipd,
    itd_track,
    peak_lag,
)
from spatialdrama.dsp.level import SILENCE_DB
from spatialdrama.errors import ValidationError

RATE = 48_000


def noise(seconds=1.0, seed=0, rate=RATE):
    return np.random.default_rng(seed).standard_normal(int(seconds * rate))


def delayed(x, seconds, rate=RATE):
    """Any delay, exactly, by a linear phase (circular; callers keep away from the ends)."""
    shift = np.exp(-2j * np.pi * np.fft.rfftfreq(len(x), 1 / rate) * seconds)
    shift[-1] = shift[-1].real
    return np.fft.irfft(np.fft.rfft(x) * shift, len(x))


def oracle_itd_us(left, right, rate, window, band, limit):
    """Filter in the time domain, upsample 8 times, correlate lag by lag, take the highest."""
    sos = signal.butter(4, band, "bandpass", fs=rate, output="sos")
    up = 8
    a, b = (signal.resample_poly(signal.sosfiltfilt(sos, e) * window, up, 1) for e in (left, right))
    most = int(limit * 1e-6 * rate * up)
    scores = []
    for lag in range(-most, most + 1):
        scores.append(np.dot(a[most:-most], b[most + lag : len(b) - most + lag]))
    return (np.argmax(scores) - most) / (rate * up) * 1e6


@pytest.mark.parametrize(
    "itd_us", [-903.7, -312.34, -20.83, -1.5, 0.0, 7.77, 208.333, 654.321, 990.0]
)
def test_a_known_delay_is_that_itd(itd_us):
    x = noise(2.0)
    track = itd_track(np.stack([x, delayed(x, itd_us * 1e-6)]), rate=RATE)
    inner = track.itd_us[5:-5]
    assert np.median(inner) == pytest.approx(itd_us, abs=0.3)
    assert np.abs(inner - itd_us).max() < 3.0
    assert track.coherence[5:-5].min() > 0.97


@settings(max_examples=20, deadline=None)
@given(st.floats(-950, 950), st.sampled_from([16000, 44100, 48000]), st.integers(0, 99))
def test_any_delay_at_any_rate(itd_us, rate, seed):
    x = noise(0.6, seed, rate)
    track = itd_track(np.stack([x, delayed(x, itd_us * 1e-6, rate)]), rate=rate)
    assert np.median(track.itd_us[4:-4]) == pytest.approx(itd_us, abs=1.5)


def test_itd_matches_the_time_domain_oracle():
    # Two sources and noise of its own at each ear: the peak is not where either source is.
    x, y = noise(0.5, 1), noise(0.5, 2)
    left = x + 0.6 * delayed(y, 400e-6) + 0.2 * noise(0.5, 3)
    right = delayed(x, 300e-6) + 0.6 * y + 0.2 * noise(0.5, 4)
    track = itd_track(np.stack([left, right]), rate=RATE)
    length = 2 * round(0.085 * RATE / 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    for frame in (8, 12, 16):
        start = frame * 960 - length // 2
        part = slice(start, start + length)
        want = oracle_itd_us(left[part], right[part], RATE, window, (150, 1800), 1000)
        # Butterworth edges and frame-wise filtering differ from a brick wall.
        assert track.itd_us[frame] == pytest.approx(want, abs=15)


def test_peak_lag_is_the_maximum_of_the_cosine_sum():
    rng = np.random.default_rng(5)
    omega = 2 * np.pi * np.arange(150, 1800, 50.0)
    cross = rng.standard_normal((40, len(omega))) + 1j * rng.standard_normal((40, len(omega)))
    lag, height = peak_lag(cross, omega, 1e-3)
    dense = np.linspace(-1e-3, 1e-3, 20001)
    for c, found, high in zip(cross, lag, height, strict=True):
        values = (c * np.exp(-1j * np.outer(dense, omega))).real.sum(axis=1)
        assert high >= values.max() - 1e-6 * abs(values.max())
        assert abs(found) <= 1e-3 + 1e-12


def test_left_is_positive_in_every_measure():
    x = noise()
    ears = np.stack([x, 0.5 * delayed(x, 300e-6)])
    assert np.median(itd_track(ears, rate=RATE).itd_us) > 250
    assert np.median(ild_track(ears, rate=RATE).ild_db) > 5
    assert np.median(broadband_ild_db(ears, rate=RATE)[1]) > 5
    track = cross_track(ears, rate=RATE, band=(400, 600))
    assert np.median(np.angle(track.cross)) == pytest.approx(2 * np.pi * 500 * 300e-6, rel=0.05)


@settings(max_examples=15, deadline=None)
@given(st.floats(-700, 700), st.floats(-20, 20), st.integers(0, 9))
def test_swapping_the_ears_changes_only_signs(itd_us, ild_db, seed):
    x = noise(0.3, seed)
    ears = np.stack([x, 10 ** (-ild_db / 20) * delayed(x, itd_us * 1e-6)])
    a, b = itd_track(ears, rate=RATE), itd_track(ears[::-1], rate=RATE)
    np.testing.assert_allclose(a.itd_us, -b.itd_us, atol=1e-6)
    np.testing.assert_allclose(a.coherence, b.coherence, atol=1e-12)
    np.testing.assert_allclose(
        ild_track(ears, rate=RATE).ild_db, -ild_track(ears[::-1], rate=RATE).ild_db, atol=1e-9
    )
    np.testing.assert_allclose(ipd(ears, rate=RATE), -ipd(ears[::-1], rate=RATE), atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.floats(-30, 30))
def test_a_known_gain_is_that_ild(gain_db):
    x = noise(0.3)
    ears = np.stack([x, x * 10 ** (-gain_db / 20)])
    np.testing.assert_allclose(ild_track(ears, rate=RATE).ild_db, gain_db, atol=1e-9)
    np.testing.assert_allclose(broadband_ild_db(ears, rate=RATE)[1], gain_db, atol=1e-9)


def test_ild_is_found_in_its_own_band():
    t = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 6000 * t)
    ears = np.stack([low + 0.1 * high, 0.1 * low + high])
    track = ild_track(ears, rate=RATE, centres=[500.0, 6000.0])
    np.testing.assert_allclose(
        track.ild_db[5:-5], [[20.0, -20.0]] * len(track.ild_db[5:-5]), atol=0.01
    )


def test_ild_against_a_time_domain_filter_bank():
    # Fourth-order gammatones by their impulse responses, energies over the whole clip.
    x = noise(4.0, 1)
    ears = np.stack([x, signal.lfilter([1, -0.7], [1, 0.3], x)])  # -14 dB at 0, +8 dB at 24 kHz
    centres = np.array([400.0, 1500.0, 5000.0])
    track = ild_track(ears, rate=RATE, centres=centres)
    power = 10 ** (track.level_db / 10)
    ratio = 10 ** (track.ild_db / 10)
    left = (power * 2 * ratio / (1 + ratio)).sum(axis=0)
    right = (power * 2 / (1 + ratio)).sum(axis=0)
    t = np.arange(int(0.2 * RATE)) / RATE
    for band, fc in enumerate(centres):
        b = 1.019 * 24.7 * (4.37e-3 * fc + 1)
        g = t**3 * np.exp(-2 * np.pi * b * t) * np.cos(2 * np.pi * fc * t)
        energy = [np.sum(signal.fftconvolve(ear, g) ** 2) for ear in ears]
        want = 10 * np.log10(energy[0] / energy[1])
        assert 10 * np.log10(left[band] / right[band]) == pytest.approx(want, abs=0.15)


def test_ipd_follows_the_delay_and_wraps():
    phase = 2 * np.pi * np.arange(RATE) / RATE
    for hertz, itd in ((500, 200e-6), (1200, 700e-6)):  # the second wraps: .84 of a turn
        ears = np.stack([np.cos(hertz * phase), np.cos(hertz * (phase - 2 * np.pi * itd))])
        track = cross_track(ears, rate=RATE)
        bin_ = np.argmin(np.abs(track.frequencies - hertz))
        want = np.angle(np.exp(2j * np.pi * hertz * itd))
        np.testing.assert_allclose(np.angle(track.cross[5:-5, bin_]), want, atol=1e-3)
    values = ipd(np.stack([noise(0.2, 1), noise(0.2, 2)]), rate=RATE)
    assert values.min() >= -np.pi
    assert values.max() <= np.pi


def oracle_coherence(ears, centres, length, hop, width):
    """Per band with explicit sums over frames and bins."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    padded = np.pad(ears, ((0, 0), (length // 2, length)))
    frames = 1 + ears.shape[1] // hop
    spec = np.array(
        [
            [np.fft.rfft(padded[e, t * hop : t * hop + length] * window) for t in range(frames)]
            for e in (0, 1)
        ]
    )

    weights = erb_matrix(centres, n_fft=length, rate=RATE)
    hertz = np.arange(length // 2 + 1) * RATE / length
    strips, first = [], 1
    while first <= length // 2:  # a third of an ERB, at most 140 Hz, at least a bin
        wide = min(140, 24.7 * (4.37e-3 * hertz[first] + 1) / 3)
        last = first + max(1, int(wide * length / RATE))
        strips.append(slice(first, min(last, length // 2 + 1)))
        first = last
    out = np.zeros((frames, len(centres)))
    for t in range(frames):
        near = slice(max(0, t - width // 2), t - width // 2 + width)
        for band in range(len(centres)):
            common = whole = 0.0
            for strip in strips:
                a, b = spec[0, near, strip], spec[1, near, strip]
                energy = np.sqrt(np.sum(abs(a) ** 2) * np.sum(abs(b) ** 2))
                weight = weights[band, strip].mean()
                common += weight * abs(np.sum(a * b.conj()))
                whole += weight * energy
            out[t, band] = common / whole
    return out


def test_coherence_against_the_sums():
    common = noise(0.3, 1)
    ears = np.stack([common + noise(0.3, 2), common + 0.5 * noise(0.3, 3)])
    centres = [300.0, 1000.0, 4000.0]
    _, _, value = coherence_track(ears, rate=RATE, centres=centres)
    want = oracle_coherence(ears, centres, 2 * round(0.043 * RATE / 2), 480, 20)
    np.testing.assert_allclose(value, want, atol=1e-9)


def test_one_source_is_coherent_wherever_it_is():
    x = noise(1.0, 4)
    for itd_us in (0.0, -250.0, 700.0):
        ears = np.stack([x, 0.3 * delayed(x, itd_us * 1e-6)])
        assert coherence_track(ears, rate=RATE)[2][5:-5].min() > 0.97


def test_coherence_of_a_known_mixture():
    # Common power 1, own power 1 at each ear: coherence 1/2 in expectation.
    common = noise(20.0, 1)
    ears = np.stack([common + noise(20.0, 2), common + noise(20.0, 3)])
    _, _, value = coherence_track(ears, rate=RATE, centres=[4000.0], smooth_s=5.0)
    assert float(value[500:1500].mean()) == pytest.approx(0.5, abs=0.03)
    track = itd_track(np.stack([common, noise(20.0, 5)]), rate=RATE)
    assert np.mean(np.abs(track.coherence)) < 0.25


def test_gain_common_to_both_ears_changes_only_levels():
    x = noise(0.4)
    ears = np.stack([x, delayed(x, 400e-6) * 0.7])
    quiet = (ears * 1e-4).astype(np.float32)
    a, b = itd_track(ears.astype(np.float32), rate=RATE), itd_track(quiet, rate=RATE)
    np.testing.assert_allclose(a.itd_us, b.itd_us, atol=0.05)
    np.testing.assert_allclose(a.level_db - b.level_db, 80.0, atol=1e-3)


def test_level_is_the_rms_in_the_band():
    tone = 0.5 * np.sin(2 * np.pi * 700 * np.arange(RATE) / RATE)
    track = itd_track(np.stack([tone, tone]), rate=RATE)
    assert track.level_db[25] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.02)


def test_silence_is_marked_and_finite():
    ears = np.zeros((2, RATE))
    ears[:, 20000:28000] = noise(1.0)[:8000]
    track = itd_track(ears, rate=RATE)
    quiet = track.level_db == SILENCE_DB
    assert quiet.any()
    assert not quiet.all()
    assert (track.itd_us[quiet] == 0).all()
    assert (track.coherence[quiet] == 0).all()
    assert np.isfinite(ild_track(ears, rate=RATE).ild_db).all()
    assert np.isfinite(coherence_track(ears, rate=RATE)[2]).all()
    assert not gate(itd_track(np.zeros((2, 9600)), rate=RATE).level_db).any()


def test_one_deaf_ear_is_finite():
    ears = np.stack([noise(0.2), np.zeros(9600)])
    assert (itd_track(ears, rate=RATE).itd_us == 0).all()
    assert (ild_track(ears, rate=RATE).ild_db[1:-1] > 100).all()


@pytest.mark.parametrize("n", [1, 7, 959, 4080, 4081])
def test_short_clips_have_their_frames(n):
    ears = np.ones((2, n))
    assert len(itd_track(ears, rate=RATE).times) == 1 + n // 960
    assert ild_track(ears, rate=RATE).ild_db.shape == (1 + n // 960, len(erb_centres()))


def test_refusals():
    with pytest.raises(ValidationError, match=r"half the rate.*1800"):
        itd_track(np.ones((2, 800)), rate=2000)
    with pytest.raises(ValidationError, match="too short at 48000 Hz"):
        itd_track(np.ones((2, 800)), rate=48000, window_s=0.00001)
    with pytest.raises(ValidationError, match="rate must be positive, got 0"):
        ild_track(np.ones((2, 800)), rate=0)
    with pytest.raises(ValidationError, match=r"\(2, samples\), got \(800,\)"):
        ipd(np.ones(800), rate=48000)
