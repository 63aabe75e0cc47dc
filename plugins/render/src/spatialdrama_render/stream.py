"""A renderer that listens as it plays: blocks of speech in, the listener's head turning live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render.checks import checked_mono
from spatialdrama_render.direct import HOP
from spatialdrama_render.engine import GRAIN, Listener
from spatialdrama_render.jit import inner, kernel

if TYPE_CHECKING:
    from spatialdrama_render.engine import Engine
    from spatialdrama_render.talkers import Talker

#: Samples per block: 5.3 ms at 48 kHz.
STREAM_BLOCK = 256
#: A block longer than this (1.4 s) is no longer live.
MAX_STREAM_BLOCK = 1 << 16
#: Blocks of noise that :meth:`Stream.warm` plays.
_WARM = 4


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
        self._spoken = {name: np.zeros(self.block, dtype=np.float32) for name in talkers}
        self._last = np.zeros(4)  # no orientation yet
        self._rotation = np.empty((self.block // HOP + 1, 3, 3))
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

    def warm(self) -> None:
        """Play some noise with a head that turns, for nobody: the stream is used up then."""
        noise = np.random.default_rng(0).standard_normal(self.block).astype(np.float32) * 1e-3
        for k in range(_WARM):
            turn = (0.0, 0.0, np.sin(0.01 * k), np.cos(0.01 * k))
            self.process(dict.fromkeys(self._talkers, noise), None if k == 0 else turn)

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
        return [
            None if blocks.get(name) is None else self._block_of(name, talker, blocks[name])
            for name, talker in self._talkers.items()
        ]

    def _block_of(self, name: str, talker: Talker, block: Any) -> np.ndarray:
        """Return a checked block of one speaker times its gain; good until the next call."""
        samples, spoken = np.asarray(block), self._spoken[name]
        if samples.shape != spoken.shape or samples.dtype.kind != "f":
            checked_mono(block, self.rate, self.rate)
            raise ValidationError(
                f"a block of {name!r} has {samples.size} samples; this stream takes {self.block} "
                f"at a time (stream(block=...), a multiple of {GRAIN})."
            )
        plain = np.ascontiguousarray(samples, dtype=np.float32)
        if not _scaled(plain, np.float32(talker.gain), spoken):
            checked_mono(block, self.rate, self.rate)
        return spoken

    def _turned(self, orientation: Any) -> Listener:
        if orientation is None:
            new = self._last if self._last.any() else np.array([0.0, 0.0, 0.0, 1.0])
        else:
            try:
                new = np.array(orientation, dtype=float)
            except (TypeError, ValueError):
                raise _no_quaternion(orientation) from None
            if new.shape != (4,):
                raise _no_quaternion(orientation)
        points = _turn(self._last, new, self._rotation)
        if not points:
            raise _no_quaternion(orientation)
        return Listener(self._place, self._rotation[:points])


def _no_quaternion(given: Any) -> ValidationError:
    return ValidationError(f"orientation must be a quaternion (x, y, z, w); got {given!r}.")


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
def _scaled(samples, gain, out):
    """Fill `out` with samples times a gain; return whether all of them are finite."""
    broken = np.float32(0)
    for n in range(len(samples)):
        out[n] = samples[n] * gain
        broken += samples[n] * np.float32(0)  # what is not finite makes this NaN
    return broken == 0


@kernel
def _turn(last, new, rotation):
    """Fill (k, 3, 3) matrices whose columns are the head's axes on the way from last to new.

    Where `last` is zero there was no orientation before. Afterwards both are the new one as a unit
    quaternion.

    Returns
    -------
    int
        How many matrices count: one for a head at rest, none when `new` is no quaternion.
    """
    square, before = 0.0, 0.0
    for a in range(4):
        square += new[a] * new[a]
        before += last[a] * last[a]
    size = np.sqrt(square)
    if not (1e-6 <= size < np.inf):
        return 0
    still = True
    for a in range(4):
        new[a] /= size
        still &= before == 0 or new[a] == last[a]
    points = 1 if still else len(rotation)
    q = np.empty(4)
    for k in range(points):
        slerp(new if still else last, new, k / max(points - 1, 1), q)
        _axes(q, rotation[k])
    for a in range(4):
        last[a] = new[a]
    return points


@inner
def _axes(q, m):
    """Fill (3, 3) `m` with the axes of a body turned by a unit quaternion, as columns."""
    x, y, z, w = q
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
