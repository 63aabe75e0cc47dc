"""AdaLN-zero: what z_g does, and that it does nothing at the start."""

import numpy as np
import torch
from spatialdrama_isdrama.layers import Modulation, RmsNorm, modulate


def test_at_the_start_shift_scale_and_gate_are_zero():
    parts = Modulation(8, 3)(torch.randn(2, 8))
    assert len(parts) == 3
    for part in parts:
        for number in part:
            assert number.shape == (2, 1, 8)
            assert (number == 0).all()


def test_a_block_at_the_start_is_the_identity_and_learns():
    x, z_g = torch.randn(2, 5, 8), torch.randn(2, 8)
    layer, inner = Modulation(8, 1), torch.nn.Linear(8, 8)
    (part,) = layer(z_g)
    y = x + part.gate * inner(modulate(RmsNorm(8)(x), part.shift, part.scale))
    assert torch.equal(y, x)
    y.square().sum().backward()
    # Only the gate's rows: shift and scale are behind a gate of zero.
    assert (layer.linear.weight.grad[16:] != 0).any()
    assert (layer.linear.weight.grad[:16] == 0).all()


def test_equation_17():
    rng = np.random.default_rng(5)
    layer = Modulation(4, 2).double()
    weight, bias = rng.standard_normal((24, 4)), rng.standard_normal(24)
    layer.linear.weight.data = torch.from_numpy(weight)
    layer.linear.bias.data = torch.from_numpy(bias)
    z_g, x = rng.standard_normal((2, 4)), rng.standard_normal((2, 3, 4))
    parts = layer(torch.from_numpy(z_g))
    for b in range(2):
        numbers = weight @ (z_g[b] / (1 + np.exp(-z_g[b]))) + bias
        for i, part in enumerate(parts):
            shift, scale, gate = numbers[12 * i : 12 * i + 12].reshape(3, 4)
            y = modulate(torch.from_numpy(x), part.shift, part.scale)
            wanted = [[(1 + scale[d]) * x[b, t, d] + shift[d] for d in range(4)] for t in range(3)]
            np.testing.assert_allclose(y[b].detach().numpy(), wanted, rtol=1e-12)
            np.testing.assert_allclose(part.gate[b, 0].detach().numpy(), gate, rtol=1e-12)


def test_numbers_without_a_time_axis_fit_too():
    x, shift, scale = torch.randn(2, 3, 4), torch.randn(2, 4), torch.randn(2, 4)
    wide = modulate(x, shift[:, None], scale[:, None])
    assert torch.equal(modulate(x, shift, scale), wide)
    # As many items as frames must not be taken for frames.
    square = torch.randn(3, 3, 4)
    shift, scale = torch.randn(3, 4), torch.randn(3, 4)
    torch.testing.assert_close(
        modulate(square, shift, scale)[1], square[1] * (1 + scale[1]) + shift[1]
    )
