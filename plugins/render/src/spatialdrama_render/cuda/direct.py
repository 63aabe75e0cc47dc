"""The direct sound: read at moving times, then one pair of filters per 64 samples, cross-faded.

The oracle is :mod:`spatialdrama_render.direct`.
"""

from __future__ import annotations

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
from spatialdrama_render.cuda.read import four_at, value_at

#: Samples between control points.
STEP = 64
#: Samples that one program of :func:`read_direct` reads.
READ = 128

_STEP = constant(STEP)


@kernel
def read_direct(
    rows, hop_row, hops, points, base, rest, colour, polynomials, dry,
    Q: tl.constexpr, C: tl.constexpr, B: tl.constexpr,
):  # fmt: skip
    """Fill (c, samples) `dry` of each row with the voice as it arrives, before the filters."""
    n = tl.program_id(0).to(tl.int64) * B + tl.arange(0, B)
    ear = tl.program_id(1)
    hop = n // HOP
    known = hop < hops
    hop = tl.minimum(hop, hops - 1)
    row = tl.load(hop_row + hop).to(tl.int64)
    r = rows + row * ROWS
    width, first, count = tl.load(r + R_WIDTH), tl.load(r + R_FIRST_HOP), tl.load(r + R_HOPS)
    columns = tl.multiple_of(tl.load(r + R_COLUMNS), COLUMNS)
    source = polynomials + columns * (Q * TERMS)
    point = tl.minimum(n, hops.to(tl.int64) * HOP - 1) // _STEP + row
    at = (n % _STEP).to(tl.int32)
    along = at.to(tl.float32) * (1.0 / _STEP)
    place = ear * points + point
    b0, b1 = tl.load(base + place), tl.load(base + place + 1)
    f0, f1 = tl.load(rest + place), tl.load(rest + place + 1)
    # The whole parts are subtracted as whole numbers, so what is left is small and exact.
    moved = f0 + ((b1 - b0 - _STEP).to(tl.float32) + (f1 - f0)) * along
    shift = tl.floor(moved + 0.5)
    column = (b0 + at + shift.to(tl.int32)).to(tl.int64)
    column = tl.minimum(tl.maximum(column, 0), width - 1)
    value = tl.zeros((B,), tl.float32)
    for q in tl.static_range(Q):
        c0, c1 = tl.load(colour + q * points + point), tl.load(colour + q * points + point + 1)
        read = value_at(source + q * TERMS * width, width, column, moved - shift)
        value += (c0 + (c1 - c0) * along) * read
    out = dry + first * (HOP * C) + ear * count * HOP + (n - first * HOP)
    tl.store(out, value, mask=known)


@kernel
def mix_filters(
    table, size, points, index, weight, shell, filters,
    TAPS: tl.constexpr, C: tl.constexpr, SHELLS: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    """Fill (points, c, T) `filters` from three corners and two shells; zero beyond the taps."""
    point = tl.program_id(0).to(tl.int64)
    low = 0
    beyond = 0.0
    if SHELLS > 1:
        level = tl.load(shell + point)
        low = tl.minimum(level.to(tl.int32), SHELLS - 2)
        beyond = level - low
    k = tl.arange(0, C * T)
    ear, t = k // T, k % T
    inside = t < TAPS
    total = tl.zeros((C * T,), tl.float32)
    for c in tl.static_range(3):
        corner = tl.load(index + c * points + point)
        share = tl.load(weight + c * points + point)
        taps = table + (low * size + corner).to(tl.int64) * (C * TAPS) + ear * TAPS + t
        one = tl.load(taps, mask=inside, other=0.0)
        if SHELLS > 1:
            two = tl.load(taps + size * (C * TAPS), mask=inside, other=0.0)
            one += beyond * (two - one)
        total += share * one
    tl.store(filters + point * (C * T) + k, total)


@kernel
def filter_direct(
    rows, hop_row, filters, dry, out, C: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    """Fill one hop of one ear of `out` with what it hears of `dry`; a thread for each sample."""
    hop = tl.program_id(0).to(tl.int64)
    ear = tl.program_id(1)
    row = tl.load(hop_row + hop).to(tl.int64)
    first = tl.load(rows + row * ROWS + R_FIRST_HOP)
    count = tl.load(rows + row * ROWS + R_HOPS)
    n = tl.arange(0, HOP)
    begin = (hop - first).to(tl.int32) * HOP
    place = first * (HOP * C) + ear * count * HOP + begin
    point = hop * (HOP // _STEP) + row + n // _STEP
    now = filters + (point * C + ear) * T
    signal = dry + place + n
    back = begin + n
    old = tl.zeros((HOP,), tl.float32)
    new = tl.zeros((HOP,), tl.float32)
    for t in range(0, T, 4):
        f0, f1, f2, f3 = four_at(now + t)
        g0, g1, g2, g3 = four_at(now + C * T + t)
        x0 = tl.load(signal - t, mask=back >= t, other=0.0)
        x1 = tl.load(signal - t - 1, mask=back >= t + 1, other=0.0)
        x2 = tl.load(signal - t - 2, mask=back >= t + 2, other=0.0)
        x3 = tl.load(signal - t - 3, mask=back >= t + 3, other=0.0)
        old += f0 * x0 + f1 * x1 + f2 * x2 + f3 * x3
        new += g0 * x0 + g1 * x1 + g2 * x2 + g3 * x3
    share = (n % _STEP).to(tl.float32) * (1.0 / _STEP)
    tl.store(out + place + n, old + (new - old) * share)
