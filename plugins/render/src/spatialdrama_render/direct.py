"""The direct sound: one pair of filters per 64 samples, cross-faded."""

from __future__ import annotations

import numpy as np

from spatialdrama_render.delay import RAMP
from spatialdrama_render.jit import kernel

#: Samples between control points of the direct sound (1.3 ms at 48 kHz).
HOP = 64


@kernel
def filters_between(table, index, weight, shell, out):
    """Mix filters of the corners, and of the two shells, around each direction.

    Parameters
    ----------
    table : (s, v, c, taps) float32
    index, weight : (k, 3); shell : (k,)
        From :func:`spatialdrama_render.control.describe`.
    out : (c, k, taps) float32, filled
    """
    shells, channels, taps = table.shape[0], table.shape[2], table.shape[3]
    for k in range(len(shell)):
        low = min(int(shell[k]), max(shells - 2, 0))
        beyond = shell[k] - low
        for e in range(channels):
            row = out[e, k]
            row[:] = np.float32(0)
            for c in range(3):
                v = index[k, c]
                near = np.float32(weight[k, c] * (1.0 - beyond))
                far = np.float32(weight[k, c] * beyond)
                if near != 0:
                    one = table[low, v, e]
                    for t in range(taps):
                        row[t] += near * one[t]
                if far != 0:
                    two = table[low + 1, v, e]
                    for t in range(taps):
                        row[t] += far * two[t]


@kernel
def filter_moving(signal, filters, hop, out):
    """Convolve with filters that change linearly from one control point to the next, and add.

    Parameters
    ----------
    signal : (taps - 1 + s * hop,) float32
        Begins `taps` - 1 samples before the first output sample.
    filters : (s + 1, taps) float32
    hop : int
    out : (s * hop,) float32, added to

    Notes
    -----
    Sample n of a hop is ``sum_t ((1 - a) f0[t] + a f1[t]) x[n - t]`` with a = n / hop: two
    convolutions share every load of the signal. Taps are taken four at a time.
    """
    taps = filters.shape[1]
    steps = len(filters) - 1
    old = np.empty(hop, dtype=np.float32)
    new = np.empty(hop, dtype=np.float32)
    whole = taps - taps % 4
    for s in range(steps):
        begin = s * hop + taps - 1
        f, g = filters[s], filters[s + 1]
        old[:] = np.float32(0)
        new[:] = np.float32(0)
        for t in range(0, whole, 4):
            f0, f1, f2, f3 = f[t], f[t + 1], f[t + 2], f[t + 3]
            g0, g1, g2, g3 = g[t], g[t + 1], g[t + 2], g[t + 3]
            x = signal[begin - t - 3 : begin - t + hop]
            for n in range(hop):
                old[n] += (f0 * x[n + 3] + f1 * x[n + 2]) + (f2 * x[n + 1] + f3 * x[n])
                new[n] += (g0 * x[n + 3] + g1 * x[n + 2]) + (g2 * x[n + 1] + g3 * x[n])
        for t in range(whole, taps):
            x = signal[begin - t : begin - t + hop]
            for n in range(hop):
                old[n] += f[t] * x[n]
                new[n] += g[t] * x[n]
        scale = np.float32(1.0 / hop)
        y = out[s * hop : (s + 1) * hop]
        for n in range(hop):
            y[n] += old[n] + (new[n] - old[n]) * (RAMP[n] * scale)
