"""Equation 3 in each expert against loops; the best expert alone equals one-hot weights."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer.experts import Experts
from spatialdrama_isdrama.transformer.routing import rows_of


def expert(layer, i, x):
    """W [cos(W_p x) | sin(W_p x) | gelu(B + W' x)] + b for one vector, number by number."""
    inner = []
    if layer.periodic is not None:
        angles = [float(row @ x) for row in layer.periodic[i].detach()]
        inner = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
    for row, bias in zip(layer.other[i], layer.other_bias[i], strict=True):
        y = float((row @ x + bias).detach())
        inner.append(0.5 * y * (1 + math.erf(y / math.sqrt(2))))
    out = layer.out[i].detach().numpy() @ np.array(inner)
    return out + layer.out_bias[i].detach().numpy()


@pytest.fixture(params=[0.25, 0.0], ids=["fan", "linear"])
def layer(request):
    torch.manual_seed(0)
    return Experts(6, 8, 3, request.param).double()


@pytest.fixture
def x():
    return torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(1)).double()


def test_a_weighted_sum_of_experts(layer, x):
    weights = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(2)).double()
    got = layer(x, weights).detach().numpy()
    for b in range(2):
        for t in range(5):
            wanted = sum(float(weights[b, t, i]) * expert(layer, i, x[b, t]) for i in range(3))
            np.testing.assert_allclose(got[b, t], wanted, atol=1e-12)


def test_picking_is_one_hot_weights(layer, x):
    index = torch.tensor([[0, 2, 2, 1, 0], [2, 2, 0, 0, 0]])
    hot = torch.nn.functional.one_hot(index, 3).double()
    everywhere = torch.ones(2, 5, dtype=torch.bool)
    got = layer.pick(x, rows_of(index, everywhere, 3))
    torch.testing.assert_close(got, layer(x, hot), atol=1e-12, rtol=0)
    np.testing.assert_allclose(got[0, 3].detach().numpy(), expert(layer, 1, x[0, 3]), atol=1e-12)


def test_picking_does_without_experts_that_nobody_wants(layer, x):
    index = torch.ones(2, 5, dtype=torch.long)
    hot = torch.nn.functional.one_hot(index, 3).double()
    rows = rows_of(index, torch.ones(2, 5, dtype=torch.bool), 3)
    assert [len(r) for r in rows] == [0, 10, 0]
    torch.testing.assert_close(layer.pick(x, rows), layer(x, hot), atol=1e-12, rtol=0)


def test_tokens_that_nobody_has_are_zero(layer, x):
    mask = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    index = torch.tensor([[0, 2, 2, 1, 0], [2, 2, 0, 0, 0]])
    y = layer.pick(x, rows_of(index, mask, 3))
    assert not y[0, 3:].any()
    wanted = layer(x, torch.nn.functional.one_hot(index, 3).double())
    torch.testing.assert_close(y[mask], wanted[mask], atol=1e-12, rtol=0)


def test_a_quarter_is_cosines_and_a_quarter_sines():
    layer = Experts(6, 16, 2, 0.25)
    assert layer.periodic.shape == (2, 4, 6)
    assert layer.other.shape == (2, 8, 6)
    assert Experts(6, 16, 2, 0.0).periodic is None


def test_experts_start_different():
    torch.manual_seed(3)
    layer = Experts(6, 8, 3)
    assert (layer.out[0] - layer.out[1]).abs().max() > 0.1
    assert float(layer.out.detach().abs().max()) <= 8**-0.5
