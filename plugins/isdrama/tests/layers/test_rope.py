"""Rotary positions against turns of complex numbers."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import rotary, rotate

from spatialdrama.errors import ValidationError


def turned(x, positions):
    """x (t, d) as d/2 complex numbers, each turned by its angle: Su et al. 2024, equation 34."""
    half = x.shape[-1] // 2
    out = np.empty_like(x)
    for t, position in enumerate(positions):
        for i in range(half):
            number = complex(x[t, i], x[t, i + half])
            number *= np.exp(1j * position * 10000.0 ** (-2 * i / (2 * half)))
            out[t, i], out[t, i + half] = number.real, number.imag
    return out


@pytest.mark.parametrize("positions", [[0, 1, 2, 3], [5, 0, 2999, 7]])
def test_pairs_are_turned(positions):
    x = np.random.default_rng(1).standard_normal((4, 6))
    y = rotate(torch.from_numpy(x)[None, None], *rotary(torch.tensor(positions), 6))
    # Cosines are kept in float32.
    np.testing.assert_allclose(y[0, 0].numpy(), turned(x, positions), atol=5e-7)


def test_products_depend_on_the_distance_only():
    rng = np.random.default_rng(2)
    q, k = (torch.from_numpy(rng.standard_normal((1, 1, 1, 8))) for _ in range(2))
    at = [rotary(torch.tensor([p]), 8) for p in (3, 10, 1003, 1010)]
    near = (rotate(q, *at[0]) * rotate(k, *at[1])).sum()
    far = (rotate(q, *at[2]) * rotate(k, *at[3])).sum()
    assert abs(near - far) < 1e-5
    assert abs(near - (rotate(q, *at[0]) * rotate(k, *at[3])).sum()) > 1e-2


def test_rows_may_have_their_own_positions():
    x = torch.randn(2, 3, 4, 6)
    positions = torch.tensor([[0, 1, 2, 3], [0, 0, 1, 2]])
    y = rotate(x, *rotary(positions, 6))
    for b in range(2):
        torch.testing.assert_close(y[b], rotate(x[b : b + 1], *rotary(positions[b], 6))[0])


def test_halves_are_turned_in_float32_and_come_back():
    x = torch.randn(1, 1, 4, 6)
    turn = rotary(torch.arange(4), 6)
    y = rotate(x.bfloat16(), *turn)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, rotate(x.bfloat16().float(), *turn).bfloat16())


def test_an_odd_head_is_an_error():
    with pytest.raises(ValidationError, match="must be even, got 5"):
        rotary(torch.arange(3), 5)
