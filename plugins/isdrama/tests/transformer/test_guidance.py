"""Equation 5: three fields, their weights, first lines, and what equals the plain field (E23)."""

import attrs
import pytest
import torch
from spatialdrama_isdrama.transformer import guided, plain
from spatialdrama_isdrama.transformer.guidance import coefficients

from spatialdrama.errors import ValidationError


@pytest.fixture
def scene_of(tiny, stirred, lines):
    model = stirred(tiny())
    c = lines([5, 3], prompts=[4, 2], scenes=[2, 1])
    rng = torch.Generator().manual_seed(7)
    last = torch.randn(2, 6, 6, generator=rng).double()
    last_mask = torch.arange(6) < torch.tensor([6, 3])[:, None]
    x = torch.randn(2, 6, 5, generator=rng).double()
    return model, c, last, last_mask, x, torch.tensor([0.3, 0.3]).double()


def separately(model, c, last, last_mask, x, t, gamma, alpha):
    """The three fields of equation 5, each by itself, added up row by row."""
    said = [
        model(x, t, c),
        model(x, t, c.with_prompt(last, last_mask)),
        model(x, t, c.with_prompt(None)),
    ]

    def mix(values):
        rows = []
        for b in range(2):
            a = alpha[b]
            rows.append(
                gamma * a * values[0][b]
                + gamma * (1 - a) * values[1][b]
                + (1 - gamma) * values[2][b]
            )
        return torch.stack(rows)

    return (
        mix([f.velocity for f in said]),
        mix([f.pitch.log_f0 for f in said]),
        mix([f.pitch.voicing for f in said]),
    )


@pytest.mark.parametrize("gamma", [1.0, 1.5, 3.0, 5.0])
@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_every_row_of_table_6(scene_of, gamma, alpha):
    model, c, last, last_mask, x, t = scene_of
    field = guided(model, c, last=last, last_mask=last_mask, gamma=gamma, alpha=alpha)
    wanted = separately(model, c, last, last_mask, x, t, gamma, [alpha, alpha])
    got = field(x, t)
    for a, b in zip((got.velocity, *got.pitch), wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=0)


def test_alpha_and_gamma_of_one_are_the_plain_field(scene_of):
    model, c, last, last_mask, x, t = scene_of
    field = guided(model, c, last=last, last_mask=last_mask, gamma=1.0, alpha=1.0)
    assert torch.equal(field(x, t).velocity, model(x, t, c).velocity)
    assert torch.equal(plain(model, c)(x, t).velocity, model(x, t, c).velocity)


def test_the_defaults_are_the_configs(scene_of, stirred, tiny):
    model, c, last, last_mask, x, t = scene_of
    default = guided(model, c, last=last, last_mask=last_mask)(x, t).velocity
    said = guided(model, c, last=last, last_mask=last_mask, gamma=3.0, alpha=0.4)(x, t).velocity
    assert torch.equal(default, said)
    without = stirred(tiny(cfg=False))
    without.load_state_dict(model.state_dict())
    off = guided(without, c, last=last, last_mask=last_mask, gamma=3.0)(x, t).velocity
    assert torch.equal(off, model(x, t, c).velocity)


def test_a_first_line_listens_to_its_prompt_alone(scene_of):
    model, c, last, last_mask, x, t = scene_of
    last_mask[1] = False
    got = guided(model, c, last=last, last_mask=last_mask, gamma=3.0, alpha=0.4)(x, t)
    wanted, _, _ = separately(model, c, last, last_mask, x, t, 3.0, [0.4, 1.0])
    torch.testing.assert_close(got.velocity, wanted, atol=1e-9, rtol=0)
    alone = guided(model, c, gamma=3.0, alpha=0.4)(x, t)
    torch.testing.assert_close(alone.velocity[1], got.velocity[1], atol=1e-9, rtol=0)


def test_alpha_can_be_each_lines_own(scene_of):
    model, c, last, last_mask, x, t = scene_of
    alpha = torch.tensor([0.1, 0.8]).double()
    got = guided(model, c, last=last, last_mask=last_mask, alpha=alpha)(x, t)
    wanted, _, _ = separately(model, c, last, last_mask, x, t, 3.0, alpha)
    torch.testing.assert_close(got.velocity, wanted, atol=1e-9, rtol=0)


def test_the_branches_are_one_call(scene_of, monkeypatch):
    model, c, last, last_mask, x, t = scene_of
    rows = []
    forward = model.forward

    def counted(x, *rest, **options):
        rows.append(x.shape[0])
        return forward(x, *rest, **options)

    monkeypatch.setattr(model, "forward", counted)
    guided(model, c, last=last, last_mask=last_mask)(x, t)
    guided(model, c)(x, t)
    guided(model, c, gamma=1.0)(x, t)
    assert rows == [6, 4, 2]


def test_without_any_prompt_there_is_nothing_to_guide_to(scene_of):
    model, c, _, _, x, t = scene_of
    bare = c.with_prompt(None)
    got = guided(model, bare, gamma=3.0)(x, t).velocity
    torch.testing.assert_close(got, model(x, t, bare).velocity, atol=1e-9, rtol=0)


def test_weights_add_up_to_one():
    weights = coefficients(3.0, torch.tensor([0.4, 1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(weights.sum(0), torch.ones(3).double())
    torch.testing.assert_close(weights[:, 0], torch.tensor([1.2, 1.8, -2.0]).double())


def test_what_does_not_fit_is_refused(scene_of):
    model, c, last, last_mask, _, _ = scene_of
    with pytest.raises(ValidationError, match=r"alpha must be in \[0, 1\]"):
        guided(model, c, alpha=1.2)
    with pytest.raises(ValidationError, match="for 2 lines"):
        guided(model, c, last=last[:1])
    with pytest.raises(ValidationError, match="for 2 lines"):
        guided(model, c, last=last, last_mask=last_mask[:, :2])


def test_guidance_knows_no_batch(scene_of, alone):
    model, c, last, last_mask, x, t = scene_of
    together = guided(model, c, last=last, last_mask=last_mask)(x, t).velocity
    one = guided(model, alone(c, 1), last=last[1:, :, :3])(x[1:, :, :3], t[1:]).velocity
    torch.testing.assert_close(together[1:, :, :3], one, atol=1e-9, rtol=0)


def test_a_given_pitch_is_kept_by_every_branch(scene_of):
    model, c, last, last_mask, x, t = scene_of
    told = attrs.evolve(c, f0=torch.full_like(c.mask, 1, dtype=torch.float64) * 220)
    got = guided(model, told, last=last, last_mask=last_mask)(x, t).velocity
    wanted, _, _ = separately(model, told, last, last_mask, x, t, 3.0, [0.4, 0.4])
    torch.testing.assert_close(got, wanted, atol=1e-9, rtol=0)


def test_what_is_kept_is_the_voice_prompts_branch(scene_of):
    model, c, last, last_mask, x, t = scene_of
    got = guided(model, c, last=last, last_mask=last_mask, keep=True)(x, t)
    wanted = model(x, t, c, keep=True)
    assert len(got.kept) == 2
    for a, b in zip(got.kept, wanted.kept, strict=True):
        for name in ("prosodic", "spatial"):
            torch.testing.assert_close(a.routing[name], b.routing[name], atol=1e-9, rtol=0)
        # The last line is two frames longer than the prompt, so the batch has two frames more.
        line = a.attention[:, :, -5:, -5:]
        torch.testing.assert_close(line, b.attention[:, :, -5:, -5:], atol=1e-9, rtol=0)
    assert guided(model, c)(x, t).kept == ()
    alone = guided(model, c, gamma=1.0, keep=True)(x, t)
    torch.testing.assert_close(alone.kept[0].attention, wanted.kept[0].attention)
