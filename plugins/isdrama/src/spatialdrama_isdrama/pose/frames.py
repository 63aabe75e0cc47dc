"""Frames of a silent video as (t, h, w, 3) uint8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import PluginImportError, ValidationError


def checked_frames(frames: Any) -> np.ndarray:
    """Return the frames, or raise where they are not (t, h, w, 3) uint8.

    Examples
    --------
    >>> checked_frames(np.zeros((2, 4, 6, 3), np.uint8)).shape
    (2, 4, 6, 3)
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise ValidationError(
            f"frames must be (t, h, w, 3) uint8, red green blue; got {frames.shape} {frames.dtype}."
        )
    return frames


def read_frames(path: Any) -> np.ndarray:
    """Return the frames of a file.

    Parameters
    ----------
    path : path
        ``.npy`` as it is; any other by OpenCV.

    Raises
    ------
    ValidationError
        A file that is not there, has no frame, or is no video.
    PluginImportError
        Without OpenCV.
    """
    path = Path(path)
    if not path.is_file():
        raise ValidationError(f"there is no video at {path}.")
    if path.suffix == ".npy":
        try:
            return checked_frames(np.load(path, allow_pickle=False))
        except (ValueError, EOFError, OSError) as error:
            if isinstance(error, ValidationError):
                raise
            raise ValidationError(f"{path} holds no array: {error}") from error
    try:
        import cv2
    except ImportError as error:
        raise PluginImportError(
            f"reading {path.suffix or 'this'} needs OpenCV; type pip install "
            "'spatialdrama-isdrama[video]', or give the frames as .npy (t, h, w, 3) uint8."
        ) from error
    video = cv2.VideoCapture(str(path))
    frames = []
    try:
        while True:
            there, frame = video.read()
            if not there:
                break
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    finally:
        video.release()
    if not frames:
        raise ValidationError(f"{path} holds no frame that OpenCV can read.")
    return checked_frames(np.stack(frames))


def grey(frames: np.ndarray) -> np.ndarray:
    """Return luma (..., h, w) float32, 0 to 255, of frames (..., h, w, 3) (ITU-R BT.601).

    Examples
    --------
    >>> grey(np.full((1, 1, 1, 3), 100, np.uint8)).round(3).ravel().tolist()
    [100.0]
    """
    return frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
