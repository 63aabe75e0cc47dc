"""What a model is told about a video: the prompt, and when the mouth is seen at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, VideoPrompt, rotations

from .camera import Camera, in_view


def video_prompt(path: Any, camera: Camera, mouth_pixel: Any = None) -> VideoPrompt:
    """Return the prompt that a generator or encoder takes.

    Parameters
    ----------
    path : path
    camera : Camera
    mouth_pixel : (column, row), optional
        The speaker's mouth in the first frame, or (t, 2), of which the first is taken. It must be
        in the picture.

    Examples
    --------
    >>> prompt = video_prompt("take1.mp4", Camera((0, 0, 0.1)), (120.4, 88.7))
    >>> prompt.speaker_pixel, prompt.rate
    ((120, 88), 24.0)
    """
    pixel = None
    if mouth_pixel is not None:
        place = np.atleast_2d(np.asarray(mouth_pixel, dtype=float))[0]
        if place.shape != (2,) or not np.all((place >= 0) & (place < camera.size)):
            raise ValidationError(
                f"mouth_pixel {place.tolist()} is not in a picture of {camera.size[0]} x "
                f"{camera.size[1]} pixels; begin the video where the mouth is seen, or leave "
                "mouth_pixel out."
            )
        # Column 3.7 is in the pixel that is called 3.
        pixel = int(np.floor(place[0])), int(np.floor(place[1]))
    return VideoPrompt(
        Path(path), rate=camera.rate, camera_position=camera.position,
        camera_orientation=camera.orientation, speaker_pixel=pixel,
    )  # fmt: skip


def mouth_shown(camera: Camera, pose: Pose, times: Any) -> np.ndarray:
    """Return (t,) bool: the mouth is in the picture and turned towards the camera.

    Parameters
    ----------
    camera : Camera
    pose : Pose
        Of the mouth, scene frame.
    times : (t,) float, s
        In the pose's time.

    Examples
    --------
    >>> away = Pose.fixed((2, 0, 0), facing=(1, 0, 0))
    >>> mouth_shown(Camera(), away, [0.0]), mouth_shown(Camera(), Pose.fixed((2, 0, 0)), [0.0])
    (array([False]), array([ True]))
    """
    times = np.atleast_1d(np.asarray(times, dtype=float))
    places = pose.positions_at(times)
    ahead = rotations.rotate(
        pose.at(times).orientation.values, np.tile((1.0, 0, 0), (len(times), 1))
    )
    way = camera.position - places
    # At 75 degrees aside the near cheek and the nose begin to hide the lips.
    turned = np.sum(ahead * way, axis=1) > np.cos(np.deg2rad(75)) * np.linalg.norm(way, axis=1)
    return in_view(camera, places) & turned
