"""SwiftF0: a convolutional network of 96 000 weights that hears pitch through noise and rooms.

Source: L. Nieradzik (2025), "SwiftF0: Fast and accurate monophonic pitch detection",
arXiv:2508.18440; the released ONNX graph (MIT) takes 16 kHz samples and a range, and gives a pitch
and a confidence every 256 samples.
"""

from __future__ import annotations

import os
from functools import lru_cache

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.runtime.assets import locate
from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.pitch.track import grid_frames, on_grid, resampled

EXTRA = "spatialdrama-metrics"
ASSET = "swift-f0"
RATE = 16_000
_HOP = 256
#: Frames a call, and those before and after that the network sees beyond its own (2815 samples).
_BLOCK, _CONTEXT = 1875, 11
#: dB below the loudest sample; silence has a texture that the network never saw.
_SILENT_DB = -60.0
#: Hz; what the network was trained on.
_LOWEST, _HIGHEST = 46.875, 2093.75


@lru_cache(maxsize=1)
def _session():
    path = locate(ASSET)
    runtime = optional("onnxruntime", who="the tracker 'swift-f0'", extra=EXTRA)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@attrs.frozen
class SwiftF0:
    """A tracker: SwiftF0 through ONNX Runtime, on the CPU.

    Parameters
    ----------
    confidence : float
        A frame is voiced from this confidence on. The network's own mark is .5; .3 agrees better
        with Praat on synthetic lines and in rooms, where .5 loses half of the voiced frames.

    Raises
    ------
    AssetError
        On first use, when the model's file is missing; it names the command.

    Examples
    --------
    >>> f0 = SwiftF0().track(np.zeros(1600), rate=16000, hop_s=0.01, low=60, high=600)
    >>> f0.any()  # silence: the model is not asked
    np.False_
    """

    confidence: float = attrs.field(
        default=0.3, validator=[attrs.validators.gt(0), attrs.validators.lt(1)]
    )

    def track(
        self, mono: NDArray, *, rate: int, hop_s: float, low: float, high: float
    ) -> NDArray[np.float64]:
        """Hz on the grid, 0 where unvoiced."""
        frames = grid_frames(len(mono), rate=rate, hop_s=hop_s)
        peak = float(np.abs(mono).max())
        if peak == 0:
            return np.zeros(frames)
        wave = resampled(mono / peak, rate=rate, to=RATE).astype(np.float32)
        wave = np.pad(wave, (0, -len(wave) % _HOP))
        f0, confidence = self._ask(wave, max(low, _LOWEST), min(high, _HIGHEST))
        loud = np.abs(wave.reshape(-1, _HOP)).max(axis=1) >= 10 ** (_SILENT_DB / 20)
        voiced = (confidence >= self.confidence) & loud
        times = np.arange(len(f0)) * (_HOP / RATE)
        return on_grid(times, np.where(voiced, f0, 0.0), hop_s=hop_s, frames=frames)

    @staticmethod
    def _ask(wave: NDArray, low: float, high: float) -> tuple[NDArray, NDArray]:
        """In blocks that overlap by what a frame can see, so that their borders leave no trace."""
        session, count = _session(), len(wave) // _HOP
        given = {"fmin": np.array(low, np.float32), "fmax": np.array(high, np.float32)}
        parts = []
        for start in range(0, count, _BLOCK):
            end = min(start + _BLOCK, count)
            first, last = max(0, start - _CONTEXT), min(count, end + _CONTEXT)
            block = wave[None, first * _HOP : last * _HOP]
            f0, confidence = session.run(["pitch", "confidence"], {"audio": block, **given})
            own = slice(start - first, end - first)
            parts.append((f0[0, own], confidence[0, own]))
        return tuple(np.concatenate(rows).astype(np.float64) for rows in zip(*parts, strict=True))
