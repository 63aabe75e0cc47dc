"""The whole network: padding, batches, prompts, ablations, gradients, what it keeps."""

import attrs
import pytest
import torch
from spatialdrama_isdrama.transformer import (
    Conditions,
    DramaTransformer,
    TransformerConfig,
    losses,
    sample,
)

from spatialdrama.errors import ValidationError

ABLATIONS = {
    "whole": {},
    "moe": {"moe": False},
    "prosodic_moe": {"prosodic_moe": False},
    "spatial_moe": {"spatial_moe": False},
    "fan": {"fan": False},
    "f0": {"f0": False},
    "mamba": {"mamba": False},
    "experts": {"experts": 1},
    "causal": {"bidirectional": False},
    "order": {"order": "mamba"},
    "layer": {"modulation": "layer"},
    "algorithm1": {"routing": "algorithm1"},
    "paper balance": {"balance": "paper"},
}
ablations = pytest.mark.parametrize("changes", ABLATIONS.values(), ids=ABLATIONS.keys())


def noise(conditions, latent=6, seed=9):
    rng = torch.Generator().manual_seed(seed)
    shape = (conditions.rows, latent, conditions.latents)
    return torch.randn(shape, generator=rng).double()


def times(conditions):
    return torch.linspace(0.2, 0.8, conditions.rows, dtype=torch.float64)


@ablations
def test_a_batch_equals_its_items(tiny, stirred, lines, alone, changes):
    model = stirred(tiny(**changes))
    c = lines([5, 3, 4], prompts=[4, 0, 2], scenes=[0, 3, 1])
    x, t = noise(c), times(c)
    together = model(x, t, c)
    for row, frames in enumerate([5, 3, 4]):
        one = model(x[row : row + 1, :, :frames], t[row : row + 1], alone(c, row))
        got = together.velocity[row : row + 1, :, :frames]
        torch.testing.assert_close(got, one.velocity, atol=1e-9, rtol=0)
        assert not together.velocity[row, :, frames:].any()
        if one.pitch is not None:
            for a, b in zip(together.pitch, one.pitch, strict=True):
                torch.testing.assert_close(a[row : row + 1, : 4 * frames], b, atol=1e-9, rtol=0)


@ablations
def test_what_lies_in_the_padding_moves_nothing(tiny, stirred, lines, changes):
    model = stirred(tiny(**changes))
    c = lines([5, 3], prompts=[4, 1], scenes=[1, 3], f0=True)
    x, t = noise(c), times(c)
    wanted = model(x, t, c)
    nan = float("nan")
    spoilt = attrs.evolve(
        c,
        content=c.content.masked_fill(~c.mask[..., None], nan),
        pose=c.pose.masked_fill(~c.mask[:, None, :, None], nan),
        prompt=c.prompt.masked_fill(~c.prompt_mask[:, None], nan),
        scene=c.scene.masked_fill(~c.scene_mask[..., None], nan),
        f0=c.f0.masked_fill(~c.mask, nan),
    )
    got = model(x.masked_fill(~c.mask[:, None, ::4], nan), t, spoilt)
    torch.testing.assert_close(got.velocity, wanted.velocity, atol=1e-9, rtol=0)


@ablations
def test_gradients_reach_every_parameter(tiny, lines, changes):
    torch.manual_seed(0)
    config = tiny(**changes)
    model = DramaTransformer(config).double()
    c = lines([5, 3, 4], prompts=[4, 0, 2], scenes=[0, 3, 1], f0=True)
    latent = noise(c, seed=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(4):
        # Zeros stand in a row: the last layer, the gates, the scene's gate, what is behind it.
        optimizer.zero_grad()
        said = losses(model, config, latent, c, noise(c), times(c), tau=1.0)
        said.total.backward()
        optimizer.step()
    without = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    ]
    if changes.get("experts") == 1:
        # A choice among one has no gradient, nor has what leads to it.
        without = [name for name in without if ".router." not in name]
    assert without == []


def test_at_first_only_the_last_layer_learns(tiny, lines):
    torch.manual_seed(0)
    config = tiny(f0=False)
    model = DramaTransformer(config).double()
    c = lines([5, 3], prompts=[4, 0], scenes=[0, 3])
    field = model(noise(c), times(c), c)
    assert not field.velocity.any()
    losses(model, config, noise(c, seed=3), c, noise(c), times(c)).total.backward()
    moved = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"out.weight", "out.bias"}


def test_each_tokens_expert_is_found_once(tiny, stirred, lines, monkeypatch):
    from spatialdrama_isdrama.transformer import model as module

    found = []
    rows_of = module.rows_of
    monkeypatch.setattr(module, "rows_of", lambda *a: (found.append(1), rows_of(*a))[1])
    model, c = stirred(tiny()), lines([5, 3], prompts=[4, 0])
    encoded = model.encode(c)
    model(noise(c), times(c), encoded, tau=1.0)
    assert found == []
    for seed in (1, 2, 3):
        model(noise(c, seed=seed), times(c), encoded)
    # Two blocks of two groups.
    assert len(found) == 4


@pytest.mark.slow
def test_the_papers_size_runs_on_a_cpu():
    torch.manual_seed(0)
    config = TransformerConfig()
    model = DramaTransformer(config).eval()
    rng = torch.Generator().manual_seed(0)
    c = Conditions(
        content=torch.randn(1, 64, 768, generator=rng),
        pose=torch.randn(1, 2, 64, 768, generator=rng),
        mask=torch.ones(1, 64, dtype=torch.bool),
        prompt=torch.randn(1, 40, 8, generator=rng),
        scene=torch.randn(1, 4, 768, generator=rng),
    )
    got = sample(model, c, torch.randn(1, 40, 16, generator=rng), steps=1)
    assert got.latent.shape == (1, 40, 16)
    assert torch.isfinite(got.latent).all()
    assert got.f0.shape == (1, 64)


def test_encoding_once_is_the_same(tiny, stirred, lines):
    model = stirred(tiny())
    c = lines([5, 3], prompts=[4, 0], scenes=[0, 3])
    encoded = model.encode(c)
    for seed in (1, 2):
        x = noise(c, seed=seed)
        one, other = model(x, times(c), encoded), model(x, times(c), c)
        assert torch.equal(one.velocity, other.velocity)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: attrs.evolve(c, content=-c.content),
        lambda c: attrs.evolve(c, pose=-c.pose),
        lambda c: attrs.evolve(c, pose=c.pose.flip(1)),
        lambda c: attrs.evolve(c, prompt=-c.prompt),
        lambda c: attrs.evolve(c, scene=-c.scene),
        lambda c: attrs.evolve(c, scene_mask=torch.zeros_like(c.scene_mask)),
        lambda c: attrs.evolve(c, prompt_mask=torch.zeros_like(c.prompt_mask)),
        lambda c: attrs.evolve(c, f0=2 * c.f0),
    ],
    ids=["content", "pose", "ears", "prompt", "scene", "no scene", "no prompt", "f0"],
)
def test_every_condition_is_heard(tiny, stirred, lines, change):
    model = stirred(tiny())
    c = lines([5, 3], prompts=[4, 2], scenes=[1, 3], f0=True)
    x, t = noise(c), times(c)
    moved = (model(x, t, c).velocity - model(x, t, change(c)).velocity).abs().amax((1, 2))
    assert moved.min() > 1e-4


def test_time_is_heard(tiny, stirred, lines):
    model, c = stirred(tiny()), lines([5])
    one = model(noise(c), torch.tensor([0.1]).double(), c).velocity
    other = model(noise(c), torch.tensor([0.11]).double(), c).velocity
    assert (one - other).abs().max() > 1e-4


def test_own_pitch_is_what_the_later_blocks_get_without_a_given_one(tiny, stirred, lines):
    model, c = stirred(tiny()), lines([5, 3])
    x, t = noise(c), times(c)
    own = model(x, t, c)
    told = attrs.evolve(c, f0=own.pitch.hertz().detach() * c.mask)
    torch.testing.assert_close(model(x, t, told).velocity, own.velocity, atol=1e-9, rtol=0)
    told = attrs.evolve(c, f0=torch.full_like(told.f0, 400.0))
    assert (model(x, t, told).velocity - own.velocity).abs().max() > 1e-4


def test_the_loss_of_the_flow_does_not_train_the_own_pitch(tiny, stirred, lines):
    model, c = stirred(tiny()), lines([5, 3])
    model(noise(c), times(c), c).velocity.square().sum().backward()
    assert model.pitch.log_f0.weight.grad is None
    assert model.pitch_in.gate.weight.grad.abs().max() > 0


def test_routing_along_the_flow_and_its_noise(tiny, stirred, lines):
    model, c = stirred(tiny()), lines([5, 3], prompts=[2, 1])
    x, t = noise(c), times(c)
    quiet = model(x, t, c, tau=0.5).velocity
    again = model(x, t, c, tau=0.5, generator=torch.Generator().manual_seed(1)).velocity
    same = model(x, t, c, tau=0.5, generator=torch.Generator().manual_seed(1)).velocity
    assert torch.equal(again, same)
    assert (again - quiet).abs().max() > 1e-4
    cold = model(x, t, c, tau=1e-4).velocity
    torch.testing.assert_close(cold, model(x, t, c).velocity, atol=1e-6, rtol=0)


def test_balance_is_of_the_lines_in_training(tiny, stirred, lines):
    model, c = stirred(tiny()), lines([5, 3], prompts=[4, 1])
    field = model(noise(c), times(c), c, tau=1.0, keep=True)
    total = 0.0
    for block in field.routing:
        for p in block.values():
            p = p[c.mask[:, ::4]]
            f = torch.nn.functional.one_hot(p.argmax(-1), 3).double().mean(0)
            total += float(3 * (f * p.mean(0)).sum().detach())
    assert float(field.balance.detach()) == pytest.approx(total, abs=1e-9)
    assert model(noise(c), times(c), c).balance == 0
    paper = stirred(tiny(balance="paper"))
    said = paper(noise(c), times(c), c, tau=1.0).balance
    # Three experts of each of two blocks' two groups.
    assert float(said.detach()) == pytest.approx(4 * 3.0, abs=1e-9)


def test_what_is_kept_for_looking_at(tiny, stirred, lines):
    model = stirred(tiny())
    c = lines([5, 3], prompts=[4, 1], scenes=[2, 0])
    field = model(noise(c), times(c), c, keep=True)
    plain = model(noise(c), times(c), c)
    torch.testing.assert_close(field.velocity, plain.velocity, atol=1e-9, rtol=0)
    assert plain.kept == () == tuple(plain.routing)
    assert len(field.kept) == 2
    for block, kept in zip(model.blocks, field.kept, strict=True):
        assert kept.attention.shape == (2, 2, 9, 9)
        assert kept.scene_attention.shape == (2, 2, 9, 2)
        torch.testing.assert_close(kept.scene_gates, block.attention.alpha.detach().tanh())
        for p in kept.routing.values():
            assert p.shape == (2, 5, 3)
            torch.testing.assert_close(p.sum(-1), torch.ones(2, 5).double())
    # A row without a scene looks at the one learned token alone.
    assert torch.all(field.kept[0].scene_attention[1, :, 0, 0] == 1)


def test_half_precision_stays_near_and_pitch_stays_whole(tiny, stirred, lines):
    model = stirred(tiny()).float()
    c = lines([5, 3], prompts=[4, 1], scenes=[2, 0]).map(
        lambda x: x.float() if x.is_floating_point() else x
    )
    x, t = noise(c).float(), times(c).float()
    wanted = model(x, t, c, tau=1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = model(x, t, c, tau=1.0)
    scale = wanted.velocity.abs().max()
    assert (got.velocity.float() - wanted.velocity).abs().max() < 0.05 * scale
    assert got.pitch.log_f0.dtype == torch.float32


def test_what_does_not_fit_is_refused(tiny, stirred, lines):
    model, c = stirred(tiny()), lines([5, 3], prompts=[4, 1])
    with pytest.raises(ValidationError, match="x must be"):
        model(noise(c)[..., :4], times(c), c)
    with pytest.raises(ValidationError, match="content is 4 wide"):
        model(noise(c), times(c), attrs.evolve(c, content=c.content[..., :4]))
    with pytest.raises(ValidationError, match="prompt is 5 wide"):
        model(noise(c), times(c), attrs.evolve(c, prompt=c.prompt[:, :5]))


def test_the_papers_size_is_177_million_within_two_percent():
    with torch.device("meta"):
        model = DramaTransformer(TransformerConfig())
    count = sum(p.numel() for p in model.parameters())
    parts = {name: sum(p.numel() for p in m.parameters()) for name, m in model.named_children()}
    assert count == pytest.approx(177e6, rel=0.02), parts
