"""The straight path and its loss against loops in float64 (equations 2, 7 to 11)."""

import numpy as np
import pytest
import torch
from scipy import stats
from spatialdrama_isdrama.transformer import flow
from spatialdrama_isdrama.transformer.field import Field

from spatialdrama.errors import ValidationError


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("sigma", [0.0, 1e-2])
def test_equation_10(sigma):
    latent, noise, t = numbers(2, 3, 4), numbers(2, 3, 4, seed=1), torch.tensor([0.2, 0.9]).double()
    got = flow.point(latent, noise, t, sigma)
    for index in np.ndindex(2, 3, 4):
        s = float(t[index[0]])
        wanted = (1 - (1 - sigma) * s) * float(noise[index]) + s * float(latent[index])
        assert float(got[index]) == pytest.approx(wanted, abs=1e-14)


def test_the_path_goes_from_noise_to_latent():
    latent, noise = numbers(2, 3, 4), numbers(2, 3, 4, seed=1)
    assert torch.equal(flow.point(latent, noise, torch.zeros(2)), noise)
    assert torch.equal(flow.point(latent, noise, torch.ones(2)), latent)


@pytest.mark.parametrize("sigma", [0.0, 1e-2])
def test_the_target_is_the_paths_derivative(sigma):
    latent, noise, t = numbers(2, 3, 4), numbers(2, 3, 4, seed=1), torch.tensor([0.2, 0.9]).double()
    h = 1e-6
    slope = flow.point(latent, noise, t + h, sigma) - flow.point(latent, noise, t - h, sigma)
    torch.testing.assert_close(
        flow.velocity(latent, noise, sigma), slope / (2 * h), atol=1e-8, rtol=0
    )


class Affine:
    """A field that can be written down: v = 2 x + t."""

    def __call__(self, x, time, conditions, **options):
        return Field(velocity=2 * x + time[:, None, None], pitch=None, balance=x.new_zeros(()))


def test_equation_11_over_the_lines_alone(lines):
    c = lines([4, 2])
    latent, noise = numbers(2, 6, 4), numbers(2, 6, 4, seed=1)
    t = torch.tensor([0.3, 0.8], dtype=torch.float64)
    total, count = 0.0, 0
    for b, frames in enumerate([4, 2]):
        for channel in range(6):
            for i in range(frames):
                x0, x1 = float(noise[b, channel, i]), float(latent[b, channel, i])
                x = (1 - float(t[b])) * x0 + float(t[b]) * x1
                total += (2 * x + float(t[b]) - (x1 - x0)) ** 2
                count += 1
    got = flow.loss(Affine(), latent, c, noise, t)
    assert float(got) == pytest.approx(total / count, abs=1e-12)
    latent[1, :, 2:] = float("nan")
    assert float(flow.loss(Affine(), latent, c, noise, t)) == pytest.approx(total / count)


def test_the_best_constant_field_is_the_mean_velocity(lines):
    # Equation 9: the minimiser of the loss is the expectation of x1 - x0.
    c = lines([4, 4])
    latent, noise = numbers(2, 6, 4), numbers(2, 6, 4, seed=1)
    mean = (latent - noise).mean()
    mask = c.mask[:, ::4]

    def loss(value):
        return float(flow.squared_error(torch.full_like(latent, value), latent - noise, mask))

    assert loss(float(mean)) < min(loss(float(mean) - 0.01), loss(float(mean) + 0.01))


def test_half_precision_velocities_are_squared_in_float32():
    target = torch.zeros(1, 1, 4)
    predicted = torch.full((1, 1, 4), 300.0, dtype=torch.bfloat16)
    got = flow.squared_error(predicted, target, torch.ones(1, 4, dtype=torch.bool))
    assert got.dtype == torch.float32
    assert float(got) == float(torch.tensor(300.0, dtype=torch.bfloat16)) ** 2


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        ("uniform", stats.uniform.cdf),
        ("logit-normal", lambda t: stats.norm.cdf(np.log(t / (1 - t)))),
    ],
)
def test_times_have_their_law(kind, law):
    t = flow.draw_times(5000, torch.Generator().manual_seed(0), kind).double()
    assert t.min() >= 0
    assert t.max() <= 1
    assert stats.kstest(t.numpy(), law).pvalue > 0.01


def test_other_laws_are_refused():
    with pytest.raises(ValidationError, match="logit-normal"):
        flow.draw_times(1, torch.Generator(), "cosine")
