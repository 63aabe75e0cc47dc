"""Codes of t, the way to the latent rate and learned tokens, against loops in float64."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer.embedders import (
    Downsample,
    PromptEncoder,
    TimeEmbedding,
    time_code,
    with_null,
)


def test_time_is_coded_on_a_scale_of_a_thousand():
    code = time_code(torch.tensor([0.37], dtype=torch.float64), 6)[0]
    rates = [10_000.0 ** (-k / 3) for k in range(3)]
    wanted = [math.cos(370 * r) for r in rates] + [math.sin(370 * r) for r in rates]
    np.testing.assert_allclose(code.numpy(), wanted, atol=1e-12)


def test_time_embedding_is_two_linears():
    torch.manual_seed(0)
    layer = TimeEmbedding(4).double()
    t = torch.tensor([0.2], dtype=torch.float64)
    code = time_code(t)[0].numpy()
    first = layer.first.weight.detach().numpy() @ code + layer.first.bias.detach().numpy()
    inner = first / (1 + np.exp(-first))
    wanted = layer.second.weight.detach().numpy() @ inner + layer.second.bias.detach().numpy()
    np.testing.assert_allclose(layer(t)[0].detach().numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("streams", [1, 2])
def test_downsampling_is_a_convolution_and_a_mean_of_four(streams):
    torch.manual_seed(1)
    layer = Downsample(3, 5, 5, streams=streams).double()
    x = torch.randn(1, streams, 12, 3, dtype=torch.float64)
    taps = layer.conv.weight.detach().numpy()[:, 0]
    bias = layer.conv.bias.detach().numpy()
    wanted = np.zeros((3, 5))
    for latent in range(3):
        joined = []
        for s in range(streams):
            mean = np.zeros(3)
            for frame in range(4 * latent, 4 * latent + 4):
                for c in range(3):
                    total = bias[c]
                    for k in range(5):
                        place = frame + k - 2
                        if 0 <= place < 12:
                            total += taps[c, k] * float(x[0, s, place, c])
                    mean[c] += (total if total > 0 else 0.01 * total) / 4
            joined.append(mean)
        weight = layer.join.weight.detach().numpy()
        wanted[latent] = weight @ np.concatenate(joined) + layer.join.bias.detach().numpy()
    got = layer(x, torch.ones(1, 12, dtype=torch.bool))[0].detach().numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_downsampling_reads_no_padding():
    torch.manual_seed(2)
    layer = Downsample(3, 5, 9, streams=2).double()
    x = torch.randn(1, 2, 8, 3, dtype=torch.float64)
    whole = torch.ones(1, 8, dtype=torch.bool)
    more = torch.cat([x, torch.full((1, 2, 8, 3), float("nan"), dtype=torch.float64)], dim=2)
    y = layer(more, torch.cat([whole, ~whole], dim=1))
    torch.testing.assert_close(y[:, :2], layer(x, whole), atol=1e-12, rtol=0)
    assert not y[:, 2:].any()


def test_ears_are_told_apart():
    torch.manual_seed(3)
    layer = Downsample(3, 5, 9, streams=2).double()
    x = torch.randn(1, 2, 8, 3, dtype=torch.float64)
    whole = torch.ones(1, 8, dtype=torch.bool)
    assert (layer(x, whole) - layer(x.flip(1), whole)).abs().max() > 0.01


def test_prompts_are_encoded_without_their_padding():
    torch.manual_seed(4)
    layer = PromptEncoder(3, 6, 5).double()
    x = torch.randn(1, 4, 3, dtype=torch.float64)
    whole = torch.ones(1, 4, dtype=torch.bool)
    more = torch.cat([x, torch.full((1, 3, 3), float("nan"), dtype=torch.float64)], dim=1)
    y = layer(more, torch.cat([whole, torch.zeros(1, 3, dtype=torch.bool)], dim=1))
    torch.testing.assert_close(y[:, :4], layer(x, whole), atol=1e-12, rtol=0)


def test_a_row_without_anything_gets_one_token():
    token = torch.tensor([7.0, 8.0])
    x = torch.full((2, 3, 2), float("nan"))
    x[1, :2] = 1.0
    mask = torch.tensor([[False] * 3, [True, True, False]])
    y, there = with_null(x, mask, token)
    assert there.int().tolist() == [[1, 0, 0], [1, 1, 0]]
    assert y[0].tolist() == [[7.0, 8.0], [0.0, 0.0], [0.0, 0.0]]
    assert y[1].tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    y, there = with_null(x[:, :0], mask[:, :0], token)
    assert y.tolist() == [[[7.0, 8.0]]] * 2
    assert there.all()
