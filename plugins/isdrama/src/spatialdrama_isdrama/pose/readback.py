"""Reading the pose back out of z_p, so that a prompt of any kind becomes a pose again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from spatialdrama.conventions import HEAD_CLEARANCE
from spatialdrama.types import Pose, rotations
from spatialdrama_isdrama.layers import masked, widened

from . import geometry
from .config import PoseConfig
from .views import axes

_FLIP = (1.0, -1.0, 1.0)


class Reading(NamedTuple):
    """What was read, in the frame of the listener's head.

    Attributes
    ----------
    direction
        (b, e, t, 3) unit vectors from each ear to the mouth.
    log_distance
        (b, e, t), of the distance in m from each ear.
    mouth, crown
        (b, t, 3): where body x and body z point; neither of unit length nor at right angles.
    velocity
        (b, e, t) m/s, + receding.
    """

    direction: torch.Tensor
    log_distance: torch.Tensor
    mouth: torch.Tensor
    crown: torch.Tensor
    velocity: torch.Tensor

    def position(self, ear_offset: float = geometry.EAR_OFFSET) -> torch.Tensor:
        """Return (b, t, 3) m from the middle of the head: the mean of what both ears say."""
        ears = torch.as_tensor(geometry.ear_places(ear_offset)).to(self.direction)
        seen = ears[None, :, None] + self.log_distance.exp()[..., None] * self.direction
        return (seen[:, 0] + seen[:, 1]) / 2

    def quaternion(self) -> torch.Tensor:
        """Return (b, t, 4) unit quaternions xyzw, of the frame nearest to mouth and crown."""
        mouth = functional.normalize(self.mouth, dim=-1)
        crown = self.crown - (self.crown * mouth).sum(-1, keepdim=True) * mouth
        crown = functional.normalize(crown, dim=-1)
        matrix = torch.stack([mouth, torch.linalg.cross(crown, mouth), crown], dim=-1)
        return _quaternions(matrix)

    def features(self, ear_offset: float = geometry.EAR_OFFSET) -> torch.Tensor:
        """Return (b, t, 12), as :func:`.geometry.features` gives them for the pose that was read.

        Both ears' places are those of one position.
        """
        ears = torch.as_tensor(geometry.ear_places(ear_offset)).to(self.direction)
        gaps = self.position(ear_offset)[..., None, :] - ears
        return torch.cat(
            [gaps[..., 0, :], gaps[..., 1, :], self.quaternion(), self.velocity.transpose(1, 2)], -1
        )


class ReadBack(nn.Module):
    """Two linear layers on what an ear and the other one have, the same for both ears.

    Swapping the ears of z_p reads the mirror image, exactly.

    Parameters
    ----------
    config : PoseConfig
        `width`.

    Examples
    --------
    >>> reading = ReadBack(PoseConfig(width=8, heads=2))(torch.randn(1, 2, 5, 8))
    >>> reading.position().shape, reading.quaternion().shape
    (torch.Size([1, 5, 3]), torch.Size([1, 5, 4]))
    """

    def __init__(self, config: PoseConfig):
        super().__init__()
        self.first = nn.Linear(2 * config.width, config.width)
        self.second = nn.Linear(config.width, 3 + 1 + 6 + 1)
        with torch.no_grad():
            # Before it has learned anything: near 1.5 m away, about upright, facing the listener.
            self.second.bias.zero_()
            self.second.bias[3] = np.log(1.5)
            self.second.bias[4], self.second.bias[9] = -1.0, 1.0

    def forward(self, z_p: torch.Tensor, mask: torch.Tensor | None = None) -> Reading:
        """Read z_p (b, e, t, d); numbers outside the mask (b, t) mean nothing."""
        if mask is not None:
            z_p = masked(z_p.flatten(0, 1), mask.repeat_interleave(2, 0)).unflatten(0, (-1, 2))
        both = torch.cat([z_p, z_p.flip(1)], dim=-1)
        seen = self.second(functional.gelu(self.first(both)))
        wide = widened(seen)
        direction, log_distance, mouth, crown, velocity = wide.split([3, 1, 3, 3, 1], dim=-1)
        # What the right ear says is said of the mirror image.
        direction, mouth, crown = (_unmirrored(v) for v in (direction, mouth, crown))
        return Reading(
            direction=functional.normalize(direction, dim=-1, eps=1e-6),
            log_distance=log_distance[..., 0].clamp(-7.0, 7.0),
            mouth=(mouth[:, 0] + mouth[:, 1]) / 2,
            crown=(crown[:, 0] + crown[:, 1]) / 2,
            velocity=velocity[..., 0],
        )


def read_back_loss(reading: Reading, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return how far a reading is from the truth, the mean over frames of the mask and items.

    The sum of: squared error of the log distance, one minus the cosine of the direction, half the
    squared error of mouth and crown, and the smooth absolute error of the velocity in m/s; those of
    the ears are averaged. An item counts by its frames.

    Parameters
    ----------
    reading
        Of (b, t) frames.
    features
        (b, t, 12), the truth.
    mask
        (b, t).
    """
    features = masked(features, mask).to(reading.direction)
    gaps = torch.stack([features[..., geometry.LEFT], features[..., geometry.RIGHT]], dim=1)
    reach = gaps.norm(dim=-1).clamp(min=geometry.NEAREST)
    distance = (reading.log_distance - reach.log()).square().mean(1)
    direction = (1 - (reading.direction * gaps / reach[..., None]).sum(-1)).mean(1)
    mouth, crown = axes(features[..., geometry.QUATERNION])
    turn = ((reading.mouth - mouth).square() + (reading.crown - crown).square()).sum(-1) / 2
    speeds = features[..., geometry.VELOCITY].transpose(1, 2)
    speed = functional.smooth_l1_loss(reading.velocity, speeds, reduction="none").mean(1)
    error = distance + direction + turn + speed
    return torch.where(mask, error, 0.0).sum() / mask.sum().clamp(min=1)


def to_pose(
    reading: Reading, times: np.ndarray, ear_offset: float = geometry.EAR_OFFSET, item: int = 0
) -> Pose:
    """Return one item of a reading as a pose in the frame of the listener's head.

    Parameters
    ----------
    reading
        Of as many frames as `times`, or more (padding).
    times
        (t,) s.
    ear_offset
        m, of the features that z_p was made of.
    item
        Which one of the batch.

    Notes
    -----
    A place inside the head is moved out to .12 m in its direction: no pose may lie there.

    Examples
    --------
    >>> reading = ReadBack(PoseConfig(width=8, heads=2))(torch.zeros(1, 2, 3, 8))
    >>> to_pose(reading, np.arange(3.0)).duration
    2.0
    """
    count = len(times)
    place = reading.position(ear_offset)[item, :count].detach().double().cpu().numpy()
    turn = reading.quaternion()[item, :count].detach().double().cpu().numpy()
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    return Pose.from_samples(times, outside_head(place), rotations.continuous(turn))


def outside_head(place: np.ndarray) -> np.ndarray:
    """Return places (t, 3) m, those within the head moved out in their direction.

    Examples
    --------
    >>> outside_head(np.array([[0.0, 0.05, 0.0], [0.0, 2.0, 0.0]])).round(3).tolist()
    [[0.0, 0.121, 0.0], [0.0, 2.0, 0.0]]
    """
    reach = np.linalg.norm(place, axis=1, keepdims=True)
    # Just outside: a rounding below the limit would be refused by renderers.
    least = HEAD_CLEARANCE + 1e-3
    ahead = np.where(reach > 1e-6, place / np.maximum(reach, 1e-6), [1.0, 0.0, 0.0])
    return np.where(reach < least, least * ahead, place)


def _unmirrored(vectors: torch.Tensor) -> torch.Tensor:
    """Turn what the right ear says of the mirror image back; vectors are (b, e, t, 3)."""
    flip = vectors.new_tensor(_FLIP)
    return torch.stack([vectors[:, 0], vectors[:, 1] * flip], dim=1)


def _quaternions(matrix: torch.Tensor) -> torch.Tensor:
    """Quaternions xyzw of rotation matrices (..., 3, 3), by the largest of the four (Shepperd)."""
    m = matrix
    diagonal = m.diagonal(dim1=-2, dim2=-1)
    trace = diagonal.sum(-1, keepdim=True)
    squares = torch.cat([1 + 2 * diagonal - trace, 1 + trace], dim=-1)  # 4 x^2, 4 y^2, 4 z^2, 4 w^2
    xy, xz, yz = (m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    wx, wy, wz = (m[..., i, j] - m[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    x2, y2, z2, w2 = squares.unbind(-1)
    # Row k is 4 q_k times the quaternion; the row of the largest q_k is divided by nothing small.
    rows = torch.stack(
        [
            torch.stack([x2, xy, xz, wx], -1), torch.stack([xy, y2, yz, wy], -1),
            torch.stack([xz, yz, z2, wz], -1), torch.stack([wx, wy, wz, w2], -1),
        ],
        dim=-2,
    )  # fmt: skip
    best = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    return functional.normalize(rows.gather(-2, best)[..., 0, :], dim=-1)
