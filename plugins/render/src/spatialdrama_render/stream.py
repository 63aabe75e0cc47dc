"""A renderer that listens as it plays: blocks of speech in, the listener's head turning live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render.checks import checked_mono
from spatialdrama_render.direct import HOP
from spatialdrama_render.engine import GRAIN, Listener
from spatialdrama_render.jit import kernel

if TYPE_CHECKING:
    from spatialdrama_render.engine import Engine
    from spatialdrama_render.talkers import Talker

#: Samples per block: 5.3 ms at 48 kHz.
STREAM_BLOCK = 256


class Stream:
    """Sound through a scene as it is spoken; made by ``PhysicalRenderer.stream``.

    Attributes
    ----------
    block : int
        Samples that each call takes and gives.
    latency : int
        Samples by which the output is behind the offline rendering; 0 unless a source comes so
        near the head that its sound would be needed before it was spoken (within about 0.2 m).

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> renderer = sd.load_renderer("physical")                           # doctest: +SKIP
    >>> stream = renderer.stream(sd.Pose.fixed(azimuth_deg=40, distance=2))   # doctest: +SKIP
    >>> for block in np.zeros((3, stream.block), np.float32):             # doctest: +SKIP
    ...     left, right = stream.process(block, orientation=(0, 0, 0, 1))
    """

    def __init__(
        self, engine: Engine, talkers: Mapping[str, Talker], *, start: float, rate: int,
        latency: int, place: np.ndarray,
    ) -> None:  # fmt: skip
        self.block, self.rate, self.latency = engine.block, rate, latency
        self._engine, self._talkers, self._start = engine, dict(talkers), start
        self._place = np.asarray(place, dtype=float)[None]
        self._last: np.ndarray | None = None
        self._done = 0

    @property
    def time(self) -> float:
        """Drama time of the next sample that goes in, s."""
        return self._start + self._done / self.rate

    def process(self, blocks: Any, orientation: Any = None) -> np.ndarray:
        """Take the next block and return what is heard of it.

        Parameters
        ----------
        blocks : (block,) float, or mapping of speaker to (block,) float
            Speakers left out are silent.
        orientation : (4,) xyzw quaternion, optional
            Where the head is turned at the block's end; it turns there steadily from where it was
            at the last block's. The first block's orientation holds from its beginning. None
            leaves the head as it is.

        Returns
        -------
        (2, block) float32

        Raises
        ------
        ValidationError
            For a block of another length, a speaker that the scene does not have, or a quaternion
            that is none.
        """
        spoken = self._checked(blocks)
        listener = self._turned(orientation)
        signals = []
        for talker, block in zip(self._talkers.values(), spoken, strict=True):
            first = self._done
            signals += talker.sounding(first, block, self._start, self.rate)
        self._done += self.block
        return self._engine.process(signals, listener)

    def _checked(self, blocks: Any) -> list[np.ndarray | None]:
        if not isinstance(blocks, Mapping):
            if len(self._talkers) != 1:
                raise ValidationError(
                    f"this stream has {len(self._talkers)} speakers; give {{speaker: block}} with "
                    f"names from {', '.join(self._talkers)}."
                )
            blocks = {next(iter(self._talkers)): blocks}
        unknown = set(blocks) - set(self._talkers)
        if unknown:
            raise ValidationError(
                f"the stream has no speaker {sorted(unknown)[0]!r}; it has "
                f"{', '.join(self._talkers)}."
            )
        out: list[np.ndarray | None] = []
        for name in self._talkers:
            block = blocks.get(name)
            if block is not None:
                block = checked_mono(block, self.rate, self.rate)
                if len(block) != self.block:
                    raise ValidationError(
                        f"a block of {name!r} has {len(block)} samples; this stream takes "
                        f"{self.block} at a time (stream(block=...), a multiple of {GRAIN})."
                    )
                block = block.astype(np.float32) * np.float32(self._talkers[name].gain)
            out.append(block)
        return out

    def _turned(self, orientation: Any) -> Listener:
        if orientation is None:
            new = np.array([0.0, 0.0, 0.0, 1.0]) if self._last is None else self._last
        else:
            new = np.asarray(orientation, dtype=float)
            size = np.linalg.norm(new) if new.shape == (4,) else 0.0
            if not np.isfinite(size) or size < 1e-6:
                raise ValidationError(
                    f"orientation must be a quaternion (x, y, z, w); got {orientation!r}."
                )
            new = new / size
        old, self._last = (new if self._last is None else self._last), new
        points = 1 if (old == new).all() else self.block // HOP + 1
        rotation = np.empty((points, 3, 3))
        _turn(old, new, rotation)
        return Listener(self._place, rotation)


class Silence:
    """As many silent samples as one likes, for checks that ask how long something sounds."""

    ndim, dtype = 1, np.dtype(np.float32)

    def __init__(self, count: int) -> None:
        self.shape = (count,)

    def __len__(self) -> int:
        return self.shape[0]

    def read_slice(self, low: int, high: int) -> np.ndarray:
        """Return zeros."""
        return np.zeros(high - low, dtype=np.float32)


@kernel
def slerp(old, new, share, out):
    """Fill `out` (4,) with the quaternion at a share of the shorter arc from `old` to `new`.

    K. Shoemake (1985), "Animating rotation with quaternion curves".
    """
    dot = 0.0
    for a in range(4):
        dot += old[a] * new[a]
    side = 1.0 if dot >= 0 else -1.0
    angle = np.arccos(min(abs(dot), 1.0))
    sine = np.sin(angle)
    first, second = 1.0 - share, share
    if sine > 1e-6:
        first, second = np.sin((1.0 - share) * angle) / sine, np.sin(share * angle) / sine
    size = 0.0
    for a in range(4):
        out[a] = first * old[a] + second * side * new[a]
        size += out[a] * out[a]
    for a in range(4):
        out[a] /= np.sqrt(size)


@kernel
def _turn(old, new, rotation):
    """Fill (k, 3, 3) matrices whose columns are the head's axes on the way from old to new."""
    last = max(len(rotation) - 1, 1)
    q = np.empty(4)
    for k in range(len(rotation)):
        slerp(old, new, k / last, q)
        x, y, z, w = q
        m = rotation[k]
        m[0, 0], m[0, 1], m[0, 2] = (
            1 - 2 * (y * y + z * z),
            2 * (x * y - z * w),
            2 * (x * z + y * w),
        )
        m[1, 0], m[1, 1], m[1, 2] = (
            2 * (x * y + z * w),
            1 - 2 * (x * x + z * z),
            2 * (y * z - x * w),
        )
        m[2, 0], m[2, 1], m[2, 2] = (
            2 * (x * z - y * w),
            2 * (y * z + x * w),
            1 - 2 * (x * x + y * y),
        )
