"""Reading a sound between its samples, at a delay that moves.

A windowed sinc whose taps are polynomials of the fraction (C. W. Farrow 1988, "A continuously
variable digital delay element", ISCAS): a few fixed filters, then one polynomial per sample. So the
delay is differentiable, and Doppler is nothing but a delay that changes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from spatialdrama.errors import ValidationError

#: Of the Kaiser window: 80 dB down outside, flat to .43 of the rate (20 kHz at 48) with 32 taps.
_BETA = 8.0
_DEGREE = 9  # of the polynomials; the taps are then exact to 1e-7


def windowed_sinc(offset: np.ndarray, taps: int) -> np.ndarray:
    """Return the weight of a sample that lies `offset` samples from where the sound is read."""
    inside = np.clip(1 - (2 * offset / taps) ** 2, 0, None)
    return np.sinc(offset) * np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA) * (inside > 0)


@lru_cache(maxsize=8)
def _filters(taps: int) -> np.ndarray:
    """Polynomial coefficients of each tap, lowest power first, (degree + 1, taps).

    Tap k weighs sample ``k - taps/2 + 1`` from the one before the place; the variable is
    ``2 fraction - 1``.
    """
    nodes = np.cos(np.pi * (np.arange(64) + 0.5) / 64)
    place = np.arange(taps) - taps // 2 + 1
    weights = windowed_sinc(place[None] - (nodes[:, None] + 1) / 2, taps)
    chebyshev = np.polynomial.chebyshev.chebfit(nodes, weights, _DEGREE)
    return np.stack([np.polynomial.chebyshev.cheb2poly(c) for c in chebyshev.T], axis=1)


def delayed(x: torch.Tensor, delay: torch.Tensor, taps: int = 32) -> torch.Tensor:
    """Return ``x(n - delay(n))``, band-limited, differentiable in both.

    Parameters
    ----------
    x
        (..., n) samples; silence before and after.
    delay
        (..., n) in samples, of any sign; shaped as `x`.
    taps
        Even; samples that each read looks at.

    Raises
    ------
    ValidationError
        If the shapes differ.

    Examples
    --------
    >>> x = torch.zeros(8)
    >>> x[2] = 1.0
    >>> (delayed(x, torch.full((8,), 3.0)).abs() > 0.5).nonzero().flatten()
    tensor([5])
    """
    if x.shape != delay.shape:
        raise ValidationError(
            f"a delay must be given for each sample: the sound is {tuple(x.shape)}, the delay "
            f"{tuple(delay.shape)}"
        )
    n = x.shape[-1]
    flat, lag = x.reshape(-1, n), delay.reshape(-1, n)
    # Whole and broken part come from the delay alone: place minus delay would lose its digits
    # after a few seconds in single precision.
    whole = torch.ceil(lag.detach())
    fraction = whole - lag
    bank = torch.from_numpy(_filters(taps)).to(x)
    # Beyond the margins there is silence: any read out there may be any other.
    padded = F.pad(flat[:, None], (taps, taps))
    filtered = F.conv1d(padded, bank[:, None])
    before = torch.arange(n, device=x.device) - whole.long() + taps // 2 + 1
    index = before.clamp(0, filtered.shape[-1] - 1)
    parts = filtered.gather(2, index[:, None].expand(-1, len(bank), -1))
    z = 2 * fraction - 1
    value = parts[:, -1]
    for power in range(len(bank) - 2, -1, -1):
        value = value * z + parts[:, power]
    return value.reshape(x.shape)
