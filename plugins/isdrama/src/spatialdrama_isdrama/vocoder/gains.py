"""Magnitudes per ear: what a mel asks for more or less than another, as a filter that moves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from spatialdrama.dsp.mel import hz_to_mel

from ..autoencoder.mel import mel_weights
from .config import VocoderConfig
from .short_time import sound, spectra

_TINY = 1e-7  # of a band's magnitude; below it a correction would be one of rounding


def mid_mel(mel: torch.Tensor, how: str = "power") -> torch.Tensor:
    """Return the one mel (b, f, t) of both ears' (b, e, f, t), the same for exchanged ears.

    Parameters
    ----------
    mel
        log10 magnitudes.
    how
        "power": the mean of the ears' powers, so that no ear is more than 3 dB above it;
        "mean": of their logs; "louder": the larger in each bin.

    Examples
    --------
    >>> mid_mel(torch.tensor([[[[0.0]], [[-5.0]]]]), "mean")
    tensor([[[-2.5000]]])
    """
    if how == "mean":
        return mel.mean(1)
    if how == "louder":
        return mel.amax(1)
    ears = torch.logsumexp(2 * np.log(10.0) * mel, 1) - np.log(mel.shape[1])
    return ears / (2 * np.log(10.0))


@lru_cache(maxsize=16)
def _between_bands(config: VocoderConfig) -> np.ndarray:
    """Weights (bins, f) that draw a straight line over mels from band to band; ends held."""
    bins = hz_to_mel(np.arange(config.window // 2 + 1) * config.rate / config.window)
    edges = np.linspace(hz_to_mel(config.low), hz_to_mel(config.high), config.mels + 2)
    eye = np.eye(config.mels)
    return np.stack([np.interp(bins, edges[1:-1], row) for row in eye], axis=1)


def with_mels(
    x: torch.Tensor,
    ratio: torch.Tensor,
    config: VocoderConfig | None = None,
    *,
    bounds_db: tuple[float, float] | None = None,
) -> torch.Tensor:
    """Return x with its mel changed by a ratio that moves.

    Parameters
    ----------
    x
        (b, e, n) samples, n = hop t; or (b, 1, n), the same for all ears.
    ratio
        (b, e, f, t) log10 of the wished change of the mel, of any size; bounded in here.
    config
        Reads the mel's numbers, `gain_low_db`, `gain_high_db`, `refine`.
    bounds_db
        In the place of the config's bounds.

    Returns
    -------
    tensor, shape (b, e, n)

    Notes
    -----
    Zero phase: nothing is delayed, and what is alike in two ears stays in step. A band's mel looks
    at its neighbours too, so a gain that is right at each band's centre misses by up to a few dB
    where it bends; `refine` steps put the mel of the changed spectrum to the wished one.
    """
    config = config or VocoderConfig()
    b, given, n = x.shape
    bounds_db = bounds_db or (config.gain_low_db, config.gain_high_db)
    low, high = (bound / 20 for bound in bounds_db)
    spectrum = spectra(x.flatten(0, 1), config.window, config.hop).unflatten(0, (b, given))
    wished = ratio.to(x.dtype).clamp(low, high)
    extra = spectrum.shape[-1] - wished.shape[-1]
    wished = torch.cat([wished, wished[..., -1:].expand(-1, -1, -1, extra)], -1)
    spread = torch.from_numpy(_between_bands(config)).to(x)
    weights = mel_weights(config.mel, x.dtype, x.device)
    # Magnitudes only weigh the corrections; a gradient through them would be one of noise.
    magnitude = spectrum.detach().abs() + _TINY
    before = (weights @ magnitude).log10()
    asked = wished
    for _ in range(config.refine):
        now = (weights @ (magnitude * 10 ** (spread @ asked))).log10()
        asked = (asked + wished - (now - before)).clamp(low, high)
    changed = (spectrum * 10 ** (spread @ asked)).flatten(0, 1)
    return sound(changed, config.window, config.hop, n).unflatten(0, (b, -1))
