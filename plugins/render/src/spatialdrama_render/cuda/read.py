"""Low-passed copies, polynomials, and reading them at moving times.

The oracles are :mod:`spatialdrama_render.lowpass` and :mod:`spatialdrama_render.delay`.
"""

from __future__ import annotations

from spatialdrama_render.cuda.fields import (
    COLUMNS,
    HALF,
    R_COLUMNS,
    R_CORNERS,
    R_WIDTH,
    ROWS,
    TERMS,
)
from spatialdrama_render.cuda.lang import kernel, tl


@kernel
def _after(a1, b1, a2, b2):
    """Two steps y -> a y + b, one after the other."""
    return a1 * a2, b1 * a2 + b2


@kernel
def low_pass(rows, numbers, column_row, mono, signals, Q: tl.constexpr, T: tl.constexpr):
    """Fill the Q signals of a block of columns: the voice, and its low-passed copies.

    A one-pole low-pass forgets. So each block runs by itself, from T - COLUMNS samples before its
    first on, by which time what came before has fallen by 120 dB.
    """
    block = tl.program_id(0)
    q = tl.program_id(1)
    row = tl.load(column_row + block).to(tl.int64)
    columns = tl.load(rows + row * ROWS + R_COLUMNS)
    width = tl.load(rows + row * ROWS + R_WIDTH)
    n = block.to(tl.int64) * COLUMNS - columns + COLUMNS - T + tl.arange(0, T)
    inside = (n >= 0) & (n < width)
    x = tl.load(mono + columns + n, mask=inside, other=0.0)
    if q > 0:
        before = tl.load(mono + columns + n - 1, mask=inside & (n > 0), other=0.0)
        corner = numbers + tl.load(rows + row * ROWS + R_CORNERS) + 2 * (q - 1)
        forward = tl.load(corner).to(tl.float32)
        back = tl.load(corner + 1).to(tl.float32)
        kept = tl.full((T,), 0.0, tl.float32) + back
        kept, x = tl.associative_scan((kept, forward * (x + before)), 0, _after)
    out = signals + columns * Q + q * width + n
    tl.store(out, x, mask=inside & (tl.arange(0, T) >= T - COLUMNS))


@kernel
def extend(rows, column_row, signals, taps, polynomials, Q: tl.constexpr, B: tl.constexpr):
    """Fill the polynomials of B columns of one signal; see :func:`delay.extend`.

    The first four coefficients of a column lie side by side, and so do the other two, behind those
    of all columns: a read is two wide loads, and reads that lie side by side share cache lines.
    A row's first and last column are silent, for reads that miss the row are led there.
    """
    block = tl.program_id(0)
    q = tl.program_id(1)
    row = tl.load(column_row + block // (COLUMNS // B)).to(tl.int64)
    columns = tl.load(rows + row * ROWS + R_COLUMNS)
    width = tl.load(rows + row * ROWS + R_WIDTH)
    n = block.to(tl.int64) * B - columns + tl.arange(0, B)
    signal = signals + columns * Q + q * width + n
    c0 = tl.zeros((B,), tl.float32)
    c1, c2, c3, c4, c5 = c0, c0, c0, c0, c0
    for k in tl.static_range(2 * HALF + 1):
        at = n + (k - HALF)
        x = tl.load(signal + (k - HALF), mask=(at >= 0) & (at < width), other=0.0)
        x = tl.where((n > 0) & (n < width - 1), x, 0.0)
        tap = taps + k
        c0 += tl.load(tap) * x
        c1 += tl.load(tap + (2 * HALF + 1)) * x
        c2 += tl.load(tap + 2 * (2 * HALF + 1)) * x
        c3 += tl.load(tap + 3 * (2 * HALF + 1)) * x
        c4 += tl.load(tap + 4 * (2 * HALF + 1)) * x
        c5 += tl.load(tap + 5 * (2 * HALF + 1)) * x
    out = polynomials + columns * (Q * TERMS) + q * (TERMS * width)
    four = tl.reshape(tl.join(tl.join(c0, c2), tl.join(c1, c3)), (B, 4))
    tl.store(out + n[:, None] * 4 + tl.arange(0, 4)[None, :], four)
    tl.store(out + 4 * width + n[:, None] * 2 + tl.arange(0, 2)[None, :], tl.join(c4, c5))


@kernel
def four_at(p):
    """Return four numbers that lie side by side, for (n,) pointers."""
    four = tl.load(p[:, None] + tl.arange(0, 4)[None, :])
    even, odd = tl.split(tl.reshape(four, (p.shape[0], 2, 2)))
    a, c = tl.split(even)
    b, d = tl.split(odd)
    return a, b, c, d


@kernel
def value_at(polynomials, width, column, mu):
    """Return the polynomials of (n,) columns at (n,) `mu`."""
    c0, c1, c2, c3 = four_at(polynomials + column * 4)
    last = polynomials + width * 4 + column * 2
    c4, c5 = tl.split(tl.load(last[:, None] + tl.arange(0, 2)[None, :]))
    return ((((c5 * mu + c4) * mu + c3) * mu + c2) * mu + c1) * mu + c0


@kernel
def values_at(polynomials, width, column, mu):
    """Return the polynomials of (n, i) columns at (n, i) `mu`."""
    four = tl.load((polynomials + column * 4)[:, :, None] + tl.arange(0, 4)[None, None, :])
    even, odd = tl.split(tl.reshape(four, (column.shape[0], column.shape[1], 2, 2)))
    c0, c2 = tl.split(even)
    c1, c3 = tl.split(odd)
    last = (polynomials + width * 4 + column * 2)[:, :, None]
    c4, c5 = tl.split(tl.load(last + tl.arange(0, 2)[None, None, :]))
    return ((((c5 * mu + c4) * mu + c3) * mu + c2) * mu + c1) * mu + c0
