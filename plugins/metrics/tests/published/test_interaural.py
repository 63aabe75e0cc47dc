"""The published IPD and ILD errors: against a slow oracle, closed forms, independent figures."""

import copy
import pickle

import numpy as np
import pytest
import torch
from spatialdrama_metrics.published.interaural import (
    ild_mae,
    interaural_blocks,
    ipd_mae,
    mel_weights,
)
from spatialdrama_metrics.published.resample import resample
from torch.nn import functional

from spatialdrama import registry
from spatialdrama.errors import ValidationError
from spatialdrama.testing import check_metric
from spatialdrama.types import BinauralAudio

NAMES = ("isdrama/ipd_mae", "isdrama/ild_mae")
PLAIN = {"mel": False, "per_frame": False, "scale": 1.0}


def noise(seconds=1.0, rate=48_000, seed=0, ears=2):
    return np.random.default_rng(seed).standard_normal((ears, round(seconds * rate))) * 0.1


def speechlike(seconds=1.0, rate=48_000, seed=0):
    """Noise whose level falls with frequency by 60 dB, with pauses, and a coloured second ear."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    shape = 1 / (1 + np.fft.rfftfreq(n, 1 / rate) / 100)
    left = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * shape, n)
    left *= 0.5 + 0.5 * np.sin(2 * np.pi * 3 * np.arange(n) / rate)
    right = np.roll(left, 17) * 0.6 + 0.1 * np.fft.irfft(
        np.fft.rfft(rng.standard_normal(n)) * shape, n
    )
    return np.stack([left, right])


class TestMelMatrix:
    def test_against_the_definition(self, oracle):
        np.testing.assert_allclose(mel_weights(), oracle.mel().T, atol=1e-12)

    def test_against_published_numbers_of_librosa(self):
        # librosa 0.11: filters.mel(sr=32000, n_fft=1024, n_mels=128, fmin=50, fmax=14000)
        weights = mel_weights()
        assert (weights != 0).sum() == 879
        assert weights.sum() == pytest.approx(4.09577044, rel=1e-7)
        for band, (first, last, total, peak, where) in {
            0: (2, 3, 0.031291235, 0.01689343, 2),
            63: (71, 74, 0.032056681, 0.013085211, 72),
            127: (424, 447, 0.031975695, 0.0025353387, 436),
        }.items():
            used = np.flatnonzero(weights[:, band])
            assert (used[0], used[-1], weights[:, band].argmax()) == (first, last, where)
            assert weights[:, band].sum() == pytest.approx(total, rel=1e-6)
            assert weights[:, band].max() == pytest.approx(peak, rel=1e-6)


class TestResample:
    @pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
    def test_against_one_dense_convolution(self, oracle, rate):
        x = noise(0.11, rate)
        got, wanted = resample(x, rate, 32_000), oracle.resample(x, rate)
        assert got.shape == wanted.shape
        # The oracle takes phases in double precision, the original and ours in single.
        np.testing.assert_allclose(got, wanted, atol=3e-5)

    def test_the_same_rate_changes_nothing(self):
        x = noise()
        np.testing.assert_array_equal(resample(x, 32_000, 32_000), x)

    def test_a_tone_keeps_its_phase_and_level(self):
        t = np.arange(48_000) / 48_000
        got = resample(np.sin(2 * np.pi * 997 * t), 48_000, 32_000)
        wanted = np.sin(2 * np.pi * 997 * np.arange(32_000) / 32_000)
        np.testing.assert_allclose(got[50:-50], wanted[50:-50], atol=2e-3)

    def test_what_lies_above_the_band_is_gone(self):
        t = np.arange(48_000) / 48_000
        got = resample(np.sin(2 * np.pi * 22_000 * t), 48_000, 32_000)
        assert np.abs(got[50:-50]).max() < 0.01

    def test_coprime_rates(self):
        got = resample(noise(0.05, 47_999), 47_999, 32_000)
        assert got.shape == (2, -(-2400 * 32_000 // 47_999))

    def test_refusals(self):
        for rate in (44_100.5, 0, np.nan, True, "48k"):
            with pytest.raises(ValidationError, match="rate must be a whole number of Hz above 0"):
                resample(noise(), rate, 32_000)


class TestAgainstTheOracle:
    @pytest.mark.parametrize("rate", [48_000, 44_100, 32_000, 16_000])
    def test_values(self, oracle, rate):
        a, b = speechlike(5, rate, 1), speechlike(5, rate, 2)
        ipd, ild = oracle.maes(a, b, rate)
        # Rounding alone decides the signs of pi in the first frame, in the original, too.
        assert ipd_mae(a, b, rate=rate).value == pytest.approx(ipd, rel=1e-3)
        assert ild_mae(a, b, rate=rate).value == pytest.approx(ild, rel=1e-5)

    @pytest.mark.parametrize("level", [False, True])
    def test_every_frame_but_the_first(self, oracle, level):
        x = resample(speechlike(2), 48_000, 32_000)
        wanted = oracle.interaural(x)[int(level)] @ oracle.mel().T
        options = {"frames": len(wanted), "level": level, "wrap": False, "mel": True}
        got = np.concatenate(list(interaural_blocks(x, **options)))
        assert got.shape == wanted.shape == (201, 128)
        assert np.abs(got[1:] - wanted[1:]).mean() < 1e-4 * np.abs(wanted).mean()

    def test_signs_of_pi_in_the_first_frame_are_as_random_as_in_the_original(self, oracle):
        # The original is a convolution in single precision. A transform that keeps the symmetry of
        # the reflected first frame gives both ears the same sign, and a clip of half a second an
        # error of half a per cent less.
        turns = np.power(np.exp(-2j * np.pi / 1024), np.outer(np.arange(513), np.arange(1024)))
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
        real, imag = (torch.tensor(w * hann, dtype=torch.float32) for w in (turns.real, turns.imag))
        mel = oracle.mel().T
        ours, wanted = [], []
        for seed in range(40):
            x = torch.tensor(speechlike(0.1, 32_000, seed), dtype=torch.float32)
            padded = functional.pad(x[:, None], (512, 512), mode="reflect")
            parts = [
                functional.conv1d(padded, w[:, None], stride=320)[..., 0] for w in (real, imag)
            ]
            left, right = torch.atan2(parts[1], parts[0]).numpy()
            wanted.append(np.abs((right - left) @ mel).mean())
            options = {"frames": 1, "level": False, "wrap": False, "mel": True}
            ours.append(np.abs(next(interaural_blocks(x.numpy(), **options))).mean())
        assert np.mean(ours) == pytest.approx(np.mean(wanted), rel=0.06)


class TestClosedForms:
    def test_a_gain_is_a_level_difference(self):
        x = np.repeat(noise(2, ears=1), 2, axis=0)
        louder = x * [[1], [2]]
        six = 20 * np.log10(2)
        assert ild_mae(louder, x, rate=48_000, **PLAIN).value == pytest.approx(six, rel=1e-5)
        # On mel bands the bins of each add up: dB times the band's sum of weights.
        sums = mel_weights().sum(axis=0).mean()
        got = ild_mae(louder, x, rate=48_000)
        assert got.frames == 201
        assert got.value == pytest.approx(100 * six * sums / 201, rel=1e-5)

    def test_turned_polarity_is_a_phase_of_pi(self):
        x = np.repeat(noise(2, ears=1), 2, axis=0)
        got = ipd_mae(x * [[1], [-1]], x, rate=48_000, wrap=True, **PLAIN)
        assert got.value == pytest.approx(np.pi, rel=1e-6)

    def test_a_delay_is_a_phase_that_grows_with_frequency(self):
        # 5 samples at 32 kHz in a tone of 500 Hz: 2 pi 500 5 / 32000 = .491 rad in its own bin.
        t = np.arange(64_000) / 32_000
        tone = np.sin(2 * np.pi * 500 * t)
        late = np.sin(2 * np.pi * 500 * (t - 5 / 32_000))
        frames = list(
            interaural_blocks(np.stack([tone, late]), frames=201, level=False, wrap=True, mel=False)
        )
        np.testing.assert_allclose(frames[0][3:-3, 16], -2 * np.pi * 500 * 5 / 32_000, atol=1e-3)

    def test_independent_phases_reach_the_figures_that_were_measured_elsewhere(self):
        # An independent measurement of independent uniform phases: value times frames 5.45 to 5.5,
        # against zero (mono) 3.9.
        phases = np.random.default_rng(0).uniform(-np.pi, np.pi, (4, 400, 513))
        a, b = ((phases[i] - phases[i + 1]) @ mel_weights() for i in (0, 2))
        assert 100 * np.abs(a - b).mean() == pytest.approx(5.475, abs=0.03)
        assert 100 * np.abs(a).mean() == pytest.approx(3.9, abs=0.03)

    def test_wrapped_phases_of_unrelated_sounds(self):
        # |a - b| of two uniform phases has the mean 2 pi / 3, against 0 pi / 2.
        got = ipd_mae(noise(5, seed=1), noise(5, seed=2), rate=48_000, wrap=True, **PLAIN)
        assert got.value == pytest.approx(2 * np.pi / 3, rel=0.01)
        assert got.mono == pytest.approx(np.pi / 2, rel=0.01)

    def test_the_second_division_makes_long_clips_look_better(self):
        short, long = ipd_mae(*noise_pair(2), rate=48_000), ipd_mae(*noise_pair(8), rate=48_000)
        assert short.value / long.value == pytest.approx(801 / 201, rel=0.02)


def noise_pair(seconds):
    return noise(seconds, seed=1), noise(seconds, seed=2)


class TestBehaviour:
    @pytest.mark.parametrize("mae", [ipd_mae, ild_mae])
    def test_itself_and_mono(self, mae):
        x = speechlike()
        assert mae(x, x, rate=48_000).value == 0
        mono = np.repeat(x.mean(axis=0, keepdims=True), 2, axis=0)
        got = mae(mono, x, rate=48_000)
        assert got.value == pytest.approx(got.mono, rel=1e-9)

    def test_mono_beats_swapped_ears(self):
        x = speechlike()
        for mae in (ipd_mae, ild_mae):
            swapped = mae(x[::-1], x, rate=48_000)
            assert swapped.value == pytest.approx(2 * swapped.mono, rel=1e-4)

    def test_growing_level_error(self):
        x = speechlike()
        values = [ild_mae(x * [[1], [g]], x, rate=48_000).value for g in (1.1, 1.5, 2, 4, 16)]
        assert values == sorted(values)
        assert values[0] > 0

    def test_growing_noise(self):
        x, hiss = speechlike(2), noise(2, seed=9)
        values = [ipd_mae(x + g * hiss, x, rate=48_000).value for g in (0.001, 0.01, 0.1, 1)]
        assert values == sorted(values)
        assert values[0] > 0

    @pytest.mark.parametrize("mae", [ipd_mae, ild_mae])
    def test_a_common_gain_changes_nothing_much(self, mae):
        a, b = speechlike(seed=1), speechlike(seed=2)
        wanted = mae(a, b, rate=48_000).value
        assert mae(a / 8, b, rate=48_000).value == pytest.approx(wanted, rel=2e-2)

    def test_the_longer_is_cut_to_the_frames_of_the_shorter(self):
        a, b = speechlike(2, seed=1), speechlike(2, seed=2)
        cut = ild_mae(a[:, :48_320], b, rate=48_000)
        assert cut.frames == 1 + (48_320 * 2 // 3 + 1) // 320
        assert ild_mae(b, a[:, :48_320], rate=48_000).value == pytest.approx(cut.value, rel=1e-6)

    def test_blocks_do_not_show(self, monkeypatch):
        from spatialdrama_metrics.published import interaural

        a, b = speechlike(3, seed=1), speechlike(3, seed=2)
        wanted = interaural.ild_mae(a, b, rate=48_000)
        monkeypatch.setattr(interaural, "BLOCK_FRAMES", 64)
        assert interaural.ild_mae(a, b, rate=48_000) == pytest.approx(wanted, rel=1e-6)

    def test_silence(self):
        x, silence = speechlike(), np.zeros((2, 48_000))
        for mae in (ipd_mae, ild_mae):
            assert mae(silence, silence, rate=48_000).value == 0
            got = mae(silence, x, rate=48_000)
            assert got.value == pytest.approx(got.mono)  # two silent ears are the same
        one_ear = ild_mae(x * [[1], [0]], x, rate=48_000, **PLAIN)
        assert one_ear.value > 100
        assert np.isfinite(one_ear.value)

    def test_refusals(self):
        x = speechlike()
        with pytest.raises(ValidationError, match=r"audio has 512 samples at 32000 Hz.*513"):
            ipd_mae(x[:, :768], x, rate=48_000)
        assert ipd_mae(x[:, :769], x, rate=48_000).frames == 2
        broken = x.copy()
        broken[1, 5] = np.nan
        with pytest.raises(ValidationError, match="reference: audio holds 1 NaN"):
            ild_mae(x, broken, rate=48_000)
        with pytest.raises(ValidationError, match=r"audio must have shape \(2, samples\)"):
            ild_mae(x[:1], x, rate=48_000)


class TestMetrics:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("reading", ["code", pytest.param("paper", marks=pytest.mark.slow)])
    def test_conformance(self, name, reading):
        check_metric(name, options={"reading": reading})

    @pytest.mark.parametrize("name", NAMES)
    def test_the_name_is_not_the_headline_s(self, name):
        spec, short = registry.get("metric", name), name.split("/")[1]
        assert (spec.name, spec.unit, spec.direction, spec.chance) == (
            name, "a.u.", "down", "shuffle",
        )  # fmt: skip
        assert registry.get("metric", short).target != spec.target
        assert registry.get("metric", f"metrics/{name}").name == name

    @pytest.mark.parametrize("name", NAMES)
    def test_score(self, name):
        a, b = (BinauralAudio(speechlike(seed=s), 48_000) for s in (1, 2))
        metric = registry.load("metric", name)
        mae = ipd_mae if "ipd" in name else ild_mae
        wanted = mae(a.samples, b.samples, rate=48_000)
        score = metric.score(a, reference=b)
        assert (score.value, score.weight) == (wanted.value, 1)
        assert (score.details["frames"], score.details["mono"]) == (101, wanted.mono)
        assert score.details["reading"] == "code"
        assert pickle.loads(pickle.dumps(copy.deepcopy(metric))) == metric

    def test_readings_and_their_switches(self):
        a, b = (BinauralAudio(speechlike(seed=s), 48_000) for s in (1, 2))
        pair = (a.samples, b.samples)

        def value(short, **options):
            return registry.load("metric", f"isdrama/{short}", **options).score(a, reference=b)

        paper = ipd_mae(*pair, rate=48_000, wrap=True, mel=False, per_frame=False)
        assert value("ipd_mae", reading="paper").value == paper.value
        options = {"wrap": False, "mel": True, "per_frame": True}
        back = value("ipd_mae", reading="paper", **options)
        assert back.value == value("ipd_mae").value
        assert {k: back.details[k] for k in options} == options
        one = value("ipd_mae", per_frame=False)
        assert one.value == pytest.approx(101 * value("ipd_mae").value)
        paper = ild_mae(*pair, rate=48_000, mel=False, per_frame=False)
        assert value("ild_mae", reading="paper").value == paper.value

    @pytest.mark.parametrize("name", NAMES)
    def test_refusals(self, name):
        metric, clip = registry.load("metric", name), BinauralAudio(noise(), 48_000)
        with pytest.raises(ValidationError, match="audio is at 16000 Hz and reference at 48000"):
            metric.score(BinauralAudio(noise(rate=16_000), 16_000), reference=clip)
        with pytest.raises(ValidationError, match="reference must be a BinauralAudio, got ndarray"):
            metric.score(clip, reference=clip.samples)
        with pytest.raises(ValidationError, match="reading must be one of 'code', 'paper'; got 'b"):
            registry.load("metric", name, reading="book")
        with pytest.raises(ValidationError, match="mel must be True, False or None, got 'no'"):
            registry.load("metric", name, mel="no")
