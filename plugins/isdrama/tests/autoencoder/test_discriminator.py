"""The critic's windows, by slicing; its score, by another library's convolution; its masks."""

import numpy as np
import pytest
import torch
from scipy import signal
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig
from spatialdrama_isdrama.autoencoder.discriminator import Discriminator, WindowCritic

CONFIG = AutoencoderConfig(critic_width=4, windows=(8, 16))
LENGTHS = torch.tensor([40, 25, 12])
MASK = torch.arange(40) < LENGTHS[:, None]


def critic_of():
    torch.manual_seed(0)
    return Discriminator(CONFIG).double()


def mels(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 2, 80, 40, generator=generator, dtype=torch.float64) - 2.5


def test_score_of_a_window_by_scipy():
    torch.manual_seed(1)
    critic = WindowCritic(80, 16, 4).double()
    picture = torch.randn(1, 2, 80, 16, dtype=torch.float64)
    x = picture[0].numpy()
    for conv in critic.convs:
        weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
        full = [
            sum(signal.correlate2d(x[c], w[c], mode="same") for c in range(len(x))) + b
            for w, b in zip(weight, bias, strict=True)
        ]
        x = np.stack(full)[:, ::2, ::2]
        x = np.where(x > 0, x, 0.2 * x)
    weight, bias = critic.score.weight.detach().numpy(), critic.score.bias.detach().numpy()
    assert critic(picture).item() == pytest.approx((weight @ x.ravel() + bias).item(), rel=1e-9)


def test_each_window_is_cut_where_it_was_drawn():
    critic, mel = critic_of(), mels()
    starts = torch.tensor([[3, 17, 4], [24, 0, 0]])
    scores = critic(mel, MASK, starts)
    assert scores.shape == (3, 2)
    for i in range(3):
        for w, window in enumerate(CONFIG.windows):
            start = int(starts[w, i])
            piece = torch.full((2, 80, window), -5.0, dtype=torch.float64)
            cut = mel[i, ..., start : min(start + window, int(LENGTHS[i]))]
            piece[..., : cut.shape[-1]] = cut
            # Silence is 0 and one step of the config's spread 1 for the critics.
            expected = critic.critics[w]((piece + 5.0)[None] / 1.5)
            torch.testing.assert_close(scores[i, w], expected[0])


def test_padding_changes_no_score_and_no_gradient():
    critic = critic_of()
    starts = critic.draw(MASK, torch.Generator().manual_seed(0))
    dirty = torch.where(MASK[:, None, None], mels(), torch.nan).requires_grad_()
    scores = critic(dirty, MASK, starts)
    short = critic(mels()[1:, ..., :28], MASK[1:, :28], starts[:, 1:])
    torch.testing.assert_close(scores[1:], short)
    scores.sum().backward()
    assert (dirty.grad.transpose(1, 3)[~MASK] == 0).all()
    assert dirty.grad.abs().sum() > 0


def test_windows_are_drawn_evenly_where_they_fit():
    critic = critic_of()
    generator = torch.Generator().manual_seed(0)
    starts = torch.stack([critic.draw(MASK, generator) for _ in range(4000)])
    for w, window in enumerate(CONFIG.windows):
        for i, length in enumerate(LENGTHS.tolist()):
            places = max(length - window + 1, 1)
            counts = torch.bincount(starts[:, w, i], minlength=places).numpy()
            assert len(counts) == places
            expected = 4000 / places
            # Five deviations of a binomial count.
            assert np.abs(counts - expected).max() < 5 * np.sqrt(expected) + 1e-9 or places == 1


def test_drawing_repeats_with_its_seed():
    critic = critic_of()
    one, same, other = (critic.draw(MASK, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_gradient_reaches_every_parameter():
    critic = critic_of()
    critic(mels(), MASK, critic.draw(MASK, torch.Generator().manual_seed(0))).sum().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_the_critic_sees_the_level_between_the_ears():
    critic, mel = critic_of(), mels()
    starts = torch.zeros(2, 3, dtype=torch.long)
    louder = torch.stack([mel[:, 0] + 0.5, mel[:, 1] - 0.5], dim=1)
    assert (critic(louder, MASK, starts) - critic(mel, MASK, starts)).abs().min() > 1e-3
