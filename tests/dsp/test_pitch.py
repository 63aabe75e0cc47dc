"""YIN on voices whose pitch is known, and its difference function against two nested loops."""

import numpy as np
import pytest

from spatialdrama.dsp.pitch import _normalised_difference, f0_yin
from spatialdrama.errors import ValidationError


def voice(f0, rate=16000):
    """Harmonics of a falling spectrum along an F0 curve, Hz per sample."""
    phase = 2 * np.pi * np.cumsum(f0) / rate
    return sum(np.sin(k * phase + k) / k for k in range(1, 9)) * 0.1


def oracle_difference(frame, window, lags):
    d = np.zeros(lags)
    for lag in range(lags):
        for j in range(window):
            d[lag] += (frame[j] - frame[j + lag]) ** 2
    out = np.ones(lags)
    for lag in range(1, lags):
        out[lag] = d[lag] * lag / d[1 : lag + 1].sum()
    return out


def test_difference_matches_the_loops():
    frame = np.random.default_rng(0).standard_normal(100)
    got = _normalised_difference(frame[None], 50, 40)[0]
    np.testing.assert_allclose(got, oracle_difference(frame, 50, 40), atol=1e-9)


@pytest.mark.parametrize("hertz", [70.0, 99.7, 180.2, 333.0, 512.5])
@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_constant_pitch(hertz, rate):
    track = f0_yin(voice(np.full(rate, hertz), rate), rate=rate)
    inner = track.f0[5:-5]
    assert (inner > 0).all()
    np.testing.assert_allclose(inner, hertz, rtol=2e-3)


def test_a_glide_is_followed():
    f0 = 120 * 2 ** np.linspace(0, 1, 32000)
    track = f0_yin(voice(f0), rate=16000)
    want = np.interp(track.times, np.arange(32000) / 16000, f0)
    np.testing.assert_allclose(track.f0[5:-5], want[5:-5], rtol=0.015)


def test_noise_and_silence_are_unvoiced():
    rng = np.random.default_rng(1)
    assert (f0_yin(rng.standard_normal(16000), rate=16000).f0 > 0).mean() < 0.05
    assert not f0_yin(np.zeros(8000), rate=16000).f0.any()
    quiet_end = np.concatenate([voice(np.full(8000, 150.0)), 1e-4 * voice(np.full(8000, 150.0))])
    assert not f0_yin(quiet_end, rate=16000).f0[60:].any()


def test_gain_does_not_matter():
    x = voice(np.full(16000, 140.0))
    np.testing.assert_allclose(f0_yin(x, rate=16000).f0, f0_yin(20 * x, rate=16000).f0, rtol=1e-9)


def test_a_formant_does_not_cause_octave_errors():
    # A strong second harmonic is what fools plain autocorrelation.
    phase = 2 * np.pi * 110 * np.arange(16000) / 16000
    x = 0.3 * np.sin(phase) + np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
    np.testing.assert_allclose(f0_yin(x, rate=16000).f0[5:-5], 110.0, rtol=5e-3)


def test_refusals():
    with pytest.raises(ValidationError, match=r"mono.*\(2, 100\)"):
        f0_yin(np.ones((2, 100)), rate=16000)
    with pytest.raises(ValidationError, match=r"65\.0 and 5000"):
        f0_yin(np.ones(100), rate=16000, high=5000)
    with pytest.raises(ValidationError, match="odd number of frames from 1, got 4"):
        f0_yin(np.ones(100), rate=16000, smooth=4)
