"""Reading a signal at fractional, moving times.

Round each sample of a signal a polynomial of degree five gives the band-limited signal half a
sample to either side. Its coefficients are fixed filters of the signal (a Farrow structure), so
they are made once for all paths that read it; one read then is six multiplications, at places
that lie side by side in memory as long as the whole part of the delay stays the same. The filters
are the least-squares fit to the ideal shift from 0 to 18 kHz; errors, held by the tests: below
-80 dB up to 15 kHz at 48 kHz, -65 dB up to 18 kHz.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from spatialdrama_render.jit import inner, kernel
from spatialdrama_render.lanes import WIDTH, load, splat, spread, store

#: Samples before and after the one that a polynomial stands for.
HALF = 10
#: Coefficients of each polynomial.
TERMS = 6
#: Samples between two control points, at most.
LONGEST_HOP = 256
#: 0, 1, 2 ... as the kernels read it: turning counters into floats costs more than loading them.
RAMP = np.arange(LONGEST_HOP + WIDTH, dtype=np.float32)
#: Highest frequency of the fit as a share of the rate: 18 kHz at 48 kHz.
_BAND = 0.375


@lru_cache(maxsize=1)
def polynomial_taps() -> np.ndarray:
    """Return (TERMS, 2 HALF + 1) float32: filters that give the coefficients.

    Coefficient p at sample n is ``sum_k taps[p, k] x[n - HALF + k]``, and the signal at n + mu,
    -1/2 <= mu <= 1/2, is ``sum_p coefficient[p] mu**p``.

    Notes
    -----
    C. W. Farrow (1988), "A continuously variable digital delay element"; coefficients after the
    least-squares design of Laakso et al. (1996), "Splitting the unit delay", section 4.
    """
    k = np.arange(-HALF, HALF + 1)
    mu = np.cos((np.arange(40) + 0.5) * np.pi / 40) / 2  # Chebyshev's points of the interval
    w = 2 * np.pi * _BAND * np.linspace(0, 1, 320)
    shifts = np.exp(1j * np.outer(k, w))  # what each tap does to each frequency
    wanted = np.exp(1j * np.outer(mu, w))
    real = np.concatenate([shifts.real, shifts.imag], axis=1)
    ideal = np.concatenate([wanted.real, wanted.imag], axis=1)
    per_mu = np.linalg.lstsq(real.T, ideal.T, rcond=1e-12)[0]  # (taps, mu)
    powers = mu[:, None] ** np.arange(TERMS)
    taps = np.linalg.lstsq(powers, per_mu.T, rcond=None)[0]
    # Turning time round turns mu round: even terms are symmetric, odd ones antisymmetric.
    mirror = (-1.0) ** np.arange(TERMS)[:, None]
    return ((taps + mirror * taps[:, ::-1]) / 2).astype(np.float32)


@kernel
def extend(signal, taps, out, first):
    """Fill ``out[:, first:]`` with the polynomials of a signal.

    Parameters
    ----------
    signal : (n + 2 HALF,) float32
    taps : (TERMS, 2 HALF + 1) float32, from :func:`polynomial_taps`
    out : (TERMS, m) float32
        Column ``first + j`` belongs to ``signal[HALF + j]``.
    first : int
    """
    n = len(signal) - 2 * HALF
    whole = n - n % WIDTH
    for j in range(0, whole, WIDTH):
        # Even terms weigh what lies before and after alike, odd ones with opposite signs.
        middle = load(signal, j + HALF)
        c0, c2, c4 = (
            spread(taps, (0, HALF)) * middle,
            spread(taps, (2, HALF)) * middle,
            spread(taps, (4, HALF)) * middle,
        )
        c1 = c3 = c5 = splat(np.float32(0))
        for k in range(HALF):
            before, after = load(signal, j + k), load(signal, j + 2 * HALF - k)
            both, between = before + after, before - after
            c0 += spread(taps, (0, k)) * both
            c1 += spread(taps, (1, k)) * between
            c2 += spread(taps, (2, k)) * both
            c3 += spread(taps, (3, k)) * between
            c4 += spread(taps, (4, k)) * both
            c5 += spread(taps, (5, k)) * between
        at = first + j
        store(out, (0, at), c0)
        store(out, (1, at), c1)
        store(out, (2, at), c2)
        store(out, (3, at), c3)
        store(out, (4, at), c4)
        store(out, (5, at), c5)
    for j in range(whole, n):
        for p in range(TERMS):
            value = np.float32(0)
            for k in range(2 * HALF + 1):
                value += taps[p, k] * signal[j + k]
            out[p, first + j] = value


@kernel
def read(coefficients, origin, held, begin, end, weight, step, out, row, first, hop):
    """Read signals along a straight line of times and write their sum to a row of `out`.

    Parameters
    ----------
    coefficients : (q, TERMS, m) float32
        Polynomials of `q` signals; column c belongs to sample ``origin + c``.
    origin, held : int
        How many columns hold something; where the line leaves them there is silence.
    begin, end : float
        Where the first output sample reads, and where one after the last would; in samples.
    weight, step : (q,) float32
        Weights of the signals at the first output sample, and what they gain with each.
    out : (r, n) float32
        Filled in ``out[row, first : first + hop]``; up to seven numbers after that are spoiled
        where the row has them.
    hop : int
        At most :data:`LONGEST_HOP`.

    Notes
    -----
    The whole part of the delay changes once in a hundred samples at walking speed; between two
    changes all arrays are read in order. Each run is written in whole eights, and the next one
    writes over what was too much.
    """
    slope = (end - begin) / hop
    gain = slope - 1.0
    local = begin - origin
    n = 0
    while n < hop:
        column = int(np.floor(local + slope * n + 0.5))
        offset = column - n
        mu = local + slope * n - column
        # How long this offset lasts: until the read has gained or lost half a sample on it.
        last = hop
        if gain > 0:
            last = min(hop, n + max(1, int(np.ceil((0.5 - mu) / gain))))
        elif gain < 0:
            last = min(hop, n + int(np.floor((0.5 + mu) / -gain)) + 1)
        low, high = max(n, -offset), min(last, held - offset)
        if high > low:
            mu0 = np.float32(mu + gain * (low - n))
            _silence(out, row, first + n, first + low)
            _run(
                coefficients, offset + low, mu0, np.float32(gain), weight, step, low,
                out, row, first + low, high - low,
            )  # fmt: skip
            _silence(out, row, first + high, first + last)
        else:
            _silence(out, row, first + n, first + last)
        n = last


@inner
def _silence(out, row, first, last):
    for n in range(first, last):
        out[row, n] = np.float32(0)


@inner
def _run(coefficients, column, mu, gain, weight, step, low, out, row, first, count):
    """Write `count` samples of a line whose whole delay stays the same; `low` of it are before."""
    there = min(coefficients.shape[2] - column, out.shape[1] - first)
    whole = count + -count % WIDTH
    if whole > there:
        whole = count - count % WIDTH
    gain8, mu8, one = splat(gain), splat(mu), len(weight) == 1
    weight0, step0 = spread(weight, 0), spread(step, 0)
    for j in range(0, whole, WIDTH):
        m, at = mu8 + gain8 * load(RAMP, j), load(RAMP, low + j)
        heard = (weight0 + step0 * at) * _polynomial(coefficients, 0, column + j, m)
        for q in range(1, coefficients.shape[0]):
            share = spread(weight, q) + spread(step, q) * at
            heard += share * _polynomial(coefficients, q, column + j, m)
        store(out, (row, first + j), heard)
    for j in range(whole, count):
        m = mu + gain * RAMP[j]
        one = np.float32(0)
        for q in range(coefficients.shape[0]):
            value = coefficients[q, 5, column + j]
            for p in range(TERMS - 1):
                value = value * m + coefficients[q, TERMS - 2 - p, column + j]
            one += (weight[q] + step[q] * RAMP[low + j]) * value
        out[row, first + j] = one


@inner
def _polynomial(coefficients, q, column, m):
    value = load(coefficients, (q, 5, column)) * m + load(coefficients, (q, 4, column))
    value = value * m + load(coefficients, (q, 3, column))
    value = value * m + load(coefficients, (q, 2, column))
    value = value * m + load(coefficients, (q, 1, column))
    return value * m + load(coefficients, (q, 0, column))


@kernel
def read_lines(coefficients, origin, position, weight, out):
    """Read several lines between control points: rows of (i, n) `out`, added to.

    Parameters
    ----------
    position : (k, i) float64, in samples; weight : (k, i, q) float64
    """
    points, count = position.shape
    hop = out.shape[1] // (points - 1)
    line = np.empty((1, hop + WIDTH), dtype=np.float32)
    now = np.empty(weight.shape[2], dtype=np.float32)
    step = np.empty(weight.shape[2], dtype=np.float32)
    for k in range(points - 1):
        for i in range(count):
            for q in range(len(now)):
                now[q] = weight[k, i, q]
                step[q] = (weight[k + 1, i, q] - weight[k, i, q]) / hop
            read(
                coefficients, origin, coefficients.shape[2], position[k, i], position[k + 1, i],
                now, step, line, 0, 0, hop,
            )  # fmt: skip
            for n in range(hop):
                out[i, k * hop + n] += line[0, n]


def polynomials_between(signal: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return (1, TERMS, last - first) float32: polynomials of samples `first` to before `last`.

    Parameters
    ----------
    signal : (n,) float
        Silent before 0 and after n.
    """
    low, high = first - HALF, last + HALF
    stretch = np.zeros(high - low, dtype=np.float32)
    a, b = max(low, 0), min(high, len(signal))
    if b > a:
        stretch[a - low : b - low] = signal[a:b]
    out = np.empty((1, TERMS, last - first), dtype=np.float32)
    extend(stretch, polynomial_taps(), out[0], 0)
    return out
