"""Receivers that are no head: first-order ambisonics and five loudspeakers.

The engine hears through anything that has filters and delays on a grid of directions. A format
for loudspeakers is such a receiver with filters of one tap, the gains of its channels, and no
delay: everybody sits at the same place. The grid is fine enough, and has its lines where gains
bend, that what lies between its directions is off by less than a thousandth of full scale.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.types import Room
from spatialdrama.types.multichannel import LAYOUTS
from spatialdrama.types.validate import unknown_name
from spatialdrama_render.engine import Ears
from spatialdrama_render.mesh import SphereMesh
from spatialdrama_render.plan import Acoustics, Receiver
from spatialdrama_render.sphere_grid import grid_directions, grid_mean, grid_mesh
from spatialdrama_render.tail import diffuse_tail

#: Degrees from straight ahead, counter-clockwise: Recommendation ITU-R BS.775-3, figure 1.
SPEAKERS_5_1 = {"L": 30.0, "R": -30.0, "C": 0.0, "Ls": 110.0, "Rs": -110.0}


@attrs.frozen(eq=False, repr=False)
class Layout:
    """Channels with gains for every direction, in the shape of a head.

    Parameters
    ----------
    name : str
    names : tuple of str
        Channels that sound, in the receiver's order.
    gains : callable
        Takes (n, 3) unit vectors (x forward, y left, z up), returns (n, c).
    rate : float, Hz

    Attributes
    ----------
    directions : (v, 3), filters : (v, c, 1), delays : (v, c) s
        What :class:`spatialdrama_render.hrtf.HrtfSet` has, for the engine.
    diffuse : (c,) float
        Root of the mean square of each gain over all directions.

    Examples
    --------
    >>> from spatialdrama_render.layouts import load_layout
    >>> foa = load_layout("foa")
    >>> foa.gains([[0, 1, 0]]).tolist()          # W, Y, Z, X of a source on the left
    [[1.0, 1.0, 0.0, 0.0]]
    >>> foa
    Layout('foa': W Y Z X)
    """

    name: str
    names: tuple[str, ...]
    gains: Callable[[Any], np.ndarray]
    rate: float = 48_000
    directions: np.ndarray = attrs.field(init=False)
    filters: np.ndarray = attrs.field(init=False)
    delays: np.ndarray = attrs.field(init=False)
    diffuse: np.ndarray = attrs.field(init=False)

    #: Formulas hold at every distance.
    near, far_distance = None, 1.0

    def __attrs_post_init__(self) -> None:
        put = object.__setattr__
        put(self, "directions", grid_directions())
        put(self, "filters", self.gains(self.directions)[:, :, None])
        put(self, "delays", np.zeros(self.filters.shape[:2]))
        put(self, "diffuse", np.sqrt(grid_mean(self.filters[:, :, 0] ** 2)))

    @property
    def taps(self) -> int:
        """One: gains, not filters."""
        return 1

    @property
    def mesh(self) -> SphereMesh:
        """The triangles of the grid, shared by all layouts."""
        return grid_mesh()

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels of a file, silent ones too."""
        return LAYOUTS[self.name]

    def arranged(self, samples: np.ndarray) -> np.ndarray:
        """Return (channels, n) in the order of a file from (c, n) of the receiver."""
        if self.names == self.channels:
            return samples
        out = np.zeros((len(self.channels), samples.shape[1]), dtype=samples.dtype)
        out[[self.channels.index(name) for name in self.names]] = samples
        return out

    def tail(self, room: Room, acoustics: Acoustics) -> np.ndarray:
        """Return (c, n) float32, the late room: noises that know nothing of each other.

        Notes
        -----
        Sound from all directions at once, each with the same power and no common phase, gives each
        channel the mean square of its gain over the sphere, so that reflections and tail are
        spread alike: 1 for W, 1/3 for X, Y and Z (SN3D); for loudspeakers their share of the
        circle. Spherical harmonics are uncorrelated then, and loudspeakers that are to sound
        diffuse must be.
        """
        return diffuse_tail(
            room, self.rate, channels=len(self.names), weights=self.diffuse,
            order=acoustics.order, law=acoustics.law, seed=acoustics.tail_seed, air=acoustics.air,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Layout({self.name!r}: {' '.join(self.channels)})"


def load_layout(name: str, *, rate: float = 48_000) -> Layout:
    """Return a receiver by its name.

    Parameters
    ----------
    name : "foa" or "5.1"
        First-order ambisonics as AmbiX has it (channels W Y Z X, SN3D; Nachbar et al., 2011), or
        five loudspeakers and a silent low-frequency channel (ITU-R BS.775: L R C LFE Ls Rs).
    rate : float, Hz

    Raises
    ------
    UnknownNameError
        For any other name.
    """
    if name == "foa":
        return Layout(name, LAYOUTS[name], ambisonic_gains, rate)
    if name == "5.1":
        return Layout(name, tuple(SPEAKERS_5_1), panning_gains, rate)
    raise unknown_name("layout", name, ["binaural", *LAYOUTS])


@cache
def layout_ears(name: str, rate: float = 48_000) -> Ears:
    """Return a layout laid out for the kernels."""
    return Ears.of(load_layout(name, rate=rate), interpolation="barycentric", basis=1)


def layout_receiver(name: str, rate: float = 48_000) -> Receiver:
    """Return a layout as one who listens, for :class:`spatialdrama_render.plan.Plan`."""
    ears = layout_ears(name, rate)
    return Receiver(ears, ears.head.tail)


def ambisonic_gains(directions: Any) -> np.ndarray:
    """Return (n, 4) gains W, Y, Z, X of (n, 3) unit vectors: 1, y, z and x.

    Notes
    -----
    The real spherical harmonics of degree 0 and 1 in ACN order, SN3D normalisation: a source on an
    axis is as loud in that axis' channel as in W.
    """
    x, y, z = np.atleast_2d(np.asarray(directions, dtype=float)).T
    return np.stack([np.ones_like(x), y, z, x], axis=1)


def panning_gains(directions: Any) -> np.ndarray:
    """Return (n, 5) gains of L, R, C, Ls, Rs for (n, 3) unit vectors; each row has unit power.

    Notes
    -----
    In the horizontal plane: vector base amplitude panning between the two neighbours of a
    direction (Pulkki 1997, equations 9 and 10), which is the tangent law. Nothing is above or
    below, so a raised source keeps its azimuth and spreads over all five as the share 1 - cos of
    its elevation; straight above it is everywhere alike, and no gain jumps on the way over.
    """
    directions = np.atleast_2d(np.asarray(directions, dtype=float))
    level = np.hypot(directions[:, 0], directions[:, 1])
    gains = level[:, None] * _horizontal(directions[:, :2]) + (1 - level)[:, None] * 5**-0.5
    return gains / np.linalg.norm(gains, axis=1, keepdims=True)


def _horizontal(places: np.ndarray) -> np.ndarray:
    """Return (n, 5) gains of unit power for (n, 2) directions of any length."""
    names = list(SPEAKERS_5_1)
    round_about = sorted(names, key=SPEAKERS_5_1.get)
    gains = np.zeros((len(places), len(names)))
    best = np.full(len(places), -np.inf)
    for one, two in zip(round_about, [*round_about[1:], round_about[0]], strict=True):
        angles = np.deg2rad([SPEAKERS_5_1[one], SPEAKERS_5_1[two]])
        pair = places @ np.linalg.inv(np.stack([np.cos(angles), np.sin(angles)], axis=1))
        # The pair that holds a direction is the one with no negative gain, up to rounding.
        size = np.maximum(np.linalg.norm(pair, axis=1), 1e-12)
        least = pair.min(axis=1) / size
        better = least > best
        best = np.where(better, least, best)
        found = np.zeros_like(gains)
        found[:, [names.index(one), names.index(two)]] = np.maximum(pair, 0.0)
        gains = np.where(better[:, None], found, gains)
    size = np.linalg.norm(gains, axis=1, keepdims=True)
    return gains / np.where(size > 0, size, 1.0)
