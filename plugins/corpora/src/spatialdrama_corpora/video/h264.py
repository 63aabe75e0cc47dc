"""Frames into an H.264 video in an MP4 file, with the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic
from spatialdrama.types.validate import check_positive

from .ffmpeg import running

#: x264's constant quality: lower is better. 20 keeps a mouth that is a few pixels wide.
QUALITY = 20


def write_video(
    path: Any, frames: Iterable[np.ndarray], rate: float = 24.0, *, quality: int = QUALITY
) -> Path:
    """Write frames as H.264 in MP4, without sound.

    Parameters
    ----------
    path : path
        Ends in ``.mp4``. What is there is replaced when the last frame is written, not before.
    frames : iterable of (h, w, 3) uint8
        All of one size, of even sides; they are taken one by one.
    rate : float, frames per second
    quality : int, 1 to 51
        x264's constant rate factor.

    Returns
    -------
    Path

    Raises
    ------
    ValidationError
        For frames that H.264 cannot hold, and for what ffmpeg refuses.
    PluginImportError
        Without ffmpeg.

    Notes
    -----
    One thread, no time stamps, no names of programs and no B-frames (frame i is shown at i / rate
    in every player): the same frames give the same bytes with the same build of ffmpeg. Colours
    are BT.601, and the file says so.
    """
    path = Path(path)
    if path.suffix.lower() != ".mp4":
        raise ValidationError(f"a video is written as .mp4; got {path.name!r}.")
    check_positive(rate, "rate", unit="frames per second")
    if not 1 <= quality <= 51:
        raise ValidationError(f"quality must be 1 (best) to 51; got {quality}.")
    stream = _checked(frames)
    first = next(stream, None)
    if first is None:
        raise ValidationError("a video needs one frame or more; got none.")
    height, width = first.shape[:2]
    with atomic(path) as temporary:
        command = _command(width, height, rate, quality, temporary)
        with running(command, writes=True) as ffmpeg:
            try:
                ffmpeg.pipe.write(first.tobytes())
                for frame in stream:
                    ffmpeg.pipe.write(frame.tobytes())
            except BrokenPipeError:
                ffmpeg.child.wait()
            ffmpeg.finish(f"writing {path.name}")
    return path


def _checked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    size = None
    for number, frame in enumerate(frames):
        frame = np.asarray(frame)
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValidationError(
                f"frame {number} must be (h, w, 3) uint8, red green blue; got {frame.shape} "
                f"{frame.dtype}."
            )
        if size is None:
            size = frame.shape
            if size[0] % 2 or size[1] % 2 or not frame.size:
                raise ValidationError(
                    "H.264 needs pictures of even width and height; got "
                    f"{size[1]} x {size[0]}. Give the camera another size, such as (256, 192)."
                )
        if frame.shape != size:
            raise ValidationError(
                f"frame {number} is {frame.shape[1]} x {frame.shape[0]} pixels, the first one "
                f"{size[1]} x {size[0]}; all must be alike."
            )
        yield np.ascontiguousarray(frame)


def _command(width: int, height: int, rate: float, quality: int, path: Path) -> list[str]:
    exact = Fraction(rate).limit_denominator(1001)
    colours = "in_range=full:out_color_matrix=bt601:out_range=tv:flags=bicubic+accurate_rnd"
    return [
        "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}",
        "-framerate", f"{exact.numerator}/{exact.denominator}", "-i", "-", "-an",
        "-vf", f"scale={colours}+full_chroma_int+bitexact,format=yuv420p",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", str(quality), "-bf", "0",
        "-g", str(max(round(rate), 1)), "-threads", "1",
        "-color_range", "tv", "-colorspace", "smpte170m", "-color_primaries", "smpte170m",
        "-color_trc", "smpte170m",
        # x264 writes its version and options into the stream; without them two builds agree more.
        "-bsf:v", "filter_units=remove_types=6",
        "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact",
        "-movflags", "+faststart", str(path),
    ]  # fmt: skip
