"""What the surfaces of a figure look like: skin, face, hair and clothes under a lamp.

Everything works on (3, n) points in a part's frame, one column a ray, and gives (n, 3) colours
from 0 to 255 that light has not fallen on yet.
"""

from __future__ import annotations

import numpy as np

from .figure import Figure, Part
from .textures import quick_noise, speckle

#: m; half the mouth's width, closed and its change when wide open.
MOUTH_WIDTH, MOUTH_NARROWS = 0.027, 0.005
#: m; half the height of the gap between the lips, closed and what opening adds.
GAP, GAP_OPENS = 0.0010, 0.0120
#: m; how thick each lip is.
LIP = 0.0075
#: m; where the eyes are, and how large.
EYE = (0.0310, 0.0680)
EYE_SIZE = (0.0145, 0.0078)

_INSIDE = (52.0, 16.0, 20.0)
_TEETH = (232.0, 228.0, 216.0)
_TONGUE = (176.0, 84.0, 84.0)


def _rgb(colour: tuple[float, float, float]) -> np.ndarray:
    return np.array(colour, np.float32)


def colours(part: Part, points: np.ndarray, figure: Figure) -> np.ndarray:
    """Return (n, 3) colours of `points` (3, n), m, in the frame of `part`."""
    person = figure.appearance
    plain = {"sleeve": person.shirt, "shirt": person.shirt, "trousers": person.trousers,
             "shoe": (48, 40, 36), "stool": (112, 80, 52), "hand": person.skin,
             "ear": person.skin, "neck": person.skin, "nose": person.skin}  # fmt: skip
    if part.kind in ("skin", "jaw"):
        return _face(points, figure)
    if part.kind in ("hair", "locks", "bun"):
        return _hair(points, _rgb(person.hair))
    base = np.tile(_rgb(plain[part.kind]), (points.shape[1], 1))
    if part.kind in ("shirt", "sleeve"):
        _clothe(base, points, figure)
    elif part.kind in ("trousers", "shoe", "stool"):
        base *= (0.86 + 0.28 * quick_noise(points[0] * 60 + points[1] * 40, points[2] * 25))[
            :, None
        ]
    elif part.kind == "nose":
        base[points[2] < 0.0255] *= 0.84
        base[(np.abs(np.abs(points[1]) - 0.006) < 0.0032) & (points[2] < 0.0230)] *= 0.6
    elif part.kind == "ear":
        base *= _rgb((0.97, 0.90, 0.88))
    return base


def _hair(points: np.ndarray, colour: np.ndarray) -> np.ndarray:
    strand = quick_noise(np.arctan2(points[1], points[0] + 0.11) * 14, points[2] * 14 + 3)
    return colour * (0.72 + 0.62 * strand)[:, None]


def _clothe(base: np.ndarray, points: np.ndarray, figure: Figure) -> None:
    person = figure.appearance
    second = _rgb(person.shirt_second)
    x, y, z = points
    if person.pattern == "stripes":
        base[np.sin(y * 130) > 0.55] = second
    elif person.pattern == "rings":
        base[np.sin(z * 95) > 0.35] = second
    elif person.pattern == "checks":
        mix = 0.5 * (np.sin(y * 105) > 0.2) + 0.5 * (np.sin(z * 105) > 0.2)
        base += mix[:, None] * (second - base)
    else:  # a plain one has buttons and a collar's shadow
        front = x > 0.06
        row = (z + 0.02) % 0.09 - 0.045
        base[front & (y**2 + row**2 < 0.008**2)] = second
        base[front & (np.abs(np.abs(y) - 0.016) < 0.0018)] *= 0.8
    base *= (0.9 + 0.2 * quick_noise(y * 45, z * 45))[:, None]


def _face(points: np.ndarray, figure: Figure) -> np.ndarray:
    person = figure.appearance
    x, y, z = points
    skin = _rgb(person.skin)
    colour = np.tile(skin, (points.shape[1], 1))
    colour *= (0.965 + 0.07 * quick_noise(y * 160, z * 160))[:, None]
    front = x > -0.06
    blush = front * np.exp(-(((np.abs(y) - 0.042) / 0.018) ** 2) - ((z - 0.030) / 0.016) ** 2)
    colour *= 1 - blush[:, None] * _rgb((0.02, 0.13, 0.12))
    _hairline(colour, points, figure)
    if person.beard:
        _beard(colour, points, figure)
    face = np.flatnonzero(front & (np.abs(y) < 0.064) & (z > -0.04) & (z < 0.115))
    if len(face):
        part = colour[face]
        _eyes(part, y[face], z[face], figure)
        _mouth(part, y[face], z[face], figure)
        colour[face] = part
    return colour


def _hairline(colour: np.ndarray, points: np.ndarray, figure: Figure) -> None:
    """Stubble at the temples and the nape, where the shell of hair ends."""
    if figure.appearance.style == "bald":
        return
    x, _, z = points
    edge = x + 0.072 - 0.55 * (z - 0.06)
    amount = np.clip(-edge / 0.02, 0, 1) * (z > 0.01)
    colour += (amount * 0.8)[:, None] * (_rgb(figure.appearance.hair) - colour)


def _beard(colour: np.ndarray, points: np.ndarray, figure: Figure) -> None:
    x, y, z = points
    reach = GAP + GAP_OPENS * figure.opening + LIP
    round_mouth = (y / 0.034) ** 2 + (z / (reach + 0.006)) ** 2
    below = np.clip((0.012 - z + 0.25 * np.abs(y)) / 0.012, 0, 1) * np.clip(
        (x + 0.112) / 0.03, 0, 1
    )
    amount = 0.78 * below * np.clip((round_mouth - 0.9) / 0.5, 0, 1)
    amount *= 0.7 + 0.3 * speckle(y * 700, z * 500)
    colour += amount[:, None] * (_rgb(figure.appearance.hair) * 0.9 - colour)


def _eyes(colour: np.ndarray, y: np.ndarray, z: np.ndarray, figure: Figure) -> None:
    person = figure.appearance
    hair, skin = _rgb(person.hair), _rgb(person.skin)
    u, v = np.abs(y) - EYE[0], z - EYE[1]
    width, height = EYE_SIZE
    socket = np.exp(-((u / 0.022) ** 2) - ((v - 0.004) / 0.013) ** 2)
    colour *= (1 - 0.16 * socket)[:, None]
    eye = (u / width) ** 2 + (v / height) ** 2
    lid = height * (1 - 2 * figure.blink)  # the upper lid comes down over the eye
    seen = (eye < 1) & (v < lid)
    colour[eye < 1] = skin * 0.86
    colour[seen] = (240, 238, 234)
    iris = u**2 + (v - 0.0008) ** 2
    colour[seen & (iris < 0.0064**2)] = person.eyes
    colour[seen & (iris < 0.0030**2)] = (16, 14, 14)
    colour[seen & ((y - np.sign(y) * EYE[0] - 0.0018) ** 2 + (v - 0.003) ** 2 < 0.0015**2)] = 250
    rim = (eye >= 0.72) & (eye < 1.25) & (v > -0.001) & (figure.blink < 0.5)
    closed = (eye < 1) & (np.abs(v + 0.6 * height * (1 - (u / width) ** 2)) < 0.0016)
    colour[rim | (closed & (figure.blink >= 0.5))] = hair * 0.45
    arch = 0.0865 + 0.002 * figure.opening - 13 * (u - 0.003) ** 2
    thick = 0.0034 * np.clip(1.15 - np.abs(u) / 0.026, 0, 1)
    colour[(np.abs(u) < 0.021) & (np.abs(z - arch) < thick)] = hair * 0.75
    if person.glasses:
        glass = (u / 0.0235) ** 2 + ((v + 0.002) / 0.0185) ** 2
        bridge = (np.abs(y) < 0.009) & (np.abs(v - 0.004) < 0.0014)
        colour[(np.abs(glass - 1) < 0.13) | bridge] = (36, 34, 38)


def _mouth(colour: np.ndarray, y: np.ndarray, z: np.ndarray, figure: Figure) -> None:
    """Lips round the origin and, as they open, what is between them.

    Both lips part alike, so that the middle of the mouth stays where the pose says it is.
    """
    opening = figure.opening
    width = MOUTH_WIDTH - MOUTH_NARROWS * opening
    gap = GAP + GAP_OPENS * opening
    across = np.clip(1 - (y / width) ** 2, 0, 1)
    tall = np.sqrt(across)
    bow = 1 - 0.22 * np.exp(-((y / 0.0045) ** 2)) * (z > 0)  # Cupid's bow
    lips = (across > 0) & (np.abs(z) < (gap + LIP * bow) * tall)
    colour[lips] = figure.appearance.lips
    shine = lips & (np.abs(z + gap + 0.42 * LIP) < 0.0013) & (np.abs(y) < 0.010)
    colour[shine] = colour[shine] * 0.8 + 45
    inner = np.clip(1 - (y / (0.86 * width)) ** 2, 0, 1)
    between = np.abs(z) < gap * np.sqrt(inner)
    colour[between] = _INSIDE
    if opening > 0.25:
        colour[between & (z > 0.38 * gap + 0.0015)] = _TEETH
        tongue = (y / (0.6 * width)) ** 2 + ((z + 0.95 * gap) / (0.75 * gap)) ** 2 < 1
        colour[between & tongue] = _TONGUE


def is_shell(kind: str) -> bool:
    """Whether a part is a thin shell with a rim, such as hair, that shows what it leaves free."""
    return kind in ("hair", "locks")


def covered(part: Part, sphere: np.ndarray) -> np.ndarray:
    """Return (n,) bool: where a shell is, for points (3, n) of its unit sphere."""
    x, y, z = sphere
    if part.kind == "locks":
        return x < 0.30
    forehead = 0.27 + 0.06 * np.sin(5 * y + 0.6)
    return (x < 0.05 + 0.7 * np.maximum(z, 0.0) ** 2) & (z > -0.55) | (z > forehead)


_BLEND = 0.010  # m; over which two bodies of skin run into each other


def normals(part: Part, sphere: np.ndarray, points: np.ndarray, figure: Figure) -> np.ndarray:
    """Return (3, n) unit vectors out of the surface, (3, n) in the part's frame.

    Skull, jaw and nose share theirs where they meet, so that no seam shows.
    """
    out = sphere / part.body.half.astype(np.float32)[:, None]
    if part.kind in ("skin", "jaw", "nose"):
        out = out / np.linalg.norm(out, axis=0)
        total = np.zeros_like(out)
        for other in figure.parts[:3]:
            half = other.body.half.astype(np.float32)[:, None]
            local = (points - other.centre.astype(np.float32)[:, None]) / half
            gradient = local / half
            slope = np.sqrt(np.einsum("in,in->n", gradient, gradient))
            radius = np.sqrt(np.einsum("in,in->n", local, local))
            outside = np.maximum((radius - 1) * radius / np.maximum(slope, 1e-9), 0.0)
            total += np.exp(-outside / _BLEND) / np.maximum(slope, 1e-9) * gradient
        out = total
    return out / np.linalg.norm(out, axis=0)
