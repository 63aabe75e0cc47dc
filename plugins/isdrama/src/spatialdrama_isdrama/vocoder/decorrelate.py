"""One sound as two that are as alike as asked, each as loud as the one at every frequency.

The phase between the ears takes every value in ``[-a, a]`` equally often, over a strip of
frequency and over a stretch of time; then the ears' coherence is the mean of ``exp(j phase)``,
``sin(a) / a``, and any coherence from 1 to 0 is an a from 0 to pi. Each ear turns by half of it,
so neither gains nor loses at any frequency, and the mean delay between them is none.

Source of the idea: C. Faller and F. Baumgarte (2003), "Binaural cue coding, part II", IEEE Trans.
SAP 11, 520-531, section III.C, who scatter phases and levels at random; here the values are laid
out in order, so that a short stretch or a narrow band has the asked coherence as well.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from spatialdrama.dsp.erb import cams_to_hz, erb_bandwidth, hz_to_cams
from spatialdrama.errors import ValidationError

from .config import VocoderConfig
from .short_time import sound, spectra

#: In units of the mel's window: long enough that a phase that slopes by some 7 ms stays inside.
_WINDOWS = 4
#: Hz; centres of the lowest and the highest band.
BAND_EDGES = (100.0, 16_000.0)


def band_centres(bands: int) -> np.ndarray:
    """Return the centres of the coherence bands, Hz, evenly spaced in Cams.

    Examples
    --------
    >>> band_centres(3).round()
    array([  100.,  2081., 16000.])
    """
    return cams_to_hz(np.linspace(*hz_to_cams(np.array(BAND_EDGES)), bands))


class _Spread(torch.autograd.Function):
    """The a of a coherence; its slope by the inverse function's rule, bounded near 1."""

    @staticmethod
    def forward(ctx, coherence):
        there = coherence.double()
        # sin(a)/a >= 1 - a^2/6, so this is never beyond; Newton then doubles its digits each time.
        a = (6 * (1 - there)).clamp(min=0).sqrt()
        for _ in range(6):
            value = torch.sinc(a / torch.pi)
            slope = (a.cos() - value) / a.clamp(min=1e-3)
            step = (value - there) / slope.clamp(max=-1e-4)
            a = torch.where(a > 1e-3, (a - step).clamp(0, torch.pi), a)
        ctx.save_for_backward(a.to(coherence.dtype))
        return a.to(coherence.dtype)

    @staticmethod
    def backward(ctx, grad):
        (a,) = ctx.saved_tensors
        # At a = 0 the slope of sin(a)/a is 0: a step from coherence 1 has no finite slope.
        a = a.clamp(min=0.05)
        return grad * a / (a.cos() - a.sin() / a)


def spread_of(coherence: torch.Tensor) -> torch.Tensor:
    """Return the a in [0, pi] with ``sin(a) / a`` equal to the coherence in [0, 1].

    Examples
    --------
    >>> spread_of(torch.tensor([1.0, 2 / torch.pi, 0.0]))
    tensor([0.0000, 1.5708, 3.1416])
    """
    return _Spread.apply(coherence)


@lru_cache(maxsize=8)
def _plan(config: VocoderConfig) -> tuple[np.ndarray, np.ndarray]:
    """Where each bin is in the pattern (bins,), and its weights on the bands (bins, bands)."""
    length = _WINDOWS * config.window
    bins = np.arange(length // 2 + 1) * config.rate / length
    strip = np.maximum(config.strip_hz, erb_bandwidth(bins))
    place = np.cumsum(config.rate / length / strip)
    cams = hz_to_cams(band_centres(config.coherence_bands))
    eye = np.eye(config.coherence_bands)
    weights = np.stack([np.interp(hz_to_cams(bins), cams, row) for row in eye], axis=1)
    return place, weights


def two_sided(
    mid: torch.Tensor, coherence: torch.Tensor, config: VocoderConfig | None = None
) -> torch.Tensor:
    """Return two sounds whose coherence is as asked, each with the magnitudes of the one.

    Parameters
    ----------
    mid
        (b, n), n = hop t.
    coherence
        (b, bands, t) in [0, 1], in bands around :func:`band_centres`.
    config
        Reads the rate, the window, the hop, `strip_hz`, `sweep_s`, `coherence_bands`.

    Returns
    -------
    tensor, shape (b, 2, n)
        Both are `mid` where the coherence is 1.

    Raises
    ------
    ValidationError
        If a coherence lies outside [0, 1] or its bands are not the config's.

    Notes
    -----
    Exact for sounds that are steady over `sweep_s` or even over `strip_hz`; a single harmonic in a
    stretch much shorter than `sweep_s` has a phase of its own, as in a room.
    """
    config = config or VocoderConfig()
    if coherence.shape[1] != config.coherence_bands or coherence.ndim != 3:
        raise ValidationError(
            f"the coherence must have shape (b, {config.coherence_bands}, t), got "
            f"{tuple(coherence.shape)}; see coherence_bands"
        )
    if bool((coherence < 0).any()) or bool((coherence > 1).any()):
        raise ValidationError(
            f"a coherence lies in [0, 1]; got {float(coherence.min()):g} to "
            f"{float(coherence.max()):g}"
        )
    length, hop = _WINDOWS * config.window, config.window
    spectrum = spectra(mid, length, hop)
    place, weights = (torch.from_numpy(part).to(mid.device) for part in _plan(config))
    frames = torch.arange(spectrum.shape[-1], device=mid.device, dtype=torch.float64)
    turns = place[:, None] + frames * (hop / config.rate / config.sweep_s)
    # A triangle passes every value in [-1, 1] at the same speed.
    pattern = (4 * (turns - (turns + 0.5).floor()).abs() - 1).to(mid.dtype)
    # The first and the last bin of a real sound have no phase. Turned, they would lose level, and
    # whether their imaginary parts are read is the transform's choice: CUDA's does, a CPU's does
    # not. Their neighbours hold the window's share of the same.
    pattern[:2] = pattern[-2:] = 0
    # The mel frame at the middle of each of the longer ones; the last one is held.
    at = (frames * (hop / config.hop)).round().long().clamp(max=coherence.shape[-1] - 1)
    wide = weights.to(mid.dtype) @ spread_of(coherence).to(mid.dtype)[..., at]
    half = wide * pattern / 2
    # Cosines and sines: polar() has no gradient for the angle alone in half precision.
    turn = torch.complex(half.cos(), half.sin())
    both = torch.stack([spectrum * turn, spectrum * turn.conj()], 1)
    n = mid.shape[-1]
    return sound(both.flatten(0, 1), length, hop, n).view(-1, 2, n)
