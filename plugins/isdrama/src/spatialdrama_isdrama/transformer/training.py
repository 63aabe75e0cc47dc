"""One training step of the drama transformer, and its state (paper 5.1, C.1 to C.3; E26)."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs
import torch

from spatialdrama.errors import ValidationError

from ..autoencoder.config import FRAMES_PER_LATENT
from .conditions import Conditions
from .config import TrainingConfig
from .dropping import drop_scenes, prompt_sources, with_sources
from .flow import draw_times
from .losses import Losses, losses
from .model import DramaTransformer
from .routing import temperature

Tensor = torch.Tensor


@attrs.frozen(kw_only=True, eq=False)
class Batch:
    """Items to train on.

    Parameters
    ----------
    latent : (b, c, l)
        Of the recordings, scaled to unit deviation.
    conditions : Conditions
        With the true f0, and prompts of the same script.
    other, other_mask : (b, c, q), (b, q), or None
        Prompts of the same speaker from another script: see :func:`~.dropping.with_sources`.
    """

    latent: Tensor
    conditions: Conditions
    other: Tensor | None = None
    other_mask: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """Return the same on a device."""
        return Batch(
            latent=self.latent.to(device),
            conditions=self.conditions.to(device),
            other=None if self.other is None else self.other.to(device),
            other_mask=None if self.other_mask is None else self.other_mask.to(device),
        )


def warm(step: int, warm_up: int) -> float:
    """Return the factor on the learning rate of a step: up to 1 linearly, then 1.

    Examples
    --------
    >>> warm(0, 4), warm(1, 4), warm(100, 4), warm(0, 0)
    (0.25, 0.5, 1.0, 1.0)
    """
    return min((step + 1) / warm_up, 1.0) if warm_up else 1.0


class Training:
    """The optimiser, the step count, the noise and the averaged weights of one training run.

    Parameters
    ----------
    model
        To train, on its device.
    config
        How.
    seed
        Of the draws of t, noise, prompts, scenes and routing: a run's numbers are its own.
    forward
        What is called in the model's place, where that is wrapped for several devices.

    Attributes
    ----------
    step : int
        Steps done.
    averaged : dict or None
        The averaged weights by name, float32 at least, if the config asks for them.

    Examples
    --------
    One step, then on from a saved state as if nothing had happened::

        training = Training(model, TrainingConfig())
        said = training.update(batch)
        torch.save(training.state_dict(), path)
    """

    def __init__(
        self,
        model: DramaTransformer,
        config: TrainingConfig,
        *,
        seed: int = 0,
        forward: Any = None,
    ):
        self.model, self.config = model, config
        self.forward = model if forward is None else forward
        self.generator = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=config.learning_rate, betas=(config.beta1, config.beta2)
        )
        self.step = 0
        self.averaged = self._copy() if config.ema else None

    def _copy(self) -> dict[str, Tensor]:
        copied = {}
        for name, parameter in self.model.named_parameters():
            wide = torch.promote_types(parameter.dtype, torch.float32)
            copied[name] = parameter.detach().to(wide, copy=True)
        return copied

    def temperature(self) -> float:
        """Return tau of the coming step."""
        return temperature(self.step, self.model.config)

    def losses(self, batch: Batch) -> Losses:
        """Return the losses of a batch with fresh t, noise, prompts and scenes.

        Raises
        ------
        ValidationError
            If the latent does not fit the conditions.
        """
        device = next(self.model.parameters()).device
        batch = batch.to(device)
        shape = (batch.conditions.rows, self.model.config.latent, batch.conditions.latents)
        if tuple(batch.latent.shape) != shape:
            raise ValidationError(
                f"training: the latent must be {shape}, a quarter of the conditions' frames "
                f"({FRAMES_PER_LATENT} mel frames each); got {tuple(batch.latent.shape)}"
            )
        config, draw = self.model.config, self.generator
        conditions = with_sources(
            batch.conditions,
            prompt_sources(shape[0], config, draw),
            batch.other,
            batch.other_mask,
        )
        conditions = drop_scenes(conditions, config, draw)
        time = draw_times(shape[0], draw, config.times, device)
        # Drawn where the generator lives, so that a run has the same numbers on any device.
        noise = torch.randn(shape, generator=draw).to(device)
        with self._precision(device):
            return losses(
                self.forward,
                config,
                batch.latent,
                conditions,
                noise.to(batch.latent.dtype),
                time,
                tau=self.temperature(),
                generator=draw,
            )

    def _precision(self, device: torch.device):
        if self.config.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=torch.bfloat16)

    def update(self, batch: Batch) -> dict[str, float]:
        """Do one step; return its losses, temperature, learning rate and the gradients' norm.

        A step whose gradients are not finite changes nothing but the step count; its `skipped` is
        1, and whoever trains decides how many of those are too many.
        """
        self.model.train()
        said = self.losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        said.total.backward()
        numbers = self.finish()
        # One copy to the host for all of them.
        values = torch.stack([value.detach().float() for value in said]).tolist()
        return {**dict(zip(said._fields, values, strict=True)), **numbers}

    def finish(self) -> dict[str, float]:
        """Do what follows the backward pass: clip, step, average, count."""
        rate = self.config.learning_rate * warm(self.step, self.config.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        bound = self.config.clip or float("inf")
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), bound))
        finite = norm < float("inf")
        if finite:
            self.optimizer.step()
            self._average()
        numbers = {
            "temperature": self.temperature(),
            "learning_rate": rate,
            "gradient_norm": norm,
            "skipped": 0.0 if finite else 1.0,
        }
        self.step += 1
        return numbers

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is None:
            return
        # Young averages forget faster, or the first weights would stay in them for thousands of
        # steps (as in TensorFlow's ExponentialMovingAverage with a step count).
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for name, parameter in self.model.named_parameters():
            self.averaged[name].lerp_(parameter.to(self.averaged[name].dtype), 1 - decay)

    @contextlib.contextmanager
    def averages(self):
        """Put the averaged weights into the model for the time of a ``with``.

        Raises
        ------
        ValidationError
            If the config asks for no averages.
        """
        if self.averaged is None:
            raise ValidationError("training: no averages are kept; set ema, 0.999 for example")
        own = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        try:
            self._put(self.averaged)
            yield self.model
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self.model.named_parameters():
            parameter.copy_(values[name])

    def state_dict(self) -> dict[str, Any]:
        """Return all that :meth:`load_state_dict` needs to go on as if nothing had happened."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "generator": self.generator.get_state(),
            "averaged": self.averaged,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Raises
        ------
        ValidationError
            If one of the two keeps averages and the other does not.
        """
        if (state["averaged"] is None) != (self.averaged is None):
            raise ValidationError(
                "training: the saved state "
                f"{'has no' if state['averaged'] is None else 'has'} averaged weights and this "
                f"run asks for ema={self.config.ema}; continue with the config it was saved with"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])
        self.generator.set_state(state["generator"].cpu())
        if self.averaged is not None:
            for name, value in state["averaged"].items():
                self.averaged[name].copy_(value)
