"""From a checked scene to an engine that renders it: images, colours, tails, lengths, blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.types import Pose, Room
from spatialdrama_render import delay, engine, jit, source
from spatialdrama_render.air import Air
from spatialdrama_render.colours import Colours, colours
from spatialdrama_render.direct import HOP
from spatialdrama_render.directivity import CORNER, diffuse_share
from spatialdrama_render.engine import Ears, Engine, Heard, Listener
from spatialdrama_render.images import Images, shoebox_images
from spatialdrama_render.measured import MeasuredEngine, MeasuredRoom
from spatialdrama_render.propagation import head_matrices
from spatialdrama_render.source import Source
from spatialdrama_render.talkers import Talker
from spatialdrama_render.teleports import Piece
from spatialdrama_render.threads import one_blas_thread

#: How many rooms' tails a receiver keeps; one of 0.4 s takes 150 kB, one of 4 s ten times as much.
_TAILS = 16


@attrs.frozen
class Acoustics:
    """What room, air and distance do to a voice, whoever listens.

    Attributes
    ----------
    order : int
    law : str
    air : Air or None
    near_limit : float, m
    tail : bool
    tail_seed : int
    """

    order: int
    law: str
    air: Air | None
    near_limit: float
    tail: bool
    tail_seed: int


@attrs.define(eq=False)
class Receiver:
    """Who listens: ears (or other channels) and what they hear of a room's tail.

    Attributes
    ----------
    ears : Ears
    tail_of : callable(room, acoustics) -> (c, m) float32
    """

    ears: Ears
    tail_of: Callable[[Room, Acoustics], np.ndarray]
    _tails: dict[Any, np.ndarray] = attrs.field(init=False, factory=dict)

    def tail(self, room: Room | None, acoustics: Acoustics) -> np.ndarray | None:
        """Return the late response of a room, made once, or None without one."""
        if room is None or not acoustics.tail or not room.is_shoebox:
            return None
        key = (repr(attrs.asdict(room)), acoustics)
        # What was asked for last goes to the end, so that the first one is the one to drop.
        tail = self._tails.pop(key, None)
        self._tails[key] = self.tail_of(room, acoustics) if tail is None else tail
        while len(self._tails) > _TAILS:
            del self._tails[next(iter(self._tails))]
        return self._tails[key]


@attrs.define(eq=False)
class Plan:
    """One rendering: who speaks where, in which room, to whom.

    Attributes
    ----------
    receiver : Receiver
    acoustics : Acoustics
    talkers : list of Talker
    room : Room or None
        None is the free field.
    listener : Pose or None
    start : float, s
        Drama time of sample 0.
    rate : int, Hz
    threads : int
    heard_from : list of Piece
        The listener's track, cut where it jumps.
    """

    receiver: Receiver
    acoustics: Acoustics
    talkers: list[Talker]
    room: Room | None
    listener: Pose | None
    start: float
    rate: int
    threads: int = 1
    heard_from: list[Piece] = attrs.field(factory=list, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.room is not None and self.room.is_free_field:
            self.room = None

    # -- rendering ----------------------------------------------------------------------------

    def whole(self, progress: Any = None) -> np.ndarray:
        """Return (c, n) float32 of everything."""
        out = np.empty((self.receiver.ears.channels, self.length()), dtype=np.float32)
        done = 0
        for part in self.blocks(progress):
            out[:, done : done + part.shape[1]] = part
            done += part.shape[1]
        return out

    def blocks(self, progress: Any = None) -> Iterator[np.ndarray]:
        """Yield (c, at most a block) float32, in order, until everything has died away."""
        block = engine.BLOCK
        length = self.length()
        running, skip = self.engine(block)
        with one_blas_thread():
            for first in _shown(range(0, length + skip, block), progress):
                signals = []
                for talker in self.talkers:
                    spoken = talker.block(first, block)
                    signals += talker.sounding(first, spoken, self.start, self.rate)
                part = running.process(signals, self._listeners_at(running, block))
                part = part[:, max(skip - first, 0) : length + skip - first]
                if part.shape[1]:
                    yield part
                if callable(progress):
                    progress(min(first + block - skip, length), length)

    def engine(self, block: int) -> tuple[Engine | MeasuredEngine, int]:
        """Return the engine, and its latency in samples."""
        if self.room is not None and self.room.is_measured:
            return self._measured(block), 0
        jit.say_before_compiling(source._hear)
        every = self.images()
        tail = self.receiver.tail(self.room, self.acoustics)
        sources = []
        for talker in self.talkers:
            mouth = talker.directivity != "omni"
            coloured = self.colours(talker, every)
            for piece in talker.pieces:
                sources.append(
                    Source(
                        self.receiver.ears, piece.track, every, coloured, mouth=mouth,
                        near_limit=self.acoustics.near_limit, start=self.start,
                        longest=self.longest_delay(talker, every), rate=self.rate, block=block,
                        tail_mix=None if tail is None else _tail_mix(coloured.corners, mouth),
                    )
                )  # fmt: skip
        latency = self.latency()
        pool = _pool(self.threads) if self.threads > 1 else None
        running = Engine(self.receiver.ears, sources, tail, block=block, latency=latency, pool=pool)
        return running, latency

    def _measured(self, block: int) -> MeasuredEngine:
        return MeasuredEngine(
            MeasuredRoom.load(self.room.brir, self.rate),
            [piece.track for talker in self.talkers for piece in talker.pieces],
            start=self.start, rate=self.rate, block=block,
        )  # fmt: skip

    def _listeners_at(self, running: Any, block: int) -> Listener | list[Heard]:
        """Return where the head is in the next block, or places that are faded into each other."""
        whole = len(self.heard_from) < 2
        # A measured room fades from measurement to measurement by itself.
        if whole or isinstance(running, MeasuredEngine):
            return self._listener_at(running.done, block)
        heard = self.start + (running.done + np.arange(block)) / self.rate
        at = self.start + (running.done + np.arange(0, block + 1, HOP)) / self.rate
        out = []
        for k, piece in enumerate(self.heard_from):
            gain = piece.gain(heard)
            if gain.any():
                times = piece.held(at)
                place = np.ascontiguousarray(self.listener.positions_at(times))
                there = Listener(place, head_matrices(self.listener, times))
                out.append(Heard(k, there, gain.astype(np.float32)))
        return out

    def _listener_at(self, first: int, block: int) -> Listener:
        """Return where the head is at the control points of a block."""
        if self.listener is None:
            return Listener.at_rest()
        if len(self.listener.time) == 1:
            at = [float(self.listener.time.values[0])]
        else:
            at = self.start + (first + np.arange(0, block + 1, HOP)) / self.rate
        place = np.ascontiguousarray(self.listener.positions_at(at))
        return Listener(place, head_matrices(self.listener, at))

    # -- what it will take --------------------------------------------------------------------

    def images(self) -> Images:
        """Return the images that are rendered one by one."""
        return shoebox_images(
            self.room, self.acoustics.order, law=self.acoustics.law, air=self.acoustics.air
        )

    def colours(self, talker: Talker, every: Images) -> Colours:
        """Return how mouth, walls and air colour a talker's images."""
        return colours(
            every,
            mouth=talker.directivity != "omni",
            air=self.acoustics.air,
            farthest=self._colour_reach(talker, every),
            rate=self.rate,
        )

    def _colour_reach(self, talker: Talker, every: Images) -> float:
        """Return in m how far colours are laid out: the same for whoever walks in one room.

        So that talkers share one layout, and a head that may move changes nothing.
        """
        if self.room is None:
            return float(2.0 ** np.ceil(np.log2(max(talker.reach, 1.0))))
        return self._longest_way(every, moving=True)

    def length(self) -> int:
        """Return after how many samples everything has died away."""
        if self.room is not None and self.room.is_measured:
            response = MeasuredRoom.load(self.room.brir, self.rate).responses
            return max(talker.end for talker in self.talkers) + response.shape[2] - 1
        every = self.images()
        tail = self.receiver.tail(self.room, self.acoustics)
        late = 0 if tail is None else tail.shape[1] - 1
        return max(
            talker.end + max(self.longest_delay(talker, every), late) for talker in self.talkers
        )

    def latency(self) -> int:
        """Return by how many samples a live engine is late.

        Polynomials need a few samples that come after the one they stand for. From more than 0.2 m
        away sound takes longer than that; from nearer, the output waits.
        """
        nearest = min(talker.nearest for talker in self.talkers)
        early = (nearest / SPEED_OF_SOUND + float(self.receiver.ears.delays.min())) * self.rate
        return 0 if early > delay.HALF + 2 else engine.GRAIN

    def longest_delay(self, talker: Talker, every: Images) -> int:
        """Return in samples how long after its emission the last image can be heard."""
        ears = self.receiver.ears
        seconds = self._farthest(talker, every) / SPEED_OF_SOUND + float(ears.delays.max())
        return int(np.ceil(seconds * self.rate)) + ears.head.taps + delay.HALF + 2

    def _farthest(self, talker: Talker, every: Images) -> float:
        """Return in m how far an image can be, wherever in the room the source stands."""
        if self.room is None:
            return talker.reach
        return self._longest_way(every, moving=self.listener is not None)

    def _longest_way(self, every: Images, moving: bool) -> float:
        low, high = (np.asarray(b) for b in self.room.bounds)
        corner = np.maximum(
            np.abs(every.sign * low + every.offset), np.abs(every.sign * high + every.offset)
        )
        head = np.linalg.norm(np.maximum(-low, high)) if moving else 0.0
        return float(np.linalg.norm(corner, axis=1).max() + head)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that all renderings of this process share."""
    return ThreadPoolExecutor(threads, thread_name_prefix="ears")


def _tail_mix(corners: np.ndarray, mouth: bool) -> np.ndarray:
    """Return what the tail hears of the full and the low-passed signals: all directions."""
    mix = np.zeros(1 + len(corners))
    mix[0] = 1.0
    if mouth:
        mix[0] = diffuse_share()
        mix[1 + int(np.argmin(np.abs(corners - CORNER / (2 * np.pi))))] = 1.0 - mix[0]
    return mix


def _shown(steps: Any, progress: Any) -> Any:
    if progress is True:
        from spatialdrama.runtime.progress import progress as bar

        return bar(steps, "rendering", len(steps))
    return steps
