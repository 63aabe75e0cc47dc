"""Content, pose and transformer in one step, from examples to the losses of C.2 (paper 4.2, 4.3).

The paper trains the pose encoder first and says nothing of the content encoder's part in the
drama transformer's training. Here the content encoder learns from both; the pose encoder may stay
as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from spatialdrama_isdrama.autoencoder.model import Autoencoder
from spatialdrama_isdrama.content.durations import duration_loss
from spatialdrama_isdrama.content.model import Content
from spatialdrama_isdrama.layers import every_fourth
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder
from spatialdrama_isdrama.transformer import Conditions, DramaTransformer
from spatialdrama_isdrama.transformer.dropping import drop_scenes, prompt_sources, with_sources
from spatialdrama_isdrama.transformer.losses import Losses, losses

from .examples import ExampleBatch

Tensor = torch.Tensor


class JointLosses(NamedTuple):
    """`total` is what is minimised: the drama's losses and that of durations."""

    total: Tensor
    drama: Losses
    duration: Tensor


class Joint(nn.Module):
    """What is trained together: content, pose (unless frozen) and the drama transformer.

    Parameters
    ----------
    content : Content
    pose : PoseEncoder
    transformer : DramaTransformer
    autoencoder : Autoencoder
        Trained before; stays as it is and outside of the parameters.
    train_pose : bool
        Whether gradients reach the pose encoder's geometric branch.
    """

    def __init__(
        self,
        content: Content,
        pose: PoseEncoder,
        transformer: DramaTransformer,
        autoencoder: Autoencoder,
        *,
        train_pose: bool = True,
    ) -> None:
        super().__init__()
        self.content, self.pose, self.transformer = content, pose, transformer
        self.train_pose = train_pose
        self._frozen = [autoencoder.eval()]  # a list hides it from the module

    @torch.no_grad()
    def latents(self, batch: ExampleBatch) -> tuple[Tensor, Tensor | None]:
        """Return the latents of the lines (b, c, l) and of their prompts (b, c, p), scaled."""
        autoencoder = self._frozen[0]
        prompt = None
        if batch.prompt is not None:
            prompt = autoencoder.latent(batch.prompt, batch.prompt_mask)
        return autoencoder.latent(batch.mel, batch.mask), prompt

    def conditions(self, batch: ExampleBatch, prompt: Tensor | None) -> tuple[Conditions, Tensor]:
        """Return what the lines are generated from, with true durations, and L_dur.

        Nothing is dropped yet: every prompt and every scene of the batch is there.
        """
        content = self.content
        lines = content.batch(batch.readings)
        states = content(lines)
        spoken = duration_loss(content.durations(states, lines.mask), batch.frames, lines.mask)
        z_c, mask = content.encoder.stretch(states, batch.frames, batch.mask.shape[1])
        with torch.set_grad_enabled(self.train_pose and torch.is_grad_enabled()):
            z_p = self.pose.geometric(batch.features, batch.mask)
        conditions = Conditions(
            content=z_c,
            pose=z_p,
            mask=mask,
            prompt=prompt,
            prompt_mask=None if prompt is None else every_fourth(batch.prompt_mask),
            scene=batch.scene,
            scene_mask=batch.scene_mask,
            f0=batch.f0,
        )
        return conditions, spoken

    def dropped(self, conditions: Conditions, generator: torch.Generator) -> Conditions:
        """Return the conditions without some of their prompts and scenes (C.3; E20, E22).

        The branch of equation 5 without a prompt is trained by those. A batch's prompt is of
        another line already, so that only its dropping is drawn, not its source.

        Parameters
        ----------
        conditions
        generator
            Of the draws.
        """
        config = self.transformer.config
        sources = prompt_sources(conditions.rows, config, generator)
        return drop_scenes(with_sources(conditions, sources), config, generator)

    def forward(
        self,
        batch: ExampleBatch,
        noise: Tensor,
        time: Tensor,
        *,
        tau: float | None = None,
        generator: torch.Generator | None = None,
        latents: tuple[Tensor, Tensor | None] | None = None,
    ) -> JointLosses:
        """Return the losses of a batch.

        Parameters
        ----------
        batch : ExampleBatch
        noise : (b, c, l)
        time : (b,)
        tau
            Temperature of the routing, :func:`~..transformer.routing.temperature` of the step.
            None: as at inference, each token's best expert, which trains no gate.
        generator
            Of the prompts and scenes that are dropped, and of the routing's noise. None: all are
            kept and there is no noise.
        latents : pair, optional
            What :meth:`latents` gave for the batch, where it is kept.
        """
        latent, prompt = self.latents(batch) if latents is None else latents
        conditions, spoken = self.conditions(batch, prompt)
        if generator is not None:
            conditions = self.dropped(conditions, generator)
        drama = losses(
            self.transformer, self.transformer.config, latent, conditions, noise, time,
            tau=tau, generator=generator,
        )  # fmt: skip
        return JointLosses(drama.total + spoken, drama, spoken)
