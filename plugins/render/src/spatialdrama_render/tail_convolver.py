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
        self._spectra = partitioned(response, block)
        self._past = PastBlocks(self._spectra.shape[1], block)

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Return the (c, block) output that goes with the next (block,) input."""
        self._past.push(signal)
        return self._past.through(self._spectra)


class PastBlocks:
    """Spectra of the last blocks of a signal, to be multiplied with any response's.

    Parameters
    ----------
    pieces : int
        How many blocks the longest response has.
    block : int
    """

    def __init__(self, pieces: int, block: int) -> None:
        self.block = block
        self._past = np.zeros((pieces, block + 1), dtype=np.complex64)
        self._newest = 0
        self._window = np.zeros(2 * block, dtype=np.float32)
        self._silent = pieces + 1

    def push(self, signal: np.ndarray | None) -> None:
        """Take the next (block,) samples, None for silence."""
        import scipy.fft

        self._window[: self.block] = self._window[self.block :]
        self._window[self.block :] = 0 if signal is None else signal
        self._newest = (self._newest - 1) % len(self._past)
        self._past[self._newest] = scipy.fft.rfft(self._window)
        quiet = signal is None or not signal.any()
        self._silent = self._silent + 1 if quiet else 0

    def through(self, spectra: np.ndarray) -> np.ndarray:
        """Return the (c, block) samples of the last block through (c, pieces, bins) spectra."""
        import scipy.fft

        if self._silent > len(self._past):
            return np.zeros((len(spectra), self.block), dtype=np.float32)
        total = _product(self._past, spectra, self._newest)
        return scipy.fft.irfft(total, 2 * self.block)[:, self.block :]


def partitioned(response: np.ndarray, block: int) -> np.ndarray:
    """Return (c, pieces, block + 1) complex64 spectra of a response (c, m) cut into blocks."""
    import scipy.fft

    channels, length = response.shape
    pieces = max(1, -(-length // block))
    padded = np.zeros((channels, pieces * block), dtype=np.float32)
    padded[:, :length] = response
    return scipy.fft.rfft(padded.reshape(channels, pieces, block), 2 * block)


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
