"""Following the mouth through a silent video: where it is in each frame (C.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types.validate import unknown_name


class Path2d(NamedTuple):
    """A pixel followed through a video.

    Attributes
    ----------
    pixels
        (t, 2) float, column and row; where it was last seen in frames where it is not.
    visible
        (t,) bool.
    """

    pixels: np.ndarray
    visible: np.ndarray


class Tracker(Protocol):
    """What follows a pixel."""

    def track(self, frames: np.ndarray, pixel: Any, start: int = 0) -> Path2d:
        """Follow `pixel` (column, row) of frame `start` to both ends of `frames` (t, h, w, 3)."""
        ...


def _lucas_kanade(**options: Any) -> Tracker:
    from .lucas_kanade import LucasKanade

    return LucasKanade(**options)


def _opencv(**options: Any) -> Tracker:
    from .opencv_tracker import OpenCvTracker

    return OpenCvTracker(**options)


def _co_tracker(**options: Any) -> Tracker:
    from .co_tracker import CoTracker

    return CoTracker(**options)


TRACKERS: dict[str, Callable[..., Tracker]] = {
    "lucas-kanade": _lucas_kanade,
    "opencv": _opencv,
    "co-tracker": _co_tracker,
}


def load_tracker(name: str = "lucas-kanade", **options: Any) -> Tracker:
    """Return a tracker by name.

    Parameters
    ----------
    name : "lucas-kanade", "opencv" or "co-tracker"
        The first needs nothing, the second OpenCV, the third torch hub's model (the paper's).
    **options
        Of its class.

    Examples
    --------
    >>> load_tracker("lucas-kanade", window=21).window
    21
    """
    if name not in TRACKERS:
        raise unknown_name("tracker", name, TRACKERS)
    return TRACKERS[name](**options)


def checked_start(frames: np.ndarray, pixel: Any, start: int) -> np.ndarray:
    """Return the pixel as (2,) float, or raise where it or its frame is not there."""
    count, height, width = frames.shape[:3]
    if not 0 <= start < count:
        raise ValidationError(f"frame {start} is not in a video of {count} frames.")
    place = np.asarray(pixel, dtype=float)
    if place.shape != (2,) or not (0 <= place[0] < width and 0 <= place[1] < height):
        raise ValidationError(
            f"the mouth's pixel (column, row) must lie in the {width} x {height} picture; "
            f"got {pixel!r}."
        )
    return place
