"""Where sound is reflected: a shoebox room, a measured room, or no room at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.materials import (
    BANDS,
    Absorption,
    Walls,
    absorption_table,
    check_absorption,
    check_bands,
)
from spatialdrama.types.validate import check_positive, finite, readonly, vector3

#: s; rooms that people speak in sound less long by far, cathedrals for about 10 s.
LONGEST_RT60 = 30.0


@attrs.frozen(kw_only=False)
class Room:
    """A shoebox room, a measured room, or the free field.

    Parameters
    ----------
    size : (length, width, height) in m, or None
        Along x (forward), y (left) and z (up). None is the free field, or a measured room.
    rt60 : float or seven floats, s, optional
        Time in which the sound decays by 60 dB, at most 30 s; seven values are those of the
        octaves 125 Hz to 8 kHz (:data:`spatialdrama.types.materials.BANDS`).
    absorption : number, seven numbers, str or mapping, optional
        Share of the energy that the walls take, instead of `rt60`: 0 to 1 in all bands, one value
        for each octave, or a material's name
        (:data:`spatialdrama.types.materials.MATERIALS`); one of these for all walls, or a mapping
        that has one for each of front, back (high and low x), left, right (high and low y), floor
        and ceiling. In a mapping, ``"walls"`` stands for the upright ones that it does not name.
    listener : three float, m, optional
        The scene's origin, measured from the room's corner (where x, y and z are smallest).
        Default: the middle of the floor, 1.5 m up, or at half height in a lower room.
    drr_db : float, dB, optional
        Energy of the direct sound over that of everything the room adds, 1 m from a source that
        radiates alike everywhere. Default: what volume and decay give, see :meth:`drr_at`.
    brir : path, optional
        A measured binaural room impulse response; see :meth:`measured`.

    Raises
    ------
    ValidationError
        For sizes, times or absorptions that no room has.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> room = sd.Room(size=(6, 5, 3), rt60=0.35)
    >>> room.listener
    (3.0, 2.5, 1.5)
    >>> room.volume
    90.0
    >>> sd.Room((6, 5, 3), absorption={"walls": "plaster", "floor": "carpet", "ceiling": 0.6})
    Room(6 x 5 x 3 m, absorption by wall, RT60 0.26 to 0.61 s)
    """

    size: tuple[float, float, float] | None = attrs.field(default=None)
    rt60: float | tuple[float, ...] | None = attrs.field(default=None, kw_only=True)
    absorption: Absorption | Walls | None = attrs.field(default=None, kw_only=True)
    listener: tuple[float, float, float] | None = attrs.field(default=None, kw_only=True)
    drr_db: float | None = attrs.field(default=None, kw_only=True)
    brir: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.size is None:
            self._check_no_shoebox()
            return
        if self.brir is not None:
            raise ValidationError(
                "a measured room has no size of its own here; use Room.measured(path) alone, or "
                "leave out brir=."
            )
        put = object.__setattr__
        size = vector3(self.size, "Room size")
        if size.min() <= 0:
            raise ValidationError(f"Room size must be three positive metres; got {self.size!r}.")
        put(self, "size", tuple(map(float, size)))
        if (self.rt60 is None) == (self.absorption is None):
            raise ValidationError(
                "Room needs either rt60= (seconds) or absorption= (0 to 1); got "
                f"rt60={self.rt60!r}, absorption={self.absorption!r}."
            )
        if self.rt60 is not None:
            put(self, "rt60", _check_rt60(self.rt60))
        else:
            put(self, "absorption", check_absorption(self.absorption))
            if (longest := float(self.rt60_bands.max())) > LONGEST_RT60:
                raise ValidationError(
                    f"absorption={self.absorption!r} lets the room sound for {longest:.3g} s, "
                    f"longer than {LONGEST_RT60:g} s; use a larger absorption, such as 0.1."
                )
        if self.drr_db is not None:
            put(self, "drr_db", finite(self.drr_db, "drr_db"))
        default = (size[0] / 2, size[1] / 2, min(1.5, size[2] / 2))
        origin = vector3(default if self.listener is None else self.listener, "Room listener")
        if np.any(origin <= 0) or np.any(origin >= size):
            raise ValidationError(
                f"Room listener {tuple(map(float, origin))} is not inside a room of size "
                f"{self.size}; it is measured from the corner."
            )
        put(self, "listener", tuple(map(float, origin)))

    def _check_no_shoebox(self) -> None:
        kind, remedy = "a free field has", "give the room a size, such as (6, 5, 3)"
        if self.brir is not None:
            kind, remedy = "a measured room brings its own decay: it has", "leave that out"
            if not isinstance(self.brir, (str, os.PathLike)) or not os.fspath(self.brir):
                raise ValidationError(
                    f"brir must be the path of an impulse response; got {self.brir!r}."
                )
            object.__setattr__(self, "brir", os.path.abspath(self.brir))
        for name in ("rt60", "absorption", "listener", "drr_db"):
            if getattr(self, name) is not None:
                raise ValidationError(f"{kind} no {name}; {remedy}.")

    @classmethod
    def free_field(cls) -> Room:
        """Return no room at all: no reflections, no tail.

        Examples
        --------
        >>> from spatialdrama.types import Room
        >>> Room.free_field().is_free_field
        True
        """
        return cls(None)

    @classmethod
    def measured(cls, path: Any) -> Room:
        """Return a room as somebody measured it at two ears.

        Parameters
        ----------
        path : str or path
            A binaural room impulse response: a file of two channels (WAV, FLAC), or SOFA with one
            response for each measured position. It is read when something is rendered.

        Notes
        -----
        The response holds the loudspeaker's place, the head and the room at once, so a pose only
        tells speakers apart: each is heard from the nearest position in its direction that the
        file has, and a walk does not change the distance.

        Examples
        --------
        >>> from spatialdrama.types import Room
        >>> Room.measured("hall.wav")
        Room(measured, hall.wav)
        """
        return cls(None, brir=path)

    @property
    def is_free_field(self) -> bool:
        """True when nothing reflects."""
        return self.size is None and self.brir is None

    @property
    def is_measured(self) -> bool:
        """True when a measured impulse response is the room."""
        return self.brir is not None

    @property
    def is_shoebox(self) -> bool:
        """True when the room has walls, a size and bounds."""
        return self.size is not None

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return float(np.prod(self._sized()))

    @property
    def surface(self) -> float:
        """Square metres of wall, floor and ceiling."""
        return float(self.wall_areas.sum())

    @property
    def wall_areas(self) -> np.ndarray:
        """(6,) m2 of front, back, left, right, floor and ceiling."""
        length, width, height = self._sized()
        return np.repeat([width * height, length * height, length * width], 2)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The room's lowest and highest corner in the scene frame, (3,) m each."""
        size, origin = np.array(self._sized()), np.array(self.listener)
        return -origin, size - origin

    @property
    def wall_absorption(self) -> np.ndarray:
        """(6, 7) share of energy that each wall takes in each octave band; needs `absorption`."""
        self._sized()
        if self.absorption is None:
            raise ValidationError(
                "this room has an rt60 and leaves its walls to the renderer; give absorption= to "
                "set them."
            )
        return readonly(absorption_table(self.absorption), float)

    @property
    def rt60_bands(self) -> np.ndarray:
        """(7,) s; the RT60 asked for in each octave band, or Eyring's for the walls it has.

        C. F. Eyring (1930): T = 24 ln(10) V / (-c S ln(1 - alpha)), with the mean absorption
        alpha of the walls by area. What the air takes comes on top of the walls' absorption.

        Examples
        --------
        >>> from spatialdrama.types import Room
        >>> Room((6, 5, 3), absorption=0.2).rt60_bands.round(3)[0]
        np.float64(0.516)
        """
        if self.rt60 is not None:
            return readonly(np.broadcast_to(self.rt60, len(BANDS)), float)
        mean = self.wall_areas @ self.wall_absorption / self.surface
        exponent = -np.log(np.maximum(1.0 - mean, 1e-12))
        time = 24 * np.log(10) * self.volume / (SPEED_OF_SOUND * self.surface * exponent)
        return readonly(time, float)

    def drr_at(self, distance: float = 1.0) -> float:
        """Return the direct-to-reverberant energy ratio in dB to expect at a distance in m.

        The source radiates alike everywhere. Reverberant energy is that of M. Barron and L.-J. Lee
        (1988), mean of the seven octave bands: (4 pi c T / (6 ln(10) V)) 10^(-6 r / (c T)) for a
        direct energy of 1 / r^2; it is an average over places in the room. With `drr_db` the ratio
        at 1 m is that one.

        Examples
        --------
        >>> from spatialdrama.types import Room
        >>> round(Room((6, 5, 3), rt60=0.35).drr_at(1.0), 2)
        -0.34
        >>> round(Room((6, 5, 3), rt60=0.35, drr_db=6).drr_at(2.0), 2)
        0.48
        """
        distance = check_positive(distance, "distance", unit="m")
        ratio = self._natural_drr(distance)
        if self.drr_db is not None:
            ratio += self.drr_db - self._natural_drr(1.0)
        return ratio

    def _natural_drr(self, distance: float) -> float:
        return expected_drr(self.rt60_bands, self.volume, distance)

    def contains(self, points: Any) -> np.ndarray:
        """Return (n,) bool: which scene points (n, 3) lie between the walls."""
        points = np.atleast_2d(points)
        if not self.is_shoebox:
            return np.ones(len(points), bool)
        low, high = self.bounds
        return np.all((points > low) & (points < high), axis=1)

    def _sized(self) -> tuple[float, float, float]:
        if self.size is None:
            kind = "a free field" if self.is_free_field else "a measured room"
            raise ValidationError(f"{kind} has no size; ask room.is_shoebox first.")
        return self.size

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return reprs.bundle(self, svg=reprs.top_view({}, self if self.is_shoebox else None))

    def __repr__(self) -> str:
        if self.is_free_field:
            return "Room(free field)"
        if self.is_measured:
            return f"Room(measured, {os.path.basename(self.brir)})"
        shape = " x ".join(f"{s:g}" for s in self._sized())
        wish = "" if self.drr_db is None else f", D/R {self.drr_db:g} dB at 1 m"
        return f"Room({shape} m, {self._damping()}{wish})"

    def _damping(self) -> str:
        """Return how the decay is described, for the repr."""
        if isinstance(self.absorption, float):
            return f"absorption {self.absorption:g}"
        low, high = self.rt60_bands.min(), self.rt60_bands.max()
        time = f"RT60 {low:.2g} s" if low == high else f"RT60 {low:.2g} to {high:.2g} s"
        if self.absorption is None:
            return f"RT60 {self.rt60:g} s" if isinstance(self.rt60, float) else time
        if isinstance(self.absorption, str):
            return f"{self.absorption}, {time}"
        return f"absorption by {'wall' if isinstance(self.absorption, Mapping) else 'band'}, {time}"


def expected_drr(rt60: Any, volume: float, distance: float) -> float:
    """Return the direct-to-reverberant ratio in dB of a diffuse field, see :meth:`Room.drr_at`.

    Parameters
    ----------
    rt60 : (b,) float, s
    volume : float, m3
    distance : float, m
    """
    time = np.asarray(rt60, dtype=float)
    energy = 4 * np.pi * SPEED_OF_SOUND / volume * time / (6 * np.log(10))
    energy = energy * 10 ** (-6 * distance / (SPEED_OF_SOUND * time))
    return float(-10 * np.log10(np.mean(energy) * distance**2))


def _check_rt60(value: Any) -> float | tuple[float, ...]:
    if not hasattr(value, "__len__") or isinstance(value, str):
        time = check_positive(value, "rt60", unit="s")
        _check_long(time, f"got {value!r}")
        return time
    times = check_bands(value, "rt60", "seconds")
    if min(times) <= 0:
        raise ValidationError(f"rt60 must be more than zero s in every band; got {value!r}.")
    _check_long(max(times), f"got {value!r}")
    return times


def _check_long(time: float, seen: str) -> None:
    """Refuse a decay that no room has; milliseconds look like one."""
    if time > LONGEST_RT60:
        raise ValidationError(
            f"rt60 is in seconds, at most {LONGEST_RT60:g}; {seen}. Did you mean 0.35?"
        )
