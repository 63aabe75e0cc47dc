"""The direct sound: one pair of filters per 64 samples, cross-faded."""

from __future__ import annotations

import numpy as np

from spatialdrama_render.delay import RAMP
from spatialdrama_render.jit import inner, kernel
from spatialdrama_render.lanes import WIDTH, load, splat, spread, store

#: Samples between control points of the direct sound (1.3 ms at 48 kHz).
HOP = 64


@kernel
def filters_between(table, index, weight, shell, channel, out):
    """Mix filters of the corners, and of the two shells, around each direction.

    Parameters
    ----------
    table : (s, v, c, taps) float32
    index, weight : (k, 3); shell : (k,)
        From :func:`spatialdrama_render.control.describe`.
    channel : int
    out : (k, taps) float32, filled
    """
    shells, taps = table.shape[0], table.shape[3]
    whole = taps - taps % WIDTH
    for k in range(len(shell)):
        low = min(int(shell[k]), max(shells - 2, 0))
        beyond = shell[k] - low
        for s in range(1 if beyond == 0 else 2):
            share = beyond if s else 1.0 - beyond
            one, two, three = index[k, 0], index[k, 1], index[k, 2]
            a, b, c = (
                np.float32(share * weight[k, 0]),
                np.float32(share * weight[k, 1]),
                np.float32(share * weight[k, 2]),
            )
            t = 0
            while t < whole:
                mix = splat(a) * load(table, (low + s, one, channel, t))
                mix += splat(b) * load(table, (low + s, two, channel, t))
                mix += splat(c) * load(table, (low + s, three, channel, t))
                store(out, (k, t), load(out, (k, t)) + mix if s else mix)
                t += WIDTH
            while t < taps:
                rest = a * table[low + s, one, channel, t] + b * table[low + s, two, channel, t]
                rest += c * table[low + s, three, channel, t]
                out[k, t] = out[k, t] + rest if s else rest
                t += 1


@kernel
def filter_moving(signal, filters, hop, out):
    """Convolve with filters that change linearly from one control point to the next, and add.

    Parameters
    ----------
    signal : (taps - 1 + s * hop,) float32, or longer
        Begins `taps` - 1 samples before the first output sample.
    filters : (s + 1, taps) float32
    hop : int
        A multiple of 32.
    out : (s * hop,) float32, added to

    Notes
    -----
    Sample n of a hop is ``sum_t ((1 - a) f0[t] + a f1[t]) x[n - t]`` with a = n / hop: two
    convolutions share every load of the signal. Thirty-two samples at a time keep both sums in
    registers.
    """
    taps = filters.shape[1]
    scale = splat(np.float32(1.0 / hop))
    for s in range(len(filters) - 1):
        for n in range(0, hop, 4 * WIDTH):
            at = s * hop + n
            f0 = f1 = f2 = f3 = splat(np.float32(0))
            g0 = g1 = g2 = g3 = splat(np.float32(0))
            for t in range(taps):
                f, g = spread(filters, (s, t)), spread(filters, (s + 1, t))
                now = at + taps - 1 - t
                x = load(signal, now)
                f0 += f * x
                g0 += g * x
                x = load(signal, now + WIDTH)
                f1 += f * x
                g1 += g * x
                x = load(signal, now + 2 * WIDTH)
                f2 += f * x
                g2 += g * x
                x = load(signal, now + 3 * WIDTH)
                f3 += f * x
                g3 += g * x
            _faded(f0, g0, scale, n, out, at)
            _faded(f1, g1, scale, n + WIDTH, out, at + WIDTH)
            _faded(f2, g2, scale, n + 2 * WIDTH, out, at + 2 * WIDTH)
            _faded(f3, g3, scale, n + 3 * WIDTH, out, at + 3 * WIDTH)


@inner
def _faded(old, new, scale, n, out, at):
    store(out, at, load(out, at) + (old + (new - old) * (load(RAMP, n) * scale)))
