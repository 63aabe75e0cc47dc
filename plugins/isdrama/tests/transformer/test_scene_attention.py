"""Equation 18 against loops in float64: own half with positions, scene half without, one gate."""

import numpy as np
import torch
from spatialdrama_isdrama.transformer.scene_attention import SceneAttention


def linear(layer, x):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def turned(x, positions):
    half = x.shape[-1] // 2
    angle = np.outer(positions, 10_000.0 ** (-np.arange(half) / half))
    z = (x[:, :half] + 1j * x[:, half:]) * np.exp(1j * angle)
    return np.concatenate([z.real, z.imag], axis=1)


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def oracle(layer, x, scene):
    """One unpadded item, frame by frame and head by head."""
    q, k, v = (linear(part, x) for part in (layer.to_query, layer.to_key, layer.to_value))
    ks, vs = linear(layer.scene_key, scene), linear(layer.scene_value, scene)
    size = x.shape[1] // layer.heads
    out = np.zeros_like(x)
    for h in range(layer.heads):
        part = slice(h * size, (h + 1) * size)
        qh = turned(q[:, part], np.arange(len(x)))
        kh = turned(k[:, part], np.arange(len(x)))
        gate = np.tanh(float(layer.alpha[h]))
        for i in range(len(x)):
            own = softmax(np.array([qh[i] @ row for row in kh]) / np.sqrt(size))
            seen = softmax(np.array([qh[i] @ row for row in ks[:, part]]) / np.sqrt(size))
            out[i, part] = own @ v[:, part] + gate * (seen @ vs[:, part])
    return linear(layer.to_out, out)


def layer_and_items():
    torch.manual_seed(0)
    layer = SceneAttention(8, 2).double()
    with torch.no_grad():
        layer.alpha.copy_(torch.tensor([0.7, -1.3]))
    return layer, torch.randn(2, 6, 8).double(), torch.randn(2, 3, 8).double()


def whole(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


def test_equation_18():
    layer, x, scene = layer_and_items()
    got, none = layer(x, whole(x), scene, whole(scene))
    assert none is None
    kept, (weights, seen) = layer(x, whole(x), scene, whole(scene), keep=True)
    for row in range(2):
        wanted = oracle(layer, x[row].numpy(), scene[row].numpy())
        # Angles are float32 where the layer turns them.
        np.testing.assert_allclose(got[row].detach().numpy(), wanted, atol=2e-6)
        np.testing.assert_allclose(kept[row].detach().numpy(), wanted, atol=2e-6)
    assert weights.shape == (2, 2, 6, 6)
    assert seen.shape == (2, 2, 6, 3)
    torch.testing.assert_close(seen.sum(-1), torch.ones(2, 2, 6).double())


def test_it_starts_without_the_scene_and_can_leave_that_state():
    torch.manual_seed(1)
    layer = SceneAttention(8, 2).double()
    x, scene = torch.randn(1, 6, 8).double(), torch.randn(1, 3, 8).double()
    first, _ = layer(x, whole(x), scene, whole(scene))
    second, _ = layer(x, whole(x), 100 * scene, whole(scene))
    torch.testing.assert_close(first, second, atol=0, rtol=0)
    first.square().sum().backward()
    assert layer.alpha.grad.abs().min() > 0
    assert not layer.scene_value.weight.grad.any()


def test_padding_moves_nothing():
    layer, x, scene = layer_and_items()
    line, room = whole(x), whole(scene)
    line[0, 4:] = False
    room[0, 1:] = False
    got, _ = layer(
        x.masked_fill(~line[..., None], float("nan")),
        line,
        scene.masked_fill(~room[..., None], float("nan")),
        room,
    )
    wanted = oracle(layer, x[0, :4].numpy(), scene[0, :1].numpy())
    np.testing.assert_allclose(got[0, :4].detach().numpy(), wanted, atol=2e-6)
    assert not got[0, 4:].any()


def test_scene_tokens_have_no_order():
    layer, x, scene = layer_and_items()
    one, _ = layer(x, whole(x), scene, whole(scene))
    other, _ = layer(x, whole(x), scene.flip(1), whole(scene))
    torch.testing.assert_close(one, other, atol=1e-12, rtol=0)
    turned_line, _ = layer(x.flip(1), whole(x), scene, whole(scene))
    assert (turned_line.flip(1) - one).abs().max() > 1e-3
