"""A person of ellipsoids: the head as the pose says, the body upright below it.

The head's frame is the pose's: its origin is the mouth, body x is where the mouth points. The
mouth is the foremost point of the jaw, so the jaw's surface passes through the origin, squarely.
"""

from __future__ import annotations

import math

import attrs
import numpy as np

from spatialdrama.types import rotations

from .appearance import Appearance
from .quadrics import Ellipsoid

#: m, in the head's frame: (centre, half axes).
CRANIUM = ((-0.085, 0.0, 0.086), (0.098, 0.076, 0.112))
JAW = ((-0.064, 0.0, 0.0), (0.064, 0.058, 0.050))
NOSE = ((0.004, 0.0, 0.0445), (0.021, 0.0145, 0.0240))
EAR = ((-0.088, 0.077, 0.058), (0.019, 0.010, 0.032))
HAIR = ((-0.091, 0.0, 0.093), (0.106, 0.083, 0.115))
#: m; how much the chin drops when the mouth is wide open.
CHIN_DROP = 0.010
#: m; where the neck leaves the head.
NAPE = (-0.090, 0.0, -0.010)
#: m; below this the mouth of a figure is that of somebody who sits.
SEATED_BELOW = 1.22


@attrs.frozen(eq=False)
class Part:
    """One ellipsoid and what its surface is.

    Attributes
    ----------
    kind : str
        What :mod:`.paint` paints on it.
    body : Ellipsoid
    frame, origin : (3, 3), (3,) float
        In which `centre` was given: the head's, the trunk's or a limb's.
    centre : (3,) float, m
        Of the ellipsoid in that frame.
    """

    kind: str
    body: Ellipsoid
    frame: np.ndarray
    origin: np.ndarray
    centre: np.ndarray


@attrs.frozen(eq=False)
class Figure:
    """A speaker at one moment.

    Attributes
    ----------
    parts : tuple of Part
    mouth : (3,) float, m, scene frame
    head : (3, 3) float
        Rows are the head's axes in the scene.
    appearance : Appearance
    opening, blink : float, 0 to 1
    foot : (3,) float, m
        On the floor, below the trunk.
    """

    parts: tuple[Part, ...]
    mouth: np.ndarray
    head: np.ndarray
    appearance: Appearance
    opening: float
    blink: float
    foot: np.ndarray


def build(
    position: np.ndarray,
    orientation: np.ndarray,
    appearance: Appearance,
    *,
    opening: float = 0.0,
    blink: float = 0.0,
    floor: float = -1.5,
    stride: float = 0.0,
) -> Figure:
    """Return the figure whose mouth is at `position`.

    Parameters
    ----------
    position : (3,) float, m, scene frame
    orientation : (4,) float, xyzw
    appearance : Appearance
    opening, blink : float, 0 to 1
        Of mouth and eyelids.
    floor : float, m
        Height of the floor in the scene frame.
    stride : float, rad
        How far the left leg swings forward, and the right one back.
    """
    position = np.asarray(position, dtype=float)
    head = rotations.rotate(np.repeat(np.asarray(orientation, float)[None], 3, axis=0), np.eye(3))
    trunk = _upright(head)
    root = position + np.asarray(NAPE) @ head
    parts = [*_head(head, position, appearance, opening), *_trunk(trunk, root)]
    height = position[2] - floor
    parts += _seated(trunk, root, floor) if height < SEATED_BELOW else _legs(
        trunk, root, floor, stride
    )  # fmt: skip
    foot = np.array([root[0], root[1], floor])
    return Figure(tuple(parts), position, head, appearance, float(opening), float(blink), foot)


def _upright(head: np.ndarray) -> np.ndarray:
    """Return the trunk's axes: upright, turned as the head is."""
    ahead = np.array([head[0, 0], head[0, 1]])
    if np.hypot(*ahead) < 0.2:  # looking straight up or down: the crown says where the front is
        ahead = -math.copysign(1.0, head[0, 2]) * head[2, :2]
    x, y = ahead / max(np.hypot(*ahead), 1e-9)
    return np.array([[x, y, 0.0], [-y, x, 0.0], [0.0, 0.0, 1.0]])


def _part(kind: str, frame: np.ndarray, origin: np.ndarray, centre, half) -> Part:
    centre = np.asarray(centre, dtype=float)
    body = Ellipsoid(frame, origin + centre @ frame, np.asarray(half, dtype=float))
    return Part(kind, body, frame, origin, centre)


def _head(head: np.ndarray, mouth: np.ndarray, person: Appearance, opening: float) -> list[Part]:
    def part(kind, shape, half=None):
        return _part(kind, head, mouth, shape[0], half or shape[1])

    depth, width, tall = JAW[1]
    parts = [
        part("skin", CRANIUM),
        part("jaw", JAW, (depth, width, tall + CHIN_DROP * opening)),
        part("nose", NOSE),
        part("neck", ((-0.096, 0.0, -0.070), (0.050, 0.048, 0.115))),
    ]
    (x, y, z), half = EAR
    parts += [part("ear", ((x, side * y, z), half)) for side in (1, -1)]
    if person.style != "bald":
        parts.append(part("hair", HAIR))
    if person.style == "long":
        parts.append(part("locks", ((-0.118, 0.0, 0.01), (0.074, 0.094, 0.135))))
    if person.style == "bun":
        parts.append(part("bun", ((-0.185, 0.0, 0.165), (0.045, 0.048, 0.045))))
    return parts


def _trunk(trunk: np.ndarray, root: np.ndarray) -> list[Part]:
    parts = [
        _part("shirt", trunk, root, (-0.012, 0.0, -0.135), (0.074, 0.105, 0.055)),
        _part("shirt", trunk, root, (-0.012, 0.0, -0.20), (0.092, 0.198, 0.095)),
        _part("shirt", trunk, root, (0.0, 0.0, -0.39), (0.125, 0.175, 0.285)),
    ]
    for side in (1, -1):
        parts += [
            _part("sleeve", trunk, root, (-0.01, side * 0.186, -0.41), (0.050, 0.046, 0.215)),
            _part("hand", trunk, root, (0.02, side * 0.200, -0.655), (0.036, 0.026, 0.075)),
        ]
    return parts


def _legs(trunk: np.ndarray, root: np.ndarray, floor: float, stride: float) -> list[Part]:
    """Two legs from the hips to the floor, however high the mouth is."""
    parts = [_part("trousers", trunk, root, (0.0, 0.0, -0.66), (0.115, 0.165, 0.14))]
    length = max(root[2] - 0.62 - floor, 0.4)
    for side in (1, -1):
        swing = side * stride
        tilt = np.array([
            [math.cos(swing), 0.0, math.sin(swing)], [0.0, 1.0, 0.0],
            [-math.sin(swing), 0.0, math.cos(swing)],
        ])  # fmt: skip
        hip = root + np.array([0.0, side * 0.085, -0.62]) @ trunk
        leg = tilt @ trunk
        parts += [
            _part("trousers", leg, hip, (0, 0, -length / 2), (0.078, 0.078, length / 2 + 0.02)),
            _part("shoe", leg, hip, (0.05, 0, -length + 0.04), (0.125, 0.048, 0.045)),
        ]
    return parts


def _seated(trunk: np.ndarray, root: np.ndarray, floor: float) -> list[Part]:
    """Thighs forward, shins down to the floor, a stool below."""
    seat = root[2] - 0.68
    drop = max(seat - floor, 0.1)
    parts = [
        _part("trousers", trunk, root, (0.02, 0.0, -0.63), (0.14, 0.175, 0.12)),
        _part("stool", trunk, root, (-0.02, 0, -0.68 - drop / 2), (0.19, 0.2, drop / 2 + 0.02)),
    ]
    for side in (1, -1):
        parts += [
            _part("trousers", trunk, root, (0.24, side * 0.095, -0.66), (0.26, 0.08, 0.078)),
            _part("trousers", trunk, root, (0.43, side * 0.095, -0.68 - drop / 2),
                  (0.064, 0.062, drop / 2 + 0.05)),
            _part("shoe", trunk, root, (0.48, side * 0.095, -0.64 - drop), (0.125, 0.048, 0.045)),
        ]  # fmt: skip
    return parts
