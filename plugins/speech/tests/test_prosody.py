"""Durations, pitch, styles and whispers, on arrays with known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spatialdrama_speech import styles
from spatialdrama_speech.network import whole_frames
from spatialdrama_speech.voice import shifted
from spatialdrama_speech.whisper import curve_at, whispered

RATE = 24_000


def test_at_rate_one_each_symbol_is_rounded_by_itself():
    durations = np.array([0.2, 1.49, 1.51, 7.0])
    np.testing.assert_array_equal(whole_frames(durations), [1, 1, 2, 7])


@given(
    st.lists(st.floats(0.1, 20), min_size=4, max_size=120),
    st.floats(0.5, 2.0).filter(lambda rate: rate != 1),
)
def test_other_rates_divide_the_total(durations, rate):
    plain, scaled = whole_frames(np.array(durations)), whole_frames(np.array(durations), rate)
    assert scaled.min() >= 1
    wanted = max(plain.sum() / rate, len(durations))  # every symbol keeps a frame
    assert abs(scaled.sum() - wanted) <= 0.5 + 1e-9


def test_very_short_symbols_keep_a_frame_each():
    np.testing.assert_array_equal(whole_frames(np.ones(8), 2.0), np.ones(8))


def test_pitch_moves_voiced_frames_by_semitones_and_leaves_silence():
    f0 = np.array([0, 5, 100, 200, 400, 0], np.float32)
    np.testing.assert_allclose(shifted(f0, 12), [0, 5, 200, 400, 800, 0])
    np.testing.assert_allclose(shifted(f0, 5)[2:5] / f0[2:5], 2 ** (5 / 12), rtol=1e-6)
    assert shifted(np.zeros(4), 5).max() == 0


def test_span_widens_around_the_median():
    f0 = np.array([100, 200, 400], np.float32)
    np.testing.assert_allclose(shifted(f0, 0, span=2), [50, 200, 800], rtol=1e-6)


def test_styles_add_up_and_unknown_ones_are_named():
    style, unused = styles.parse("SHOUTING, slowly and with a sneer")
    assert style.rate == pytest.approx(0.95 * 0.8)
    assert style.pitch == styles.STYLES["shouting"].pitch
    assert style.gain_db == styles.STYLES["shouting"].gain_db
    assert unused == "with a sneer"
    assert styles.parse("") == (styles.Style(), "")
    assert styles.parse("低声，慢")[0].whisper


def test_every_synonym_leads_to_a_style():
    assert set(styles.SYNONYMS.values()) <= set(styles.STYLES)


def pulses(f0, seconds):
    """A voiced sound with a resonance at 1.5 kHz: pulses through a two-pole filter."""
    from scipy.signal import lfilter

    source = np.zeros(int(RATE * seconds))
    source[:: RATE // f0] = 1
    radius, angle = 0.97, 2 * np.pi * 1500 / RATE
    return lfilter([1], [1, -2 * radius * np.cos(angle), radius**2], source)


def test_a_whisper_keeps_the_resonance_and_loses_the_pitch():
    f0, seconds = 120, 1.0
    voiced = pulses(f0, seconds)
    curve = np.full(int(seconds / 0.0125), float(f0))
    breath = whispered(voiced, RATE, curve, 0.0125, np.random.default_rng(0))
    assert breath.shape == voiced.shape

    def periodicity(signal):
        middle = signal[6000:18000] - signal[6000:18000].mean()
        lag = RATE // f0
        return np.corrcoef(middle[lag:], middle[:-lag])[0, 1]

    assert periodicity(voiced) > 0.9
    assert abs(periodicity(breath)) < 0.2
    spectrum = np.abs(np.fft.rfft(breath.astype(float)[4000:20000])) ** 2
    smooth = np.convolve(spectrum, np.ones(100) / 100, mode="same")
    peak = np.fft.rfftfreq(16000, 1 / RATE)[np.argmax(smooth)]
    assert abs(peak - 1500) < 120


def test_a_whisper_leaves_unvoiced_sound_alone_and_follows_its_seed():
    rng = np.random.default_rng(1)
    hiss = rng.standard_normal(12000) * 0.1
    curve = np.zeros(40)
    same = whispered(hiss, RATE, curve, 0.0125, np.random.default_rng(0))
    np.testing.assert_allclose(same, hiss, atol=1e-6)
    voiced, curve = pulses(100, 0.5), np.full(40, 100.0)
    one, two, other = (
        whispered(voiced, RATE, curve, 0.0125, np.random.default_rng(s)) for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1e-3


def test_curves_are_read_at_the_nearest_value():
    np.testing.assert_array_equal(
        curve_at(np.array([1.0, 2.0]), 0.5, [-1, 0, 0.24, 0.26, 9]), [1, 1, 1, 2, 2]
    )
