"""What filters and delays keep of the measured pair: time and level between the ears, the wave.

The measured side is always the raw responses, resampled by scipy and correlated in the time
domain; the renderer's own transforms are not used for it.
"""

import numpy as np
import pytest
from scipy import signal
from spatialdrama_render.head_preparation import prepare_head
from spatialdrama_render.heads import load_head, read_responses
from spatialdrama_render.phase_split import GUARD, minimum_phase, needed_taps, shortened

from spatialdrama.runtime.assets import locate

RATE = 48_000
FINE = 16


@pytest.fixture(scope="module")
def raw():
    """KEMAR as measured, (710, 2, n) at 48 kHz, and its directions."""
    responses = read_responses(locate("kemar"))
    place = responses.position.values
    up = signal.resample_poly(
        responses.impulse_response.values, 160, 147, axis=-1, window=("kaiser", 12.0)
    )
    up = up * 147 / 160  # a filter keeps its gain when its samples come closer together
    return up, place / np.linalg.norm(place, axis=1, keepdims=True)


def rendered(head, count, early=64):
    """Return (count, 2, n): the head's pairs with their delays, `early` samples later."""
    n = 2048
    frequency = np.fft.rfftfreq(n, 1 / head.rate)
    delays = head.delays[:count] + early / head.rate
    turn = np.exp(-2j * np.pi * frequency * delays[..., None])
    return np.fft.irfft(np.fft.rfft(head.filters[:count], n) * turn, n)


def itd_us(pairs):
    """Return in µs how much later the right ear is: low-passed, correlated, at 768 kHz."""
    low = signal.butter(8, 1500, fs=RATE, output="sos")
    pairs = signal.sosfiltfilt(low, pairs, axis=-1)
    out = []
    for left, right in pairs:
        both = signal.correlate(right, left, method="fft")
        middle = len(left) - 1
        both = signal.resample_poly(both[middle - 128 : middle + 129], FINE, 1)
        out.append((np.argmax(both) - 128 * FINE) / (FINE * RATE) * 1e6)
    return np.array(out)


def ild_db(pairs):
    energy = (pairs**2).sum(axis=-1)
    return 10 * np.log10(energy[:, 0] / energy[:, 1])


@pytest.mark.parametrize("phase", ["minimum", "measured"])
def test_times_and_levels_between_the_ears_are_the_measured_ones(raw, phase):
    """Goal of the renderer: 95 % of ITDs within 10 µs and of ILDs within 0.3 dB."""
    measured, directions = raw
    head = load_head("kemar", equalisation="none", phase=phase)
    pairs = rendered(head, len(directions))
    itd = np.abs(itd_us(pairs) - itd_us(measured))
    # Minimum phase lacks the head's dispersion, so what remains depends on how the ears' band is
    # weighed; with the measured phase nothing remains but the resolution of this measurement.
    assert np.percentile(itd, 95) < (7.0 if phase == "minimum" else 1.5)
    assert itd.max() < (20.0 if phase == "minimum" else 3.0)
    ild = np.abs(ild_db(pairs) - ild_db(measured))
    assert np.percentile(ild, 95) < (0.2 if phase == "minimum" else 0.01)


def test_equalised_pairs_keep_them_too(raw):
    measured, directions = raw
    head = load_head("kemar")
    divided = np.fft.irfft(np.fft.rfft(measured, 2048) / head.equaliser, 2048)
    # A zero-phase division reaches back before the response; nothing of it may fold over.
    divided = np.roll(divided, 512, axis=-1)
    itd = np.abs(itd_us(rendered(head, len(directions))) - itd_us(divided))
    assert np.percentile(itd, 95) < 5.0
    ild = np.abs(ild_db(rendered(head, len(directions))) - ild_db(divided))
    assert np.percentile(ild, 95) < 0.3


def test_measured_phase_is_plain_convolution_with_the_raw_response(raw):
    measured, directions = raw
    head = load_head("kemar", equalisation="none", phase="measured")
    gain = 1 / head.equaliser
    assert np.ptp(gain) == 0  # one number for all frequencies, ears and directions
    ours = rendered(head, len(directions))
    # One delay common to all directions and ears lies between them: the centre's own arrival.
    spectra = np.fft.rfft(ours, 2048)
    theirs = np.fft.rfft(measured * gain[0], 2048)
    frequency = np.fft.rfftfreq(2048, 1 / RATE)
    band = (frequency > 100) & (frequency < 10_000)
    turn = np.unwrap(np.angle((spectra * theirs.conj())[..., band].sum(axis=(0, 1))))
    common = -np.polyfit(2 * np.pi * frequency[band], turn, 1)[0]
    theirs = theirs * np.exp(-2j * np.pi * frequency * common)
    # Above, soxr's and scipy's anti-alias filters differ; the worst ears are those whose response
    # has not died away where the file ends, which the two resamplers round off differently.
    inside = frequency < 17_000
    error = (np.abs(spectra - theirs)[..., inside] ** 2).sum(axis=-1)
    error /= (np.abs(theirs)[..., inside] ** 2).sum(axis=-1)
    median, most, worst = 10 * np.log10(np.percentile(error, [50, 95, 100]))
    assert median < -60
    assert most < -50
    assert worst < -42


def test_a_rotated_set_keeps_its_times_everywhere(sphere_responses):
    """Delays stored beside the responses count like samples of silence in front of them."""
    moved = sphere_responses.copy(deep=True)
    pure = moved.delay.values + np.array([3e-4, 5e-5])
    moved["delay"] = (("measurement", "ear"), pure)
    a = prepare_head(sphere_responses, rate=RATE, equalisation="none")
    b = prepare_head(moved, rate=RATE, equalisation="none")
    np.testing.assert_allclose(
        np.diff(b.delays, axis=1), np.diff(a.delays, axis=1) - 2.5e-4, atol=1e-8
    )
    exact = prepare_head(moved, rate=RATE, equalisation="none", phase="measured")
    lead = np.argmax(np.abs(exact.filters[: len(pure)]), axis=-1)
    assert np.abs(lead - GUARD).max() <= 2  # the arrival sits behind the guard in each filter


def test_needed_taps_hold_all_but_60_db():
    decay = np.exp(-np.arange(4096) * np.log(10) / 100)[None]  # 20 dB per 100 samples
    # Energy beyond n is 10^(-n/50) of all: -60 dB after 300 samples.
    assert 300 <= needed_taps(decay) <= 300 + 24 + 64


def test_shortened_pads_and_fades():
    out = shortened(np.ones((1, 2, 100)), 128)
    assert out.shape == (1, 2, 128)
    np.testing.assert_array_equal(out[..., 100:], 0)
    faded = shortened(np.ones((1, 2, 200)), 128)
    np.testing.assert_array_equal(faded[..., :104], 1)
    assert np.all(np.diff(faded[0, 0, 104:]) < 0)
    assert faded[0, 0, -1] == pytest.approx(0, abs=1e-12)


def test_minimum_phase_of_a_delay_has_none():
    late = np.zeros(64)
    late[20] = 1.0
    np.testing.assert_allclose(minimum_phase(np.abs(np.fft.rfft(late)))[:2], [1.0, 0.0], atol=1e-12)
