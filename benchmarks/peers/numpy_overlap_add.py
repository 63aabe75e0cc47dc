"""Nearest measured response per half-block, overlap-add with numpy and scipy: a script's way.

As good as a careful script makes it: delay and gain sample by sample (``numpy.interp``), spectra of
all responses computed once, transforms in float32, and each block's response is that of its middle.
Blocks of 1024 samples overlap by half under a Hann window, one after the other; `batch` takes so
many at a time, which saves most of Python's share.
"""

from __future__ import annotations

import numpy as np

from peers import RATE, Job, Render, kemar

NAME = "numpy overlap-add"
ORDERS = (0,)
VARIANTS = {"": {}, "64 blocks at once": {"batch": 64}}
HOP = 512
_C = 343.0


def missing() -> str | None:
    """Return None: it needs nothing that the renderer does not need."""
    return None


def prepare(job: Job, batch: int = 1) -> Render:
    """See :mod:`peers`."""
    import scipy.fft
    from scipy.spatial import cKDTree

    directions, responses = kemar()
    size = scipy.fft.next_fast_len(2 * HOP + responses.shape[2] - 1, real=True)
    spectra = scipy.fft.rfft(responses.astype(np.float32), size)
    tree = cKDTree(directions)
    window = np.hanning(2 * HOP + 1)[:-1].astype(np.float32)

    def render() -> np.ndarray:
        n = len(job.mono)
        time = np.arange(n) / RATE
        # Retarded time from where the source is now, one correction: within 0.1 sample here.
        radius = np.linalg.norm(job.positions(time), axis=1)
        radius = np.linalg.norm(job.positions(time - radius / _C), axis=1)
        delayed = np.interp((time - radius / _C) * RATE, np.arange(n), job.mono, left=0.0)
        x = np.zeros(n + 2 * HOP, np.float32)
        x[HOP : HOP + n] = delayed / radius
        blocks = np.lib.stride_tricks.sliding_window_view(x, 2 * HOP)[::HOP] * window
        middle = np.clip(np.arange(len(blocks)) * HOP, 0, n) / RATE
        _, nearest = tree.query(job.positions(middle))
        out = np.zeros((2, (len(blocks) - 1) * HOP + size), np.float32)
        for first in range(0, len(blocks), batch):
            some = slice(first, first + batch)
            spectrum = scipy.fft.rfft(blocks[some], size)
            for ear in (0, 1):
                pieces = scipy.fft.irfft(spectrum * spectra[nearest[some], ear], size)
                for k, piece in enumerate(pieces, first):
                    out[ear, k * HOP : k * HOP + size] += piece
        return out[:, HOP : HOP + n]

    return render
