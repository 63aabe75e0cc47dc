"""The grid of directions of a head: what each stands for, repeated ones, and holes at the poles."""

from __future__ import annotations

import numpy as np


def triangle_areas(directions: np.ndarray) -> np.ndarray:
    """Return (v,) shares of the sphere that each direction stands for; they sum to one.

    Each triangle of the convex hull gives a third of its spherical area to each corner (solid
    angle after Van Oosterom and Strackee, 1983). Without a hull all shares are equal.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(directions)
    except (QhullError, ValueError):
        return np.full(len(directions), 1.0 / len(directions))
    a, b, c = (directions[hull.simplices[:, i]] for i in range(3))
    volume = np.abs(np.einsum("ni,ni->n", a, np.cross(b, c)))
    dots = 1 + sum(np.einsum("ni,ni->n", p, q) for p, q in ((a, b), (b, c), (c, a)))
    solid = 2 * np.arctan2(volume, dots)
    area = np.zeros(len(directions))
    np.add.at(area, hull.simplices, solid[:, None] / 3)
    return area / area.sum()


def unique(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop repeated directions: a triangle needs three different corners."""
    _, first = np.unique(directions.round(6), axis=0, return_index=True)
    first = np.sort(first)
    return directions[first], first


def with_poles(
    directions: np.ndarray, magnitude: np.ndarray, delays: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Close a missing cap at the south or north pole with the mean of the ring next to it.

    Few sets measure below -40 degrees, where floor reflections come from. Without a point there,
    long thin triangles would mix the left side's filters with the right side's.
    """
    for pole in (-1.0, 1.0):
        height = pole * directions[:, 2]
        top = height.max()
        if top > np.sin(np.deg2rad(80)) or top < 0.2:
            continue
        ring = height > top - 0.02
        directions = np.concatenate([directions, [[0.0, 0.0, pole]]])
        power = np.sqrt(np.mean(magnitude[ring] ** 2, axis=(0, 1)))
        magnitude = np.concatenate([magnitude, np.broadcast_to(power, (1, 2, len(power)))])
        delays = np.concatenate([delays, np.full((1, 2), delays[ring].mean())])
    return directions, magnitude, delays


def ring_completion(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return directions above and below a horizontal ring and what of the ring they are made of.

    Each new direction has its lateral angle in common with two places of the ring, one in front
    and one behind; it is a mixture of both, by how far it lies forward. Differences between the
    ears follow from the lateral angle; height itself, which only pinnae tell, is not heard.

    Parameters
    ----------
    directions : (v, 3) unit vectors

    Returns
    -------
    directions : (k, 3)
    share : (k, v), not negative, rows sum to one
    or None, when the directions are no ring: all within 6 degrees of the horizontal plane, and no
    gap of more than 60 degrees.
    """
    azimuth = np.arctan2(directions[:, 1], directions[:, 0]) % (2 * np.pi)
    order = np.argsort(azimuth)
    azimuth = azimuth[order]
    gaps = np.diff(np.append(azimuth, azimuth[0] + 2 * np.pi))
    if np.abs(directions[:, 2]).max() > np.sin(np.deg2rad(6.0)) or gaps.max() > np.pi / 3 + 1e-9:
        return None
    new = _caps()
    forward = np.sqrt(np.maximum(1 - new[:, 1] ** 2, 1e-12))
    in_front = (1 + np.clip(new[:, 0] / forward, -1, 1)) / 2
    front = np.arctan2(new[:, 1], forward)
    share = np.zeros((len(new), len(directions)))
    for angle, part in ((front, in_front), (np.pi - front, 1 - in_front)):
        angle = angle % (2 * np.pi)
        after = np.searchsorted(azimuth, angle, side="right") % len(order)
        before = after - 1
        width = (azimuth[after] - azimuth[before]) % (2 * np.pi)
        along = ((angle - azimuth[before]) % (2 * np.pi)) / width
        rows = np.arange(len(new))
        np.add.at(share, (rows, order[before]), part * (1 - along))
        np.add.at(share, (rows, order[after]), part * along)
    return new, share


def _caps() -> np.ndarray:
    """Return (k, 3) rings 15 degrees apart from 15 to 75 degrees up and down, and the poles."""
    out = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    azimuth = np.deg2rad(np.arange(0.0, 360.0, 15.0))
    for elevation in np.deg2rad([-75, -60, -45, -30, -15, 15, 30, 45, 60, 75]):
        flat = np.cos(elevation)
        z = np.full(len(azimuth), np.sin(elevation))
        out.extend(np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), z], axis=1).tolist())
    return np.asarray(out)
