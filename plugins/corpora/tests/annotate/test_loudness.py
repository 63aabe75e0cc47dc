"""Loudness against the standard's table, its test signals, and an independent library."""

import numpy as np
import pytest
from spatialdrama_corpora.annotate import loudness
from spatialdrama_corpora.annotate.loudness import integrated, k_weighting, measure, to_lufs

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import BinauralAudio

RATE = 48_000


def sine(level_db, seconds, frequency=1000.0, rate=RATE):
    t = np.arange(round(seconds * rate)) / rate
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * frequency * t)


def programme(*parts):
    """Stereo sines one after the other: (dBFS, seconds) each, as in EBU Tech 3341."""
    mono = np.concatenate([sine(level, seconds) for level, seconds in parts])
    return np.stack([mono, mono])


def test_filters_are_the_table_of_bs1770():
    # Recommendation ITU-R BS.1770-4, tables 1 and 2 (48 kHz).
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285,
             1.0, -1.69065929318241, 0.73248077421585]  # fmt: skip
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), [shelf, high_pass], atol=2e-9)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 96_000])
def test_full_scale_sine_of_997_hz_reads_minus_3_01(rate):
    # BS.1770-4, annex 1: a 0 dBFS sine of 997 Hz in one channel is -3.01 LKFS.
    one = np.stack([sine(0, 5, 997, rate), np.zeros(5 * rate)])
    assert integrated(one, rate) == pytest.approx(-3.01, abs=0.01 if rate > 16_000 else 0.05)
    assert integrated(one[0], rate) == integrated(one, rate)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # EBU Tech 3341 (2016), minimum requirements, cases 1 to 5: -23 +-0.1 LU, except case 2.
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
    ids=["case1", "case2", "case3", "case4", "case5"],
)
def test_signals_of_ebu_tech_3341(parts, expected):
    assert integrated(programme(*parts), RATE) == pytest.approx(expected, abs=0.1)


def test_without_gates_case_4_would_fail():
    # The signals above can fail: an ungated mean is 1.4 dB lower.
    both = programme((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10))
    power = loudness._block_power(both, RATE).mean()
    assert float(loudness._lufs(power)) < -23.9


def test_agrees_with_pyloudnorm():
    pyloudnorm = pytest.importorskip("pyloudnorm")
    rng = np.random.default_rng(4)
    for rate in (44_100, 48_000):
        envelope = np.repeat(rng.uniform(0.01, 1, 40), rate // 5)
        stereo = rng.normal(0, [[0.1], [0.04]], (2, len(envelope))) * envelope
        meter = pyloudnorm.Meter(rate, filter_class="DeMan")
        theirs = meter.integrated_loudness(stereo.T)
        assert integrated(stereo, rate) == pytest.approx(theirs, abs=0.02)


def test_one_gain_for_both_ears():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, [[0.2], [0.05]], (2, 2 * RATE)).astype(np.float32)
    audio = BinauralAudio(noise, RATE)
    level = to_lufs(audio)
    ratio = level.samples / audio.samples
    assert np.ptp(ratio) < 1e-5 * ratio.mean()
    assert integrated(level.samples, RATE) == pytest.approx(-23.0, abs=0.01)
    assert 20 * np.log10(ratio.mean()) == pytest.approx(level.provenance["gain_db"], abs=1e-3)
    assert integrated(to_lufs(audio, -31).samples, RATE) == pytest.approx(-31, abs=0.01)


def test_true_peak_sees_between_samples():
    # A sine at a quarter of the rate, 45 degrees off: samples at -3.01 dBFS, crests at 0 dBTP
    # (EBU Tech 3341, case 15 to 18, tolerance +0.2 -0.4 dB).
    t = np.arange(RATE)
    tone = np.sin(np.pi * t / 2 + np.pi / 4)
    assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(-3.01, abs=0.01)
    assert -0.4 <= measure(tone, RATE).true_peak <= 0.2


def test_what_cannot_be_set_is_said():
    with pytest.raises(ValidationError, match="no block above -70 LUFS"):
        to_lufs(BinauralAudio(np.zeros((2, RATE)), RATE))
    with pytest.raises(ValidationError, match=r"at least 0\.4 s.*0\.010 s"):
        integrated(np.zeros(480), RATE)
    with pytest.raises(ValidationError, match="at most 0"):
        to_lufs(BinauralAudio(np.ones((2, RATE)), RATE), 23)
    with pytest.raises(ValidationError, match="BinauralAudio"):
        to_lufs(np.ones((2, RATE)))
    clicks = np.zeros((2, 2 * RATE))
    clicks[:, ::12_000] = 0.5
    with pytest.warns(SpatialDramaWarning, match="beyond full"):
        to_lufs(BinauralAudio(clicks, RATE), -10)
