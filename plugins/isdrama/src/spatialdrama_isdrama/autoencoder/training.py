"""Training of the autoencoder, one step at a time (paper C.1, C.2): plain, and it can be resumed.

Adam at 1e-4 with a linear warm-up over 10 000 steps, crops of 3000 frames, reconstruction and
divergence from the start, the critic from a given step on. Nothing here knows of files, processes
or progress bars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch.nn import functional as F

from spatialdrama.errors import ValidationError

from ..resumable import Resumable
from ..sizes import parameters_of
from . import losses
from .config import AutoencoderConfig
from .discriminator import Discriminator
from .model import Autoencoder, Reconstruction


def crops(
    mels: Iterable[torch.Tensor], config: AutoencoderConfig, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a random stretch of a fixed length out of each mel; a shorter one is filled with silence.

    Parameters
    ----------
    mels : iterable of tensors, shape (2, f, t_i)
    config : AutoencoderConfig
    generator : torch.Generator

    Returns
    -------
    mel : tensor, shape (b, 2, f, crop)
    mask : tensor of bool, shape (b, crop)

    Raises
    ------
    ValidationError
        No mels.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> mels = [torch.zeros(2, 80, 50), torch.zeros(2, 80, 6)]
    >>> mel, mask = crops(mels, AutoencoderConfig(crop=8), generator)
    >>> mel.shape, mask.sum(1).tolist()
    (torch.Size([2, 2, 80, 8]), [8, 6])
    """
    cut, lengths = [], []
    for mel in mels:
        places = max(mel.shape[-1] - config.crop + 1, 1)
        start = int(torch.randint(places, (), generator=generator, device=generator.device))
        piece = mel[..., start : start + config.crop]
        lengths.append(piece.shape[-1])
        cut.append(F.pad(piece, (0, config.crop - piece.shape[-1]), value=config.silence))
    if not cut:
        raise ValidationError("a batch of crops needs at least one mel, got none")
    batch = torch.stack(cut)
    at = torch.arange(config.crop, device=batch.device)
    return batch, at < torch.tensor(lengths, device=batch.device)[:, None]


class AutoencoderTraining(Resumable):
    """An autoencoder, its critic, their optimisers and where they stand.

    Parameters
    ----------
    config : AutoencoderConfig
    seed : int
        Of the first weights and of everything that is drawn later.
    device : str or torch.device
    bf16 : bool
        Run the networks in bfloat16 where torch's autocast does; weights and losses stay float32.

    Attributes
    ----------
    model : Autoencoder
    critic : Discriminator
    step : int
        Steps done.

    Examples
    --------
    >>> config = AutoencoderConfig(width=16, critic_width=4, crop=8, windows=(8,), warm_up=0)
    >>> training = AutoencoderTraining(config, seed=0)
    >>> report = training.train_step(*crops([torch.zeros(2, 80, 8)], config, training.generator))
    >>> sorted(report), training.step
    (['divergence', 'reconstruction', 'total'], 1)
    """

    def __init__(
        self,
        config: AutoencoderConfig,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        bf16: bool = False,
    ) -> None:
        self.config, self.bf16, self.step = config, bf16, 0
        self.device = torch.device(device)
        # First weights come from torch's global generator; it is given back as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = Autoencoder(config).to(self.device)
            self.critic = Discriminator(config).to(self.device)
        # On the CPU, so that a run draws the same windows and noise on any device.
        self.generator = torch.Generator().manual_seed(seed)
        self.optimisers = tuple(
            torch.optim.Adam(
                part.parameters(), lr=config.learning_rate, betas=(config.beta1, config.beta2)
            )
            for part in (self.model, self.critic)
        )

    def summary(self) -> str:
        """Return the number of parameters, part by part, one a line."""
        parts = {
            "encoder": self.model.encoder,
            "decoder": self.model.decoder,
            "critic (training only)": self.critic,
        }
        return "\n".join(f"{name:<24}{parameters_of(p):>12,}" for name, p in parts.items())

    def learning_rate(self) -> float:
        """Return the learning rate of the step to come: a linear rise, then constant."""
        done = (self.step + 1) / self.config.warm_up if self.config.warm_up else 1.0
        return self.config.learning_rate * min(done, 1.0)

    def train_step(self, mel: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, float]:
        """Do one step on a batch.

        Parameters
        ----------
        mel : tensor, shape (b, 2, f, t)
        mask : tensor of bool, shape (b, t), optional

        Returns
        -------
        dict of str to float
            "reconstruction", "divergence" and "total"; with the critic "fooling" and "critic" too.

        Raises
        ------
        ValidationError
            A loss that is not a number: the step is not done.
        """
        mel = mel.to(self.device)
        if mask is None:
            mask = torch.ones(len(mel), mel.shape[-1], dtype=torch.bool)
        mask = mask.to(self.device)
        self.model.train()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate()
        judged = self.config.adversarial > 0 and self.step >= self.config.adversarial_start
        starts = self.critic.draw(mask, self.generator) if judged else None

        with self._autocast():
            made = self.model.reconstruct(mel, mask, self.generator)
        report = self._objective(made, mel, mask, starts)
        self._update(0, report["total"])
        if starts is not None:
            with self._autocast():
                real = self.critic(mel, mask, starts)
                fake = self.critic(made.mel.detach(), mask, starts)
            report["critic"] = losses.critic_loss(real, fake)
            self._update(1, report["critic"])
        self.step += 1
        return {name: value.item() for name, value in report.items()}

    def run(
        self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], steps: int
    ) -> Iterator[dict[str, float]]:
        """Do steps up to a total number of them, one for each batch, and yield what each reports.

        Parameters
        ----------
        batches : iterable of (mel, mask)
        steps : int
            Steps in all, those before a resumption included.

        Yields
        ------
        dict of str to float
            As :meth:`train_step` returns.
        """
        if self.step >= steps:
            return
        for mel, mask in batches:
            yield self.train_step(mel, mask)
            if self.step >= steps:
                return

    def _objective(
        self,
        made: Reconstruction,
        mel: torch.Tensor,
        mask: torch.Tensor,
        starts: torch.Tensor | None,
    ) -> dict[str, torch.Tensor]:
        """Return the autoencoder's losses: L_rec, the divergence and, with windows, L_adv."""
        config = self.config
        rec = losses.reconstruction(made.mel, mel, mask, config.reconstruction)
        kl = losses.divergence(made.mean, made.log_variance, mask)
        report = {"reconstruction": rec, "divergence": kl, "total": rec + config.kl * kl}
        if starts is not None:
            # The critic is looked through here, not taught.
            self.critic.requires_grad_(False)
            with self._autocast():
                scores = self.critic(made.mel, mask, starts)
            self.critic.requires_grad_(True)
            report["fooling"] = losses.fooling_loss(scores)
            report["total"] = report["total"] + config.adversarial * report["fooling"]
        return report

    def _update(self, which: int, loss: torch.Tensor) -> None:
        """Do the step of one optimiser."""
        if not torch.isfinite(loss):
            part = ("autoencoder", "critic")[which]
            raise ValidationError(
                f"the loss of the {part} is {loss.item()} at step {self.step}; look for NaN in the "
                "batch, or lower the learning rate"
            )
        self.optimisers[which].zero_grad(set_to_none=True)
        loss.backward()
        self.optimisers[which].step()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)
