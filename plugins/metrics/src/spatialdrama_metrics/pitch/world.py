"""WORLD's trackers through pyworld: an optional extra, built with a C++ compiler.

Sources: M. Morise et al. (2009), "Fast and reliable F0 estimation method based on the period
extraction of vocal fold vibration of singing voice and speech" (DIO); M. Morise (2017), "Harvest: a
high-performance fundamental frequency estimator from speech signals", Interspeech.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.pitch.track import grid_frames, on_grid

EXTRA = "spatialdrama-metrics[world]"


@attrs.frozen
class World:
    """A tracker: DIO with StoneMask, or Harvest.

    Parameters
    ----------
    method : {"dio", "harvest"}
        Harvest is more exact where it is voiced, and calls more frames voiced than anybody else.

    Raises
    ------
    PluginImportError
        On use, without pyworld.

    Examples
    --------
    >>> World("harvest").method
    'harvest'
    """

    method: str = attrs.field(default="dio", validator=attrs.validators.in_(("dio", "harvest")))

    def track(
        self, mono: NDArray, *, rate: int, hop_s: float, low: float, high: float
    ) -> NDArray[np.float64]:
        """Hz on the grid, 0 where unvoiced."""
        world = optional("pyworld", who="the tracker 'world'", extra=EXTRA)
        mono = np.ascontiguousarray(mono, dtype=np.float64)
        options = {"f0_floor": low, "f0_ceil": high, "frame_period": 1000 * hop_s}
        if self.method == "harvest":
            f0, times = world.harvest(mono, int(rate), **options)
        else:
            f0, times = world.dio(mono, int(rate), **options)
            f0 = world.stonemask(mono, f0, times, int(rate))
        # StoneMask may refine a pitch out of the range.
        f0 = np.where((f0 >= low) & (f0 <= high), f0, 0.0)
        frames = grid_frames(len(mono), rate=rate, hop_s=hop_s)
        return on_grid(times, f0, hop_s=hop_s, frames=frames)
