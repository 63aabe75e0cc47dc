"""Walls, floors, ceilings: wallpaper, bricks, planks, tiles and pictures, drawn from a seed."""

from __future__ import annotations

import attrs
import numpy as np

from .textures import grain, noise, speckle

_PAINTS = (
    (214, 204, 184), (186, 200, 204), (204, 186, 172), (176, 192, 166), (198, 190, 206),
    (222, 210, 160), (170, 160, 150),
)  # fmt: skip
_WOODS = ((150, 104, 66), (120, 80, 52), (178, 136, 92), (98, 74, 58))
_TILES = ((196, 190, 180), (150, 158, 160), (172, 128, 104))


@attrs.frozen(eq=False)
class Decor:
    """How one room is furnished; the same seed gives the same.

    Attributes
    ----------
    seed : int
    paint, ground, sky, grass : (3,) float
        Colours, 0 to 255.
    wallpaper, flooring : str
    """

    seed: int
    paint: np.ndarray
    ground: np.ndarray
    sky: np.ndarray
    grass: np.ndarray
    wallpaper: str
    flooring: str

    @classmethod
    def of(cls, seed: int) -> Decor:
        """Return the decor that belongs to `seed`."""
        rng = np.random.default_rng([seed, 7])
        flooring = ("planks", "tiles", "carpet")[rng.integers(3)]
        woods = _TILES if flooring == "tiles" else _WOODS
        return cls(
            seed=seed,
            wallpaper=("paper", "bricks", "panels", "plaster")[rng.integers(4)],
            flooring=flooring,
            paint=np.array(_PAINTS[rng.integers(len(_PAINTS))], float),
            ground=np.array(woods[rng.integers(len(woods))], float),
            sky=np.array((120, 168, 214), float) + rng.uniform(-22, 22, 3),
            grass=np.array((98, 128, 68), float) + rng.uniform(-14, 14, 3),
        )

    def wall(
        self, u: np.ndarray, v: np.ndarray, length: float, height: float, number: int
    ) -> np.ndarray:
        """Return (n, 3) colours of wall `number` at `u` along it and `v` above the floor, m."""
        colour = self.paint * (0.93 + 0.14 * grain(u * 9 + 31 * number, v * 9))[:, None]
        if self.wallpaper == "bricks":
            row = np.floor(v / 0.085)
            brick = u / 0.26 + 0.5 * (row % 2)
            tone = 0.78 + 0.4 * speckle(brick + 17 * number, row)
            joint = ((v / 0.085) % 1 < 0.13) | (brick % 1 < 0.045)
            stone = np.array((168, 104, 82)) * (tone * (0.9 + 0.2 * noise(u * 50, v * 50)))[:, None]
            colour = np.where(joint[:, None], 196.0, stone)
        elif self.wallpaper == "paper":
            flower = ((u % 0.24) - 0.12) ** 2 + ((v % 0.28) - 0.14) ** 2 < 0.045**2
            colour[(u % 0.24) < 0.05] *= 0.90
            colour[flower] *= np.array((0.80, 0.86, 0.92))
        elif self.wallpaper == "panels":
            wood = np.array((146, 108, 76)) * (0.8 + 0.4 * grain(u * 40, v * 4))[:, None]
            wood[(u % 0.45) < 0.02] *= 0.55
            colour = np.where((v < 1.05)[:, None], wood, colour)
            colour[np.abs(v - 1.06) < 0.025] = (92, 66, 46)
        self._hang(colour, u, v, length, height, number)
        colour[v < 0.09] = np.array((98, 78, 62)) * 0.9  # skirting board
        return colour

    def _hang(
        self, colour: np.ndarray, u: np.ndarray, v: np.ndarray, length: float, height: float,
        number: int,
    ) -> None:  # fmt: skip
        """Hang pictures, cut a door or a window into a wall, in place."""
        rng = np.random.default_rng([self.seed, 11, number])
        count = max(int(length / 1.3), 1)
        kinds = ["picture"] * count
        kinds[int(rng.integers(count))] = ("door", "window")[number % 2]
        for place, kind in enumerate(kinds):
            middle = (place + 0.5 + rng.uniform(-0.15, 0.15)) * length / count
            wide, tall, up = rng.uniform(0.32, 0.55), rng.uniform(0.3, 0.5), rng.uniform(1.5, 1.75)
            hue = rng.uniform(40, 225, (2, 3))
            shift = rng.uniform(0, 50)
            if kind == "door":
                wide, tall, up = 0.9, 2.0, 1.0
            elif kind == "window":
                wide, tall, up = 1.1, 1.1, 1.55
            x, y = (u - middle) / (wide / 2), (v - min(up, height - tall / 2 - 0.1)) / (tall / 2)
            edge = np.maximum(np.abs(x), np.abs(y))
            inside = edge < 1
            p, q = x[inside], y[inside]
            colour[inside] = _object(kind, p, q, edge[inside], hue, shift)

    def floor(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return (n, 3) colours of the floor at x and y from the room's corner, m."""
        if self.flooring == "planks":
            row = np.floor(y / 0.14)
            plank = np.floor(x / 1.1 + 0.37 * row)
            tone = 0.80 + 0.35 * speckle(plank, row) + 0.18 * (grain(x * 6, y * 60) - 0.5)
            tone = np.where((y / 0.14) % 1 < 0.06, 0.55, tone)
        elif self.flooring == "tiles":
            i, j = np.floor(x / 0.4), np.floor(y / 0.4)
            tone = 0.74 + 0.26 * ((i + j) % 2) + 0.16 * speckle(i, j)
            tone += 0.10 * (grain(x * 14, y * 14) - 0.5)
            tone = np.where(((x / 0.4) % 1 < 0.03) | ((y / 0.4) % 1 < 0.03), 0.5, tone)
        else:
            ring = np.sin(np.hypot((x % 1.2) - 0.6, (y % 1.2) - 0.6) * 26)
            tone = 0.85 + 0.12 * ring + 0.3 * (grain(x * 20, y * 20) - 0.5)
        return self.ground * tone[:, None]

    def ceiling(self, x: np.ndarray, y: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Return (n, 3) colours of the ceiling, with a lamp in its middle."""
        colour = np.array((222, 220, 214)) * (0.95 + 0.1 * grain(x * 7, y * 7))[:, None]
        beam = (x % 1.2) < 0.07
        colour[beam] *= 0.82
        away = np.hypot(x - size[0] / 2, y - size[1] / 2)
        colour += (60 * np.exp(-away / 0.5))[:, None]
        colour[away < 0.22] = (255, 252, 238)
        return colour


def _object(
    kind: str, p: np.ndarray, q: np.ndarray, edge: np.ndarray, hue: np.ndarray, shift: float
) -> np.ndarray:
    """Return (n, 3) colours of a door, a window or a picture at p, q in (-1, 1)."""
    if kind == "door":
        colour = np.array((126, 88, 60)) * (0.85 + 0.3 * grain(p * 16, q * 5))[:, None]
        panel = np.maximum(np.abs(np.abs(p) - 0.45) / 0.30, np.abs(np.abs(q) - 0.48) / 0.36)
        colour[np.abs(panel - 1) < 0.10] *= 0.65
        colour[(p - 0.84) ** 2 + (2.2 * q) ** 2 < 0.006] = (224, 196, 110)
        colour[edge > 0.93] = (84, 60, 44)
        return colour
    if kind == "window":
        cloud = grain(p * 3 + shift, q * 3)
        colour = np.array((150, 190, 228)) + 90 * (cloud - 0.3)[:, None]
        colour[q < -0.25 + 0.3 * noise(p * 2 + shift, q * 0)] = (94, 124, 84)
        bars = (np.abs(p) < 0.04) | (np.abs(q) < 0.04) | (edge > 0.90)
        colour[bars] = (240, 238, 232)
        return np.clip(colour, 0, 255)
    mix = np.clip(1.8 * grain(p * 2.2 + shift, q * 2.2 + shift / 3) - 0.4, 0, 1)[:, None]
    colour = hue[0] * mix + hue[1] * (1 - mix)
    colour[edge > 0.80] = (236, 230, 216)
    colour[edge > 0.90] = (70, 54, 42)
    return colour
