"""Rectified flow: the straight path from noise to a latent (paper A.2, equations 2, 7 to 11)."""

from __future__ import annotations

from typing import Protocol

import torch

from spatialdrama.errors import ValidationError

from ..layers import every_fourth
from .conditions import Conditions
from .field import Field

Tensor = torch.Tensor


class Model(Protocol):
    """What has a field: the drama transformer, or that wrapped for several devices."""

    def __call__(self, x: Tensor, time: Tensor, conditions: Conditions, **options) -> Field:
        """Return the field at x and t."""
        ...


def point(latent: Tensor, noise: Tensor, time: Tensor, sigma_min: float = 0.0) -> Tensor:
    """Return x_t = (1 - t) x_0 + t x_1 (equation 10), x_0 noise and x_1 the latent.

    Parameters
    ----------
    latent, noise
        (b, c, l)
    time
        (b,) in [0, 1].
    sigma_min
        With s above 0: (1 - (1 - s) t) x_0 + t x_1 (Lipman et al. 2022, equation 22).

    Examples
    --------
    >>> point(torch.ones(1, 1, 1) * 8, torch.zeros(1, 1, 1), torch.tensor([0.25])).item()
    2.0
    """
    t = time[:, None, None].to(latent.dtype)
    return (1 - (1 - sigma_min) * t) * noise + t * latent


def velocity(latent: Tensor, noise: Tensor, sigma_min: float = 0.0) -> Tensor:
    """Return u = x_1 - x_0, the derivative of :func:`point` (equations 2, 9, 11).

    Examples
    --------
    >>> velocity(torch.ones(1, 1, 1) * 8, torch.ones(1, 1, 1)).item()
    7.0
    """
    return latent - (1 - sigma_min) * noise


def squared_error(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of (v - u)^2 over channels and the frames of the lines (equation 11).

    Every frame of the batch weighs the same, so a long line counts more than a short one.

    Parameters
    ----------
    predicted, target
        (b, c, l)
    mask
        (b, l)

    Examples
    --------
    >>> seen = torch.tensor([[True, False]])
    >>> squared_error(torch.tensor([[[3.0, 9.0]]]), torch.zeros(1, 1, 2), seen).item()
    9.0
    """
    error = (predicted - target).to(torch.promote_types(target.dtype, torch.float32))
    error = torch.where(mask[:, None], error, torch.zeros_like(error))
    return error.square().sum() / (mask.sum() * target.shape[1]).clamp(min=1)


def loss(
    model: Model,
    latent: Tensor,
    conditions: Conditions,
    noise: Tensor,
    time: Tensor,
    *,
    sigma_min: float = 0.0,
    **options,
) -> Tensor:
    """Return the loss of equation 11 for a batch.

    Parameters
    ----------
    model
        Called as ``model(x, time, conditions, **options)``.
    latent, noise
        (b, c, l): the autoencoder's latent of the recordings, and standard normal numbers.
    conditions
        Of the lines.
    time
        (b,), see :func:`draw_times`.

    Returns
    -------
    loss
        Scalar. :func:`~.losses.losses` gives it together with the others, of one call.
    """
    field = model(point(latent, noise, time, sigma_min), time, conditions, **options)
    mask = every_fourth(conditions.mask)
    return squared_error(field.velocity, velocity(latent, noise, sigma_min), mask)


def draw_times(
    count: int, generator: torch.Generator, kind: str = "uniform", device=None
) -> Tensor:
    """Return flow times (b,) in (0, 1).

    Parameters
    ----------
    count
        b.
    generator
        Drawn on its own device.
    kind
        ``"uniform"``, or ``"logit-normal"``: a sigmoid of a standard normal, which looks more at
        the middle of the path (Esser et al. 2024, section 3.1).
    device
        Of the result.

    Raises
    ------
    ValidationError
        If there is no such kind.

    Examples
    --------
    >>> draw_times(3, torch.Generator().manual_seed(1)).shape
    torch.Size([3])
    """
    if kind == "uniform":
        time = torch.rand(count, generator=generator, device=generator.device)
    elif kind == "logit-normal":
        time = torch.randn(count, generator=generator, device=generator.device).sigmoid()
    else:
        raise ValidationError(f"times must be uniform or logit-normal; got {kind!r}.")
    return time.to(device)
