"""Buses through their basis filters, in short transforms that stay near the processor."""

from __future__ import annotations

import numpy as np

from spatialdrama_render import lane_fft
from spatialdrama_render.buses import HOP, Basis
from spatialdrama_render.jit import inner, kernel
from spatialdrama_render.lanes import WIDTH, load, store, total

#: Longest transform; eight signals of this length still fit a second-level cache.
_LONGEST = 1024


class BusFilter:
    """The buses of one block for all channels, and the sum of what their filters give.

    Parameters
    ----------
    basis : Basis
    channels : int
    block : int
        Samples per block, a multiple of :data:`spatialdrama_render.buses.HOP`.

    Attributes
    ----------
    buses : (pairs, history + block, 2, lanes) float32
        Two channels beside each other, what was before the block first.
    history : int
    pieces : int
        Into how many pieces a block is cut; they can be filtered in any order.

    Notes
    -----
    Overlap-save. Two channels are real and imaginary part of one complex signal, which a real
    filter leaves apart; eight buses are transformed side by side.
    """

    def __init__(self, basis: Basis, channels: int, block: int) -> None:
        self._size, self._step = _cut(basis.history, block)
        self.history, self.pieces = self._size - self._step, block // self._step
        lanes = basis.lane_shares.shape[2]
        self.buses = np.zeros((-(-channels // 2), self.history + block, 2, lanes), dtype=np.float32)
        self._block = block
        self._radices, self._roots = lane_fft.radices(self._size), lane_fft.roots(self._size)
        self._spectra = np.empty((lanes // WIDTH, self._size, 2, WIDTH), dtype=np.float32)
        padded = np.zeros((self._size, 2, lanes), dtype=np.float32)
        padded[: basis.filters.shape[1], 0, : len(basis.filters)] = basis.filters.T / self._size
        for group, spectrum in enumerate(self._spectra):
            lane_fft.fetch(padded, 0, WIDTH * group, spectrum)
            lane_fft.forward(spectrum, self._radices, self._roots)

    def begin(self) -> None:
        """Make room for the next block: what was becomes history, the block itself is silent."""
        self.buses[:, : self.history] = self.buses[:, self._block :]
        self.buses[:, self.history :] = 0

    def ringing(self) -> np.ndarray:
        """Return a copy of what the block leaves for the next one's history."""
        return self.buses[:, self._block :].copy()

    def begin_after(self, ringing: np.ndarray) -> None:
        """Begin a block whose history is what :meth:`ringing` gave."""
        self.buses[:, : self.history] = ringing
        self.buses[:, self.history :] = 0

    def add_to(self, out: np.ndarray, first: int, last: int) -> None:
        """Add pieces `first` to before `last` of the block, filtered, to (c, block) `out`."""
        _filter(self.buses, self._spectra, self._step, self._radices, self._roots, first, last, out)


def _cut(history: int, block: int) -> tuple[int, int]:
    """Return the length of the transforms and how many samples each gives: what costs least."""
    best = (np.inf, 0, 0)
    for step in range(HOP, block + 1, HOP):
        if block % step:
            continue
        # Least product of 2 and 3 that holds both, in whole hops.
        size = min(
            HOP * 2**a * 3**b
            for a in range(24)
            for b in range(3)
            if HOP * 2**a * 3**b >= history + step
        )
        if size > _LONGEST and best[1]:
            break
        best = min(best, (size * np.log2(size) / step, size, step))
    return best[1:]


@kernel
def _filter(buses, spectra, step, radices, roots, first, last, out):
    groups, size = spectra.shape[:2]
    work = np.empty((size, 2, WIDTH), dtype=np.float32)
    mixed = np.empty((size, 2, WIDTH), dtype=np.float32)
    heard = np.zeros((size, 2, WIDTH), dtype=np.float32)
    for pair in range(len(buses)):
        for begin in range(first, last, WIDTH):
            count = min(WIDTH, last - begin)
            for piece in range(count):
                for g in range(groups):
                    lane_fft.fetch(buses[pair], (begin + piece) * step, WIDTH * g, work)
                    lane_fft.forward(work, radices, roots)
                    _multiply(work, spectra[g], g == 0, mixed)
                for f in range(size):
                    heard[f, 0, piece] = total(load(mixed, (f, 0, 0)))
                    heard[f, 1, piece] = total(load(mixed, (f, 1, 0)))
            lane_fft.backward(heard, radices, roots)
            for piece in range(count):
                at = (begin + piece) * step
                for part in range(min(2, len(out) - 2 * pair)):
                    for n in range(step):
                        out[2 * pair + part, at + n] += heard[size - step + n, part, piece]


@inner
def _multiply(work, spectrum, anew, mixed):
    for f in range(len(work)):
        xr, xi = load(work, (f, 0, 0)), load(work, (f, 1, 0))
        hr, hi = load(spectrum, (f, 0, 0)), load(spectrum, (f, 1, 0))
        real, imaginary = xr * hr - xi * hi, xr * hi + xi * hr
        if not anew:
            real += load(mixed, (f, 0, 0))
            imaginary += load(mixed, (f, 1, 0))
        store(mixed, (f, 0, 0), real)
        store(mixed, (f, 1, 0), imaginary)
