"""Sampling is the solver on the guided field, and draws nothing itself."""

import attrs
import pytest
import torch
from spatialdrama_isdrama.transformer import guided, sample, solve


@pytest.fixture
def setting(tiny, stirred, lines):
    model = stirred(tiny(gamma=2.0, steps=3, solver="midpoint"))
    c = lines([5, 3], prompts=[4, 2], scenes=[2, 1])
    rng = torch.Generator().manual_seed(7)
    noise = torch.randn(2, 6, 5, generator=rng).double()
    return model, c, noise, torch.randn(2, 6, 4, generator=rng).double()


def test_it_is_the_solver_on_the_guided_field(setting):
    model, c, noise, last = setting
    got = sample(model, c, noise, last=last)
    wanted = solve(guided(model, c, last=last, gamma=2.0, alpha=0.4), noise, 3, "midpoint")
    line = c.mask[:, None, ::4]
    torch.testing.assert_close(got.latent, wanted * line, atol=0, rtol=0)
    other = sample(model, c, noise, gamma=1.0, alpha=1.0, steps=5, solver="few", schedule="sway")
    plain = solve(lambda x, t: model(x, t, c), noise, 5, "few", "sway")
    torch.testing.assert_close(other.latent, plain * line, atol=1e-10, rtol=0)


def test_a_line_is_the_same_in_any_batch(setting, alone):
    model, c, noise, last = setting
    together = sample(model, c, noise, last=last)
    one = sample(model, alone(c, 1), noise[1:, :, :3], last=last[1:])
    torch.testing.assert_close(together.latent[1:, :, :3], one.latent, atol=1e-8, rtol=0)
    assert not together.latent[1, :, 3:].any()
    torch.testing.assert_close(together.f0[1:, :12], one.f0, atol=1e-5, rtol=1e-8)
    assert not together.f0[1, 12:].any()


def test_nothing_is_drawn_and_the_mode_stays(setting, stirred, tiny):
    _, c, noise, _ = setting
    model = stirred(tiny(dropout=0.5)).train()
    torch.manual_seed(1)
    one = sample(model, c, noise)
    before = torch.get_rng_state()
    other = sample(model, c, noise)
    assert torch.equal(one.latent, other.latent)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training


def test_pitch_is_the_last_calls_and_a_given_one_stays(setting):
    model, c, noise, _ = setting
    said = []
    got = sample(model, c, noise, watch=lambda i, t, x, field: said.append((i, t, field)))
    assert [(i, round(t, 6)) for i, t, _ in said] == [(1, 0.333333), (2, 0.666667), (3, 1.0)]
    assert torch.equal(got.pitch.log_f0, said[-1][2].pitch.log_f0)
    wanted = torch.where(c.mask, said[-1][2].pitch.hertz(), 0.0)
    assert torch.equal(got.f0, wanted)
    told = attrs.evolve(c, f0=torch.full(c.mask.shape, 200.0).double())
    assert torch.equal(sample(model, told, noise).f0, 200.0 * c.mask)


def test_the_blocks_can_be_watched_along_the_flow(setting):
    model, c, noise, last = setting
    kept = []
    sample(model, c, noise, last=last, keep=True, watch=lambda i, t, x, f: kept.append(f.kept))
    assert [len(k) for k in kept] == [2, 2, 2]
    # Experts are chosen by what is said and where, not by how far the flow has come.
    first, final = kept[0][1].routing["spatial"], kept[-1][1].routing["spatial"]
    assert torch.equal(first, final)
    assert not torch.equal(kept[0][1].attention, kept[-1][1].attention)


def test_without_pitch_there_is_none(stirred, tiny, setting):
    _, c, noise, _ = setting
    got = sample(stirred(tiny(f0=False)), c, noise, steps=2)
    assert got.pitch is None
    assert got.f0 is None
