"""What a person gives to say where a speaker is: geometry, words or silent video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.pose import Pose
from spatialdrama.types.validate import check_positive, readonly, vector3


@attrs.frozen
class GeometricPrompt:
    """A pose, as it is.

    Examples
    --------
    >>> from spatialdrama.types import GeometricPrompt, Pose
    >>> GeometricPrompt(Pose.fixed((1, 0, 0))).pose.is_static
    True
    """

    pose: Pose = attrs.field(validator=attrs.validators.instance_of(Pose))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return reprs.bundle(self, svg=reprs.top_view({"speaker": self.pose}))


@attrs.frozen
class TextPrompt:
    """Words about a path, as MRSDrama writes them.

    Examples
    --------
    >>> from spatialdrama.types import TextPrompt
    >>> TextPrompt("walks from back-right to back-left, with intermittent pauses").language
    'en'
    """

    text: str = attrs.field()
    language: str = attrs.field(default="en", kw_only=True)

    @text.validator
    def _check(self, _: Any, value: str) -> None:
        if not isinstance(value, str) or not value.strip():
            raise ValidationError(f"a TextPrompt needs words; got {value!r}.")


@attrs.frozen(hash=False)
class VideoPrompt:
    """A silent video of the speaker and where the camera stood.

    Parameters
    ----------
    path : path
        The video file.
    rate : float, frames per second
    camera_position : three float, m, scene frame
    camera_orientation : four float, xyzw
        Camera body x looks along the optical axis.
    speaker_pixel : (column, row), optional
        The speaker's mouth in the first frame, where more than one person is seen.

    Examples
    --------
    >>> from spatialdrama.types import VideoPrompt
    >>> VideoPrompt("take1.mp4", camera_position=(0, 0, 0.1)).rate
    24.0
    """

    path: Path = attrs.field(converter=Path)
    rate: float = attrs.field(default=24.0, kw_only=True)
    camera_position: np.ndarray = attrs.field(
        default=(0.0, 0.0, 0.0),
        converter=lambda v: readonly(vector3(v, "camera_position"), float),
        eq=attrs.cmp_using(eq=np.array_equal),
        kw_only=True,
    )
    camera_orientation: np.ndarray = attrs.field(
        default=(0.0, 0.0, 0.0, 1.0),
        converter=lambda v: readonly(v, float),
        eq=attrs.cmp_using(eq=np.array_equal),
        kw_only=True,
    )
    speaker_pixel: tuple[int, int] | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_positive(self.rate, "video rate", unit="frames per second")
        q = self.camera_orientation
        if q.shape != (4,) or abs(np.linalg.norm(q) - 1) > 1e-3:
            raise ValidationError(
                f"camera_orientation must be a unit quaternion x y z w; got {q.tolist()}."
            )
