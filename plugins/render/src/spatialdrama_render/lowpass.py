"""The low-passed copies of a voice that mouths, walls and air are mixed from."""

from __future__ import annotations

import numpy as np

from spatialdrama_render.jit import kernel


class LowPasses:
    """One-pole low-passes 1 / (1 + s / w0) side by side, sample after sample.

    Parameters
    ----------
    corners : (m,) float, Hz
    rate : float, Hz

    Notes
    -----
    The bilinear transform, as in :func:`spatialdrama_render.directivity.low_passed`.
    """

    def __init__(self, corners: np.ndarray, rate: float) -> None:
        k = np.tan(np.minimum(np.pi * np.asarray(corners, dtype=float) / rate, 1.5))
        self._forward = k / (1 + k)
        self._back = (1 - k) / (1 + k)
        self._state = np.zeros((2, len(k)))  # the last input and the last outputs
        #: Samples until the slowest has fallen by 120 dB.
        slowest = float(self._back.max()) if len(k) else 0.0
        self.ring = int(np.ceil(np.log(1e-6) / np.log(slowest))) if slowest > 0 else 0

    def __call__(self, mono: np.ndarray) -> np.ndarray:
        """Return (1 + m, n) float32: the next samples, then their low-passed copies."""
        out = np.empty((1 + len(self._forward), len(mono)), dtype=np.float32)
        out[0] = mono
        run(out[0], self._forward, self._back, self._state, out[1:])
        return out

    def forget(self) -> None:
        """Start again from silence."""
        self._state[:] = 0


@kernel
def run(signal, forward, back, state, out):
    """Filter (n,) `signal` into the rows of (m, n) `out`; `state` is kept between calls."""
    for m in range(len(forward)):
        before, y = state[0, m], state[1, m]
        for n in range(len(signal)):
            x = signal[n]
            y = forward[m] * (x + before) + back[m] * y
            before = x
            out[m, n] = y
        state[0, m], state[1, m] = before, y
