"""The generator `isdrama`: a script, a scene and voice prompts to a binaural drama (paper 4.4)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import SpatialDramaError, SpatialDramaWarning, ValidationError
from spatialdrama.io.stored import Scratch
from spatialdrama.runtime import folders
from spatialdrama.runtime.progress import progress as progress_bar
from spatialdrama.staging.cast import check_cast
from spatialdrama.staging.forecast import Forecast, forecast
from spatialdrama.staging.mixing import mixed
from spatialdrama.staging.timetable import check_gaps
from spatialdrama.types import BinauralAudio, Drama, Scene, Script
from spatialdrama.types.validate import unknown_name
from spatialdrama_isdrama import checkpoints
from spatialdrama_isdrama.checkpoints import Loaded
from spatialdrama_isdrama.drama.encoding import Encoding
from spatialdrama_isdrama.drama.lines import FinishedLine, joined
from spatialdrama_isdrama.drama.planning import Plan, plan
from spatialdrama_isdrama.drama.production import Production
from spatialdrama_isdrama.drama.prompts import VoicePrompt, read_prompt
from spatialdrama_isdrama.drama.settings import Settings
from spatialdrama_isdrama.drama.shelf import Shelf
from spatialdrama_isdrama.drama.telling import check_model, not_obeyed, provenance, whispered
from spatialdrama_isdrama.drama.turns import shared_path, timed

#: Names the folder of the weights once for all.
VARIABLE = "SPATIALDRAMA_ISDRAMA"


class Isdrama:
    """ISDrama in one stage: text, voice prompts and poses become binaural lines by flow matching.

    Lines are made in turns of 16 s at most. Each listens to its speaker's prompt and, through
    context-consistent guidance (equation 5), to that speaker's line before.

    Parameters
    ----------
    weights : path or Loaded
        The folder of a checkpoint, see :mod:`spatialdrama_isdrama.checkpoints`; default what the
        environment variable ``SPATIALDRAMA_ISDRAMA`` names.
    device : "auto", "cpu", "cuda" or "cuda:N"
    dtype : "float32" or "bfloat16"
    solver, steps, gamma, alpha, batch_seconds, pause, lead_in, prompt_seconds, level_db, prompts
        See :class:`~spatialdrama_isdrama.drama.settings.Settings`; None is what the model says,
        in the paper Euler, 25, 3 and 0.4.
    times : "script" or "pose"
        "pose" gives lines the lengths of the turns of the one path that all speakers share (C.4).
    tracker, tracker_options
        What follows mouths through videos: "lucas-kanade", "opencv" or, as in the paper,
        "co-tracker" with ``{"checkpoint": "scaled_offline.pth"}``.
    scan : "auto", "reference" or "fused", optional
        Kernel of the selective scan. "auto" takes mamba-ssm's on CUDA where it is installed and
        the slower plain one elsewhere; the provenance says which ran.
    scene_encoder : callable, "words" or "none"
        What reads the description of the place; see
        :class:`~spatialdrama_isdrama.drama.encoding.Encoding`.
    cache : bool
        Keep finished segments between runs, so that an interrupted drama goes on.

    Raises
    ------
    ValidationError
        An option out of range. A missing or broken checkpoint is told by :meth:`check`.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> isdrama = sd.load_generator("isdrama", weights="isdrama-small")      # doctest: +SKIP
    >>> drama = isdrama.generate(script, scene, voices={"ANNA": "anna.wav"},
    ...                          seed=7)                                     # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        weights: Any = None,
        device: Any = "auto",
        dtype: str = "float32",
        solver: str | None = None,
        steps: int | None = None,
        gamma: float | None = None,
        alpha: float | None = None,
        batch_seconds: float | None = None,
        pause: float = 0.45,
        lead_in: float = 0.3,
        prompt_seconds: float = 10.0,
        level_db: float = -26.0,
        prompts: Mapping[str, Any] | None = None,
        times: str = "script",
        tracker: Any = "lucas-kanade",
        tracker_options: Mapping[str, Any] | None = None,
        scan: str | None = None,
        scene_encoder: Any = "words",
        cache: bool = True,
    ) -> None:
        if not isinstance(cache, bool):
            raise ValidationError(f"cache must be true or false; got {cache!r}.")
        self.settings = Settings(
            solver=solver, steps=steps, gamma=gamma, alpha=alpha, batch_seconds=batch_seconds,
            pause=pause, lead_in=lead_in, prompt_seconds=prompt_seconds, level_db=level_db,
            prompts=prompts, times=times, tracker=tracker, tracker_options=tracker_options,
        )  # fmt: skip
        if isinstance(weights, Loaded) and (str(device), dtype, scan) != ("auto", "float32", None):
            raise ValidationError(
                "a model that is loaded has its device, dtype and scan; leave these options out, "
                "or give the folder of the weights."
            )
        self._weights = weights if weights is not None else os.environ.get(VARIABLE) or None
        self._device, self._dtype, self._scan = device, dtype, scan
        self._scene_encoder = scene_encoder
        self._loaded: tuple[Loaded, Encoding] | None = None
        self._shelf = Shelf(enabled=cache)

    def __repr__(self) -> str:
        given = self._weights if isinstance(self._weights, Loaded) else repr(self._weights)
        return f"Isdrama(weights={given})"

    @property
    def model(self) -> Loaded:
        """The checkpoint, loaded on first use."""
        return self._ready()[0]

    def _ready(self) -> tuple[Loaded, Encoding]:
        if self._loaded is None:
            if self._weights is None:
                raise ValidationError(
                    "the generator 'isdrama' needs weights; give weights=FOLDER, on the command "
                    "line --set weights=FOLDER, the folder of a checkpoint with config.json, or "
                    f"set {VARIABLE}."
                )
            model = self._weights
            if not isinstance(model, Loaded):
                model = checkpoints.load(
                    model, device=self._device, dtype=self._dtype, scan=self._scan
                )
            check_model(model.config)
            self.settings.check_guidance(model.config.transformer)
            encoding = Encoding(
                model, self.settings.prompts, scene_encoder=self._scene_encoder,
                tracker=self.settings.load_tracker(),
            )  # fmt: skip
            self._loaded = model, encoding
        return self._loaded

    # -- checking -----------------------------------------------------------------------------

    def check(self, script: Script, scene: Scene, voices: Mapping[str, Any]) -> None:
        """Raise for anything that would stop :meth:`generate`, before any line is made.

        Raises
        ------
        ValidationError, UnknownNameError
            Names the speaker, the line, the prompt or the checkpoint.
        """
        self._checked(script, scene, voices)

    def _checked(
        self, script: Script, scene: Scene, voices: Mapping[str, Any]
    ) -> tuple[dict[str, VoicePrompt], Plan]:
        self._check_cast(script, scene, voices)
        check_gaps(script.lines)
        model, encoding = self._ready()
        planned = self.plan(script, scene)
        encoding.check(scene, planned.script)
        prompts = {
            name: read_prompt(
                voices[name], speaker=name, mel=model.config.mel,
                most=self.settings.prompt_seconds, level_db=self.settings.level_db,
            )
            for name in script.speakers
        }  # fmt: skip
        return prompts, planned

    def _check_cast(self, script: Script, scene: Scene, voices: Mapping[str, Any]) -> None:
        check_cast(script, scene, voices, lambda: "; give it a voice prompt.")
        for name in self.settings.prompts:
            if name not in script.speakers:
                raise unknown_name("speaker in the script with a prompt", name, script.speakers)

    def forecast(self, script: Script) -> Forecast:
        """Return about how long a script will be and what it needs on the disk."""
        return forecast(
            script, pause=self.settings.pause, lead_in=self.settings.lead_in,
            kept=self._shelf.enabled,
        )  # fmt: skip

    def plan(self, script: Script, scene: Scene | None = None) -> Plan:
        """Return what is said when, in which segments, before anything sounds.

        Parameters
        ----------
        script : Script
        scene : Scene, optional
            Needed for ``times="pose"``, where its path says how long the lines are.

        Raises
        ------
        ValidationError
            Names the line: no phones in its text, too little time, or too long without a pause;
            with ``times="pose"``, speakers with several paths, or one with another number of turns.
        """
        model, encoding = self._ready()
        if self.settings.times == "pose":
            if scene is None:
                raise ValidationError("times='pose' needs the scene too: plan(script, scene).")
            script = self._of_path(script, scene)
        spelled = []
        for i, line in enumerate(script, start=1):
            try:
                spelled.append(encoding.spell(line))
            except SpatialDramaError as error:
                raise type(error)(f"line {i} of {line.speaker}: {error}") from None
        return plan(
            script, [one.reading for one in spelled],
            [
                encoding.durations(one, free=not line.is_timed)
                for one, line in zip(spelled, script, strict=True)
            ],
            mel=model.config.mel,
            pause=self.settings.pause, lead_in=self.settings.lead_in,
        )  # fmt: skip

    def _of_path(self, script: Script, scene: Scene) -> Script:
        """Return the script with the times of the turns of its speakers' path."""
        path = shared_path(script, scene, self.settings.prompts)
        return timed(script, path, jump_speed=self.model.config.pose.jump_speed)

    # -- generating ---------------------------------------------------------------------------

    def generate(
        self,
        script: Script,
        scene: Scene,
        *,
        voices: Mapping[str, Any],
        seed: int = 0,
        progress: bool | None = None,
    ) -> Drama:
        """Make every line and mix them.

        Parameters
        ----------
        script : Script
            A line with times lasts exactly as long as they say; any other as predicted.
        scene : Scene
        voices : mapping of speaker to sound file, Speech or (samples, rate)
            At least 1 s of speech each, see
            :func:`~spatialdrama_isdrama.drama.prompts.read_prompt`.
        seed : int
            Every random number of a segment comes from this, its place and its text.
        progress : bool, optional
            Show a bar; default from the environment.

        Returns
        -------
        Drama
            With timed script, stems (the mean of both ears of each line) and provenance.

        Raises
        ------
        ValidationError, UnknownNameError, DeviceError
            Before any work.
        GenerationError
            A line came out as no sound.

        Notes
        -----
        Interrupted, it keeps finished segments, and the next call goes on from there.
        """
        shelf = Scratch(2, folder=folders.cache_home())
        stems_shelf = Scratch(folder=folders.cache_home())
        parts: list[tuple[float, BinauralAudio]] = []
        stems, lines = [], []
        prompts, made = self._begun(script, scene, voices, seed)
        for one in self._lines(made, scene, progress):
            parts.append(
                (one.line.start, attrs.evolve(one.audio, samples=shelf.keep(one.audio.samples)))
            )
            stems.append(attrs.evolve(one.stem, samples=stems_shelf.keep(one.stem.samples)))
            lines.append(one.line)
        parts.sort(key=lambda part: part[0])
        audio, gain_db = mixed(
            parts, HOUSE_RATE, folder=folders.cache_home(), generator="isdrama", seed=seed
        )
        about = provenance(self.model, prompts, seed, gain_db, made)
        return Drama(audio, Script(lines), scene, tuple(stems), about)

    def stream(
        self,
        script: Script,
        scene: Scene,
        *,
        voices: Mapping[str, Any],
        seed: int = 0,
        progress: bool | None = None,
    ) -> Iterator[FinishedLine]:
        """Yield each line as soon as it and those before it are finished, in script order.

        Everything is checked before the first line; the lines are those of :meth:`generate`.
        Closing the iterator cancels what is left.

        Parameters
        ----------
        script, scene, voices, seed, progress
            As for :meth:`generate`.
        """
        _, made = self._begun(script, scene, voices, seed)
        return self._lines(made, scene, progress)

    def production(
        self, script: Script, scene: Scene, *, voices: Mapping[str, Any], seed: int = 0
    ) -> Production:
        """Return the segments of a drama, checked and not yet made, to look into their making.

        See :func:`spatialdrama_isdrama.inspection.drama.inspect`.

        Parameters
        ----------
        script, scene, voices, seed
            As for :meth:`generate`.
        """
        return self._begun(script, scene, voices, seed)[1]

    def _begun(
        self, script: Script, scene: Scene, voices: Mapping[str, Any], seed: int
    ) -> tuple[dict[str, VoicePrompt], Production]:
        prompts, planned = self._checked(script, scene, voices)
        model, encoding = self._ready()
        said = (*planned.warnings, *not_obeyed(script, scene), *whispered(model.config))
        for sentence in said:
            warnings.warn(sentence, SpatialDramaWarning, stacklevel=4)
        settings = self.settings.resolved(model.config.transformer, model.device.kind)
        return prompts, Production(
            model, encoding, planned, scene, prompts, settings, seed, self._shelf
        )

    def _lines(
        self, made: Production, scene: Scene, progress: bool | None
    ) -> Iterator[FinishedLine]:
        """Join segments to lines."""
        segments = made.plan.segments
        waiting: list[BinauralAudio] = []
        with progress_bar(
            label="speaking", total=len(segments), unit="segment", show=progress
        ) as bar:
            for i, audio in made:
                bar.update(note=segments[i].line.speaker)
                waiting.append(audio)
                if segments[i].part == segments[i].parts - 1:
                    index = segments[i].index
                    line = made.plan.script[index]
                    gain_db = scene.source(line.speaker).gain_db
                    yield joined(index, line, waiting, gain_db, made.frame_seconds)
                    waiting = []
