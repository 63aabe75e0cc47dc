"""Equation 19 against plain numbers, its noise against scipy, its temperature's way down."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from spatialdrama_isdrama.transformer.routing import (
    chosen,
    gumbel,
    gumbel_softmax,
    one_hot,
    softmax_over_tau,
    temperature,
)


@pytest.mark.parametrize("tau", [2.0, 0.3])
def test_equation_19(tau):
    rng = np.random.default_rng(0)
    logits, noise = rng.standard_normal((2, 3, 4)), rng.gumbel(size=(2, 3, 4))
    got = gumbel_softmax(torch.from_numpy(logits), torch.from_numpy(noise), tau).numpy()
    for b in range(2):
        for t in range(3):
            top = [math.exp((logits[b, t, i] + noise[b, t, i]) / tau) for i in range(4)]
            np.testing.assert_allclose(got[b, t], [x / sum(top) for x in top], atol=1e-12)


def test_line_7_of_algorithm_1_only_gets_louder():
    logits, noise = torch.tensor([math.log(3.0), 0.0]), torch.zeros(2)
    for tau in (2.0, 0.3):
        got = softmax_over_tau(logits, noise, tau).tolist()
        assert got == pytest.approx([0.75 / tau, 0.25 / tau])


def test_noise_is_gumbels():
    noise = gumbel(torch.zeros(20_000, dtype=torch.float64), torch.Generator().manual_seed(0))
    assert stats.kstest(noise.numpy(), stats.gumbel_r.cdf).pvalue > 0.01


def test_noise_comes_from_the_generator_alone():
    like = torch.zeros(3, 4)
    one = gumbel(like, torch.Generator().manual_seed(5))
    torch.manual_seed(0)
    assert torch.equal(one, gumbel(like, torch.Generator().manual_seed(5)))
    assert not torch.equal(one, gumbel(like, torch.Generator().manual_seed(6)))
    assert not gumbel(like, None).any()


def test_the_noisy_best_is_a_draw_from_the_softmax():
    # Gumbel 1954: argmax(logits + noise) has the softmax's probabilities.
    logits = torch.tensor([0.0, 1.0, -0.5, 0.3], dtype=torch.float64)
    noise = gumbel(torch.zeros(40_000, 4, dtype=torch.float64), torch.Generator().manual_seed(1))
    share = torch.bincount(chosen(logits + noise), minlength=4).numpy() / 40_000
    wanted = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum()
    np.testing.assert_allclose(share, wanted, atol=0.01)


def test_routing_gets_sparse_as_the_temperature_falls():
    logits = torch.tensor([0.5, 0.2, 0.0, -0.3], dtype=torch.float64)
    noise = torch.zeros(4, dtype=torch.float64)
    top = [float(gumbel_softmax(logits, noise, tau).max()) for tau in (2.0, 0.3, 0.001)]
    assert top[0] < 0.33
    assert 0.5 < top[1] < 0.7
    assert top[2] > 0.999


def test_inference_takes_the_greatest():
    logits = torch.tensor([[0.1, 0.9, 0.3], [2.0, 0.0, 1.9]])
    assert one_hot(chosen(logits), 3, logits).tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("schedule", "half"), [("exponential", math.sqrt(2.0 * 0.3)), ("linear", 1.15)]
)
def test_the_temperature_goes_from_2_to_03(tiny, schedule, half):
    config = tiny(temperature_schedule=schedule, temperature_steps=1000)
    assert temperature(0, config) == 2.0
    assert temperature(500, config) == pytest.approx(half)
    assert temperature(1000, config) == temperature(10**9, config) == 0.3
    way = [temperature(step, config) for step in range(0, 1001, 50)]
    assert all(a > b for a, b in itertools.pairwise(way))
    if schedule == "exponential":
        ratios = [b / a for a, b in itertools.pairwise(way)]
        np.testing.assert_allclose(ratios, ratios[0])
