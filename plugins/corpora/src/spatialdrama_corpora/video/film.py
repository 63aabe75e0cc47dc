"""Speakers on video: from poses and mouths to frames and to a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Room
from spatialdrama.types.validate import check_positive

from .appearance import Appearance
from .camera import Camera, project
from .draw import Light, draw, shade_floor
from .figure import build
from .h264 import QUALITY, write_video
from .surroundings import Surroundings, surroundings

#: m; one step with each leg.
_STEPS = 1.3
#: rad; how far legs swing at a brisk walk, and m/s; that walk.
_SWING, _BRISK = 0.5, 1.2
#: Mouths and eyelids are drawn in steps of 1/32, so that the pictures of somebody who stands still
#: come again; so many of the last ones are kept.
_LEVELS, _KEPT = 32, 64


@attrs.frozen(eq=False)
class Talker:
    """Somebody in the picture.

    Parameters
    ----------
    pose : Pose
        Of the mouth, scene frame.
    mouth_open : (t,) float, 0 to 1
        In each frame of the video, drawn in steps of 1/32; after the last one it is shut.
        :func:`mouth_opening` makes it from speech.
    appearance : Appearance or int
        Or the seed of one.

    Examples
    --------
    >>> Talker(Pose.fixed((2, 0, 0)), [0.0, 0.5], 3).appearance == Appearance.of(3)
    True
    """

    pose: Pose = attrs.field(validator=attrs.validators.instance_of(Pose))
    mouth_open: np.ndarray = attrs.field(default=(), converter=lambda v: _opening(v))
    appearance: Appearance = attrs.field(
        default=0, converter=lambda a: a if isinstance(a, Appearance) else Appearance.of(a)
    )


def _opening(values: Any) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not np.all((values >= 0) & (values <= 1)):
        raise ValidationError(
            "mouth_open must be (t,) numbers from 0 (shut) to 1 (wide open); got shape "
            f"{values.shape}, {np.min(values, initial=0):g} to {np.max(values, initial=0):g}."
        )
    return values


def render_frames(
    camera: Camera,
    talkers: Sequence[Talker],
    frames: int,
    *,
    start: float = 0.0,
    room: Room | None = None,
    seed: int = 0,
) -> Iterator[np.ndarray]:
    """Give the frames of a silent video one by one.

    Parameters
    ----------
    camera : Camera
        Frame i shows the time start + i / camera.rate.
    talkers : sequence of Talker
        Each mouth is where its pose says, and points there. They may be none.
    frames : int
    start : float, s
        Time of the first frame in the poses.
    room : Room, optional
        Its walls stand where they are; without a shoebox the ground is open.
    seed : int
        Of the room's decor and the lamp's place.

    Yields
    ------
    (h, w, 3) uint8
        Red, green, blue.

    Examples
    --------
    >>> camera = Camera.looking_at((0, 0, 0), (2, 0, 0), size=(64, 48))
    >>> frame, = render_frames(camera, [Talker(Pose.fixed((2, 0, 0)), [0.4])], 1)
    >>> frame.shape, frame.dtype
    ((48, 64, 3), dtype('uint8'))
    """
    if frames < 1:
        raise ValidationError(f"a video needs one frame or more; got frames={frames}.")
    behind = surroundings(camera, room, seed)
    light = _light(seed, camera)
    times = start + np.arange(int(frames)) / camera.rate
    tracks = [_track(talker, times) for talker in talkers]
    drawn: dict[bytes, np.ndarray] = {}
    for i, time in enumerate(times):
        states = [
            _state(talker, track, i, time - start)
            for talker, track in zip(talkers, tracks, strict=True)
        ]
        key = np.concatenate(states).tobytes() if states else b""
        if key not in drawn:
            if len(drawn) >= _KEPT:
                drawn.pop(next(iter(drawn)))
            drawn[key] = _picture(camera, behind, talkers, states, light)
        yield drawn[key].copy()


def render_video(
    path: Any,
    camera: Camera,
    head_pose: Pose,
    mouth_open: Any,
    rate: float | None = None,
    *,
    start: float = 0.0,
    room: Room | None = None,
    appearance: Appearance | int = 0,
    others: Sequence[Talker] = (),
    seed: int = 0,
    quality: int = QUALITY,
) -> np.ndarray:
    """Write the silent video of a speaker, H.264 in MP4.

    Parameters
    ----------
    path : path
        Ends in ``.mp4``.
    camera : Camera
        Frame i shows the time start + i / camera.rate.
    head_pose : Pose
        Of the mouth, scene frame; the head is turned as the mouth points.
    mouth_open : (t,) float, 0 to 1
        How far the mouth is open; the video is as long as this. :func:`mouth_opening` makes it
        from speech.
    rate : float, values per second, optional
        Of `mouth_open`; by default the camera's, one value a frame. At another one, values are
        interpolated.
    start : float, s
        Time of the first frame in the pose.
    room : Room, optional
        Its walls stand where they are; without a shoebox the ground is open.
    appearance : Appearance or int
        Or the seed of one.
    others : sequence of Talker
        Who else is in the picture.
    seed : int
        Of the room's decor and the lamp's place.
    quality : int, 1 to 51
        x264's constant rate factor, lower is better.

    Returns
    -------
    (t, 2) float
        Where in each frame the speaker's mouth is seen, column and row, as :func:`project` gives
        it: NaN behind the camera, and beyond the edges outside the picture.

    Raises
    ------
    ValidationError
        For openings outside 0 to 1, a camera outside the room, a picture of odd size.
    PluginImportError
        Without ffmpeg.
    """
    opening = _opening(mouth_open)
    if rate is not None:
        check_positive(rate, "rate", unit="values per second")
        if rate != camera.rate and len(opening):
            count = max(round(len(opening) / rate * camera.rate), 1)
            at = np.arange(count) / camera.rate
            opening = np.interp(at, np.arange(len(opening)) / rate, opening)
    if not len(opening):
        raise ValidationError("mouth_open is empty; a video needs one frame or more.")
    talkers = [Talker(head_pose, opening, appearance), *others]
    frames = render_frames(camera, talkers, len(opening), start=start, room=room, seed=seed)
    write_video(path, frames, camera.rate, quality=quality)
    times = start + np.arange(len(opening)) / camera.rate
    return project(camera, head_pose.positions_at(times))[0]


@attrs.frozen(eq=False)
class _Track:
    places: np.ndarray
    turns: np.ndarray
    opening: np.ndarray
    swing: np.ndarray


def _track(talker: Talker, times: np.ndarray) -> _Track:
    places = talker.pose.positions_at(times)
    opening = np.zeros(len(times))
    known = talker.mouth_open[: len(times)]
    opening[: len(known)] = known
    step = np.linalg.norm(np.diff(places[:, :2], axis=0, prepend=places[:1, :2]), axis=1)
    gap = times[1] - times[0] if len(times) > 1 else 1.0
    speed = np.convolve(step / gap, np.ones(5) / 5, mode="same") if len(times) > 4 else step / gap
    phase = 2 * np.pi * np.cumsum(step) / _STEPS
    swing = _SWING * np.minimum(speed / _BRISK, 1.0) * np.sin(phase)
    return _Track(places, talker.pose.at(times).orientation.values, opening, swing)


def _state(talker: Talker, track: _Track, i: int, time: float) -> np.ndarray:
    """Return (10,): place, turn, opening, blink and swing, all that a figure depends on."""
    person = talker.appearance
    faces = np.rint(np.array([track.opening[i], person.blink(time)]) * _LEVELS) / _LEVELS
    return np.concatenate([track.places[i], track.turns[i], faces, track.swing[i : i + 1]])


def _picture(
    camera: Camera,
    behind: Surroundings,
    talkers: Sequence[Talker],
    states: Sequence[np.ndarray],
    light: Light,
) -> np.ndarray:
    """Draw everybody, those far away first."""
    picture = behind.picture.copy()
    figures = [
        build(
            state[:3], state[3:7], talker.appearance, opening=state[7], blink=state[8],
            floor=behind.floor, stride=state[9],
        )
        for talker, state in zip(talkers, states, strict=True)
    ]  # fmt: skip
    figures.sort(key=lambda f: -float(np.linalg.norm(f.mouth - camera.position)))
    for figure in figures:
        shade_floor(picture, behind.ground, camera, figure)
    for figure in figures:
        draw(picture, behind.depth, camera, figure, light)
    return (np.clip(picture, 0, 255) + 0.5).astype(np.uint8)


def _light(seed: int, camera: Camera) -> Light:
    """A lamp above, on the camera's side, more to its left or to its right."""
    rng = np.random.default_rng([seed, 13])
    side, strength = rng.uniform(-0.8, 0.8), rng.uniform(0.40, 0.58)
    ahead, left, _ = camera.axes
    towards = -ahead * [1, 1, 0] + side * left + np.array([0, 0, rng.uniform(0.7, 1.4)])
    return Light(towards / np.linalg.norm(towards), float(strength), float(1.08 - strength))
