"""Training: it learns, it goes on after a stop as if there had been none, it says what is wrong."""

import io
import math

import attrs
import pytest
import torch
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig, MelConfig
from spatialdrama_isdrama.autoencoder.mel import mel_of, stacked
from spatialdrama_isdrama.autoencoder.training import AutoencoderTraining, crops

from spatialdrama.errors import ValidationError

TINY = AutoencoderConfig(
    width=16, critic_width=4, windows=(8, 16), crop=16, warm_up=0, adversarial_start=2
)


def batch(frames=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mel = torch.randn(2, 2, 80, frames, generator=generator) - 2.5
    return mel, torch.arange(frames) < torch.tensor([[frames], [frames - 5]])


def batches(count):
    return [batch(seed=s) for s in range(count)]


def weights_of(training):
    parts = (*training.model.parameters(), *training.critic.parameters())
    return torch.cat([p.detach().flatten() for p in parts])


class TestSteps:
    def test_the_critic_comes_in_at_its_step(self):
        training = AutoencoderTraining(TINY, seed=1)
        critic = [p.detach().clone() for p in training.critic.parameters()]
        reports = list(training.run(batches(4), 2))
        assert all(set(r) == {"reconstruction", "divergence", "total"} for r in reports)
        assert all(map(torch.equal, critic, training.critic.parameters()))
        reports = list(training.run(batches(4), 4))
        assert all({"fooling", "critic"} < set(r) for r in reports)
        assert training.step == 4
        assert not any(map(torch.equal, critic, training.critic.parameters()))

    def test_total_is_the_weighted_sum(self):
        config = AutoencoderConfig(
            width=16, critic_width=4, windows=(8,), adversarial_start=0, adversarial=0.25, kl=0.1
        )
        report = AutoencoderTraining(config, seed=1).train_step(*batch())
        total = report["reconstruction"] + 0.1 * report["divergence"] + 0.25 * report["fooling"]
        assert report["total"] == pytest.approx(total, rel=1e-6)

    def test_fooling_does_not_teach_the_critic(self):
        # With a learning rate too small to matter the critic's step sees its own loss only: its
        # gradients are those of critic_loss by autograd, not a sum with the autoencoder's.
        training = AutoencoderTraining(TINY, seed=1)
        training.step = TINY.adversarial_start
        training.train_step(*batch())
        own = [p.grad.clone() for p in training.critic.parameters()]

        again = AutoencoderTraining(TINY, seed=1)
        mel, mask = batch()
        starts = again.critic.draw(mask, again.generator)
        made = again.model.reconstruct(mel, mask, again.generator).mel.detach()
        real, fake = again.critic(mel, mask, starts), again.critic(made, mask, starts)
        loss = ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2
        expected = torch.autograd.grad(loss, list(again.critic.parameters()))
        for a, b in zip(own, expected, strict=True):
            torch.testing.assert_close(a, b)

    def test_warm_up_rises_to_the_papers_rate(self):
        training = AutoencoderTraining(AutoencoderConfig(width=16, critic_width=4))
        for step, rate in [(0, 1e-8), (4999, 5e-5), (9999, 1e-4), (50_000, 1e-4)]:
            training.step = step
            assert training.learning_rate() == pytest.approx(rate)
        training.step = 4999
        training.train_step(*batch())
        assert training.optimisers[0].param_groups[0]["lr"] == pytest.approx(5e-5)
        assert training.optimisers[0].param_groups[0]["betas"] == (0.9, 0.999)

    def test_first_weights_depend_on_the_seed_and_leave_the_global_one_alone(self):
        torch.manual_seed(5)
        expected = torch.randn(3)
        torch.manual_seed(5)
        one, same, other = (AutoencoderTraining(TINY, seed=s) for s in (0, 0, 1))
        assert torch.equal(torch.randn(3), expected)
        assert torch.equal(weights_of(one), weights_of(same))
        assert not torch.equal(weights_of(one), weights_of(other))

    def test_bfloat16_learns_too(self):
        training = AutoencoderTraining(TINY, seed=0, bf16=True)
        reports = list(training.run([batch()] * 60, 60))
        assert reports[-1]["reconstruction"] < 0.8 * reports[0]["reconstruction"]
        assert {p.dtype for p in training.model.parameters()} == {torch.float32}

    def test_summary_counts_the_paper_size(self):
        text = AutoencoderTraining(AutoencoderConfig()).summary()
        assert text.splitlines()[0].split() == ["encoder", "3,182,632"]
        assert text.splitlines()[1].split() == ["decoder", "3,144,272"]


class TestResumption:
    def test_goes_on_as_if_nothing_had_happened(self, tmp_path):
        whole = AutoencoderTraining(TINY, seed=3)
        expected = list(whole.run(batches(6), 6))

        first = AutoencoderTraining(TINY, seed=3)
        list(first.run(batches(6)[:3], 3))
        torch.save(first.state(), tmp_path / "state.pt")
        second = AutoencoderTraining(TINY, seed=99)
        second.resume(torch.load(tmp_path / "state.pt", weights_only=True))
        assert second.step == 3
        assert list(second.run(batches(6)[3:], 6)) == expected[3:]
        assert torch.equal(weights_of(second), weights_of(whole))

    def test_a_finished_run_does_nothing(self):
        training = AutoencoderTraining(TINY)
        list(training.run(batches(2), 2))
        assert list(training.run(batches(2), 2)) == []
        assert training.step == 2

    def test_a_state_is_a_plain_one(self):
        stored = io.BytesIO()
        torch.save(AutoencoderTraining(TINY).state(), stored)
        stored.seek(0)
        assert set(torch.load(stored, weights_only=True)) == set(AutoencoderTraining(TINY).state())

    def test_a_state_of_another_network(self):
        wide = AutoencoderTraining(AutoencoderConfig(width=32, critic_width=4, windows=(8, 16)))
        with pytest.raises(ValidationError, match="of another config"):
            AutoencoderTraining(TINY).resume(wide.state())

    def test_half_a_state(self):
        state = AutoencoderTraining(TINY).state()
        del state["optimisers"]
        with pytest.raises(ValidationError, match="lacks optimisers"):
            AutoencoderTraining(TINY).resume(state)


class TestCrops:
    def test_are_stretches_of_their_mels(self):
        generator = torch.Generator().manual_seed(0)
        mels = [torch.arange(n).expand(2, 80, n).float() for n in (50, 16, 9)]
        mel, mask = crops(mels, TINY, generator)
        assert mel.shape == (3, 2, 80, 16)
        assert mask.sum(1).tolist() == [16, 16, 9]
        assert (mel[:2].diff(dim=-1) == 1).all()
        assert torch.equal(mel[1], mels[1])
        assert torch.equal(mel[2, ..., :9], mels[2])
        assert (mel[2, ..., 9:] == -5).all()

    def test_start_anywhere(self):
        generator = torch.Generator().manual_seed(0)
        long = torch.arange(18).expand(2, 80, 18).float()
        starts = {int(crops([long], TINY, generator)[0][0, 0, 0, 0]) for _ in range(50)}
        assert starts == {0, 1, 2}

    def test_of_nothing(self):
        with pytest.raises(ValidationError, match="at least one mel"):
            crops([], TINY, torch.Generator())


class TestMistakes:
    def test_nan_stops_before_the_weights_are_lost(self):
        training = AutoencoderTraining(TINY)
        before = weights_of(training)
        mel, mask = batch()
        mel[0, 0, 0, 0] = math.nan
        with pytest.raises(ValidationError, match="autoencoder is nan at step 0; look for NaN"):
            training.train_step(mel, mask)
        assert training.step == 0
        assert torch.equal(weights_of(training), before)


def vowels():
    """Three vowel-like buzzes that go round the head: closed forms, (2, n) each."""
    t = torch.arange(12_288) / 48_000
    for k, pitch in enumerate((110.0, 160.0, 220.0)):
        buzz = sum(torch.sin(2 * math.pi * pitch * h * t) / h for h in range(1, 60))
        side = 0.5 + 0.4 * torch.sin(2 * math.pi * 2 * t + k)
        yield 0.1 * buzz * torch.stack([side, 1 - side])


@pytest.mark.slow
def test_overfits_a_handful_of_buzzes_and_learns_the_level_between_the_ears():
    mels = [mel_of(sound[None], MelConfig())[0] for sound in vowels()]
    mel, mask = stacked(mels, MelConfig())
    config = AutoencoderConfig(width=48, learning_rate=2e-3, warm_up=20, adversarial=0.0)
    training = AutoencoderTraining(config, seed=0)
    list(training.run([(mel, mask)] * 150, 150))
    training.config = attrs.evolve(config, learning_rate=5e-4)
    list(training.run([(mel, mask)] * 50, 200))
    with torch.no_grad():
        made = training.model.decode(training.model.latent(mel, mask), mask)
    # The mels' variance is 1.7; one that ignores which ear is which is off by 8.6 dB in level.
    assert (made - mel).square().mean() < 0.03
    ild, wanted = (20 * (x[:, 0] - x[:, 1]) for x in (made, mel))
    assert wanted.abs().mean() > 4
    assert (ild - wanted).abs().mean() < 2.0
