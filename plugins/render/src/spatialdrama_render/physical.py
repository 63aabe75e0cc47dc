"""The renderer ``physical``: what a head would hear of a moving voice in a room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Pose, Room, Scene
from spatialdrama_render import buses, delay, engine, images
from spatialdrama_render.checks import checked_job
from spatialdrama_render.colours import colours
from spatialdrama_render.direct import HOP
from spatialdrama_render.directivity import CORNER, check_directivity, diffuse_share
from spatialdrama_render.engine import Ears, Engine, Listener, Source
from spatialdrama_render.heads import load_head
from spatialdrama_render.hrtf import INTERPOLATIONS, HrtfSet
from spatialdrama_render.images import Images, shoebox_images
from spatialdrama_render.layouts import late_response
from spatialdrama_render.mixing import talkers_of
from spatialdrama_render.outputs import Outputs
from spatialdrama_render.propagation import head_matrices
from spatialdrama_render.stream import STREAM_BLOCK, Stream
from spatialdrama_render.talkers import Talker
from spatialdrama_render.threads import one_blas_thread

VERSION = 2


@attrs.define(eq=False, repr=False)
class PhysicalRenderer(Outputs):
    """Moving voices and a moving head in a shoebox room or the free field.

    Each path (the direct one and every image of it) is followed from the head back to where the
    mouth was when the sound left it, so Doppler shifts are exact. Its level is 1 / distance, with
    unit gain at 1 m, held below `near_limit`. It reaches the ears through the head's filters and
    delays of its direction. What is left of the room is a diffuse tail with the room's decay.
    Nothing is normalised or clipped, and both ears share every gain.

    Parameters
    ----------
    hrtf : "kemar", path of a SOFA file, or xarray.Dataset
        See :func:`spatialdrama_render.heads.load_head`.
    order : int, 0 to 6
        Highest order of reflections that are rendered one by one; the tail takes the rest.
    interpolation : "barycentric" or "nearest"
        Between the measured directions.
    equalisation : "diffuse" or "none"
        See :func:`spatialdrama_render.head_preparation.prepare_head`.
    itd : "measured" or "sphere"
        Delays between the ears as the set has them, or a rigid sphere's.
    absorption_law : "eyring" or "sabine"
        See :func:`spatialdrama_render.images.wall_absorption`.
    tail : bool
        False renders the images alone.
    tail_seed : int
        The same seed gives the same tail.
    near_limit : float, m
        Distance below which a source gets no louder.
    basis : int
        Number of basis filters for reflections, see :class:`spatialdrama_render.buses.Basis`.
    threads : int, 1 or 2
        Two render the ears side by side; the samples are the same.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> renderer = sd.load_renderer("physical")                     # doctest: +SKIP
    >>> pose = sd.Pose.line((2, 1, 0), (-1, 2, 0), duration=3)      # doctest: +SKIP
    >>> room = sd.Room((6, 5, 3), rt60=0.35)                        # doctest: +SKIP
    >>> renderer.render(np.random.randn(48000) / 10, pose, room=room)   # doctest: +SKIP
    BinauralAudio(1.46 s at 48000 Hz, peak -9.7 dBFS)
    """

    hrtf: str | Path | xr.Dataset = "kemar"
    order: int = attrs.field(default=2, kw_only=True)
    interpolation: str = attrs.field(default="barycentric", kw_only=True)
    equalisation: str = attrs.field(default="diffuse", kw_only=True)
    itd: str = attrs.field(default="measured", kw_only=True)
    absorption_law: str = attrs.field(default="eyring", kw_only=True)
    tail: bool = attrs.field(default=True, kw_only=True)
    tail_seed: int = attrs.field(default=0, kw_only=True)
    near_limit: float = attrs.field(default=0.25, kw_only=True)
    basis: int = attrs.field(default=buses.SIZE, kw_only=True)
    threads: int = attrs.field(default=1, kw_only=True)
    _head: HrtfSet = attrs.field(init=False)
    _ears: Ears = attrs.field(init=False)
    _tails: dict[Any, np.ndarray] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        for what, known in (
            ("interpolation", INTERPOLATIONS), ("absorption_law", images.ABSORPTION_LAWS)
        ):  # fmt: skip
            if getattr(self, what) not in known:
                raise ValidationError(
                    f"{what} must be one of {', '.join(known)}; got {getattr(self, what)!r}."
                )
        if not isinstance(self.order, int) or not 0 <= self.order <= 6:
            raise ValidationError(f"order must be a whole number from 0 to 6; got {self.order!r}.")
        if not self.near_limit > 0:
            raise ValidationError(f"near_limit must be more than 0 m; got {self.near_limit!r}.")
        if self.threads not in (1, 2):
            raise ValidationError(f"threads must be 1 or 2; got {self.threads!r}.")
        with one_blas_thread():
            self._prepare()

    def _prepare(self) -> None:
        self._head = load_head(
            self.hrtf, rate=self.rate, equalisation=self.equalisation, itd=self.itd
        )
        if not 1 <= self.basis <= self._head.taps:
            raise ValidationError(
                f"basis must be from 1 to {self._head.taps} filters; got {self.basis!r}."
            )
        self._head.weights([[1.0, 0.0, 0.0]], self.interpolation)
        self._ears = Ears.of(self._head, interpolation=self.interpolation, basis=self.basis)

    @property
    def rate(self) -> int:
        """Hz; the rate of everything it takes and gives."""
        return HOUSE_RATE

    @property
    def head(self) -> HrtfSet:
        """The head it renders with."""
        return self._head

    def render(
        self,
        mono: np.ndarray,
        pose: Pose,
        *,
        rate: int = HOUSE_RATE,
        start: float = 0.0,
        room: Room | None = None,
        listener: Pose | None = None,
        directivity: str = "speech",
        gain_db: float = 0.0,
    ) -> BinauralAudio:
        """Render one source.

        Parameters
        ----------
        mono : (n,) float
            What the mouth emits, as recorded at 1 m on its axis.
        pose : Pose
            The source, in the scene frame and drama time.
        rate : int, Hz
        start : float, s
            Drama time of the first sample, in and out.
        room : Room, optional
            None is the free field.
        listener : Pose, optional
            None is at rest at the scene's origin.
        directivity : "speech" or "omni"
        gain_db : float

        Returns
        -------
        BinauralAudio
            Longer than `mono` by the longest way through the room and the tail.

        Raises
        ------
        ValidationError
            See :func:`spatialdrama_render.checks.checked_job`.
        """
        job = checked_job(
            mono, pose, rate=rate, start=start, room=room, listener=listener, gain_db=gain_db,
            house_rate=self.rate,
        )  # fmt: skip
        talker = Talker(job.pieces, check_directivity(directivity))
        talker.add(0, job)
        samples = self._whole([talker], job.room, listener, start)
        return BinauralAudio(samples, self.rate, provenance=self._provenance(job.room, directivity))

    def render_scene(
        self,
        stems: Sequence[tuple[str, float, np.ndarray]],
        scene: Scene,
        *,
        rate: int = HOUSE_RATE,
        progress: bool | Callable[[int, int], None] | None = None,
    ) -> BinauralAudio:
        """Render a whole scene from drama time 0.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, (n,) samples)
        scene : Scene
        rate : int, Hz
        progress : bool or callable(done, total), optional

        Returns
        -------
        BinauralAudio
        """
        talkers = talkers_of(stems, scene, rate=rate, house_rate=self.rate)
        samples = self._whole(list(talkers.values()), scene.room, scene.listener, 0.0, progress)
        return BinauralAudio(
            samples, self.rate, provenance=self._provenance(scene.room, "as the scene says")
        )

    def stream(
        self,
        source: Pose | Scene,
        *,
        block: int = STREAM_BLOCK,
        start: float = 0.0,
        room: Room | None = None,
        directivity: str = "speech",
        gain_db: float = 0.0,
        seconds: float = 3600.0,
    ) -> Stream:
        """Render live: blocks of speech in, the head's orientation with each.

        Parameters
        ----------
        source : Pose or Scene
            One voice, or all speakers of a scene. The scene's listener says where the head is,
            at rest; how it is turned comes with each block.
        block : int
            Samples per block, a multiple of 128; 256 are 5.3 ms.
        start : float, s
            Drama time of the first block.
        room, directivity, gain_db
            As for :meth:`render`, with a pose.
        seconds : float
            How far ahead the poses are checked (a source in the head, outside the room).

        Returns
        -------
        Stream
            Its ``process`` takes and gives blocks; together they equal :meth:`render_scene` with
            a listener who turns likewise.
        """
        if isinstance(source, Scene):
            scene = source
        else:
            speaker = {"voice": _as_source(source, check_directivity(directivity), gain_db)}
            scene = Scene(room, speaker)
        place = (0.0, 0.0, 0.0)
        if scene.listener is not None:
            place = tuple(map(float, scene.listener.positions_at([start])[0]))
        silence = [(name, start, _Nothing(round(seconds * self.rate))) for name in scene.speakers]
        talkers = talkers_of(silence, scene, rate=self.rate, house_rate=self.rate, origin=start)
        running, latency = self._engine(
            list(talkers.values()), scene.room, scene.listener, start, block
        )
        return Stream(running, talkers, start=start, rate=self.rate, latency=latency, place=place)

    # -- how it is done -----------------------------------------------------------------------

    def _whole(
        self, talkers: list[Talker], room: Room, listener: Pose | None, start: float,
        progress: Any = None,
    ) -> np.ndarray:  # fmt: skip
        """Return (2, n) float32 of everything."""
        room = None if room is None or room.is_free_field else room
        out = np.zeros((2, self._length(talkers, room)), dtype=np.float32)
        done = 0
        for part in self._blocks(talkers, room, listener, start, out.shape[1], progress):
            out[:, done : done + part.shape[1]] = part
            done += part.shape[1]
        return out

    def _blocks(
        self, talkers: list[Talker], room: Room | None, listener: Pose | None, start: float,
        length: int, progress: Any = None,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """Yield (2, at most a block) float32 until `length` samples are out."""
        block = engine.FREE_BLOCK if room is None else engine.BLOCK
        running, skip = self._engine(talkers, room, listener, start, block)
        steps = range(0, length + skip, block)
        with one_blas_thread():
            for first in _shown(steps, progress):
                signals = []
                for talker in talkers:
                    spoken = talker.block(first, block)
                    signals += talker.sounding(first, spoken, start, self.rate)
                head = self._listener(listener, start, running.done, block)
                part = running.process(signals, head)
                yield part[:, max(skip - first, 0) : length + skip - first]
                if callable(progress):
                    progress(min(first + block, length), length)

    def _engine(
        self, talkers: list[Talker], room: Room | None, listener: Pose | None, start: float,
        block: int,
    ) -> tuple[Engine, int]:  # fmt: skip
        """Return the engine of some talkers, and its latency in samples."""
        room = None if room is None or room.is_free_field else room
        every = shoebox_images(room, self.order, law=self.absorption_law)
        sources = []
        for talker in talkers:
            longest = self._longest_delay(talker.reach, room, listener, every)
            mouth = talker.directivity != "omni"
            coloured = colours(
                every, mouth=mouth, air=None, farthest=longest / self.rate * SPEED_OF_SOUND,
                rate=self.rate,
            )  # fmt: skip
            for piece in talker.pieces:
                sources.append(
                    Source(
                        self._ears,
                        piece.track,
                        every,
                        coloured,
                        mouth=mouth,
                        near_limit=self.near_limit,
                        start=start,
                        longest=longest,
                        rate=self.rate,
                        block=block,
                        tail_mix=_tail_mix(coloured.corners, mouth),
                    )
                )
        nearest = min(talker.nearest for talker in talkers)
        early = (nearest / SPEED_OF_SOUND + float(self._ears.delays.min())) * self.rate
        latency = 0 if early > delay.HALF + 2 else engine.GRAIN
        pool = ThreadPoolExecutor(2) if self.threads == 2 else None
        running = Engine(
            self._ears, sources, self._tail(room), block=block, latency=latency, pool=pool
        )
        return running, latency

    def _listener(self, listener: Pose | None, start: float, first: int, block: int) -> Listener:
        """Return where the head is at the control points of a block."""
        if listener is None:
            return Listener.at_rest()
        if len(listener.time) == 1:
            at = [float(listener.time[0])]
        else:
            at = start + (first + np.arange(0, block + 1, HOP)) / self.rate
        return Listener(
            np.ascontiguousarray(listener.positions_at(at)), head_matrices(listener, at)
        )

    def _length(self, talkers: list[Talker], room: Room | None) -> int:
        """Return after how many samples everything has died away."""
        every = shoebox_images(room, self.order, law=self.absorption_law)
        tail = self._tail(room)
        late = 0 if tail is None else tail.shape[1] - 1
        return max(
            talker.end + max(self._longest_delay(talker.reach, room, None, every), late)
            for talker in talkers
        )

    def _longest_delay(
        self, reach: float, room: Room | None, listener: Pose | None, every: Images
    ) -> int:
        """Return in samples how long after its emission the last image can be heard."""
        farthest = reach if room is None else self._farthest(room, listener, every)
        seconds = farthest / SPEED_OF_SOUND + float(self._ears.delays.max())
        return int(np.ceil(seconds * self.rate)) + self._head.taps + delay.HALF + 2

    def _farthest(self, room: Room, listener: Pose | None, every: Images) -> float:
        """Return in m how far an image can be, wherever in the room the source stands."""
        low, high = (np.asarray(b) for b in room.bounds)
        corner = np.maximum(
            np.abs(every.sign * low + every.offset), np.abs(every.sign * high + every.offset)
        )
        head = 0.0 if listener is None else np.linalg.norm(np.maximum(-low, high))
        return float(np.linalg.norm(corner, axis=1).max() + head)

    def _tail(self, room: Room | None) -> np.ndarray | None:
        if room is None or not self.tail:
            return None
        key = (room.size, room.rt60, room.absorption)
        if key not in self._tails:
            self._tails[key] = late_response(
                self._head, room, order=self.order, law=self.absorption_law, seed=self.tail_seed
            )
        return self._tails[key]

    def _provenance(self, room: Room | None, directivity: str) -> dict[str, Any]:
        return {
            "renderer": "physical",
            "version": VERSION,
            "hrtf": self._head.title,
            "hrtf_sha256": self._head.sha256,
            "room": "free field" if room is None or room.is_free_field else repr(room),
            "directivity": directivity,
            "order": self.order,
            "interpolation": self.interpolation,
            "equalisation": self.equalisation,
            "itd": self.itd,
            "absorption_law": self.absorption_law,
            "tail": self.tail,
            "tail_seed": self.tail_seed,
            "near_limit": self.near_limit,
            "basis": self.basis,
        }

    def __repr__(self) -> str:
        return f"PhysicalRenderer({self._head.title!r}, order={self.order}, itd={self.itd!r})"


def _tail_mix(corners: np.ndarray, mouth: bool) -> np.ndarray:
    """Return what the tail hears of the full and the low-passed signals: all directions."""
    mix = np.zeros(1 + len(corners))
    mix[0] = 1.0
    if mouth:
        mix[0] = diffuse_share()
        mix[1 + int(np.argmin(np.abs(corners - CORNER / (2 * np.pi))))] = 1.0 - mix[0]
    return mix


def _as_source(pose: Pose, directivity: str, gain_db: float) -> Any:
    from spatialdrama.types import Source as SceneSource

    return SceneSource(pose, directivity=directivity, gain_db=gain_db)


class _Nothing:
    """As many samples of silence as one likes, for checks that ask how long something sounds."""

    ndim, dtype = 1, np.dtype(np.float32)

    def __init__(self, count: int) -> None:
        self.shape = (count,)

    def __len__(self) -> int:
        return self.shape[0]

    def read_slice(self, low: int, high: int) -> np.ndarray:
        return np.zeros(high - low, dtype=np.float32)


def _shown(steps: Any, progress: Any) -> Any:
    if progress is True:
        from spatialdrama.runtime.progress import progress as bar

        return bar(steps, "rendering", len(steps))
    return steps
