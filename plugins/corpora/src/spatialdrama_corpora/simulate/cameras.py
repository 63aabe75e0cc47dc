"""Where the camera of a drama stands: in a corner or at a wall, looking over the listener."""

from __future__ import annotations

from typing import Any

import numpy as np

from spatialdrama.types import Room, rotations

#: m; how far a camera stands from the listener where no wall is nearer, and from a wall.
_FAR, _WALL = 5.5, 0.15
#: m above the listener's ears.
_HEIGHT = (0.2, 0.9)
#: Horizontal field of view.
_VIEW_DEG = (70.0, 95.0)


def draw_camera(
    room: Room, draw: np.random.Generator, size: tuple[int, int] = (320, 240)
) -> dict[str, Any]:
    """Draw a camera that sees as much of the stage as a wide lens can.

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
    azimuth = float(draw.uniform(-np.pi, np.pi))
    way = np.array([np.cos(azimuth), np.sin(azimuth)])
    reach = _FAR
    if room.is_shoebox:
        low, high = (bound[:2] for bound in room.bounds)
        with np.errstate(divide="ignore"):
            walls = np.where(way > 0, (high - _WALL) / way, (low + _WALL) / way)
        reach = min(_FAR, float(walls.min()))
    height = float(draw.uniform(*_HEIGHT))
    if room.is_shoebox:
        height = min(height, float(room.bounds[1][2]) - _WALL)
    position = np.round([*(reach * way), height], 3)
    # Looks at mouths near the listener, a little below its own height.
    orientation = rotations.facing(np.array([[0.0, 0.0, 0.1]]) - position)[0]
    width = size[0]
    focal = width / 2 / np.tan(np.deg2rad(float(draw.uniform(*_VIEW_DEG))) / 2)
    return {
        "position": position.tolist(),
        "orientation": orientation.round(9).tolist(),
        "focal_px": round(float(focal), 3),
        "size": list(size),
    }
