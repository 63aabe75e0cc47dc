"""Figures into a picture: ray casting with a depth buffer, light, and smooth edges."""

from __future__ import annotations

import attrs
import numpy as np

from .camera import Camera, project
from .figure import Figure, Part
from .paint import colours, covered, is_shell, normals
from .quadrics import NEAR_PLANE, Grid, View

#: Rays for each side of a pixel, by how many pixels tall a head is.
_SAMPLES = ((13, 4), (30, 3), (np.inf, 2))
_HEAD = 0.24  # m, chin to crown
_SHADOW = 0.30  # m; of the soft shadow round the feet


@attrs.frozen(eq=False)
class Light:
    """A lamp far away, and light from everywhere.

    Attributes
    ----------
    direction : (3,) float
        Unit, from the figure to the lamp, scene frame.
    strength, ambient : float
        A surface that faces the lamp has their sum of its own colour.
    """

    direction: np.ndarray
    strength: float = 0.50
    ambient: float = 0.60


def draw(
    picture: np.ndarray, depth: np.ndarray, camera: Camera, figure: Figure, light: Light
) -> None:
    """Draw `figure` over `picture`, in place.

    Parameters
    ----------
    picture : (h, w, 3) float32, 0 to 255
    depth : (h, w) float, m
        Of what is in the picture; a figure behind it is hidden.
    camera, figure, light
    """
    views = [(part, part.body.seen_by(camera)) for part in figure.parts]
    seen = [(part, view, view.box(camera)) for part, view in views]
    there = [(p, v, b) for p, v, b in seen if b[0] < b[2] and b[1] < b[3]]
    if not there:
        return
    around = np.array([b for _, _, b in there])
    box = (*map(int, around[:, :2].min(axis=0)), *map(int, around[:, 2:].max(axis=0)))
    grid = Grid.of(camera, box, _samples(camera, figure))
    which, nearest = _cast(grid, there)
    left, top, right, bottom = box
    behind = depth[top:bottom, left:right]
    n = grid.samples
    if behind.min() < max(v.farthest for _, v, _ in there):
        hidden = nearest.reshape(bottom - top, n, right - left, n) > behind[:, None, :, None]
        which[hidden.reshape(which.shape)] = -1
    hit = np.flatnonzero(which >= 0)
    part_of = which.ravel()[hit]
    order = np.argsort(part_of, kind="stable")
    ends = np.searchsorted(part_of[order], np.arange(len(there) + 1))
    hit = hit[order]
    row, column = np.divmod(hit, grid.shape[1])
    a, b, deep = grid.left[column], grid.up[row], nearest.ravel()[hit]
    coloured = np.zeros((which.size, 3), np.float32)
    for number, (part, view, _) in enumerate(there):
        own = slice(ends[number], ends[number + 1])
        if own.start < own.stop:
            coloured[hit[own]] = _shaded(
                part, view, a[own], b[own], deep[own], figure, light, camera
            )
    cover = _shrunk((which >= 0).astype(np.float32), n)
    picture[top:bottom, left:right] *= (1 - cover)[..., None]
    picture[top:bottom, left:right] += _shrunk(coloured.reshape(*grid.shape, 3), n)


def shade_floor(picture: np.ndarray, ground: np.ndarray, camera: Camera, figure: Figure) -> None:
    """Darken the floor round the feet of `figure`, in place.

    Parameters
    ----------
    picture : (h, w, 3) float32
    ground : (h, w, 2) float, m
        Where on the floor each pixel looks, x and y in the scene; NaN off the floor.
    camera, figure
    """
    corners = [(x, y, 0.0) for x in (-1, 1) for y in (-1, 1)]
    pixels, depth = project(camera, figure.foot + 2.2 * _SHADOW * np.array(corners))
    if depth.max() <= NEAR_PLANE:
        return
    low, high = np.zeros(2, int), np.asarray(camera.size)
    if depth.min() > NEAR_PLANE:
        low = np.clip(np.floor(pixels.min(axis=0)), 0, high).astype(int)
        high = np.clip(np.ceil(pixels.max(axis=0)), 0, high).astype(int)
    spot = np.s_[low[1] : high[1], low[0] : high[0]]
    away = np.sum((ground[spot] - figure.foot[:2]) ** 2, axis=-1)
    dark = 0.55 * np.exp(-away / (2 * _SHADOW**2 / 2.2))
    picture[spot] *= (1 - np.nan_to_num(dark)).astype(np.float32)[..., None]


def _samples(camera: Camera, figure: Figure) -> int:
    _, depth = project(camera, figure.mouth)
    tall = camera.focal_px * _HEAD / max(float(depth[0]), NEAR_PLANE)
    return next(count for limit, count in _SAMPLES if tall < limit)


def _cast(
    grid: Grid, there: list[tuple[Part, View, tuple[int, int, int, int]]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return which part each ray meets first, -1 for none, and how deep."""
    which = np.full(grid.shape, -1, np.int16)
    nearest = np.full(grid.shape, np.inf)
    x0, y0, n = grid.box[0], grid.box[1], grid.samples
    for number, (part, view, (left, top, right, bottom)) in enumerate(there):
        rows = slice((top - y0) * n, (bottom - y0) * n)
        columns = slice((left - x0) * n, (right - x0) * n)
        a, b = grid.left[columns], grid.up[rows]
        depth = view.depth(a, b)
        if is_shell(part.kind):
            _open(part, view, a, b, depth)
        closer = depth < nearest[rows, columns]
        np.copyto(nearest[rows, columns], depth, where=closer)
        np.copyto(which[rows, columns], np.int16(number), where=closer)
    return which, nearest


def _open(part: Part, view: View, left: np.ndarray, up: np.ndarray, depth: np.ndarray) -> None:
    """Let rays (h, w) pass where a shell is not, to its inside or beyond it; in place."""
    i, j = np.nonzero(np.isfinite(depth))
    gone = ~covered(part, view.at(left[j], up[i], depth[i, j]))
    i, j = i[gone], j[gone]
    a, b = left[j], up[i]
    far = view.far_depth(a, b, depth[i, j])
    there = covered(part, view.at(a, b, far))
    depth[i, j] = np.where(there, far, np.inf)


def _shaded(
    part: Part, view: View, left: np.ndarray, up: np.ndarray, depth: np.ndarray,
    figure: Figure, light: Light, camera: Camera,
) -> np.ndarray:  # fmt: skip
    """Return (n, 3) colours of the rays (n,) that meet `part` at `depth`."""
    sphere = view.at(left, up, depth).astype(np.float32)
    half, centre = part.body.half.astype(np.float32), part.centre.astype(np.float32)
    points = sphere * half[:, None] + centre[:, None]
    out = normals(part, sphere, points, figure)
    if is_shell(part.kind):  # its inside looks the other way
        ray = np.stack([np.ones_like(left), left, up]).astype(np.float32)
        away = np.einsum("in,in->n", (part.frame @ camera.axes.T).astype(np.float32) @ ray, out)
        out = np.where(away > 0, -out, out)
    lamp = (part.frame @ light.direction).astype(np.float32)
    # The dark side fades instead of ending at a line, as in a room whose walls shine back.
    facing = np.maximum(0.75 * (lamp @ out) + 0.25, 0.0)
    sky = 0.5 + 0.5 * (part.frame[:, 2].astype(np.float32) @ out)
    lit = light.ambient * (0.72 + 0.28 * sky) + light.strength * facing
    colour = colours(part, points, figure) * lit[:, None]
    if part.kind in ("skin", "jaw", "nose", "hair", "locks", "bun"):
        glint = np.maximum(lamp @ out, 0.0)
        for _ in range(4):  # to the sixteenth power
            glint *= glint
        colour += 22 * glint[:, None]
    return np.minimum(colour, 255.0)


def _shrunk(values: np.ndarray, n: int) -> np.ndarray:
    """Average n x n samples."""
    rows = sum(values[i::n] for i in range(n))
    return sum(rows[:, i::n] for i in range(n)) / np.float32(n * n)
