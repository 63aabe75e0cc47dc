"""The masked convolution against sums over taps."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import MaskedConv, lengths_to_mask

from spatialdrama.errors import ValidationError


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (5, 1), (3, 2)])
def test_each_frame_is_a_sum_over_taps_of_what_is_there(kernel, dilation):
    layer = MaskedConv(3, 4, kernel, dilation).double()
    weight, bias = layer.conv.weight.detach().numpy(), layer.conv.bias.detach().numpy()
    x, lengths = np.random.default_rng(9).standard_normal((2, 7, 3)), [7, 4]
    filled = x.copy()
    filled[1, 4:] = np.nan
    y = layer(torch.from_numpy(filled), lengths_to_mask(torch.tensor(lengths)))
    for b, length in enumerate(lengths):
        wanted = np.zeros((7, 4))
        for t in range(length):
            wanted[t] = bias
            for tap in range(kernel):
                source = t + (tap - kernel // 2) * dilation
                if 0 <= source < length:
                    wanted[t] += weight[:, :, tap] @ x[b, source]
        np.testing.assert_allclose(y[b].detach().numpy(), wanted, atol=1e-12)


def test_autocast():
    layer, x = MaskedConv(8, 8, 5), torch.randn(2, 7, 8)
    mask = lengths_to_mask(torch.tensor([7, 4]))
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x, mask)
    torch.testing.assert_close(y.float(), layer(x, mask), atol=0.03, rtol=0.03)


def test_an_even_kernel_is_an_error():
    with pytest.raises(ValidationError, match="odd, got 4; take 5"):
        MaskedConv(3, 4, 4)
