"""Discrete Fourier transforms of eight complex signals side by side, in any order that is quick.

A convolution does not ask in which order the bins of its spectra lie. So the transform there leaves
them as decimation in frequency does, digit-reversed, and the transform back takes them like that;
nothing is ever sorted. Lengths are products of 2 and 3.
"""

from __future__ import annotations

import numpy as np

from spatialdrama_render.jit import inner, kernel
from spatialdrama_render.lanes import load, splat, spread, store

_HALF_ROOT_3 = np.float32(np.sqrt(0.75))


def radices(size: int) -> np.ndarray:
    """Return the lengths of the passes, fours first; their product is `size`.

    Raises
    ------
    ValueError
        For a size with other prime factors than 2 and 3.
    """
    out = []
    for radix in (4, 2, 3):
        while size % radix == 0:
            out.append(radix)
            size //= radix
    if size != 1:
        raise ValueError(f"sizes are products of 2 and 3; {size} is left.")
    return np.array(out, dtype=np.int64)


def roots(size: int) -> np.ndarray:
    """Return (p, 2) float32: cosines and negative sines of all passes, as they are used."""
    out, length = [np.zeros((0, 2))], size
    for radix in radices(size):
        length_of_parts = length // radix
        k, m = np.meshgrid(np.arange(length_of_parts), np.arange(1, radix), indexing="ij")
        angle = 2 * np.pi * (k * m).ravel() / length
        out.append(np.stack([np.cos(angle), -np.sin(angle)], axis=1))
        length = length_of_parts
    return np.concatenate(out).astype(np.float32)


@kernel
def fetch(source, first, lane, work):
    """Fill (size, 2, 8) `work` from lanes `lane` to `lane` + 7 of (m, 2, l), row `first` on."""
    for n in range(len(work)):
        _keep(load(source, (first + n, 0, lane)), load(source, (first + n, 1, lane)), work, n)


@kernel
def forward(work, radices, roots):
    """Transform eight signals in place.

    Parameters
    ----------
    work : (size, 2, 8) float32
        Real and imaginary parts, signals beside each other.
    radices, roots
        From the functions of that name.
    """
    part, used = len(work), 0
    for step in range(len(radices)):
        radix = radices[step]
        part //= radix
        if radix == 4:
            _fours(work, part, roots, used)
        elif radix == 2:
            _twos(work, part, roots, used)
        else:
            _threes(work, part, roots, used)
        used += part * (radix - 1)


@kernel
def backward(work, radices, roots):
    """Transform (size, 2, 8) `work` back, in place and without the factor 1 / size."""
    used, part = len(roots), 1
    for step in range(len(radices) - 1, -1, -1):
        radix = radices[step]
        used -= part * (radix - 1)
        if radix == 4:
            _fours_back(work, part, roots, used)
        elif radix == 2:
            _twos_back(work, part, roots, used)
        else:
            _threes_back(work, part, roots, used)
        part *= radix


@inner
def _fours(work, part, roots, used):
    for begin in range(0, len(work), 4 * part):
        for k in range(part):
            at, turn = begin + k, used + 3 * k
            ar, ai = _both(work, at)
            br, bi = _both(work, at + part)
            cr, ci = _both(work, at + 2 * part)
            dr, di = _both(work, at + 3 * part)
            sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, br - dr, bi - di
            _keep(sr + ur, si + ui, work, at)
            _keep_turned(tr + vi, ti - vr, work, at + part, roots, turn)
            _keep_turned(sr - ur, si - ui, work, at + 2 * part, roots, turn + 1)
            _keep_turned(tr - vi, ti + vr, work, at + 3 * part, roots, turn + 2)


@inner
def _threes(work, part, roots, used):
    h, r = splat(np.float32(0.5)), splat(_HALF_ROOT_3)
    for begin in range(0, len(work), 3 * part):
        for k in range(part):
            at, turn = begin + k, used + 2 * k
            ar, ai = _both(work, at)
            br, bi = _both(work, at + part)
            cr, ci = _both(work, at + 2 * part)
            sr, si = br + cr, bi + ci
            tr, ti = ar - h * sr, ai - h * si
            ur, ui = r * (br - cr), r * (bi - ci)
            _keep(ar + sr, ai + si, work, at)
            _keep_turned(tr + ui, ti - ur, work, at + part, roots, turn)
            _keep_turned(tr - ui, ti + ur, work, at + 2 * part, roots, turn + 1)


@inner
def _twos(work, part, roots, used):
    for begin in range(0, len(work), 2 * part):
        for k in range(part):
            at = begin + k
            ar, ai = _both(work, at)
            br, bi = _both(work, at + part)
            _keep(ar + br, ai + bi, work, at)
            _keep_turned(ar - br, ai - bi, work, at + part, roots, used + k)


@inner
def _fours_back(work, part, roots, used):
    for begin in range(0, len(work), 4 * part):
        for k in range(part):
            at, turn = begin + k, used + 3 * k
            ar, ai = _both(work, at)
            br, bi = _turned_back(work, at + part, roots, turn)
            cr, ci = _turned_back(work, at + 2 * part, roots, turn + 1)
            dr, di = _turned_back(work, at + 3 * part, roots, turn + 2)
            sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, br - dr, bi - di
            _keep(sr + ur, si + ui, work, at)
            _keep(tr - vi, ti + vr, work, at + part)
            _keep(sr - ur, si - ui, work, at + 2 * part)
            _keep(tr + vi, ti - vr, work, at + 3 * part)


@inner
def _threes_back(work, part, roots, used):
    h, r = splat(np.float32(0.5)), splat(_HALF_ROOT_3)
    for begin in range(0, len(work), 3 * part):
        for k in range(part):
            at, turn = begin + k, used + 2 * k
            ar, ai = _both(work, at)
            br, bi = _turned_back(work, at + part, roots, turn)
            cr, ci = _turned_back(work, at + 2 * part, roots, turn + 1)
            sr, si = br + cr, bi + ci
            tr, ti = ar - h * sr, ai - h * si
            ur, ui = r * (br - cr), r * (bi - ci)
            _keep(ar + sr, ai + si, work, at)
            _keep(tr - ui, ti + ur, work, at + part)
            _keep(tr + ui, ti - ur, work, at + 2 * part)


@inner
def _twos_back(work, part, roots, used):
    for begin in range(0, len(work), 2 * part):
        for k in range(part):
            at = begin + k
            ar, ai = _both(work, at)
            br, bi = _turned_back(work, at + part, roots, used + k)
            _keep(ar + br, ai + bi, work, at)
            _keep(ar - br, ai - bi, work, at + part)


@inner
def _both(work, at):
    return load(work, (at, 0, 0)), load(work, (at, 1, 0))


@inner
def _keep(real, imaginary, work, at):
    store(work, (at, 0, 0), real)
    store(work, (at, 1, 0), imaginary)


@inner
def _keep_turned(real, imaginary, work, at, roots, turn):
    c, s = spread(roots, (turn, 0)), spread(roots, (turn, 1))
    store(work, (at, 0, 0), real * c - imaginary * s)
    store(work, (at, 1, 0), real * s + imaginary * c)


@inner
def _turned_back(work, at, roots, turn):
    real, imaginary = load(work, (at, 0, 0)), load(work, (at, 1, 0))
    c, s = spread(roots, (turn, 0)), spread(roots, (turn, 1))
    return real * c + imaginary * s, imaginary * c - real * s
