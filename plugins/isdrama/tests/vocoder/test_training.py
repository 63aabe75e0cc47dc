"""Steps of training: they lower the loss, can be resumed, and stop at what is no number."""

import pytest
import torch
from spatialdrama_isdrama.autoencoder.mel import mel_of
from spatialdrama_isdrama.vocoder.config import VocoderConfig
from spatialdrama_isdrama.vocoder.training import TrainingConfig, VocoderBatch, VocoderTraining

from spatialdrama.errors import ValidationError

HOP = 256
SMALL = TrainingConfig(critic_width=2)
CONFIG = VocoderConfig.sized("tiny", channels=16, res_kernel=(3,), res_dilation=(1,))


def batch(frames=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(frames * HOP) / 48_000
    tone = sum(torch.sin(2 * torch.pi * 150 * k * time) / k for k in range(1, 20))
    wave = 0.05 * tone * torch.tensor([[1.0], [0.5]])
    wave = (wave + 0.002 * torch.randn(wave.shape, generator=generator))[None]
    return VocoderBatch(
        wave=wave,
        mel=mel_of(wave, CONFIG.mel),
        f0=torch.full((1, frames), 150.0),
        delay=torch.zeros(1, 2, frames),
    )


def test_steps_lower_the_loss():
    how = TrainingConfig(learning_rate=3e-3, adversarial_start=None, critic_width=2)
    training = VocoderTraining(CONFIG, how)
    reports = [training.train_step(batch()) for _ in range(12)]
    assert set(reports[0]) == {"mel", "stft", "ipd", "itd", "coherence", "total"}
    assert reports[-1]["total"] < 0.8 * reports[0]["total"]
    assert training.step == 12


@pytest.mark.parametrize("kind", ["binaural", "per_ear"])
def test_with_discriminators_everything_moves(kind):
    config = VocoderConfig.sized("tiny", channels=16, res_kernel=(3,), res_dilation=(1,), kind=kind)
    how = TrainingConfig(critic_width=2, adversarial_start=1)
    training = VocoderTraining(config, how)
    before = [p.detach().clone() for p in training.critic.parameters()]
    first = training.train_step(batch())
    assert "critic" not in first
    assert all(torch.equal(a, b) for a, b in zip(before, training.critic.parameters(), strict=True))
    second = training.train_step(batch())
    assert {"critic", "fooling", "features"} < set(second)
    assert all(
        not torch.equal(a, b) for a, b in zip(before, training.critic.parameters(), strict=True)
    )
    assert all(p.requires_grad for p in training.critic.parameters())


def test_a_resumed_run_goes_on_as_if_nothing_had_been(tmp_path):
    through = VocoderTraining(CONFIG, SMALL, seed=3)
    halted = VocoderTraining(CONFIG, SMALL, seed=3)
    for _ in range(2):
        through.train_step(batch())
        halted.train_step(batch())
    torch.save(halted.state(), tmp_path / "state.pt")
    resumed = VocoderTraining(CONFIG, SMALL, seed=99)
    resumed.resume(torch.load(tmp_path / "state.pt", weights_only=True))
    wanted, found = through.train_step(batch()), resumed.train_step(batch())
    assert found == pytest.approx(wanted, rel=1e-5)
    pairs = zip(through.model.parameters(), resumed.model.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)


def test_first_weights_depend_on_the_seed_alone():
    before = torch.random.get_rng_state()
    one, same, other = (VocoderTraining(CONFIG, SMALL, seed=s).model.generator for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    a, b, c = (next(m.parameters()) for m in (one, same, other))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_in_bfloat16():
    how = TrainingConfig(critic_width=2, bf16=True)
    training = VocoderTraining(CONFIG, how)
    reports = [training.train_step(batch()) for _ in range(2)]
    assert all(torch.isfinite(torch.tensor(list(report.values()))).all() for report in reports)
    assert all(p.dtype == torch.float32 for p in training.model.parameters())


def test_a_crop_is_one_stretch_of_everything():
    whole = batch(30)
    whole = VocoderBatch(
        wave=torch.arange(30.0 * HOP).expand(1, 2, -1),
        mel=torch.arange(30.0).expand(1, 2, 80, -1),
        f0=torch.arange(30.0)[None],
        delay=torch.arange(30.0).expand(1, 2, -1),
    )
    cut = whole.crop(8, HOP, torch.Generator().manual_seed(0))
    start = int(cut.f0[0, 0])
    assert cut.f0[0].tolist() == list(range(start, start + 8))
    assert torch.equal(cut.mel[0, 0, 0], cut.f0[0])
    assert torch.equal(cut.delay[0, 1], cut.f0[0])
    assert cut.wave[0, 0, [0, -1]].tolist() == [start * HOP, (start + 8) * HOP - 1]
    assert whole.crop(64, HOP, torch.Generator()) is whole


def test_what_cannot_be():
    training = VocoderTraining(CONFIG, TrainingConfig(adversarial_start=None, critic_width=2))
    broken = batch()
    broken.wave[0, 0, 5] = float("nan")
    with pytest.raises(ValidationError, match="loss of the vocoder is nan at step 0"):
        training.train_step(broken)
    with pytest.raises(ValidationError, match="lacks critic"):
        training.resume({k: v for k, v in training.state().items() if k != "critic"})
    with pytest.raises(ValidationError, match="of another config"):
        training.resume(VocoderTraining(VocoderConfig.sized("tiny"), SMALL).state())
    with pytest.raises(ValidationError, match=r"ipd must be a finite number from 0 on; got -1\.0"):
        TrainingConfig(ipd=-1.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["binaural", "per_ear"])
def test_the_paper_s_size_in_bfloat16_on_cuda(kind):
    config = VocoderConfig.sized("paper", kind=kind, source="shaped")
    training = VocoderTraining(config, TrainingConfig(bf16=True), device="cuda")
    reports = [training.train_step(batch(64)) for _ in range(10)]
    assert all(torch.isfinite(torch.tensor(list(report.values()))).all() for report in reports)
    assert reports[-1]["mel"] < reports[0]["mel"]
    # What a device with CUDA saves, one without can go on from.
    VocoderTraining(config, TrainingConfig()).resume(training.state())
