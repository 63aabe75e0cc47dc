"""How far two made ears are from two real ones in what is between them: phase, delay, likeness.

The definitions are those of the headline metrics (facts, B3), made differentiable: wrapped,
weighted by the energy of the real sound, in physical bands.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from spatialdrama.errors import ValidationError

from ..autoencoder.mel import hann
from ..layers import widened
from .losses import same_shapes

#: Hz; where the phase between the ears is heard.
IPD_BAND = (100.0, 1500.0)
#: Hz; where the delay between them is.
ITD_BAND = (150.0, 1800.0)
_WINDOW, _HOP = 2048, 512  # 43 ms at 48 kHz
_LAG_WINDOW, _LAG_HOP = 4096, 1024  # 85 ms
_STRIP = 6  # bins of 23 Hz: in 140 Hz a delay of 1 ms turns the phase by a seventh of a circle
_TINY = 1e-12


def _ears(x: torch.Tensor, window: int, hop: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return spectra (b, bins, frames) of the left and the right ear."""
    spectrum = torch.stft(
        x.flatten(0, 1), window, hop, window=hann(window, x.dtype, x.device),
        center=True, pad_mode="constant", return_complex=True,
    ).unflatten(0, x.shape[:2])  # fmt: skip
    return spectrum[:, 0], spectrum[:, 1]


def _band(band: tuple[float, float], window: int, rate: float) -> slice:
    """Return the bins of a band, edges included."""
    return slice(math.ceil(band[0] * window / rate), math.floor(band[1] * window / rate) + 1)


def _unit(x: torch.Tensor) -> torch.Tensor:
    """Return x / |x|, with a slope at 0."""
    return x / (x.real.square() + x.imag.square() + _TINY**2).sqrt()


def ipd_loss(
    made: torch.Tensor,
    real: torch.Tensor,
    rate: float = 48_000.0,
    *,
    form: str = "cosine",
    band: tuple[float, float] = IPD_BAND,
) -> torch.Tensor:
    """Return how far the phase between the ears is off.

    Parameters
    ----------
    made, real
        (b, 2, n).
    rate
        Samples per second.
    form
        "cosine": mean of 1 - cos(error), 0 to 2, 1 by chance, smooth; "absolute": mean of
        \\|error\\| in rad, pi/2 by chance, as the metric.
    band
        Hz.

    Raises
    ------
    ValidationError
        For other shapes, or an unknown `form`.

    Notes
    -----
    The error is the angle of X_R conj(X_L) conj(Y_R conj(Y_L)), which wraps by itself; the weights
    are |Y_L Y_R|.

    Examples
    --------
    >>> x = torch.randn(1, 2, 8192)
    >>> round(float(ipd_loss(x, torch.stack([x[:, 0], -x[:, 1]], 1))), 4)
    2.0
    """
    same_shapes(made, real, 2)
    if form not in ("cosine", "absolute"):
        raise ValidationError(f"form must be 'cosine' or 'absolute', got {form!r}")
    with torch.autocast(made.device.type, enabled=False):
        bins = _band(band, _WINDOW, rate)
        left, right = _ears(widened(made), _WINDOW, _HOP)
        real_left, real_right = _ears(widened(real), _WINDOW, _HOP)
        cross = (right * left.conj())[:, bins]
        wished = (real_right * real_left.conj())[:, bins]
        weight = wished.abs()
        turned = _unit(cross) * _unit(wished).conj()
        error = 1 - turned.real if form == "cosine" else turned.angle().abs()
        return (weight * error).sum() / weight.sum().clamp(min=_TINY)


def itd_loss(
    made: torch.Tensor,
    real: torch.Tensor,
    rate: float = 48_000.0,
    *,
    band: tuple[float, float] = ITD_BAND,
    largest: float = 1e-3,
    lags: int = 41,
) -> torch.Tensor:
    """Return how far the ears' correlation over the delay is off: mean square, 0 to 4.

    Parameters
    ----------
    made, real
        (b, 2, n).
    rate
        Samples per second.
    band
        Hz.
    largest
        s; delays to either side.
    lags
        Number of delays.

    Notes
    -----
    ``r(lag) = Re sum_k L_k conj(R_k) exp(-j w_k lag) / sqrt(sum |L|^2 sum |R|^2)`` in frames of 85
    ms: its peak is the delay, its height the likeness. Frames weigh by the real sound's energy.

    Examples
    --------
    >>> x = torch.randn(1, 2, 8192)
    >>> float(itd_loss(x, x))
    0.0
    """
    same_shapes(made, real, 2)
    with torch.autocast(made.device.type, enabled=False):
        made, real = widened(made), widened(real)
        bins = _band(band, _LAG_WINDOW, rate)
        index = torch.arange(bins.start, bins.stop, device=made.device, dtype=made.dtype)
        omega = 2 * torch.pi * rate / _LAG_WINDOW * index
        lag = torch.linspace(-largest, largest, lags, device=made.device, dtype=made.dtype)
        turn = torch.polar(torch.ones_like(omega).expand(lags, -1), -lag[:, None] * omega)

        def curve(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            left, right = (ear[:, bins] for ear in _ears(x, _LAG_WINDOW, _LAG_HOP))
            energy = [(e.real.square() + e.imag.square()).sum(1) for e in (left, right)]
            height = (turn @ (left * right.conj())).real
            size = (energy[0] * energy[1] + _TINY**2).sqrt()
            return height / size[:, None], size.detach()

        (found, _), (wished, weight) = curve(made), curve(real)
        error = (found - wished).square().mean(1)
        return (weight * error).sum() / weight.sum().clamp(min=_TINY)


def coherence_loss(
    made: torch.Tensor,
    real: torch.Tensor,
    rate: float = 48_000.0,
    *,
    frames: int = 12,
    high: float = 16_000.0,
) -> torch.Tensor:
    """Return the mean distance of the ears' coherence, 0 to 1.

    Parameters
    ----------
    made, real
        (b, 2, n).
    rate
        Samples per second.
    frames
        Neighbours (of 10.7 ms) that a mean is taken over; all there are where that is less.
    high
        Hz; up to where.

    Notes
    -----
    |<L conj(R)>| / sqrt(<|L|^2> <|R|^2>) over strips of 140 Hz and `frames`, as
    :func:`spatialdrama.dsp.coherence_track` and for its reasons. Weighted by the real energy.

    Examples
    --------
    >>> x = torch.randn(1, 2, 8192)
    >>> float(coherence_loss(x, x))
    0.0
    """
    same_shapes(made, real, 2)
    with torch.autocast(made.device.type, enabled=False):
        bins = _band((0.0, high), _WINDOW, rate).stop // _STRIP * _STRIP

        def pooled(x: torch.Tensor) -> torch.Tensor:
            size = (_STRIP, min(frames, x.shape[-1]))
            return F.avg_pool2d(x[:, None, :bins], size, (_STRIP, max(1, size[1] // 2)))[:, 0]

        def likeness(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            left, right = _ears(widened(x), _WINDOW, _HOP)
            cross = left * right.conj()
            top = pooled(cross.real).square() + pooled(cross.imag).square()
            powers = [pooled(e.real.square() + e.imag.square()) for e in (left, right)]
            size = powers[0] * powers[1]
            return ((top + _TINY) / (size + _TINY)).sqrt(), size.detach().sqrt()

        (found, _), (wished, weight) = likeness(made), likeness(real)
        return (weight * (found - wished).abs()).sum() / weight.sum().clamp(min=_TINY)
