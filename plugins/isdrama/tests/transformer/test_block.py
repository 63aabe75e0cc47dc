"""A block adds gate times each layer's answer to a modulated norm (equation 17, E3, E16, E19)."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer import TransformerConfig
from spatialdrama_isdrama.transformer.block import Block, Routing, Stream, equal_parameters


def stream(b=2, t=6):
    rng = torch.Generator().manual_seed(0)
    return Stream(
        mask=torch.ones(b, t, dtype=torch.bool),
        positions=torch.arange(t).expand(b, t),
        scene=torch.randn(b, 2, 16, generator=rng).double(),
        scene_mask=torch.ones(b, 2, dtype=torch.bool),
    )


def stirred_block(config, seed=1):
    torch.manual_seed(seed)
    block = Block(config).double().eval()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return block


def logits_of(config, b=2, t=6):
    rng = torch.Generator().manual_seed(3)
    return {k: torch.randn(b, t, n, generator=rng).double() for k, n in config.groups.items()}


def layers_in_order(block, config, common, logits):
    """The layers as the paper names them, each a function of its input alone."""

    def attention(x):
        y, _ = block.attention(
            x, common.mask, common.scene, common.scene_mask, positions=common.positions
        )
        return y

    mambas = [lambda x, m=m: m(x, common.mask) for m in block.sequence.layers]
    first = [attention, *mambas] if config.order == "attention" else [*mambas, attention]
    experts = [
        lambda x, k=k: block.groups[k](x, common.mask, logits[k]) for k in ("prosodic", "spatial")
    ]
    return first, experts


@pytest.mark.parametrize("order", ["attention", "mamba"])
@pytest.mark.parametrize("modulation", ["block", "layer"])
def test_equation_17_around_each_layer(tiny, order, modulation):
    config = tiny(order=order, modulation=modulation, mamba_layers=2)
    block, common, logits = stirred_block(config), stream(), logits_of(config)
    rng = torch.Generator().manual_seed(2)
    h, z_g = torch.randn(2, 6, 16, generator=rng).double(), torch.randn(2, 16, generator=rng)
    z_g = z_g.double()
    got, kept = block(h, z_g, common, logits, Routing())
    assert kept is None

    linear = block.modulation.linear
    silu = z_g.numpy() / (1 + np.exp(-z_g.numpy()))
    numbers = silu @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
    numbers = numbers.reshape(2, -1, 3, 16)
    first, experts = layers_in_order(block, config, common, logits)
    x = h.numpy()
    for i, layer in enumerate([*first, *experts]):
        part = i if modulation == "layer" else int(i >= len(first))
        shift, scale, gate = (numbers[:, part, k][:, None] for k in range(3))
        norm = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        if modulation == "block":
            norm = norm * block.norms[i].weight.detach().numpy()
        answer = layer(torch.from_numpy((1 + scale) * norm + shift)).detach().numpy()
        x = x + gate * answer
    np.testing.assert_allclose(got.detach().numpy(), x, atol=1e-9)


def test_a_block_starts_by_passing_on(tiny):
    torch.manual_seed(0)
    config = tiny()
    block, common = Block(config).double(), stream()
    h, z_g = torch.randn(2, 6, 16).double(), torch.randn(2, 16).double()
    y, _ = block(h, z_g, common, logits_of(config), Routing())
    assert torch.equal(y, h)


@pytest.mark.parametrize(("bidirectional", "sees"), [(True, True), (False, False)])
def test_mamba_is_causal_or_sees_both_ways(tiny, bidirectional, sees):
    config = tiny(bidirectional=bidirectional)
    block, common = stirred_block(config), stream()
    x = torch.randn(2, 6, 16).double()
    changed = x.clone()
    changed[:, -1] += 1
    layer = block.sequence.layers[0]
    moved = (layer(x, common.mask) - layer(changed, common.mask))[:, :-1].abs().max()
    assert (float(moved.detach()) > 1e-6) is sees


def test_without_moe_one_fan_expert_takes_its_place(tiny):
    config = tiny(moe=False)
    block, common = stirred_block(config), stream()
    assert list(block.groups) == ["dense"]
    assert block.router is None
    assert block.groups["dense"].experts.periodic is not None
    h, z_g = torch.randn(2, 6, 16).double(), torch.randn(2, 16).double()
    y, _ = block(h, z_g, common, {}, Routing(tau=1.0))
    assert (y - h).abs().max() > 0.01


def test_in_mambas_place_stand_layers_of_as_many_parameters():
    config = TransformerConfig(mamba=False)
    count, inner = equal_parameters(config)
    assert count == 2
    d = config.width
    attention, feed = 4 * (d * d + d), 2 * d * inner + inner + d
    # Mamba of Gu and Dao 2023 by hand: projections, convolution, step, state, skip.
    e, n, r = 2 * d, 16, d // 16
    mamba = d * 2 * e + 5 * e + e * (r + 2 * n) + r * e + e + e * n + e + e * d
    assert count * (attention + feed) == pytest.approx(3 * mamba, rel=1e-3)
    with torch.device("meta"):
        block = Block(config)
    built = sum(p.numel() for p in block.sequence.parameters())
    assert built == count * (attention + feed)


def test_what_is_kept_are_weights(tiny):
    config = tiny()
    block, common = stirred_block(config), stream()
    h, z_g = torch.randn(2, 6, 16).double(), torch.randn(2, 16).double()
    plain, _ = block(h, z_g, common, logits_of(config), Routing())
    y, (own, scene) = block(h, z_g, common, logits_of(config), Routing(), keep=True)
    torch.testing.assert_close(y, plain, atol=1e-10, rtol=0)
    torch.testing.assert_close(own.sum(-1), torch.ones(2, 2, 6).double())
    torch.testing.assert_close(scene.sum(-1), torch.ones(2, 2, 6).double())
