"""A tiny transformer learns eight segments by heart and says them again (issue 6, proof)."""

import attrs
import pytest
import torch
from spatialdrama_isdrama.presets import preset
from spatialdrama_isdrama.transformer import (
    Batch,
    Conditions,
    DramaTransformer,
    Training,
    TrainingConfig,
    sample,
)

SEGMENTS, FRAMES, LATENT, WIDTH = 8, 8, 8, 32
STEPS = 240

pytestmark = pytest.mark.slow


def segments():
    rng = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(shape, generator=rng)

    t = 4 * FRAMES
    lengths = torch.tensor([8, 8, 7, 7, 6, 6, 5, 4])
    mask = torch.arange(t) < 4 * lengths[:, None]
    # A voice's own height, a slow wave about it, and every third stretch unvoiced.
    height = 120 + 20 * torch.arange(SEGMENTS)[:, None]
    wave = 1 + 0.1 * torch.sin(torch.arange(t) / 8)
    f0 = height * wave * ((torch.arange(t) // 8) % 3 != 2)
    conditions = Conditions(
        content=normal(SEGMENTS, t // 4, WIDTH).repeat_interleave(4, 1),
        pose=normal(SEGMENTS, 2, 1, WIDTH).expand(-1, -1, t, -1).contiguous(),
        mask=mask,
        prompt=normal(SEGMENTS, LATENT, 4),
        prompt_mask=torch.ones(SEGMENTS, 4, dtype=torch.bool),
        scene=normal(SEGMENTS, 2, WIDTH),
        scene_mask=torch.ones(SEGMENTS, 2, dtype=torch.bool),
        f0=f0,
    )
    return normal(SEGMENTS, LATENT, FRAMES), conditions


@pytest.fixture(scope="module")
def learnt():
    config = preset(
        "tiny", temperature_steps=STEPS // 2, times="logit-normal", scene_width=WIDTH
    ).transformer
    torch.manual_seed(0)
    model = DramaTransformer(config)
    latent, conditions = segments()
    # Each segment several times: as many points of its path a step.
    many = conditions.map(lambda x: x.repeat(4, *[1] * (x.ndim - 1)))
    batch = Batch(latent=latent.repeat(4, 1, 1), conditions=many)
    training = Training(model, TrainingConfig(learning_rate=6e-3, warm_up=50, ema=0.99), seed=1)
    said = []
    for step in range(STEPS):
        left = 1 - step / STEPS
        training.config = TrainingConfig(learning_rate=6e-3 * left + 1e-5, warm_up=50, ema=0.99)
        said.append(training.update(batch))
    with training.averages():
        yield model, latent, conditions, said


def error(got, latent, conditions):
    line = conditions.mask[:, None, ::4].expand_as(latent)
    return ((got - latent)[line].square().mean() / latent[line].square().mean()).item()


def test_all_losses_fall(learnt):
    _, _, _, said = learnt
    last = said[-20:]
    for name, share in (("flow", 0.05), ("pitch", 0.05), ("voicing", 0.05)):
        end = sum(step[name] for step in last) / 20
        assert end < share * said[0][name], name
    # Of four groups each: 1 is balanced, 2 is one expert of two for all.
    assert said[-1]["balance"] < 4 * 1.5


@pytest.mark.parametrize(
    "way",
    [
        {"gamma": 1.0, "alpha": 1.0},
        {"gamma": 1.0, "alpha": 1.0, "solver": "few", "steps": 8},
        {"gamma": 3.0},
    ],
    ids=["plain", "few", "guided"],
)
def test_the_segments_come_back_from_noise(learnt, way):
    model, latent, conditions, _ = learnt
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(5))
    # Its own pitch, not the truth that it was trained with.
    got = sample(model, attrs.evolve(conditions, f0=None), noise, **way)
    assert error(got.latent, latent, conditions) < 0.03
    line = conditions.mask[:, None, ::4]
    # Each is nearest to its own segment of the eight.
    far = ((got.latent[:, None] - latent[None]) * line[:, None]).square().sum((2, 3))
    assert far.argmin(1).tolist() == list(range(SEGMENTS))
    voiced = conditions.f0 > 0
    assert ((got.f0 > 0) == voiced)[conditions.mask].float().mean() > 0.97
    both = voiced & (got.f0 > 0) & conditions.mask
    cents = 1200 * (got.f0[both] / conditions.f0[both]).log2().abs()
    assert cents.mean() < 120


def test_another_segments_words_say_another_segment(learnt):
    model, latent, conditions, _ = learnt
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(5))
    swapped = conditions.map(lambda x: x.flip(0))
    got = sample(model, swapped, noise, gamma=1.0, alpha=1.0)
    assert error(got.latent, latent.flip(0), swapped) < 0.03
    assert error(got.latent, latent, swapped) > 1.0
