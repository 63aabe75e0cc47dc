"""Reads between samples, against sines that are known between samples."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.vocoder.delay import delayed, windowed_sinc

from spatialdrama.errors import ValidationError

RATE = 48_000


def sine(frequency, time):
    return np.sin(2 * np.pi * frequency * time)


@pytest.mark.parametrize("frequency", [50, 1000, 8000, 18_000])
@pytest.mark.parametrize("lag", [0.0, 0.25, -7.5, 31.9, -40.01])
def test_a_delayed_sine_is_a_sine_of_a_later_time(frequency, lag):
    n = np.arange(2000)
    x = torch.from_numpy(sine(frequency, n / RATE))
    found = delayed(x, torch.full((2000,), lag, dtype=torch.float64)).numpy()
    inner = slice(100, 1900)
    np.testing.assert_allclose(found[inner], sine(frequency, (n - lag) / RATE)[inner], atol=2e-4)


def test_a_read_equals_the_sum_over_a_windowed_sinc():
    generator = np.random.default_rng(0)
    x, lag = generator.standard_normal(80), generator.uniform(-30, 30, 80)
    taps = 32
    wanted = np.zeros(80)
    for n in range(80):
        place = n - lag[n]
        for m in range(80):
            wanted[n] += x[m] * windowed_sinc(np.array(place - m), taps)
    found = delayed(torch.from_numpy(x), torch.from_numpy(lag), taps).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_single_precision_is_as_good_after_a_minute():
    n = np.arange(60 * RATE - 4800, 60 * RATE)
    x = torch.zeros(60 * RATE)
    x[n] = torch.from_numpy(sine(1000, n / RATE)).float()
    found = delayed(x, torch.full_like(x, 3.4))[n].numpy()
    inner = slice(100, 4700)
    np.testing.assert_allclose(found[inner], sine(1000, (n - 3.4) / RATE)[inner], atol=5e-5)


def test_whole_delays_shift_and_bring_silence():
    x = torch.arange(1.0, 6.0, dtype=torch.float64)
    lags = {2.0: [0, 0, 1, 2, 3], -2.0: [3, 4, 5, 0, 0], 900.0: [0] * 5, -900.0: [0] * 5}
    for lag, wanted in lags.items():
        found = delayed(x, torch.full_like(x, lag))
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_growing_delay_lowers_the_pitch_as_doppler_says():
    # A source that recedes at v: the delay at the time of hearing grows by v / (c + v) a second,
    # and what is heard is c / (c + v) times as high (eq. 6).
    v, c, f = 20.0, 343.0, 2000.0
    n = np.arange(48_000)
    lag = torch.from_numpy(v / (c + v) * n)
    heard = delayed(torch.from_numpy(sine(f, n / RATE)), lag).numpy()
    window = np.hanning(40_000) * heard[4000:44_000]
    spectrum = np.abs(np.fft.rfft(window, 2**20))
    found = np.argmax(spectrum) * RATE / 2**20
    assert found == pytest.approx(f * c / (c + v), abs=0.05)


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 12, generator=generator, dtype=torch.float64, requires_grad=True)
    lag = (torch.rand(2, 12, generator=generator, dtype=torch.float64) * 6 - 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: delayed(a, b, 8), (x, lag))


def test_shapes_must_agree():
    with pytest.raises(ValidationError, match="for each sample"):
        delayed(torch.zeros(4), torch.zeros(5))
