"""Reading at fractional times against the exact value of a sine and a slow sinc sum."""

import numpy as np
import pytest
from spatialdrama_render import delay

RATE = 48_000
HOP = 64


def read(signal, control, weight=None, hop=HOP, first=-200, last=None):
    """Read one line (k,) of places; returns ((k - 1) * hop,)."""
    last = len(signal) + 200 if last is None else last
    coefficients = delay.polynomials_between(signal, first, last)
    out = np.zeros((1, (len(control) - 1) * hop), dtype=np.float32)
    weight = np.ones(len(control)) if weight is None else weight
    position = np.asarray(control, dtype=float)[:, None]
    delay.read_lines(coefficients, first, position, weight[:, None, None], out)
    return out[0]


def places(control, hop=HOP):
    return np.interp(
        np.arange((len(control) - 1) * hop), hop * np.arange(len(control)), np.asarray(control)
    )


def slow_read(signal, position):
    """Band-limited value at one fractional position: a 400-term windowed sinc sum."""
    out = 0.0
    for k in range(int(np.floor(position)) - 200, int(np.floor(position)) + 201):
        if 0 <= k < len(signal):
            window = 0.5 * (1 + np.cos(np.pi * (position - k) / 201))
            out += signal[k] * np.sinc(position - k) * window
    return out


@pytest.mark.parametrize("speed", [1.013, 0.991, 1.0, 1.2, 0.85, 1.9])
@pytest.mark.parametrize(
    ("hertz", "bound_db"),
    [(1000, -80), (6000, -80), (15_000, -72), (18_000, -60)],
)
def test_sine_is_read_between_samples(hertz, bound_db, speed):
    signal = np.sin(2 * np.pi * hertz * np.arange(4096) / RATE).astype(np.float32)
    control = 600.37 + speed * HOP * np.arange(20)
    error = read(signal, control) - np.sin(2 * np.pi * hertz * places(control) / RATE)
    assert 20 * np.log10(np.abs(error).max()) < bound_db


def test_noise_agrees_with_the_slow_sum(noise):
    signal = noise(1500)
    control = [400.25, 466.5, 530.75]
    want = np.array([slow_read(signal, p) for p in places(control)])
    assert np.abs(read(signal, control) - want).max() < 1e-3 * np.abs(want).max()


def test_weights_run_in_straight_lines(noise):
    signal = noise(600)
    control, weight = [100.3, 163.9, 228.1], np.array([0.2, 1.0, -0.4])
    want = read(signal, control) * places(weight)
    np.testing.assert_allclose(read(signal, control, weight), want, atol=1e-6)


def test_several_signals_are_added_up(noise):
    a, b = noise(600, 1), noise(600, 2)
    control = np.array([[100.3], [163.9], [228.1]])
    both = np.concatenate([delay.polynomials_between(x, 0, 600) for x in (a, b)])
    out = np.zeros((1, 2 * HOP), dtype=np.float32)
    delay.read_lines(both, 0, control, np.full((3, 1, 2), [0.5, 2.0]), out)
    want = 0.5 * read(a, control[:, 0]) + 2.0 * read(b, control[:, 0])
    np.testing.assert_allclose(out[0], want, atol=1e-6)


def test_silence_outside_and_the_first_sample_is_on_time():
    click = np.zeros(200, np.float32)
    click[0] = 1.0
    # The click is heard at 127.7 samples; the control points before lie far outside.
    got = read(click, np.arange(6) * HOP - 127.7, first=-20, last=250)
    np.testing.assert_allclose(got[128], np.sinc(0.3), atol=3e-3)
    assert np.abs(got[:100]).max() < 1e-3
    assert np.abs(got[170:]).max() < 1e-3
    for far in (1e9, -1e9):
        assert not read(click, np.full(3, far)).any()


def test_a_line_that_leaves_what_is_held_is_silent_there(noise):
    signal = noise(400)
    control = [150.5, 150.5 + HOP, 150.5 + 2 * HOP]
    whole = read(signal, control)
    part = read(signal, control, first=180, last=230)
    inside = (places(control) > 181) & (places(control) < 229)
    np.testing.assert_allclose(part[inside], whole[inside], atol=1e-7)
    outside = (places(control) < 178) | (places(control) > 231)
    assert not part[outside].any()
