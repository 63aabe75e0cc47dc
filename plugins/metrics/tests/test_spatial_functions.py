"""The interaural errors as pure functions: closed forms, symmetry, invariance, monotony."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_metrics.functional import (
    aligned_pair,
    ild_error,
    ild_mae,
    ipd_error,
    ipd_mae,
    itd_error,
    itd_mae,
)

from spatialdrama.errors import ValidationError

RATE = 48_000
MAES = {"itd": itd_mae, "ild": ild_mae, "ipd": ipd_mae}
ERRORS = {"itd": itd_error, "ild": ild_error, "ipd": ipd_error}


def noise(seconds=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * 0.1


def delayed(x, seconds):
    """Any delay by a linear phase, circular."""
    shift = np.exp(-2j * np.pi * np.fft.rfftfreq(len(x), 1 / RATE) * seconds)
    shift[-1] = shift[-1].real
    return np.fft.irfft(np.fft.rfft(x) * shift, len(x))


def placed(x, itd_us=0.0, ild_db=0.0):
    """A source with this delay (left first) and level difference (left louder)."""
    half = 10 ** (ild_db / 40)
    return np.stack([half * delayed(x, -itd_us * 5e-7), delayed(x, itd_us * 5e-7) / half])


def talk(seconds=2.0, seed=0):
    """Noise with the loudness of speech: syllables and pauses."""
    t = np.arange(int(seconds * RATE)) / RATE
    envelope = np.maximum(0, np.sin(2 * np.pi * 3 * t)) ** 2 * (np.sin(2 * np.pi * 0.7 * t) > -0.5)
    return noise(seconds, seed) * (envelope + 1e-4)


@pytest.mark.parametrize(("have", "want"), [(0, 250), (100.5, -300.25), (-700, 700), (33.3, 33.3)])
def test_a_known_delay_gives_that_error(have, want):
    x = talk()
    error = itd_error(placed(x, have), placed(x, want), rate=RATE)
    assert error.value == pytest.approx(abs(have - want), abs=1.0)
    assert error.bias == pytest.approx(have - want, abs=1.0)
    assert error.mono == pytest.approx(abs(want), abs=1.0)
    assert error.silent == 0


@settings(max_examples=15, deadline=None)
@given(st.floats(-25, 25), st.floats(-25, 25))
def test_a_known_gain_gives_that_error(have, want):
    x = talk(0.6)
    error = ild_error(placed(x, 0, have), placed(x, 0, want), rate=RATE)
    assert error.value == pytest.approx(abs(have - want), abs=1e-6)
    assert error.bias == pytest.approx(have - want, abs=1e-6)
    assert error.mono == pytest.approx(abs(want), abs=1e-6)


def test_a_known_phase_gives_that_error():
    # One ear turned by a constant phase at every frequency (a Hilbert rotation).
    from scipy.signal import hilbert

    x = talk()
    for turn in (0.3, -1.2, 3.0):
        turned = np.stack([np.real(hilbert(x) * np.exp(1j * turn)), x])
        error = ipd_error(turned, np.stack([x, x]), rate=RATE)
        assert error.value == pytest.approx(abs(turn), abs=0.01)
        assert error.bias == pytest.approx(turn, abs=0.01)
        # Wrapped: a difference of 3 from a reference at -1 is 4, which is 2 pi - 4.
        wrapped = np.stack([np.real(hilbert(x) * np.exp(-1j)), x])
        want = abs(np.angle(np.exp(1j * (turn + 1))))
        assert ipd_mae(turned, wrapped, rate=RATE) == pytest.approx(want, abs=0.01)


def test_ipd_of_a_delay_is_the_mean_phase_over_the_band():
    x = noise(4.0)
    itd = 150e-6  # does not wrap below 1.5 kHz
    want = 2 * np.pi * itd * (100 + 1500) / 2  # white noise: all frequencies weigh alike
    got = ipd_mae(np.stack([x, x]), placed(x, itd * 1e6), rate=RATE)
    assert got == pytest.approx(want, rel=0.03)


def test_unrelated_phases_score_half_pi():
    a, b = (np.stack([noise(4.0, s), noise(4.0, s + 1)]) for s in (1, 3))
    assert ipd_mae(a, b, rate=RATE) == pytest.approx(np.pi / 2, abs=0.06)


@pytest.mark.parametrize("name", MAES)
def test_identical_is_zero(name):
    clip = placed(talk(), 300, 5)
    assert MAES[name](clip, clip, rate=RATE) == pytest.approx(0, abs=1e-6)
    assert MAES[name](clip, clip.copy(), rate=RATE) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", MAES)
def test_worse_is_more(name):
    x = talk()
    reference = placed(x, 300, 6)
    steps = [placed(x, 300 - 45 * k, 6 - 2 * k) for k in range(7)]  # no phase wraps
    values = [MAES[name](s, reference, rate=RATE) for s in steps]
    assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize("name", MAES)
def test_noise_at_each_ear_makes_it_worse(name):
    reference = placed(talk(3.0), 350, 8)
    added = np.stack([noise(3.0, 8), noise(3.0, 9)])
    values = [
        MAES[name](reference + 10 ** (snr / -20) * 0.3 * added, reference, rate=RATE)
        for snr in (40, 25, 10, -5)
    ]
    assert np.all(np.diff(values) > 0)


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(sorted(MAES)),
    st.tuples(st.floats(-600, 600), st.floats(-15, 15)),
    st.tuples(st.floats(-600, 600), st.floats(-15, 15)),
    st.floats(-40, 20),
)
def test_ears_swapped_or_gain_changed_the_value_stays(name, have, want, gain_db):
    x = talk(0.6)
    a, b = placed(x, *have), placed(x, *want)
    value = MAES[name](a, b, rate=RATE)
    assert MAES[name](a[::-1], b[::-1], rate=RATE) == pytest.approx(value, abs=1e-5)
    gain = 10 ** (gain_db / 20)
    assert MAES[name](gain * a, b, rate=RATE) == pytest.approx(value, abs=1e-4)
    assert MAES[name](a, gain * b, rate=RATE) == pytest.approx(value, abs=1e-4)
    bias = ERRORS[name](a, b, rate=RATE).bias
    assert ERRORS[name](a[::-1], b[::-1], rate=RATE).bias == pytest.approx(-bias, abs=1e-5)


@pytest.mark.parametrize("name", ERRORS)
def test_the_mono_figure_is_what_mono_scores(name):
    x = talk()
    reference = placed(x, 250, 7)
    error = ERRORS[name](np.stack([x, x]), reference, rate=RATE)
    assert error.value == pytest.approx(error.mono, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ERRORS)
def test_a_silent_candidate_scores_as_mono_and_says_so(name):
    reference = placed(talk(), 250, 7)
    error = ERRORS[name](np.zeros_like(reference), reference, rate=RATE)
    assert error.value == pytest.approx(error.mono, abs=1e-6)
    assert error.silent == 1


@pytest.mark.parametrize("name", ERRORS)
def test_a_silent_reference_scores_nan_with_no_weight(name):
    clip = placed(talk(), 250, 7)
    error = ERRORS[name](clip, np.zeros_like(clip), rate=RATE)
    assert np.isnan(error.value)
    assert error.seconds == 0
    assert np.isnan(MAES[name](np.zeros_like(clip), np.zeros_like(clip), rate=RATE))


def test_one_deaf_ear_is_limited():
    x = talk()
    reference = placed(x, 0, 0)
    deaf = np.stack([x, np.zeros_like(x)])
    assert ild_mae(deaf, reference, rate=RATE) == pytest.approx(60.0)
    assert ild_mae(deaf[::-1], deaf, rate=RATE) == pytest.approx(120.0)
    assert np.isfinite(itd_mae(deaf, reference, rate=RATE))


def test_only_the_active_part_counts_and_is_the_weight():
    x = talk(2.0)
    reference = placed(np.concatenate([x, np.zeros(2 * RATE)]), 300)
    junk = np.stack([noise(2.0, 5), noise(2.0, 6)])
    candidate = reference.copy()
    candidate[:, 2 * RATE + 4800 :] += junk[:, : 2 * RATE - 4800]
    error = itd_error(candidate, reference, rate=RATE)
    assert error.value == pytest.approx(0, abs=2)
    assert 0.4 < error.seconds < 2.0


def test_dc_is_ignored():
    reference = placed(talk(), 300, 6)
    for mae in (itd_mae, ipd_mae):
        assert mae(reference + 0.2, reference, rate=RATE) == pytest.approx(0, abs=0.5)


def oracle_itd_mae(a, b, gate_db=20.0):
    """Frame by frame with integer lags at eight times the rate; a loop in every direction."""
    from scipy.signal import resample_poly

    length, hop, limit = 2 * round(0.085 * RATE / 2), 960, 384
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    hertz = np.fft.rfftfreq(2 * length, 1 / RATE)
    band = (hertz >= 150) & (hertz <= 1800)

    def lags(x):
        padded = np.pad(x, ((0, 0), (length // 2, length)))
        out, power = [], []
        for t in range(1 + x.shape[1] // hop):
            spectra = [
                np.fft.rfft(e[t * hop : t * hop + length] * window, 2 * length) * band
                for e in padded
            ]
            left, right = (resample_poly(np.fft.irfft(s), 8, 1) for s in spectra)
            power.append(np.mean(left**2 + right**2))
            scores = [
                np.dot(left[limit:-limit], np.roll(right, -lag)[limit:-limit])
                for lag in range(-limit, limit + 1, 1)
            ]
            out.append((np.argmax(scores) - limit) / (8 * RATE) * 1e6)
        return np.array(out), 10 * np.log10(np.array(power) + 1e-20)

    have, (want, level) = lags(a)[0], lags(b)
    active = level >= level.max() - gate_db
    return np.abs(have - want)[active].mean()


@pytest.mark.slow
def test_itd_mae_against_a_loop():
    x, y = talk(0.3, 1), talk(0.3, 2)
    reference = placed(x, 300) + 0.5 * placed(y, -200)
    candidate = placed(x, 120) + 0.5 * placed(y, -400)
    want = oracle_itd_mae(candidate, reference)
    assert itd_mae(candidate, reference, rate=RATE) == pytest.approx(want, abs=4)


def test_lengths():
    clip = placed(talk(), 300, 6)
    for mae in MAES.values():
        assert mae(clip, clip[:, :-4000], rate=RATE) < 0.2
    a, b = aligned_pair(clip, clip[:, :-4800], rate=RATE)
    assert a.shape == b.shape
    with pytest.raises(ValidationError, match=r"2\.000 s and reference 1\.500 s, more than 0\.1 s"):
        itd_mae(clip, clip[:, : -RATE // 2], rate=RATE)


@pytest.mark.parametrize(
    ("audio", "match"),
    [
        (np.zeros(100), r"audio: audio must have shape \(2, samples\), got \(100,\)"),
        (np.full((2, 100), np.nan), "audio: audio holds 200 NaN"),
        (np.zeros((100, 2)), r"samples\.T"),
    ],
)
def test_malformed_audio_is_named(audio, match):
    with pytest.raises(ValidationError, match=match):
        ild_mae(audio, np.zeros((2, 100)), rate=RATE)


def test_other_rates_measure_the_same():
    from scipy.signal import resample_poly

    a, b = placed(talk(), 100, 3), placed(talk(), 400, 8)
    low = [resample_poly(x, 1, 3, axis=1) for x in (a, b)]
    assert itd_mae(*low, rate=16000) == pytest.approx(itd_mae(a, b, rate=RATE), abs=2)
    assert ild_mae(*low, rate=16000) == pytest.approx(5.0, abs=0.05)


def test_clipping_takes_levels_and_leaves_delays():
    """Clipped hard, both ears are signs alone: as loud as each other, as late as before."""
    source = np.random.default_rng(5).standard_normal(48_012)
    reference = np.stack([source[12:], 0.5 * source[:-12]])  # 250 us, left first, 6 dB
    clipped = reference.clip(-1e-3, 1e-3)
    level = ild_error(clipped, reference, rate=48_000)
    assert level.value == pytest.approx(6.02, abs=0.1)
    assert level.value == pytest.approx(level.mono, abs=0.1)
    assert itd_error(clipped, reference, rate=48_000).value < 1.0
