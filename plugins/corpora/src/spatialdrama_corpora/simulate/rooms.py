"""Rooms of three families and the free field, drawn from a seed.

A family is a range of sizes and of RT60. How a room says how it sounds varies: one RT60, one for
each octave, materials by wall, or a wished direct-to-reverberant ratio.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.seeding import rng
from spatialdrama.types import Room
from spatialdrama.types.room import expected_drr
from spatialdrama.types.validate import unknown_name

#: Hz; the octave by which a room belongs to its family.
MIDDLE = 3


@attrs.frozen
class Family:
    """Ranges of one kind of room: size in m, RT60 in s at 1 kHz."""

    size: tuple[tuple[float, float], ...]
    rt60: tuple[float, float]
    floors: tuple[str, ...]
    walls: tuple[str, ...]
    ceilings: tuple[str, ...]


FREE = "free"
FAMILIES: Mapping[str, Family] = {
    "dry": Family(
        ((3.0, 4.6), (2.8, 4.0), (2.3, 2.7)), (0.12, 0.28),
        ("carpet", "carpet-thin"), ("curtains", "mineral-wool", "plasterboard"),
        ("acoustic-ceiling", "mineral-wool", "plasterboard"),
    ),
    "living": Family(
        ((4.6, 8.0), (4.0, 6.5), (2.4, 3.3)), (0.3, 0.7),
        ("carpet-thin", "carpet", "stage-floor"), ("plasterboard", "wood-lining", "plaster"),
        ("plasterboard", "plaster", "acoustic-plaster"),
    ),
    "hall": Family(
        ((10.0, 22.0), (8.0, 15.0), (4.5, 8.0)), (0.8, 2.0),
        ("seats", "stage-floor", "audience"), ("plaster", "wood-lining", "curtains-velvet"),
        ("plaster", "wood-lining"),
    ),
}  # fmt: skip
#: RT60 of each octave over that at 1 kHz: soft rooms ring in the bass, air takes the highs.
_TILT = np.array([1.3, 1.15, 1.05, 1.0, 0.93, 0.82, 0.65])
WAYS = ("rt60", "bands", "walls", "drr")


def make_room(family: str, index: int, *, seed: int = 0) -> Room:
    """Return room number `index` of a family; the same arguments give the same room.

    Parameters
    ----------
    family : "dry", "living", "hall" or "free"
    index : int
    seed : int

    Returns
    -------
    Room
        RT60 at 1 kHz within the family's range, with the listener off the middle, at least 1.2 m
        from each wall.

    Raises
    ------
    ValidationError
        For a family that is not known.

    Examples
    --------
    >>> make_room("free", 0).is_free_field
    True
    >>> room = make_room("living", 3, seed=7)
    >>> 0.3 <= room.rt60_bands[3] <= 0.7
    np.True_
    """
    if family == FREE:
        return Room.free_field()
    if family not in FAMILIES:
        raise unknown_name("family of rooms", family, [*FAMILIES, FREE])
    kind, draw = FAMILIES[family], rng(seed, "room", family, int(index))
    size = tuple(round(float(draw.uniform(*span)), 2) for span in kind.size)
    listener = (*(_within(length, draw) for length in size[:2]), round(draw.uniform(1.1, 1.3), 2))
    time = round(float(np.exp(draw.uniform(*np.log(kind.rt60)))), 3)
    way = WAYS[index % len(WAYS)]
    if way == "walls":
        room = _by_walls(kind, size, listener, draw)
        if room is not None:
            return room
    if way == "bands":
        bands = tuple((time * _TILT).round(3).tolist())
        return Room(size, rt60=bands, listener=listener)
    drr = None
    if way == "drr":
        natural = expected_drr(np.full(7, time), float(np.prod(size)), 1.0)
        drr = round(natural + float(draw.uniform(-3.0, 5.0)), 1)
    return Room(size, rt60=time, listener=listener, drr_db=drr)


def _within(length: float, draw: np.random.Generator) -> float:
    margin = min(1.2, 0.45 * length)
    middle, free = length / 2, max(min(0.2 * length, length / 2 - margin), 0.0)
    return round(float(draw.uniform(middle - free, middle + free)), 2)


def _by_walls(kind: Family, size, listener, draw: np.random.Generator) -> Room | None:
    """Return a room of materials whose RT60 fits the family, or None when none is found."""
    for _ in range(60):
        one, other = (str(draw.choice(kind.walls)) for _ in range(2))
        absorption = {
            "floor": str(draw.choice(kind.floors)), "ceiling": str(draw.choice(kind.ceilings)),
            "walls": one, "front": other,
        }  # fmt: skip
        try:
            room = Room(size, absorption=absorption, listener=listener)
        except ValidationError:
            continue
        times = room.rt60_bands
        # Thin panels and carpets leave the bass; a room that booms is of no family.
        if kind.rt60[0] <= times[MIDDLE] <= kind.rt60[1] and times.max() <= 2 * kind.rt60[1]:
            return room
    return None
