"""Pitch from the first block's output, and pitch as an input of the others (paper 4.3; E13)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ..autoencoder.config import FRAMES_PER_LATENT
from ..layers import MaskedConv, RmsNorm, every_fourth, masked
from .config import TransformerConfig

#: Where prediction starts and what the embedding counts from: log of 200 Hz, between voices.
CENTRE = math.log(200.0)
#: Softest pitch that has a logarithm here, Hz.
LEAST = 1.0


class Pitch(NamedTuple):
    """What a line is said at, on mel frames."""

    log_f0: torch.Tensor
    """(b, t), natural logarithm of Hz, also where unvoiced."""
    voicing: torch.Tensor
    """(b, t), logits: voiced above 0."""

    def hertz(self) -> torch.Tensor:
        """Return f0 (b, t) in Hz, 0 where unvoiced: what the vocoder takes.

        Examples
        --------
        >>> Pitch(torch.full((1, 2), 100.0).log(), torch.tensor([[1.0, -1.0]])).hertz().round()
        tensor([[100.,   0.]])
        """
        return torch.where(self.voicing > 0, self.log_f0.exp(), torch.zeros_like(self.log_f0))


def log_hertz(f0: torch.Tensor) -> torch.Tensor:
    """Return log f0, finite also where f0 is 0.

    Examples
    --------
    >>> log_hertz(torch.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    return f0.clamp(min=LEAST).log()


def upsample(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return x (b, l, d) on mel frames (b, 4 l, d), straight lines between latent frames' middles.

    Beside the ends of a line its own last value goes on, never the padding.

    Examples
    --------
    >>> upsample(torch.tensor([[[0.0], [8.0]]]), torch.ones(1, 2, dtype=torch.bool)).flatten()
    tensor([0., 0., 1., 3., 5., 7., 8., 8.])
    """
    x = masked(x, mask)
    before = torch.cat([x[:, :1], x[:, :-1]], dim=1)
    after = torch.cat([x[:, 1:], x[:, -1:]], dim=1)
    there = mask[..., None]
    has_before = torch.cat([there[:, :1], there[:, :-1]], dim=1)
    has_after = torch.cat([there[:, 1:], there[:, -1:]], dim=1)
    before, after = torch.where(has_before, before, x), torch.where(has_after, after, x)
    # Middles of the four frames lie 3/8 and 1/8 of a latent frame off its own.
    far, near = 3 / 8, 1 / 8
    frames = [
        x + far * (before - x),
        x + near * (before - x),
        x + near * (after - x),
        x + far * (after - x),
    ]
    return torch.stack(frames, dim=2).flatten(1, 2)


class PitchPredictor(nn.Module):
    """log F0 and voicing of a line from the hidden frames of the first block.

    The two last linears count in float32 under autocast too: bfloat16 knows log 200 to 1.5 %.

    Parameters
    ----------
    width
        Of the hidden frames.

    Example
    -------
    >>> layer = PitchPredictor(8)
    >>> pitch = layer(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool))
    >>> pitch.log_f0.shape, pitch.voicing.shape
    (torch.Size([2, 12]), torch.Size([2, 12]))
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = RmsNorm(width, affine=True)
        self.conv = MaskedConv(width, width // 2, 3)
        self.log_f0 = nn.Linear(width // 2, 1)
        self.voicing = nn.Linear(width // 2, 1)
        nn.init.constant_(self.log_f0.bias, CENTRE)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> Pitch:
        """Return the pitch on mel frames from x (b, l, d) and the mask (b, l)."""
        inner = functional.gelu(self.conv(self.norm(x), mask))
        with torch.autocast(x.device.type, enabled=False):
            inner = inner.to(self.log_f0.weight.dtype)
            both = torch.cat([self.log_f0(inner), self.voicing(inner)], dim=-1)
            log_f0, voicing = upsample(both, mask).unbind(-1)
        return Pitch(log_f0, voicing)


class PitchEmbedding(nn.Module):
    """A given pitch as something to add to the hidden frames: embedded, and gated by them.

    A convolution over (log f0, voiced), LeakyReLU and the mean of four frames, as the authors'
    other models do it (E13); a sigmoid of the hidden frame says how much of it is let in.

    Parameters
    ----------
    width
        Of the hidden frames.
    kernel
        Odd, in mel frames.

    Example
    -------
    >>> layer = PitchEmbedding(8, 9)
    >>> line = torch.ones(2, 12, dtype=torch.bool)
    >>> layer(torch.randn(2, 3, 8), torch.zeros(2, 12), line, line).shape
    torch.Size([2, 3, 8])
    """

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.conv = MaskedConv(2, width, kernel)
        self.gate = nn.Linear(width, width)

    def forward(
        self, x: torch.Tensor, log_f0: torch.Tensor, voiced: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Return what is to be added to x, (b, l, d).

        Parameters
        ----------
        x
            (b, l, d), the hidden frames.
        log_f0, voiced, mask
            (b, t) on mel frames; log f0 counts where voiced.
        """
        voiced = voiced & mask
        height = torch.where(voiced, log_f0 - CENTRE, torch.zeros_like(log_f0))
        inputs = torch.stack([height, voiced.to(height.dtype)], dim=-1).to(x.dtype)
        frames = functional.leaky_relu(self.conv(inputs, mask))
        frames = frames.unflatten(1, (-1, FRAMES_PER_LATENT)).mean(2)
        added = torch.sigmoid(self.gate(x)) * frames
        return masked(added, every_fourth(mask))


def pitch_losses(
    pitch: Pitch,
    f0: torch.Tensor,
    voiced: torch.Tensor,
    mask: torch.Tensor,
    config: TransformerConfig,
    time: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean squared error of log f0 over voiced frames, and the cross-entropy of voicing.

    Parameters
    ----------
    pitch
        What was predicted.
    f0, voiced, mask
        (b, t): the truth in Hz, where it counts, and where the line is.
    config
        ``pitch_by_time`` weighs each item by its flow time: near 0 its input is noise (E13).
    time
        (b,)

    Returns
    -------
    squared, cross_entropy
        Scalars; 0 where there is no frame to count.

    Examples
    --------
    >>> said = Pitch(torch.tensor([[1.0, 9.0]]), torch.zeros(1, 2))
    >>> voiced = torch.tensor([[True, False]])
    >>> a, b = pitch_losses(said, torch.ones(1, 2), voiced, voiced | True, TransformerConfig())
    >>> round(float(a), 4), round(float(b), 4)
    (1.0, 0.6931)
    """
    weight = mask.to(pitch.log_f0.dtype)
    if config.pitch_by_time and time is not None:
        weight = weight * time[:, None].to(weight.dtype)
    both = voiced & mask
    error = torch.where(both, pitch.log_f0 - log_hertz(f0), torch.zeros_like(pitch.log_f0))
    entropy = functional.binary_cross_entropy_with_logits(
        torch.where(mask, pitch.voicing, torch.zeros_like(pitch.voicing)),
        both.to(weight.dtype),
        reduction="none",
    )
    heard = weight * both
    squared = (heard * error.square()).sum() / _count(heard)
    return squared, (weight * entropy).sum() / _count(weight)


def _count(weight: torch.Tensor) -> torch.Tensor:
    total = weight.sum()
    return torch.where(total > 0, total, torch.ones_like(total))
