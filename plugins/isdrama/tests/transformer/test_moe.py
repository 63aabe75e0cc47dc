"""Drama-MOE against algorithm 1 and against section 4.3, token by token in float64 (E15)."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer.moe import ExpertGroup, Router
from spatialdrama_isdrama.transformer.routing import gumbel

WIDTH = 16


def normalised(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def cross_attention(layer, query, source):
    def linear(part, x):
        return x @ part.weight.detach().numpy().T + part.bias.detach().numpy()

    q = linear(layer.to_query, query)
    k, v = linear(layer.to_key, source), linear(layer.to_value, source)
    size = q.shape[1] // layer.heads
    out = np.zeros_like(q)
    for h in range(layer.heads):
        part = slice(h * size, (h + 1) * size)
        for i in range(len(q)):
            weights = np.exp(np.array([q[i, part] @ row for row in k[:, part]]) / np.sqrt(size))
            out[i, part] = weights / weights.sum() @ v[:, part]
    return linear(layer.to_out, out)


def inputs(b=2, t=5, p=3):
    rng = torch.Generator().manual_seed(0)
    content, pose = (torch.randn(b, t, WIDTH, generator=rng).double() for _ in range(2))
    prompt = torch.randn(b, p, WIDTH, generator=rng).double()
    mask = torch.ones(b, t, dtype=torch.bool)
    return content, pose, mask, prompt, torch.ones(b, p, dtype=torch.bool)


@pytest.mark.parametrize("routing", ["text", "algorithm1"])
def test_what_the_gates_look_at(tiny, routing):
    torch.manual_seed(1)
    router = Router(tiny(routing=routing)).double()
    content, pose, mask, prompt, prompt_mask = inputs()
    got = router(content, pose, mask, prompt, prompt_mask)
    for b in range(2):
        z_c, z_p, z_a = (z[b].numpy() for z in (content, pose, prompt))
        if routing == "text":
            aligned = cross_attention(router.align, normalised(z_c), z_a)
            z_pro = normalised(z_c) + normalised(aligned)
        else:
            z_pro = cross_attention(router.align, normalised(z_p), z_a)
        for name, z in (("prosodic", z_pro), ("spatial", z_p)):
            wanted = normalised(z) @ router.gates[name].weight.detach().numpy().T
            np.testing.assert_allclose(got[name][b].detach().numpy(), wanted, atol=1e-10)


def test_spatial_routing_knows_the_pose_alone(tiny):
    torch.manual_seed(2)
    router = Router(tiny()).double()
    content, pose, mask, prompt, prompt_mask = inputs()
    one = router(content, pose, mask, prompt, prompt_mask)
    other = router(-content, pose, mask, 2 + prompt, prompt_mask)
    assert torch.equal(one["spatial"], other["spatial"])
    assert (one["prosodic"] - other["prosodic"]).abs().max() > 0.01
    third = router(content, -pose, mask, prompt, prompt_mask)
    assert torch.equal(one["prosodic"], third["prosodic"])
    assert (one["spatial"] - third["spatial"]).abs().max() > 0.01


def equation_19(row, noise, tau):
    top = [math.exp((z + n) / tau) for z, n in zip(row, noise, strict=True)]
    return [x / sum(top) for x in top]


def line_7(row, noise, tau):
    # As printed: the temperature stands behind the parenthesis of the softmax.
    top = [math.exp(z + n) for z, n in zip(row, noise, strict=True)]
    return [x / sum(top) / tau for x in top]


@pytest.mark.parametrize(
    ("routing", "score"), [("text", equation_19), ("algorithm1", line_7)], ids=["text", "printed"]
)
@pytest.mark.parametrize("tau", [1.7, 0.4, None])
def test_lines_7_to_9_of_algorithm_1(tiny, routing, score, tau):
    torch.manual_seed(3)
    group = ExpertGroup(tiny(routing=routing, temperature_end=0.3), 3).double()
    x, _, mask, _, _ = inputs()
    logits = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(4)).double()
    seed = torch.Generator().manual_seed(5)
    noise = gumbel(logits, torch.Generator().manual_seed(5)).numpy()
    got = group(x, mask, logits, tau, seed).detach().numpy()
    each = [
        group.experts(x, torch.eye(3)[i].double().expand(2, 5, 3)).detach().numpy()
        for i in range(3)
    ]
    for b in range(2):
        for t in range(5):
            row = logits[b, t].numpy()
            best = np.eye(3)[np.argmax(row)]
            g = best if tau is None else score(row, noise[b, t], tau)
            if tau is None and routing == "algorithm1":
                # As loud as at the end of training, where the temperature is .3.
                g = g / 0.3
            wanted = sum(g[i] * each[i][b, t] for i in range(3))
            np.testing.assert_allclose(got[b, t], wanted, atol=1e-10)


def test_computing_the_chosen_alone_changes_nothing(tiny, monkeypatch):
    torch.manual_seed(4)
    group = ExpertGroup(tiny(), 3).double()
    x, _, mask, _, _ = inputs()
    logits = torch.randn(2, 5, 3).double()
    calls = []
    pick = group.experts.pick
    monkeypatch.setattr(group.experts, "pick", lambda *a: (calls.append(1), pick(*a))[1])
    sparse = group(x, mask, logits)
    assert calls
    monkeypatch.setattr(group.experts, "prefers_pick", lambda x: False)
    torch.testing.assert_close(group(x, mask, logits), sparse, atol=1e-12, rtol=0)
    assert len(calls) == 1


def test_padding_is_zero_and_moves_nothing(tiny):
    torch.manual_seed(5)
    group = ExpertGroup(tiny(), 3).double()
    x, _, mask, _, _ = inputs()
    logits = torch.randn(2, 5, 3).double()
    mask[0, 3:] = False
    for tau in (1.0, None):
        y = group(x, mask, logits, tau)
        assert not y[0, 3:].any()
        changed = torch.where(mask[..., None], x, torch.full_like(x, 9.0))
        torch.testing.assert_close(group(changed, mask, logits, tau), y, atol=1e-12, rtol=0)
