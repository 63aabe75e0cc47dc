"""Sound from mels: its own mel comes near, phases behave as asked, runs repeat."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.autoencoder.griffin_lim import griffin_lim, magnitude_of
from spatialdrama_isdrama.autoencoder.mel import mel_of, mel_weights

from spatialdrama.errors import ValidationError

CONFIG = MelConfig()


def buzz(frames=64):
    """A gliding harmonic sound, twice as loud at the left ear: (1, 2, n)."""
    t = np.arange(frames * 256) / 48_000
    phase = 2 * np.pi * (150 * t + 60 * t**2)
    sound = sum(np.sin(k * phase) / k for k in range(1, 40)) * 0.1
    return torch.from_numpy(np.stack([sound, sound / 2])[None]).float()


def test_magnitudes_come_as_near_to_the_mel_as_least_squares_can():
    mel = mel_of(buzz(8).double(), CONFIG)[0, 0, :, 3:5]
    weights = mel_weights(CONFIG, torch.float64, torch.device("cpu")).numpy()
    found = magnitude_of(mel, CONFIG, updates=2000).numpy()
    assert (found >= 0).all()
    for t in range(2):
        target = 10 ** mel[:, t].numpy()
        _, least = nnls(weights, target)
        assert np.linalg.norm(weights @ found[:, t] - target) < least + 1e-3 * np.linalg.norm(
            target
        )


def test_the_sound_has_about_the_mel_that_was_asked_for():
    sound = buzz()
    mel = mel_of(sound, CONFIG)
    made = griffin_lim(mel, CONFIG, 32)
    assert made.shape == sound.shape
    heard = mel > -2
    error = (mel_of(made, CONFIG) - mel)[heard].abs().mean().item() * 20
    first = (mel_of(griffin_lim(mel, CONFIG, 0), CONFIG) - mel)[heard].abs().mean().item() * 20
    # In dB; random phases alone are some 3 dB off.
    assert error < 1.5 < first


def test_shared_phase_keeps_the_ears_in_step_and_their_levels():
    mel = mel_of(buzz(), CONFIG)
    left, right = griffin_lim(mel, CONFIG, 16, phase="shared")[0]
    assert torch.corrcoef(torch.stack([left, right]))[0, 1] > 0.99
    assert (left.std() / right.std()).item() == pytest.approx(2.0, rel=0.05)
    left, right = griffin_lim(mel, CONFIG, 16, phase="per-ear")[0]
    assert torch.corrcoef(torch.stack([left, right]))[0, 1].abs() < 0.9
    assert (left.std() / right.std()).item() == pytest.approx(2.0, rel=0.15)


def test_runs_repeat_and_seeds_differ():
    mel = mel_of(buzz(8), CONFIG)

    def make(seed=None):
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return griffin_lim(mel, CONFIG, 3, generator=generator)

    assert torch.equal(make(), make(0))
    assert not torch.equal(make(1), make(0))


def test_mistakes():
    with pytest.raises(ValidationError, match="'per-ear' or 'shared', got 'mono'"):
        griffin_lim(torch.zeros(1, 2, 80, 8), CONFIG, phase="mono")
    with pytest.raises(ValidationError, match=r"got \(2, 80, 8\)"):
        griffin_lim(torch.zeros(2, 80, 8), CONFIG)
