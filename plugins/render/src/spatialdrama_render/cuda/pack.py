"""Renderings laid end to end in a few flat arrays, as the kernels read them. Plain numpy.

A *row* is one unbroken piece of one talker's pose, with its own signal and its own stretch of
output. Rows of any length lie one after the other without padding: kernels work on hops of 128
samples, count them through all rows, and look up whose hop it is. So nothing is computed for
silence between the ends of short and long renderings, and no sample depends on what else is in the
lot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import buses, delay
from spatialdrama_render.colours import Colours
from spatialdrama_render.engine import GRAIN
from spatialdrama_render.images import Images
from spatialdrama_render.lowpass import LowPasses
from spatialdrama_render.plan import Plan, _tail_mix
from spatialdrama_render.propagation import Track
from spatialdrama_render.talkers import Talker

#: Samples per hop: the images' control points. The direct sound has two per hop.
HOP = buses.HOP
#: Samples of silence before each row's signal: polynomials ring, and the first is silent.
MARGIN = delay.HALF + 1
#: Columns of polynomials that one program makes; rows begin at multiples of it.
COLUMNS = 2048
#: Samples of output that one program puts together; renderings begin at multiples of it.
OUT = 1024

#: What the kernels know of each row, in this order. `columns`, `origin`, `begin` and `width` are
#: in samples, `hops` and `first_hop` in hops, and the others say where something begins in
#: :attr:`Lot.numbers`, or how much of it there is.
ROW = (
    "columns", "width", "origin", "first_hop", "hops", "begin", "start", "track", "track_count",
    "axis", "axis_count", "listener", "listener_count", "images", "table", "distances",
    "distance_count", "corners", "mix",
)  # fmt: skip
#: What they know of each rendering.
ITEM = ("row", "row_end", "out", "width", "length", "tail", "size", "step")


@attrs.frozen(eq=False)
class Row:
    """One piece of a pose: `gain` times a signal from sample `first` on, heard from `begin` on."""

    track: Track
    signal: np.ndarray
    gain: float
    first: int
    begin: int
    hops: int
    colours: Colours
    mouth: bool
    ring: int

    @property
    def width(self) -> int:
        """How many columns of polynomials it has."""
        return -(-(len(self.signal) + self.ring + 2 * MARGIN) // COLUMNS) * COLUMNS


@attrs.frozen(eq=False)
class Rendering:
    """One plan, cut into rows.

    Attributes
    ----------
    rows : list of Row
    images : Images
    length : int
        Samples of output.
    tail : (c, m) float32, or None
    """

    plan: Plan
    rows: list[Row]
    images: Images
    length: int
    tail: np.ndarray | None

    @property
    def kind(self) -> tuple[int, int, bool]:
        """Signals, images and whether a mouth turns: one compiled kernel each."""
        row = self.rows[0]
        return 1 + len(row.colours.corners), len(self.images), row.mouth

    def bytes(self) -> int:
        """Return about how much device memory it takes, beside the buses."""
        signals, images, _ = self.kind
        channels = self.plan.receiver.ears.channels
        total = self.length * 4 * channels * (1 if self.tail is None else 4)
        for row in self.rows:
            total += row.width * signals * 4 * (2 + delay.TERMS)
            total += row.hops * HOP * channels * 4 * 2
            total += row.hops * (images + 1) * 4 * (2 * channels + signals + 8)
        return total


def cut(plan: Plan) -> Rendering:
    """Cut a plan into rows.

    Raises
    ------
    ValidationError
        For a measured room, which has no images, and for recorded mono: the CPU's work.
    """
    from spatialdrama_render.recorded_plan import RecordedPlan

    if isinstance(plan, RecordedPlan):
        raise ValidationError("mono='recorded' is rendered on the CPU only; use device='cpu'.")
    if plan.room is not None and plan.room.is_measured:
        raise ValidationError(
            "a room given by a measured response is rendered on the CPU only; use device='cpu'."
        )
    every, length = plan.images(), plan.length()
    rows = [row for talker in plan.talkers for row in _rows(plan, talker, every, length)]
    tail = plan.receiver.tail(plan.room, plan.acoustics)
    return Rendering(plan, rows, every, length, tail)


def _rows(plan: Plan, talker: Talker, every: Images, length: int) -> Iterator[Row]:
    """Cut what a talker says where the pose jumps; fades reach half a fade beyond each cut."""
    coloured = plan.colours(talker, every)
    ring = LowPasses(coloured.corners, plan.rate).ring
    ringing = ring + plan.longest_delay(talker, every)
    spoken, loud = _spoken(talker)
    for piece in talker.pieces:
        low, signal = 0, spoken
        if not piece.whole:
            gain = piece.gain(plan.start + np.arange(len(spoken)) / plan.rate)
            sounding = np.flatnonzero(gain)
            if not len(sounding):
                continue
            low = int(sounding[0])
            signal = (spoken * gain).astype(np.float32)[low : sounding[-1] + 1]
        # One grain early, as polynomials ring a little before their first sample.
        begin = max(0, (low - GRAIN) // HOP * HOP)
        end = min(length, low + len(signal) + ringing)
        hops = -(-(end - begin) // HOP)
        mouth = talker.directivity != "omni"
        yield Row(piece.track, signal, loud, low, begin, hops, coloured, mouth, ring)


def _spoken(talker: Talker) -> tuple[np.ndarray, float]:
    """Return what a talker says from sample 0 on, and a gain; one stem is not copied for that."""
    first, job = talker.stems[0]
    if len(talker.stems) == 1 and first == 0 and isinstance(job.mono, np.ndarray):
        return job.mono, job.gain
    return talker.block(0, talker.end), 1.0


@attrs.frozen(eq=False)
class Lot:
    """Renderings of one kind as flat arrays.

    Attributes
    ----------
    rows : (r, len(ROW)) int64
    items : (j, len(ITEM)) int64
    numbers : (m,) float64
        Tracks, axes, listeners, images, colours: whatever `rows` point into.
    hop_row, point_row, early_row, column_row : int32
        Whose each hop, each control point of the images, each of the direct sound, and each block
        of columns is.
    out_item : int32
        Whose each block of output is.
    mono : (columns,) float32
    most_distances, most_samples : int
        The longest grid of distances, and the longest track or axis.
    """

    renderings: list[Rendering]
    kind: tuple[int, int, bool]
    rows: np.ndarray
    items: np.ndarray
    numbers: np.ndarray
    hop_row: np.ndarray
    point_row: np.ndarray
    early_row: np.ndarray
    column_row: np.ndarray
    out_item: np.ndarray
    mono: np.ndarray
    most_distances: int
    most_samples: int

    @property
    def hops(self) -> int:
        """Hops of all rows."""
        return len(self.hop_row)

    @property
    def out(self) -> int:
        """Samples of output per channel, gaps between renderings included."""
        return len(self.out_item) * OUT


class _Numbers:
    """Float64 arrays one after the other; what belongs to one owner is kept once."""

    def __init__(self) -> None:
        self.count = 0
        self._parts: list[np.ndarray] = []
        self._seen: dict[int, tuple[int, Any]] = {}

    def add(self, array: Any, owner: Any = None) -> int:
        """Return where the numbers begin."""
        if owner is not None and id(owner) in self._seen:
            return self._seen[id(owner)][0]
        first = self.count
        self._parts.append(np.asarray(array, dtype=np.float64).ravel())
        self.count += self._parts[-1].size
        if owner is not None:  # kept alive, or its id might be given to another
            self._seen[id(owner)] = first, owner
        return first

    def joined(self) -> np.ndarray:
        return np.concatenate([np.zeros(0), *self._parts])


def pack(renderings: list[Rendering], empty: Callable[[int], np.ndarray] | None = None) -> Lot:
    """Lay renderings of one kind end to end.

    Parameters
    ----------
    renderings : list of Rendering
    empty : callable(count) -> (count,) float32, optional
        Where the samples are put, for memory that a device reads directly.
    """
    numbers, rows, items, put = _Numbers(), [], [], []
    columns = hops = out = 0
    for one in renderings:
        first = len(rows)
        for row in one.rows:
            rows.append((columns, row.width, row.first - MARGIN, hops, row.hops, row.begin,
                         *_looked_up(one, row, numbers)))  # fmt: skip
            put.append((columns, row))
            columns, hops = columns + row.width, hops + row.hops
        width = -(-one.length // OUT) * OUT
        items.append((first, len(rows), out, width, one.length, -1, 1, 1))
        out += width
    table = np.array(rows, dtype=np.int64).reshape(-1, len(ROW))
    who, count = np.arange(len(table), dtype=np.int32), table[:, ROW.index("hops")]
    mono = np.empty(columns, dtype=np.float32) if empty is None else empty(columns)
    for at, row in put:
        begin, end = at + MARGIN, at + MARGIN + len(row.signal)
        mono[at:begin], mono[end : at + row.width] = 0, 0
        np.multiply(row.signal, np.float32(row.gain), out=mono[begin:end], casting="same_kind")
    return Lot(
        renderings, renderings[0].kind, table, np.array(items, dtype=np.int64), numbers.joined(),
        np.repeat(who, count), np.repeat(who, count + 1), np.repeat(who, 2 * count + 1),
        np.repeat(who, table[:, ROW.index("width")] // COLUMNS),
        np.repeat(np.arange(len(items), dtype=np.int32), [i[3] // OUT for i in items]), mono,
        _most(table, "distance_count"), _most(table, "track_count", "axis_count"),
    )  # fmt: skip


def _most(table: np.ndarray, *what: str) -> int:
    return int(table[:, [ROW.index(each) for each in what]].max(initial=1))


@lru_cache(maxsize=64)
def _mix(corners: tuple[float, ...], mouth: bool) -> np.ndarray:
    """Return :func:`spatialdrama_render.plan._tail_mix`, which integrates over the sphere, once."""
    return _tail_mix(np.array(corners), mouth)


_NO_TIME, _NO_AXIS = np.zeros(1), np.zeros((3, 1))
#: Stands for every listener who is at rest at the origin: kept once.
_AT_REST = object()


def _looked_up(one: Rendering, row: Row, numbers: _Numbers) -> tuple[int, ...]:
    """Add what the kernels look up for a row; return where it is, from "start" in ROW on."""
    plan, track, images = one.plan, row.track, one.images
    head = plan._listener_at(row.begin, row.hops * HOP)
    points = max(len(head.place), len(head.rotation))
    turned = np.broadcast_to(head.rotation, (points, 3, 3)).reshape(points, 9)
    listener = np.concatenate([np.broadcast_to(head.place, (points, 3)), turned], axis=1)
    low = LowPasses(row.colours.corners, plan.rate)
    # Where a source without a front points costs a millisecond to find and is never read.
    axis_time, axis = (track.axis_time, track.axis) if row.mouth else (_NO_TIME, _NO_AXIS)
    return (
        numbers.add([plan.start]),
        numbers.add(np.column_stack([track.time, track.place.T]), track.time), len(track.time),
        numbers.add(np.column_stack([axis_time, axis.T]), axis_time), len(axis_time),
        numbers.add(listener, _AT_REST if plan.listener is None else None), points,
        numbers.add(np.column_stack([images.sign, images.offset, images.gain]), images),
        numbers.add(row.colours.table, row.colours),
        numbers.add(row.colours.distances, row.colours.distances), len(row.colours.distances),
        numbers.add(np.column_stack([low._forward, low._back])),
        numbers.add(_mix(tuple(row.colours.corners), row.mouth)),
    )  # fmt: skip
