"""Reflections: reads mixed into a few buses per ear, and one fixed filter per bus.

The oracle is :mod:`spatialdrama_render.buses`. Both steps are matrix products. A hop of 128
samples of all buses is (samples, images) times (images, buses), once with the weights at its
beginning and once, ramped, with what they change by. A filter of 128 taps is a product with a
Toeplitz matrix: 64 samples of output are three blocks of 64 samples of input times three fixed
64 x 64 matrices, per bus.

Matrix units are fast on bfloat16, which has 8 bits. A float32 is split into two of them, and three
of the four products of halves are kept: errors are below -100 dB. Buses and filters are stored
split, which takes no more room than a float32.
"""

from __future__ import annotations

import numpy as np

from spatialdrama_render.cuda.fields import (
    COLUMNS,
    HOP,
    R_COLUMNS,
    R_FIRST_HOP,
    R_HOPS,
    R_WIDTH,
    ROWS,
    TERMS,
)
from spatialdrama_render.cuda.lang import constant, kernel, tl
from spatialdrama_render.cuda.read import values_at

#: Samples in and out of one Toeplitz block.
BLOCK = 64

_BLOCK = constant(BLOCK)


def toeplitz(filters: np.ndarray) -> np.ndarray:
    """Return (size, blocks, BLOCK, BLOCK) float32: products that are the filters (size, taps).

    Matrix j of a filter takes the block of input that lies ``blocks - 1 - j`` before that of
    output.
    """
    taps = filters.shape[1]
    reach = -(-(taps - 1) // BLOCK)
    k = np.arange(BLOCK)
    t = k[None, None] - k[None, :, None] + (reach - np.arange(reach + 1))[:, None, None] * BLOCK
    inside = (t >= 0) & (t < taps)
    return np.where(inside, filters[:, np.clip(t, 0, taps - 1)], np.float32(0))


@kernel
def halves(x):
    """Return two bfloat16 whose sum is `x`, to 16 bits."""
    high = x.to(tl.bfloat16)
    return high, (x - high.to(tl.float32)).to(tl.bfloat16)


@kernel
def _product(a, b, total):
    """Add the matrix product of two float32, each split in halves."""
    a_high, a_low = halves(a)
    b_high, b_low = halves(b)
    total = tl.dot(a_low, b_high, total)
    total = tl.dot(a_high, b_low, total)
    return tl.dot(a_high, b_high, total)


@kernel
def _shares(shares, index, weight, total, at, ear, s, known, C: tl.constexpr, SIZE: tl.constexpr):
    """Return (images, buses): what the images at control point `at` have of each bus."""
    out = tl.zeros((at.shape[0], s.shape[0]), tl.float32)
    fits = known[:, None] & (s < SIZE)[None, :]
    for c in tl.static_range(3):
        corner = tl.load(index + c * total + at, mask=known, other=0)
        part = tl.load(weight + c * total + at, mask=known, other=0.0)
        one = shares + (corner * C + ear)[:, None] * SIZE + s[None, :]
        out += part[:, None] * tl.load(one, mask=fits, other=0.0)
    return out


@kernel
def mix_images(
    rows, hop_row, first_hop, points, base, rest, colour, index, weight, shares, polynomials,
    high, low, Q: tl.constexpr, C: tl.constexpr, IMAGES: tl.constexpr, CHUNK: tl.constexpr,
    SIZE: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Fill one hop of one ear of (c, buses, 128) halves, the first of which is `first_hop`.

    Samples come first in every matrix: where nothing else is known, that is the side along which
    Triton lays neighbouring threads, and neighbouring samples read neighbouring columns.
    """
    place = tl.program_id(0).to(tl.int64)
    ear = (place % C).to(tl.int32)
    hop = first_hop + place // C
    row = tl.load(hop_row + hop).to(tl.int64)
    r = rows + row * ROWS
    width = tl.multiple_of(tl.load(r + R_WIDTH).to(tl.int32), COLUMNS)
    source = polynomials + tl.multiple_of(tl.load(r + R_COLUMNS), COLUMNS) * (Q * TERMS)
    total = points.to(tl.int64) * IMAGES
    base += ear * total
    rest += ear * total
    n = tl.arange(0, HOP)
    along = (n.to(tl.float32) * (1.0 / HOP))[:, None]
    s = tl.arange(0, S)
    buses = tl.zeros((HOP, S), tl.float32)
    for i0 in range(0, IMAGES, CHUNK):
        i = i0 + tl.arange(0, CHUNK)
        known = i < IMAGES
        now = (hop + row) * IMAGES + i
        then = now + IMAGES
        b0, b1 = tl.load(base + now, mask=known, other=0), tl.load(base + then, mask=known, other=0)
        f0 = tl.load(rest + now, mask=known, other=0.0)
        f1 = tl.load(rest + then, mask=known, other=0.0)
        slope = (b1 - b0 - HOP).to(tl.float32) + (f1 - f0)
        moved = f0[None, :] + slope[None, :] * along
        shift = tl.floor(moved + 0.5)
        column = (b0[None, :] + n[:, None]) + shift.to(tl.int32)
        column = tl.minimum(tl.maximum(column, 0), width - 1)
        x = tl.zeros((HOP, CHUNK), tl.float32)
        for q in tl.static_range(Q):
            c0 = tl.load(colour + q * total + now, mask=known, other=0.0)
            c1 = tl.load(colour + q * total + then, mask=known, other=0.0)
            read = values_at(source + q * TERMS * width, width, column, moved - shift)
            x += (c0[None, :] + (c1 - c0)[None, :] * along) * read
        w0 = _shares(shares, index, weight, total, now, ear, s, known, C, SIZE)
        w1 = _shares(shares, index, weight, total, then, ear, s, known, C, SIZE)
        buses = _product(x, w0, buses)
        buses = _product(x * along, w1 - w0, buses)
    out = place * (SIZE * HOP) + s[None, :] * HOP + n[:, None]
    one, two = halves(buses)
    tl.store(high + out, one, mask=(s < SIZE)[None, :])
    tl.store(low + out, two, mask=(s < SIZE)[None, :])


@kernel
def filter_buses(
    rows, hop_row, first_hop, skipped, end_hop, high, low, filters_high, filters_low, out,
    C: tl.constexpr, SIZE: tl.constexpr, REACH: tl.constexpr, HOPS: tl.constexpr,
):  # fmt: skip
    """Add HOPS hops of one ear's buses, through their filters, to `out`.

    The halves begin `skipped` hops before `first_hop`: what the filters reach back to.
    """
    ear = tl.program_id(1)
    per_hop: tl.constexpr = HOP // _BLOCK
    a = tl.arange(0, HOPS * per_hop)
    hop = first_hop + tl.program_id(0).to(tl.int64) * HOPS + a // per_hop
    known = hop < end_hop
    hop = tl.minimum(hop, end_hop - 1)
    row = tl.load(hop_row + hop).to(tl.int64)
    first = tl.load(rows + row * ROWS + R_FIRST_HOP)
    count = tl.load(rows + row * ROWS + R_HOPS)
    k = tl.arange(0, _BLOCK)
    square = k[:, None] * _BLOCK + k[None, :]
    total = tl.zeros((HOPS * per_hop, _BLOCK), tl.float32)
    for j in range(REACH + 1):
        # The block of input that lies REACH - j blocks before the one of output.
        block = a % per_hop + (j - REACH) + 64 * per_hop
        from_hop = hop + block // per_hop - 64
        there = (known & (from_hop >= first))[:, None]
        begin = ((from_hop - (first_hop - skipped)) * C + ear) * (SIZE * HOP)
        begin = (begin + (block % per_hop) * _BLOCK)[:, None] + k[None, :]
        for s in range(SIZE):
            x_high = tl.load(high + begin + s * HOP, mask=there, other=0.0)
            x_low = tl.load(low + begin + s * HOP, mask=there, other=0.0)
            matrix = (s * (REACH + 1) + j) * (_BLOCK * _BLOCK) + square
            f_high, f_low = tl.load(filters_high + matrix), tl.load(filters_low + matrix)
            total = tl.dot(x_low, f_high, total)
            total = tl.dot(x_high, f_low, total)
            total = tl.dot(x_high, f_high, total)
    place = out + first * (HOP * C) + ear * count * HOP + (hop - first) * HOP
    place = place[:, None] + ((a % per_hop) * _BLOCK)[:, None] + k[None, :]
    heard = tl.load(place, mask=known[:, None], other=0.0)
    tl.store(place, heard + total, mask=known[:, None])
