"""Sets that were measured at several distances: which responses make one shell."""

from __future__ import annotations

import warnings

import attrs
import numpy as np
import xarray as xr

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama_render.head_grid import unique

#: Distances this much apart (as a ratio) belong to different shells.
_APART = 1.03
#: radians; how far a direction of a nearer shell may lie from the farthest shell's.
_NEAR_ENOUGH = np.deg2rad(2.0)


@attrs.frozen(eq=False)
class Shell:
    """Responses at one distance.

    Parameters
    ----------
    distance : float, m; the median of its responses
    index : (v,) int, which measurements of the set
    directions : (v, 3) float64 unit vectors, different from each other
    """

    distance: float
    index: np.ndarray
    directions: np.ndarray


def measured_shells(responses: xr.Dataset) -> list[Shell]:
    """Sort a set's responses into shells, the farthest first.

    A set whose directions do not repeat is one shell, even where loudspeakers stood at different
    distances. Otherwise the farthest distance with at least half as many directions as any other
    is the head, and nearer distances with the same directions (within 2 degrees) are its near
    field, in the head's order; others are left out with a warning.

    Parameters
    ----------
    responses : xarray.Dataset
        As :func:`spatialdrama.io.sofa.read_sofa` returns.

    Raises
    ------
    ValidationError
        When a source lies at the head's centre.
    """
    position = responses["position"].values
    distance = np.linalg.norm(position, axis=1)
    if distance.min() <= 0:
        raise ValidationError(
            f"measurement {int(np.argmin(distance))} of {responses.attrs['title']!r} lies at the "
            "head's centre; the file's SourcePosition is wrong."
        )
    directions = position / distance[:, None]
    every = _shell(np.arange(len(distance)), directions, distance)
    if len(every.index) == len(distance):
        return [every]
    order = np.argsort(distance, kind="stable")
    gaps = np.flatnonzero(distance[order][1:] > _APART * distance[order][:-1]) + 1
    # Within a shell the file's own order stays.
    groups = [_shell(np.sort(g), directions, distance) for g in np.split(order, gaps)][::-1]
    enough = max(len(g.index) for g in groups) / 2
    first = next(i for i, g in enumerate(groups) if len(g.index) >= enough)
    head, kept, left_out = groups[first], [], [g.distance for g in groups[:first]]
    for group in groups[first + 1 :]:
        same = _in_order_of(head, group)
        kept.extend([same] if same is not None else [])
        left_out.extend([group.distance] if same is None else [])
    if left_out:
        warnings.warn(
            f"{responses.attrs['title'] or 'the set'}: responses at "
            f"{', '.join(f'{d:.2f}' for d in left_out)} m are left out, because their directions "
            f"are not those at {head.distance:.2f} m.",
            SpatialDramaWarning,
            stacklevel=4,
        )
    return [head, *kept]


def _shell(index: np.ndarray, directions: np.ndarray, distance: np.ndarray) -> Shell:
    different, first = unique(directions[index])
    return Shell(float(np.median(distance[index])), index[first], different)


def _in_order_of(head: Shell, other: Shell) -> Shell | None:
    """Return `other` in the order of the head's directions, or None where one is missing."""
    from scipy.spatial import cKDTree

    apart, nearest = cKDTree(other.directions).query(head.directions)
    if apart.max() > 2 * np.sin(_NEAR_ENOUGH / 2):
        return None
    return Shell(other.distance, other.index[nearest], head.directions)
