"""From one sound to two ears: coherence, magnitudes, delays (E24 a; DESIGN, interaural phase)."""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError

from ..autoencoder.mel import mel_of
from .config import VocoderConfig
from .decorrelate import two_sided
from .delay import delayed
from .frames import frames_to_samples, held, kept, over_frames, samples_of
from .gains import mid_mel, with_mels


def own_delay(delay: torch.Tensor, how: str = "removed") -> torch.Tensor:
    """Return the delays (b, e, t) with the ears' common part removed or kept.

    Parameters
    ----------
    delay
        Seconds.
    how
        "removed": the mean of the ears is 0 at all times; "motion": it is 0 at the first frame;
        "kept": nothing is changed.

    Examples
    --------
    >>> own_delay(torch.tensor([[[1.0, 2.0], [3.0, 5.0]]]), "motion")
    tensor([[[-1.,  0.],
             [ 1.,  3.]]])
    """
    common = delay.mean(1, keepdim=True)
    if how == "removed":
        return delay - common
    return delay - common[..., :1] if how == "motion" else delay


def spatialise(
    mid: torch.Tensor,
    mel: torch.Tensor,
    delay: torch.Tensor,
    coherence: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    *,
    config: VocoderConfig | None = None,
) -> torch.Tensor:
    """Place one sound at two ears.

    Parameters
    ----------
    mid
        (b, n) samples, n = hop t: any mono sound whose mel is about
        :func:`~spatialdrama_isdrama.vocoder.gains.mid_mel` of `mel`, from whatever made it.
    mel
        (b, e, f, t) log10 magnitudes of the ears.
    delay
        (b, e, t) seconds.
    coherence
        (b, bands, t) in [0, 1] between the ears once the delay is taken off, in bands around
        :func:`~spatialdrama_isdrama.vocoder.decorrelate.band_centres`; 1 without.
    mask
        (b, t); padding at the ends.
    config
        Reads `mid`, `reference`, `common_delay` and what the parts read.

    Returns
    -------
    tensor, shape (b, e, n), float32 or float64
        Differentiable in everything. Zero in the padding.

    Raises
    ------
    ValidationError
        If the shapes do not belong together.

    Notes
    -----
    Ear minus mid in log mel is the ear's gain, so the mels' level difference is the sound's. Equal
    mels and delays and a coherence of 1 give two equal ears; mels and delays of exchanged ears give
    the ears exchanged where the coherence is 1 (below it the decorrelated parts keep their sides).

    Examples
    --------
    >>> mid, mel = torch.randn(1, 2048), torch.zeros(1, 2, 80, 8)
    >>> spatialise(mid, mel, torch.zeros(1, 2, 8)).shape
    torch.Size([1, 2, 2048])
    """
    config = config or VocoderConfig()
    _check(mid, mel, delay, mask, config)
    # Filters in bfloat16 would have two digits of phase.
    with torch.autocast(mid.device.type, enabled=False):
        exact = mid.dtype if mid.dtype == torch.float64 else torch.float32
        mid, mel, delay = (x.to(exact) for x in (mid, mel, delay))
        samples = over_frames(mask, config.hop)
        mid = kept(mid[:, None], samples)
        mel, delay = held(mel, mask), held(delay, mask)
        if config.reference == "heard":
            common = held(mel_of(mid, config.mel, samples_of(mask, config)), mask)
        else:
            common = mid_mel(mel, config.mid)[:, None]
        if coherence is None:
            pair = mid
        else:
            pair = two_sided(mid[:, 0], held(coherence.to(exact), mask), config)
        # What a step leaves behind an item's end would come back through the next one.
        ears = kept(with_mels(kept(pair, samples), mel - common, config), samples)
        lag = frames_to_samples(own_delay(delay, config.common_delay), config.hop) * config.rate
        return kept(delayed(ears, lag, config.read_taps), samples)


def _check(mid, mel, delay, mask, config: VocoderConfig) -> None:
    b, t = mel.shape[0], mel.shape[-1]
    wanted = {
        "mid": (mid, (b, config.hop * t)),
        "mel": (mel, (b, 2, config.mels, t)),
        "delay": (delay, (b, 2, t)),
        "mask": (mask, (b, t)),
    }
    for name, (x, shape) in wanted.items():
        if x is not None and tuple(x.shape) != shape:
            raise ValidationError(
                f"{name} must have shape {shape} to go with mels of {t} frames, got "
                f"{tuple(x.shape)}"
            )
