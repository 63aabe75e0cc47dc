"""A grid of parallels and meridians, for receivers that are given by formulas.

Meridians stand one degree apart, parallels two. Gains that bend at a meridian (a loudspeaker's) or
at the equator bend along sides of triangles, and the triangles are the same left and right.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from spatialdrama_render.mesh import SphereMesh, neighbours_of

_MERIDIANS = 360
#: Degrees of elevation; the poles are two directions more, at the end.
_PARALLELS = np.arange(-88, 89, 2)


@cache
def grid_directions() -> np.ndarray:
    """Return (v, 3) unit vectors."""
    elevation = np.deg2rad(_PARALLELS)[:, None]
    azimuth = np.deg2rad(np.arange(_MERIDIANS) * 360 / _MERIDIANS)[None]
    x, y = np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth)
    z = np.sin(elevation) + 0 * azimuth
    rings = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    return np.concatenate([rings, [[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]])


def grid_mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the sphere of (v, ...) values on the grid.

    Notes
    -----
    Each parallel stands for the zone up to half way to the next, whose area goes with the height
    of the zone (Archimedes).

    Examples
    --------
    >>> from spatialdrama_render.sphere_grid import grid_directions, grid_mean
    >>> grid_mean(grid_directions() ** 2).round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    edges = np.concatenate([[-90.0], [-89.0], _PARALLELS + 1.0, [90.0]])
    area = np.diff(np.sin(np.deg2rad(edges))) / 2
    weights = np.concatenate([np.repeat(area[1:-1] / _MERIDIANS, _MERIDIANS), area[:1], area[-1:]])
    return np.tensordot(weights, values, axes=1)


@cache
def grid_mesh() -> SphereMesh:
    """Return the triangles; each field between parallels and meridians is cut into two."""
    corners = _triangles()
    matrix = grid_directions()[corners].transpose(0, 2, 1)
    return SphereMesh(corners, neighbours_of(corners), np.ascontiguousarray(np.linalg.inv(matrix)))


def _triangles() -> np.ndarray:
    rings = len(_PARALLELS)
    point = np.arange(rings * _MERIDIANS).reshape(rings, _MERIDIANS)
    after = np.roll(point, -1, axis=1)
    low_a, low_b, high_a, high_b = point[:-1], after[:-1], point[1:], after[1:]
    # The cuts on the right mirror those on the left.
    left = np.arange(_MERIDIANS) < _MERIDIANS // 2
    one = np.where(left, [low_a, low_b, high_b], [low_a, low_b, high_a])
    two = np.where(left, [low_a, high_b, high_a], [low_b, high_b, high_a])
    south, north = np.full(_MERIDIANS, point.size), np.full(_MERIDIANS, point.size + 1)
    caps = np.stack([[point[0], after[0], south], [point[-1], after[-1], north]], axis=1)
    every = [part.reshape(3, -1).T for part in (one, two, caps)]
    return np.ascontiguousarray(np.concatenate(every), dtype=np.int32)
