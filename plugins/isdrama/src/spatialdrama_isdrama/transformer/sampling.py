"""Lines from noise: guidance, solver and pitch together (paper 4.4, figure 4 b)."""

from __future__ import annotations

import attrs
import torch

from .conditions import Conditions
from .guidance import guided
from .model import DramaTransformer
from .pitch import Pitch
from .solvers import Watch, solve

Tensor = torch.Tensor


@attrs.frozen(kw_only=True, eq=False)
class Sampled:
    """Generated lines.

    Parameters
    ----------
    latent : (b, c, l)
        For the autoencoder's decoder; zero outside the lines.
    pitch : Pitch or None
        Of the solver's last call, where the input is nearest to speech (E13): for the vocoder.
    f0 : (b, t), Hz, or None
        What the vocoder takes, 0 where unvoiced and outside the lines: the conditions' own f0 if
        they have one, as the later blocks followed that.
    """

    latent: Tensor
    pitch: Pitch | None
    f0: Tensor | None


@torch.no_grad()
def sample(
    model: DramaTransformer,
    conditions: Conditions,
    noise: Tensor,
    *,
    last: Tensor | None = None,
    last_mask: Tensor | None = None,
    gamma: float | None = None,
    alpha: float | Tensor | None = None,
    steps: int | None = None,
    solver: str | None = None,
    schedule: str | None = None,
    watch: Watch | None = None,
    keep: bool = False,
) -> Sampled:
    """Return lines that the model makes of noise.

    Nothing is drawn here: the same noise gives the same line, whatever the batch. Dropout is off
    for the time of the call.

    Parameters
    ----------
    model
        Of the field; its config has the scales, solver, schedule and steps that are not given.
    conditions
        Of the lines.
    noise
        (b, c, l) standard normal, from each line's own seed.
    last, last_mask, gamma, alpha
        See :func:`~.guidance.guided`.
    steps, solver, schedule, watch
        See :func:`~.solvers.solve`.
    keep
        Whether the fields that `watch` is shown keep what the blocks did.
    """
    config = model.config
    training = model.training
    model.eval()
    said = []

    def look(step: int, t: float, x: Tensor, field) -> None:
        said[:] = [field]
        if watch is not None:
            watch(step, t, x, field)

    try:
        field = guided(
            model, conditions, last=last, last_mask=last_mask, gamma=gamma, alpha=alpha, keep=keep
        )
        x = solve(
            field,
            noise,
            config.steps if steps is None else steps,
            config.solver if solver is None else solver,
            config.schedule if schedule is None else schedule,
            watch=look,
        )
    finally:
        model.train(training)
    line = conditions.mask[:, None, :: conditions.mask.shape[1] // noise.shape[-1]]
    pitch = said[0].pitch
    return Sampled(
        latent=torch.where(line, x, torch.zeros_like(x)),
        pitch=pitch,
        f0=_hertz(pitch, conditions),
    )


def _hertz(pitch: Pitch | None, conditions: Conditions) -> Tensor | None:
    given = conditions.pitch()
    if given is not None:
        f0, voiced = given
    elif pitch is not None:
        f0, voiced = pitch.hertz(), conditions.mask
    else:
        return None
    return torch.where(voiced, f0, torch.zeros_like(f0))
