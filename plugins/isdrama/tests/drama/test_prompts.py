"""Voice prompts: what is done to them is told, what cannot be used is said."""

import numpy as np
import pytest
import soundfile
import torch
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig, MelConfig
from spatialdrama_isdrama.autoencoder.model import Autoencoder
from spatialdrama_isdrama.drama.prompts import latents_of, read_prompt

from spatialdrama.errors import ValidationError
from spatialdrama.types import Speech

MEL = MelConfig()


def tone(seconds, rate=48_000, level=0.1, hertz=200.0):
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def read(given, **more):
    return read_prompt(given, speaker="ANNA", mel=MEL, **more)


class TestWhatIsDone:
    def test_a_file_a_speech_and_samples_are_one_prompt(self, tmp_path):
        samples = tone(2.0).astype(np.float32)
        soundfile.write(tmp_path / "anna.wav", samples, 48_000, subtype="FLOAT")
        prompts = [read(tmp_path / "anna.wav"), read(str(tmp_path / "anna.wav")),
                   read(Speech(samples, 48_000)), read((samples, 48_000))]  # fmt: skip
        for prompt in prompts[1:]:
            np.testing.assert_array_equal(prompt.samples, prompts[0].samples)
        assert prompts[0].about["file"] == "anna.wav"

    def test_one_gain_brings_it_to_the_level_and_is_told(self):
        # A sine of amplitude a has the level 20 log10(a / sqrt 2).
        prompt = read((tone(2.0, level=0.01), 48_000), level_db=-26.0)
        was = 20 * np.log10(0.01 / np.sqrt(2))
        assert prompt.about["gain_db"] == pytest.approx(-26.0 - was, abs=0.02)
        level = 10 * np.log10(np.mean(prompt.samples.astype(float) ** 2))
        assert level == pytest.approx(-26.0, abs=0.02)

    def test_another_rate_is_resampled_and_told(self):
        prompt = read((tone(2.0, rate=24_000, hertz=1000.0), 24_000))
        assert (prompt.rate, prompt.about["rate"], prompt.about["resampled"]) == (
            48000,
            24000,
            True,
        )
        spectrum = np.abs(np.fft.rfft(prompt.samples * np.hanning(len(prompt.samples))))
        peak = np.fft.rfftfreq(len(prompt.samples), 1 / 48_000)[spectrum.argmax()]
        assert peak == pytest.approx(1000.0, abs=1.0)

    def test_two_channels_are_averaged_and_told(self):
        left, right = tone(2.0), tone(2.0, level=0.05, hertz=300.0)
        prompt = read((np.stack([left, right]), 48_000))
        assert prompt.about["channels"] == 2
        mean = ((left + right) / 2)[: len(prompt.samples)]
        scale = prompt.samples @ mean / (mean @ mean)
        np.testing.assert_allclose(prompt.samples, scale * mean, atol=1e-6)

    def test_silent_ends_are_cut_and_what_is_too_long_is_left_out(self):
        quiet = np.zeros(48_000)
        prompt = read((np.concatenate([quiet, tone(2.0), quiet]), 48_000))
        assert 2.0 <= prompt.seconds <= 2.1
        long = read((tone(12.0), 48_000), most=5.0)
        assert 4.97 < long.seconds <= 5.0
        assert long.about["seconds"] == 12.0
        assert len(long.samples) % 1024 == 0


class TestWhatCannotBeUsed:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ((np.zeros(96_000), 48_000), "is silent"),
            ((1e-5 * tone(2.0), 48_000), "is silent"),
            ((tone(0.5), 48_000), r"0\.50 s long"),
            ((np.concatenate([tone(0.4), np.zeros(96_000)]), 48_000), r"holds 0\.4\d s of speech"),
            ((np.where(np.arange(96_000) == 7, np.nan, tone(2.0)), 48_000), "NaN"),
            ((np.stack([tone(2.0)] * 3), 48_000), "3 channels"),
            ((np.stack([tone(2.0), -tone(2.0)]), 48_000), "cancel each other.*give one of them"),
            ((np.zeros((2, 96_000)), 48_000), "is silent"),
            ((tone(2.0)[:, None], 48_000), "transposed"),
            ((tone(2.0), 200), "200"),
            ((tone(2.0), 48_000.5), "48000.5"),
            (((32767 * tone(2.0)).astype(np.int16), 48_000), "full scale"),
            ((np.zeros(0), 48_000), r"shape \(0,\)"),
            (7, "got int"),
            ("missing.wav", "does not exist"),
        ],
    )
    def test_it_is_said_whose_prompt_and_why(self, given, said):
        with pytest.raises(ValidationError, match=rf"the voice prompt of ANNA.*{said}"):
            read(given)

    def test_a_file_that_is_no_sound(self, tmp_path):
        (tmp_path / "anna.wav").write_text("not a sound")
        with pytest.raises(ValidationError, match=r"prompt of ANNA.*anna\.wav cannot be read"):
            read(tmp_path / "anna.wav")


def test_latents_of_mono_are_those_of_the_same_sound_at_both_ears():
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(width=16)).eval()
    mono = tone(1.0).astype(np.float32)[: 46 * 1024]
    with torch.inference_mode():
        latent = latents_of(mono, model, MEL)
        same = latents_of(np.stack([mono, mono]), model, MEL)
    assert latent.shape == (40, 46)
    assert torch.equal(latent, same)
