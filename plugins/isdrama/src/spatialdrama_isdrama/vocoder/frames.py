"""Values at mel frames on the samples between them, and what stands for them in the padding.

Frame ``t`` is centred on sample ``t hop``, as the mels are.
"""

from __future__ import annotations

import torch

from .config import VocoderConfig


def frames_to_samples(x: torch.Tensor, hop: int) -> torch.Tensor:
    """Return values (..., t) at frames on samples (..., t hop): straight lines, the last one held.

    Examples
    --------
    >>> frames_to_samples(torch.tensor([0.0, 4.0]), 4)
    tensor([0., 1., 2., 3., 4., 4., 4., 4.])
    """
    after = torch.cat([x[..., 1:], x[..., -1:]], -1)
    part = torch.arange(hop, device=x.device, dtype=x.dtype) / hop
    return (x[..., None] + (after - x)[..., None] * part).flatten(-2)


def held(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return x (b, ..., t) with padding replaced by the last value before it.

    What lies before the first valid frame takes that frame's value; a row without any is zero.
    Filters near the end of an item then act as they would on the item alone.

    Examples
    --------
    >>> held(torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[True, True, False]]))
    tensor([[1., 2., 2.]])
    """
    if mask is None:
        return x
    index = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    first = mask.int().argmax(1, keepdim=True)
    last = torch.where(mask, index, first).cummax(1).values
    shape = (mask.shape[0], *[1] * (x.ndim - 2), mask.shape[1])
    kept = x.gather(-1, last.view(shape).expand_as(x))
    return torch.where(mask.any(1).view(-1, *[1] * (x.ndim - 1)), kept, x.new_zeros(()))


def samples_of(mask: torch.Tensor | None, config: VocoderConfig) -> torch.Tensor | None:
    """Return how many samples of each item (b,) a mel looks at: no less than it can look at."""
    if mask is None:
        return None
    least = min(config.window // 2 + config.hop, mask.shape[1] * config.hop)
    return (mask.sum(1) * config.hop).clamp(min=least)


def over_frames(mask: torch.Tensor | None, factor: int) -> torch.Tensor | None:
    """Return a mask of frames (b, t) at `factor` times the rate, (b, 1, t factor)."""
    return None if mask is None else mask.repeat_interleave(factor, 1)[:, None]


def kept(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return x (b, c, n) with zeros where the mask (b, 1, n) is False; NaN does not pass."""
    return x if mask is None else torch.where(mask, x, x.new_zeros(()))
