"""Attention against loops in float64; padding, empty contexts, halves."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import Attention, attend, lengths_to_mask

from spatialdrama.errors import ValidationError

NAN = float("nan")


def linear(layer, x):
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return np.array([weight @ row + bias for row in x])


def turn(x, positions):
    half = x.shape[-1] // 2
    angle = np.outer(positions, 10000.0 ** (-np.arange(half) / half))
    z = (x[:, :half] + 1j * x[:, half:]) * np.exp(1j * angle)
    return np.concatenate([z.real, z.imag], axis=1)


def oracle(layer, x, context, rope):
    """One unpadded item (t, d), frame by frame and head by head."""
    q, k, v = linear(layer.to_query, x), linear(layer.to_key, context), None
    v = linear(layer.to_value, context)
    size = q.shape[1] // layer.heads
    out, kept = np.zeros_like(q), np.zeros((layer.heads, len(x), len(context)))
    for h in range(layer.heads):
        part = slice(h * size, (h + 1) * size)
        qh, kh = q[:, part], k[:, part]
        if rope:
            qh, kh = turn(qh, np.arange(len(x))), turn(kh, np.arange(len(context)))
        for i in range(len(x)):
            scores = np.array([qh[i] @ kh[j] for j in range(len(context))]) / np.sqrt(size)
            weights = np.exp(scores - scores.max())
            kept[h, i] = weights / weights.sum()
            out[i, part] = kept[h, i] @ v[:, part]
    return linear(layer.to_out, out), kept


@pytest.fixture
def x():
    return torch.from_numpy(np.random.default_rng(3).standard_normal((2, 6, 8)))


@pytest.fixture
def context():
    return torch.from_numpy(np.random.default_rng(4).standard_normal((2, 4, 5)))


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("rope", [False, True])
def test_self_attention_is_the_equation(x, rope, keep):
    layer = Attention(8, 2, rope=rope).double()
    y = layer(x, torch.ones(2, 6, dtype=torch.bool), keep=keep)
    for b in range(2):
        wanted, weights = oracle(layer, x[b].numpy(), x[b].numpy(), rope)
        found = y[0] if keep else y
        # The turns are kept in float32.
        np.testing.assert_allclose(found[b].detach().numpy(), wanted, atol=1e-6)
        if keep:
            np.testing.assert_allclose(y[1][b].detach().numpy(), weights, atol=1e-6)


@pytest.mark.parametrize("keep", [False, True])
def test_cross_attention_is_the_equation_without_positions(x, context, keep):
    layer = Attention(8, 2, context_width=5).double()
    y = layer(x, None, context=context, keep=keep)
    wanted, weights = oracle(layer, x[1].numpy(), context[1].numpy(), rope=False)
    np.testing.assert_allclose((y[0] if keep else y)[1].detach().numpy(), wanted, atol=1e-12)
    if keep:
        np.testing.assert_allclose(y[1][1].detach().numpy(), weights, atol=1e-12)


def padded(x, lengths, holes=False):
    """x with NaN where the mask is False; with holes the padding comes first or between."""
    mask = lengths_to_mask(torch.tensor(lengths), x.shape[1])
    if holes:
        mask = mask.roll(1, dims=1)
    return torch.where(mask[..., None], x, NAN), mask


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("holes", [False, True])
def test_a_padded_item_equals_itself_alone(x, context, keep, holes):
    layer, cross = Attention(8, 2).double(), Attention(8, 2, context_width=5).double()
    filled, mask = padded(x, [6, 3], holes)
    seen, seen_mask = padded(context, [4, 2])
    y = layer(filled, mask, keep=keep)
    z = cross(filled, mask, context=seen, context_mask=seen_mask, keep=keep)
    y, z = (y[0], z[0]) if keep else (y, z)
    alone = x[1][mask[1]][None]
    torch.testing.assert_close(y[1][mask[1]], layer(alone)[0])
    torch.testing.assert_close(z[1][mask[1]], cross(alone, context=context[1:, :2])[0])
    assert (y[~mask] == 0).all()
    assert (z[~mask] == 0).all()


@pytest.mark.parametrize("keep", [False, True])
def test_no_key_gives_zeros_and_finite_gradients(x, context, keep):
    layer = Attention(8, 2, context_width=5).double()
    x = x.requires_grad_()
    mask = torch.tensor([[True] * 4, [False] * 4])
    y = layer(x, None, context=context, context_mask=mask, keep=keep)
    if keep:
        y, weights = y
        assert (weights[1] == 0).all()
    assert (y[1] == 0).all()
    assert (y[0] != 0).all()
    y.square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


def test_a_context_of_no_length_gives_zeros(x):
    layer = Attention(8, 2, context_width=5).double()
    nothing = torch.zeros(2, 0, 5, dtype=torch.float64)
    for mask in (None, torch.zeros(2, 0, dtype=torch.bool)):
        assert (layer(x, None, context=nothing, context_mask=mask) == 0).all()


def test_positions_can_be_given(x):
    layer = Attention(8, 2).double()
    far = layer(x, None, positions=torch.arange(6) + 100)
    torch.testing.assert_close(far, layer(x), atol=1e-6, rtol=0)
    spread = layer(x, None, positions=torch.arange(6) * 3)
    assert (spread - layer(x)).abs().max() > 1e-4


def test_dropout_is_for_training_only(x):
    layer = Attention(8, 2, dropout=0.5).double()
    torch.manual_seed(0)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))
    torch.testing.assert_close(layer(x), layer(x, keep=True)[0])


@pytest.mark.parametrize("keep", [False, True])
def test_autocast_is_near_float32(x, keep):
    layer, x = Attention(8, 2), x.float()
    mask = lengths_to_mask(torch.tensor([6, 3]))
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x, mask, keep=keep)
    y = y[0] if keep else y
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x, mask), atol=0.02, rtol=0.02)


def test_attend_shares_a_query_between_two_sets_of_keys():
    q, k, v = (torch.randn(2, 2, 3, 4, dtype=torch.float64) for _ in range(3))
    own, _ = attend(q, k, v)
    own_weights = attend(q, k, v, keep=True)[1]
    torch.testing.assert_close(own, own_weights @ v)
    torch.testing.assert_close(own_weights.sum(-1), torch.ones(2, 2, 3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("width", "heads", "rope", "words"),
    [(8, 3, True, "3 heads"), (6, 2, True, "even width"), (8, 0, False, "0 heads")],
)
def test_widths_that_do_not_split_are_errors(width, heads, rope, words):
    with pytest.raises(ValidationError, match=words):
        Attention(width, heads, rope=rope)
    assert Attention(6, 2, rope=False)(torch.randn(1, 2, 6)).shape == (1, 2, 6)
