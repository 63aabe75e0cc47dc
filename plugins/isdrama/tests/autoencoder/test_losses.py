"""Each loss against a float64 loop over its frames."""

import math

import pytest
import torch
from spatialdrama_isdrama.autoencoder import losses

from spatialdrama.errors import ValidationError


def pair(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))


MASK = torch.tensor([[True] * 8, [True] * 5 + [False] * 3])


@pytest.mark.parametrize("kind", ["l2", "l1"])
def test_reconstruction(kind):
    a, b = pair(2, 2, 3, 8)
    total, count = 0.0, 0
    for i, length in enumerate([8, 5]):
        for e in range(2):
            for f in range(3):
                for t in range(length):
                    d = float(a[i, e, f, t]) - float(b[i, e, f, t])
                    total, count = total + (d * d if kind == "l2" else abs(d)), count + 1
    a[1, ..., 5:] = torch.nan
    assert losses.reconstruction(a, b, MASK, kind).item() == pytest.approx(total / count, rel=1e-12)


def test_divergence():
    mean, log_variance = pair(2, 4, 2)
    total, count = 0.0, 0
    for i in range(2):
        for c in range(4):
            for frame in range(2):
                m, v = float(mean[i, c, frame]), math.exp(float(log_variance[i, c, frame]))
                total, count = total + 0.5 * (m * m + v - 1 - math.log(v)), count + 1
    found = losses.divergence(mean, log_variance, MASK)
    assert found.item() == pytest.approx(total / count, rel=1e-12)


def test_divergence_is_that_of_torchs_normals():
    mean, log_variance = pair(2, 4, 2, seed=1)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(mean, (log_variance / 2).exp()), normal(torch.zeros(()), torch.ones(()))
    )
    torch.testing.assert_close(losses.divergence(mean, log_variance), expected.mean())


def test_divergence_looks_at_the_latent_frames_of_the_mask():
    mean, log_variance = pair(2, 4, 2)
    mask = torch.tensor([[True] * 8, [True] * 3 + [False] * 5])
    whole = losses.divergence(mean, log_variance, mask)
    mean[1, :, 1], log_variance[1, :, 1] = torch.nan, torch.inf
    assert torch.equal(losses.divergence(mean, log_variance, mask), whole)


def test_adversarial():
    real, fake = pair(5, 3)
    critic = fooling = 0.0
    for r, f in zip(real.flatten().tolist(), fake.flatten().tolist(), strict=True):
        critic += 0.5 * (r - 1) ** 2 / 15 + 0.5 * f**2 / 15
        fooling += 0.5 * (f - 1) ** 2 / 15
    assert losses.critic_loss(real, fake).item() == pytest.approx(critic, rel=1e-12)
    assert losses.fooling_loss(fake).item() == pytest.approx(fooling, rel=1e-12)


def test_the_best_critic_of_equal_mels_says_a_half():
    # Mao et al. 2017, equation 5: D* = p_data / (p_data + p_g) for a = 0, b = 1.
    score = torch.tensor(0.1, requires_grad=True)
    for _ in range(200):
        (gradient,) = torch.autograd.grad(losses.critic_loss(score, score), score)
        score = (score - 0.1 * gradient).detach().requires_grad_()
    assert score.item() == pytest.approx(0.5, abs=1e-4)


def test_bfloat16_is_summed_in_float32():
    a = torch.zeros(1, 2, 80, 4, dtype=torch.bfloat16)
    loss = losses.reconstruction(a + 1, a)
    assert loss.dtype == torch.float32
    assert loss.item() == 1.0


def test_unknown_kind():
    with pytest.raises(ValidationError, match="'l2' or 'l1', got 'huber'"):
        losses.reconstruction(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), kind="huber")
