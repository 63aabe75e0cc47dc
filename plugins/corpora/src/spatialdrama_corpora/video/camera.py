"""A pinhole camera: where in the picture a point of the scene is seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import rotations
from spatialdrama.types.validate import check_positive, readonly, vector3

#: rad; horizontal field of view of a camera that does not say its focal length. A
#: :class:`spatialdrama.types.VideoPrompt` has no place for one, so its readers assume the same.
FIELD_OF_VIEW = math.radians(60.0)
#: m; what is nearer to the pinhole than this has no pixel.
NEAREST = 1e-6


def _size(value: Any) -> tuple[int, int]:
    numbers = np.asarray(value)
    if numbers.shape != (2,) or np.any(numbers != np.round(numbers)) or np.any(numbers < 2):
        raise ValidationError(
            f"a picture's size is (width, height) in whole pixels, 2 or more; got {value!r}."
        )
    return int(numbers[0]), int(numbers[1])


@attrs.frozen(hash=False)
class Camera:
    """Where a camera stands, where it looks, and what its picture is like.

    Parameters
    ----------
    position : (3,) float, m, scene frame
    orientation : (4,) float, unit quaternion xyzw
        Body x looks along the optical axis, y to the picture's left, z to its top.
    focal_px : float, pixels
        Of the lens; by default the picture is 60 degrees wide.
    size : (width, height), pixels
    rate : float, frames per second

    Raises
    ------
    ValidationError
        For a quaternion that is not of unit length, and sizes or rates that cannot be.

    See Also
    --------
    project : where points are seen.

    Examples
    --------
    >>> camera = Camera((0, 0, 0), focal_px=100.0, size=(200, 160))
    >>> pixels, depth = project(camera, [[5.0, 0.0, 0.0], [5.0, 1.0, 0.5]])
    >>> pixels.tolist(), depth.tolist()
    ([[100.0, 80.0], [80.0, 70.0]], [5.0, 5.0])
    """

    position: np.ndarray = attrs.field(
        default=(0.0, 0.0, 0.0),
        converter=lambda v: readonly(vector3(v, "camera position"), float),
        eq=attrs.cmp_using(eq=np.array_equal),
    )
    orientation: np.ndarray = attrs.field(
        default=(0.0, 0.0, 0.0, 1.0),
        converter=lambda q: readonly(q, float),
        eq=attrs.cmp_using(eq=np.array_equal),
    )
    focal_px: float = attrs.field(default=None)
    size: tuple[int, int] = attrs.field(default=(256, 192), converter=_size)
    rate: float = attrs.field(default=24.0, converter=float)

    def __attrs_post_init__(self) -> None:
        q = self.orientation
        if q.shape != (4,) or not abs(np.linalg.norm(q) - 1) <= rotations.UNIT_TOLERANCE:
            raise ValidationError(
                "a camera's orientation must be a unit quaternion x y z w; got "
                f"{q.tolist()}. Camera.looking_at(position, target) needs none."
            )
        if self.focal_px is None:
            width = self.size[0] / 2 / math.tan(FIELD_OF_VIEW / 2)
            object.__setattr__(self, "focal_px", width)
        check_positive(self.focal_px, "focal_px", unit="pixels")
        object.__setattr__(self, "focal_px", float(self.focal_px))
        check_positive(self.rate, "rate", unit="frames per second")

    @classmethod
    def looking_at(cls, position: Any, target: Any, **options: Any) -> Camera:
        """Return a level camera at `position` whose picture has `target` in its middle.

        Parameters
        ----------
        position, target : three float, m, scene frame
        **options
            ``focal_px``, ``size`` and ``rate``, as of :class:`Camera`.

        Examples
        --------
        >>> camera = Camera.looking_at((0, 0, 0.2), (1, 2, 0), size=(320, 240))
        >>> project(camera, [[1, 2, 0]])[0].round(6).tolist()
        [[160.0, 120.0]]
        """
        way = vector3(target, "target") - vector3(position, "camera position")
        if not np.linalg.norm(way) > NEAREST:
            raise ValidationError(
                f"the camera cannot look at its own place {tuple(map(float, target))}; give "
                "another target."
            )
        return cls(position, rotations.facing(way)[0], **options)

    @cached_property
    def axes(self) -> np.ndarray:
        """(3, 3) float; rows are the optical axis, the picture's left and its top, in the scene."""
        q = np.repeat(self.orientation[None] / np.linalg.norm(self.orientation), 3, axis=0)
        return rotations.rotate(q, np.eye(3))

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers for JSON; :meth:`from_dict` gives an equal camera back.

        Examples
        --------
        >>> Camera.from_dict(Camera((0, 1, 2)).to_dict()) == Camera((0, 1, 2))
        True
        """
        return {
            "position": self.position.tolist(),
            "orientation": self.orientation.tolist(),
            "focal_px": self.focal_px,
            "size": list(self.size),
            "rate": self.rate,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Camera:
        """Build from :meth:`to_dict`."""
        known = {field.name for field in attrs.fields(cls)}
        if odd := sorted(set(data) - known):
            raise ValidationError(f"a camera has no {odd[0]!r}; it has {', '.join(sorted(known))}.")
        return cls(**data)


def project(camera: Camera, points: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return where points are seen, and how deep they lie.

    Parameters
    ----------
    camera : Camera
    points : (t, 3) float, m, scene frame

    Returns
    -------
    pixels : (t, 2) float
        Column and row; the picture's left and top edges are 0, the middle of its first pixel is
        (.5, .5). Off the picture they go on; behind the camera there is none: NaN.
    depth : (t,) float, m
        Along the optical axis, negative behind the camera.

    See Also
    --------
    in_view : which of them are in the picture.

    Examples
    --------
    >>> pixels, depth = project(Camera(), [[-1.0, 0.0, 0.0]])
    >>> pixels.tolist(), depth.tolist()
    ([[nan, nan]], [-1.0])
    """
    points = np.atleast_2d(np.asarray(points, dtype=float))
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValidationError(f"points must be (t, 3), in m; got {points.shape}.")
    seen = (points - camera.position) @ camera.axes.T
    depth = seen[:, 0]
    there = np.where(depth > NEAREST, depth, np.nan)[:, None]
    middle = np.asarray(camera.size, dtype=float) / 2
    return middle - camera.focal_px * seen[:, 1:] / there, depth


def in_view(camera: Camera, points: Any) -> np.ndarray:
    """Return (t,) bool: the points that lie before the camera and inside its picture.

    Whether something else hides them is not asked.

    Parameters
    ----------
    camera : Camera
    points : (t, 3) float, m, scene frame

    Examples
    --------
    >>> in_view(Camera(), [[2, 0, 0], [2, 5, 0], [-2, 0, 0]]).tolist()
    [True, False, False]
    """
    pixels, _ = project(camera, points)
    with np.errstate(invalid="ignore"):
        return np.all((pixels >= 0) & (pixels < np.asarray(camera.size)), axis=1)
