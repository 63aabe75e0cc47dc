"""The late part of a room: noise that decays, arrives from everywhere and starts where images end.

Level and shape follow from statistics of the image lattice, without a free parameter. Images of a
source with unit gain at 1 m bring, per second, an energy of (4 pi c / V) 10^(-6 t / RT60) at the
time t after emission (their number grows as t squared and their energy falls as 1 / t squared).
The share of images in a direction u that have met more than N walls at that time is one where
c t (|u_x|/L + |u_y|/W + |u_z|/H) > N + 1/2. The tail is that share of that energy, so that images
and tail together have the room's level, whatever the order.

Where walls or air have a colour, this holds at each frequency: one noise is split into parts whose
spectra overlap as triangles over log frequency and add up to one, and each part has the decay of
its own frequency. Channels share the envelopes, so what coherence the noise has, the tail keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.types import Room
from spatialdrama.types.materials import BANDS
from spatialdrama_render.air import Air
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.images import decay_rate, reverberant_gain, wall_absorption

#: The tail is kept until it has fallen by this many decibels, then faded.
DEPTH_DB = 70.0
_DIRECTIONS = 2048
#: Hz; with air the decay bends quickly above the octaves' centres.
_FINE = (2828.0, 5657.0, 11314.0, 16000.0, 22627.0)


def binaural_tail(
    head: HrtfSet,
    room: Room,
    *,
    order: int,
    law: str = "eyring",
    seed: int = 0,
    air: Air | None = None,
) -> np.ndarray:
    """Return the room's response beyond the images, at both ears.

    Parameters
    ----------
    head : HrtfSet
        Gives the coherence between the ears and the spectrum in a diffuse field.
    room : Room
    order : int
        Highest order that is rendered as images.
    law : "eyring" or "sabine"
    seed : int
    air : Air, optional
        Shortens the highs of a room with given walls; see
        :func:`spatialdrama_render.images.decay_rate`.

    Returns
    -------
    (2, n) float32
        To convolve with what the source emits; sample 0 is the moment of emission.

    Notes
    -----
    Coherence: two independent noises m and s give the ears sqrt((1 + G) / 2) m +- sqrt((1 - G) / 2)
    s, whose coherence is G at each frequency. Energy: Barron and Lee (1988).
    """
    return diffuse_tail(
        room,
        head.rate,
        channels=2,
        order=order,
        law=law,
        seed=seed,
        air=air,
        mixing=lambda frequency: ear_mixing(head, frequency),
    )


def diffuse_tail(
    room: Room,
    rate: float,
    *,
    channels: int = 1,
    order: int,
    law: str = "eyring",
    seed: int = 0,
    air: Air | None = None,
    weights: Any = None,
    mixing: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Return the room's response beyond the images, in any number of channels.

    Parameters
    ----------
    room : Room
    rate : float, Hz
    channels : int
        Mutually incoherent, unless `mixing` makes them alike.
    order, law, seed, air
        See :func:`binaural_tail`.
    weights : (channels,) float, optional
        Pressure of each channel where a point in the room has one. First-order ambisonics in SN3D
        (W, Y, Z, X): ``[1, 3**-0.5, 3**-0.5, 3**-0.5]``. Five loudspeakers: ``[5**-0.5] * 5``.
    mixing : callable, optional
        Takes (f,) Hz and returns (channels, channels, f): what the channels are made of, from as
        many independent noises of unit power.

    Returns
    -------
    (channels, n) float32
        To convolve with what the source emits; sample 0 is the moment of emission.

    Examples
    --------
    >>> from spatialdrama.types import Room
    >>> from spatialdrama_render.tail import diffuse_tail
    >>> tail = diffuse_tail(Room((6, 5, 3), rt60=0.35), 48000, channels=4, order=2)
    >>> tail.shape, tail.dtype
    ((4, 19601), dtype('float32'))
    """
    nodes = _nodes(room, law, air)
    slowest = decay_rate(room, nodes, law=law, air=air).min()
    n = int(np.ceil(DEPTH_DB / slowest * rate)) + 1
    spectra, size = _noise(channels, n, rate, seed=seed, mixing=mixing)
    envelopes = np.sqrt(_energies(room, np.arange(n) / rate, nodes, order, law, air) / rate)
    fade = min(n // 8, int(0.02 * rate))
    envelopes[:, n - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    out = _decaying(spectra, size, envelopes, nodes, rate)
    if weights is not None:
        out *= np.reshape(np.asarray(weights, dtype=float), (channels, 1))
    return out.astype(np.float32)


def tail_energy(
    room: Room,
    time: np.ndarray,
    *,
    order: int,
    law: str = "eyring",
    air: Air | None = None,
    frequency: float = 1000.0,
) -> np.ndarray:
    """Return the energy per second (re 1 at 1 m) that images beyond `order` bring at `time` (s).

    `order` -1 gives the energy of all of them.
    """
    return _energies(room, time, np.array([float(frequency)]), order, law, air)[0]


def diffuse_noise(head: HrtfSet, n: int, *, seed: int = 0) -> np.ndarray:
    """Return (2, n) noise of a diffuse field at a head's ears, unit variance before its spectrum.

    The same seed gives the same samples.
    """
    import scipy.fft

    spectra, size = _noise(2, n, head.rate, seed=seed, mixing=lambda f: ear_mixing(head, f))
    return scipy.fft.irfft(spectra, size)[:, :n]


def ear_mixing(head: HrtfSet, frequency: np.ndarray) -> np.ndarray:
    """Return (2, 2, f): two ears in a diffuse field from two independent noises."""
    grid = np.linspace(0.0, head.rate / 2, len(head.coherence))
    coherence = np.interp(frequency, grid, head.coherence)
    spectrum = np.interp(frequency, grid, head.diffuse)
    common = spectrum * np.sqrt((1 + coherence) / 2)
    different = spectrum * np.sqrt((1 - coherence) / 2)
    return np.array([[common, different], [common, -different]])


def _noise(
    channels: int,
    n: int,
    rate: float,
    *,
    seed: int,
    mixing: Callable[[np.ndarray], np.ndarray] | None,
) -> tuple[np.ndarray, int]:
    """Return the (channels, bins) spectra of stationary noise and its length in samples."""
    import scipy.fft

    # A stream of its own, so that nobody's test noise with the same seed correlates with it.
    random = np.random.default_rng([0x7A11, seed])
    size = scipy.fft.next_fast_len(n + 4096, real=True)
    spectra = scipy.fft.rfft(random.standard_normal((channels, size)))
    if mixing is not None:
        matrix = mixing(np.fft.rfftfreq(size, 1 / rate))
        spectra = np.einsum("cdf,df->cf", matrix, spectra)
    return spectra, size


def _decaying(
    spectra: np.ndarray, size: int, envelopes: np.ndarray, nodes: np.ndarray, rate: float
) -> np.ndarray:
    """Give each part (k) of the spectrum its envelope (k, n), and add the parts."""
    import scipy.fft

    n = envelopes.shape[1]
    if len(nodes) == 1:
        return scipy.fft.irfft(spectra, size)[:, :n] * envelopes[0]
    place = np.log(np.maximum(np.fft.rfftfreq(size, 1 / rate), 1.0))
    out = np.zeros((len(spectra), n))
    for part, envelope in zip(np.eye(len(nodes)), envelopes, strict=True):
        triangle = np.interp(place, np.log(nodes), part)
        out += scipy.fft.irfft(triangle * spectra, size)[:, :n] * envelope
    return out


def _nodes(room: Room, law: str, air: Air | None) -> np.ndarray:
    """Return the frequencies in Hz at which the decay is computed; one where all are alike."""
    nodes = np.array(BANDS) if air is None else np.sort([*BANDS, *_FINE])
    alpha = wall_absorption(room, law=law, air=air)
    rates = decay_rate(room, nodes, law=law, air=air)
    alike = np.ptp(rates) < 1e-9 * rates.max() and np.ptp(alpha, axis=1).max() < 1e-12
    return nodes[:1] if alike else nodes


def _energies(
    room: Room, time: np.ndarray, nodes: np.ndarray, order: int, law: str, air: Air | None
) -> np.ndarray:
    """Return (k, t) energy per second of images beyond `order`, at each frequency."""
    rates = decay_rate(room, nodes, law=law, air=air)
    level = reverberant_gain(room, law=law, air=air) ** 2 * 4 * np.pi * SPEED_OF_SOUND / room.volume
    total = level * 10 ** (-rates[:, None] / 10 * time)
    if order < 0:
        return total
    coarse = np.linspace(0.0, time[-1], 400)
    shares = _shares(room, coarse, nodes, order, wall_absorption(room, law=law, air=air))
    return total * np.array([np.interp(time, coarse, share) for share in shares])


def _shares(
    room: Room, time: np.ndarray, nodes: np.ndarray, order: int, alpha: np.ndarray
) -> np.ndarray:
    """Return (k, t): which share of the energy has met more than `order` walls by then."""
    crossings = np.abs(_sphere(_DIRECTIONS)) / np.asarray(room.size)  # walls per metre and axis
    walls_per_metre = crossings.sum(axis=1)
    travelled = SPEED_OF_SOUND * time[:, None]
    # A step at N + 1/2 on average; single images scatter about it by half a wall.
    beyond = 0.5 * (1 + np.tanh(4 * (travelled * walls_per_metre - order - 0.5)))
    beyond[travelled[:, 0] * walls_per_metre.max() < order] = 0.0
    losses = -np.log(np.maximum(1.0 - alpha, 1e-12))
    # Ways along an axis meet its two walls in turn.
    pairs = losses[[[0, 1], [2, 3], [4, 5]]].mean(axis=1)
    shares = []
    for node in np.log(nodes):
        axes = [np.interp(node, np.log(BANDS), pair) for pair in pairs]
        # Images that met fewer or harder walls are louder.
        faded = travelled * (crossings @ axes)
        loud = np.exp(faded.min(axis=1, keepdims=True) - faded)
        shares.append((loud * beyond).sum(axis=1) / loud.sum(axis=1))
    return np.array(shares)


def _sphere(n: int) -> np.ndarray:
    """Return (n, 3) evenly spread unit vectors (a Fibonacci spiral)."""
    k = np.arange(n) + 0.5
    z = 1 - 2 * k / n
    angle = np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
