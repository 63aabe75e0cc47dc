"""Equation 4 as Switch means it and as it is printed, which has no gradient (E17)."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer.balance import balance_loss, printed, switch

from spatialdrama.errors import ValidationError


def some(seed=0, n=4):
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.standard_normal((3, 7, n))).requires_grad_()
    mask = torch.from_numpy(rng.random((3, 7)) > 0.4)
    return logits, mask


def test_switch_against_a_loop():
    logits, mask = some()
    p = logits.softmax(-1).detach().numpy()
    f, mean, tokens = np.zeros(4), np.zeros(4), 0
    for b in range(3):
        for t in range(7):
            if mask[b, t]:
                f[np.argmax(p[b, t])] += 1
                mean += p[b, t]
                tokens += 1
    wanted = 4 * sum(f[i] / tokens * mean[i] / tokens for i in range(4))
    assert float(switch(logits.softmax(-1), mask).detach()) == pytest.approx(wanted, abs=1e-12)


def test_the_printed_form_is_constant_and_cannot_train():
    logits, mask = some()
    loss = printed(logits.softmax(-1), mask)
    assert float(loss.detach()) == pytest.approx(4.0, abs=1e-12)
    loss.backward()
    assert logits.grad.abs().max() < 1e-15
    switch(logits.softmax(-1), mask).backward()
    assert logits.grad.abs().max() > 1e-3


def test_switch_is_one_when_balanced_and_n_when_one_has_all():
    mask = torch.ones(1, 4, dtype=torch.bool)
    assert float(switch(torch.eye(4)[None], mask)) == pytest.approx(1.0)
    assert float(switch(torch.eye(4)[:1].repeat(4, 1)[None], mask)) == pytest.approx(4.0)


def test_minimising_it_sets_idle_experts_to_work():
    torch.manual_seed(0)
    x = torch.randn(1, 64, 5)
    gate = torch.nn.Linear(5, 4, bias=False)
    with torch.no_grad():
        # A direction that all tokens share makes expert 0 the best of nearly all.
        x[..., 0] = 1.0
        gate.weight[0, 0] = 2.0
    mask = torch.ones(1, 64, dtype=torch.bool)

    def share():
        return torch.bincount(gate(x)[0].argmax(-1), minlength=4) / 64

    assert share()[0] > 0.9
    optimizer = torch.optim.Adam(gate.parameters(), lr=0.02)
    for _ in range(300):
        optimizer.zero_grad()
        balance_loss([gate(x)], mask).backward()
        optimizer.step()
    assert share().max() < 0.4
    assert share().min() > 0.1


def test_padding_counts_nowhere():
    logits, _ = some()
    mask = torch.ones(3, 7, dtype=torch.bool)
    more = torch.cat([logits, 100 * torch.randn(3, 5, 4).double()], dim=1)
    wide = torch.cat([mask, torch.zeros(3, 5, dtype=torch.bool)], dim=1)
    for form in ("switch", "paper"):
        one, other = balance_loss([logits], mask, form), balance_loss([more], wide, form)
        assert float(one.detach()) == pytest.approx(float(other.detach()), abs=1e-12)


def test_each_group_has_the_whole_weight():
    a, mask = some(1)
    b, _ = some(2, n=3)
    both = balance_loss([a, b], mask)
    wanted = switch(a.softmax(-1), mask) + switch(b.softmax(-1), mask)
    torch.testing.assert_close(both, wanted)
    assert balance_loss([], mask) == 0


def test_alpha_of_the_papers_eight_groups_by_hand():
    # Two tokens of two experts with probabilities (.75, .25) and (.5 + e, .5 - e): the first
    # expert has all of f, so a group scores 2 * (.75 + .5) / 2 = 1.25; 4 blocks have 8 of them.
    logits = torch.tensor([[[3.0, 1.0], [1.0, 1.0]]], dtype=torch.float64).log()
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert float(balance_loss([logits], mask)) == pytest.approx(1.25, abs=1e-12)
    assert 0.1 * float(balance_loss([logits] * 8, mask)) == pytest.approx(1.0, abs=1e-12)


def test_other_forms_are_refused():
    with pytest.raises(ValidationError, match="switch, paper"):
        balance_loss([], torch.ones(1, 1), "entropy")
