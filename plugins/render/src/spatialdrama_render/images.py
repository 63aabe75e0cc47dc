"""Mirror images of a source in a shoebox room, and how much their walls take away.

Allen and Berkley (1979), "Image method for efficiently simulating small-room acoustics".
"""

from __future__ import annotations

import attrs
import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import Room

ABSORPTION_LAWS = ("eyring", "sabine")


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
        Pressure left after them.
    """

    sign: np.ndarray
    offset: np.ndarray
    order: np.ndarray
    gain: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def only(self, keep: slice | np.ndarray) -> Images:
        """Return some of the images."""
        return Images(self.sign[keep], self.offset[keep], self.order[keep], self.gain[keep])


def shoebox_images(room: Room | None, order: int, *, law: str = "eyring") -> Images:
    """List the images of a room up to `order` reflections; one, the source, in a free field.

    Parameters
    ----------
    room : Room or None
    order : int
    law : "eyring" or "sabine"
        Which one turns an RT60 into the absorption of the walls.

    Examples
    --------
    >>> from spatialdrama.types import Room
    >>> from spatialdrama_render.images import shoebox_images
    >>> len(shoebox_images(Room((6, 5, 3), rt60=0.35), 2))
    25
    """
    if room is None or room.is_free_field:
        return Images(np.ones((1, 3)), np.zeros((1, 3)), np.zeros(1, int), np.ones(1))
    span = np.arange(-order, order + 1)
    cells = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = cells[np.abs(cells).sum(axis=1) <= order]
    met = np.abs(cells).sum(axis=1)
    cells = cells[np.argsort(met, kind="stable")]
    met = np.abs(cells).sum(axis=1)
    # Cell m of an axis of length L holds the source mirrored |m| times: x + m L for even m,
    # (m + 1) L - x for odd m, measured from the corner.
    odd = cells % 2 == 1
    sign = np.where(odd, -1.0, 1.0)
    size, origin = np.asarray(room.size), np.asarray(room.listener)
    corner = np.where(odd, cells + 1, cells) * size
    # Scene coordinates count from the room's listener point: sign * (p + origin) - origin.
    offset = corner + sign * origin - origin
    reflection = np.sqrt(1.0 - wall_absorption(room, law=law))
    return Images(sign, offset, met, reflection**met)


def wall_absorption(room: Room, *, law: str = "eyring") -> float:
    """Return the mean energy absorption of the walls.

    Parameters
    ----------
    room : Room
    law : "eyring" or "sabine"
        Sabine: T = 24 ln(10) V / (c S alpha), as ``pyroomacoustics.inverse_sabine`` has it.
        Eyring: the same with -ln(1 - alpha). Images that lose alpha at each wall decay at
        Eyring's rate, so it is the one that makes images and tail decay alike.

    Raises
    ------
    ValidationError
        When no walls give that RT60 (Sabine's absorption would exceed one).

    Examples
    --------
    >>> from spatialdrama.types import Room
    >>> from spatialdrama_render.images import wall_absorption
    >>> round(wall_absorption(Room((6, 5, 3), rt60=0.35), law="sabine"), 4)
    0.3288
    """
    if law not in ABSORPTION_LAWS:
        raise ValidationError(f"law must be one of {', '.join(ABSORPTION_LAWS)}; got {law!r}.")
    if room.absorption is not None:
        return float(room.absorption)
    shortest = 24 * np.log(10) * room.volume / (SPEED_OF_SOUND * room.surface)
    sabine = shortest / room.rt60
    if sabine > 1:
        raise ValidationError(
            f"a room of {' x '.join(f'{v:g}' for v in room.size)} m cannot have an RT60 of "
            f"{room.rt60:g} s; walls that absorb everything give {shortest:.2f} s. Use a longer "
            "rt60, a smaller room, or Room.free_field()."
        )
    return float(sabine if law == "sabine" else 1.0 - np.exp(-sabine))


def reverberation_time(room: Room, *, law: str = "eyring") -> float:
    """Return RT60 in s: the one asked for, or the one that the absorption gives."""
    if room.rt60 is not None:
        wall_absorption(room, law=law)  # refuses an impossible one
        return float(room.rt60)
    alpha = float(room.absorption)
    exponent = alpha if law == "sabine" else -np.log(max(1.0 - alpha, 1e-12))
    return float(24 * np.log(10) * room.volume / (SPEED_OF_SOUND * room.surface * exponent))
