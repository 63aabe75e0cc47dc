"""Quaternion arithmetic on (t, 4) xyzw arrays."""

from __future__ import annotations

import numpy as np

from spatialdrama.errors import ValidationError

#: Largest deviation from unit length that is taken for rounding in a file.
UNIT_TOLERANCE = 1e-3


def checked(orientation: np.ndarray, time: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return unit quaternions with a sign that is continuous in time, or raise."""
    q = np.array(orientation, dtype=float)
    q[~valid] = (0.0, 0.0, 0.0, 1.0)
    norm = np.linalg.norm(q, axis=1)
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(norm - 1.0) <= UNIT_TOLERANCE)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValidationError(
            f"orientation[{i}] has norm {norm[i]:.3g} at t = {time[i]:.3f} s; expected 1. "
            "A zero or broken quaternion says nothing about where the mouth points: leave the "
            "orientation out, or read recordings with repair=True."
        )
    q /= norm[:, None]
    return continuous(q)


def continuous(q: np.ndarray) -> np.ndarray:
    """Flip signs so that neighbours lie in one hemisphere (q and -q are the same rotation)."""
    if len(q) < 2:
        return q
    flips = np.where(np.sum(q[1:] * q[:-1], axis=1) < 0, -1.0, 1.0)
    return q * np.concatenate([[1.0], np.cumprod(flips)])[:, None]


def conjugate(q: np.ndarray) -> np.ndarray:
    """Return the inverse rotation of unit quaternions."""
    return q * np.array([-1.0, -1.0, -1.0, 1.0])


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rotation `b` followed by `a`."""
    av, aw, bv, bw = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    vector = aw * bv + bw * av + np.cross(av, bv)
    scalar = aw * bw - np.sum(av * bv, axis=-1, keepdims=True)
    return np.concatenate([vector, scalar], axis=-1)


def rotate(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Rotate vectors (t, 3) by quaternions (t, 4)."""
    t = 2.0 * np.cross(q[..., :3], v)
    return v + q[..., 3:] * t + np.cross(q[..., :3], t)


def facing(direction: np.ndarray) -> np.ndarray:
    """Return quaternions whose body x axis points along `direction`, with no roll.

    A zero direction gives the identity: nobody can say where a mouth at the origin points.
    """
    d = np.atleast_2d(np.asarray(direction, dtype=float))
    yaw = np.arctan2(d[:, 1], d[:, 0])
    pitch = np.arctan2(d[:, 2], np.hypot(d[:, 0], d[:, 1]))
    zero, cy, sy = np.zeros(len(d)), np.cos(yaw / 2), np.sin(yaw / 2)
    turn = np.stack([zero, zero, sy, cy], axis=1)
    # Looking up is a negative turn about y (left): x goes towards +z.
    nod = np.stack([zero, -np.sin(pitch / 2), zero, np.cos(pitch / 2)], axis=1)
    return multiply(turn, nod)


def slerp(time: np.ndarray, q: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Interpolate unit quaternions along great circles, held outside `time`."""
    if len(time) == 1:
        return np.repeat(q, len(at), axis=0)
    inside = np.clip(at, time[0], time[-1])
    after = np.clip(np.searchsorted(time, inside, side="right"), 1, len(time) - 1)
    share = ((inside - time[after - 1]) / (time[after] - time[after - 1]))[:, None]
    a, b = q[after - 1], q[after]
    dot = np.sum(a * b, axis=1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.minimum(np.abs(dot), 1.0))
    sine = np.sin(angle)
    near = sine < 1e-9  # the same orientation twice: a straight line is exact
    sine = np.where(near, 1.0, sine)
    one = np.where(near, 1 - share, np.sin((1 - share) * angle) / sine)
    two = np.where(near, share, np.sin(share * angle) / sine)
    mixed = one * a + two * b
    return continuous(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))
