"""YIN of :mod:`spatialdrama.dsp`: no model, no file."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.pitch import f0_yin
from spatialdrama_metrics.pitch.track import grid_frames, on_grid


@attrs.frozen
class Yin:
    """A tracker: YIN (de Cheveigne and Kawahara 2002).

    Parameters
    ----------
    threshold : float
        As for :func:`spatialdrama.dsp.f0_yin`.

    Examples
    --------
    >>> t = np.arange(8000) / 16000
    >>> voice = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 6))
    >>> f0 = Yin().track(voice, rate=16000, hop_s=0.01, low=60, high=600)
    >>> len(f0), round(float(np.median(f0)))
    (51, 150)
    """

    threshold: float = attrs.field(default=0.15, validator=attrs.validators.gt(0))

    def track(
        self, mono: NDArray, *, rate: int, hop_s: float, low: float, high: float
    ) -> NDArray[np.float64]:
        """Hz on the grid, 0 where unvoiced."""
        found = f0_yin(mono, rate=rate, hop_s=hop_s, low=low, high=high, threshold=self.threshold)
        frames = grid_frames(len(mono), rate=rate, hop_s=hop_s)
        return on_grid(found.times, found.f0, hop_s=hop_s, frames=frames)
