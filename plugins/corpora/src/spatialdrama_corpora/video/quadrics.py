"""Ellipsoids seen by a pinhole camera: their outline's box and their depth, in closed form.

With q = (1, a, b) for the ray one unit deep, a to the left and b up, a ray hits an ellipsoid
where a quadratic form of q is positive, so one 3 x 3 matrix holds outline and depth of a whole
picture (Cross and Zisserman, "Quadric reconstruction from dual-space geometry", ICCV 1998).
"""

from __future__ import annotations

import attrs
import numpy as np

from .camera import Camera

#: m; nearer surfaces are not drawn, as a lens would not show them either.
NEAR_PLANE = 0.03


@attrs.frozen(eq=False)
class Grid:
    """Rays through a rectangle of the picture, several for each pixel's side.

    Attributes
    ----------
    camera : Camera
    box : (left, top, right, bottom), whole pixels
    samples : int
        Rays for each side of a pixel.
    left, up : (w,), (h,) float
        Of the rays one unit deep.
    """

    camera: Camera
    box: tuple[int, int, int, int]
    samples: int
    left: np.ndarray
    up: np.ndarray

    @classmethod
    def of(cls, camera: Camera, box: tuple[int, int, int, int], samples: int) -> Grid:
        """Return the rays through `box`."""
        left, top, right, bottom = box
        columns = left + (np.arange((right - left) * samples) + 0.5) / samples
        rows = top + (np.arange((bottom - top) * samples) + 0.5) / samples
        width, height = camera.size
        return cls(
            camera, box, samples,
            (width / 2 - columns) / camera.focal_px, (height / 2 - rows) / camera.focal_px,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of rays."""
        return len(self.up), len(self.left)


@attrs.frozen(eq=False)
class Ellipsoid:
    """A body with three half axes.

    Attributes
    ----------
    frame : (3, 3) float
        Rows are its axes in the scene.
    centre : (3,) float, m, scene frame
    half : (3,) float, m
    """

    frame: np.ndarray
    centre: np.ndarray
    half: np.ndarray

    def seen_by(self, camera: Camera) -> View:
        """Return what `camera` sees of it."""
        start = self.frame @ (camera.position - self.centre) / self.half
        rays = (self.frame @ camera.axes.T) / self.half[:, None]
        beyond = float(start @ start) - 1.0
        towards = start @ rays
        depth = float((self.centre - camera.position) @ camera.axes[0])
        extent = float(np.linalg.norm((self.frame @ camera.axes[0]) * self.half))
        return View(
            start=start,
            rays=rays,
            outline=np.outer(towards, towards) - beyond * (rays.T @ rays),
            square=rays.T @ rays,
            towards=towards,
            inside=beyond <= 0,
            nearest=depth - extent,
            farthest=depth + extent,
        )


@attrs.frozen(eq=False)
class View:
    """An ellipsoid as one camera sees it; coordinates are those in which it is a unit sphere.

    Attributes
    ----------
    start : (3,) float
        The camera.
    rays : (3, 3) float
        Columns are one step in depth, to the left and up.
    outline, square : (3, 3) float
        Quadratic forms of q: the discriminant, and the ray's squared length.
    towards : (3,) float
        Linear in q: the product of camera and ray.
    inside : bool
        Whether the camera is inside it: then nothing of it is seen.
    nearest, farthest : float, m
        Depth of its tangent planes.
    """

    start: np.ndarray
    rays: np.ndarray
    outline: np.ndarray
    square: np.ndarray
    towards: np.ndarray
    inside: bool
    nearest: float
    farthest: float

    def box(self, camera: Camera) -> tuple[int, int, int, int]:
        """Return the whole pixels (left, top, right, bottom) that hold its outline, clipped."""
        width, height = camera.size
        if self.inside or self.farthest <= NEAR_PLANE:
            return 0, 0, 0, 0
        if self.nearest <= NEAR_PLANE:  # it reaches beside the camera: the outline is open
            return 0, 0, width, height
        k = self.outline
        dual = np.array([
            k[1, 1] * k[2, 2] - k[1, 2] ** 2,
            k[0, 2] * k[1, 2] - k[0, 1] * k[2, 2], k[0, 1] * k[1, 2] - k[0, 2] * k[1, 1],
            k[0, 0] * k[2, 2] - k[0, 2] ** 2, k[0, 0] * k[1, 1] - k[0, 1] ** 2,
        ])  # fmt: skip
        middle = dual[1:3] / dual[0]
        reach = np.sqrt(np.maximum(middle**2 - dual[3:] / dual[0], 0.0))
        centre = np.array([width, height]) / 2
        low = np.floor(centre - camera.focal_px * (middle + reach))
        high = np.ceil(centre - camera.focal_px * (middle - reach))
        low = np.clip(low, 0, (width, height)).astype(int)
        high = np.clip(high, low, (width, height)).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def depth(self, left: np.ndarray, up: np.ndarray) -> np.ndarray:
        """Return (h, w) m: depth of the near surface on a grid, infinite where there is none."""
        disc = _form(self.outline, left, up)
        hit = disc > 0
        np.sqrt(disc, out=disc, where=hit)
        square = _form(self.square, left, up)
        t = (self.towards[2] * up)[:, None] + (self.towards[0] + self.towards[1] * left)[None]
        t += disc
        t /= -square
        hit &= t > NEAR_PLANE
        t[~hit] = np.inf
        return t

    def far_depth(self, left: np.ndarray, up: np.ndarray, near: np.ndarray) -> np.ndarray:
        """Return (n,) m: depth at which rays that entered at `near` leave again."""
        rays = np.stack([np.ones_like(left), left, up])
        square = np.einsum("in,ij,jn->n", rays, self.square, rays)
        return -2 * (self.towards @ rays) / square - near

    def at(self, left: np.ndarray, up: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Return (3, n): points of the unit sphere on the rays (n,) at `depth` (n,)."""
        e = self.rays
        return np.stack([
            self.start[i] + depth * (e[i, 0] + e[i, 1] * left + e[i, 2] * up) for i in range(3)
        ])  # fmt: skip


def _form(m: np.ndarray, left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Evaluate the symmetric form `m` of (1, left, up) on a grid (h, w)."""
    value = np.multiply.outer(2 * m[1, 2] * up, left)
    value += (m[0, 0] + 2 * m[0, 1] * left + m[1, 1] * left**2)[None]
    value += (2 * m[0, 2] * up + m[2, 2] * up**2)[:, None]
    return value
