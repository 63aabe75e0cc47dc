"""The late part of a room: noise that decays, arrives from everywhere and starts where images end.

Level and shape follow from statistics of the image lattice, without a free parameter. Images of a
source with unit gain at 1 m bring, per second, an energy of (4 pi c / V) 10^(-6 t / RT60) at the
time t after emission (their number grows as t squared and their energy falls as 1 / t squared).
The share of images in a direction u that have met more than N walls at that time is one where
c t (|u_x|/L + |u_y|/W + |u_z|/H) > N + 1/2. The tail is that share of that energy, so that images
and tail together have the room's level, whatever the order.
"""

from __future__ import annotations

import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.types import Room
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.images import reverberation_time, wall_absorption

#: The tail is kept until it has fallen by this many decibels, then faded.
DEPTH_DB = 70.0
_DIRECTIONS = 2048


def binaural_tail(
    head: HrtfSet, room: Room, *, order: int, law: str = "eyring", seed: int = 0
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

    Returns
    -------
    (2, n) float32
        To convolve with what the source emits; sample 0 is the moment of emission.

    Notes
    -----
    Coherence: two independent noises m and s give the ears sqrt((1 + G) / 2) m +- sqrt((1 - G) / 2)
    s, whose coherence is G at each frequency. Energy: Barron and Lee (1988).
    """
    rt60 = reverberation_time(room, law=law)
    n = int(np.ceil(rt60 * DEPTH_DB / 60 * head.rate)) + 1
    time = np.arange(n) / head.rate
    energy = tail_energy(room, time, order=order, law=law)
    envelope = np.sqrt(energy / head.rate)
    fade = min(n // 8, int(0.02 * head.rate))
    envelope[n - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return (diffuse_noise(head, n, seed=seed) * envelope).astype(np.float32)


def tail_energy(room: Room, time: np.ndarray, *, order: int, law: str = "eyring") -> np.ndarray:
    """Return the energy per second (re 1 at 1 m) that images beyond `order` bring at `time` (s).

    `order` -1 gives the energy of all of them.
    """
    rt60 = reverberation_time(room, law=law)
    total = 4 * np.pi * SPEED_OF_SOUND / room.volume * 10 ** (-6 * time / rt60)
    if order < 0:
        return total
    walls_per_metre = np.abs(_sphere(_DIRECTIONS)) @ (1 / np.asarray(room.size))
    # Images that met fewer walls are louder; past 40 dB of loss the share is one anyway.
    loss = -np.log(max(1 - wall_absorption(room, law=law), 1e-12))
    coarse = np.linspace(0.0, time[-1], 400)
    met = SPEED_OF_SOUND * coarse[:, None] * walls_per_metre
    loud = np.exp(-loss * (met - met.min(axis=1, keepdims=True)))
    # A step at N + 1/2 on average; single images scatter about it by half a wall.
    beyond = 0.5 * (1 + np.tanh(4 * (met - order - 0.5)))
    share = (loud * beyond).sum(axis=1) / loud.sum(axis=1)
    share[coarse * SPEED_OF_SOUND * walls_per_metre.max() < order] = 0.0
    return total * np.interp(time, coarse, share)


def diffuse_noise(head: HrtfSet, n: int, *, seed: int = 0) -> np.ndarray:
    """Return (2, n) noise of a diffuse field at a head's ears, unit variance before its spectrum.

    The same seed gives the same samples.
    """
    import scipy.fft

    random = np.random.default_rng(seed)
    size = scipy.fft.next_fast_len(n + 4096, real=True)
    common, different = scipy.fft.rfft(random.standard_normal((2, size)))
    frequency = np.fft.rfftfreq(size, 1 / head.rate)
    grid = np.linspace(0.0, head.rate / 2, len(head.coherence))
    coherence = np.interp(frequency, grid, head.coherence)
    spectrum = np.interp(frequency, grid, head.diffuse)
    middle = spectrum * np.sqrt((1 + coherence) / 2) * common
    side = spectrum * np.sqrt((1 - coherence) / 2) * different
    return scipy.fft.irfft(np.stack([middle + side, middle - side]), size)[:, :n]


def _sphere(n: int) -> np.ndarray:
    """Return (n, 3) evenly spread unit vectors (a Fibonacci spiral)."""
    k = np.arange(n) + 0.5
    z = 1 - 2 * k / n
    angle = np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
