"""Sampling of jobs against equations 5 and 12 written out, one call and one item at a time."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.drama.sampling import Job, draw_noise, prompts_of, sample, stacked
from spatialdrama_isdrama.drama.settings import Settings
from spatialdrama_isdrama.transformer import Conditions, DramaTransformer, TransformerConfig

LATENT, WIDTH = 6, 8


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    config = TransformerConfig(
        width=16, heads=2, blocks=2, mamba_layers=1, latent=LATENT, content_width=WIDTH,
        pose_width=WIDTH, scene_width=WIDTH, fan_inner=16, state=4, experts=2,
    )  # fmt: skip
    made = DramaTransformer(config).double().eval()
    with torch.no_grad():
        for weight in made.parameters():  # gates and the last linear start at zero
            weight.add_(0.1 * torch.randn_like(weight))
    return made


def job(seed, latents=3, *, last=True, tokens=2):
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    frames = 4 * latents
    conditions = Conditions(
        content=normal(1, frames, WIDTH), pose=normal(1, 2, frames, WIDTH),
        mask=torch.ones(1, frames, dtype=torch.bool),
        scene=normal(1, tokens, WIDTH) if tokens else None,
    )  # fmt: skip
    return Job(
        conditions=conditions, prompt=normal(LATENT, 2 + seed % 3),
        last=normal(LATENT, 5) if last else None, noise=normal(LATENT, latents),
        delay=torch.zeros(2, frames), excitation=g,
    )  # fmt: skip


def velocity(model, job, x, t, prompt):
    """One branch, alone."""
    given = None if prompt is None else prompt[None]
    field = model(x[None], torch.tensor([t], dtype=x.dtype), job.conditions.with_prompt(given))
    return field.velocity[0]


def written_out(model, job, steps, gamma, alpha):
    """Equation 12 over equation 5, each branch by itself."""
    x = job.noise
    alpha = 1.0 if job.last is None else alpha
    for i in range(steps):
        t = i / steps
        v = gamma * alpha * velocity(model, job, x, t, job.prompt)
        if job.last is not None:
            v = v + gamma * (1 - alpha) * velocity(model, job, x, t, job.last)
        v = v + (1 - gamma) * velocity(model, job, x, t, None)
        x = x + v / steps
    return x


def settings(**more):
    return Settings(**{"solver": "euler", "steps": 3, "gamma": 3.0, "alpha": 0.4, **more})


@pytest.mark.parametrize("last", [True, False])
def test_a_segment_follows_equations_5_and_12(model, last):
    one = job(4, last=last)
    with torch.inference_mode():
        got = sample(model, [one], settings())[0].latent
        wanted = written_out(model, one, 3, 3.0, 0.4)
    torch.testing.assert_close(got.double(), wanted, rtol=1e-5, atol=1e-5)


def test_a_first_line_has_alpha_1(model):
    one = job(4, last=False)
    with torch.inference_mode():
        got = [sample(model, [one], settings(alpha=a))[0].latent for a in (0.4, 1.0)]
    torch.testing.assert_close(got[0], got[1], rtol=1e-6, atol=1e-6)


def test_alpha_1_and_gamma_1_are_the_plain_field(model):
    one = job(5)
    with torch.inference_mode():
        got = sample(model, [one], settings(gamma=1.0, alpha=1.0))[0].latent
        x = one.noise
        for i in range(3):
            x = x + velocity(model, one, x, i / 3, one.prompt) / 3
    torch.testing.assert_close(got.double(), x, rtol=1e-6, atol=1e-6)


def test_a_batch_equals_its_items(model):
    """Lengths, prompts, contexts and scenes differ; in float64 nothing but rounding may."""
    jobs = [job(1, 3), job(2, 5, last=False), job(3, 4, tokens=0), job(6, 1, tokens=4)]
    with torch.inference_mode():
        together = sample(model, jobs, settings())
        for one, got in zip(jobs, together, strict=True):
            alone = sample(model, [one], settings())[0]
            torch.testing.assert_close(got.latent, alone.latent, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(got.f0, alone.f0, rtol=1e-4, atol=1e-3)


def test_padding_is_masked_and_zero():
    jobs = [job(1, 2), job(2, 4)]
    conditions, noise = stacked(jobs)
    assert conditions.mask.sum(1).tolist() == [8, 16]
    assert noise[0, :, 2:].abs().sum() == 0
    latents, mask = prompts_of([jobs[0].prompt, None], noise)
    assert mask.tolist() == [[True] * 3, [False] * 3]
    assert latents[1].abs().sum() == 0


def test_noise_does_not_depend_on_the_global_generator():
    torch.manual_seed(0)
    one = draw_noise((2, 3), torch.Generator().manual_seed(7), "cpu")
    torch.randn(5)
    two = draw_noise((2, 3), torch.Generator().manual_seed(7), "cpu")
    assert torch.equal(one, two)
    assert not np.allclose(one, torch.randn(2, 3))
