"""Float32 at least, and nothing copied that is wide already."""

import pytest
import torch
from spatialdrama_isdrama.layers import widened


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_halves_become_float32_of_the_same_values(kind):
    x = torch.tensor([0.5, -3.0, 0.0078125], dtype=kind)
    wide = widened(x)
    assert wide.dtype == torch.float32
    assert wide.tolist() == [0.5, -3.0, 0.0078125]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_what_is_wide_is_not_copied(kind):
    x = torch.zeros(3, dtype=kind)
    assert widened(x) is x
