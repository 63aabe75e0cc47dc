"""The losses of the drama transformer together (paper C.2)."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..layers import every_fourth
from .conditions import Conditions
from .config import TransformerConfig
from .flow import Model, point, squared_error, velocity
from .pitch import pitch_losses

Tensor = torch.Tensor


class Losses(NamedTuple):
    """Scalars; `total` is what is minimised, the others are without their weights."""

    total: Tensor
    flow: Tensor
    pitch: Tensor
    voicing: Tensor
    balance: Tensor


def losses(
    model: Model,
    config: TransformerConfig,
    latent: Tensor,
    conditions: Conditions,
    noise: Tensor,
    time: Tensor,
    *,
    tau: float | None = None,
    generator: torch.Generator | None = None,
) -> Losses:
    """Return L_flow + L_pitch + L_balance of a batch, of one call of the model.

    Parameters
    ----------
    model
        The drama transformer, or that wrapped for several devices.
    config
        Of the model: the weights of the losses.
    latent, noise
        (b, c, l)
    conditions
        Of the lines; without ``f0`` there is no loss of pitch.
    time
        (b,)
    tau
        Temperature of the routing; None: as at inference, without a loss of balance.
    generator
        Of the routing's noise.
    """
    x = point(latent, noise, time, config.sigma_min)
    field = model(x, time, conditions, tau=tau, generator=generator)
    target = velocity(latent, noise, config.sigma_min)
    flow = squared_error(field.velocity, target, every_fourth(conditions.mask))
    squared = entropy = torch.zeros_like(flow)
    given = conditions.pitch()
    if field.pitch is not None and given is not None:
        squared, entropy = pitch_losses(field.pitch, *given, conditions.mask, config, time)
    total = flow + config.pitch_weight * squared + config.voicing_weight * entropy
    total = total + config.balance_weight * field.balance
    return Losses(total, flow, squared, entropy, field.balance)
