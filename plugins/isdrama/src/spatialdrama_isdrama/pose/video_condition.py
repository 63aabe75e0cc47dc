"""Silent video becomes a condition: camera, mouth and picture in each mel frame (4.2, E30)."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import ValidationError
from spatialdrama.types.validate import check_positive

from .camera import CAMERA_WIDTH
from .frames import checked_frames
from .images import ImageEmbedder
from .trackers import Path2d, Tracker

#: Column and row from -1 to 1, and whether the mouth is seen.
PIXEL_WIDTH = 3

__all__ = [
    "CAMERA_WIDTH", "PIXEL_WIDTH", "Video", "assemble", "normalised_pixels", "observe",
    "picture_numbers",
]  # fmt: skip


@attrs.frozen(eq=False)
class Video:
    """What is kept of a silent video: all that :func:`assemble` needs, and no frames.

    Attributes
    ----------
    camera : (7,) float
        Position and orientation, as :meth:`.camera.Camera.condition` gives them.
    mouth : (v, 3) float
        Normalised column and row, and visibility, one row a video frame.
    pictures : (k, ...) array
        As the embedder prepared them, `image_rate` a second.
    picture_times : (k,) float, s
    rate : float
        Video frames a second.
    """

    camera: np.ndarray
    mouth: np.ndarray
    pictures: np.ndarray
    picture_times: np.ndarray
    rate: float


def observe(
    frames: Any,
    *,
    rate: float,
    camera: Any,
    pixel: Any,
    tracker: Tracker,
    embedder: ImageEmbedder,
    start: int = 0,
    image_rate: float = 4.0,
) -> Video:
    """Follow the mouth and prepare the pictures of a video.

    Parameters
    ----------
    frames : (v, h, w, 3) uint8
    rate : float
        Frames a second.
    camera : (7,) float
    pixel : (column, row)
        The mouth in frame `start`, the onset of the line (C.4).
    tracker, embedder
    start : int
    image_rate : float
        Pictures a second (C.1: 4).

    Raises
    ------
    ValidationError
        For frames, a rate, a camera or a pixel that cannot be.
    """
    frames = checked_frames(frames)
    check_positive(rate, "rate", unit="frames per second")
    camera = np.asarray(camera, dtype=float)
    if camera.shape != (CAMERA_WIDTH,) or not np.isfinite(camera).all():
        raise ValidationError(
            f"a camera has {CAMERA_WIDTH} finite numbers: x y z in m and a quaternion x y z w; "
            f"got {camera!r}. Take Camera(...).condition()."
        )
    path = tracker.track(frames, pixel, start)
    chosen = picture_numbers(len(frames), rate, image_rate)
    return Video(
        camera=camera,
        mouth=normalised_pixels(path, (frames.shape[2], frames.shape[1])),
        pictures=embedder.prepare(frames[chosen], path.pixels[chosen]),
        picture_times=chosen / rate,
        rate=float(rate),
    )


def normalised_pixels(path: Path2d, size: tuple[int, int]) -> np.ndarray:
    """Return (v, 3): column and row from -1 (left, top) to 1, and 1 where the mouth is seen.

    Examples
    --------
    >>> path = Path2d(np.array([[0.0, 240.0], [640.0, 120.0]]), np.array([True, False]))
    >>> normalised_pixels(path, (640, 480)).tolist()
    [[-1.0, 0.0, 1.0], [1.0, -0.5, 0.0]]
    """
    spread = 2 * path.pixels / np.asarray(size, dtype=float) - 1
    return np.concatenate([spread, path.visible[:, None].astype(float)], axis=1)


def picture_numbers(count: int, rate: float, image_rate: float) -> np.ndarray:
    """Return the numbers of the frames that are looked at, `image_rate` a second.

    Examples
    --------
    >>> picture_numbers(25, 24.0, 4.0).tolist()
    [0, 6, 12, 18, 24]
    """
    check_positive(image_rate, "image_rate", unit="pictures per second")
    wanted = np.arange(0, (count - 1) / rate + 1e-9, 1 / min(image_rate, rate))
    return np.unique(np.clip(np.rint(wanted * rate).astype(int), 0, count - 1))


def assemble(video: Video, embedder: ImageEmbedder, times: Any) -> torch.Tensor:
    """Return the condition (t, 7 + 3 + image_width) of one line, float32.

    Camera pose in every frame, the mouth and the picture's embedding interpolated from the video's
    rate and from four a second to `times`; visibility is the nearest frame's.

    Parameters
    ----------
    video : Video
    embedder
        What prepared its pictures; gradients go to it if it has weights.
    times : (t,) float, s
        Of the mel frames, from the video's beginning.

    Raises
    ------
    ValidationError
        For times before the video's beginning or more than one frame after its end.
    """
    times = np.atleast_1d(np.asarray(times, dtype=float))
    last = (len(video.mouth) - 1) / video.rate
    if times.min() < -1e-6 or times.max() > last + 1 / video.rate + 1e-6:
        raise ValidationError(
            f"the video lasts from 0 to {last:.3f} s; the line asks for {times.min():.3f} to "
            f"{times.max():.3f} s. Give a longer video or a shorter line."
        )
    seen = embedder(torch.as_tensor(video.pictures))
    place = np.arange(len(video.mouth)) / video.rate
    mouth = np.stack([np.interp(times, place, video.mouth[:, i]) for i in range(2)], axis=1)
    nearest = np.clip(np.rint(times * video.rate).astype(int), 0, len(place) - 1)
    fixed = np.concatenate(
        [np.tile(video.camera, (len(times), 1)), mouth, video.mouth[nearest, 2:]], axis=1
    )
    known = torch.as_tensor(fixed, dtype=torch.float32, device=seen.device)
    return torch.cat([known, _interpolated(seen.float(), video.picture_times, times)], dim=1)


def _interpolated(values: torch.Tensor, place: np.ndarray, times: np.ndarray) -> torch.Tensor:
    """Linear between rows of values (k, d) at `place` (k,), held outside."""
    where = np.interp(times, place, np.arange(len(place)))
    low = np.minimum(where.astype(int), max(len(place) - 2, 0))
    high = np.minimum(low + 1, len(place) - 1)
    share = torch.as_tensor(where - low, dtype=values.dtype, device=values.device)[:, None]
    return (1 - share) * values[low] + share * values[high]
