"""A point tracker on numpy and scipy: Lucas and Kanade (1981) in a pyramid (Bouguet 2001)."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from .frames import checked_frames, grey
from .trackers import Path2d, checked_start


@attrs.frozen(kw_only=True)
class LucasKanade:
    """Follows the texture round a pixel from frame to frame.

    Good for a face that turns little; a tracker that was trained (CoTracker) keeps a mouth through
    turns and people who pass. A point that leaves the picture, has no texture, or does not come
    back to itself when followed backwards is invisible from there on.

    Parameters
    ----------
    window : int
        Side of the patch, in pixels of each level; odd.
    levels : int
        Of the pyramid; a level doubles the step that can be followed.
    steps : int
        Gauss-Newton steps a level, at most.
    tolerance : float
        Pixels between a point and what comes back of it, above which it is lost.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> picture = gaussian_filter(generator.uniform(0, 255, (40, 60)), 1.5)
    >>> frames = np.stack([np.roll(picture, k, axis=1) for k in range(3)])
    >>> frames = np.repeat(frames[..., None], 3, axis=-1).astype(np.uint8)
    >>> LucasKanade().track(frames, (30, 20)).pixels.round().tolist()
    [[30.0, 20.0], [31.0, 20.0], [32.0, 20.0]]
    """

    window: int = 21
    levels: int = 3
    steps: int = 20
    tolerance: float = 1.0

    def track(self, frames: np.ndarray, pixel: Any, start: int = 0) -> Path2d:
        """Follow `pixel` (column, row) of frame `start` to both ends of the video.

        Parameters
        ----------
        frames : (t, h, w, 3) uint8
        pixel : (column, row)
            As :meth:`.camera.Camera.project` counts: the middle of the first pixel is (.5, .5).
        start : int

        Raises
        ------
        ValidationError
            For other frames, or a pixel outside of them.
        """
        frames = checked_frames(frames)
        place = checked_start(frames, pixel, start)
        count = len(frames)
        pixels, visible = np.empty((count, 2)), np.zeros(count, bool)
        pixels[start], visible[start] = place, True
        for order in (range(start + 1, count), range(start - 1, -1, -1)):
            at, there = place, True
            last = self._pyramid(frames[start])
            for i in order:
                now = self._pyramid(frames[i])
                if there:
                    at, there = self._follow(last, now, at)
                pixels[i], visible[i] = at, there
                last = now
        return Path2d(pixels, visible)

    def _pyramid(self, frame: np.ndarray) -> list[np.ndarray]:
        levels = [grey(frame)]
        for _ in range(self.levels - 1):
            if min(levels[-1].shape) < 2 * self.window:
                break
            levels.append(gaussian_filter(levels[-1], 1.0)[::2, ::2])
        return levels

    def _follow(
        self, last: list[np.ndarray], now: list[np.ndarray], at: np.ndarray
    ) -> tuple[np.ndarray, bool]:
        found, good = self._step(last, now, at)
        height, width = now[0].shape
        inside = 0 <= found[0] < width and 0 <= found[1] < height
        if not (good and inside):
            return at, False
        back, good = self._step(now, last, found)
        if not good or np.linalg.norm(back - at) > self.tolerance:
            return at, False
        return found, True

    def _step(
        self, last: list[np.ndarray], now: list[np.ndarray], at: np.ndarray
    ) -> tuple[np.ndarray, bool]:
        # Arrays count from the middle of the first pixel.
        point, shift, good = at - 0.5, np.zeros(2), True
        for level in range(len(last) - 1, -1, -1):
            shift, good = self._level(last[level], now[level], point / 2**level, 2 * shift)
        return at + shift, good

    def _level(
        self, last: np.ndarray, now: np.ndarray, point: np.ndarray, shift: np.ndarray
    ) -> tuple[np.ndarray, bool]:
        """One level: minimise the squared difference of two patches over a shift (column, row)."""
        half = self.window // 2
        offsets = np.arange(-half, half + 1.0)
        rows, columns = np.meshgrid(point[1] + offsets, point[0] + offsets, indexing="ij")

        def patch(picture: np.ndarray, dx: float = 0.0, dy: float = 0.0) -> np.ndarray:
            return map_coordinates(picture, [rows + dy, columns + dx], order=1, mode="nearest")

        template = patch(last)
        across = (patch(last, 1) - patch(last, -1)) / 2
        down = (patch(last, 0, 1) - patch(last, 0, -1)) / 2
        slopes = np.stack([across.ravel(), down.ravel()], axis=1)
        square = slopes.T @ slopes
        # The lesser eigenvalue: texture that says where the patch is in both directions.
        if np.linalg.eigvalsh(square)[0] / template.size < 0.1:
            return shift, False
        for _ in range(self.steps):
            error = (template - patch(now, *shift)).ravel()
            move = np.linalg.solve(square, slopes.T @ error)
            shift = shift + move
            if np.abs(move).max() < 0.005:
                break
        return shift, bool(np.isfinite(shift).all())
