"""The autoencoder on CUDA: the CPU's numbers, and a training step of the paper's size."""

import pytest
import torch
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig, MelConfig
from spatialdrama_isdrama.autoencoder.mel import mel_of
from spatialdrama_isdrama.autoencoder.model import Autoencoder
from spatialdrama_isdrama.autoencoder.training import AutoencoderTraining

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def test_mels_and_latents_are_the_cpus():
    generator = torch.Generator().manual_seed(0)
    sound = 0.1 * torch.randn(2, 2, 32 * 256, generator=generator)
    mel = mel_of(sound, MelConfig())
    torch.testing.assert_close(mel_of(sound.cuda(), MelConfig()).cpu(), mel, atol=1e-3, rtol=0)
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(width=32)).double()
    mask = torch.arange(32) < torch.tensor([[32], [19]])
    z = model.latent(mel.double(), mask)
    made = model.decode(z, mask)
    model.cuda()
    found = model.latent(mel.double().cuda(), mask.cuda())
    torch.testing.assert_close(found.cpu(), z, atol=1e-9, rtol=0)
    torch.testing.assert_close(model.decode(found, mask.cuda()).cpu(), made, atol=1e-9, rtol=0)


def test_a_step_of_the_papers_size_in_bfloat16():
    training = AutoencoderTraining(AutoencoderConfig(adversarial_start=0), device="cuda", bf16=True)
    mel = torch.randn(4, 2, 80, 3000, generator=torch.Generator().manual_seed(0)) - 2.5
    reports = [training.train_step(mel) for _ in range(2)]
    assert {"reconstruction", "divergence", "fooling", "critic", "total"} == set(reports[0])
    assert training.step == 2
    assert all(p.isfinite().all() for p in training.model.parameters())
