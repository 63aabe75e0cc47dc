"""What a renderer gives besides one binaural sound: other layouts, stems, blocks and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama.io.block_writer import WrittenSound, writing
from spatialdrama.types import BinauralAudio, MultichannelAudio, Scene
from spatialdrama.types.multichannel import LAYOUTS
from spatialdrama_render.forecast import Forecast, work_per_second
from spatialdrama_render.layouts import layout_receiver
from spatialdrama_render.mixing import check_scene, talkers_of
from spatialdrama_render.plan import Plan

Stems = Sequence[tuple[str, float, Any]]
Shown = bool | Callable[[int, int], None] | None


class Outputs:
    """Methods of :class:`~spatialdrama_render.physical.PhysicalRenderer` for a whole scene.

    Stems are (speaker, start in s, samples); samples are (n,) float arrays at `rate`,
    :class:`~spatialdrama.io.audio.MonoFile` objects, which are read as they are needed, or
    :class:`~spatialdrama.types.Speech`, which is resampled to the house's rate.
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
        plan, arranged = self._scene_plan(stems, scene, layout, rate)
        return MultichannelAudio(
            arranged(plan.whole(progress)), self.rate, layout,
            provenance=self._scene_provenance(scene, layout),
        )  # fmt: skip

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
        plan, _ = self._scene_plan(stems, scene, "binaural", rate)
        about = self._scene_provenance(scene, "binaural")
        mix = np.zeros((2, plan.length()), dtype=np.float32)
        alone = {}
        for k, (name, talker) in enumerate(zip(_speakers(stems), plan.talkers, strict=True)):
            samples = np.zeros_like(mix)
            one = attrs.evolve(plan, talkers=[talker])
            part = one.whole(_part_of(progress, k, len(plan.talkers)))
            samples[:, : part.shape[1]] = part  # whoever falls silent early is silent to the end
            mix += samples
            alone[name] = BinauralAudio(samples, self.rate, provenance=about | {"stem": name})
        return BinauralAudio(mix, self.rate, provenance=about), alone

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
        plan, arranged = self._scene_plan(stems, scene, layout, rate)
        return map(arranged, plan.blocks(progress))

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
        plan, arranged = self._scene_plan(stems, scene, layout, rate)
        _check_not_read(stems, path)
        length = plan.length()
        channels = 2 if layout == "binaural" else len(LAYOUTS[layout])
        with writing(
            path, channels, self.rate, frames=length, subtype=subtype, layout=layout
        ) as writer:
            for block in plan.blocks(progress):
                writer.write(arranged(block))
        return WrittenSound(
            Path(path), layout, self.rate, length, writer.peak, writer.format, writer.subtype,
            self._scene_provenance(scene, layout),
        )  # fmt: skip

    def forecast(
        self, stems: Stems, scene: Scene, *, layout: str = "binaural", rate: int = HOUSE_RATE
    ) -> Forecast:
        """Check a scene and tell what rendering it would give and take, without rendering it.

        Parameters
        ----------
        stems : sequence of (speaker, start in s, samples)
        scene : Scene
        layout : "binaural", "foa" or "5.1"
        rate : int, Hz

        Returns
        -------
        Forecast
            Its time is that of a fraction of a second, rendered from noise on this machine.
        """
        plan, _ = self._scene_plan(stems, scene, layout, rate)
        return Forecast(
            layout=layout,
            duration=plan.length() / self.rate,
            rate=self.rate,
            speakers=_speakers(stems),
            nearest=min(talker.nearest for talker in plan.talkers),
            farthest=max(talker.reach for talker in plan.talkers),
            room=repr(scene.room),
            work=sum(
                work_per_second(plan, talker) * talker.spoken / self.rate for talker in plan.talkers
            ),
        )

    def _scene_plan(
        self, stems: Stems, scene: Scene, layout: str, rate: int
    ) -> tuple[Plan, Callable[[np.ndarray], np.ndarray]]:
        """Return the checked scene, and what puts its channels into a file's order."""
        receiver, arranged = None, _as_is
        check_scene(scene)
        if layout != "binaural":
            receiver = layout_receiver(layout, self.rate)
            arranged = receiver.ears.head.arranged
            if scene.room.is_measured:
                raise ValidationError(
                    f"{scene.room!r} was measured at two ears and gives no {layout}; use a room "
                    "with size= and rt60=, or layout='binaural'."
                )
        talkers = talkers_of(stems, scene, rate=rate, house_rate=self.rate)
        plan = self.plan(list(talkers.values()), scene.room, scene.listener, 0.0, receiver)
        return plan, arranged

    def _scene_provenance(self, scene: Scene, layout: str) -> dict[str, Any]:
        about = self._provenance(scene.room, "as the scene says")
        if layout == "binaural":
            return about
        # Nothing of a head is in it.
        of_head = {"hrtf_sha256", "equalisation", "itd", "phase", "near", "basis", "interpolation"}
        return {k: v for k, v in about.items() if k not in of_head} | {
            "hrtf": "none", "layout": layout
        }  # fmt: skip


def _as_is(samples: np.ndarray) -> np.ndarray:
    return samples


def _check_not_read(stems: Stems, path: str | Path) -> None:
    """Refuse to write into a file that a stem is read from."""
    for who, _, samples in stems:
        read = getattr(getattr(samples, "signal", samples), "path", None)
        if read is not None and same_file(read, path):
            raise ValidationError(
                f"{path} is the file that the stem of {who!r} is read from; write to another one."
            )


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file, through links too; neither needs to exist."""
    one, other = Path(one).expanduser(), Path(other).expanduser()
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()


def _speakers(stems: Stems) -> tuple[str, ...]:
    """Return who speaks, in the order of first words, as :func:`talkers_of` has them."""
    return tuple(dict.fromkeys(who for who, _, _ in stems))


def _part_of(progress: Shown, part: int, parts: int) -> Shown:
    """Return progress for one of several runs of about equal length."""
    if not callable(progress):
        return progress
    return lambda done, total: progress(part * total + done, parts * total)
