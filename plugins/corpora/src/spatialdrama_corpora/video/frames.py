"""Frames out of a video file, of any kind that ffmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import IO, Any, NamedTuple

import numpy as np

from spatialdrama.errors import ValidationError

from .ffmpeg import existing_video, running


class VideoFacts(NamedTuple):
    """What a video file says about itself.

    Attributes
    ----------
    size : (width, height), pixels
    rate : float, frames per second
    """

    size: tuple[int, int]
    rate: float


def video_facts(path: Any) -> VideoFacts:
    """Return size and rate of a video; one frame is decoded.

    Raises
    ------
    ValidationError
        For a file that is not there or no video.
    PluginImportError
        Without ffmpeg.
    """
    path = existing_video(path)
    command = ["-i", path, "-map", "0:v:0", "-frames:v", 1, "-pix_fmt", "yuv444p",
               "-f", "yuv4mpegpipe", "-"]  # fmt: skip
    with running(command, writes=False) as ffmpeg:
        head = ffmpeg.pipe.readline(1000).decode(errors="replace").split()
        while ffmpeg.pipe.read(1 << 20):
            pass
        ffmpeg.finish(f"reading {path}")
    said = {word[0]: word[1:] for word in head[1:]}
    rate = Fraction(*map(int, said["F"].split(":")))
    return VideoFacts((int(said["W"]), int(said["H"])), float(rate))


def iter_frames(path: Any, step: int = 1) -> Iterator[np.ndarray]:
    """Give the frames of a video one by one.

    Parameters
    ----------
    path : path
    step : int
        Every how manieth frame, from the first.

    Yields
    ------
    (h, w, 3) uint8
        Red, green, blue.

    Raises
    ------
    ValidationError
        For a file that is not there, no video, or damaged; the frames before the damage have been
        given by then.
    PluginImportError
        Without ffmpeg.
    """
    path = existing_video(path)
    if int(step) != step or step < 1:
        raise ValidationError(f"step must be a whole number, 1 or more; got {step!r}.")
    # New numbers for the frames, so that none is doubled or dropped to even out their times.
    chosen = f"select=not(mod(n\\,{int(step)})),setpts=N/FRAME_RATE/TB"
    command = ["-xerror", "-err_detect", "explode", "-threads", 1, "-i", path, "-map", "0:v:0",
               "-vf", chosen, "-sws_flags", "bicubic+accurate_rnd+full_chroma_int+bitexact",
               "-pix_fmt", "rgb24", "-f", "image2pipe", "-c:v", "ppm", "-"]  # fmt: skip
    count = 0
    with running(command, writes=False) as ffmpeg:
        while (frame := _picture(ffmpeg.pipe)) is not None:
            count += 1
            yield frame
        ffmpeg.finish(f"reading {path} after {count} frames")
    if count == 0:
        raise ValidationError(f"{path} holds no frame; give another video.")


def read_frames(path: Any, step: int = 1) -> np.ndarray:
    """Return the frames of a video, (t, h, w, 3) uint8.

    Parameters
    ----------
    path : path
    step : int
        Every how manieth frame, from the first.

    Raises
    ------
    ValidationError
        For a file that is not there, no video, or damaged.
    PluginImportError
        Without ffmpeg.

    See Also
    --------
    iter_frames : one by one, for what does not fit into memory.
    """
    return np.stack(list(iter_frames(path, step)))


def _picture(pipe: IO[bytes]) -> np.ndarray | None:
    """Return the next picture of a stream of them (PPM says its size itself), None at its end."""
    if pipe.readline(16) != b"P6\n":
        return None
    width, height = map(int, pipe.readline(32).split())
    pipe.readline(16)  # 255
    wanted = width * height * 3
    data = pipe.read(wanted)
    if len(data) < wanted:
        return None
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)
