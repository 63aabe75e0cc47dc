"""A training step: its numbers, what it draws, and going on from where it stopped (E26)."""

import copy

import pytest
import torch
from spatialdrama_isdrama.transformer import (
    Batch,
    DramaTransformer,
    Training,
    TrainingConfig,
)
from spatialdrama_isdrama.transformer.training import warm

from spatialdrama.errors import ValidationError


@pytest.fixture
def batch(lines):
    c = lines([4, 3], prompts=[3, 2], scenes=[2, 1], f0=True)
    c = c.map(lambda x: x.float() if x.is_floating_point() else x)
    rng = torch.Generator().manual_seed(4)
    return Batch(latent=torch.randn(2, 6, 4, generator=rng), conditions=c)


@pytest.fixture
def training(tiny):
    def make(seed=0, model_seed=0, **changes):
        torch.manual_seed(model_seed)
        values = {"learning_rate": 1e-3, "warm_up": 5, "ema": 0.9, **changes}
        config = tiny(temperature_steps=10)
        return Training(DramaTransformer(config), TrainingConfig(**values), seed=seed)

    return make


def weights(training):
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def test_the_first_step_is_adams(training, batch):
    one = training(clip=0.0)
    before = weights(one)
    copied = copy.deepcopy(one.model)
    twin = Training(copied, one.config, seed=0)
    twin.losses(batch).total.backward()
    gradient = torch.cat(
        [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in copied.parameters()]
    )
    one.update(batch)
    # Kingma and Ba 2015: the first step is rate * g / (|g| + eps), the rate a fifth of the whole.
    wanted = before - 1e-3 / 5 * gradient / (gradient.abs() + 1e-8)
    torch.testing.assert_close(weights(one), wanted, atol=2e-8, rtol=0)


def test_the_rate_rises_and_stays(training, batch):
    run = training()
    said = [run.update(batch) for _ in range(12)]
    rates = [s["learning_rate"] for s in said]
    assert rates == pytest.approx([1e-3 * min((i + 1) / 5, 1) for i in range(12)])
    taus = [s["temperature"] for s in said]
    assert taus == pytest.approx([2.0 * 0.15 ** min(i / 10, 1.0) for i in range(12)])
    assert warm(0, 10_000) == pytest.approx(1e-4)


def test_gradients_are_clipped_together(training, batch):
    run = training(clip=1e-3)
    run.losses(batch).total.backward()
    said = run.finish()
    assert said["gradient_norm"] > 1e-2
    norm = torch.stack([p.grad.norm() for p in run.model.parameters() if p.grad is not None]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_averages_against_a_loop(training, batch):
    run = training()
    average = weights(run).double()
    for step in range(6):
        run.update(batch)
        decay = min(0.9, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights(run).double()
    own = weights(run)
    with run.averages():
        torch.testing.assert_close(weights(run).double(), average, atol=1e-6, rtol=0)
        assert not torch.equal(weights(run), own)
    assert torch.equal(weights(run), own)
    with pytest.raises(ValidationError, match="set ema"), training(ema=0.0).averages():
        pass


def test_a_run_goes_on_as_if_nothing_had_happened(training, batch, tmp_path):
    whole = training()
    for _ in range(3):
        whole.update(batch)
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    wanted = [whole.update(batch) for _ in range(3)]
    again = training(seed=99, model_seed=99)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert again.step == 3
    assert [again.update(batch) for _ in range(3)] == wanted
    assert torch.equal(weights(again), weights(whole))
    for name, value in whole.averaged.items():
        assert torch.equal(again.averaged[name], value)
    with pytest.raises(ValidationError, match="has averaged weights"):
        training(ema=0.0).load_state_dict(whole.state_dict())


def test_a_runs_draws_are_its_seeds(training, batch):
    one, same, other = training(seed=3), training(seed=3), training(seed=4)
    torch.manual_seed(123)
    first = one.update(batch)
    torch.manual_seed(456)
    assert same.update(batch) == first
    assert other.update(batch)["flow"] != first["flow"]


def test_a_step_that_is_not_finite_changes_nothing(training, batch):
    run = training()
    run.update(batch)
    before, averaged = weights(run), {k: v.clone() for k, v in run.averaged.items()}
    spoilt = Batch(latent=batch.latent * float("inf"), conditions=batch.conditions)
    said = run.update(spoilt)
    assert said["skipped"] == 1.0
    assert torch.equal(weights(run), before)
    assert all(torch.equal(run.averaged[k], v) for k, v in averaged.items())
    assert run.step == 2
    assert run.update(batch)["skipped"] == 0.0


def test_half_precision_trains(training, batch):
    run = training(precision="bfloat16", warm_up=0, learning_rate=3e-3)
    said = [run.update(batch)["total"] for _ in range(60)]
    assert sum(said[-10:]) < 0.8 * sum(said[:10])
    assert all(p.dtype == torch.float32 for p in run.model.parameters())


def test_a_latent_that_does_not_fit_is_refused(training, batch):
    with pytest.raises(ValidationError, match=r"must be \(2, 6, 4\)"):
        training().losses(Batch(latent=batch.latent[..., :3], conditions=batch.conditions))


def test_prompts_of_both_sources_are_used(training, batch, monkeypatch):
    run = training()
    seen = []
    forward = run.model.forward

    def look(x, time, conditions, **options):
        seen.append(conditions)
        return forward(x, time, conditions, **options)

    monkeypatch.setattr(run.model, "forward", look)
    other = torch.full((2, 6, 5), 9.0)
    both = Batch(latent=batch.latent, conditions=batch.conditions, other=other)
    for _ in range(30):
        run.losses(both)
    kinds = set()
    for c in seen:
        for latent, mask in zip(*c.prompts(), strict=True):
            kinds.add("none" if not mask.any() else "other" if latent[0, 0] == 9 else "same")
    assert kinds == {"none", "other", "same"}
    scenes = torch.stack([c.scenes()[1].any(1) for c in seen])
    assert 0 < int((~scenes).sum()) < 20


def test_what_wraps_the_model_is_what_is_called(training, batch, tiny):
    torch.manual_seed(0)
    model = DramaTransformer(tiny(temperature_steps=10))
    calls = []

    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = model

        def forward(self, *args, **options):
            calls.append(1)
            return self.module(*args, **options)

    config = TrainingConfig(learning_rate=1e-3, warm_up=5, ema=0.9)
    one = Training(model, config, seed=0, forward=Wrapped()).update(batch)
    assert calls == [1]
    assert one == training().update(batch)
