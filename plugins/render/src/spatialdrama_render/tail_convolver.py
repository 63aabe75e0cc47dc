"""The late part of a room as it runs: one convolution in blocks, the same offline and live."""

from __future__ import annotations

import numpy as np

from spatialdrama_render.jit import kernel


class TailConvolver:
    """Convolve a signal that comes in equal blocks with a long response of `c` channels.

    Parameters
    ----------
    response : (c, m) float32
    block : int
        Samples per block, even.

    Notes
    -----
    Uniformly partitioned overlap-save (Stockham 1966; Kulp 1988): the response is cut into pieces
    of one block, the spectra of past blocks are kept, and each block costs one transform, one
    product per piece and one inverse transform per channel.
    """

    def __init__(self, response: np.ndarray, block: int) -> None:
        import scipy.fft

        channels, length = response.shape
        pieces = max(1, -(-length // block))
        padded = np.zeros((channels, pieces * block), dtype=np.float32)
        padded[:, :length] = response
        cut = padded.reshape(channels, pieces, block)
        self.block = block
        self._spectra = scipy.fft.rfft(cut, 2 * block)  # (c, pieces, bins)
        self._past = np.zeros((pieces, block + 1), dtype=np.complex64)
        self._newest = 0
        self._window = np.zeros(2 * block, dtype=np.float32)

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Return the (c, block) output that goes with the next (block,) input."""
        import scipy.fft

        self._window[: self.block] = self._window[self.block :]
        self._window[self.block :] = signal
        self._newest = (self._newest - 1) % len(self._past)
        self._past[self._newest] = scipy.fft.rfft(self._window)
        total = _product(self._past, self._spectra, self._newest)
        return scipy.fft.irfft(total, 2 * self.block)[:, self.block :]


@kernel
def _product(past, spectra, newest):
    channels, pieces, bins = spectra.shape
    total = np.zeros((channels, bins), dtype=np.complex64)
    for p in range(pieces):
        row = past[(newest + p) % pieces]
        for c in range(channels):
            piece = spectra[c, p]
            for f in range(bins):
                total[c, f] += row[f] * piece[f]
    return total
