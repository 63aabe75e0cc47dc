"""RMSNorm against the definition, and its precision in half types."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import RmsNorm

from spatialdrama.errors import ValidationError


def oracle(x, weight, eps):
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = x[place]
        out[place] = row / np.sqrt(sum(v * v for v in row) / len(row) + eps) * weight
    return out


@pytest.mark.parametrize("affine", [False, True])
def test_it_divides_by_the_root_mean_square(affine):
    x = np.random.default_rng(0).standard_normal((2, 3, 8)) * 7
    layer = RmsNorm(8, affine=affine, eps=1e-3).double()
    weight = np.linspace(0.5, 2, 8) if affine else np.ones(8)
    if affine:
        layer.weight.data = torch.from_numpy(weight)
    np.testing.assert_allclose(
        layer(torch.from_numpy(x)).detach().numpy(), oracle(x, weight, 1e-3), rtol=1e-12
    )


def test_the_mean_square_is_summed_in_float32():
    # 300 squared is no float16 (it ends at 65504), yet each result is 1.
    x = torch.full((1, 4096), 300.0, dtype=torch.float16)
    y = RmsNorm(4096)(x)
    assert y.dtype == torch.float16
    assert torch.equal(y, torch.ones_like(y))


def test_autocast_keeps_the_type_of_x():
    x = torch.randn(2, 8, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert RmsNorm(8, affine=True)(x).dtype == torch.bfloat16


def test_zeros_stay_zeros_and_have_a_gradient():
    x = torch.zeros(1, 4, requires_grad=True)
    RmsNorm(4)(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_an_affine_norm_starts_as_the_plain_one():
    x = torch.randn(3, 8)
    assert torch.equal(RmsNorm(8, affine=True)(x), RmsNorm(8)(x))
    assert not list(RmsNorm(8).parameters())


def test_no_width_is_an_error():
    with pytest.raises(ValidationError, match="at least 1, got 0"):
        RmsNorm(0)
