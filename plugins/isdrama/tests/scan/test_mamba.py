"""The Mamba layer: the published names and first values, the equations, padding, both ways."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.layers import lengths_to_mask
from spatialdrama_isdrama.scan import Mamba

from spatialdrama.errors import ValidationError

NAN = float("nan")


def published(width, state, conv, expand):
    """Names and shapes of mamba_ssm.modules.mamba_simple.Mamba, read from its __init__.

    There: d_inner = expand * d_model, dt_rank = ceil(d_model / 16), conv_bias on, bias off.
    """
    inner, rank = expand * width, math.ceil(width / 16)
    return {
        "A_log": (inner, state),
        "D": (inner,),
        "in_proj.weight": (2 * inner, width),
        "conv1d.weight": (inner, 1, conv),
        "conv1d.bias": (inner,),
        "x_proj.weight": (rank + 2 * state, inner),
        "dt_proj.weight": (inner, rank),
        "dt_proj.bias": (inner,),
        "out_proj.weight": (width, inner),
    }


@pytest.mark.parametrize("sizes", [(768, 16, 4, 2), (8, 4, 3, 1), (40, 16, 4, 2)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_parameters_have_the_published_names_and_shapes(sizes, bidirectional):
    layer = Mamba(*sizes, bidirectional=bidirectional)
    assert {k: tuple(v.shape) for k, v in layer.state_dict().items()} == published(*sizes)


def test_the_paper_s_layer_has_3_77_million():
    # Counted in the project's notes on the paper: 3.77 M for a layer 768 wide.
    assert round(sum(p.numel() for p in Mamba(768).parameters()) / 1e6, 2) == 3.77


def test_first_values_are_the_published_ones():
    torch.manual_seed(0)
    layer = Mamba(256, state=16)
    assert torch.equal(layer.D, torch.ones(512))
    wanted = torch.tensor([math.log(n) for n in range(1, 17)])
    torch.testing.assert_close(layer.A_log.data, wanted.expand(512, 16))
    step = torch.nn.functional.softplus(layer.dt_proj.bias.double())
    assert step.min() >= 1e-3 * 0.999
    assert step.max() <= 1e-1 * 1.001
    # Log-uniform: the middle of the logarithms is the middle of the range, +- 4 standard errors.
    spread = math.log(100) / math.sqrt(12 * 512)
    assert abs(step.log().mean() - math.log(1e-2)) < 4 * spread
    assert layer.dt_proj.weight.abs().max() <= 16**-0.5
    assert layer.dt_proj.weight.std().item() == pytest.approx(16**-0.5 / math.sqrt(3), rel=0.05)
    assert layer.A_log._no_weight_decay
    assert layer.D._no_weight_decay


def oracle(layer, x):
    """The published forward pass for one item (t, d), in float64 numpy, step by step."""
    p = {k: v.detach().double().numpy() for k, v in layer.state_dict().items()}
    inner, taps = p["conv1d.weight"].shape[0], p["conv1d.weight"].shape[2]
    n, rank = p["A_log"].shape[1], p["dt_proj.weight"].shape[1]
    A, h = -np.exp(p["A_log"]), np.zeros((inner, n))
    inward, out = [], []
    for row in x:
        xz = p["in_proj.weight"] @ row
        inward.append(xz[:inner])
        u = p["conv1d.bias"].copy()
        for tap in range(taps):
            back = len(inward) - taps + tap
            if back >= 0:
                u += p["conv1d.weight"][:, 0, tap] * inward[back]
        u = u / (1 + np.exp(-u))
        numbers = p["x_proj.weight"] @ u
        step, B, C = numbers[:rank], numbers[rank : rank + n], numbers[rank + n :]
        delta = np.log1p(np.exp(p["dt_proj.weight"] @ step + p["dt_proj.bias"]))
        h = np.exp(delta[:, None] * A) * h + delta[:, None] * B * u[:, None]
        y = h @ C + p["D"] * u
        z = xz[inner:]
        out.append(p["out_proj.weight"] @ (y * z / (1 + np.exp(-z))))
    return np.array(out)


def layer_and_input(**options):
    torch.manual_seed(1)
    layer = Mamba(8, state=4, conv=4, chunk=5, **options).double()
    # Steps large enough for the state to matter in a few frames, and a D that is not 1.
    layer.dt_proj.bias.data += 2
    layer.D.data.normal_()
    return layer, torch.randn(2, 13, 8, dtype=torch.float64)


def test_the_layer_is_the_equations():
    layer, x = layer_and_input()
    y = layer(x).detach().numpy()
    for b in range(2):
        np.testing.assert_allclose(y[b], oracle(layer, x[b].numpy()), atol=1e-12)


def test_both_ways_are_the_mean_of_the_sequence_and_its_reverse():
    layer, x = layer_and_input(bidirectional=True)
    y = layer(x).detach().numpy()
    for b in range(2):
        there = oracle(layer, x[b].numpy())
        back = oracle(layer, x[b].numpy()[::-1])[::-1]
        np.testing.assert_allclose(y[b], (there + back) / 2, atol=1e-12)


MASKS = {
    "end": lengths_to_mask(torch.tensor([13, 6])),
    "front": lengths_to_mask(torch.tensor([13, 6])).flip(1),
    "between": torch.tensor([[True] * 13, [True] * 3 + [False] * 5 + [True] * 4 + [False]]),
    "none there": torch.tensor([[True] * 13, [False] * 13]),
}


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("where", MASKS)
def test_a_padded_item_equals_itself_alone(where, bidirectional):
    layer, x = layer_and_input(bidirectional=bidirectional)
    mask = MASKS[where]
    filled = torch.where(mask[..., None], x, NAN)
    y = layer(filled, mask)
    torch.testing.assert_close(y[0], layer(x[:1])[0])
    torch.testing.assert_close(y[1][mask[1]], layer(x[1][mask[1]][None])[0])
    assert (y[~mask] == 0).all()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_of_a_padded_item_equal_its_own(bidirectional):
    layer, x = layer_and_input(bidirectional=bidirectional)
    mask = MASKS["between"]
    filled = torch.where(mask[..., None], x, NAN).requires_grad_()
    layer(filled, mask)[1].square().sum().backward()
    padded = {k: p.grad.clone() for k, p in layer.named_parameters()}
    layer.zero_grad()
    alone = x[1][mask[1]][None].requires_grad_()
    layer(alone).square().sum().backward()
    torch.testing.assert_close(filled.grad[1][mask[1]], alone.grad[0])
    assert (filled.grad[~mask] == 0).all()
    for name, p in layer.named_parameters():
        torch.testing.assert_close(padded[name], p.grad, msg=name)
        assert (p.grad != 0).any(), name


def test_one_way_is_causal_and_both_ways_are_not():
    for bidirectional in (False, True):
        layer, x = layer_and_input(bidirectional=bidirectional)
        changed = x.clone()
        changed[:, 7] += 1
        difference = (layer(changed) - layer(x)).abs().amax((0, 2))
        assert (difference[7:] > 1e-9).all()
        assert bool((difference[:7] > 1e-9).all()) is bidirectional
        assert bool((difference[:7] == 0).all()) is not bidirectional


def test_reversing_the_input_reverses_the_output_of_both_ways():
    layer, x = layer_and_input(bidirectional=True)
    torch.testing.assert_close(layer(x.flip(1)), layer(x).flip(1))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_chunks_are_an_option_without_effect(bidirectional):
    layer, x = layer_and_input(bidirectional=bidirectional)
    y = layer(x)
    layer.chunk = None
    torch.testing.assert_close(layer(x), y)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_autocast_is_near_float32(bidirectional):
    layer, x = layer_and_input(bidirectional=bidirectional)
    layer, x = layer.float(), x.float().requires_grad_()
    mask = MASKS["end"]
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x, mask)
    assert y.dtype == torch.bfloat16
    exact = layer(x, mask)
    assert (y - exact).norm() < 0.02 * exact.norm()
    y.float().square().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in layer.parameters())
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


def test_a_layer_kept_in_halves_runs():
    layer, x = layer_and_input()
    exact = layer(x)
    y = layer.bfloat16()(x.bfloat16())
    assert y.dtype == torch.bfloat16
    assert (y - exact).norm() < 0.03 * exact.norm()


def test_one_frame_and_no_frame():
    layer, x = layer_and_input(bidirectional=True)
    np.testing.assert_allclose(
        layer(x[:, :1])[0].detach().numpy(), oracle(layer, x[0, :1].numpy()), atol=1e-12
    )
    assert layer(x[:, :0], torch.zeros(2, 0, dtype=torch.bool)).shape == (2, 0, 8)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"width": 8, "state": 0}, "state must be at least 1"),
        ({"width": 8, "conv": -1}, "conv must be at least 1, got -1"),
        ({"width": 8, "kernel": "fast"}, "auto, reference, fused; got 'fast'"),
    ],
)
def test_wrong_options_are_errors(options, words):
    with pytest.raises(ValidationError, match=words):
        Mamba(**options)
