"""The losses together are the sum of the parts with the config's weights (C.2)."""

import pytest
import torch
from spatialdrama_isdrama.transformer import flow, losses
from spatialdrama_isdrama.transformer.pitch import pitch_losses


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("sigma", [0.0, 0.01])
def test_the_total_is_the_weighted_sum(tiny, stirred, lines, sigma):
    config = tiny(pitch_weight=0.5, voicing_weight=2.0, balance_weight=0.1, sigma_min=sigma)
    model, c = stirred(config), lines([4, 2], prompts=[3, 1], scenes=[1, 2], f0=True)
    latent, noise, t = numbers(2, 6, 4), numbers(2, 6, 4, seed=1), torch.tensor([0.3, 0.8]).double()
    said = losses(model, config, latent, c, noise, t, tau=0.7)
    own = flow.loss(model, latent, c, noise, t, sigma_min=sigma, tau=0.7)
    field = model(flow.point(latent, noise, t, sigma), t, c, tau=0.7)
    square, entropy = pitch_losses(field.pitch, *c.pitch(), c.mask, config, t)
    torch.testing.assert_close(said.flow, own)
    torch.testing.assert_close(said.pitch, square)
    torch.testing.assert_close(said.voicing, entropy)
    wanted = own + 0.5 * square + 2.0 * entropy + 0.1 * field.balance
    torch.testing.assert_close(said.total, wanted)
    assert field.balance > 0


def test_padding_costs_nothing(tiny, stirred, lines, alone):
    config = tiny()
    model, c = stirred(config), lines([4, 2], prompts=[3, 1], scenes=[1, 2], f0=True)
    latent, noise, t = numbers(2, 6, 4), numbers(2, 6, 4, seed=1), torch.tensor([0.3, 0.8]).double()
    short = alone(c, 1)
    one = losses(model, config, latent[1:, :, :2], short, noise[1:, :, :2], t[1:], tau=1.0)
    padded = c.map(lambda x: x[1:])
    latent[1:, :, 2:] = float("nan")
    other = losses(model, config, latent[1:], padded, noise[1:], t[1:], tau=1.0)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=0)


def test_without_pitch_or_its_truth_there_is_no_loss_of_it(tiny, stirred, lines):
    latent, noise, t = numbers(1, 6, 4), numbers(1, 6, 4, seed=1), torch.tensor([0.3]).double()
    for config, f0 in ((tiny(f0=False), True), (tiny(), False)):
        said = losses(stirred(config), config, latent, lines([4], f0=f0), noise, t)
        assert said.pitch == said.voicing == said.balance == 0
        torch.testing.assert_close(said.total, said.flow)


def test_the_printed_balance_adds_a_constant(tiny, stirred, lines):
    config = tiny(balance="paper", balance_weight=0.1)
    model, c = stirred(config), lines([4], prompts=[2], f0=True)
    latent, noise, t = numbers(1, 6, 4), numbers(1, 6, 4, seed=1), torch.tensor([0.3]).double()
    said = losses(model, config, latent, c, noise, t, tau=1.0)
    rest = said.flow + said.pitch + said.voicing
    assert float((said.total - rest).detach()) == pytest.approx(0.1 * 4 * 3)
