"""Script, scene and voices to a drama; a drama to its scores. What a notebook calls.

This module composes plugins by their names and protocols; it makes no sound of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import PluginError, SpatialDramaError, ValidationError
from spatialdrama.registry import entry, get, load
from spatialdrama.runtime import folders
from spatialdrama.runtime.progress import progress as progress_bar
from spatialdrama.scoring.prompts import drama_prompts, given_prompts
from spatialdrama.types import (
    BinauralAudio,
    Drama,
    Line,
    Pose,
    Room,
    Scene,
    Score,
    ScoreTable,
    Script,
    Speech,
)

#: s; how much later than its own end a line is still heard: 34 m of air, or the start of a tail.
LATE = 0.1
#: s; renderings of one moment may differ by a tail, not by more.
LENGTH_TOLERANCE = 2.0
#: How many shifted pairings of lines and references stand behind a chance level.
CHANCE_SHIFTS = 3


def generate(
    script: Script | str,
    scene: Scene,
    *,
    voices: Mapping[str, str],
    seed: int = 0,
    generator: Any = "cascade",
    out: Any = None,
    progress: bool | None = None,
    **options: Any,
) -> Drama:
    """Make a drama.

    What is longer than a minute lies in nameless files on the disk while it is made, so that an
    hour takes no more memory than a scene.

    Parameters
    ----------
    script : Script or str
        Text in the plain form of :meth:`Script.parse` is parsed.
    scene : Scene
    voices : mapping of speaker to identity
    seed : int
    generator : str or object
        A name from ``sd.generators``.
    out : path, optional
        A folder to write the drama into, whole or not at all; what is returned is then
        ``Drama.load(out)``, whose sound stays in that folder when it is long.
    progress : bool, optional
        Show bars; default on, unless ``SPATIALDRAMA_PROGRESS=0``.
    **options
        Handed to the generator, for example ``renderer="geometric"``.

    Returns
    -------
    Drama

    Raises
    ------
    ValidationError, UnknownNameError, AssetError
        Before any work, in one sentence.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> script = sd.Script.parse("BERNARDO: Who's there?")
    >>> scene = sd.Scene(speakers={"BERNARDO": sd.Pose.fixed(azimuth_deg=40, distance=2)})
    >>> drama = sd.generate(script, scene, voices={"BERNARDO": "am_michael"},
    ...                     seed=7)                                       # doctest: +SKIP
    """
    if isinstance(script, str):
        script = Script.parse(script)
    if out is not None and Path(out).is_file():
        raise ValidationError(f"out={str(out)!r} is a file; name a folder.")
    made = load("generator", generator, **options) if isinstance(generator, str) else generator
    drama = made.generate(script, scene, voices=voices, seed=seed, progress=progress)
    return drama if out is None else Drama.load(drama.save(out))


def render(
    mono: Any,
    pose: Pose,
    *,
    rate: int = 48_000,
    room: Room | None = None,
    listener: Pose | None = None,
    renderer: Any = "physical",
    directivity: str = "speech",
    gain_db: float = 0.0,
    start: float = 0.0,
    **options: Any,
) -> BinauralAudio:
    """Place mono sound, (n,) samples or a Speech, along `pose`, in `room`, at two ears.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> click = np.zeros(4800); click[0] = 1.0
    >>> audio = sd.render(click, sd.Pose.fixed(azimuth_deg=90, distance=1.0),
    ...                   renderer="geometric")
    >>> bool(np.argmax(np.abs(audio.samples[0])) < np.argmax(np.abs(audio.samples[1])))
    True
    """
    if isinstance(mono, Speech):
        mono, rate = mono.samples, mono.rate
    if isinstance(mono, str):
        raise ValidationError(
            f"render takes samples; read {mono!r} with spatialdrama.io.audio.read_mono first."
        )
    scene = Scene(room, {"source": pose}, listener=listener)  # says what is wrong with the place
    made = load("renderer", renderer, **options) if isinstance(renderer, str) else renderer
    return made.render(
        np.asarray(mono), pose, rate=rate, start=start, room=scene.room, listener=listener,
        directivity=directivity, gain_db=gain_db,
    )  # fmt: skip


def score(
    item: Drama | BinauralAudio,
    metrics: Sequence[str],
    *,
    reference: BinauralAudio | None = None,
    transcript: str | None = None,
    language: str | None = None,
    prompts: Any = None,
    progress: bool | None = None,
) -> ScoreTable:
    """Score a drama line by line, or one recording as a whole.

    Parameters
    ----------
    item : Drama or BinauralAudio
    metrics : sequence of str
        Names from ``sd.metrics``.
    reference : BinauralAudio, optional
        A recording of the same length. A drama without one is compared with the dry rendering of
        its own stems along its poses, and the table's notes say so.
    transcript, language : str, optional
        What a recording says, for metrics that need it.
    prompts : mapping of speaker to Speech, BinauralAudio or path, optional
        A voice prompt of each speaker, for metrics that need one. A speaker of a drama without one
        is compared with the longest other stem of his own, and the table's notes say so. The
        speaker of a recording has any name: ``{"speaker": prompt}``.

    Returns
    -------
    ScoreTable

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 48_000))
    >>> audio = sd.BinauralAudio(noise, 48_000)
    >>> quieter = sd.BinauralAudio(noise * [[1.0], [0.5]], 48_000)
    >>> table = sd.score(quieter, ["ild_mae"], reference=audio)
    >>> round(table["ild_mae"], 1)
    6.0
    """
    if isinstance(metrics, str):
        raise ValidationError(f"metrics is a list of names; write metrics=[{metrics!r}].")
    if not metrics:
        raise ValidationError("no metric was named; sd.metrics lists them.")
    specs = {name: get("metric", name) for name in metrics}
    made = {name: load("metric", name) for name in metrics}
    cuts, notes = _cuts(item, specs, reference, transcript, language, prompts, progress)
    scores: dict[str, dict[str, Score]] = {name: {} for name in metrics}
    work = [(name, cut) for name in metrics for cut in cuts if _applies(specs[name], cut)]
    with progress_bar(label="scoring", total=len(work), unit="score", show=progress) as bar:
        for name, cut in work:
            bar.update(0, note=name)
            scores[name][cut.label] = _score_one(made[name], specs[name], cut)
            bar.update()
    for name in metrics:
        errors = [s.details["error"] for s in scores[name].values() if "error" in s.details]
        if errors and len(errors) == len(scores[name]):
            raise ValidationError(f"metric {name!r} has no value: {errors[0]}")
    chance = {
        name: _chance(made[name], specs[name], [c for c in cuts if _applies(specs[name], c)])
        for name in metrics
    }
    failed = [f"{n} on {c}: {s.details['error']}" for n in metrics for c, s in scores[n].items()
              if "error" in s.details]  # fmt: skip
    return ScoreTable.from_scores(
        scores,
        direction={name: specs[name].direction for name in metrics},
        unit={name: specs[name].unit for name in metrics},
        chance=chance,
        notes=(*notes, *failed),
    )


@attrs.frozen
class _Cut:
    """What a metric gets to hear: a line's stretch of sound, or a whole item."""

    label: str
    per: str
    audio: BinauralAudio
    given: dict[str, Any]


def _applies(spec: Any, cut: _Cut) -> bool:
    return spec.per == cut.per


def _cuts(
    item: Drama | BinauralAudio,
    specs: Mapping[str, Any],
    reference: BinauralAudio | None,
    transcript: str | None,
    language: str | None,
    prompts: Any,
    progress: bool | None,
) -> tuple[list[_Cut], list[str]]:
    needs = {need for spec in specs.values() for need in spec.needs}
    notes: list[str] = []
    if reference is not None and not isinstance(reference, BinauralAudio):
        raise ValidationError(
            f"reference must be a BinauralAudio; got {reference!r}. Try BinauralAudio.load(path)."
        )
    if isinstance(item, Drama | BinauralAudio) and reference is not None:
        _check_pair(item.audio if isinstance(item, Drama) else item, reference)
    if isinstance(item, Drama):
        if "reference" in needs and reference is None:
            with progress_bar(label="rendering the dry reference", total=1, show=progress) as bar:
                reference, note = dry_reference(item)
                bar.update()
            notes.append(note)
        spoken = None
        if "prompt" in needs:
            spoken, said = drama_prompts(item, prompts)
            notes += said
        cuts = _drama_cuts(item, reference, spoken)
    elif isinstance(item, BinauralAudio):
        cuts = _recording_cuts(item, reference, transcript, language, prompts)
    else:
        raise ValidationError(f"score takes a Drama or BinauralAudio; got {type(item).__name__}.")
    for name, spec in specs.items():
        have = next((set(c.given) for c in cuts if c.per == spec.per), set())
        for need in sorted(set(spec.needs) - have):
            raise ValidationError(f"metric {name!r} needs a {need}; {_REMEDIES[need]}.")
    return cuts, notes


def _check_pair(audio: BinauralAudio, reference: BinauralAudio) -> None:
    if audio.rate != reference.rate:
        raise ValidationError(
            f"the sound is at {audio.rate} Hz and its reference at {reference.rate} Hz; resample "
            "one of them, both ears alike, for example with soxr.resample."
        )
    if abs(audio.duration - reference.duration) > LENGTH_TOLERANCE:
        raise ValidationError(
            f"the sound lasts {audio.duration:.2f} s and its reference {reference.duration:.2f} s; "
            "they must be renderings of the same moment, with the same length."
        )


_REMEDIES = {
    "reference": "pass reference=BinauralAudio.load(path), or --reference FILE",
    "line": "pass transcript='...', or --transcript TEXT, or score a Drama",
    "script": "score a Drama, which has one",
    "scene": "score a Drama, which has one",
    "pose": "score a Drama, which has one",
    "prompt": "pass prompts={speaker: Speech}, or score a Drama with stems",
}


def _drama_cuts(
    drama: Drama, reference: BinauralAudio | None, prompts: Sequence[Speech] | None
) -> list[_Cut]:
    cuts = []
    listener = drama.scene.listener
    for i, line in enumerate(drama.script, start=1):
        given: dict[str, Any] = {
            "line": line,
            "script": drama.script,
            "scene": drama.scene,
            "pose": drama.scene.source(line.speaker)
            .pose.relative_to(listener)
            .shifted(-line.start),
        }
        if reference is not None:
            given["reference"] = reference.cut(line.start, line.end + LATE)
        if prompts is not None:
            given["prompt"] = prompts[i - 1]
        audio = drama.line_audio(i - 1, tail=LATE)
        cuts.append(_Cut(f"{i:03d} {line.speaker}", "line", audio, given))
    whole: dict[str, Any] = {"script": drama.script, "scene": drama.scene}
    if reference is not None:
        whole["reference"] = reference
    return [*cuts, _Cut("whole drama", "item", drama.audio, whole)]


def _recording_cuts(
    audio: BinauralAudio,
    reference: BinauralAudio | None,
    transcript: str | None,
    language: str | None,
    prompts: Any,
) -> list[_Cut]:
    given: dict[str, Any] = {}
    spoken = given_prompts(prompts, None)
    if len(spoken) > 1:
        raise ValidationError(
            f"a recording has one speaker; got prompts of {', '.join(spoken)}. Score a Drama."
        )
    if spoken:
        given["prompt"] = next(iter(spoken.values()))
    if reference is not None:
        given["reference"] = reference
    if transcript is not None:
        line = Line("speaker", transcript, language=language, start=0.0, end=audio.duration)
        given |= {"line": line, "script": Script([line])}
    return [_Cut("recording", per, audio, given) for per in ("line", "item")]


def dry_reference(drama: Drama) -> tuple[BinauralAudio, str]:
    """Return the drama's stems along its poses with the room off, and a note that says so.

    Raises
    ------
    ValidationError
        When the drama has no stems.
    """
    if not drama.stems:
        raise ValidationError(
            "this drama has no stems to render dry; pass reference=BinauralAudio.load(path)."
        )
    made = drama.provenance.get("renderer") or {}
    name, options = made.get("name"), made.get("options", {})
    if name is None or any(str(v).startswith("<") for v in options.values()):
        # Another head would be scored as an error of this one.
        raise ValidationError(
            "this drama does not say which renderer made it, so its dry reference cannot be made "
            "again; pass reference=, for example render_scene of that renderer in scene.dry()."
        )
    renderer = load("renderer", name, **options)
    stems = [
        (line.speaker, line.start, stem.resampled(HOUSE_RATE).signal)
        for line, stem in zip(drama.script, drama.stems, strict=True)
    ]
    if hasattr(renderer, "blocks"):
        # The same samples as render_scene gives, never all of them in memory.
        blocks = renderer.blocks(stems, drama.scene.dry(), rate=HOUSE_RATE)
        audio = BinauralAudio.from_blocks(blocks, HOUSE_RATE, folder=folders.cache_home())
    else:
        audio = renderer.render_scene(stems, drama.scene.dry(), rate=HOUSE_RATE)
    found = entry("renderer", name)
    return audio, (
        "no recording was given: the reference is the dry rendering of the drama's own stems "
        f"along its poses, by {found.full_name} {found.distribution_version}"
    )


def _score_one(metric: Any, spec: Any, cut: _Cut) -> Score:
    given = {need: cut.given[need] for need in spec.needs}
    try:
        value = metric.score(cut.audio, **given)
    except ValidationError as error:
        # One odd line must not cost the others; the table's notes carry the reason.
        return Score(float("nan"), weight=0.0, details={"error": str(error)})
    except SpatialDramaError:
        raise
    except Exception as error:
        raise PluginError(
            f"metric {spec.name!r} failed on {cut.label}: {type(error).__name__}: {error}"
        ) from error
    if isinstance(value, Score):
        return value
    try:
        return Score(value)
    except (TypeError, ValueError):
        raise PluginError(
            f"metric {spec.name!r} must give a number or a Score; got {value!r} on {cut.label}."
        ) from None


def _chance(metric: Any, spec: Any, cuts: Sequence[_Cut]) -> float:
    """Return the mean score of lines against other lines' references."""
    if spec.chance != "shuffle":
        return float("nan") if spec.chance is None else float(spec.chance)
    if "reference" not in spec.needs or len(cuts) < 2:
        return float("nan")
    values = []
    for shift in range(1, min(CHANCE_SHIFTS, len(cuts) - 1) + 1):
        for i, cut in enumerate(cuts):
            other = cuts[(i + shift) % len(cuts)].given["reference"]
            length = min(cut.audio.duration, other.duration)
            pair = attrs.evolve(
                cut,
                audio=cut.audio.cut(0, length),
                given={**cut.given, "reference": other.cut(0, length)},
            )
            try:
                values.append(_score_one(metric, spec, pair).value)
            except SpatialDramaError:
                continue
    values = [v for v in values if np.isfinite(v)]
    return float(np.mean(values)) if values else float("nan")
