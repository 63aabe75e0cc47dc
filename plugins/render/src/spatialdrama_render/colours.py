"""What walls, air and a mouth do to the spectrum, as a mix of a few low-passed copies of a voice.

A filter for each image and each moment would cost more than everything else, and filters that are
exchanged click. So the voice is passed once through a few one-pole low-passes with fixed corners,
and each image is a sum of the full voice and of these copies. Only the weights differ from image
to image and move with distance and angle; nothing waits for samples to come.

The weights are found by least squares against the wanted magnitude, with the phase of a causal
filter: first that of the minimum-phase filter, then, in turns, that of the mix itself (Gerchberg
and Saxton 1972), so that only magnitudes are left to be met. Corners are chosen from a grid, one
by one and then by exchange, until the worst image is right within about half a decibel.

The mouth's low-pass (:mod:`spatialdrama_render.directivity`) times another one is a sum of both
(partial fractions, which the bilinear transform leaves alone). So a turning mouth costs one more
copy, and its colour multiplies that of walls and air exactly.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.types.materials import BANDS
from spatialdrama_render.air import Air
from spatialdrama_render.directivity import CORNER
from spatialdrama_render.images import Images

#: Hz; of the mouth's low-pass.
MOUTH = CORNER / (2 * np.pi)
#: Most low-passes beside the mouth's.
MOST = 5
#: dB; no more low-passes are added once the worst image is this close, at most and on average.
GOAL_DB = (0.75, 0.25)
#: Parts of an image's spectrum that are this much below its peak need not be as exact.
_FLOOR = 0.05
_FREQUENCY = np.geomspace(60.0, 16_000.0, 96)
_CANDIDATES = np.geomspace(90.0, 20_000.0, 18)
#: Natural logarithm of the least ratio of two corners; closer ones are nearly the same signal.
_APART = 0.3
_DISTANCES = 18
_ROUNDS = 16
#: Rows of bands that are looked at while corners are chosen.
_LOOKED_AT = 48
_TRANSFORM = 4096


@attrs.frozen(eq=False)
class Colours:
    """How each image is mixed from the voice and its low-passed copies.

    Attributes
    ----------
    corners : (m,) float64, Hz, ascending
        Of one-pole low-passes 1 / (1 + s / w0), by bilinear transform.
    distances : (g,) float64, m, ascending
        One entry where nothing depends on the distance.
    table : (i, g, 2, 1 + m) float64
        Weights of the full voice and of its copies: at a distance d and a share b
        (:func:`spatialdrama_render.directivity.direct_share`) they are
        ``b * table[i, :, 0] + (1 - b) * table[i, :, 1]``, interpolated over distance.
    """

    corners: np.ndarray
    distances: np.ndarray
    table: np.ndarray

    def response(
        self, frequency: Any, image: int, distance: float, *, share: float = 1.0, rate: float
    ) -> np.ndarray:
        """Return the complex response that an image gets, without its gain and 1 / r.

        Parameters
        ----------
        frequency : (f,) float, Hz
        image : int
        distance : float, m
        share : float
            Of the unfiltered voice, 1 on the mouth's axis.
        rate : float, Hz

        Returns
        -------
        (f,) complex128
        """
        weights = share * self.table[image, :, 0] + (1 - share) * self.table[image, :, 1]
        weights = np.array([np.interp(distance, self.distances, w) for w in weights.T])
        return weights @ _signals(np.asarray(frequency, dtype=float), self.corners, rate)


def colours(
    images: Images,
    *,
    mouth: bool,
    air: Air | None = None,
    farthest: float = 10.0,
    rate: float = 48_000,
) -> Colours:
    """Choose low-passes for some images, and the weights that give each its colour.

    Parameters
    ----------
    images : Images
        Their ``bands`` count, interpolated over log frequency and held below 125 Hz and above
        8 kHz; their ``gain`` does not.
    mouth : bool
        Whether the voice has a directivity.
    air : Air, optional
    farthest : float, m
        Distance up to which the air's colour is wanted; farther images keep that one.
    rate : float, Hz

    Returns
    -------
    Colours
        Exact, and without low-passes beside the mouth's, where neither walls nor air have a
        colour.

    Examples
    --------
    >>> from spatialdrama.types import Room
    >>> from spatialdrama_render.colours import colours
    >>> from spatialdrama_render.images import shoebox_images
    >>> colours(shoebox_images(Room((6, 5, 3), rt60=0.35), 2), mouth=True).corners.round()
    array([624.])
    >>> carpets = shoebox_images(Room((6, 5, 3), absorption="carpet"), 2)
    >>> colours(carpets, mouth=False).table.shape[0]
    25
    """
    rows, which = np.unique(images.bands.round(9), axis=0, return_inverse=True)
    if air is not None:  # a grid of lengths, so that talkers who walk alike share their colours
        farthest = 2.0 ** (math.ceil(4 * math.log2(max(farthest, 1.0))) / 4)
    loudest = np.zeros(len(rows))
    np.maximum.at(loudest, which.ravel(), images.gain)
    corners, distances, table = _colours(
        rows.tobytes(),
        (loudest / loudest.max()).round(3).tobytes(),
        air,
        farthest if air is not None else 1.0,
        float(rate),
    )
    if mouth:
        corners, table = _with_mouth(corners, table, rate)
    else:
        table = np.repeat(table[:, :, None], 2, axis=2)
    return Colours(corners, distances, table[which.ravel()])


@lru_cache(maxsize=32)
def _colours(
    rows: bytes, loudness: bytes, air: Air | None, farthest: float, rate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return corners (m,), distances (g,) and weights (rows, g, 1 + m) without a mouth."""
    bands, loud = np.frombuffer(rows).reshape(-1, len(BANDS)), np.frombuffer(loudness)
    distances = np.array([1.0]) if air is None else np.linspace(0.0, farthest, _DISTANCES)
    if air is None and np.all(bands == 1.0):
        return np.zeros(0), distances, np.ones((len(bands), 1, 1))
    # An image that is 20 dB below the loudest may be off by three times as much.
    loud = np.sqrt(loud)
    steep = np.ptp(np.log(np.maximum(bands, 1e-3)), axis=1)
    first = np.argsort(-(loud * (steep + 0.1)), kind="stable")[:_LOOKED_AT]
    some = distances if air is None else distances[[1, 4, 8, 12, -1]]
    corners = _choose(_Wanted.of(bands[first], some, air, rate), loud[first, None, None], rate)
    wanted = _Wanted.of(bands, distances, air, rate)
    weights, _ = wanted.fit(_signals(_FREQUENCY, corners, rate), _ROUNDS)
    return corners, distances, weights


@attrs.frozen(eq=False)
class _Wanted:
    """Magnitudes (rows, g, f) and starting phases to be met by a mix."""

    magnitude: np.ndarray
    phase: np.ndarray

    @classmethod
    def of(cls, bands: np.ndarray, distances: np.ndarray, air: Air | None, rate: float) -> _Wanted:
        grid = np.fft.rfftfreq(_TRANSFORM, 1 / rate)
        place = np.log(np.maximum(grid, 1.0))
        bands = np.maximum(bands, 0.01 * bands.max(axis=1, keepdims=True))
        walls = np.array([np.interp(place, np.log(BANDS), np.log(b)) for b in bands])
        takes = np.zeros(len(grid)) if air is None else air.attenuation(grid) * np.log(10) / 20
        level = walls[:, None] - distances[:, None] * takes
        at = np.searchsorted(grid, _FREQUENCY) - 1
        share = (_FREQUENCY - grid[at]) / (grid[at + 1] - grid[at])

        def seen(values: np.ndarray) -> np.ndarray:
            return values[..., at] + share * (values[..., at + 1] - values[..., at])

        return cls(np.exp(seen(level)), seen(_minimum_phase(level)))

    def fit(self, signals: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (rows, g, q) for signals (q, f), and the errors (rows, g, f) in dB."""
        floor = _FLOOR * self.magnitude.max(axis=-1, keepdims=True)
        scale = 1.0 / np.maximum(self.magnitude, floor)
        scaled = scale[..., None, :] * signals
        basis = np.concatenate([scaled.real, scaled.imag], axis=-1)
        gram = basis @ np.swapaxes(basis, -1, -2)
        # A touch of damping; corners next to each other would otherwise be used against each other.
        damping = 1e-6 * np.trace(gram, axis1=-2, axis2=-1)[..., None, None]
        solve = np.linalg.inv(gram + damping * np.eye(len(signals))) @ basis
        target = self.magnitude * np.exp(1j * self.phase)
        for _ in range(rounds):
            asked = scale * target
            asked = np.concatenate([asked.real, asked.imag], axis=-1)
            weights = (solve @ asked[..., None])[..., 0]
            mixed = weights @ signals
            target = self.magnitude * mixed / np.maximum(np.abs(mixed), 1e-12)
        off = (np.abs(mixed) - self.magnitude) * scale
        return weights, 20 * np.log10(np.maximum(1 + off, 1e-3))


def _choose(wanted: _Wanted, loud: np.ndarray, rate: float) -> np.ndarray:
    """Return ascending corners in Hz: the best one more, then exchanges, until it is enough."""
    corners: list[float] = []
    while len(corners) < MOST:
        corners = _best(wanted, loud, corners, rate)
        for k in range(len(corners) - 1):
            corners = _best(wanted, loud, corners[:k] + corners[k + 1 :], rate)
        _, error = wanted.fit(_signals(_FREQUENCY, np.array(corners), rate), _ROUNDS)
        error = loud * error
        average = np.sqrt(np.mean(error**2, axis=-1)).max()
        if np.abs(error).max() <= GOAL_DB[0] and average <= GOAL_DB[1]:
            break
    return np.sort(corners)


def _best(wanted: _Wanted, loud: np.ndarray, others: list[float], rate: float) -> list[float]:
    """Return the other corners and the one that helps them most."""

    def badness(corner: float) -> float:
        _, error = wanted.fit(_signals(_FREQUENCY, np.array([*others, corner]), rate), 4)
        return float(np.mean((loud * error) ** 4))

    taken = np.log([*others, MOUTH])
    free = [c for c in _CANDIDATES if np.abs(taken - np.log(c)).min() > _APART]
    return [*others, min(free, key=badness)]


def _with_mouth(
    corners: np.ndarray, table: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Add the mouth's corner; return corners (1 + m,) and weights (rows, g, 2, 2 + m)."""
    k, mouth = _warped(corners, rate), _warped(np.array([MOUTH]), rate)
    through = np.zeros((*table.shape[:2], 2, len(corners) + 2))
    through[:, :, 0, 0] = table[..., 0]
    through[:, :, 0, 2:] = table[..., 1:]
    through[:, :, 1, 1] = table[..., 0] + table[..., 1:] @ (k / (k - mouth))
    through[:, :, 1, 2:] = -table[..., 1:] * (mouth / (k - mouth))
    order = np.argsort([MOUTH, *corners])
    through[..., 1:] = through[..., 1 + order]
    return np.array([MOUTH, *corners])[order], through


def _warped(corners: np.ndarray, rate: float) -> np.ndarray:
    """Return the corners as the bilinear transform places them, as :mod:`.lowpass` does."""
    return np.tan(np.minimum(np.pi * corners / rate, 1.5))


def _signals(frequency: np.ndarray, corners: np.ndarray, rate: float) -> np.ndarray:
    """Return (1 + m, f): the full voice and its low-passed copies."""
    s = 1j * np.tan(np.pi * np.minimum(frequency, 0.4999 * rate) / rate)
    full = np.ones((1, len(frequency)), dtype=complex)
    return np.concatenate([full, 1.0 / (1.0 + s / _warped(corners, rate)[:, None])])


def _minimum_phase(level: np.ndarray) -> np.ndarray:
    """Return the phase (..., bins) that goes with log magnitudes (..., bins) of a causal filter."""
    cepstrum = np.fft.irfft(level, _TRANSFORM)
    folded = np.zeros(_TRANSFORM)
    folded[[0, _TRANSFORM // 2]] = 1.0
    folded[1 : _TRANSFORM // 2] = 2.0
    return np.fft.rfft(cepstrum * folded).imag
