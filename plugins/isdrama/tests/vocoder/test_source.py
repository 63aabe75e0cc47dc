"""Sines and noise of the source, against closed forms."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.vocoder.config import VocoderConfig
from spatialdrama_isdrama.vocoder.source import HarmonicSource, cycles, draw, f0_to_samples, sines

from spatialdrama.errors import ValidationError

RATE, HOP = 48_000, 256
TINY = VocoderConfig.sized("tiny")


def plain_source(**changes):
    """A source whose output is the first harmonic alone, nearly undistorted by the tanh."""
    source = HarmonicSource(VocoderConfig.sized("tiny", source_level=1e-3, **changes)).double()
    with torch.no_grad():
        source.merge.weight.zero_()
        source.merge.weight[0, 0] = 1.0
        source.merge.bias.zero_()
    return source


def test_a_steady_pitch_is_a_sine_of_its_frequency():
    f0 = torch.full((1, 40), 237.5)
    track, voiced = f0_to_samples(f0, HOP)
    wave = sines(track.double(), RATE, 3)
    time = np.arange(40 * HOP) / RATE
    for k in (1, 2, 3):
        np.testing.assert_allclose(wave[0, k - 1], np.sin(2 * np.pi * k * 237.5 * time), atol=1e-9)
    assert bool((voiced == 1).all())


def test_a_glide_has_the_phase_of_its_integral():
    start, slope, frames = 150.0, 400.0, 100  # Hz, Hz/s
    f0 = start + slope * torch.arange(frames, dtype=torch.float64)[None] * HOP / RATE
    track, _ = f0_to_samples(f0, HOP)
    time = np.arange((frames - 1) * HOP) / RATE
    off = cycles(track, RATE)[0, : len(time)].numpy() - (start * time + slope * time**2 / 2)
    np.testing.assert_allclose(off, np.rint(off), atol=1e-9)


def test_the_frequency_between_frames_is_the_line_between_them():
    f0 = torch.tensor([[100.0, 200.0, 150.0]], dtype=torch.float64)
    track, _ = f0_to_samples(f0, HOP)
    wanted = np.interp(np.arange(3 * HOP) / HOP, [0, 1, 2], [100.0, 200.0, 150.0])
    np.testing.assert_allclose(track[0], wanted)
    steps = np.diff(cycles(track, RATE)[0].numpy())
    heard = (steps - np.rint(steps)) * RATE
    np.testing.assert_allclose(heard, (wanted[1:] + wanted[:-1]) / 2, atol=1e-6)


def test_no_jump_where_frames_meet_or_voicing_starts_and_ends():
    generator = torch.Generator().manual_seed(0)
    f0 = 120 + 100 * torch.rand(1, 60, generator=generator, dtype=torch.float64)
    f0[:, 20:30] = 0
    source = plain_source(source_noise=0.0)
    wave = source(f0, noise=torch.zeros(1, 60 * HOP).double())[0, 0].detach().numpy() / 1e-3
    # A sine at f moves by 2 pi f / rate a sample at most; fading adds 1 / 256.
    limit = 2 * np.pi * 220 / RATE + 1 / HOP
    assert np.abs(np.diff(wave)).max() < limit
    assert np.abs(wave[21 * HOP : 29 * HOP]).max() == 0


def test_phase_does_not_drift_over_two_minutes():
    # 440 Hz for two minutes is 52800 whole cycles: the phase must be where it began.
    n = 120 * RATE
    track = torch.full((1, n + 480), 440.0)
    phase = float(cycles(track, RATE)[0, n])
    assert phase == pytest.approx(round(phase), abs=1e-9)
    tail = sines(track, RATE, 1)[0, 0, n:].numpy()
    np.testing.assert_allclose(tail, np.sin(2 * np.pi * 440 * np.arange(480) / RATE), atol=2e-6)


def test_nothing_aliases():
    # 9 kHz: harmonics at 9 and 18 kHz; the third, at 27 kHz, would fold to 21.
    wave = sines(torch.full((1, 48_000), 9000.0, dtype=torch.float64), RATE, 8).sum(1)[0].numpy()
    level = np.abs(np.fft.rfft(wave)) / 24_000
    assert level[9000] == pytest.approx(1, abs=1e-6)
    assert level[18_000] == pytest.approx(1, abs=1e-6)
    level[[9000, 18_000]] = 0
    assert level.max() < 1e-6


def test_a_harmonic_that_reaches_half_the_rate_fades():
    # The eighth harmonic of a glide up to 4 kHz crosses 24 kHz at 3 kHz.
    f0 = torch.linspace(2000, 4000, 48_000, dtype=torch.float64)[None]
    top = sines(f0, RATE, 8)[0, 7].numpy()
    envelope = np.array([np.abs(part).max() for part in top.reshape(-1, 480)])
    middle = 8 * np.linspace(2000, 4000, 100) / 24_000
    assert np.abs(envelope[middle > 1.02]).max() == 0
    assert np.all(envelope[middle < 0.88] > 0.99)
    assert np.abs(np.diff(envelope)).max() < 0.25


def test_initial_phases_are_those_given():
    phases = torch.tensor([[0.25, 0.5]])
    wave = sines(torch.full((1, 8), 100.0, dtype=torch.float64), RATE, 2, phases)
    np.testing.assert_allclose(wave[0, :, 0], [1.0, 0.0], atol=1e-9)


def test_noise_has_its_level_where_nothing_is_voiced():
    source = HarmonicSource(VocoderConfig.sized("tiny", harmonics=1, source_level=0.03))
    with torch.no_grad():
        source.merge.weight.fill_(1.0)
        source.merge.bias.zero_()
    made = source(torch.zeros(1, 400), noise=torch.Generator().manual_seed(1))
    assert float(made.detach().std()) == pytest.approx(0.03 / 3, rel=0.01)


def test_numbers_come_from_the_generator_of_an_item():
    def generators(*seeds):
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    source = HarmonicSource(TINY)
    f0 = torch.full((2, 6), 200.0)
    both = source(f0, noise=generators(3, 4))
    again = source(f0[1:], noise=generators(4))
    torch.testing.assert_close(both[1:], again, atol=1e-6, rtol=0)
    assert float((both[0] - both[1]).detach().abs().max()) > 1e-3
    # A shorter item begins as a longer one with the same seed.
    short = source(f0[1:, :4], noise=generators(4))
    torch.testing.assert_close(short[..., : 3 * HOP], again[..., : 3 * HOP], atol=1e-6, rtol=0)


def test_nothing_is_drawn_from_the_global_generator():
    source = HarmonicSource(TINY)
    before = torch.random.get_rng_state()
    source(torch.zeros(1, 4), noise=torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_cannot_be():
    source = HarmonicSource(TINY)
    with pytest.raises(ValidationError, match="F0 must be finite"):
        source(torch.tensor([[-1.0]]), noise=torch.zeros(1, HOP))
    with pytest.raises(ValidationError, match="must have shape"):
        source(torch.zeros(1, 2), noise=torch.zeros(1, HOP))
    with pytest.raises(ValidationError, match=r"one torch\.Generator for each"):
        draw([torch.Generator()], (2, 4), torch.zeros(1))
