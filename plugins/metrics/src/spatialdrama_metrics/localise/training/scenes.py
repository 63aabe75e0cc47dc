"""Rooms, listeners and speakers by chance: what a clip to learn from looks like."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.types import Pose, Room

#: s, and the step of its labels: one output frame of the network.
CLIP, STEP = 4.0, 0.04
#: Families of rooms: share, least and greatest size (m), least and greatest RT60 (s).
FAMILIES = {
    "free field": (0.08, None, None, None),
    "booth": (0.17, (2.2, 2.0, 2.2), (4.0, 3.5, 2.8), (0.12, 0.3)),
    "living room": (0.45, (3.5, 3.0, 2.4), (8.0, 6.5, 3.2), (0.2, 0.65)),
    "hall": (0.30, (7.0, 6.0, 2.8), (16.0, 12.0, 6.0), (0.4, 1.2)),
}
#: m; between a mouth and a wall, and a mouth and the head.
_WALL, _NEAREST = 0.25, 0.28


@attrs.frozen
class Stage:
    """A room with a listener in it; several clips share one."""

    room: Room
    listener: Pose
    family: str


def stage(rng: np.random.Generator) -> Stage:
    """Draw a room and where in it somebody listens, looking anywhere."""
    names = list(FAMILIES)
    family = names[rng.choice(len(names), p=[FAMILIES[n][0] for n in names])]
    _, small, large, times = FAMILIES[family]
    if small is None:
        room = Room.free_field()
    else:
        size = rng.uniform(small, large)
        at = (*(rng.uniform(0.5, s - 0.5) for s in size[:2]), rng.uniform(1.0, size[2] - 0.6))
        rt60 = np.exp(rng.uniform(*np.log(times)))
        # Real rooms ring longer at low frequency, and lose the highest octaves to air and cloth.
        tilt = np.exp(rng.normal(0, 0.15, 7) + rng.uniform(-0.15, 0.25) * np.linspace(1, -1, 7))
        # No walls take more than all: a little above Sabine's time for that.
        volume, surface = size.prod(), 2 * (size.prod() / size).sum()
        rt60 = np.maximum(rt60 * tilt, 1.5 * 0.161 * volume / surface)
        room = Room(tuple(size), rt60=tuple(rt60), listener=at)
        if rng.random() < 0.4:
            drr = room.drr_at(1.0) + rng.uniform(-3, 5)
            room = attrs.evolve(room, drr_db=drr)
    yaw = rng.uniform(-np.pi, np.pi)
    turned = [[0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)]]
    listener = Pose.from_samples([0.0], np.zeros((1, 3)), turned)
    return Stage(room, listener, family)


def trajectory(rng: np.random.Generator, where: Stage, *, still: bool) -> Pose:
    """Draw a way for a mouth: still, or walking up to 2 m/s, inside the room and off the head."""
    while True:
        start = _point(rng, where.room)
        if still:
            path = np.stack([start, start])
        else:
            speed = rng.uniform(0.3, 2.0)
            course = rng.uniform(-np.pi, np.pi)
            length = speed * CLIP
            end = start + length * np.array([np.cos(course), np.sin(course), 0.0])
            end[2] += rng.normal(0, 0.15)
            path = np.stack([start, end])
        if not _inside(path, where.room):
            continue
        share = np.linspace(0, 1, 101)[:, None]
        if np.linalg.norm(path[0] + share * (path[1] - path[0]), axis=1).min() > _NEAREST:
            break
    to_head = -path[0] / np.linalg.norm(path[0])
    if still:
        turn = rng.normal(0, 0.9)
        c, s = np.cos(turn), np.sin(turn)
        facing = np.array([c * to_head[0] - s * to_head[1], s * to_head[0] + c * to_head[1], 0.0])
        facing[2] = 0.3 * to_head[2]
        return Pose.fixed(path[0], facing=facing)
    # People who talk while they walk look where they go, or at whom they talk to.
    facing = "motion" if rng.random() < 0.5 else "listener"
    return Pose.line(path[0], path[1], duration=CLIP, facing=facing)


def labels(pose: Pose, listener: Pose, frames: int) -> np.ndarray:
    """Return (frames, 3) where the mouth is in the listener's frame, m, at output frames."""
    times = STEP * np.arange(frames) + STEP / 4
    return pose.relative_to(listener).positions_at(times).astype(np.float32)


def _point(rng: np.random.Generator, room: Room) -> np.ndarray:
    """Draw a place: any distance on a logarithmic scale, mostly near ear height."""
    distance = np.exp(rng.uniform(np.log(0.3), np.log(5.5)))
    azimuth = rng.uniform(-np.pi, np.pi)
    elevation = rng.normal(0, 6) if rng.random() < 0.6 else rng.uniform(-40, 60)
    elevation = np.deg2rad(elevation)
    flat = distance * np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), distance * np.sin(elevation)])


def _inside(points: np.ndarray, room: Room) -> bool:
    if room.is_free_field:
        return bool(np.linalg.norm(points, axis=1).max() < 8.0)
    low, high = room.bounds
    return bool(np.all((points > low + _WALL) & (points < high - _WALL)))


def item(rng: np.random.Generator, where: Stage, mono: np.ndarray, pose: Pose) -> dict[str, Any]:
    """Return what ``render_batch`` of the renderer takes."""
    return {
        "mono": mono,
        "pose": pose,
        "room": where.room,
        "listener": where.listener,
        "directivity": "speech" if rng.random() < 0.85 else "omni",
    }
