"""Equation 3 of the paper, number by number."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import Fan

from spatialdrama.errors import ValidationError


@pytest.mark.parametrize(("share", "periodic"), [(0.25, 4), (0.125, 2), (0.0, 0)])
def test_equation_3(share, periodic):
    layer = Fan(6, 16, share).double()
    x = np.random.default_rng(6).standard_normal((2, 3, 6))
    other, bias = layer.other.weight.detach().numpy(), layer.other.bias.detach().numpy()
    assert other.shape == (16 - 2 * periodic, 6)
    y = layer(torch.from_numpy(x)).detach().numpy()
    for b, t in np.ndindex(2, 3):
        wanted = []
        if periodic:
            angle = layer.periodic.weight.detach().numpy() @ x[b, t]
            wanted = [math.cos(a) for a in angle] + [math.sin(a) for a in angle]
        for value in other @ x[b, t] + bias:
            wanted.append(value * 0.5 * (1 + math.erf(value / math.sqrt(2))))
        np.testing.assert_allclose(y[b, t], wanted, atol=1e-12)


def test_the_periodic_part_has_no_bias():
    assert Fan(6, 16).periodic.bias is None


def test_cosines_and_sines_repeat():
    layer = Fan(1, 8).double()
    weight = layer.periodic.weight.detach()[0, 0]
    x = torch.tensor([[0.3]], dtype=torch.float64)
    torch.testing.assert_close(layer(x)[:, [0, 2]], layer(x + 2 * math.pi / weight)[:, [0, 2]])


def test_autocast():
    layer, x = Fan(6, 16), torch.randn(2, 3, 6)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), atol=0.03, rtol=0.03)


@pytest.mark.parametrize("share", [0.5, -0.1])
def test_a_share_that_leaves_nothing_is_an_error(share):
    with pytest.raises(ValidationError, match="from 0 to below"):
        Fan(6, 16, share)
