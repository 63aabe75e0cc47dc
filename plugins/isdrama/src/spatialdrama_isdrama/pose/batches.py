"""Batches whose items differ in one thing and agree in the others (4.2, C.4, E9).

The paper has three kinds of contrast and one loss; what a kind adds is which items meet in a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.seeding import rng
from spatialdrama.types import Pose, rotations

from .motion import HeadFrame

CONTRASTS = ("dynamic", "postural", "positional")
#: m/s; slower is standing still. Bounds of slow, walking and quick.
SPEEDS = (0.1, 0.5, 1.0)
#: m; bounds of near, middle, far (C.4: "varying distances").
DISTANCES = (0.75, 1.5, 2.5)
#: m; the mouth of a seated speaker is lower than this against the listener's ears.
SITTING = 0.1
#: Compass points of angles and directions.
SECTORS = 8


@attrs.frozen
class Attributes:
    """What a pose is like, in words that can be equal.

    Attributes
    ----------
    dynamic
        (speed class, compass point of the movement; -1 where there is none).
    postural
        (standing or sitting, where the mouth points against the listener: compass point).
    positional
        (distance class, compass point of the azimuth, above/level/below).
    """

    dynamic: tuple[Any, ...]
    postural: tuple[Any, ...]
    positional: tuple[Any, ...]

    @classmethod
    def of(
        cls,
        pose: Pose,
        times: Any,
        *,
        listener: Pose | None = None,
        posture: str | None = None,
    ) -> Attributes:
        """Read the attributes off a pose at `times` (t,) s.

        Parameters
        ----------
        pose : Pose
        times : (t,) float, s
        listener : Pose, optional
        posture : str, optional
            "standing" or "sitting", where the data says so; else it is guessed from the height of
            the mouth.

        Examples
        --------
        >>> times = np.linspace(0, 2, 50)
        >>> Attributes.of(Pose.line((1, 1, 0.4), (1, -1, 0.4), duration=2.5), times).dynamic
        (2, 6)
        """
        times = np.atleast_1d(np.asarray(times, dtype=float))
        head = HeadFrame(pose, listener)
        place, velocity = head.places(times), head.velocities(times)
        speed = float(np.median(np.linalg.norm(velocity, axis=1)))
        fast = int(np.searchsorted(SPEEDS, speed, side="right"))
        way = velocity.sum(0)
        mouth = rotations.rotate(head.orientations(times), np.tile([1.0, 0, 0], (len(times), 1)))
        middle = place.mean(0)
        height = float(np.median(place[:, 2]))
        reach = float(np.median(np.linalg.norm(place, axis=1)))
        up = np.arctan2(middle[2], np.hypot(*middle[:2]))
        return cls(
            dynamic=(fast, _sector(way) if fast else -1),
            postural=(
                posture or ("sitting" if height < SITTING else "standing"),
                _sector(mouth.mean(0)),
            ),
            positional=(
                int(np.searchsorted(DISTANCES, reach, side="right")),
                _sector(middle),
                int(np.sign(up) if abs(up) > np.deg2rad(20) else 0),
            ),
        )


@attrs.frozen
class Batch:
    """One batch.

    Attributes
    ----------
    indices
        Numbers of the items.
    contrast
        "dynamic", "postural", "positional" or "any": in what they differ.
    pure
        How many of them differ from all before them in that and agree with the first in the other
        two; the rest came in because the data had no more such items.
    """

    indices: tuple[int, ...]
    contrast: str
    pure: int


class AttributeBatches:
    """Batches of an epoch: every item once, the contrasts in turn.

    Parameters
    ----------
    attributes
        One for each item.
    size
        Items in a batch, at least 2.
    contrasts
        Which kinds come in turn; "any" is a batch by chance, which keeps what is far apart apart.
    seed
        With the epoch's number it gives the batches, on every machine.
    drop_last
        Leave out a last batch that is smaller than `size`; it is always left out if it has one
        item, which contrasts with nothing.

    Notes
    -----
    A batch starts with an item by chance. Others come in by tiers: those that differ in the
    contrast and agree with the first in both other groups, then in one of them, then in none; then
    those that repeat what is there. So data without contrasts gives batches by chance.

    Raises
    ------
    ValidationError
        For an unknown contrast or too small a batch.

    Examples
    --------
    >>> poses = [Pose.fixed(azimuth_deg=45 * k, distance=d, facing=(1, 0, 0))
    ...          for k in range(8) for d in (1.0, 2.0)]
    >>> items = [Attributes.of(pose, [0.0]) for pose in poses]
    >>> batches = list(AttributeBatches(items, 4, contrasts=("positional",)).epoch(0))
    >>> len(batches), {b.pure for b in batches}
    (4, {4})
    """

    def __init__(
        self,
        attributes: Sequence[Attributes],
        size: int,
        *,
        contrasts: Sequence[str] = (*CONTRASTS, "any"),
        seed: int = 0,
        drop_last: bool = False,
    ):
        unknown = set(contrasts) - {*CONTRASTS, "any"}
        if unknown or not contrasts:
            raise ValidationError(
                f"contrasts are {', '.join(CONTRASTS)} and any; got "
                f"{', '.join(map(str, contrasts)) or 'none'}."
            )
        if size < 2 or len(attributes) < 2:
            raise ValidationError(
                f"a batch contrasts at least 2 items; got size={size} of {len(attributes)} items."
            )
        self.size, self.contrasts, self.seed = size, tuple(contrasts), seed
        self.drop_last = drop_last
        self.values = {
            name: _numbered([getattr(a, name) for a in attributes]) for name in CONTRASTS
        }
        self.count = len(attributes)

    def __len__(self) -> int:
        whole, rest = divmod(self.count, self.size)
        return whole + (rest > 1 and not self.drop_last)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        order = rng(self.seed, "attribute batches", number).permutation(self.count)
        left = np.ones(self.count, bool)
        for i in range(len(self)):
            # In the order of the epoch, so that chance decides among equals.
            waiting = order[left[order]]
            contrast = self.contrasts[i % len(self.contrasts)]
            chosen, pure = self._fill(waiting, contrast)
            left[chosen] = False
            yield Batch(tuple(int(k) for k in chosen), contrast, pure)

    def _fill(self, waiting: np.ndarray, contrast: str) -> tuple[np.ndarray, int]:
        size = min(self.size, len(waiting))
        if contrast == "any":
            return waiting[:size], size
        own = self.values[contrast][waiting]
        others = [self.values[name][waiting] for name in CONTRASTS if name != contrast]
        agreed = sum((other == other[0]).astype(int) for other in others)
        # The first item of each value of the contrast, by how well it agrees with the anchor.
        better = np.argsort(-agreed, kind="stable")
        _, first = np.unique(own[better], return_index=True)
        fresh = better[np.sort(first)]
        fresh = np.concatenate([[0], fresh[own[fresh] != own[0]]])
        fresh = fresh[np.argsort(-agreed[fresh], kind="stable")]
        rest = np.setdiff1d(np.arange(len(waiting)), fresh)
        picked = np.concatenate([fresh, rest[np.argsort(-agreed[rest], kind="stable")]])[:size]
        pure = int((agreed[fresh[:size]] == len(others)).sum())
        return waiting[picked.astype(int)], pure


def alike(attributes: Sequence[Attributes]) -> np.ndarray:
    """Return (b, b) bool: which items of a batch cannot be told apart by any attribute.

    For :func:`.contrastive.symmetric_info_nce`: they are no negatives of one another.

    Examples
    --------
    >>> one, two = Attributes((0,), (0,), (0,)), Attributes((0,), (0,), (1,))
    >>> alike([one, two, one]).astype(int).tolist()
    [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    """
    number = _numbered(list(attributes))
    return number[:, None] == number[None, :]


def _numbered(values: Sequence[Any]) -> np.ndarray:
    """Return one whole number for each value, equal where the values are."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values])


def _sector(direction: np.ndarray) -> int:
    """Compass point of a direction, 0 ahead, counter-clockwise; sectors have their middle there."""
    angle = np.arctan2(direction[1], direction[0])
    return int(np.rint(angle / (2 * np.pi / SECTORS))) % SECTORS
