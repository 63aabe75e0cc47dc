"""The renderer ``physical``: what a head would hear of a moving voice in a room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Pose, Room, Scene
from spatialdrama_render import buses, delay, direct, images
from spatialdrama_render.buses import BasisBuses
from spatialdrama_render.checks import Job, checked_job
from spatialdrama_render.direct import DirectFilter
from spatialdrama_render.directivity import (
    check_directivity,
    diffuse_share,
    direct_share,
    low_passed,
)
from spatialdrama_render.heads import load_head
from spatialdrama_render.hrtf import INTERPOLATIONS, HrtfSet
from spatialdrama_render.images import Images, shoebox_images
from spatialdrama_render.mixing import mix_stems
from spatialdrama_render.propagation import Paths, trace
from spatialdrama_render.tail import binaural_tail
from spatialdrama_render.threads import one_blas_thread

VERSION = 1
#: Output samples per block; with the filters' history the transforms are 8192 long.
BLOCK = 8064


@attrs.define(eq=False, repr=False)
class PhysicalRenderer:
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
        Number of basis filters for reflections, see :class:`spatialdrama_render.buses.BasisBuses`.

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
    _head: HrtfSet = attrs.field(init=False)
    _direct: DirectFilter = attrs.field(init=False)
    _buses: BasisBuses = attrs.field(init=False)
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
        self._direct = DirectFilter(self._head)
        self._buses = BasisBuses(self._head, self.basis)

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
        directivity = check_directivity(directivity)
        job = checked_job(
            mono, pose, rate=rate, start=start, room=room, listener=listener, gain_db=gain_db,
            house_rate=self.rate,
        )  # fmt: skip
        samples = self._render(job, directivity)
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
        samples = mix_stems(self.render, stems, scene, rate=rate, progress=progress)
        return BinauralAudio(
            samples, self.rate, provenance=self._provenance(scene.room, "as the scene says")
        )

    # -- how it is done -----------------------------------------------------------------------

    def _render(self, job: Job, directivity: str) -> np.ndarray:
        everything = shoebox_images(job.room, self.order, law=self.absorption_law)
        signal = _directional(job.mono, directivity, self.rate)
        tail = self._tail(job.room)
        early = len(job.mono) + self._longest_delay(job, everything)
        out = np.zeros((2, max(early, len(job.mono) + len(tail[0]) - 1)), dtype=np.float32)
        with one_blas_thread():
            for first in range(0, early, BLOCK):
                block = self._block(job, signal, everything, first)
                out[:, first : min(first + BLOCK, early)] = block[:, : early - first]
        if tail.any():
            from scipy.signal import oaconvolve

            emitted = job.mono
            if directivity == "speech":
                share = np.float32(diffuse_share())
                emitted = signal.real + share * signal.imag
            out[:, : len(job.mono) + tail.shape[1] - 1] += oaconvolve(emitted[None], tail, axes=1)
        return out

    def _block(self, job: Job, signal: np.ndarray, every: Images, first: int) -> np.ndarray:
        """Return (2, BLOCK): direct sound and reflections of one block; needs no earlier block."""
        out = self._direct_block(job, signal, every.only(slice(0, 1)), first)
        if len(every) > 1:
            out += self._image_block(job, signal, every.only(slice(1, None)), first)
        return out

    def _direct_block(self, job: Job, signal: np.ndarray, one: Images, first: int) -> np.ndarray:
        history = self._direct.history
        paths, position, index, weight = self._follow(job, one, first - history, direct.HOP, signal)
        fine, position = delay.raised_for(signal, position, direct.HOP)
        gain = self._gain(paths, one)
        ears = np.empty((2, history + BLOCK), dtype=np.float32)
        for e in (0, 1):
            read = delay.read_lagrange(fine, position[e], direct.HOP)
            voiced = _mouth(read, paths, signal, direct.HOP)
            ears[e] = (voiced * delay.lines(gain, direct.HOP)).ravel()
        skip = history // direct.HOP
        return self._direct(ears, index[skip:, 0], weight[skip:, 0])

    def _image_block(self, job: Job, signal: np.ndarray, some: Images, first: int) -> np.ndarray:
        history = self._buses.history
        paths, position, index, weight = self._follow(job, some, first - history, buses.HOP, signal)
        fine, position = delay.raised_for(signal, position, buses.HOP)
        if not fine.any():
            return np.zeros((2, BLOCK), dtype=np.float32)
        weights = self._buses.weights(index, weight, self._gain(paths, some))
        mixed = np.empty((2, len(self._buses.filters), history + BLOCK), dtype=np.float32)
        for e in (0, 1):
            read = delay.read_linear(fine, position[e], buses.HOP)
            mixed[e] = self._buses.mix(_mouth(read, paths, signal, buses.HOP), weights[e])
        return self._buses.filter(mixed)

    def _follow(
        self, job: Job, some: Images, first: int, hop: int, signal: np.ndarray
    ) -> tuple[Paths, np.ndarray, np.ndarray, np.ndarray]:
        """Trace images at control points from sample `first` on.

        Returns the paths, the (2, k, i) positions in `signal` that each ear hears, and the
        (k, i, 3) grid points and weights of their directions.
        """
        history = self._direct.history if hop == direct.HOP else self._buses.history
        count = (history + BLOCK) // hop + 1
        times = job.start + (first + hop * np.arange(count)) / self.rate
        paths = trace(
            job.track, times, job.listener, some.sign, some.offset, mouth=np.iscomplexobj(signal)
        )
        shape = paths.distance.shape
        index, weight, delays = self._head.look_up(
            paths.direction.reshape(-1, 3), self.interpolation
        )
        heard = paths.emission - job.start - delays.T.reshape(2, *shape)
        return paths, heard * self.rate, index.reshape(*shape, 3), weight.reshape(*shape, 3)

    def _gain(self, paths: Paths, some: Images) -> np.ndarray:
        """Return (k, i) pressure re 1 m."""
        return some.gain / np.maximum(paths.distance, self.near_limit)

    def _longest_delay(self, job: Job, every: Images) -> int:
        """Return in samples how long after its emission the last image can be heard."""
        farthest = job.reach if job.room is None else self._farthest(job, every)
        seconds = farthest / SPEED_OF_SOUND + float(self._head.delays.max())
        return int(np.ceil(seconds * self.rate)) + self._head.taps + delay.GUARD

    def _farthest(self, job: Job, every: Images) -> float:
        """Return in m how far an image can be, wherever in the room the source stands."""
        low, high = (np.asarray(b) for b in job.room.bounds)
        corner = np.maximum(
            np.abs(every.sign * low + every.offset), np.abs(every.sign * high + every.offset)
        )
        head = 0.0 if job.listener is None else np.linalg.norm(np.maximum(-low, high))
        return float(np.linalg.norm(corner, axis=1).max() + head)

    def _tail(self, room: Room | None) -> np.ndarray:
        if room is None or room.is_free_field or not self.tail:
            return np.zeros((2, 1), dtype=np.float32)
        key = (room.size, room.rt60, room.absorption)
        if key not in self._tails:
            self._tails[key] = binaural_tail(
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


def _directional(mono: np.ndarray, directivity: str, rate: int) -> np.ndarray:
    """Return the mono signal, or low + j (mono - low) for a source with a mouth.

    Both parts are then read at once; see :mod:`spatialdrama_render.directivity`.
    """
    if directivity == "omni":
        return mono
    low = low_passed(mono.astype(np.float64), rate)
    return (low + 1j * (mono - low)).astype(np.complex64)


def _mouth(read: np.ndarray, paths: Paths, signal: np.ndarray, hop: int) -> np.ndarray:
    """Mix the two parts of :func:`_directional` by the angle to the mouth; (s, i, hop) float32."""
    if not np.iscomplexobj(signal):
        return read
    out = delay.lines(direct_share(paths.cos_mouth), hop)
    out *= read.imag
    out += read.real
    return out
