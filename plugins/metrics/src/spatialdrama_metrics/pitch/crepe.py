"""CREPE through torchcrepe: an optional extra, with torch.

Source: J. W. Kim et al. (2018), "CREPE: A convolutional representation for pitch estimation",
ICASSP. torchcrepe 0.0.24 (MIT) carries the weights of both sizes.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from spatialdrama.dsp.active import gate
from spatialdrama.dsp.level import power_to_db
from spatialdrama.dsp.stft import framed
from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.pitch.track import grid_frames, on_grid, resampled

EXTRA = "spatialdrama-metrics[crepe]"
RATE = 16_000
_WINDOW = 1024


@attrs.frozen
class Crepe:
    """A tracker: CREPE with Viterbi decoding.

    Parameters
    ----------
    model : {"full", "tiny"}
    periodicity : float
        A frame is voiced from this (median of three frames) on.
    gate_db : float
        Frames this far below the loudest are unvoiced: the network finds a pitch in silence, too.
    device : str
        Torch's name of it.

    Raises
    ------
    PluginImportError
        On use, without torchcrepe.

    Examples
    --------
    >>> Crepe("tiny").model
    'tiny'
    """

    model: str = attrs.field(default="full", validator=attrs.validators.in_(("full", "tiny")))
    periodicity: float = attrs.field(default=0.3, kw_only=True, validator=attrs.validators.ge(0))
    gate_db: float = attrs.field(default=40.0, kw_only=True, validator=attrs.validators.gt(0))
    device: str = attrs.field(default="cpu", kw_only=True)

    def track(
        self, mono: NDArray, *, rate: int, hop_s: float, low: float, high: float
    ) -> NDArray[np.float64]:
        """Hz on the grid, 0 where unvoiced."""
        crepe = optional("torchcrepe", who="the tracker 'crepe'", extra=EXTRA)
        import torch

        wave = resampled(mono, rate=rate, to=RATE)
        hop = round(hop_s * RATE)
        f0, periodicity = crepe.predict(
            torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None],
            RATE,
            hop,
            fmin=low,
            fmax=high,
            model=self.model,
            return_periodicity=True,
            batch_size=512,
            device=self.device,
        )
        f0, periodicity = (np.asarray(values[0], dtype=np.float64) for values in (f0, periodicity))
        level = power_to_db((framed(wave, length=_WINDOW, hop=hop) ** 2).mean(axis=-1))
        count = min(len(f0), len(level))
        voiced = median_filter(periodicity[:count], size=3) >= self.periodicity
        voiced &= gate(level[:count], gate_db=self.gate_db)
        times = np.arange(count) * (hop / RATE)
        frames = grid_frames(len(mono), rate=rate, hop_s=hop_s)
        return on_grid(times, np.where(voiced, f0[:count], 0.0), hop_s=hop_s, frames=frames)
