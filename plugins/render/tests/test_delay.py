"""The delay line against the exact value of a sine and a slow sinc sum."""

import numpy as np
import pytest
from spatialdrama_render import delay

RATE = 48_000
HOP = 64


def slow_read(signal, position):
    """Band-limited value at one fractional position: a 400-term windowed sinc sum."""
    out = 0.0
    for k in range(int(np.floor(position)) - 200, int(np.floor(position)) + 201):
        if 0 <= k < len(signal):
            window = 0.5 * (1 + np.cos(np.pi * (position - k) / 201))
            out += signal[k] * np.sinc(position - k) * window
    return out


@pytest.mark.parametrize(
    ("read", "hertz", "bound_db"),
    [
        (delay.read_linear, 1000, -80),
        (delay.read_linear, 6000, -55),
        (delay.read_lagrange, 1000, -80),
        (delay.read_lagrange, 6000, -80),
        (delay.read_lagrange, 15_000, -72),
    ],
)
def test_sine_is_read_between_samples(read, hertz, bound_db):
    t = np.arange(4096)
    signal = np.sin(2 * np.pi * hertz * t / RATE).astype(np.float32)
    # A delay line that speeds up by 1.3 % and one that slows down.
    control = np.stack([600 + 1.013 * HOP * np.arange(20), 900 + 0.991 * HOP * np.arange(20)], 1)
    fine, position = delay.raised_for(signal, control, HOP)
    got = read(fine, position, HOP)
    exact = control[:-1, :, None] + np.diff(control, axis=0)[..., None] * np.arange(HOP) / HOP
    error = got - np.sin(2 * np.pi * hertz * exact / RATE)
    assert 20 * np.log10(np.abs(error).max()) < bound_db


def test_noise_agrees_with_the_slow_sum(noise):
    signal = noise(1500)
    control = np.array([[400.25], [466.5], [530.75]])
    fine, position = delay.raised_for(signal, control, HOP)
    got = delay.read_lagrange(fine, position, HOP)[:, 0].ravel()
    exact = np.interp(np.arange(128), [0, 64, 128], control[:, 0])
    want = np.array([slow_read(signal, p) for p in exact])
    assert np.abs(got - want).max() < 2e-3 * np.abs(want).max()


def test_complex_parts_are_read_alike(noise):
    a, b = noise(600, 1), noise(600, 2)
    control = np.array([[100.3], [163.9], [228.1]])
    fine, position = delay.raised_for((a + 1j * b).astype(np.complex64), control, HOP)
    both = delay.read_linear(fine, position, HOP)
    for part, alone in ((both.real, a), (both.imag, b)):
        fine, position = delay.raised_for(alone, control, HOP)
        np.testing.assert_allclose(part, delay.read_linear(fine, position, HOP), atol=1e-7)


def test_silence_outside_and_the_first_sample_is_on_time():
    click = np.zeros(200, np.float32)
    click[0] = 1.0
    # The click is heard at 127.7 samples; the control points before lie far outside.
    control = (np.arange(6) * HOP - 127.7)[:, None]
    fine, position = delay.raised_for(click, control, HOP)
    got = delay.read_lagrange(fine, position, HOP).ravel()
    np.testing.assert_allclose(got[128], np.sinc(0.3), atol=3e-3)
    assert np.abs(got[:100]).max() < 1e-3
    assert np.abs(got[170:]).max() < 1e-3
    far = np.full((3, 1), 1e9)
    fine, position = delay.raised_for(click, far, HOP)
    assert not delay.read_linear(fine, position, HOP).any()
