"""A pinhole camera: where in the picture a point of the scene is seen (C.4, E30)."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import VideoPrompt, rotations
from spatialdrama.types.validate import check_positive, readonly, vector3

#: Camera position (3) and orientation (4), broadcast over frames.
CAMERA_WIDTH = 7


def _vector(value: Any) -> np.ndarray:
    return readonly(vector3(value, "camera position"), float)


@attrs.frozen(eq=False)
class Camera:
    """Where a camera stands and looks, in the scene frame.

    Parameters
    ----------
    position : (3,) float, m
    orientation : (4,) float, xyzw
        Unit; body x looks along the optical axis, y to the left of the picture, z to its top.
    size : (width, height), pixels
    focal : float, pixels
        Of the lens; None for a horizontal field of view of 60 degrees.

    Examples
    --------
    >>> camera = Camera((0, 0, 0), size=(640, 480), focal=500)
    >>> pixels, seen = camera.project([[5.0, 0.0, 0.0], [5.0, 1.0, 0.5], [-5.0, 0.0, 0.0]])
    >>> pixels[:2].tolist(), seen.tolist()
    ([[320.0, 240.0], [220.0, 190.0]], [True, True, False])
    """

    position: np.ndarray = attrs.field(default=(0.0, 0.0, 0.0), converter=_vector)
    orientation: np.ndarray = attrs.field(
        default=(0.0, 0.0, 0.0, 1.0), converter=lambda q: readonly(q, float)
    )
    size: tuple[int, int] = attrs.field(default=(1280, 720), converter=tuple, kw_only=True)
    focal: float = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        q = self.orientation
        if q.shape != (4,) or not abs(np.linalg.norm(q) - 1) <= 1e-3:
            raise ValidationError(
                f"a camera's orientation is a unit quaternion x y z w; got {q.tolist()}."
            )
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValidationError(f"a picture's size is (width, height); got {self.size!r}.")
        if self.focal is None:
            object.__setattr__(self, "focal", self.size[0] / 2 / np.tan(np.deg2rad(30)))
        check_positive(self.focal, "focal", unit="pixels")

    @classmethod
    def of(cls, prompt: VideoPrompt, size: tuple[int, int], focal: float | None = None) -> Camera:
        """Return the camera of a video prompt whose frames have `size` (width, height)."""
        return cls(prompt.camera_position, prompt.camera_orientation, size=size, focal=focal)

    def project(self, points: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels (t, 2), column and row, and whether each is in the picture (t,).

        Column 0 is the left and row 0 the top edge; the middle of the first pixel is (.5, .5).
        Points behind the camera have no pixel: theirs is NaN.

        Parameters
        ----------
        points : (t, 3) float, m, scene frame
        """
        points = np.atleast_2d(np.asarray(points, dtype=float))
        back = np.tile(rotations.conjugate(self.orientation), (len(points), 1))
        seen = rotations.rotate(back, points - self.position)
        depth = np.where(seen[:, 0] > 1e-6, seen[:, 0], np.nan)
        width, height = self.size
        column = width / 2 - self.focal * seen[:, 1] / depth
        row = height / 2 - self.focal * seen[:, 2] / depth
        with np.errstate(invalid="ignore"):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        return np.stack([column, row], axis=1), inside

    def ray(self, pixels: Any) -> np.ndarray:
        """Return (t, 3) unit vectors in the scene, from the camera through `pixels` (t, 2)."""
        pixels = np.atleast_2d(np.asarray(pixels, dtype=float))
        aside = (self.size[0] / 2 - pixels[:, 0]) / self.focal
        up = (self.size[1] / 2 - pixels[:, 1]) / self.focal
        local = np.stack([np.ones(len(pixels)), aside, up], axis=1)
        local /= np.linalg.norm(local, axis=1, keepdims=True)
        return rotations.rotate(np.tile(self.orientation, (len(pixels), 1)), local)

    def condition(self, listener_position: Any = None, listener_orientation: Any = None):
        """Return the seven numbers (7,): x y z in m and the quaternion, as the listener sees them.

        Without a listener the scene frame is the listener's. The quaternion's w is not negative.
        """
        q, place = self.orientation, self.position
        if listener_position is not None:
            place = place - np.asarray(listener_position, dtype=float)
        if listener_orientation is not None:
            back = rotations.conjugate(np.asarray(listener_orientation, dtype=float))
            place = rotations.rotate(back[None], place[None])[0]
            q = rotations.multiply(back[None], q[None])[0]
        return np.concatenate([place, q if q[3] >= 0 else -q])
