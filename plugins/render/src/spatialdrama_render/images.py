"""Mirror images of a source in a shoebox room, and how much their walls take away.

Allen and Berkley (1979), "Image method for efficiently simulating small-room acoustics".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import Room
from spatialdrama.types.materials import BANDS
from spatialdrama.types.room import expected_drr
from spatialdrama_render.air import Air

ABSORPTION_LAWS = ("eyring", "sabine")
#: Sabine's constant: RT60 = _SABINE V / (c S alpha).
_SABINE = 24 * np.log(10)


@attrs.frozen(eq=False)
class Images:
    """Every image up to an order: it is at ``sign * source + offset``, in the scene frame.

    The source itself is the first one.

    Attributes
    ----------
    sign, offset : (i, 3) float
    order : (i,) int
        Number of walls met.
    gain : (i,) float
        Pressure left after them, root mean square over the octave bands.
    bands : (i, 7) float
        Pressure left in each of :data:`spatialdrama.types.materials.BANDS`, relative to `gain`;
        ones where walls have no colour.
    """

    sign: np.ndarray
    offset: np.ndarray
    order: np.ndarray
    gain: np.ndarray
    bands: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def only(self, keep: slice | np.ndarray) -> Images:
        """Return some of the images."""
        return Images(
            self.sign[keep], self.offset[keep], self.order[keep], self.gain[keep], self.bands[keep]
        )


def shoebox_images(
    room: Room | None, order: int, *, law: str = "eyring", air: Air | None = None
) -> Images:
    """List the images of a room up to `order` reflections; one, the source, in a free field.

    Parameters
    ----------
    room : Room or None
    order : int
    law : "eyring" or "sabine"
        Which one turns an RT60 into the absorption of the walls.
    air : Air, optional
        What the air takes of a decay that was asked for, the walls need not take; see
        :func:`wall_absorption`. What it takes along the way of each image is not in here.

    Raises
    ------
    ValidationError
        For a measured room, which has no walls, and see :func:`wall_absorption`.

    Examples
    --------
    >>> from spatialdrama.types import Room
    >>> from spatialdrama_render.images import shoebox_images
    >>> len(shoebox_images(Room((6, 5, 3), rt60=0.35), 2))
    25
    >>> images = shoebox_images(Room((6, 5, 3), absorption="carpet"), 1)
    >>> (images.gain[1] * images.bands[1]).round(2).tolist()
    [0.96, 0.96, 0.84, 0.63, 0.5, 0.45, 0.45]
    """
    if room is None or room.is_free_field:
        one = np.ones((1, len(BANDS)))
        return Images(np.ones((1, 3)), np.zeros((1, 3)), np.zeros(1, int), np.ones(1), one)
    return _listed(room, order, law, air)


@lru_cache(maxsize=64)
def _listed(room: Room, order: int, law: str, air: Air | None) -> Images:
    """List the images of a shoebox; many renderings share one list, so nobody may write to it."""
    _check(room, law)
    span = np.arange(-order, order + 1)
    cells = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = cells[np.abs(cells).sum(axis=1) <= order]
    cells = cells[np.argsort(np.abs(cells).sum(axis=1), kind="stable")]
    met = np.abs(cells).sum(axis=1)
    # Cell m of an axis of length L holds the source mirrored |m| times: x + m L for even m,
    # (m + 1) L - x for odd m, measured from the corner.
    odd = cells % 2 == 1
    sign = np.where(odd, -1.0, 1.0)
    size, origin = np.asarray(room.size), np.asarray(room.listener)
    corner = np.where(odd, cells + 1, cells) * size
    # Scene coordinates count from the room's listener point: sign * (p + origin) - origin.
    offset = corner + sign * origin - origin
    reflection = np.sqrt(1.0 - wall_absorption(room, law=law, air=air))
    gain, bands = _coloured(np.prod(reflection ** _walls_met(cells)[:, :, None], axis=1))
    gain[1:] *= reverberant_gain(room, law=law, air=air)
    for array in (sign, offset, met, gain, bands):
        array.setflags(write=False)
    return Images(sign, offset, met, gain, bands)


def _walls_met(cells: np.ndarray) -> np.ndarray:
    """Return (i, 6) how often the way from each cell (i, 3) meets each wall.

    From cell m > 0 of an axis the sound meets the high wall first, then both in turn.
    """
    first, second = (np.abs(cells) + 1) // 2, np.abs(cells) // 2
    high = np.where(cells > 0, first, second)
    low = np.where(cells > 0, second, first)
    x, y, z = np.moveaxis(np.stack([high, low], axis=-1), 1, 0)
    return np.concatenate([x, y, z[:, ::-1]], axis=1)  # the floor comes before the ceiling


def _coloured(amplitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split (i, b) amplitudes into a gain (i,) and what each band has relative to it."""
    gain = np.sqrt(np.mean(amplitude**2, axis=1))
    plain = np.ptp(amplitude, axis=1) <= 1e-12 * amplitude.max(axis=1, initial=0.0)
    gain = np.where(plain, amplitude[:, 0], gain)
    bands = np.ones_like(amplitude)
    bands[~plain] = amplitude[~plain] / gain[~plain, None]
    return gain, bands


def wall_absorption(room: Room, *, law: str = "eyring", air: Air | None = None) -> np.ndarray:
    """Return the energy absorption of each wall in each octave band.

    Parameters
    ----------
    room : Room
    law : "eyring" or "sabine"
        Sabine: T = 24 ln(10) V / (c S alpha), as ``pyroomacoustics.inverse_sabine`` has it.
        Eyring: the same with -ln(1 - alpha). Images that lose alpha at each wall decay at
        Eyring's rate, so it is the one that makes images and tail decay alike.
    air : Air, optional
        Air takes its part of the decay; the walls of a room that is given by its RT60 take the
        rest. Where air alone is faster than an `rt60` that is one number, they take nothing.

    Returns
    -------
    (6, 7) float64

    Raises
    ------
    ValidationError
        When no walls give that RT60 (Sabine's absorption would exceed one), or when air alone is
        faster than the RT60 asked for in one band.

    Examples
    --------
    >>> from spatialdrama.types import Room
    >>> from spatialdrama_render.images import wall_absorption
    >>> wall_absorption(Room((6, 5, 3), rt60=0.35), law="sabine")[0, 0].round(4)
    np.float64(0.3288)
    """
    _check(room, law)
    if room.absorption is not None:
        return room.wall_absorption
    decay = 60.0 / room.rt60_bands
    if air is not None:
        takes = air.decay(BANDS)
        _check_air(room, takes)
        decay = np.maximum(decay - takes, 0.0)
    sabine = _SABINE * room.volume / (SPEED_OF_SOUND * room.surface) * decay / 60.0
    if sabine.max() > 1:
        _refuse_short(room, int(np.argmax(sabine)))
    alpha = sabine if law == "sabine" else 1.0 - np.exp(-sabine)
    return np.tile(alpha, (6, 1))


def decay_rate(
    room: Room, frequency: Any, *, law: str = "eyring", air: Air | None = None
) -> np.ndarray:
    """Return how fast the reverberation falls, in dB per second.

    Parameters
    ----------
    room : Room
    frequency : (f,) float, Hz
        Between octave bands the walls' part is interpolated over log frequency, beyond them held;
        the air's is exact.
    law, air
        See :func:`wall_absorption`. An RT60 that was asked for is what walls and air have
        together, except where air alone is faster.

    Returns
    -------
    (f,) float64, dB/s
    """
    frequency = np.asarray(frequency, dtype=float)
    alpha = wall_absorption(room, law=law, air=air)  # refuses what cannot be
    takes = 0.0 if air is None else air.decay(frequency)
    if room.rt60 is not None:
        return np.maximum(_over_bands(frequency, 60.0 / room.rt60_bands), takes)
    mean = room.wall_areas @ alpha / room.surface
    exponent = mean if law == "sabine" else -np.log(np.maximum(1.0 - mean, 1e-12))
    walls = 60.0 * SPEED_OF_SOUND * room.surface * exponent / (_SABINE * room.volume)
    return _over_bands(frequency, walls) + takes


def reverberation_time(room: Room, *, law: str = "eyring", air: Air | None = None) -> np.ndarray:
    """Return (7,) RT60 in s in each octave band, walls and air together."""
    return 60.0 / decay_rate(room, BANDS, law=law, air=air)


def reverberant_gain(room: Room, *, law: str = "eyring", air: Air | None = None) -> float:
    """Return the factor on the pressure of all but the direct sound that `room.drr_db` asks for."""
    if room.drr_db is None:
        return 1.0
    natural = expected_drr(reverberation_time(room, law=law, air=air), room.volume, 1.0)
    return float(10 ** ((natural - room.drr_db) / 20))


def _over_bands(frequency: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate values (7,) of the octave bands over log frequency; the ends are held."""
    return np.interp(np.log(np.maximum(frequency, 1.0)), np.log(BANDS), values)


def _check(room: Room, law: str) -> None:
    if law not in ABSORPTION_LAWS:
        raise ValidationError(f"law must be one of {', '.join(ABSORPTION_LAWS)}; got {law!r}.")
    if not room.is_shoebox:
        raise ValidationError(
            f"{room!r} has no walls to compute with; give a Room with a size, such as "
            "Room((6, 5, 3), rt60=0.35)."
        )


def _check_air(room: Room, takes: np.ndarray) -> None:
    """Refuse an RT60 of one band that air alone undercuts."""
    if isinstance(room.rt60, float):
        return
    slow = 60.0 / room.rt60_bands < takes
    if slow.any():
        i = int(np.argmax(slow))
        raise ValidationError(
            f"no room has an RT60 of {room.rt60[i]:g} s at {BANDS[i]:g} Hz: air alone takes 60 dB "
            f"in {60.0 / takes[i]:.2f} s. Use a shorter rt60 in that band, or leave the air out."
        )


def _refuse_short(room: Room, band: int) -> None:
    shortest = _SABINE * room.volume / (SPEED_OF_SOUND * room.surface)
    where = "" if isinstance(room.rt60, float) else f" at {BANDS[band]:g} Hz"
    raise ValidationError(
        f"a room of {' x '.join(f'{v:g}' for v in room.size)} m cannot have an RT60 of "
        f"{room.rt60_bands[band]:g} s{where}; walls that absorb everything give {shortest:.2f} s. "
        "Use a longer rt60, a smaller room, or Room.free_field()."
    )
