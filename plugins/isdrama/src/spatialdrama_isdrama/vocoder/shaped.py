"""A source that sounds of the mel before any network has learned: shaped pulses and shaped noise.

The generator of a flat source has to learn every formant; HiFi-GAN takes days for it. Here pulses
at F0 and noise are filtered to the mel first, and the generator learns what is left: how to mix
them, and their phases. Idea: Y. Koizumi et al. (2022), "SpecGrad", Interspeech, section 3, who
shape a diffusion's noise by the mel; a deviation from the paper's C.5, so an option.
"""

from __future__ import annotations

import torch
from torch import nn

from ..autoencoder.mel import mel_of
from .config import VocoderConfig
from .frames import held, kept, over_frames, samples_of
from .gains import with_mels
from .source import HarmonicSource, Noise, checked, cycles, f0_to_samples, numbers

#: dB around a level of 1; a pause is 100 below, and no mel is as far above.
_BOUNDS_DB = (-140.0, 60.0)


def pulses(f0: torch.Tensor, rate: float, phase: torch.Tensor | None = None) -> torch.Tensor:
    """Return all harmonics of F0 below half the rate, cosines of one phase, of deviation 1.

    Parameters
    ----------
    f0
        (b, n) Hz; where it is 0, so are the pulses.
    rate
        Samples per second.
    phase
        (b,) initial phase in cycles.

    Notes
    -----
    sum_1^K cos(k x) = sin((K + 1/2) x) / (2 sin(x / 2)) - 1/2: one expression for any number of
    harmonics. K is .45 of the rate over F0, and its broken part the height of one more harmonic,
    so none comes or goes at once; what would reach half the rate is left out.

    Examples
    --------
    >>> wave = pulses(torch.full((1, 8), 12000.0, dtype=torch.float64), 48000)
    >>> wave[0].round(decimals=4)
    tensor([ 1.0541,  0.0000, -1.0541,  0.0000,  1.0541,  0.0000, -1.0541,  0.0000],
           dtype=torch.float64)
    """
    turn = cycles(f0, rate)
    if phase is not None:
        turn = turn + phase.double()[:, None]
    x = 2 * torch.pi * (turn - turn.round())
    # A tenth below half the rate is left empty: the last harmonic has room to fade.
    most = 0.45 * rate / f0.double().clamp(min=1.0)
    count = most.floor()
    half = torch.sin(x / 2)
    # At a pulse both are 0: the sum is the number of cosines.
    near = half.abs() < 1e-9
    safe = torch.where(near, torch.ones_like(half), half)
    total = torch.where(near, count, torch.sin((count + 0.5) * x) / (2 * safe) - 0.5)
    room = (rate / 2 - (count + 1) * f0.double()) / (0.05 * rate)
    total = total + (most - count) * room.clamp(0, 1) * torch.cos((count + 1) * x)
    return torch.where(f0 > 0, (total / (most / 2).sqrt()).to(f0.dtype), f0.new_zeros(()))


class ShapedSource(nn.Module):
    """F0 and a mel to excitations whose mels are that mel: pulses and noise.

    Three of them: pulses where voiced, noise elsewhere, and noise where voiced, which is breath.
    The first two alone make speech of a kind.

    Parameters
    ----------
    config
        Reads `rate`, `hop` and the mel's numbers.

    Examples
    --------
    >>> source = ShapedSource(VocoderConfig.sized("tiny"))
    >>> f0, mel = torch.full((1, 4), 200.0), torch.zeros(1, 80, 4)
    >>> source(f0, mel, noise=torch.Generator().manual_seed(0)).shape
    torch.Size([1, 3, 1024])
    """

    def __init__(self, config: VocoderConfig):
        super().__init__()
        self.config = config

    @torch.no_grad()
    def forward(
        self,
        f0: torch.Tensor,
        mel: torch.Tensor,
        mask: torch.Tensor | None = None,
        *,
        noise: Noise,
        phases: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return pulses, noise and breath (b, 3, n), zero in the padding.

        Arguments as of :class:`~spatialdrama_isdrama.vocoder.source.HarmonicSource`; of the phases
        the first counts. Nothing in here is learned, so no gradient goes through.
        """
        config = self.config
        with torch.autocast(f0.device.type, enabled=False):
            f0 = checked(held(f0, mask))
            noise, phases = numbers(noise, phases, f0, config)
            track, voiced = f0_to_samples(f0, config.hop)
            first = None if phases is None else phases[:, 0]
            raw = torch.stack([pulses(track, config.rate, first), noise.to(f0)], 1)
            samples = over_frames(mask, config.hop)
            raw = kept(raw, samples)
            there = mel_of(raw, config.mel, samples_of(mask, config))
            ratio = mel.to(raw)[:, None] - there
            made = with_mels(raw, held(ratio, mask), config, bounds_db=_BOUNDS_DB)
            tone, breath = made[:, 0] * voiced, made[:, 1] * voiced
            return kept(torch.stack([tone, made[:, 1] - breath, breath], 1), samples)


def source_of(config: VocoderConfig) -> HarmonicSource | ShapedSource:
    """Return the source that the config names."""
    return {"sines": HarmonicSource, "shaped": ShapedSource}[config.source](config)
