"""The pose as each ear sees it, and what follows from it (E7)."""

from __future__ import annotations

import torch

from . import geometry
from .config import PoseConfig

#: m; nearer than that a logarithm would run away.
_LEAST = 0.01


def seen_from_ears(features: torch.Tensor) -> torch.Tensor:
    """Return (b, e, t, 12): the twelve numbers of each ear, its own first, outwards to +y.

    The right ear sees the mirror image of what is there, so that one set of weights serves both and
    the mirror image of a pose gives the two views exchanged, exactly.

    Examples
    --------
    >>> seen = seen_from_ears(torch.arange(12.0).view(1, 1, 12))
    >>> seen[0, 1, 0, :3]
    tensor([ 3., -4.,  5.])
    """
    return torch.stack([features, geometry.mirror(features)], dim=1)


def derived_width(config: PoseConfig) -> int:
    """Return how many numbers :func:`derived` makes.

    Examples
    --------
    >>> derived_width(PoseConfig()), derived_width(PoseConfig(direction=True, orientation="axes"))
    (12, 20)
    """
    orientation = 4 if config.orientation == "quaternion" else 6
    return 8 + orientation + 2 * (config.distance + config.log_distance + 3 * config.direction)


def derived(seen: torch.Tensor, config: PoseConfig) -> torch.Tensor:
    """Return what the geometric branch convolves, (..., derived_width), from (..., 12).

    Places (m), orientation, radial velocities (m/s), and, where the config says so, the distance
    (m), its logarithm and the unit direction, from each ear.

    Examples
    --------
    >>> seen = torch.tensor([[3.0, 4, 0, 3, 4, 0, 0, 0, 0, 1, 0.5, 0.5]])
    >>> derived(seen, PoseConfig(distance=True, direction=True))[0, 12:].round(decimals=2)
    tensor([5.0000, 5.0000, 0.6000, 0.8000, 0.0000, 0.6000, 0.8000, 0.0000])
    """
    places = seen[..., geometry.LEFT], seen[..., geometry.RIGHT]
    turn = seen[..., geometry.QUATERNION]
    if config.orientation == "axes":
        turn = torch.cat(axes(turn), dim=-1)
    parts = [*places, turn, seen[..., geometry.VELOCITY]]
    reach = [place.norm(dim=-1, keepdim=True).clamp(min=_LEAST) for place in places]
    if config.distance:
        parts += reach
    if config.log_distance:
        parts += [r.log() for r in reach]
    if config.direction:
        parts += [place / r for place, r in zip(places, reach, strict=True)]
    return torch.cat(parts, dim=-1)


def axes(q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where mouth (body x) and crown (body z) point, each (..., 3), from (..., 4) xyzw.

    The first and last column of the rotation's matrix; q and -q give the same.

    Examples
    --------
    >>> mouth, crown = axes(torch.tensor([0.0, 0, 1, 0]))   # half a turn to the left
    >>> mouth, crown
    (tensor([-1.,  0.,  0.]), tensor([0., 0., 1.]))
    """
    x, y, z, w = q.unbind(-1)
    mouth = [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)]
    crown = [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)]
    return torch.stack(mouth, dim=-1), torch.stack(crown, dim=-1)
