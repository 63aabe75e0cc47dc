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
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder
from spatialdrama_isdrama.transformer import Conditions, DramaTransformer
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
        """Return what the lines are generated from, with true durations, and L_dur."""
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
            prompt_mask=None if prompt is None else batch.prompt_mask[:, ::4],
            f0=batch.f0,
        )
        return conditions, spoken

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
        tau, generator
            Of the routing.
        latents : pair, optional
            What :meth:`latents` gave for the batch, where it is kept.
        """
        latent, prompt = self.latents(batch) if latents is None else latents
        conditions, spoken = self.conditions(batch, prompt)
        drama = losses(
            self.transformer, self.transformer.config, latent, conditions, noise, time,
            tau=tau, generator=generator,
        )  # fmt: skip
        return JointLosses(drama.total + spoken, drama, spoken)
