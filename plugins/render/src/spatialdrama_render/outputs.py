"""What a renderer gives besides one binaural sound: other layouts, stems, blocks and files."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama.io.block_writer import WrittenSound, writing
from spatialdrama.types import BinauralAudio, MultichannelAudio, Scene
from spatialdrama_render.layouts import Layout, layout_ears
from spatialdrama_render.mixing import talkers_of
from spatialdrama_render.plan import RenderPlan, work_per_second
from spatialdrama_render.talkers import Talker

Stems = Sequence[tuple[str, float, Any]]
Shown = bool | Callable[[int, int], None] | None


class Outputs:
    """Methods of :class:`~spatialdrama_render.physical.PhysicalRenderer` for a whole scene.

    Stems are (speaker, start in s, samples); samples are (n,) float arrays, or
    :class:`~spatialdrama.io.audio.MonoFile` objects, which are read as they are needed.
    """

    __slots__ = ()

    def render_layout(
        self,
        stems: Stems,
        scene: Scene,
        *,
        layout: str = "foa",
        rate: int = HOUSE_RATE,
        progress: Shown = None,
    ) -> MultichannelAudio:
        """Render a scene for loudspeakers or for a decoder, from drama time 0.

        Paths, levels, Doppler shifts, directivity and rooms are those of :meth:`render_scene`; a
        listener who turns turns the sound field.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, samples)
        scene : Scene
        layout : "foa" or "5.1"
            First-order ambisonics (AmbiX: W Y Z X, SN3D), a unit source at 1 m straight ahead
            being 1 in W and X; or L R C LFE Ls Rs (ITU-R BS.775), panned in pairs with constant
            power, LFE silent.
        rate : int, Hz
        progress : bool or callable(done, total), optional

        Returns
        -------
        MultichannelAudio

        Raises
        ------
        UnknownNameError
            For another layout.
        ValidationError
            As :meth:`render_scene`; and for a measured room, which was measured at two ears.

        Examples
        --------
        >>> import numpy as np, spatialdrama as sd
        >>> renderer = sd.load_renderer("physical")                       # doctest: +SKIP
        >>> scene = sd.Scene(speakers={"ANNA": sd.Pose.fixed((0, 2, 0))})   # doctest: +SKIP
        >>> stems = [("ANNA", 0.0, np.random.randn(48000) / 10)]          # doctest: +SKIP
        >>> renderer.render_layout(stems, scene, layout="5.1")            # doctest: +SKIP
        MultichannelAudio(5.1, 1.01 s at 48000 Hz, peak -16.3 dBFS)
        """
        made = self._through(layout, scene)
        talkers = _talkers(self, stems, scene, rate)
        length = _length(made, talkers, scene)
        samples = _filled(_run(made, talkers, scene, length, progress), length)
        return MultichannelAudio(
            samples, self.rate, layout, provenance=_provenance(made, scene, layout)
        )

    def render_stems(
        self, stems: Stems, scene: Scene, *, rate: int = HOUSE_RATE, progress: Shown = None
    ) -> tuple[BinauralAudio, dict[str, BinauralAudio]]:
        """Render a scene and each speaker of it alone, all from drama time 0 and of one length.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, samples)
        scene : Scene
        rate : int, Hz
        progress : bool or callable(done, total), optional

        Returns
        -------
        mix : BinauralAudio
            The sum of the stems, and what :meth:`render_scene` gives, within rounding.
        stems : dict of speaker to BinauralAudio
            Each with its own reflections and its own share of the tail.

        Raises
        ------
        ValidationError
            As :meth:`render_scene`.
        """
        talkers = _talkers(self, stems, scene, rate)
        length = _length(self, talkers, scene)
        mix = np.zeros((2, length), dtype=np.float32)
        alone = {}
        for k, (name, talker) in enumerate(talkers.items()):
            shown = _part_of(progress, k, len(talkers))
            samples = _filled(_run(self, {name: talker}, scene, length, shown), length)
            mix += samples
            about = _provenance(self, scene, "binaural") | {"stem": name}
            alone[name] = BinauralAudio(samples, self.rate, provenance=about)
        return (
            BinauralAudio(mix, self.rate, provenance=_provenance(self, scene, "binaural")), alone
        )  # fmt: skip

    def blocks(
        self,
        stems: Stems,
        scene: Scene,
        *,
        layout: str = "binaural",
        rate: int = HOUSE_RATE,
        progress: Shown = None,
    ) -> Iterator[np.ndarray]:
        """Render a scene block by block; memory does not grow with its length.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, samples)
        scene : Scene
        layout : "binaural", "foa" or "5.1"
        rate : int, Hz
        progress : bool or callable(done, total), optional

        Returns
        -------
        iterator of (c, n) float32
            Side by side they are what :meth:`render_scene` or :meth:`render_layout` gives, sample
            for sample. Everything is checked before the first block, except samples that are
            still in files.

        Examples
        --------
        >>> for block in renderer.blocks(stems, scene):                   # doctest: +SKIP
        ...     player.play(block.T)
        """
        made = self._through(layout, scene)
        talkers = _talkers(self, stems, scene, rate)
        return _run(made, talkers, scene, _length(made, talkers, scene), progress)

    def render_file(
        self,
        stems: Stems,
        scene: Scene,
        path: str | Path,
        *,
        layout: str = "binaural",
        subtype: str | None = None,
        rate: int = HOUSE_RATE,
        progress: Shown = None,
    ) -> WrittenSound:
        """Render a scene of any length into a file, whole or not at all.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, samples)
        scene : Scene
        path : path
            Ends in .wav or .flac.
        layout : "binaural", "foa" or "5.1"
        subtype : str, optional
            See :func:`spatialdrama.io.block_writer.writing`.
        rate : int, Hz
        progress : bool or callable(done, total), optional

        Returns
        -------
        WrittenSound
            What lies in the file now.

        Raises
        ------
        ValidationError
            As :meth:`render_scene` and :func:`spatialdrama.io.block_writer.writing`. A file that
            was there before stays as it was.

        Examples
        --------
        >>> from spatialdrama.io.audio import MonoFile
        >>> stems = [("ANNA", 0.0, MonoFile("hour.flac"))]                # doctest: +SKIP
        >>> renderer.render_file(stems, scene, "hour.wav", progress=True)   # doctest: +SKIP
        WrittenSound(hour.wav: binaural, 3600.52 s at 48000 Hz, WAV PCM_24, peak -8.1 dBFS)
        """
        made = self._through(layout, scene)
        talkers = _talkers(self, stems, scene, rate)
        length = _length(made, talkers, scene)
        channels = len(made.head.channels) if isinstance(made.head, Layout) else 2
        with writing(
            path, channels, self.rate, frames=length, subtype=subtype, layout=layout
        ) as writer:
            for block in _run(made, talkers, scene, length, progress):
                writer.write(block)
        return WrittenSound(
            Path(path), layout, self.rate, length, writer.peak, writer.format, writer.subtype,
            _provenance(made, scene, layout),
        )  # fmt: skip

    def plan(
        self, stems: Stems, scene: Scene, *, layout: str = "binaural", rate: int = HOUSE_RATE
    ) -> RenderPlan:
        """Check a scene and tell what rendering it would give and take, without rendering it.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, samples)
        scene : Scene
        layout : "binaural", "foa" or "5.1"
        rate : int, Hz

        Returns
        -------
        RenderPlan
            Its time is that of a fraction of a second, rendered from noise on this machine.
        """
        made = self._through(layout, scene)
        talkers = _talkers(self, stems, scene, rate)
        length = _length(made, talkers, scene)
        work = sum(
            work_per_second(made, talker, scene) * talker.spoken / self.rate
            for talker in talkers.values()
        )
        return RenderPlan(
            layout=layout,
            duration=length / self.rate,
            rate=self.rate,
            speakers=tuple(talkers),
            nearest=min(talker.nearest for talker in talkers.values()),
            farthest=max(talker.reach for talker in talkers.values()),
            room=repr(scene.room),
            work=work,
        )

    def _through(self, layout: str, scene: Scene) -> Any:
        """Return this renderer with another receiver; it shares all else."""
        if layout == "binaural":
            return self
        ears = layout_ears(layout, self.rate)
        if scene.room.is_measured:
            raise ValidationError(
                f"{scene.room!r} was measured at two ears and gives no {layout}; use a room with "
                "size= and rt60=, or layout='binaural'."
            )
        other = copy.copy(self)
        # What was prepared for the head does not hold for another receiver.
        other._head, other._ears, other._tails = ears.head, ears, {}
        return other


def _talkers(renderer: Any, stems: Stems, scene: Scene, rate: int) -> dict[str, Talker]:
    return talkers_of(stems, scene, rate=rate, house_rate=renderer.rate)


def _room(scene: Scene) -> Any:
    return None if scene.room.is_free_field else scene.room


def _length(renderer: Any, talkers: dict[str, Talker], scene: Scene) -> int:
    return renderer._length(list(talkers.values()), _room(scene))


def _run(
    renderer: Any, talkers: dict[str, Talker], scene: Scene, length: int, progress: Shown
) -> Iterator[np.ndarray]:
    """Yield (channels, n) blocks of `length` samples, in the order of a file."""
    arranged = getattr(renderer.head, "arranged", lambda block: block)
    for block in renderer._blocks(
        list(talkers.values()), _room(scene), scene.listener, 0.0, length, progress
    ):
        yield arranged(block)


def _filled(blocks: Iterator[np.ndarray], length: int) -> np.ndarray:
    out, done = np.zeros((0, length), dtype=np.float32), 0
    for block in blocks:
        if not len(out):
            out = np.zeros((len(block), length), dtype=np.float32)
        out[:, done : done + block.shape[1]] = block
        done += block.shape[1]
    return out


def _part_of(progress: Shown, part: int, parts: int) -> Shown:
    """Return progress for one of several runs of equal length."""
    if not callable(progress):
        return progress
    return lambda done, total: progress(part * total + done, parts * total)


def _provenance(renderer: Any, scene: Scene, layout: str) -> dict[str, Any]:
    about = renderer._provenance(_room(scene), "as the scene says")
    return about if layout == "binaural" else about | {"layout": layout}
