"""What stands behind the speakers: the room's walls where they are, or open ground and a sky.

A camera does not move, so this is drawn once a video and kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Room

from .camera import Camera
from .decor import Decor
from .quadrics import Grid
from .textures import grain, noise, speckle

#: m; height of the scene's origin above the ground where no room says it, as in :class:`Room`.
EYE_HEIGHT = 1.5
_SAMPLES = 2


@attrs.frozen(eq=False)
class Surroundings:
    """A picture without people.

    Attributes
    ----------
    picture : (h, w, 3) float32, 0 to 255
    depth : (h, w) float, m
        Along the optical axis.
    ground : (h, w, 2) float, m
        Where on the floor a pixel looks, x and y; NaN off the floor.
    floor : float, m
        Its height in the scene frame.
    """

    picture: np.ndarray
    depth: np.ndarray
    ground: np.ndarray
    floor: float


def surroundings(camera: Camera, room: Room | None = None, seed: int = 0) -> Surroundings:
    """Return what `camera` sees where nobody is.

    Parameters
    ----------
    camera : Camera
    room : Room, optional
        A shoebox shows its six walls at their places. The free field, a measured room (whose walls
        nobody knows) and None are open ground, 1.5 m below the scene's origin.
    seed : int
        Of colours, pictures on the walls and all else that no room says.

    Raises
    ------
    ValidationError
        For a camera that is not inside the room, or a seed below 0.
    """
    if int(seed) != seed or seed < 0:
        raise ValidationError(f"seed must be a whole number, 0 or more; got {seed!r}.")
    low = high = None
    if room is not None and room.size is not None:
        low = -np.asarray(room.listener, dtype=float)
        high = low + np.asarray(room.size, dtype=float)
        if np.any(camera.position <= low) or np.any(camera.position >= high):
            raise ValidationError(
                f"the camera at {camera.position.tolist()} is not inside the room, which lies from "
                f"{low.round(3).tolist()} to {high.round(3).tolist()} m in the scene frame; move "
                "it, or leave out the room."
            )
    key = None if low is None else (tuple(low), tuple(high))
    place, turn = tuple(camera.position.tolist()), tuple(camera.orientation.tolist())
    return _drawn(place, turn, camera.focal_px, camera.size, key, int(seed))


@lru_cache(maxsize=8)
def _drawn(position: Any, orientation: Any, focal: float, size: Any, walls: Any, seed: int) -> Any:
    camera = Camera(position, orientation, focal, size)
    grid = Grid.of(camera, (0, 0, *size), _SAMPLES)
    a, b = np.meshgrid(grid.left, grid.up)
    rays = np.stack([np.ones(a.size), a.ravel(), b.ravel()], axis=1) @ camera.axes
    decor = Decor.of(seed)
    if walls is None:
        floor = -EYE_HEIGHT
        colour, depth, ground = _outdoors(camera.position, rays, decor, floor)
    else:
        floor = walls[0][2]
        colour, depth, ground = _indoors(camera.position, rays, decor, *map(np.array, walls))
    height, width = size[1], size[0]

    def shrunk(values: np.ndarray) -> np.ndarray:
        cells = values.reshape(height, _SAMPLES, width, _SAMPLES, -1)
        return cells.mean(axis=(1, 3))

    result = Surroundings(
        np.clip(shrunk(colour), 0, 255).astype(np.float32), shrunk(depth)[..., 0],
        shrunk(ground), float(floor),
    )  # fmt: skip
    for values in (result.picture, result.depth, result.ground):
        values.setflags(write=False)
    return result


def _indoors(
    start: np.ndarray, rays: np.ndarray, decor: Decor, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return colour, depth and floor places of rays that end on the inside of a box."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (np.where(rays > 0, high, low) - start) / rays
    reach = np.where(np.isfinite(reach), reach, np.inf)
    axis = np.argmin(reach, axis=1)
    depth = np.take_along_axis(reach, axis[:, None], axis=1)[:, 0]
    points = start + depth[:, None] * rays - low
    size = high - low
    upward = np.take_along_axis(rays, axis[:, None], axis=1)[:, 0] > 0
    colour = np.empty_like(points)
    # (axis, towards high, level along the wall, brightness of the wall in the room's light)
    for number, (wall, top, along, light) in enumerate((
        (0, True, 1, 0.92), (0, False, 1, 0.84), (1, True, 0, 1.0), (1, False, 0, 0.78),
    )):  # fmt: skip
        here = (axis == wall) & (upward == top)
        if here.any():
            u, v = points[here, along], points[here, 2]
            colour[here] = light * decor.wall(u, v, size[along], size[2], number)
            colour[here] *= _corners(u, size[along]) * _corners(v, size[2])
    here = (axis == 2) & ~upward
    x, y = points[here, 0], points[here, 1]
    colour[here] = decor.floor(x, y) * _corners(x, size[0]) * _corners(y, size[1])
    ground = np.full((len(points), 2), np.nan)
    ground[here] = points[here, :2] + low[:2]
    here = (axis == 2) & upward
    x, y = points[here, 0], points[here, 1]
    colour[here] = decor.ceiling(x, y, size) * _corners(x, size[0]) * _corners(y, size[1])
    return colour, depth, ground


def _corners(along: np.ndarray, length: float) -> np.ndarray:
    """Less light gets into corners."""
    return (1 - 0.28 * np.exp(-np.minimum(along, length - along) / 0.25))[:, None]


def _outdoors(
    start: np.ndarray, rays: np.ndarray, decor: Decor, floor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return colour, depth and ground places of rays over a plain below hills and clouds."""
    unit = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    azimuth, rise = np.arctan2(unit[:, 1], unit[:, 0]), unit[:, 2]
    turn = (azimuth + np.pi) / (2 * np.pi)
    blue = np.array(decor.sky)
    cloud = np.clip(2.6 * grain(turn * 32, rise * 9 + 20) - 1.25, 0, 1) * np.clip(rise * 4, 0, 1)
    colour = blue + (235 - blue) * np.clip(0.55 - rise, 0, 1)[:, None]
    colour += (cloud * 0.85)[:, None] * (250 - colour)
    ridge = 0.03 + 0.13 * noise(turn * 16, np.full_like(turn, decor.seed % 50 + 0.5))
    hills = rise < ridge
    shade = 0.75 + 0.5 * grain(turn[hills] * 128, rise[hills] * 40)
    colour[hills] = np.array((96, 118, 104)) * shade[:, None]
    trees = rise < 0.02 + 0.09 * speckle(turn * 64, np.full_like(turn, 3 + decor.seed % 50)) * (
        0.6 + 0.4 * np.sin(turn * 64 * 2 * np.pi - np.pi / 2)
    )
    leaves = 0.6 + 0.8 * grain(turn[trees] * 320, rise[trees] * 90)
    colour[trees] = np.array((62, 92, 52)) * leaves[:, None]
    down = rays[:, 2] < -1e-4 if start[2] > floor else np.zeros(len(rays), bool)
    depth = np.full(len(rays), np.inf)
    ground = np.full((len(rays), 2), np.nan)
    depth[down] = (floor - start[2]) / rays[down, 2]
    ground[down] = (start + depth[:, None] * rays)[down, :2]
    x, y = ground[down].T
    # What is far off is finer than a pixel: it fades to its mean.
    keep = np.exp(-np.hypot(x - start[0], y - start[1]) / 14.0)
    blades = 1 + keep * (0.9 * grain(x * 5, y * 5) + 0.5 * speckle(x * 14, y * 14) - 0.7)
    path = np.abs(y - 1.2 * np.sin(x * 0.35) - decor.seed % 3) < 0.8
    soil = np.where(path[:, None], np.array((168, 148, 116)), np.array(decor.grass))
    colour[down] = soil * blades[:, None]
    return colour, depth, ground
