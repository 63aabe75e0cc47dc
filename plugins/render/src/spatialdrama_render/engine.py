"""Blocks of sound through moving paths: the part that offline rendering and streaming share.

An :class:`Engine` holds what runs once (basis filters, the room's tail) and a
:class:`spatialdrama_render.source.Source` for each voice. Blocks go in and come out in order; all
state between them is in these, so that a block of 256 samples live and a block of 7680 from a file
give the same samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import buses
from spatialdrama_render.bus_filter import BusFilter
from spatialdrama_render.buses import Basis
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.lanes import WIDTH
from spatialdrama_render.mesh import SphereMesh
from spatialdrama_render.source import Source
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


@attrs.frozen(eq=False)
class Heard:
    """One of several places of a listener who jumps: how much of a block is heard from there.

    Attributes
    ----------
    piece : int
        Which of the listener's pieces it is; the last of a block goes on.
    listener : Listener
    gain : (block,) float32
        Those of all pieces sum to one.
    """

    piece: int
    listener: Listener
    gain: np.ndarray


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
        Renders sources, ears and pieces of a block side by side.
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
        self._bus_filter = None
        self._mixed, self._history = np.zeros((1, 0, 2, WIDTH), dtype=np.float32), 0
        if any(source.reflections for source in sources):
            self._bus_filter = BusFilter(ears.basis, ears.channels, block)
            self._mixed, self._history = self._bus_filter.buses, self._bus_filter.history
        self._tail = None if tail is None else TailConvolver(tail, block)
        self._late = np.zeros(latency, dtype=np.float32)
        self._quiet = True
        #: What filters held at the end of a block of several places, by piece of the listener.
        self._left: dict[int, Any] = {}

    def process(
        self,
        signals: list[np.ndarray | None],
        listener: Listener | list[Heard] | None = None,
    ) -> np.ndarray:
        """Return the next (c, block) samples, one row for each ear.

        Parameters
        ----------
        signals : one (block,) float32 for each source, or None for silence
        listener : Listener or list of Heard
            Control points every :data:`spatialdrama_render.direct.HOP` samples, the block's first
            and the next one's first included; of a listener who jumps, one for each place.
        """
        listener = Listener.at_rest() if listener is None else listener
        out = np.zeros((self.ears.channels, self.block), dtype=np.float32)
        fed = zip(self.sources, signals, strict=True)
        if isinstance(listener, list) and len(listener) == 1:
            listener = listener[0].listener
        if isinstance(listener, list):
            self._hear_from_places(fed, listener, out)
            return self._finished(out)
        self._left.clear()
        if self._pool is None:
            reflecting = self._hear_in_turn(fed, listener, out)
        else:
            reflecting = self._hear_side_by_side(fed, listener, out)
        if reflecting or not self._quiet:
            if not reflecting:  # one more block, to let the filters ring out
                self._bus_filter.begin()
            self._filter_buses(out)
        self._quiet = not reflecting
        return self._finished(out)

    def _finished(self, out: np.ndarray) -> np.ndarray:
        """Return a block with its part of the tail; the next one may come."""
        if self._tail is not None:
            out += self._tail(self._emitted())
        self.done += self.block
        return out

    def _hear_in_turn(self, fed: Iterable[Any], listener: Listener, out: np.ndarray) -> bool:
        """Take each source through all steps while what it needs is near the processor."""
        reflecting = False
        for source, signal in fed:
            if not source.feed(signal):
                continue
            source.trace(self.done, listener)
            if source.reflections and not reflecting:
                reflecting = True
                self._bus_filter.begin()
            source.hear(0, len(out), out, self._mixed, self._history)
        return reflecting

    def _hear_from_places(self, fed: Iterable[Any], places: list[Heard], out: np.ndarray) -> None:
        """Render a block once from each place and fade; the last place goes on.

        The tail is the same all over the room and is not in this. Each place's filters go on from
        what they held themselves; a place that is new is silent yet and may begin with another's.
        """
        heard = [source for source, signal in fed if source.feed(signal)]
        buses_ = self._bus_filter
        before = [source.past.copy() for source in heard]
        # begin() has moved what rings to the front of the next block, so it is asked for first.
        rings = None if buses_ is None else buses_.ringing()
        left, self._left = self._left, {}
        for place in places:
            past, ringing = left.get(place.piece, ({}, rings))
            part = np.zeros_like(out)
            if buses_ is not None:
                buses_.begin_after(ringing)
            for source, last in zip(heard, before, strict=True):
                source.past[:] = past.get(id(source), last)
                source.trace(self.done, place.listener)
                source.hear(0, len(part), part, self._mixed, self._history)
            if buses_ is not None:
                self._filter_buses(part)
            out += part * place.gain
            kept = {id(source): source.past.copy() for source in heard}
            self._left[place.piece] = (kept, None if buses_ is None else buses_.ringing())
        self._quiet = buses_ is None

    def _hear_side_by_side(self, fed: Iterable[Any], listener: Listener, out: np.ndarray) -> bool:
        """Let threads share out the sources, then the ears."""

        def prepare(one: tuple[Source, np.ndarray | None]) -> Source | None:
            source, signal = one
            if not source.feed(signal):
                return None
            source.trace(self.done, listener)
            return source

        def hear(ear: int) -> None:
            for source in heard:
                source.hear(ear, ear + 1, out, self._mixed, self._history)

        heard = [source for source in self._pool.map(prepare, fed) if source is not None]
        reflecting = any(source.reflections for source in heard)
        if reflecting:
            self._bus_filter.begin()
        list(self._pool.map(hear, range(len(out))))
        return reflecting

    def _filter_buses(self, out: np.ndarray) -> None:
        pieces = self._bus_filter.pieces
        if self._pool is None:
            self._bus_filter.add_to(out, 0, pieces)
            return
        half = -(-pieces // 2)
        list(self._pool.map(self._bus_filter.add_to, (out, out), (0, half), (half, pieces)))

    def _emitted(self) -> np.ndarray | None:
        """Return what all voices send into the tail, late by the engine's latency."""
        sent = [source.emitted for source in self.sources if source.emitted is not None]
        if not len(self._late):
            return None if not sent else sent[0] if len(sent) == 1 else np.sum(sent, axis=0)
        total = np.zeros(len(self._late) + self.block, dtype=np.float32)
        total[: len(self._late)] = self._late
        for one in sent:
            total[len(self._late) :] += one
        self._late = total[self.block :]
        return total[: self.block]
