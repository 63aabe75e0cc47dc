"""The generator: check everything, speak, schedule, render, mix."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

import spatialdrama
from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import (
    GenerationError,
    SpatialDramaWarning,
    UnknownNameError,
    ValidationError,
)
from spatialdrama.io.stored import Scratch
from spatialdrama.runtime import folders
from spatialdrama.runtime.progress import progress as progress_bar
from spatialdrama.runtime.seeding import line_seed
from spatialdrama.staging.cast import check_cast
from spatialdrama.staging.forecast import Forecast, forecast
from spatialdrama.staging.kept import KeptLines
from spatialdrama.staging.mixing import mixed
from spatialdrama.staging.stems import levelled, trimmed
from spatialdrama.staging.timetable import check_gaps, shortened_overlaps, start_times
from spatialdrama.types import BinauralAudio, Drama, Line, Scene, Script, Speech
from spatialdrama.types.validate import check_positive
from spatialdrama_cascade.part import Part


class Cascade:
    """Any voice with any renderer, line by line.

    Parameters
    ----------
    voice, renderer : str or object
        Names from ``sd.voices`` and ``sd.renderers``, or objects with their methods.
    pause, lead_in : float, s
        Silence between lines whose script says nothing, and before the first line.
    level_db : float or None, dBFS
        Active level of every stem at 1 m; None keeps the voice's own level.
    rate, pitch : float
        Speed factor and semitones for every line.
    voice_options, renderer_options : mapping
        Handed to the two plugins.
    cache : bool
        Keep finished lines between runs.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> cascade = sd.load_generator("cascade", voice="kokoro", renderer="physical")
    >>> script = sd.Script.parse("ANNA: Who is there?")
    >>> scene = sd.Scene(speakers={"ANNA": sd.Pose.fixed(azimuth_deg=60, distance=1.5)})
    >>> drama = cascade.generate(script, scene, voices={"ANNA": "af_heart"},
    ...                          seed=7)                            # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        voice: Any = "kokoro",
        renderer: Any = "physical",
        pause: float = 0.45,
        lead_in: float = 0.3,
        level_db: float | None = -26.0,
        rate: float = 1.0,
        pitch: float = 0.0,
        voice_options: Mapping[str, Any] | None = None,
        renderer_options: Mapping[str, Any] | None = None,
        cache: bool = True,
    ) -> None:
        for name, value in {"pause": pause, "lead_in": lead_in}.items():
            if check_positive(value, name, unit="s", zero_ok=True) > 60:
                raise ValidationError(f"{name} must be 0 to 60 seconds; got {value}.")
        check_positive(rate, "rate")
        if not isinstance(cache, bool):
            raise ValidationError(f"cache must be true or false; got {cache!r}.")
        for name, value in {"pitch": pitch, "level_db": level_db}.items():
            if value is not None and not isinstance(value, int | float):
                raise ValidationError(f"{name} must be a number; got {value!r}.")
        self.pause, self.lead_in, self.level_db = pause, lead_in, level_db
        self.rate, self.pitch = rate, pitch
        self._parts = {
            "voice": Part.of("voice", voice, voice_options),
            "renderer": Part.of("renderer", renderer, renderer_options),
        }
        self._kept = KeptLines(enabled=cache and all(p.can_be_kept for p in self._parts.values()))

    @property
    def voice(self) -> Any:
        """The voice, loaded on first use."""
        return self._parts["voice"].load()

    @property
    def renderer(self) -> Any:
        """The renderer, loaded on first use."""
        return self._parts["renderer"].load()

    # -- checking -----------------------------------------------------------------------------

    def check(self, script: Script, scene: Scene, voices: Mapping[str, str]) -> None:
        """Raise for anything that would stop :meth:`generate`, before any work is done."""
        for part in self._parts.values():
            part.check_assets()
        if hasattr(self.renderer, "check"):
            self.renderer.check(scene)
        check_cast(
            script, scene, voices,
            lambda: ", one of " + ", ".join(self.voice.identities()[:6]) + ", ...",
        )  # fmt: skip
        check_gaps(script.lines)
        for i, line in enumerate(script, start=1):
            try:
                self._check_line(line, voices[line.speaker])
            except (ValidationError, UnknownNameError) as error:
                raise type(error)(f"line {i} of {line.speaker}: {error}") from None

    def _check_line(self, line: Line, identity: str) -> None:
        if hasattr(self.voice, "check"):
            self.voice.check(line.text, identity=identity, language=line.language)
            return
        for language in line.languages:
            if language not in self.voice.languages:
                raise ValidationError(
                    f"the voice speaks {', '.join(self.voice.languages)}, not {language!r}; "
                    "translate the line or choose another voice from sd.voices."
                )

    def forecast(self, script: Script) -> Forecast:
        """Return about how long a script will be and what it needs on the disk."""
        return forecast(
            script, pause=self.pause, lead_in=self.lead_in, rate=self.rate, kept=self._kept.enabled
        )

    # -- generating ---------------------------------------------------------------------------

    def generate(
        self,
        script: Script,
        scene: Scene,
        *,
        voices: Mapping[str, str],
        seed: int = 0,
        progress: bool | None = None,
    ) -> Drama:
        """Speak, place and mix every line.

        Parameters
        ----------
        script : Script
        scene : Scene
        voices : mapping of speaker to identity
        seed : int
            Every random choice of a line comes from this, its place and its text.
        progress : bool, optional
            Show a bar; default from the environment.

        Returns
        -------
        Drama
            With timed script, stems and provenance.

        Raises
        ------
        ValidationError, UnknownNameError
            Before any work, naming speaker or line.
        """
        self.check(script, scene, voices)
        shelf = Scratch(folder=folders.cache_home())
        stems = self._spoken(script, voices, seed, shelf, progress)
        timed = self._timed(script, stems)
        Scratch(2, folder=folders.cache_home()).check_space(2 * HOUSE_RATE * timed.duration)
        made: dict[int, dict[str, Any]] = {}
        parts = self._rendered(timed, stems, scene, made, progress)
        audio, gain_db = mixed(
            parts, HOUSE_RATE, folder=folders.cache_home(), generator="cascade", seed=seed
        )
        provenance = self._provenance(voices, seed, gain_db, made[0])
        return Drama(audio, timed, scene, stems, provenance)

    def _spoken(
        self,
        script: Script,
        voices: Mapping[str, str],
        seed: int,
        shelf: Scratch,
        progress: bool | None,
    ) -> tuple[Speech, ...]:
        """Speak line by line; beyond a minute the stems go from memory onto the shelf's file."""
        stems = []
        with progress_bar(label="speaking", total=len(script), unit="line", show=progress) as bar:
            for i, line in enumerate(script):
                bar.update(0, note=line.speaker)
                stem = self._speak(i, line, voices[line.speaker], seed)
                stems.append(attrs.evolve(stem, samples=shelf.keep(stem.samples)))
                bar.update()
        return tuple(stems)

    def _rendered(
        self,
        timed: Script,
        stems: Sequence[Speech],
        scene: Scene,
        made: dict[int, dict[str, Any]],
        progress: bool | None,
    ) -> Iterator[tuple[float, BinauralAudio]]:
        """Yield (start, rendered line) in the order of starts, each rendered when asked for.

        What made each line goes into `made` by the line's place in the script.
        """
        order = sorted(range(len(timed)), key=lambda i: (timed[i].start, i))
        with progress_bar(label="rendering", total=len(timed), unit="line", show=progress) as bar:
            for i in order:
                bar.update(0, note=timed[i].speaker)
                audio = self._render(timed[i], stems[i], scene)
                made[i] = dict(audio.provenance)
                yield timed[i].start, audio
                bar.update()

    def _speak(self, index: int, line: Line, identity: str, seed: int) -> Speech:
        request = {
            "text": line.text,
            "identity": identity,
            "language": line.language,
            "rate": float(self.rate),
            "pitch": float(self.pitch),
            "style": line.style,
            "seed": line_seed(seed, index, line.speaker, line.text),
        }
        inputs = {"part": self._parts["voice"].fingerprint(), "request": request}
        options = dict(request)
        text = options.pop("text")

        said = self._kept.speech(inputs, lambda: spoken(self.voice, text, options))
        unused = said.provenance.get("style_unused")
        if unused:
            warnings.warn(
                f"line {index + 1} of {line.speaker}: the voice has no style {unused!r}; it is "
                "spoken plainly.",
                SpatialDramaWarning,
                stacklevel=3,
            )
        return levelled(trimmed(said.resampled(HOUSE_RATE)), self.level_db)

    def _timed(self, script: Script, stems: Sequence[Speech]) -> Script:
        durations = [stem.duration for stem in stems]
        starts = start_times(script.lines, durations, pause=self.pause, lead_in=self.lead_in)
        for sentence in shortened_overlaps(script.lines, starts, durations):
            warnings.warn(sentence, SpatialDramaWarning, stacklevel=3)
        return Script(
            attrs.evolve(line, start=start, end=start + stem.duration, phones=stem.phones)
            for line, start, stem in zip(script, starts, stems, strict=True)
        )

    def _render(self, line: Line, stem: Speech, scene: Scene) -> BinauralAudio:
        source = scene.source(line.speaker)
        samples = stem.samples
        placed = {
            "start": float(line.start),
            "directivity": source.directivity,
            "gain_db": source.gain_db,
        }
        inputs = {
            "part": self._parts["renderer"].fingerprint(),
            "samples": samples,
            "pose": _arrays(source.pose),
            "listener": None if scene.listener is None else _arrays(scene.listener),
            "room": attrs.asdict(scene.room),
            **placed,
        }
        rendered = self._kept.binaural(
            inputs,
            lambda: self.renderer.render(
                samples,
                source.pose,
                rate=stem.rate,
                room=scene.room,
                listener=scene.listener,
                **placed,
            ),
        )
        if rendered.rate != HOUSE_RATE:
            raise GenerationError(
                f"the renderer gave {rendered.rate} Hz for {HOUSE_RATE} Hz input; "
                "it must keep the rate."
            )
        return rendered

    def _provenance(
        self,
        voices: Mapping[str, str],
        seed: int,
        gain_db: float,
        made: Mapping[str, Any],
    ) -> dict[str, Any]:
        assets: dict[str, str] = {}
        for part in self._parts.values():
            assets |= part.assets()
        return {
            "generator": "cascade",
            "seed": seed,
            "voices": dict(voices),
            "voice": self._parts["voice"].fingerprint(),
            "renderer": {
                **self._parts["renderer"].fingerprint(),
                "made": dict(made),
            },
            "options": {
                "pause": self.pause,
                "lead_in": self.lead_in,
                "level_db": self.level_db,
                "rate": self.rate,
                "pitch": self.pitch,
            },
            "mix_gain_db": round(gain_db, 3),
            "versions": _versions(),
            "assets": assets,
            "watermark": None,
        }


def spoken(voice: Any, text: str, options: Mapping[str, Any]) -> Speech:
    """Let `voice` speak, and pass its warnings on, except the one about an unused style.

    That one is said again with the line's number, and on kept lines too, wherever the voice
    tells of it in its provenance.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = voice.speak(text, **options)
    for warning in caught:
        about_style = "style" in str(warning.message) and said.provenance.get("style_unused")
        if not about_style:
            warnings.warn(warning.message, warning.category, stacklevel=3)
    return said


def _arrays(pose: Any) -> dict[str, np.ndarray]:
    return {name: pose.data[name].values for name in ("time", "position", "orientation", "valid")}


def _versions() -> dict[str, str]:
    from importlib import metadata

    out = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("numpy", "scipy", "soxr", "onnxruntime"):
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"spatialdrama": spatialdrama.__version__, **out}
