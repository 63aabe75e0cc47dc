"""The renderer ``physical``: what a head would hear of a moving voice in a room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Pose, Room, Scene, Source
from spatialdrama.types.validate import check_positive, finite
from spatialdrama_render import buses
from spatialdrama_render.air import Air
from spatialdrama_render.checks import check_surroundings, checked_job, listener_pieces
from spatialdrama_render.directivity import check_directivity
from spatialdrama_render.engine import GRAIN, Ears
from spatialdrama_render.heads import load_head
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.measured import MeasuredRoom
from spatialdrama_render.mixing import talkers_of
from spatialdrama_render.options import check_options, check_whole
from spatialdrama_render.outputs import Outputs
from spatialdrama_render.plan import Acoustics, Plan, Receiver
from spatialdrama_render.stream import MAX_STREAM_BLOCK, STREAM_BLOCK, Silence, Stream
from spatialdrama_render.tail import binaural_tail
from spatialdrama_render.talkers import Talker
from spatialdrama_render.threads import one_blas_thread

if TYPE_CHECKING:
    from spatialdrama_render.batch import RenderItem

VERSION = 2


@attrs.define(eq=False, repr=False)
class PhysicalRenderer(Outputs):
    """Moving voices and a moving head in a room or the free field.

    Each path (the direct one and every image of it) is followed from the head back to where the
    mouth was when the sound left it, so Doppler shifts are exact. Its level is 1 / distance, with
    unit gain at 1 m, held below `near_limit`. It reaches the ears through the head's filters and
    delays of its direction. What is left of the room is a diffuse tail with the room's decay.
    Nothing is normalised or clipped, and both ears share every gain.

    Parameters
    ----------
    hrtf : "kemar", "spaced-pinnae", "sphere", path of a SOFA file, or xarray.Dataset
        See :func:`spatialdrama_render.heads.load_head`.
    order : int, 0 to 6
        Highest order of reflections that are rendered one by one; the tail takes the rest.
    interpolation : "barycentric" or "nearest"
        Between the measured directions.
    equalisation : "diffuse" or "none"
    itd : "measured" or "sphere"
        Delays between the ears as the set has them, or a rigid sphere's.
    phase : "minimum" or "measured"
    near : "auto", "sphere" or "none"
        These four: see :func:`spatialdrama_render.head_preparation.prepare_head`.
    air : "iso9613", "none", mapping or Air
        Absorption of high frequencies on the way; a mapping gives ``temperature_c``, ``humidity``
        and ``pressure_kpa``. See :mod:`spatialdrama_render.air`.
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
    mono : "dry" or "recorded"
        What the mono signals are: speech as the mouth emits it, or the mean of the two ears of a
        binaural recording, which has its distance, level and room already and gets its side back,
        see :mod:`spatialdrama_render.recorded`.
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
    phase: str = attrs.field(default="minimum", kw_only=True)
    near: str = attrs.field(default="auto", kw_only=True)
    air: Any = attrs.field(default="iso9613", kw_only=True)
    absorption_law: str = attrs.field(default="eyring", kw_only=True)
    tail: bool = attrs.field(default=True, kw_only=True)
    tail_seed: int = attrs.field(default=0, kw_only=True)
    near_limit: float = attrs.field(default=0.25, kw_only=True)
    basis: int = attrs.field(default=buses.SIZE, kw_only=True)
    mono: str = attrs.field(default="dry", kw_only=True)
    threads: int = attrs.field(default=1, kw_only=True)
    _head: HrtfSet = attrs.field(init=False)
    _receiver: Receiver = attrs.field(init=False)
    _acoustics: Acoustics = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        check_options(self)
        self._acoustics = Acoustics(
            self.order, self.absorption_law, _air(self.air), self.near_limit, self.tail,
            self.tail_seed,
        )  # fmt: skip
        with one_blas_thread():
            self._prepare()

    def _prepare(self) -> None:
        self._head = load_head(
            self.hrtf, rate=self.rate, equalisation=self.equalisation, itd=self.itd,
            phase=self.phase, near=self.near,
        )  # fmt: skip
        check_whole(self.basis, "basis", 1, self._head.taps, "filters")
        self._head.weights([[1.0, 0.0, 0.0]], self.interpolation)
        ears = Ears.of(self._head, interpolation=self.interpolation, basis=self.basis)
        self._receiver = Receiver(ears, self._tail_of)

    def _tail_of(self, room: Room, acoustics: Acoustics) -> np.ndarray:
        return binaural_tail(
            self._head, room, order=acoustics.order, law=acoustics.law, seed=acoustics.tail_seed,
            air=acoustics.air,
        )  # fmt: skip

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
        mono : (n,) float, MonoFile or Speech
            What the mouth emits, as recorded at 1 m on its axis. Speech is resampled.
        pose : Pose
            The source, in the scene frame and drama time. Where it jumps, it is faded over.
        rate : int, Hz
            Of an array; files and Speech know theirs.
        start : float, s
            Drama time of the first sample, in and out.
        room : Room, optional
            None is the free field.
        listener : Pose, optional
            None is at rest at the scene's origin. Where it jumps, it is faded over.
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
        samples = self.plan([talker], room, listener, start).whole()
        return BinauralAudio(samples, self.rate, provenance=self._provenance(room, directivity))

    def check(self, scene: Scene) -> None:
        """Raise for a room that :meth:`render` would refuse, before anybody speaks.

        Parameters
        ----------
        scene : Scene
            Where speakers stand is looked at when they speak.

        Raises
        ------
        ValidationError
        """
        check_surroundings(scene.room, scene.listener)
        room = scene.room
        if room is not None and room.is_measured:
            MeasuredRoom.load(room.brir, self.rate)
        elif room is not None and room.is_shoebox:
            with one_blas_thread():
                self._receiver.tail(room, self._acoustics)  # kept for the rendering

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
        stems : sequence of (speaker, start in s, samples)
            Samples are (n,) float, a MonoFile or a Speech, which is resampled.
        scene : Scene
        rate : int, Hz
        progress : bool or callable(done, total), optional
            True shows a bar; a callable is told of samples.

        Returns
        -------
        BinauralAudio
        """
        talkers = talkers_of(stems, scene, rate=rate, house_rate=self.rate)
        plan = self.plan(list(talkers.values()), scene.room, scene.listener, 0.0)
        return BinauralAudio(
            plan.whole(progress), self.rate,
            provenance=self._provenance(scene.room, "as the scene says"),
        )  # fmt: skip

    def render_batch(
        self,
        items: Sequence[RenderItem],
        *,
        device: str = "auto",
        progress: bool | Callable[[int, int], None] | None = None,
    ) -> list[BinauralAudio]:
        """Render many items at once; see :func:`spatialdrama_render.batch.render_batch`.

        Parameters
        ----------
        items : sequence of RenderItem
        device : "auto", "cpu" or "cuda"
        progress : bool or callable(done, total), optional

        Returns
        -------
        list of BinauralAudio
            In the order of the items; the samples do not depend on the batch.
        """
        from spatialdrama_render.batch import render_batch

        return render_batch(self, items, device=device, progress=progress)

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
        block = check_whole(block, "block", 1, MAX_STREAM_BLOCK, "samples, a multiple of 128")
        if block % GRAIN:
            raise ValidationError(f"block is a multiple of {GRAIN} samples; got {block!r}.")
        start, seconds = finite(start, "start"), check_positive(seconds, "seconds", unit="s")
        check_surroundings(room, None)
        scene = source
        if not isinstance(source, Scene):
            speaker = Source(source, directivity=directivity, gain_db=gain_db)
            scene = Scene(room, {"voice": speaker})
        place = np.zeros(3)
        if scene.listener is not None:
            place = scene.listener.positions_at([start])[0]
        silence = [(name, start, Silence(round(seconds * self.rate))) for name in scene.speakers]
        talkers = talkers_of(silence, scene, rate=self.rate, house_rate=self.rate, origin=start)
        plan = self.plan(list(talkers.values()), scene.room, scene.listener, start)
        running, latency = plan.engine(block)
        made = Stream(running, talkers, start=start, rate=self.rate, latency=latency, place=place)
        # Kernels load and caches fill on a stream of its own, so that the first block is on time.
        spare, _ = plan.engine(block)
        Stream(spare, talkers, start=start, rate=self.rate, latency=latency, place=place).warm()
        return made

    def plan(
        self,
        talkers: list[Talker],
        room: Room | None,
        listener: Pose | None,
        start: float = 0.0,
        receiver: Receiver | None = None,
    ) -> Plan:
        """Return checked talkers in a room, ready to be rendered in any way; for this package."""
        heard_from = listener_pieces(listener)
        made = (
            receiver or self._receiver, self._acoustics, talkers, room, listener, float(start),
            self.rate, self.threads,
        )  # fmt: skip
        if self.mono == "dry":
            return Plan(*made, heard_from=heard_from)
        from spatialdrama_render.recorded_plan import RecordedPlan

        return RecordedPlan(*made, heard_from=heard_from, head=self._head, seed=self.tail_seed)

    def _provenance(self, room: Room | None, directivity: str) -> dict[str, Any]:
        options = {
            a.name: getattr(self, a.name)
            for a in attrs.fields(type(self))
            if a.init and a.name not in ("hrtf", "air", "threads")
        }
        return {
            "renderer": "physical",
            "version": VERSION,
            "hrtf": self._head.title,
            "hrtf_sha256": self._head.sha256,
            "room": "free field" if room is None or room.is_free_field else repr(room),
            "directivity": directivity,
            "air": "none" if self._acoustics.air is None else repr(self._acoustics.air),
            **options,
        }

    def __repr__(self) -> str:
        return f"PhysicalRenderer({self._head.title!r}, order={self.order}, itd={self.itd!r})"


def _air(value: Any) -> Air | None:
    if value is None or value == "none":
        return None
    if isinstance(value, Air):
        return value
    if value == "iso9613":
        return Air()
    if isinstance(value, Mapping):
        try:
            return Air(**value)
        except TypeError:
            raise ValidationError(
                "air takes temperature_c, humidity and pressure_kpa; got "
                f"{', '.join(map(str, value))}."
            ) from None
    raise ValidationError(
        f"air must be 'iso9613', 'none' or a mapping such as {{'humidity': 30}}; got {value!r}."
    )
