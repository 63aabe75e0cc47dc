"""Pulses against sums of cosines, and the shaped source against the mels it was asked for."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.mel import mel_of
from spatialdrama_isdrama.vocoder.config import VocoderConfig
from spatialdrama_isdrama.vocoder.shaped import ShapedSource, pulses

from spatialdrama.dsp import f0_yin
from spatialdrama.errors import ValidationError

RATE, HOP = 48_000, 256
CONFIG = VocoderConfig.sized("tiny", source="shaped")


@pytest.mark.parametrize("f0", [80.0, 237.5, 1234.5, 12_000.0])
def test_pulses_are_sums_of_cosines(f0):
    time = np.arange(4800) / RATE
    most = 0.45 * RATE / f0
    room = (RATE / 2 - (int(most) + 1) * f0) / (0.05 * RATE)
    heights = [*np.ones(int(most)), most % 1 * np.clip(room, 0, 1)]
    wanted = sum(
        height * np.cos(2 * np.pi * f0 * (k + 1) * time) for k, height in enumerate(heights)
    )
    found = pulses(torch.full((1, 4800), f0, dtype=torch.float64), RATE)[0].numpy()
    np.testing.assert_allclose(found, wanted / np.sqrt(most / 2), atol=1e-6)


def test_pulses_of_a_glide_stay_below_half_the_rate_and_even():
    f0 = torch.linspace(100, 300, RATE, dtype=torch.float64)[None]
    wave = pulses(f0, RATE)[0].numpy()
    windows = np.lib.stride_tricks.sliding_window_view(wave, 4096)[::1024] * np.blackman(4096)
    power = np.abs(np.fft.rfft(windows)) ** 2
    bins = np.fft.rfftfreq(4096, 1 / RATE)
    above = power[:, bins > 22_500].sum(1) / power.sum(1)
    assert 10 * np.log10(above.max()) < -60
    assert wave.std() == pytest.approx(1, rel=0.05)


def test_pulses_are_silent_where_nothing_is_voiced():
    assert float(pulses(torch.zeros(1, 100), RATE).abs().max()) == 0


def vowel(frames, pitch):
    """Mel (1, f, t) of harmonics under two formants."""
    time = np.arange(frames * HOP) / RATE
    tones = [pitch * k for k in range(1, int(12_000 / pitch))]
    heights = [
        1 / (1 + ((f - 600) / 300) ** 2) + 0.3 / (1 + ((f - 1900) / 400) ** 2) for f in tones
    ]
    wave = 0.05 * sum(h * np.sin(2 * np.pi * f * time) for h, f in zip(heights, tones, strict=True))
    return mel_of(torch.from_numpy(wave)[None, None], CONFIG.mel)[:, 0]


def test_each_excitation_has_the_mel():
    frames = 150
    mel = vowel(frames, 150.0)
    f0 = torch.full((1, frames), 150.0, dtype=torch.float64)
    f0[:, 75:] = 0
    made = ShapedSource(CONFIG)(f0, mel, noise=torch.Generator().manual_seed(0))
    tone, noise, breath = mel_of(made, CONFIG.mel)[0].numpy()
    wanted = mel[0].numpy()
    loud = wanted.mean(1) > -3.5
    # dB, mean over frames: noise scatters from frame to frame, and its logarithm's mean is low.
    assert np.abs(20 * (tone - wanted)[loud, 10:65]).mean() < 1.0
    assert np.abs(20 * (noise - wanted)[loud, 85:140]).mean() < 3.5
    assert np.abs(20 * (breath - wanted)[loud, 10:65]).mean() < 3.5
    assert abs(20 * (noise - wanted)[loud, 85:140].mean()) < 2.5
    silent = made[0, [0, 2], 80 * HOP :].abs().max(), made[0, 1, : 70 * HOP].abs().max()
    assert float(max(silent)) == 0


def test_the_pitch_is_heard():
    frames = 150
    made = ShapedSource(CONFIG)(
        torch.full((1, frames), 150.0), vowel(frames, 150.0), noise=torch.Generator().manual_seed(0)
    )
    f0 = f0_yin(made[0, 0].numpy(), rate=RATE).f0[5:-5]
    assert np.abs(1200 * np.log2(f0 / 150)).max() < 15


def test_what_cannot_be():
    with pytest.raises(ValidationError, match="F0 must be finite"):
        ShapedSource(CONFIG)(torch.tensor([[float("nan")] * 4]), torch.zeros(1, 80, 4), noise=[])
