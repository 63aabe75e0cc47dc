"""Provisional: plain colours only (replaced by the co-founder's file)."""
from __future__ import annotations
import attrs, numpy as np
from spatialdrama_render.directivity import CORNER

@attrs.frozen(eq=False)
class Colours:
    corners: np.ndarray
    distances: np.ndarray
    table: np.ndarray

def colours(images, *, mouth, air=None, farthest=10.0, rate=48000):
    one = np.ones((len(images), 1, 2, 1))
    if not mouth:
        return Colours(np.zeros(0), np.array([1.0]), one)
    t = np.zeros((len(images), 1, 2, 2)); t[:, 0] = np.eye(2)
    return Colours(np.array([CORNER/2/np.pi]), np.array([1.0]), t)
