"""When a sound gets to each ear, from where the speaker is."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.conventions import HEAD_RADIUS, SPEED_OF_SOUND
from spatialdrama.dsp.pose_itd import pose_itd_us
from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose

Head = Literal["woodworth", "sphere", "straight"]
_STEPS = 8  # of the retarded time; each gains a factor of speed / 343 m/s


def delays_of(
    pose: Pose,
    times: ArrayLike,
    ear_offset: float = HEAD_RADIUS,
    *,
    listener: Pose | None = None,
    head: Head = "woodworth",
    speed_of_sound: float = SPEED_OF_SOUND,
) -> NDArray[np.float64]:
    """Return the delay from the mouth to each ear, (t, e) in seconds.

    Parameters
    ----------
    pose
        Of the speaker, in the scene frame.
    times
        (t,) s, when it is heard.
    ear_offset
        Half the distance between the ears, m (E7: .08 to .11).
    listener
        Pose of the head; None is at the origin, looking along x.
    head
        "woodworth": the shortest path round a rigid sphere (Woodworth and Schlosberg 1954);
        "sphere": their mean, and between the ears the delay that a rigid sphere has in the band
        where delays are heard (:func:`spatialdrama.dsp.pose_itd_us`);
        "straight": straight lines to two points, no head.
    speed_of_sound
        m/s.

    Raises
    ------
    ValidationError
        If the speaker comes into the head, or for an unknown `head`.

    Notes
    -----
    The speaker is where it was when it spoke: a delay d at time t belongs to the position at
    ``t - d``, so that a speaker who recedes at v is heard ``c / (c + v)`` times as high (eq. 6).
    A listener's head is where it is when it hears, but for the same few milliseconds.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> left, right = delays_of(sd.Pose.fixed((0, 2, 0)), [0.0])[0]
    >>> round((right - left) * 1e6)
    661
    """
    if head not in get_args(Head):
        raise ValidationError(f"head must be one of {get_args(Head)}, got {head!r}")
    if not (ear_offset > 0 and speed_of_sound > 0):
        raise ValidationError(
            f"ear_offset and speed_of_sound must be above 0, got {ear_offset} and {speed_of_sound}"
        )
    times = np.atleast_1d(np.asarray(times, dtype=np.float64))
    seen = pose.relative_to(listener)
    delay = np.zeros((len(times), 2))
    for _ in range(_STEPS):
        each = [
            _delays(seen.positions_at(times - delay[:, ear]), ear_offset, head, speed_of_sound)
            for ear in (0, 1)
        ]
        delay = np.stack([each[0][:, 0], each[1][:, 1]], axis=1)
    return delay


def _delays(position: NDArray, radius: float, head: str, speed: float) -> NDArray[np.float64]:
    """Delays (t, e) of places (t, 3) in the listener's frame."""
    distance = np.linalg.norm(position, axis=1)
    nearest = float(distance.min())
    if not nearest > radius:
        raise ValidationError(
            f"the speaker comes within {nearest:.3f} m of the middle of a head of radius "
            f"{radius:g} m; move the pose out of the head"
        )
    ears = np.array([[0.0, radius, 0.0], [0.0, -radius, 0.0]])
    straight = np.linalg.norm(position[:, None] - ears, axis=2)
    if head == "straight":
        return straight / speed
    # Behind the tangent the path follows the surface.
    cosine = np.clip(position[:, 1] / distance, -1, 1)
    angle = np.arccos(np.stack([cosine, -cosine], axis=1))
    past = angle - np.arccos(radius / distance)[:, None]
    round_it = np.sqrt(distance**2 - radius**2)[:, None] + radius * past
    path = np.where(past > 0, round_it, straight) / speed
    if head == "woodworth":
        return path
    itd = 1e-6 * pose_itd_us(position, head_radius=radius, speed_of_sound=speed)
    return path.mean(axis=1, keepdims=True) + np.stack([-itd, itd], axis=1) / 2
