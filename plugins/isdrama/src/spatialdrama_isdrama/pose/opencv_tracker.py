"""Lucas and Kanade by OpenCV: as :mod:`.lucas_kanade`, many times faster."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import PluginImportError

from .frames import checked_frames
from .trackers import Path2d, checked_start


@attrs.frozen(kw_only=True)
class OpenCvTracker:
    """OpenCV's pyramid tracker, forth and back.

    Parameters
    ----------
    window, levels, tolerance
        As of :class:`.lucas_kanade.LucasKanade`.
    """

    window: int = 21
    levels: int = 3
    tolerance: float = 1.0

    def track(self, frames: np.ndarray, pixel: Any, start: int = 0) -> Path2d:
        """Follow `pixel` (column, row) of frame `start` to both ends of `frames` (t, h, w, 3).

        Raises
        ------
        PluginImportError
            Without OpenCV.
        """
        try:
            import cv2
        except ImportError as error:
            raise PluginImportError(
                "tracker 'opencv' needs OpenCV; type pip install 'spatialdrama-isdrama[video]', "
                "or take tracker='lucas-kanade'."
            ) from error
        frames = checked_frames(frames)
        place = checked_start(frames, pixel, start)
        pictures = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        pixels, visible = np.empty((len(frames), 2)), np.zeros(len(frames), bool)
        pixels[start], visible[start] = place, True
        size = {"winSize": (self.window, self.window), "maxLevel": self.levels - 1}
        for order in (range(start + 1, len(frames)), range(start - 1, -1, -1)):
            at, there, last = place, True, pictures[start]
            for i in order:
                if there:
                    at, there = self._follow(cv2, last, pictures[i], at, size)
                pixels[i], visible[i], last = at, there, pictures[i]
        return Path2d(pixels, visible)

    def _follow(
        self, cv2: Any, last: np.ndarray, now: np.ndarray, at: np.ndarray, size: dict[str, Any]
    ) -> tuple[np.ndarray, bool]:
        # OpenCV's pixels have their middle at whole numbers.
        point = (at - 0.5).astype(np.float32)[None, None]
        found, good, _ = cv2.calcOpticalFlowPyrLK(last, now, point, None, **size)
        back, fine, _ = cv2.calcOpticalFlowPyrLK(now, last, found, None, **size)
        place = found[0, 0].astype(float) + 0.5
        inside = 0 <= place[0] < now.shape[1] and 0 <= place[1] < now.shape[0]
        same = np.linalg.norm(back[0, 0] - point[0, 0]) <= self.tolerance
        if good[0, 0] and fine[0, 0] and inside and same:
            return place, True
        return at, False
