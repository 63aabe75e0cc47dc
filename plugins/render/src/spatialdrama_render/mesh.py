"""The triangles between a head's measured directions, and finding the one a direction lies in.

A direction d inside a triangle of directions a, b, c is d = wa a + wb b + wc c with no weight
negative; divided by their sum the weights are the barycentric ones. One multiplication by the
inverse of (a b c) gives them, and the most negative one says into which neighbour to walk when the
triangle is the wrong one. Paths move by fractions of a degree between control points, so the walk
from the last triangle hardly ever takes a step.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render.jit import kernel

#: A weight this far below zero still counts as inside: it is rounding, not another triangle.
_INSIDE = -1e-9
#: Least distance of a triangle's plane from the head's centre; a grid that leaves a wider hole than
#: about 85 degrees round the hole's middle does not surround the head.
_SURROUNDS = 0.08


@attrs.frozen(eq=False)
class SphereMesh:
    """Triangles on the sphere.

    Attributes
    ----------
    corners : (m, 3) int32
        Which directions.
    neighbours : (m, 3) int32
        The triangle beyond the side opposite each corner.
    inverse : (m, 3, 3) float64
        ``inverse[m] @ d`` are the weights, up to their sum.
    """

    corners: np.ndarray
    neighbours: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(cls, directions: Any) -> SphereMesh | None:
        """Return the mesh of (v, 3) unit vectors, or None where they leave the head bare."""
        from scipy.spatial import ConvexHull, QhullError

        directions = np.asarray(directions, dtype=float)
        if len(directions) < 4:
            return None
        try:
            hull = ConvexHull(directions)
        except QhullError:
            return None
        if hull.equations[:, 3].max() > -_SURROUNDS:
            return None
        corners = np.concatenate(
            [_fan(directions, flat) for flat in _flats(hull.simplices, hull.equations)]
        )
        # Columns are the corners: (m, 3 components, 3 corners).
        matrix = directions[corners].transpose(0, 2, 1)
        return cls(
            np.ascontiguousarray(corners, dtype=np.int32),
            neighbours_of(corners),
            np.ascontiguousarray(np.linalg.inv(matrix)),
        )

    def weights(self, directions: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return corners (n, 3) and barycentric weights (n, 3) of unit vectors (n, 3)."""
        directions = np.ascontiguousarray(directions, dtype=np.float64)
        index = np.empty((len(directions), 3), dtype=np.int32)
        weight = np.empty((len(directions), 3))
        if not _find_all(directions, self.corners, self.neighbours, self.inverse, index, weight):
            raise ValidationError("no triangle holds one of the directions; are they finite?")
        return index, weight


def _flats(triangles: np.ndarray, planes: np.ndarray) -> list[np.ndarray]:
    """Group a hull's triangles by the plane they lie in; return the corners of each flat."""
    _, flat = np.unique(planes.round(9), axis=0, return_inverse=True)
    order = np.argsort(flat.ravel(), kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(flat.ravel()[order])) + 1)
    return [np.unique(triangles[group]) for group in groups]


def _fan(directions: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Cut a flat polygon into triangles round its foremost (then highest) corner.

    The four directions of a cell between two rings lie in a plane and can be cut along either
    diagonal. A rule that does not ask for left or right cuts mirrored cells alike, so that a
    mirrored world is heard mirrored.
    """
    points = directions[flat]
    middle = points.mean(axis=0)
    middle = middle / np.linalg.norm(middle)
    across = points[0] - (points[0] @ middle) * middle
    turn = np.arctan2(points @ np.cross(middle, across), points @ across)
    ring = flat[np.argsort(turn)]
    place = directions[ring].round(9)
    apex = int(np.lexsort((place[:, 2], place[:, 0]))[-1])
    ring = np.roll(ring, -apex)
    return np.stack([np.repeat(ring[0], len(ring) - 2), ring[1:-1], ring[2:]], axis=1)


def neighbours_of(corners: np.ndarray) -> np.ndarray:
    """Return (m, 3) int32: the triangle beyond the side opposite each corner."""
    sides = np.sort(corners[:, [[1, 2], [0, 2], [0, 1]]].reshape(-1, 2), axis=1)
    order = np.lexsort((sides[:, 1], sides[:, 0]))
    # On a closed surface each side is in two triangles, which now lie side by side.
    out = np.empty(len(sides), dtype=np.int32)
    out[order[0::2]], out[order[1::2]] = order[1::2] // 3, order[0::2] // 3
    return out.reshape(-1, 3)


@kernel
def find(x, y, z, start, neighbours, inverse, weight):
    """Walk from triangle `start` to the one that holds (x, y, z); fill `weight`, return it or -1.

    The number of triangles bounds the walk: on a Delaunay mesh it cannot go in circles, and a
    direction that is NaN must end somewhere.
    """
    here = start
    for _ in range(len(inverse)):
        m = inverse[here]
        lowest, side = np.inf, 0
        total = 0.0
        for k in range(3):
            w = m[k, 0] * x + m[k, 1] * y + m[k, 2] * z
            weight[k] = w
            total += w
            if w < lowest:
                lowest, side = w, k
        if _INSIDE <= lowest < np.inf:
            for k in range(3):
                weight[k] = max(weight[k], 0.0) / total
            return here
        here = neighbours[here, side]
    return -1


@kernel
def nearest(x, y, z, directions):
    """Return the index of the direction next to (x, y, z)."""
    best, found = -np.inf, 0
    for v in range(len(directions)):
        dot = directions[v, 0] * x + directions[v, 1] * y + directions[v, 2] * z
        if dot > best:
            best, found = dot, v
    return found


@kernel
def _find_all(directions, corners, neighbours, inverse, index, weight):
    here = 0
    for n in range(len(directions)):
        x, y, z = directions[n]
        here = find(x, y, z, here, neighbours, inverse, weight[n])
        if here < 0:
            return False
        for k in range(3):
            index[n, k] = corners[here, k]
    return True
