"""What the geometric branch sees: where a speaker is from each ear, and how fast he goes there.

Twelve numbers a frame, in the frame of the listener's head (x forward, y left, z up; the paper's
(pos_l, pos_r, ori, v_rad-l, v_rad-r), 4.2): places from each ear in m, the orientation as a unit
quaternion x y z w, and radial velocities in m/s, positive where the speaker recedes (E8).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, rotations
from spatialdrama.types.validate import check_finite, check_positive

from .motion import JUMP_SPEED, WINDOW, HeadFrame

#: Mel frames per second: 48 kHz with a hop of 256.
FRAME_RATE = 48_000 / 256
#: m; where an ear is to the left and right of the middle of the head (E7: .09 to .11).
EAR_OFFSET = 0.09
#: m; within it a direction means nothing, and the radial velocity is zero.
NEAREST = 1e-3

#: Where the twelve numbers lie.
LEFT, RIGHT = slice(0, 3), slice(3, 6)
QUATERNION = slice(6, 10)
VELOCITY = slice(10, 12)
WIDTH = 12

_MIRROR = np.array([3, 4, 5, 0, 1, 2, 6, 7, 8, 9, 11, 10])
_SIGNS = np.array([1, -1, 1, 1, -1, 1, -1, 1, -1, 1, 1, 1])


def frame_times(count: int, start: float = 0.0) -> np.ndarray:
    """Return the times (count,) in s of centred mel frames from `start`.

    Examples
    --------
    >>> frame_times(3).round(6).tolist()
    [0.0, 0.005333, 0.010667]
    """
    return start + np.arange(count) / FRAME_RATE


def features(
    pose: Pose,
    times: Any,
    ears: float = EAR_OFFSET,
    *,
    listener: Pose | None = None,
    window: float = WINDOW,
    jump_speed: float = JUMP_SPEED,
) -> np.ndarray:
    """Return the twelve numbers (t, 12), float32, of a pose at `times`.

    Parameters
    ----------
    pose : Pose
        The speaker, in the scene frame.
    times : (t,) float, s, increasing
        Usually :func:`frame_times`.
    ears : float, m
        Ears are at (0, +-ears, 0) of the head.
    listener : Pose, optional
        The listener, who may walk and turn; None is at rest at the origin, facing x.
    window : float, s
        Of the Savitzky-Golay slope behind the velocities.
    jump_speed : float, m/s
        A faster step between two samples is a cut: nothing moves there, and neither side's
        velocity sees the other (C.4: a sudden jump is another speaker).

    Raises
    ------
    ValidationError
        For times that are not one increasing axis of finite numbers, or options out of range.

    Notes
    -----
    v_rad is (pos . v) / |pos| of 4.2, with pos from the ear and v the velocity in the frame of the
    head: a head that turns carries its ears along. Quaternions have a sign that is continuous in
    time, and a first w that is not negative.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> pose = sd.Pose.line((1, 0, 0), (3, 0, 0), duration=2.0)
    >>> seen = features(pose, [0.0, 1.0], 0.0)
    >>> seen[1].round(3).tolist()
    [2.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """
    times = np.atleast_1d(np.asarray(times, dtype=float))
    if times.ndim != 1 or not len(times) or (np.diff(times) <= 0).any():
        raise ValidationError(
            f"times must be one increasing axis of seconds; got shape {times.shape}. "
            "Take frame_times(count)."
        )
    check_finite(times, "times", "give finite seconds.")
    offset = check_positive(ears, "ears", unit="m", zero_ok=True)
    head = HeadFrame(pose, listener, jump_speed=jump_speed)
    place, velocity = head.places(times), head.velocities(times, window)
    left, right = (place - ear for ear in ear_places(offset))
    speeds = [radial(gap, velocity) for gap in (left, right)]
    turned = canonical(head.orientations(times))
    return np.concatenate([left, right, turned, np.stack(speeds, axis=1)], axis=1).astype("f4")


def ear_places(offset: float = EAR_OFFSET) -> np.ndarray:
    """Return (2, 3) m, left and right ear in the frame of the head.

    Examples
    --------
    >>> ear_places(0.1).tolist()
    [[0.0, 0.1, 0.0], [0.0, -0.1, 0.0]]
    """
    return np.array([[0.0, offset, 0.0], [0.0, -offset, 0.0]])


def radial(gap: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Return (t,) m/s: the part of `velocity` (t, 3) along `gap` (t, 3), + away from the ear.

    Examples
    --------
    >>> radial(np.array([[3.0, 4.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])).tolist()
    [0.8]
    """
    reach = np.linalg.norm(gap, axis=-1)
    along = np.sum(gap * velocity, axis=-1)
    return np.where(reach < NEAREST, 0.0, along / np.maximum(reach, NEAREST))


def doppler(velocity: Any, speed_of_sound: float = SPEED_OF_SOUND) -> np.ndarray:
    """Return f_o / f_s = c / (c + v_rad), equation 6, with the sign of :func:`features`.

    A speaker who recedes (v_rad > 0) is heard lower. The paper prints c +- v_rad.

    Parameters
    ----------
    velocity : array, m/s
    speed_of_sound : float, m/s

    Raises
    ------
    ValidationError
        Where somebody approaches as fast as sound.

    Examples
    --------
    >>> doppler([-34.3, 0.0, 34.3]).round(4).tolist()
    [1.1111, 1.0, 0.9091]
    """
    velocity = np.asarray(velocity, dtype=float)
    c = check_positive(speed_of_sound, "speed_of_sound", unit="m/s")
    if (velocity <= -c).any():
        raise ValidationError(
            f"a speaker approaches at {-velocity.min():g} m/s, as fast as sound ({c:g} m/s) or "
            "faster; slow the pose down."
        )
    return c / (c + velocity)


def mirror(seen: Any) -> Any:
    """Return the twelve numbers (..., 12) of the mirror image: left and right changed.

    Works on arrays and tensors. The ears swap places and velocities, y changes its sign, and a turn
    changes its sense: (x, y, z, w) becomes (-x, y, -z, w). Twice mirrored is the same, exactly.

    Examples
    --------
    >>> mirror(np.arange(12.0)).tolist()
    [3.0, -4.0, 5.0, 0.0, -1.0, 2.0, -6.0, 7.0, -8.0, 9.0, 11.0, 10.0]
    """
    if isinstance(seen, np.ndarray):
        return seen[..., _MIRROR] * _SIGNS.astype(seen.dtype)
    import torch

    index = torch.as_tensor(_MIRROR, device=seen.device)
    return seen[..., index] * torch.as_tensor(_SIGNS, device=seen.device, dtype=seen.dtype)


def canonical(q: np.ndarray) -> np.ndarray:
    """Return quaternions (t, 4) with a sign continuous in time whose first w is not negative.

    Where the first w is zero the first y decides, which a mirror leaves alone too. Where that is
    zero as well (a speaker who faces the listener from straight ahead, say), q and -q are each
    other's mirror image and no choice is fair; then z is not negative.
    """
    q = rotations.continuous(q)
    order = q[0, [3, 1, 2, 0]]
    lead = order[np.flatnonzero(np.abs(order) > 1e-9)[0]]
    return q if lead > 0 else -q
