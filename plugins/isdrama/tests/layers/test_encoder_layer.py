"""The feed-forward and a whole encoder layer: composition, padding, contexts."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import EncoderLayer, FeedForward, lengths_to_mask, masked

NAN = float("nan")


def test_feed_forward_is_the_equation():
    layer = FeedForward(4, 6).double()
    x = np.random.default_rng(7).standard_normal(4)
    w1, b1 = layer.first.weight.detach().numpy(), layer.first.bias.detach().numpy()
    w2, b2 = layer.second.weight.detach().numpy(), layer.second.bias.detach().numpy()
    inner = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in w1 @ x + b1])
    found = layer(torch.from_numpy(x)[None, None]).detach().numpy()[0, 0]
    np.testing.assert_allclose(found, w2 @ inner + b2, rtol=1e-12)


def rms(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * weight.detach().numpy()


def test_the_parts_come_in_order_each_behind_its_norm():
    layer = EncoderLayer(8, 2, 12, context_width=5).double()
    for norm in (layer.attention_norm, layer.cross_norm, layer.feed_norm):
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
    rng = np.random.default_rng(8)
    x, context = rng.standard_normal((1, 6, 8)), torch.from_numpy(rng.standard_normal((1, 4, 5)))

    def run(part, numbers, **options):
        return part(torch.from_numpy(numbers), **options).detach().numpy()

    wanted = x + run(layer.attention, rms(x, layer.attention_norm.weight))
    seen = run(layer.cross, rms(wanted, layer.cross_norm.weight), context=context)
    wanted = wanted + seen
    wanted = wanted + run(layer.feed, rms(wanted, layer.feed_norm.weight))
    y = layer(torch.from_numpy(x), None, context).detach().numpy()
    np.testing.assert_allclose(y, wanted, atol=1e-12)


@pytest.mark.parametrize("width", [None, 5])
def test_a_padded_item_equals_itself_alone(width):
    layer = EncoderLayer(8, 2, 12, context_width=width).double()
    x, context = torch.randn(2, 6, 8).double(), torch.randn(2, 4, 5).double()
    mask, seen = lengths_to_mask(torch.tensor([6, 3])), lengths_to_mask(torch.tensor([4, 2]))
    if width is None:
        y = layer(torch.where(mask[..., None], x, NAN), mask)
        alone = layer(x[1:, :3])
    else:
        noisy = torch.where(seen[..., None], context, NAN)
        y = layer(torch.where(mask[..., None], x, NAN), mask, noisy, seen)
        alone = layer(x[1:, :3], None, context[1:, :2])
    torch.testing.assert_close(y[1, :3], alone[0])
    assert (y[1, 3:] == 0).all()


def test_without_anything_to_look_at_the_cross_attention_adds_nothing():
    layer = EncoderLayer(8, 2, 12, context_width=5).double()
    x, context = torch.randn(2, 6, 8).double(), torch.randn(2, 4, 5).double()
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    torch.testing.assert_close(layer(x, None, context, nothing), layer(x))
    assert (layer(x, None, context) - layer(x)).abs().max() > 1e-3


def test_gradients_reach_every_parameter_and_not_the_padding():
    layer = EncoderLayer(8, 2, 12, context_width=5, dropout=0.1)
    x = torch.randn(2, 6, 8, requires_grad=True)
    mask = lengths_to_mask(torch.tensor([6, 3]))
    layer(x, mask, torch.randn(2, 4, 5)).square().sum().backward()
    quiet = {name for name, p in layer.named_parameters() if not p.grad.abs().sum() > 0}
    # A bias on keys adds the same to every score of a row; self-attention's is seen through RoPE.
    assert quiet <= {"cross.to_key.bias"}
    assert (x.grad[1, 3:] == 0).all()


def test_autocast():
    layer, x = EncoderLayer(8, 2, 12), torch.randn(2, 6, 8)
    mask = lengths_to_mask(torch.tensor([6, 3]))
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x, mask)
    torch.testing.assert_close(y.float(), masked(layer(x, mask), mask), atol=0.05, rtol=0.05)
