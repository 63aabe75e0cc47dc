"""The source of a neural source filter: sines at the multiples of F0, and noise.

Source: X. Wang, S. Takaki, J. Yamagishi (2019), "Neural source-filter-based waveform model for
statistical parametric speech synthesis", ICASSP, section 3.1; as the paper's vocoder uses it (C.5).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from spatialdrama.errors import ValidationError

from ..layers import widened
from .config import VocoderConfig
from .frames import frames_to_samples, held, kept, over_frames

#: Samples whose phases are added up by themselves.
_BLOCK = 1024

Noise = torch.Tensor | torch.Generator | Sequence[torch.Generator]


def f0_to_samples(f0: torch.Tensor, hop: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return F0 and how far it is voiced, at every sample.

    Parameters
    ----------
    f0
        (b, t) Hz, 0 where unvoiced.
    hop
        Samples between frames.

    Returns
    -------
    f0 : (b, t hop) Hz
        Straight lines between voiced frames; next to an unvoiced frame the voiced one's value;
        0 between two unvoiced ones.
    voiced : (b, t hop)
        1 and 0 at voiced and unvoiced frames, straight lines between: a hard edge would click.

    Examples
    --------
    >>> f0_to_samples(torch.tensor([[100.0, 0.0]]), 4)[0]
    tensor([[100., 100., 100., 100.,   0.,   0.,   0.,   0.]])
    """
    voiced = f0 > 0
    after = torch.cat([f0[:, 1:], f0[:, -1:]], 1)
    # The end of an interval that starts unvoiced is the value of all of it, and the reverse.
    start = torch.where(voiced, f0, after)
    end = torch.where(after > 0, after, f0)
    part = torch.arange(hop, device=f0.device, dtype=f0.dtype) / hop
    track = (start[..., None] + (end - start)[..., None] * part).flatten(1)
    return track, frames_to_samples(voiced.to(f0.dtype), hop)


def cycles(f0: torch.Tensor, rate: float) -> torch.Tensor:
    """Return the phase of the fundamental in cycles, float64, from F0 at every sample (b, n).

    The first sample has phase 0; whole cycles are dropped now and then. Trapezoids, so that a
    straight glide is exact. In double precision and in blocks whose starts stay below one cycle: a
    plain sum over an hour would be off by a hundredth of a cycle, this one by a ten millionth.

    Examples
    --------
    >>> cycles(torch.full((1, 5), 12000.0), 48000)
    tensor([[0.0000, 0.2500, 0.5000, 0.7500, 1.0000]], dtype=torch.float64)
    """
    step = f0.double() / rate
    middle = F.pad((step[:, 1:] + step[:, :-1]) / 2, (1, 0))
    blocks = F.pad(middle, (0, -middle.shape[1] % _BLOCK)).unflatten(1, (-1, _BLOCK)).cumsum(2)
    # Only the last digits of the starts count, and few starts are added up.
    totals = F.pad(blocks[:, :-1, -1].frac().cumsum(1), (1, 0)).frac()
    return (blocks + totals[..., None]).flatten(1)[:, : f0.shape[1]]


def sines(
    f0: torch.Tensor, rate: float, harmonics: int, phases: torch.Tensor | None = None
) -> torch.Tensor:
    """Return one sine of height 1 per harmonic, (b, harmonics, n), from F0 at samples (b, n).

    Parameters
    ----------
    f0
        Hz.
    rate
        Samples per second.
    harmonics
        How many.
    phases
        (b, harmonics) initial phases in cycles; 0 without.

    Notes
    -----
    A harmonic is faded out over the last tenth below half the rate and silent from there on: no
    sine is ever read at less than two samples a period, and none is cut off.

    Examples
    --------
    >>> sines(torch.full((1, 4), 12000.0), 48000, 1).round(decimals=4)
    tensor([[[ 0.,  1.,  0., -1.]]])
    """
    order = torch.arange(1, harmonics + 1, device=f0.device, dtype=torch.float64)[:, None]
    phase = cycles(f0, rate)[:, None] * order
    if phases is not None:
        phase = phase + phases.double()[..., None]
    # Whole cycles go while there are digits for them.
    wave = torch.sin(2 * torch.pi * (phase - phase.floor())).to(f0.dtype)
    share = f0[:, None] * order.to(f0.dtype) / (rate / 2)
    return wave * ((1 - share) / 0.1).clamp(0, 1)


def draw(noise: Noise, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """Return normal numbers of `shape` (b, ...) from a generator, or from one for each item.

    Numbers are drawn item by item where the generator lives, so a generator's numbers do not
    depend on the device of the network. With one generator for each item an item's numbers do not
    depend on its batch.

    Raises
    ------
    ValidationError
        If there are not as many generators as items.
    """
    generators = [noise] * shape[0] if isinstance(noise, torch.Generator) else list(noise)
    if len(generators) != shape[0] or not all(isinstance(g, torch.Generator) for g in generators):
        raise ValidationError(
            f"noise must be a tensor, a torch.Generator, or one torch.Generator for each of the "
            f"{shape[0]} items; got {[type(g).__name__ for g in generators]}"
        )
    rows = [torch.randn(shape[1:], generator=g, device=g.device) for g in generators]
    return torch.stack([row.to(like.device, like.dtype) for row in rows])


def checked(f0: torch.Tensor) -> torch.Tensor:
    """Return F0 in float32 at least.

    Raises
    ------
    ValidationError
        If it is negative or not finite.
    """
    if not bool(torch.isfinite(f0).all()) or bool((f0 < 0).any()):
        raise ValidationError(
            f"F0 must be finite and 0 (unvoiced) or above; it spans {float(f0.min()):g} to "
            f"{float(f0.max()):g} Hz"
        )
    return widened(f0)


def numbers(
    noise: Noise, phases: torch.Tensor | None, f0: torch.Tensor, config: VocoderConfig
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return noise (b, n) and phases (b, harmonics), drawn where they are not given.

    Raises
    ------
    ValidationError
        If the noise has another shape than F0 at frames (b, t) asks for.
    """
    b, n = f0.shape[0], f0.shape[1] * config.hop
    if not isinstance(noise, torch.Tensor):
        # One draw: the phases come first, so they do not depend on the length.
        drawn = draw(noise, (b, 16 * -(-config.harmonics // 16) + n), f0)
        if phases is None:
            phases = torch.special.ndtr(drawn[:, : config.harmonics])
        noise = drawn[:, -n:]
    if noise.shape != (b, n):
        raise ValidationError(
            f"the source's noise must have shape {(b, n)}, got {tuple(noise.shape)}"
        )
    return noise, phases


class HarmonicSource(nn.Module):
    """F0 at mel frames to one excitation.

    Sines plus a little noise where voiced, noise alone elsewhere; a linear layer weighs the
    harmonics, tanh bounds them.

    Parameters
    ----------
    config
        Reads `rate`, `hop`, `harmonics`, `source_level`, `source_noise`.

    Examples
    --------
    >>> source = HarmonicSource(VocoderConfig.sized("tiny"))
    >>> source(torch.full((1, 4), 200.0), noise=torch.Generator().manual_seed(0)).shape
    torch.Size([1, 1, 1024])
    """

    def __init__(self, config: VocoderConfig):
        super().__init__()
        self.config = config
        self.merge = nn.Linear(config.harmonics, 1)

    def forward(
        self,
        f0: torch.Tensor,
        mel: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        *,
        noise: Noise,
        phases: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the excitation (b, 1, n), zero in the padding.

        Parameters
        ----------
        f0
            (b, t) Hz, 0 where unvoiced.
        mel
            Not looked at; :class:`~spatialdrama_isdrama.vocoder.shaped.ShapedSource` does.
        mask
            (b, t).
        noise
            (b, n) normal numbers; or generators to draw the phases and then the noise from.
        phases
            (b, harmonics) initial phases in cycles. Without them: drawn from the generator, or 0
            where the noise is a tensor.

        Raises
        ------
        ValidationError
            If F0 is negative or not finite, or the noise has another shape.
        """
        config = self.config
        # Held, not zero: the voice would fade over the last frame.
        f0 = checked(held(f0, mask))
        noise, phases = numbers(noise, phases, f0, config)
        track, voiced = f0_to_samples(f0, config.hop)
        level, voiced = config.source_level, voiced[:, None]
        spread = config.source_noise * voiced + level / 3 * (1 - voiced)
        tones = sines(track, config.rate, config.harmonics, phases)
        parts = level * voiced * tones + spread * noise[:, None].to(f0)
        # Lines up the harmonics as the last axis, as linear layers want them.
        with torch.autocast(f0.device.type, enabled=False):
            merged = torch.tanh(self.merge(parts.transpose(1, 2))).transpose(1, 2)
        return kept(merged, over_frames(mask, config.hop))
