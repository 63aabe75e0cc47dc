"""The direct sound: one pair of filters per 64 samples, cross-faded."""

from __future__ import annotations

from typing import Any

import numpy as np

from spatialdrama_render.hrtf import HrtfSet

#: Samples between control points of the direct sound (1.3 ms at 48 kHz).
HOP = 64


class DirectFilter:
    """Applies a head's filters to a moving source, block by block, without memory.

    Parameters
    ----------
    head : HrtfSet

    Notes
    -----
    Between control points s and s + 1 the output is (1 - a) (h_s * x) + a (h_{s+1} * x) with a
    rising from 0 to 1: each is an overlap-save product of spectra, so the cost is three short
    transforms per ear and hop. The filters are mixed barycentrically as spectra.
    """

    def __init__(self, head: HrtfSet) -> None:
        self.history = -(-(head.taps - 1) // HOP) * HOP
        self._size = self.history + HOP
        import scipy.fft

        self._table = scipy.fft.rfft(head.filters.astype(np.float32), self._size)
        self._fade = (np.arange(HOP, dtype=np.float32) / HOP)[None]

    def __call__(self, ears: np.ndarray, index: Any, weight: Any) -> np.ndarray:
        """Filter one block.

        Parameters
        ----------
        ears : (2, history + s * HOP) float32
            Delayed and levelled signals; the first `history` samples only warm up.
        index, weight : (s + 1, 3)
            From :meth:`HrtfSet.weights`, at the control points from the end of the history on.

        Returns
        -------
        (2, s * HOP) float32
        """
        import scipy.fft

        out = np.empty((2, ears.shape[1] - self.history), dtype=np.float32)
        weight = weight.astype(np.float32)
        still = bool((index == index[0]).all() and np.ptp(weight, axis=0).max() < 1e-7)
        for e in (0, 1):
            windows = np.lib.stride_tricks.sliding_window_view(ears[e], self._size)[::HOP]
            spectra = scipy.fft.rfft(windows)
            if still:
                one = weight[0] @ self._table[index[0], e]
                out[e] = scipy.fft.irfft(spectra * one, self._size)[:, -HOP:].ravel()
                continue
            mixed = np.einsum("sk,skf->sf", weight, self._table[index, e])
            old = scipy.fft.irfft(spectra * mixed[:-1], self._size)[:, -HOP:]
            new = scipy.fft.irfft(spectra * mixed[1:], self._size)[:, -HOP:]
            out[e] = (old + self._fade * (new - old)).ravel()
        return out
