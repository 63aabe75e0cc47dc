"""Blocks of sound through moving paths: the part that offline rendering and streaming share.

An :class:`Engine` holds what runs once (basis filters, the room's tail) and a :class:`Source` for
each voice. Blocks go in and come out in order; all state between them is here, so that a block of
256 samples live and a block of 2048 from a file give the same samples.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import buses, control, delay, direct
from spatialdrama_render.buses import Basis
from spatialdrama_render.colours import Colours
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.images import Images
from spatialdrama_render.jit import kernel
from spatialdrama_render.lowpass import LowPasses
from spatialdrama_render.mesh import SphereMesh
from spatialdrama_render.propagation import Track
from spatialdrama_render.tail_convolver import TailConvolver

#: Blocks are whole multiples of this many samples: the images' control points.
GRAIN = buses.HOP
#: Samples per block offline: 2^9 x 15, for short transforms of the tail. Shorter blocks fit the
#: cache better and cost more calls; this one is the fastest of 1920, 3840 and 7680.
BLOCK = 7680


@attrs.frozen(eq=False)
class Listener:
    """Where the head is at control points: (k or 1, 3) m and (k or 1, 3, 3) axes as columns."""

    place: np.ndarray
    rotation: np.ndarray

    @classmethod
    def at_rest(cls) -> Listener:
        """Return the head at the scene's origin, looking along x."""
        return cls(np.zeros((1, 3)), np.eye(3)[None])

    def every(self, step: int) -> Listener:
        """Return one control point in `step`."""
        if len(self.place) == 1 and len(self.rotation) == 1:
            return self
        return Listener(_thinned(self.place, step), _thinned(self.rotation, step))


def _thinned(values: np.ndarray, step: int) -> np.ndarray:
    return values if len(values) == 1 else np.ascontiguousarray(values[::step])


@attrs.frozen(eq=False)
class Ears:
    """A head laid out for the kernels.

    Attributes
    ----------
    table : (s, v, c, taps) float32, delays : (s, v, c) float64 s, shells : (s,) float64, 1/m
        Near shells first, the far field last.
    """

    head: HrtfSet
    mesh: SphereMesh | None
    basis: Basis
    table: np.ndarray
    delays: np.ndarray
    shells: np.ndarray
    nearest: bool

    @property
    def channels(self) -> int:
        """Two for a head; a receiver of another kind may have more."""
        return self.table.shape[2]

    @classmethod
    def of(cls, head: HrtfSet, *, interpolation: str, basis: int) -> Ears:
        """Lay out a head for an interpolation and a size of the reflections' basis."""
        filters, delays, distances = head.filters[None], head.delays[None], [head.far_distance]
        if head.near is not None:
            filters = np.concatenate([head.near.filters, filters])
            delays = np.concatenate([head.near.delays, delays])
            distances = [*head.near.distances, head.far_distance]
        shells = 1.0 / np.asarray(distances)
        return cls(
            head,
            None if interpolation == "nearest" else head.mesh,
            Basis(head, basis),
            np.ascontiguousarray(filters, dtype=np.float32),
            np.ascontiguousarray(delays, dtype=np.float64),
            shells,
            interpolation == "nearest",
        )

    def mesh_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return corners, neighbours and inverse matrices, empty where there is no mesh."""
        if self.mesh is None:
            none = np.zeros((1, 3), dtype=np.int32)
            return none, none, np.zeros((1, 3, 3))
        return self.mesh.corners, self.mesh.neighbours, self.mesh.inverse


@attrs.define(eq=False)
class _Bundle:
    """Some paths of one source that share a control rate, with what they remember."""

    images: Images
    hop: int
    cursor: np.ndarray
    axis_cursor: np.ndarray
    triangle: np.ndarray
    table: np.ndarray

    @classmethod
    def of(cls, images: Images, hop: int, table: np.ndarray) -> _Bundle:
        zeros = (np.zeros(len(images), dtype=np.int64) for _ in range(3))
        return cls(images, hop, *zeros, np.ascontiguousarray(table))


@attrs.frozen(eq=False)
class _Control:
    position: np.ndarray
    colour: np.ndarray
    index: np.ndarray
    weight: np.ndarray
    shell: np.ndarray


class Source:
    """One voice: its polynomials, its paths and the last samples of its direct sound.

    Parameters
    ----------
    ears : Ears
    track : Track
    images : Images
        The direct sound first.
    colours : Colours
    mouth : bool
    near_limit : float, m
    start : float, s
        Drama time of the first sample.
    longest : int
        Samples after its emission within which the last image is heard.
    rate : int, Hz
    block : int
        Samples that each call of :meth:`feed` brings.
    tail_mix : (1 + m,) float
        Shares of the full and the low-passed signals that feed the tail.
    """

    def __init__(
        self, ears: Ears, track: Track, images: Images, colours: Colours, *, mouth: bool,
        near_limit: float, start: float, longest: int, rate: int, block: int,
        tail_mix: np.ndarray,
    ) -> None:  # fmt: skip
        self.ears, self.track, self.colours = ears, track, colours
        self.mouth, self.near_limit, self.start, self.rate = mouth, near_limit, start, rate
        self.fed = 0
        #: What this voice sends into the room's tail in the block fed last, or None.
        self.emitted: np.ndarray | None = None
        self._tail_mix = np.asarray(tail_mix, dtype=np.float32)
        self._last_sound = -1
        self._longest, self._block = longest, block
        self._low_passes = LowPasses(colours.corners, rate)
        self._recent = np.zeros((1 + len(colours.corners), 2 * delay.HALF), dtype=np.float32)
        # Room for many blocks, so that the past is moved to the front once in a while only.
        span = longest + 2 * delay.HALF + block + GRAIN
        self._polynomials = np.zeros(
            (len(self._recent), delay.TERMS, span + max(4 * block, 8192)), dtype=np.float32
        )
        self._origin = -delay.HALF - span
        self._held = span
        self._span = span
        self._direct = _Bundle.of(images.only(slice(0, 1)), direct.HOP, colours.table[:1])
        self._images = _Bundle.of(images.only(slice(1, None)), buses.HOP, colours.table[1:])
        self._ear_past = np.zeros((ears.channels, ears.head.taps - 1), dtype=np.float32)

    @property
    def reflections(self) -> int:
        """How many images beside the direct sound."""
        return len(self._images.images)

    def feed(self, mono: np.ndarray | None) -> bool:
        """Take the next (block,) samples, None for silence.

        Returns
        -------
        bool
            False when nothing of them, nor of before, can be heard any more.
        """
        n = self._block
        first = self.fed - delay.HALF  # of the polynomials that these samples complete
        if mono is not None and mono.any():
            self._last_sound = self.fed + n
        self.fed += n
        ringing = self._low_passes.ring + self._longest + delay.HALF + self.ears.head.taps
        if self._last_sound < 0 or first > self._last_sound + ringing:
            # Silence costs nothing: an empty window is put where the next sound will look.
            if self._held:
                self._forget()
            self._origin = self.fed - delay.HALF - self._span
            self._held = self._span
            self.emitted = None
            return False
        signals = self._low_passes(np.zeros(n, np.float32) if mono is None else mono)
        self.emitted = self._tail_mix @ signals
        stretch = np.concatenate([self._recent, signals], axis=1)
        self._recent = stretch[:, n:].copy()
        if self._held + n > self._polynomials.shape[2]:
            kept = self._polynomials[:, :, self._held - self._span : self._held].copy()
            self._polynomials[:, :, : self._span] = kept
            self._origin += self._held - self._span
            self._held = self._span
        for q in range(len(stretch)):
            delay.extend(stretch[q], delay.polynomial_taps(), self._polynomials[q], self._held)
        self._held += n
        return True

    def _forget(self) -> None:
        self._polynomials[:, :, : self._span] = 0
        self._recent[:] = 0
        self._low_passes.forget()
        self._ear_past[:] = 0

    def control(self, first: int, count: int, listener: Listener) -> tuple[_Control, Any]:
        """Return control points of the direct sound and of the images of one block."""
        early = self._describe(self._direct, first, count, listener)
        late = None
        if self.reflections:
            late = self._describe(
                self._images, first, count, listener.every(buses.HOP // direct.HOP)
            )
        return early, late

    def _describe(self, some: _Bundle, first: int, count: int, listener: Listener) -> _Control:
        times = self.start + (first + some.hop * np.arange(count // some.hop + 1)) / self.rate
        k, i = len(times), len(some.images)
        emission, vector = np.empty((k, i)), np.empty((k, i, 3))
        track = self.track
        stuck = control.follow(
            times, listener.place, track.time, track.place, some.images.sign,
            some.images.offset, some.cursor, emission, vector,
        )  # fmt: skip
        if stuck >= 0:
            raise ValidationError(
                f"the source moves as fast as sound (343 m/s) near t = {times[stuck]:.2f} s; slow "
                "the pose down or cut it where it jumps."
            )
        out = _Control(
            np.empty((self.ears.channels, k, i)), np.empty((k, i, self.colours.table.shape[3])),
            np.empty((k, i, 3), dtype=np.int32), np.empty((k, i, 3)), np.empty((k, i)),
        )  # fmt: skip
        ears = self.ears
        finite = control.describe(
            times, emission, vector, listener.rotation, track.axis_time, track.axis,
            some.images.sign, some.images.gain, self.near_limit, self.mouth, some.table,
            self.colours.distances, ears.nearest, ears.head.directions, *ears.mesh_arrays(),
            ears.shells, ears.delays, self.start, float(self.rate), some.axis_cursor,
            some.triangle, out.position, out.colour, out.index, out.weight, out.shell,
        )  # fmt: skip
        if not finite:
            raise ValidationError("the pose has a place that is not finite.")
        return out

    def direct_sound(self, ear: int, points: _Control, filters: np.ndarray, out: np.ndarray):
        """Add one ear's direct sound to (n,) out."""
        past = self._ear_past.shape[1]
        signal = np.zeros(past + len(out), dtype=np.float32)
        signal[:past] = self._ear_past[ear]
        _read_direct(
            self._polynomials, self._origin, self._held, points.position[ear, :, 0],
            points.colour[:, 0], signal[None, past:],
        )  # fmt: skip
        direct.filter_moving(signal, filters, direct.HOP, out)
        self._ear_past[ear] = signal[len(out) :]

    def filters(self, points: _Control) -> np.ndarray:
        """Return (c, k, taps) filters of the direct sound."""
        table = self.ears.table
        out = np.empty((table.shape[2], len(points.shell), table.shape[3]), dtype=np.float32)
        direct.filters_between(
            table, points.index[:, 0], points.weight[:, 0], points.shell[:, 0], out
        )
        return out

    def reflected_sound(self, ear: int, points: _Control, mixed: np.ndarray) -> None:
        """Add one ear's images to (size, n) buses."""
        _read_images(
            self._polynomials, self._origin, self._held, points.position[ear], points.colour,
            self.ears.basis.shares, ear, points.index, points.weight, mixed,
        )  # fmt: skip


@kernel
def _read_direct(polynomials, origin, held, position, colour, out):
    hop = out.shape[1] // (len(position) - 1)
    for k in range(len(position) - 1):
        delay.read(
            polynomials, origin, held, position[k], position[k + 1], colour[k], colour[k + 1],
            out, 0, k * hop, hop,
        )  # fmt: skip


@kernel
def _read_images(polynomials, origin, held, position, colour, shares, ear, index, weight, mixed):
    points, count = position.shape
    hop = buses.HOP
    history = mixed.shape[1] - hop * (points - 1)
    weights = np.empty((points, count, shares.shape[2]), dtype=np.float32)
    buses.bus_weights(shares, ear, index, weight, weights)
    images = np.empty((count, hop), dtype=np.float32)
    for k in range(points - 1):
        images[:] = np.float32(0)
        for i in range(count):
            delay.read(
                polynomials, origin, held, position[k, i], position[k + 1, i],
                colour[k, i], colour[k + 1, i], images, i, 0, hop,
            )  # fmt: skip
        buses.add_to_buses(images, weights, k, mixed, history + k * hop)


class Engine:
    """All voices of one room to one head, block by block.

    Parameters
    ----------
    ears : Ears
    sources : list of Source
    tail : (c, m) float32, or None
        The room's late response, see :mod:`spatialdrama_render.tail`.
    block : int
        Samples per block, a multiple of :data:`GRAIN`.
    latency : int
        Samples by which the output is behind the input, a multiple of :data:`GRAIN`.
    pool : Executor, optional
        Renders the ears side by side.
    """

    def __init__(
        self, ears: Ears, sources: list[Source], tail: np.ndarray | None = None, *,
        block: int = BLOCK, latency: int = 0, pool: Executor | None = None,
    ) -> None:  # fmt: skip
        for what, value in (("block", block), ("latency", latency)):
            if value % GRAIN or value < 0:
                raise ValidationError(f"{what} is a multiple of {GRAIN} samples; got {value!r}.")
        self.ears, self.sources, self.block, self._pool = ears, sources, block, pool
        #: Drama sample with which the next block of output begins.
        self.done = -latency
        basis = ears.basis
        self._buses = np.zeros(
            (ears.channels, len(basis.filters), basis.history + block), dtype=np.float32
        )
        self._tail = None if tail is None else TailConvolver(tail, block)
        self._late = np.zeros(latency, dtype=np.float32)
        self._quiet = True

    def process(
        self, signals: list[np.ndarray | None], listener: Listener | None = None
    ) -> np.ndarray:
        """Return the next (c, block) samples, one row for each ear.

        Parameters
        ----------
        signals : one (block,) float32 for each source, or None for silence
        listener : Listener
            Control points every :data:`spatialdrama_render.direct.HOP` samples, the block's first
            and the next one's first included.
        """
        listener = Listener.at_rest() if listener is None else listener
        heard = []
        for source, signal in zip(self.sources, signals, strict=True):
            if source.feed(signal):
                heard.append((source, *source.control(self.done, self.block, listener)))
        filters = [source.filters(early) for source, early, _ in heard]
        out = np.zeros((self.ears.channels, self.block), dtype=np.float32)
        reflecting = any(late is not None for _, _, late in heard)
        if self._pool is None:
            self._hear(slice(None), heard, filters, out, reflecting)
        else:
            ears = [slice(c, c + 1) for c in range(len(out))]
            list(self._pool.map(lambda e: self._hear(e, heard, filters, out, reflecting), ears))
        self._quiet = not reflecting
        if self._tail is not None:
            out += self._tail(self._emitted())
        self.done += self.block
        return out

    def _emitted(self) -> np.ndarray:
        """Return what all voices send into the tail, late by the engine's latency."""
        total = np.zeros(len(self._late) + self.block, dtype=np.float32)
        total[: len(self._late)] = self._late
        for source in self.sources:
            if source.emitted is not None:
                total[len(self._late) :] += source.emitted
        self._late = total[self.block :]
        return total[: self.block]

    def _hear(
        self, ears: slice, heard: list, filters: list, out: np.ndarray, reflecting: bool
    ) -> None:
        """Add to some rows of `out` what those ears hear."""
        rows = range(len(out))[ears]
        for (source, early, _), pair in zip(heard, filters, strict=True):
            for ear in rows:
                source.direct_sound(ear, early, pair[ear], out[ear])
        if not reflecting and self._quiet:
            return
        # One more block runs after the last reflection, to let the filters ring out.
        mixed, history = self._buses[ears], self.ears.basis.history
        mixed[..., :history] = mixed[..., self.block :]
        mixed[..., history:] = 0
        for source, _, late in heard:
            if late is not None:
                for row, ear in zip(mixed, rows, strict=True):
                    source.reflected_sound(ear, late, row)
        out[ears] += self.ears.basis.filter(mixed)
