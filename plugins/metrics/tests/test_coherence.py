"""The coherence error: known mixtures, the estimator's floor, invariance, monotony, odd inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from spatialdrama_metrics.functional import coherence_error, coherence_mae

from spatialdrama.dsp.erb import erb_centres

RATE = 48_000


def noise(seconds=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * 0.1


def mixed(share, seconds, seed=0):
    """Noise common to both ears with this share of the power, the rest each ear's own."""
    common, left, right = (noise(seconds, 10 * seed + k) for k in range(3))
    own = np.sqrt(1 - share)
    return np.stack([np.sqrt(share) * common + own * ear for ear in (left, right)])


def delayed(ears, samples):
    return np.stack([ears[0], np.roll(ears[1], samples)])


def test_identical_is_zero():
    clip = mixed(0.6, 1.0)
    assert coherence_mae(clip, clip, rate=RATE) == 0
    assert coherence_mae(clip, clip.copy(), rate=RATE) == 0


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_known_mixture_has_that_coherence(share):
    # Ears of equal power that share a part of it: coherence is that part. Averaged over the whole
    # clip, so that the estimator's own spread is out of the way.
    x = noise(6.0, 99)
    error = coherence_error(mixed(share, 6.0), np.stack([x, x]), rate=RATE, smooth_s=12.0)
    assert error.value == pytest.approx(1 - share, abs=0.02)
    assert error.bias == pytest.approx(share - 1, abs=0.02)
    assert error.mono == pytest.approx(0, abs=1e-9)


def test_two_known_mixtures_differ_by_the_difference():
    a, b = mixed(0.8, 6.0, 1), mixed(0.5, 6.0, 2)
    assert coherence_error(a, b, rate=RATE, smooth_s=12.0).bias == pytest.approx(0.3, abs=0.02)
    assert coherence_error(a, b, rate=RATE, smooth_s=12.0).mono == pytest.approx(0.5, abs=0.02)


def test_an_ear_of_its_own_falls_to_the_floor_of_the_estimator():
    # |estimate|^2 of k independent looks at unrelated Gaussian ears is Beta(1, k - 1), so its root
    # has the mean Gamma(3/2) Gamma(k) / Gamma(k + 1/2) (Carter, Knapp and Nuttall 1973). A strip of
    # m bins over 11 frames has (11 m)^2 / sum |rho|^2 looks, where rho, the correlation of two
    # frames' bins for white noise, is the ambiguity function of their window.
    x, y = noise(8.0, 1), noise(8.0, 2)
    error = coherence_error(np.stack([x, y]), np.stack([x, x]), rate=RATE)
    length, hop, frames = 2064, 960, 11
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    rho = np.zeros((frames, 7))  # frames apart, bins apart
    for t in range(frames):
        shifted = np.zeros(length)
        shifted[: max(length - t * hop, 0)] = window[t * hop :]
        rho[t] = np.abs(np.fft.fft(window * shifted))[:7] ** 2 / np.sum(window**2) ** 2
    spacing = RATE / length
    edges, sizes = [1], []
    while edges[-1] <= length // 2:
        third = 24.7 * (4.37e-3 * edges[-1] * spacing + 1) / 3
        sizes.append(max(1, int(min(third, 140) / spacing)))
        edges.append(edges[-1] + sizes[-1])
    floors = []
    for m in sizes:
        apart = [abs(a - b) for a in range(m) for b in range(m)]
        total = sum(rho[abs(a - b)][apart].sum() for a in range(frames) for b in range(frames))
        k = (frames * m) ** 2 / total
        floors.append(np.exp(gammaln(1.5) + gammaln(k) - gammaln(k + 0.5)))
    middles = spacing * (np.array(edges[:-1]) + (np.array(sizes) - 1) / 2)
    centres = erb_centres()[:, None]
    offset = (middles - centres) / (1.019 * 24.7 * (4.37e-3 * centres + 1))
    weights = (1 + offset**2) ** -4.0 * sizes
    floor = (weights @ floors / weights.sum(axis=1)).mean()
    assert error.value == pytest.approx(1 - floor, abs=0.015)
    assert 0.1 < floor < 0.3


@settings(max_examples=10, deadline=None)
@given(st.floats(-40, 20), st.floats(-20, 20), st.floats(0.1, 0.9))
def test_gains_change_nothing(gain_db, ild_db, share):
    a, b = mixed(share, 0.6, 1), mixed(0.5, 0.6, 2)
    value = coherence_mae(a, b, rate=RATE)
    gain, tilt = 10 ** (gain_db / 20), 10 ** (np.array([[ild_db], [-ild_db]]) / 40)
    assert coherence_mae(gain * a, b, rate=RATE) == pytest.approx(value, abs=1e-9)
    assert coherence_mae(a, gain * b, rate=RATE) == pytest.approx(value, abs=1e-9)
    assert coherence_mae(a[::-1], b[::-1], rate=RATE) == pytest.approx(value, abs=1e-9)
    # Coherence knows no level difference either: each ear may have a gain of its own.
    assert coherence_mae(tilt * a, b, rate=RATE) == pytest.approx(value, abs=1e-9)


def test_a_direction_is_not_a_room():
    x = noise(2.0)
    mono = np.stack([x, x])
    turned = delayed(mono, 30) * [[1.0], [0.3]]  # 625 us, 10 dB
    assert coherence_mae(turned, mono, rate=RATE) < 0.02
    assert coherence_mae(mixed(0.3, 2.0), mono, rate=RATE) > 0.4


def test_more_noise_at_each_ear_is_more():
    x = noise(3.0, 5)
    reference = np.stack([x, x])
    added = np.stack([noise(3.0, 6), noise(3.0, 7)])
    values = [
        coherence_mae(reference + 10 ** (-snr / 20) * added, reference, rate=RATE)
        for snr in (30, 20, 10, 0, -10)
    ]
    assert np.all(np.diff(values) > 0)
    # And each is near power / (power + noise), the coherence of that mixture.
    want = [1 - 1 / (1 + 10 ** (-snr / 10)) for snr in (30, 20, 10)]
    np.testing.assert_allclose(values[:3], want, atol=0.01)


def test_mono_silence_and_one_ear():
    x, reference = noise(1.0, 3), mixed(0.4, 1.0)
    error = coherence_error(np.stack([x, x]), reference, rate=RATE)
    assert error.value == pytest.approx(error.mono, abs=1e-9)
    silent = coherence_error(np.zeros_like(reference), reference, rate=RATE)
    assert silent.value == pytest.approx(error.mono, abs=1e-9)
    assert silent.silent == 1
    deaf = coherence_error(np.stack([x, 0 * x]), reference, rate=RATE)
    assert deaf.value == pytest.approx(1 - error.mono, abs=1e-9)  # coherence 0
    none = coherence_error(reference, np.zeros_like(reference), rate=RATE)
    assert np.isnan(none.value)
    assert none.seconds == 0
    assert np.isnan(none.mono)


def test_silence_after_sound_is_silence():
    # Rounding of a running sum would leave sound there, of any coherence.
    reference = mixed(0.4, 3.0)
    candidate = reference.copy()
    candidate[:, RATE:] = 0
    # An offset of the whole would sound on in the silence, as it does in a recording.
    candidate[:, :RATE] -= candidate[:, :RATE].mean(axis=1, keepdims=True)
    candidate = candidate.astype(np.float32)
    error = coherence_error(candidate, reference, rate=RATE)
    assert error.silent == pytest.approx(2 / 3, abs=0.06)
    assert error.bias > 0.2  # as mono, which is too coherent here


def test_single_precision_says_the_same():
    a, b = mixed(0.7, 1.0, 1), mixed(0.4, 1.0, 2)
    single = coherence_mae(a.astype(np.float32), b.astype(np.float32), rate=RATE)
    assert single == pytest.approx(coherence_mae(a, b, rate=RATE), rel=1e-6)
