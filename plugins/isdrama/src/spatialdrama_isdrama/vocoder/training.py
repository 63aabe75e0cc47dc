"""Training of a vocoder, one step at a time: plain, and it can be resumed.

Weights of the losses as HiFi-GAN's (eq. 3 and 5), the interaural ones beside them. Nothing here
knows of files, processes or progress bars.
"""

from __future__ import annotations

import math

import attrs
import torch
from torch import nn

from spatialdrama.errors import ValidationError

from ..checks import number, option, truth, whole
from ..resumable import Resumable
from . import vocoder_of
from .adversarial import discriminator_loss, feature_loss, generator_loss
from .config import VocoderConfig
from .discriminators import Discriminators
from .interaural_losses import coherence_loss, ipd_loss, itd_loss
from .losses import mel_loss, stft_loss


@attrs.frozen(kw_only=True)
class TrainingConfig:
    """How a vocoder is taught.

    Parameters
    ----------
    learning_rate, beta1, beta2, weight_decay
        Of AdamW; HiFi-GAN's by default.
    decay : float
        Of the learning rate, each thousand steps.
    mel, stft, ipd, itd, coherence, features : float
        Weights of the losses. The mel's is 45 for natural logarithms in HiFi-GAN, here for log10.
    adversarial_start : int or None, steps
        From which step on the discriminators take part; None for never.
    critic_width : int
        Channels of the discriminators.
    clip : float
        Largest norm of a gradient.
    bf16 : bool
        Run the networks in bfloat16 where torch's autocast does; weights, filters and losses stay
        float32.

    Raises
    ------
    ValidationError
        For a value out of range.
    """

    learning_rate: float = option(2e-4, number(0.0))
    beta1: float = option(0.8, number(0.0, 1.0, below=True))
    beta2: float = option(0.99, number(0.0, 1.0, below=True))
    weight_decay: float = option(0.01, number(0.0))
    decay: float = option(0.999, number(0.0))
    mel: float = option(45.0, number(0.0))
    stft: float = option(2.5, number(0.0))
    ipd: float = option(1.0, number(0.0))
    itd: float = option(1.0, number(0.0))
    coherence: float = option(1.0, number(0.0))
    features: float = option(2.0, number(0.0))
    adversarial_start: int | None = option(0, attrs.validators.optional(whole(0)))
    critic_width: int = option(32, whole(1))
    clip: float = option(1000.0, number(0.0))
    bf16: bool = option(False, truth)


@attrs.frozen(kw_only=True)
class VocoderBatch:
    """Real sounds and what a vocoder gets to make them: stretches of one length, no padding.

    Parameters
    ----------
    wave
        (b, 2, n) samples, n = hop t.
    mel
        (b, 2, f, t).
    f0
        (b, t) Hz, 0 where unvoiced.
    delay
        (b, 2, t) s.
    coherence
        (b, bands, t), where the config says "given".
    """

    wave: torch.Tensor
    mel: torch.Tensor
    f0: torch.Tensor
    delay: torch.Tensor
    coherence: torch.Tensor | None = None

    def to(self, device: torch.device) -> VocoderBatch:
        """Return the batch on another device."""
        parts = attrs.asdict(self, recurse=False)
        return VocoderBatch(**{k: v if v is None else v.to(device) for k, v in parts.items()})

    def crop(self, frames: int, hop: int, generator: torch.Generator) -> VocoderBatch:
        """Return a random stretch, the same in all items; the batch itself where it is shorter."""
        most = self.mel.shape[-1] - frames
        if most <= 0:
            return self
        start = int(torch.randint(most + 1, (), generator=generator, device=generator.device))
        cut = slice(start, start + frames)
        parts = attrs.asdict(self, recurse=False)
        wave = parts.pop("wave")[..., start * hop : (start + frames) * hop]
        return VocoderBatch(
            wave=wave, **{k: v if v is None else v[..., cut] for k, v in parts.items()}
        )


class VocoderTraining(Resumable):
    """A vocoder, its discriminators, their optimisers and where they stand.

    Parameters
    ----------
    config : VocoderConfig
    how : TrainingConfig
    seed : int
        Of the first weights and of everything that is drawn later.
    device : str or torch.device

    Attributes
    ----------
    model : BinauralVocoder or PerEarVocoder
    critic : Discriminators
    step : int
        Steps done.
    """

    def __init__(
        self,
        config: VocoderConfig,
        how: TrainingConfig | None = None,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.config, self.how, self.step = config, how or TrainingConfig(), 0
        self.device = torch.device(device)
        # First weights come from torch's global generator; it is given back as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = vocoder_of(config).to(self.device)
            self.critic = Discriminators(self.how.critic_width).to(self.device)
        # On the CPU, so that a run draws the same noise and crops on any device.
        self.generator = torch.Generator().manual_seed(seed)
        self.optimisers = tuple(
            torch.optim.AdamW(
                part.parameters(),
                lr=self.how.learning_rate,
                betas=(self.how.beta1, self.how.beta2),
                weight_decay=self.how.weight_decay,
            )
            for part in (self.model, self.critic)
        )

    def learning_rate(self) -> float:
        """Return the learning rate of the step to come."""
        return self.how.learning_rate * self.how.decay ** (self.step / 1000)

    def train_step(self, batch: VocoderBatch) -> dict[str, float]:
        """Do one step and return its losses, unweighted, and "total".

        Raises
        ------
        ValidationError
            If a loss is not a number: the step is not done.
        """
        how, batch = self.how, batch.to(self.device)
        self.model.train()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate()
        with self._autocast():
            made = self.model(
                batch.mel, batch.f0, batch.delay,
                noise=self.generator, coherence=batch.coherence,
            ).float()  # fmt: skip
        report = self._losses(made, batch.wave)
        total = sum(getattr(how, name) * value for name, value in report.items())
        judged = how.adversarial_start is not None and self.step >= how.adversarial_start
        if judged:
            report["critic"] = self._teach_critic(batch.wave, made.detach())
            # Looked through, not taught: only the vocoder's gradients count here.
            self.critic.requires_grad_(False)
            with self._autocast():
                real, fake = self.critic(batch.wave), self.critic(made)
            self.critic.requires_grad_(True)
            report["fooling"] = generator_loss(fake)
            report["features"] = feature_loss(real, fake)
            total = total + report["fooling"] + how.features * report["features"]
        report["total"] = total
        self._update(0, self.model, total)
        self.step += 1
        return {name: float(value.detach()) for name, value in report.items()}

    def _losses(self, made: torch.Tensor, real: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the losses that need no critic, those with a weight only."""
        rate = self.config.rate
        found = {
            "mel": lambda: mel_loss(made, real, self.config.mel),
            "stft": lambda: stft_loss(made, real),
            "ipd": lambda: ipd_loss(made, real, rate),
            "itd": lambda: itd_loss(made, real, rate),
            "coherence": lambda: coherence_loss(made, real, rate),
        }
        return {name: loss() for name, loss in found.items() if getattr(self.how, name) > 0}

    def _teach_critic(self, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        with self._autocast():
            verdicts = self.critic(real), self.critic(made)
        loss = discriminator_loss(*verdicts)
        self._update(1, self.critic, loss)
        return loss.detach()

    def _update(self, which: int, part: nn.Module, loss: torch.Tensor) -> None:
        """Do the step of one optimiser."""
        if not torch.isfinite(loss):
            name = ("vocoder", "discriminators")[which]
            raise ValidationError(
                f"the loss of the {name} is {float(loss.detach())} at step {self.step}; look for "
                "NaN in the batch, or lower the learning rate"
            )
        self.optimisers[which].zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(part.parameters(), self.how.clip or math.inf)
        self.optimisers[which].step()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.how.bf16)
