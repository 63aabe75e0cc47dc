"""Provisional, plain colours only; the co-founder's file takes this place."""

from __future__ import annotations

import attrs
import numpy as np

from spatialdrama_render.directivity import CORNER


@attrs.frozen(eq=False)
class Colours:
    """Corners (m,) Hz, distances (g,) m, table (i, g, 2, 1 + m)."""

    corners: np.ndarray
    distances: np.ndarray
    table: np.ndarray


def colours(images, *, mouth, air=None, farthest=10.0, rate=48000):
    """Return the colours of a mouth or of none."""
    if not mouth:
        return Colours(np.zeros(0), np.array([1.0]), np.ones((len(images), 1, 2, 1)))
    table = np.zeros((len(images), 1, 2, 2))
    table[:, 0] = np.eye(2)
    return Colours(np.array([CORNER / 2 / np.pi]), np.array([1.0]), table)
