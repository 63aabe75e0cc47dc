"""Where the camera of a drama stands: in a corner or at a wall, looking over the listener."""

from __future__ import annotations

from typing import Any

import numpy as np

from spatialdrama.types import Room, rotations

#: m; how far a camera stands from the listener where no wall is nearer, and from a wall.
_FAR, _WALL = 5.5, 0.15
#: m above the listener's ears.
_HEIGHT = (0.2, 0.9)
#: Horizontal field of view: what readers of a video assume that says nothing of its lens.
_VIEW_DEG = 60.0
#: How many places are drawn; the farthest from the listener sees most of the stage.
_DRAWN = 4


def draw_camera(
    room: Room, draw: np.random.Generator, size: tuple[int, int] = (320, 240)
) -> dict[str, Any]:
    """Draw a camera that sees as much of the stage as there is room for.

    Parameters
    ----------
    room : Room
    draw : numpy Generator
    size : (width, height), pixels

    Returns
    -------
    dict
        ``position`` (m, scene frame), ``orientation`` (xyzw; body x looks along the optical
        axis), ``focal_px``, ``size``.

    Examples
    --------
    >>> camera = draw_camera(Room.free_field(), np.random.default_rng(0))
    >>> sorted(camera)
    ['focal_px', 'orientation', 'position', 'size']
    """
    reach, way = max(_reach(room, azimuth) for azimuth in draw.uniform(-np.pi, np.pi, _DRAWN))
    height = float(draw.uniform(*_HEIGHT))
    if room.is_shoebox:
        height = min(height, float(room.bounds[1][2]) - _WALL)
    position = np.round([reach * np.cos(way), reach * np.sin(way), height], 3)
    # Looks at mouths near the listener, a little below its own height.
    orientation = rotations.facing(np.array([[0.0, 0.0, 0.1]]) - position)[0]
    width = size[0]
    focal = width / 2 / np.tan(np.deg2rad(_VIEW_DEG) / 2)
    return {
        "position": position.tolist(),
        "orientation": orientation.round(9).tolist(),
        "focal_px": round(float(focal), 3),
        "size": list(size),
    }


def _reach(room: Room, azimuth: float) -> tuple[float, float]:
    """Return how far a camera can stand from the listener in a direction, and the direction."""
    if not room.is_shoebox:
        return _FAR, float(azimuth)
    way = np.array([np.cos(azimuth), np.sin(azimuth)])
    low, high = (bound[:2] for bound in room.bounds)
    walls = np.where(way > 0, high - _WALL, low + _WALL) / np.where(way == 0, 1e-9, way)
    return min(_FAR, float(walls.min())), float(azimuth)
