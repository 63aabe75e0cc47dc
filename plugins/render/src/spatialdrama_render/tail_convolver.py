"""The late part of a room as it runs: one convolution in blocks, the same offline and live."""

from __future__ import annotations

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import lane_fft
from spatialdrama_render.jit import inner, kernel
from spatialdrama_render.lanes import WIDTH, load, splat, store

#: Longest pieces that a response is cut into.
_LONGEST = 1536
#: Blocks are multiples of this many samples, and so are pieces.
_GRAIN = 128
#: Bins that are multiplied at a time; they lie together for all pieces.
_BINS = 4 * WIDTH


class TailConvolver:
    """Convolve a signal that comes in equal blocks with a long response of `c` channels.

    Parameters
    ----------
    response : (c, m) float32
    block : int
        Samples per block, a multiple of 128.

    Notes
    -----
    Uniformly partitioned overlap-save (Stockham 1966; Kulp 1988): the response is cut into equal
    pieces, the spectra of as many past pieces of the signal are kept, and each new one costs one
    transform, one product per piece and one transform back.
    """

    def __init__(self, response: np.ndarray, block: int) -> None:
        self._spectra = partitioned(response, block)
        self._past = PastBlocks(-(-response.shape[1] // block), block)

    def __call__(self, signal: np.ndarray | None) -> np.ndarray:
        """Return the (c, block) output that goes with the next (block,) input, None for silence."""
        self._past.push(signal)
        return self._past.through(self._spectra)


@attrs.frozen(eq=False)
class Spectra:
    """A response cut into pieces, transformed.

    Attributes
    ----------
    pairs : (p, bins / 32, pieces, 2, 32) float32
        Two channels are the real and the imaginary part of one complex response.
    channels : int
    """

    pairs: np.ndarray
    channels: int


class PastBlocks:
    """Spectra of the last blocks of a signal, to be multiplied with any response's.

    Parameters
    ----------
    blocks : int
        How many blocks the longest response has.
    block : int
        A multiple of 128.
    """

    def __init__(self, blocks: int, block: int) -> None:
        self.block, self._part = block, _part(block)
        size = 2 * self._part
        self._radices, self._roots = lane_fft.radices(size), lane_fft.roots(size)
        # A block brings several pieces at once; the first of them looks back as far as any.
        kept = (max(1, blocks) + 1) * (block // self._part) - 1
        self._past = np.zeros((size // _BINS, kept, 2, _BINS), dtype=np.float32)
        self._newest = 0
        self._window = np.zeros(self._part + block, dtype=np.float32)
        self._none = np.zeros(block, dtype=np.float32)
        self._blocks, self._silent = max(1, blocks), max(1, blocks) + 1

    def push(self, signal: np.ndarray | None) -> None:
        """Take the next (block,) samples, None for silence."""
        quiet = signal is None or not signal.any()
        self._silent = self._silent + 1 if quiet else 0
        self._newest = _push(
            self._window, self._none if signal is None else signal, self._part, self._past,
            self._newest, self._radices, self._roots,
        )  # fmt: skip

    def through(self, spectra: Spectra) -> np.ndarray:
        """Return the (c, block) samples of the last block through a response."""
        out = np.zeros((spectra.channels, self.block), dtype=np.float32)
        if self._silent <= self._blocks:
            _through(
                self._past, self._newest, spectra.pairs, self._part, self._radices, self._roots, out
            )
        return out


def partitioned(response: np.ndarray, block: int) -> Spectra:
    """Return the spectra of a response (c, m) for blocks of a length."""
    channels, length = response.shape
    part = _part(block)
    size, pieces = 2 * part, max(1, -(-length // block)) * (block // part)
    padded = np.zeros((channels + channels % 2, pieces * part), dtype=np.float32)
    padded[:channels, :length] = response / np.float32(size)
    pairs = np.empty((len(padded) // 2, size // _BINS, pieces, 2, _BINS), dtype=np.float32)
    _transform_pieces(
        padded.reshape(-1, 2, pieces, part), lane_fft.radices(size), lane_fft.roots(size), pairs
    )
    return Spectra(pairs, channels)


def _part(block: int) -> int:
    """Return how long the pieces for a block are: as long as transforms and caches allow."""
    if block % _GRAIN or block <= 0:
        raise ValidationError(f"a block is a multiple of {_GRAIN} samples; got {block!r}.")
    sizes = (_GRAIN * 2**a * 3**b for a in range(4) for b in range(3))
    return max(size for size in sizes if size <= _LONGEST and block % size == 0)


@kernel
def _transform_pieces(parts, radices, roots, pairs):
    part = parts.shape[3]
    work = np.zeros((2 * part, 2, WIDTH), dtype=np.float32)
    for pair in range(len(parts)):
        for begin in range(0, parts.shape[2], WIDTH):
            count = min(WIDTH, parts.shape[2] - begin)
            for n in range(2 * part):
                for lane in range(count):
                    # The second half of the window is where the response has ended.
                    work[n, 0, lane] = parts[pair, 0, begin + lane, n] if n < part else 0
                    work[n, 1, lane] = parts[pair, 1, begin + lane, n] if n < part else 0
            lane_fft.forward(work, radices, roots)
            for lane in range(count):
                _put(work, lane, pairs[pair], begin + lane)


@kernel
def _push(window, signal, part, past, newest, radices, roots):
    """Add the spectra of a block's pieces to the ring; return where the newest one is."""
    block = len(signal)
    for n in range(part):
        window[n] = window[block + n]
    for n in range(block):
        window[part + n] = signal[n]
    work = np.zeros((2 * part, 2, WIDTH), dtype=np.float32)
    pieces = block // part
    for begin in range(0, pieces, WIDTH):
        count = min(WIDTH, pieces - begin)
        for n in range(2 * part):
            for lane in range(WIDTH):
                at = (begin + lane) * part + n
                work[n, 0, lane] = window[at] if lane < count else 0
                work[n, 1, lane] = 0
        lane_fft.forward(work, radices, roots)
        for lane in range(count):
            newest = (newest if newest else past.shape[1]) - 1
            _put(work, lane, past, newest)
    return newest


@inner
def _put(work, lane, spectra, piece):
    for b in range(len(spectra)):
        for e in range(2):
            for f in range(_BINS):
                spectra[b, piece, e, f] = work[b * _BINS + f, e, lane]


@kernel
def _through(past, newest, pairs, part, radices, roots, out):
    ring, pieces = past.shape[1], out.shape[1] // part
    heard = np.zeros((2 * part, 2, WIDTH), dtype=np.float32)
    row = np.empty((2, _BINS), dtype=np.float32)
    for pair in range(len(pairs)):
        spectra = pairs[pair]
        for begin in range(0, pieces, WIDTH):
            count = min(WIDTH, pieces - begin)
            for b in range(len(past)):
                for lane in range(count):
                    at = (newest + pieces - 1 - begin - lane) % ring
                    _multiply(past[b], at, spectra[b], row)
                    for f in range(_BINS):
                        heard[b * _BINS + f, 0, lane] = row[0, f]
                        heard[b * _BINS + f, 1, lane] = row[1, f]
            lane_fft.backward(heard, radices, roots)
            for lane in range(count):
                at = (begin + lane) * part
                for e in range(min(2, len(out) - 2 * pair)):
                    for n in range(part):
                        out[2 * pair + e, at + n] = heard[part + n, e, lane]


@inner
def _multiply(past, at, spectra, row):
    """Fill (2, 32) `row` with the sum of products of all pieces, from ring place `at` on."""
    r0 = r1 = r2 = r3 = splat(np.float32(0))
    i0 = i1 = i2 = i3 = splat(np.float32(0))
    for p in range(len(spectra)):
        r0, i0 = _product(past, at, spectra, p, 0, r0, i0)
        r1, i1 = _product(past, at, spectra, p, WIDTH, r1, i1)
        r2, i2 = _product(past, at, spectra, p, 2 * WIDTH, r2, i2)
        r3, i3 = _product(past, at, spectra, p, 3 * WIDTH, r3, i3)
        at = at + 1 if at + 1 < len(past) else 0
    store(row, (0, 0), r0)
    store(row, (0, WIDTH), r1)
    store(row, (0, 2 * WIDTH), r2)
    store(row, (0, 3 * WIDTH), r3)
    store(row, (1, 0), i0)
    store(row, (1, WIDTH), i1)
    store(row, (1, 2 * WIDTH), i2)
    store(row, (1, 3 * WIDTH), i3)


@inner
def _product(past, at, spectra, piece, lane, real, imaginary):
    xr, xi = load(past, (at, 0, lane)), load(past, (at, 1, lane))
    hr, hi = load(spectra, (piece, 0, lane)), load(spectra, (piece, 1, lane))
    return real + xr * hr - xi * hi, imaginary + xr * hi + xi * hr
