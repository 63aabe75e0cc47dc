"""What every renderer asks of its input before it computes anything."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import HEAD_CLEARANCE, HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Pose, Room, Speech
from spatialdrama.types.validate import finite
from spatialdrama_render.propagation import Track
from spatialdrama_render.teleports import Piece, jumps, pieces

#: s; how densely paths are checked against walls and heads.
_STEP = 0.01


@attrs.frozen(eq=False)
class Job:
    """One checked stem: what sounds, when, from where, to whom.

    Attributes
    ----------
    mono : (n,) float, or anything that gives such arrays for slices
    gain : float, a factor
    pieces : list of Piece
        The source's track, cut where it jumps.
    start : float, s
        Drama time of ``mono[0]``.
    room : Room or None
        None is the free field.
    listener : Pose or None
    reach, nearest : float, m
        Longest and shortest straight way from the source to the listener.
    """

    mono: Any
    gain: float
    pieces: list[Piece]
    start: float
    room: Room | None
    listener: Pose | None
    reach: float
    nearest: float

    @property
    def track(self) -> Track:
        """The track of a source that does not jump."""
        return self.pieces[0].track


def checked_job(
    mono: Any,
    pose: Pose | list[Piece],
    *,
    rate: int,
    start: float,
    room: Room | None,
    listener: Pose | None,
    gain_db: float,
    house_rate: int = HOUSE_RATE,
    who: str = "the source",
) -> Job:
    """Check what a renderer is given; see :class:`Job`.

    Raises
    ------
    ValidationError
        For a mono signal of two channels, of another rate, empty, of integers or with NaN; for a
        source outside the room, in the head, or as fast as sound; for a listener outside the room;
        for arguments of another type.
    """
    samples = checked_mono(mono, rate, house_rate)
    gain_db, start = finite(gain_db, "gain_db"), finite(start, "start")
    check_surroundings(room, listener)
    if not isinstance(pose, (Pose, list)):
        raise ValidationError(
            f"pose must be a Pose; got {_kind(pose)}. Use Pose.fixed((x, y, z)) or "
            "Pose.from_samples(times, positions)."
        )
    room = None if room is None or room.is_free_field else room
    cut = pose if isinstance(pose, list) else pieces(Track(pose), who)
    times = start + np.arange(0.0, len(samples) / house_rate + _STEP, _STEP)
    _check_listener(listener, times, room)
    reach, nearest = 0.0, np.inf
    for piece in cut:
        _check_speed(piece.track)
        sounding = times[piece.gain(times) > 0]
        if len(sounding):
            gap = _checked_gap(who, piece.track, sounding, room, listener)
            reach, nearest = max(reach, gap.max()), min(nearest, gap.min())
    gain = 10 ** (gain_db / 20)
    return Job(samples, gain, cut, float(start), room, listener, float(reach), float(nearest))


def check_surroundings(room: Any, listener: Any) -> None:
    """Refuse what is no room, and a listener that is no pose; None is fine for both."""
    if room is not None and not isinstance(room, Room):
        raise ValidationError(
            f"room must be a Room or None; got {_kind(room)}. Use Room((6, 5, 3), rt60=0.35), or "
            "Room.measured(path) for a file."
        )
    if listener is not None and not isinstance(listener, Pose):
        raise ValidationError(
            f"listener must be a Pose or None; got {_kind(listener)}. Use Pose.fixed((x, y, z))."
        )


def _kind(value: Any) -> str:
    """Return what a value is, in a few words: itself when short, else its type and shape."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 40 else f"a {type(value).__name__}"


def _check_listener(listener: Pose | None, times: np.ndarray, room: Room | None) -> None:
    if room is not None and listener is not None:
        _check_inside("the listener", listener.positions_at(times), times, room)


def _checked_gap(
    who: str, track: Track, times: np.ndarray, room: Room | None, listener: Pose | None
) -> np.ndarray:
    source = track.positions_at(times)
    head = np.zeros((1, 3)) if listener is None else listener.positions_at(times)
    if room is not None:
        _check_inside(who, source, times, room)
    gap = np.linalg.norm(source - head, axis=1)
    if gap.min() < HEAD_CLEARANCE:
        i = int(np.argmin(gap))
        raise ValidationError(
            f"{who} is {gap[i]:.2f} m from the centre of the listener's head at t = "
            f"{times[i]:.2f} s; keep {HEAD_CLEARANCE:.2f} m or more."
        )
    return gap


def checked_mono(mono: Any, rate: int, house_rate: int = HOUSE_RATE) -> Any:
    """Return (n,) finite float samples at the renderer's rate, or raise.

    What reads itself from a file slice by slice (:class:`spatialdrama.io.audio.MonoFile`) stays
    there; its samples are checked as they come. A :class:`spatialdrama.types.Speech` knows its own
    rate and is resampled; `rate` is that of plain arrays.
    """
    if isinstance(mono, Speech):
        mono, rate = mono.resampled(house_rate).signal, house_rate
    samples = mono if hasattr(mono, "read_slice") else np.asarray(mono)
    if samples.ndim != 1:
        raise ValidationError(
            f"a renderer takes mono of shape (n,); got {samples.shape}. Give one channel, such as "
            "samples[0] or samples.mean(axis=0)."
        )
    if samples.dtype.kind != "f":
        raise ValidationError(
            f"mono must be floating-point samples about -1 to 1; got {samples.dtype}. Divide "
            "16-bit integers by 32768."
        )
    own = getattr(mono, "rate", rate)
    if own != house_rate:
        raise ValidationError(
            f"{_named(mono)} is at {own} Hz and the renderer works at {house_rate} Hz; resample "
            f"it first, for example with soxr.resample(x, {own}, {house_rate})."
        )
    if rate != house_rate:
        raise ValidationError(
            f"mono is at {rate} Hz and the renderer works at {house_rate} Hz; resample it first, "
            f"for example with Speech.resampled({house_rate})."
        )
    if not len(samples):
        raise ValidationError("mono has no samples; give at least one.")
    return check_finite(samples) if isinstance(samples, np.ndarray) else samples


def _named(mono: Any) -> str:
    path = getattr(mono, "path", None)
    return "mono" if path is None else f"mono file {path}"


def check_finite(samples: np.ndarray, first: int = 0) -> np.ndarray:
    """Return the samples, or raise where one is no number; `first` is the index of the first."""
    bad = ~np.isfinite(samples)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValidationError(
            f"mono[{first + i}] is {samples[i]}; the sound is broken there, look where it was made."
        )
    return samples


def warn_left_out(renderer: str, what: str) -> None:
    """Say that a renderer does less than the scene asks for."""
    warnings.warn(
        f"the renderer {renderer!r} leaves out {what}; use renderer='physical' for it.",
        SpatialDramaWarning,
        stacklevel=3,
    )


def listener_pieces(listener: Pose | None) -> list[Piece]:
    """Return the listener's track, cut where it jumps with a warning; none for one at rest.

    Raises
    ------
    ValidationError
        For a listener who is as fast as sound for longer than a step.
    """
    if listener is None:
        return []
    track = Track(listener)
    _check_speed(track, "the listener", without=jumps(track))
    return pieces(track, "the listener")


def _check_speed(track: Track, who: str = "the source", without: Any = ()) -> None:
    """Refuse what is as fast as sound in any step but those left out."""
    if track.still:
        return
    time = track.time
    speed = np.linalg.norm(np.diff(track.place, axis=1), axis=0) / np.diff(time)
    speed[np.asarray(without, dtype=int)] = 0.0
    i = int(np.argmax(speed))
    if speed[i] >= SPEED_OF_SOUND:
        raise ValidationError(
            f"{who} moves at {speed[i]:.0f} m/s at t = {time[i]:.2f} s, as fast as sound; "
            "slow the pose down or cut it where it jumps."
        )


def _check_inside(who: str, points: np.ndarray, times: np.ndarray, room: Room) -> None:
    inside = np.atleast_1d(room.contains(points))
    if not inside.all():
        i = int(np.argmin(inside))
        low, high = room.bounds
        walls = "; ".join(
            f"{a} {lo:.2f} to {hi:.2f}" for a, lo, hi in zip("xyz", low, high, strict=True)
        )
        place = ", ".join(f"{v:.2f}" for v in points[i])
        raise ValidationError(
            f"{who} is outside the room at t = {times[i]:.2f} s: ({place}) m, where the walls are "
            f"at {walls}. Move the pose, enlarge the room or set Room(listener=...)."
        )
