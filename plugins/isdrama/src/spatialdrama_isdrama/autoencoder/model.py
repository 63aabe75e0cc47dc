"""The spatial autoencoder: a VAE of binaural mels (paper C.1, C.5; Kingma and Welling 2013)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import nn

from spatialdrama.errors import ValidationError

from ..layers import every_fourth, widened
from .config import FRAMES_PER_LATENT, AutoencoderConfig
from .ear_layers import blanked
from .encoder import Decoder, Encoder

#: A latent channel that moves less than this over a corpus is constant and is not blown up.
CONSTANT = 1e-6


class Reconstruction(NamedTuple):
    """What training needs of one pass: the mel, and the latent's distribution."""

    mel: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor


class Autoencoder(nn.Module):
    """Two mels (b, 2, 80, t) to a latent (b, 40, t / 4) and back.

    With ``stereo="equivariant"`` channels 0 to 19 of the latent are the left ear's and 20 to 39
    the right ear's. A gain adds the same number to both mels; the networks learn it as anything
    else, but nothing in them takes the level of an ear away, so what lies between the ears stays.

    Parameters
    ----------
    config : AutoencoderConfig

    Attributes
    ----------
    shift, scale : tensors, shape (40,)
        What :meth:`calibrate` measured: :meth:`latent` and :meth:`decode` speak of latents of zero
        mean and unit deviation, as flow matching starts from such noise.

    Examples
    --------
    >>> model = Autoencoder(AutoencoderConfig(width=16))
    >>> mel = torch.full((1, 2, 80, 8), -3.0)
    >>> model.latent(mel).shape, model.decode(model.latent(mel)).shape
    (torch.Size([1, 40, 2]), torch.Size([1, 2, 80, 8]))
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.register_buffer("shift", torch.zeros(config.latent))
        self.register_buffer("scale", torch.ones(config.latent))

    def encode(
        self, mel: torch.Tensor, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent's mean and log-variance as the encoder has them, not scaled.

        Parameters
        ----------
        mel : tensor, shape (b, 2, f, t)
            log10 magnitudes; t a multiple of 4.
        mask : tensor of bool, shape (b, t), optional
            What lies outside is not looked at.

        Returns
        -------
        mean, log_variance : tensors, shape (b, 40, t / 4)
            Zeros outside the mask.

        Raises
        ------
        ValidationError
            Another shape, or frames that four does not divide.
        """
        mask = self._checked(mel, mask)
        x = (mel.transpose(2, 3) - self.config.centre) / self.config.spread
        out = self.encoder(self._to_streams(blanked(x, mask)), mask)
        mean, log_variance = widened(out).chunk(2, dim=-1)
        return _channels(mean), _channels(log_variance).clamp(-30.0, 20.0)

    def latent(
        self,
        mel: torch.Tensor,
        mask: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """Return the latent, scaled to unit deviation: what flow matching models.

        Parameters
        ----------
        mel, mask
            As for :meth:`encode`.
        generator : torch.Generator, optional
            Draws from the distribution; without one its mean is returned.

        Returns
        -------
        tensor, shape (b, 40, t / 4)
            Zeros outside the mask.
        """
        mean, log_variance = self.encode(mel, mask)
        if generator is not None:
            mean = drawn(mean, log_variance, generator)
        z = (mean - self.shift[:, None]) / self.scale[:, None]
        return z if mask is None else _kept(z, every_fourth(mask))

    def decode(self, latent: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the mels of a scaled latent.

        Parameters
        ----------
        latent : tensor, shape (b, 40, l)
            As :meth:`latent` returns it.
        mask : tensor of bool, shape (b, 4 l), optional
            At the rate of the mel.

        Returns
        -------
        tensor, shape (b, 2, f, 4 l)
            log10 magnitudes, silence outside the mask; inside, nothing is cut off at the floor.

        Raises
        ------
        ValidationError
            Another number of channels, or a mask of another rate.
        """
        config = self.config
        if latent.ndim != 3 or latent.shape[1] != config.latent:
            raise ValidationError(
                f"a latent has shape (b, {config.latent}, frames), got {tuple(latent.shape)}"
            )
        z = latent * self.scale[:, None] + self.shift[:, None]
        frames = FRAMES_PER_LATENT * latent.shape[-1]
        if mask is None:
            mask = torch.ones(len(latent), frames, dtype=torch.bool, device=latent.device)
        if mask.shape != (len(latent), frames):
            raise ValidationError(
                f"the mask of a latent of {latent.shape[-1]} frames has the mel's rate, shape "
                f"{(len(latent), frames)}; got {tuple(mask.shape)}"
            )
        return self._decoded(z, mask)

    def reconstruct(
        self,
        mel: torch.Tensor,
        mask: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Reconstruction:
        """Encode, draw and decode: one training pass. `shift` and `scale` have no part in it.

        Parameters
        ----------
        mel, mask
            As for :meth:`encode`.
        generator : torch.Generator, optional
            Draws the latent; without one its mean is decoded.

        Returns
        -------
        Reconstruction
            Of mel (b, 2, f, t), mean and log_variance (b, 40, t / 4).
        """
        mask = self._checked(mel, mask)
        mean, log_variance = self.encode(mel, mask)
        z = mean if generator is None else drawn(mean, log_variance, generator)
        return Reconstruction(self._decoded(z, mask), mean, log_variance)

    @torch.no_grad()
    def calibrate(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor | None]]) -> None:
        """Set `shift` and `scale` to the mean and deviation of each channel over a corpus.

        Ears that share weights share these too, or swapping them would no longer swap the latent.

        Parameters
        ----------
        batches : iterable of (mel, mask)
            As for :meth:`encode`.

        Raises
        ------
        ValidationError
            No frames in any batch.
        """
        streams = self.config.streams
        width = self.config.latent // streams
        sums = torch.zeros(3, width, dtype=torch.float64)
        for mel, mask in batches:
            mask = self._checked(mel, mask)
            mean, _ = self.encode(mel, mask)
            there = every_fourth(mask)
            kept = mean.transpose(1, 2)[there].reshape(-1, width).double().cpu()
            sums += torch.stack([torch.full((width,), len(kept)), kept.sum(0), (kept**2).sum(0)])
        if not sums[0, 0]:
            raise ValidationError("calibrate was given no frames; give it batches of (mel, mask)")
        mean = sums[1] / sums[0]
        deviation = (sums[2] / sums[0] - mean**2).clamp(min=0).sqrt()
        deviation = torch.where(deviation > CONSTANT, deviation, torch.ones_like(deviation))
        self.shift.copy_(mean.repeat(streams))
        self.scale.copy_(deviation.repeat(streams))

    def _decoded(self, z: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the mel (b, 2, f, t) of a latent (b, 40, l) that is not scaled."""
        z = z.unflatten(1, (self.config.streams, -1)).transpose(2, 3)
        z = blanked(z, every_fourth(mask))
        x = self._to_ears(widened(self.decoder(z, mask))) * self.config.spread + self.config.centre
        silence = x.new_tensor(self.config.silence)
        return torch.where(mask[:, None, :, None], x, silence).transpose(2, 3)

    def _to_streams(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the encoder sees, (b, s, t, d), of the ears (b, 2, t, f)."""
        if self.config.midside:
            middle = (x[:, :1] + x[:, 1:]) / 2
            side = self.config.side_gain * (x[:, :1] - x[:, 1:]) / 2
            # An ear of two must not know which it is, so it gets the sum: its own sign of the side.
            pair = [middle, side] if self.config.streams == 1 else [middle + side, middle - side]
            x = torch.cat(pair, dim=1)
        return x if self.config.streams == 2 else x.transpose(1, 2).flatten(2)[:, None]

    def _to_ears(self, x: torch.Tensor) -> torch.Tensor:
        """Return the ears (b, 2, t, f) of what the decoder gives: the inverse of the above."""
        if self.config.streams == 1:
            x = x[:, 0].unflatten(-1, (2, -1)).transpose(1, 2)
        if not self.config.midside:
            return x
        one, two = x[:, :1], x[:, 1:]
        middle, side = (
            (one, two) if self.config.streams == 1 else ((one + two) / 2, (one - two) / 2)
        )
        side = side / self.config.side_gain
        return torch.cat([middle + side, middle - side], dim=1)

    def _checked(self, mel: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the mask (b, t), all True without one, shapes checked."""
        if mel.ndim != 4 or mel.shape[1:3] != (2, self.config.bands):
            raise ValidationError(
                f"a binaural mel has shape (b, 2, {self.config.bands}, frames), got "
                f"{tuple(mel.shape)}; for a mono sound see two_ears"
            )
        frames = mel.shape[-1]
        if frames % FRAMES_PER_LATENT or not frames:
            raise ValidationError(
                f"a mel for the autoencoder has a multiple of {FRAMES_PER_LATENT} frames, got "
                f"{frames}; lengthen it with padded(mel, config)"
            )
        if mask is None:
            return torch.ones(len(mel), frames, dtype=torch.bool, device=mel.device)
        if mask.shape != (len(mel), frames) or mask.dtype != torch.bool:
            raise ValidationError(
                f"the mask of a mel is bool of shape {(len(mel), frames)}, got {mask.dtype} "
                f"{tuple(mask.shape)}"
            )
        return mask


def drawn(
    mean: torch.Tensor, log_variance: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Draw from the normal distribution of a mean and a log-variance (the VAE's equation 10).

    Examples
    --------
    >>> mean = torch.ones(3)
    >>> drawn(mean, torch.full((3,), -30.0), torch.Generator().manual_seed(0)).round().tolist()
    [1.0, 1.0, 1.0]
    """
    noise = torch.randn(
        mean.shape, generator=generator, device=generator.device, dtype=mean.dtype
    ).to(mean.device)
    return mean + (0.5 * log_variance).exp() * noise


def _channels(x: torch.Tensor) -> torch.Tensor:
    """Return (b, s d, t) from (b, s, t, d): the left ear's channels, then the right ear's."""
    return x.transpose(2, 3).flatten(1, 2)


def _kept(z: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return z (b, c, l) with zeros where the mask (b, l) is False."""
    return torch.where(mask[:, None], z, z.new_zeros(()))
