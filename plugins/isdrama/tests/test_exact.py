"""The switch is put back whatever happens inside."""

import pytest
import torch
from spatialdrama_isdrama.exact import full_float32


def fails_inside():
    with full_float32():
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
        raise KeyError


@pytest.mark.parametrize("before", [True, False])
def test_the_switches_come_back(before):
    own = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = before
        with pytest.raises(KeyError):
            fails_inside()
        assert torch.backends.cudnn.allow_tf32 is before
        assert torch.backends.cuda.matmul.allow_tf32 is before
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = own


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_convolutions_keep_their_digits():
    x, w = torch.randn(4, 64, 512), torch.randn(64, 64, 5)
    want = torch.nn.functional.conv1d(x.double(), w.double())
    with full_float32():
        got = torch.nn.functional.conv1d(x.cuda(), w.cuda()).cpu().double()
    assert float((got - want).norm() / want.norm()) < 1e-6
