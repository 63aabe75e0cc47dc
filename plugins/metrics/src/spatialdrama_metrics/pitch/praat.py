"""Praat's autocorrelation tracker through praat-parselmouth: an optional extra.

parselmouth is licensed GPL-3; nothing here imports it before somebody asks for this tracker by
name. Source: P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.pitch.track import grid_frames, on_grid

EXTRA = "spatialdrama-metrics[praat]"


@attrs.frozen
class Praat:
    """A tracker: Praat's "To Pitch (ac)".

    Parameters
    ----------
    voicing : float
        Strength from which a frame is voiced.
    silence : float
        Frames below this share of the loudest amplitude are unvoiced.

    Raises
    ------
    PluginImportError
        On use, without praat-parselmouth.

    Examples
    --------
    >>> Praat().voicing
    0.45
    """

    voicing: float = attrs.field(default=0.45, validator=attrs.validators.ge(0))
    silence: float = attrs.field(default=0.03, validator=attrs.validators.ge(0))

    def track(
        self, mono: NDArray, *, rate: int, hop_s: float, low: float, high: float
    ) -> NDArray[np.float64]:
        """Hz on the grid, 0 where unvoiced."""
        praat = optional("parselmouth", who="the tracker 'praat'", extra=EXTRA)
        frames = grid_frames(len(mono), rate=rate, hop_s=hop_s)
        if len(mono) / rate < 3.1 / low:  # Praat refuses less than three periods
            return np.zeros(frames)
        pitch = praat.Sound(np.asarray(mono, dtype=np.float64), float(rate)).to_pitch_ac(
            time_step=hop_s,
            pitch_floor=low,
            pitch_ceiling=high,
            silence_threshold=self.silence,
            voicing_threshold=self.voicing,
        )
        f0 = np.nan_to_num(pitch.selected_array["frequency"])
        return on_grid(pitch.xs(), f0, hop_s=hop_s, frames=frames)
