"""The commands that make and measure sound. Heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatialdrama.errors import ValidationError

if TYPE_CHECKING:
    from spatialdrama.io.audio import MonoFile
    from spatialdrama.types import Drama, Room, Scene, ScoreTable, Script

#: What --report adds; a run without it removes an older run's, which would tell of other sound.
REPORT_FILES = ("scene.png", "analysis.png", "scores.json", "report.html")
#: s; longer sound takes long enough to render that a bar says something.
LONG = 60.0
DEFAULT_METRICS = ("itd_mae", "ild_mae", "ipd_mae", "azimuth_mae_deg", "cer")


def command(
    commands: Any, name: str, help: str, example: str, func: Any
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog="example:\n" + example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a new option must not change what an old command means
    )
    made.set_defaults(func=func)
    return made


# -- generate ------------------------------------------------------------------------------------


def add_generate(commands: Any) -> None:
    """Add ``generate``."""
    p = command(
        commands,
        "generate",
        "make a drama from a script, a scene and voices",
        "  spatialdrama generate script.txt --scene scene.json --voices voices.json \\\n"
        "      --seed 7 --report --out out/drama\n"
        "  spatialdrama generate script.txt --scene scene.json \\\n"
        "      --voice BERNARDO=am_michael --voice FRANCISCO=bm_george --dry-run",
        run_generate,
    )
    p.add_argument("script", help="plain text (SPEAKER: words), .json or .TextGrid")
    p.add_argument("--scene", required=True, help="scene file, JSON")
    p.add_argument("--voices", help="JSON file: {speaker: identity}")
    p.add_argument(
        "--voice", action="append", default=[], metavar="SPEAKER=IDENTITY",
        help="one speaker's identity, for isdrama the sound file of a voice; may be given often, "
        "and overrides --voices",
    )  # fmt: skip
    p.add_argument("--generator", default="cascade", help="a name from `spatialdrama plugins`")
    p.add_argument(
        "--set", action="append", default=[], metavar="OPTION=VALUE",
        help="an option of the generator, for example --set renderer=geometric",
    )  # fmt: skip
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", default="out/drama", help="folder to write into (default %(default)s)")
    p.add_argument("--report", action="store_true", help="also pictures, scores and report.html")
    p.add_argument(
        "--metrics", nargs="*", help=f"for --report; default {' '.join(DEFAULT_METRICS)}"
    )
    p.add_argument("--title", default="Spatial drama", help="of report.html")
    p.add_argument("--dry-run", action="store_true", help="check everything, make nothing")
    p.add_argument("--json", action="store_true", help="print a summary as JSON on stdout")


def run_generate(options: argparse.Namespace) -> int:
    """Generate, and write all of it or none of it."""
    from spatialdrama import pipeline
    from spatialdrama.io.files import whole_folder
    from spatialdrama.registry import load
    from spatialdrama.types import Scene, Script

    script, scene = Script.read(options.script), Scene.load(options.scene)
    voices = _voices(options.voices, options.voice)
    if options.metrics is not None and not options.report:
        raise ValidationError("--metrics are those of the report; add --report.")
    metrics = _metrics(options) if options.report else []
    check_metrics(metrics)
    made = load("generator", options.generator, **settings(options.set))
    out = Path(options.out)
    _check_folder(out)
    if hasattr(made, "check"):
        made.check(script, scene, voices)
    if options.dry_run:
        plan = made.forecast(script) if hasattr(made, "forecast") else None
        return _say_plan(options, script, scene, voices, plan)
    drama = pipeline.generate(script, scene, voices=voices, seed=options.seed, generator=made)
    with whole_folder(out, REPORT_FILES) as folder:
        drama.save(folder)
        scores = _write_report(drama, metrics, folder, options.title) if options.report else None
    files = sorted(str(path) for path in out.iterdir())
    _say_made(options, drama, scores, files)
    return 0


def check_metrics(names: Iterable[str]) -> None:
    """Raise for an unknown metric, or one whose model is not here, before any work."""
    from spatialdrama.registry import get
    from spatialdrama.runtime.assets import require

    for name in names:
        require(get("metric", name).assets, f"metric {name!r}")


def _metrics(options: argparse.Namespace) -> list[str]:
    return list(DEFAULT_METRICS) if options.metrics is None else options.metrics


def _credits(drama: Drama) -> list[str]:
    """One line for each model and data set behind the drama: what it is, under which licence."""
    from spatialdrama.registry import get

    specs = [get("asset", name) for name in drama.provenance.get("assets", {})]
    return [f"{spec.summary}: {spec.licence}" for spec in specs]


def _write_report(drama: Drama, metrics: list[str], folder: Path, title: str) -> ScoreTable | None:
    from spatialdrama import plot
    from spatialdrama.runtime.progress import progress
    from spatialdrama.scoring.run import score

    scores = score(drama, metrics) if metrics else None
    if scores is not None:
        scores.save(folder / "scores.json")
    with progress(label="drawing", total=3, unit="picture") as bar:
        plot.save_scene(drama, folder / "scene.png")
        bar.update(note="analysis")
        plot.save_analysis(drama, folder / "analysis.png")
        bar.update(note="report")
        plot.report(drama, scores, folder / "report.html", title=title, credits=_credits(drama))
        bar.update()
    return scores


def _say_plan(
    options: argparse.Namespace,
    script: Script,
    scene: Scene,
    voices: Mapping[str, str],
    forecast: Any,
) -> int:
    plan = {
        "lines": len(script),
        "speakers": {name: voices[name] for name in script.speakers},
        "room": repr(scene.room),
        "generator": options.generator,
        "seed": options.seed,
        "out": options.out,
        **({} if forecast is None else {"forecast": forecast.to_dict()}),
    }
    if options.json:
        print(json.dumps(plan, ensure_ascii=False, indent=1))
    else:
        cast = ", ".join(f"{k} as {v}" for k, v in plan["speakers"].items())
        lines = f"{len(script)} line{'s' if len(script) > 1 else ''}"
        print(f"would speak {lines} ({cast}) in {scene.room!r} into {options.out}")
        if forecast is not None:
            print(forecast)
    return 0


def _say_made(
    options: argparse.Namespace, drama: Drama, scores: ScoreTable | None, files: list[str]
) -> None:
    if options.json:
        summary = {
            "duration": drama.audio.duration,
            "lines": len(drama.script),
            "seed": drama.seed,
            "files": files,
            "scores": {} if scores is None else {m: scores[m] for m in scores.metrics},
        }
        print(json.dumps(summary, ensure_ascii=False, indent=1))
        return
    print(repr(drama))
    if scores is not None:
        print(repr(scores))
    print("wrote:")
    for file in files:
        print(f"  {file}")
    if scores is not None:
        print(f"open {options.out}/report.html in a browser, with headphones")


# -- render --------------------------------------------------------------------------------------


def add_render(commands: Any) -> None:
    """Add ``render``."""
    from spatialdrama.conventions import POSE_FORMATS

    p = command(
        commands,
        "render",
        "place one mono recording along a pose",
        "  spatialdrama render --mono speech.flac --pose tx_positions.txt \\\n"
        "      --pose-format mrsdrama-120hz --renderer physical -o binaural.wav\n"
        "  spatialdrama render --mono speech.wav --azimuth 40 --distance 2 \\\n"
        "      --room 6x5x3 --rt60 0.35 -o binaural.wav\n"
        "  spatialdrama render --mono hour.flac --pose walk.nc --layout foa -o foa.wav --dry-run",
        run_render,
    )
    p.add_argument("--mono", required=True, help="one-channel sound file")
    p.add_argument("--pose", help="pose file: .nc, .zarr, or rows in --pose-format")
    p.add_argument("--pose-format", help=f"with --pose: one of {', '.join(POSE_FORMATS)}")
    p.add_argument("--pose-unit", choices=("m", "cm"), help="with --pose, of a file of rows; "
                   "guessed, and said, when left out")  # fmt: skip
    p.add_argument("--azimuth", type=float, help="degrees, + is left: stand still there instead")
    p.add_argument("--elevation", type=float, help="degrees, with --azimuth (default 0)")
    p.add_argument("--distance", type=float, help="metres, with --azimuth (default 1.5)")
    p.add_argument("--room", help="length x width x height in metres, such as 6x5x3")
    p.add_argument("--rt60", metavar="SECONDS", help="with --room; one number, or seven with "
                   "commas: octave bands 125 Hz to 8 kHz")  # fmt: skip
    p.add_argument("--absorption", metavar="WALLS", help="with --room, instead of --rt60: a number "
                   "from 0 to 1, a material, or JSON such as "
                   '{"floor": "carpet", "walls": 0.1, "ceiling": 0.3}')  # fmt: skip
    p.add_argument("--drr", type=float, metavar="DB",
                   help="direct-to-reverberant ratio at 1 m, with --room")  # fmt: skip
    p.add_argument("--brir", metavar="FILE", help="a measured room instead: .wav, .flac or .sofa")
    p.add_argument("--renderer", default="physical", help="a name from `spatialdrama plugins`")
    p.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE",
                   help="an option of the renderer")  # fmt: skip
    p.add_argument("--directivity", default="speech", choices=("speech", "omni"))
    p.add_argument("--gain", type=float, default=0.0, metavar="DB", help="for both ears alike")
    p.add_argument("--layout", default="binaural", choices=("binaural", "foa", "5.1"),
                   help="foa is first-order ambisonics (AmbiX)")  # fmt: skip
    p.add_argument("-o", "--out", required=True, help=".wav or .flac")
    p.add_argument("--dry-run", action="store_true", help="check everything, make nothing")
    p.add_argument("--json", action="store_true", help="print a summary as JSON on stdout")


def run_render(options: argparse.Namespace) -> int:
    """Render one file, a block at a time where the renderer can."""
    from spatialdrama.io.audio import MonoFile, container
    from spatialdrama.registry import load
    from spatialdrama.types import Pose, Scene, Source

    _check_place(options)
    container(options.out, "PCM_24")  # a name that cannot be written is said before any work
    _check_not_read(options)
    mono = MonoFile(options.mono)
    if options.pose is not None:
        unit = options.pose_unit or "auto"
        pose = Pose.read(options.pose, options.pose_format or "auto", unit=unit)
    else:
        pose = Pose.fixed(
            azimuth_deg=options.azimuth,
            elevation_deg=0.0 if options.elevation is None else options.elevation,
            distance=1.5 if options.distance is None else options.distance,
        )
    chosen = settings(options.set)
    taken = {"rate", "room", "listener", "renderer", "directivity", "gain_db", "start", "pose"}
    for name in sorted(taken & set(chosen)):
        raise ValidationError(f"--set {name} is not an option of a renderer; see render --help.")
    room = _room(options)
    source = Source(pose, gain_db=options.gain, directivity=options.directivity)
    scene = Scene(room, {"source": source})
    made = load("renderer", options.renderer, **chosen)
    _check_rate(options, mono, made)
    if hasattr(made, "render_file"):
        return _render_blocks(options, made, mono, scene)
    return _render_whole(options, made, mono, scene)


def _check_place(options: argparse.Namespace) -> None:
    """Refuse two places, none, half of one, and a pose file that is not there."""
    if (options.pose is None) == (options.azimuth is None):
        raise ValidationError("give either --pose FILE or --azimuth DEGREES.")
    if options.pose is not None:
        for name in ("elevation", "distance"):
            if getattr(options, name) is not None:
                raise ValidationError(f"--{name} goes with --azimuth; the file of --pose has it.")
        if not Path(options.pose).expanduser().exists():
            raise ValidationError(f"--pose {options.pose}: there is no such file.")
    else:
        for name in ("format", "unit"):
            if getattr(options, f"pose_{name}") is not None:
                raise ValidationError(
                    f"--pose-{name} goes with --pose; leave it out with --azimuth."
                )


def _check_not_read(options: argparse.Namespace) -> None:
    """Refuse to write over a file that is read."""
    out = Path(options.out).expanduser()
    for name in ("mono", "pose", "brir"):
        given = getattr(options, name)
        if given is None:
            continue
        read = Path(given).expanduser()
        same = read.samefile(out) if read.exists() and out.exists() else False
        if same or read.resolve() == out.resolve():
            raise ValidationError(
                f"--out {options.out} is the file of --{name}, which is read; name another file."
            )


def _check_rate(options: argparse.Namespace, mono: MonoFile, made: Any) -> None:
    """Refuse a recording at another rate, with the command that mends it."""
    if mono.rate != made.rate:
        path = Path(options.mono)
        new = path.with_name(f"{path.stem}_{made.rate}.wav")
        raise ValidationError(
            f"--mono {options.mono} is at {mono.rate} Hz and the renderer works at {made.rate} Hz; "
            f"resample it first, for example: sox {path} -r {made.rate} {new}"
        )


def _render_blocks(options: argparse.Namespace, made: Any, mono: MonoFile, scene: Scene) -> int:
    stems = [("source", 0.0, mono)]
    kind = {"layout": options.layout, "rate": mono.rate}
    if options.dry_run:
        plan = made.forecast(stems, scene, **kind)
        text = f"would render {options.out}, {plan}"
        return _say(options, text, {"file": options.out, **plan.to_dict()})
    long = mono.duration > LONG
    done = made.render_file(stems, scene, options.out, progress=long, **kind)
    summary = {"file": options.out, "duration": done.duration, "peak": done.peak,
               "layout": done.layout, "subtype": done.subtype,
               "provenance": dict(done.provenance)}  # fmt: skip
    loud = " (float, the peak passes 1)" if done.subtype == "FLOAT" else ""
    return _say(options, f"wrote {options.out}: {done!r}{loud}", summary)


def _render_whole(options: argparse.Namespace, made: Any, mono: MonoFile, scene: Scene) -> int:
    """Render with a renderer that takes and gives whole arrays, as the protocol asks for."""
    from spatialdrama.io.audio import read_mono

    if options.layout != "binaural":
        raise ValidationError(
            f"the renderer {options.renderer!r} gives binaural sound alone; use "
            f"--renderer physical for --layout {options.layout}."
        )
    if options.dry_run:
        text = f"would render {mono.duration:.2f} s of binaural sound into {options.out}"
        plan = {"file": options.out, "layout": "binaural", "duration": mono.duration}
        return _say(options, text, plan)
    samples, rate = read_mono(options.mono)
    source = scene.source("source")
    audio = made.render(
        samples, source.pose, rate=rate, room=scene.room, directivity=source.directivity,
        gain_db=source.gain_db,
    )  # fmt: skip
    loud = audio.peak > 1 and Path(options.out).suffix.lower() == ".wav"
    audio.save(options.out, subtype="FLOAT" if loud else None)
    summary = {"file": options.out, "duration": audio.duration, "peak": audio.peak,
               "provenance": dict(audio.provenance)}  # fmt: skip
    text = f"wrote {options.out}: {audio!r}" + (" (float, the peak passes 1)" if loud else "")
    return _say(options, text, summary)


def _say(options: argparse.Namespace, text: str, summary: Mapping[str, Any]) -> int:
    """Print one sentence, or the same as JSON with --json."""
    print(json.dumps(summary, ensure_ascii=False, indent=1, default=str) if options.json else text)
    return 0


def _room(options: argparse.Namespace) -> Room | None:
    from spatialdrama.types import Room

    given = {"--rt60": options.rt60, "--absorption": options.absorption, "--drr": options.drr}
    if options.brir is not None:
        given["--room"] = options.room
    alone = [name for name, value in given.items() if value is not None]
    if options.brir is not None:
        if alone:
            raise ValidationError(f"--brir is the whole room; leave out {', '.join(alone)}.")
        return Room.measured(options.brir)
    if options.room is None:
        if alone:
            raise ValidationError(f"{alone[0]} needs --room, such as --room 6x5x3.")
        return None
    try:
        numbers = tuple(float(part) for part in options.room.lower().split("x"))
    except ValueError:
        raise ValidationError(f"--room must look like 6x5x3; got {options.room!r}.") from None
    if options.rt60 is None and options.absorption is None:
        raise ValidationError(
            "--room needs --rt60, the seconds in which sound decays by 60 dB, or --absorption."
        )
    walls = None if options.absorption is None else _walls(options.absorption)
    decay = None if options.rt60 is None else _decay(options.rt60)
    return Room(numbers, rt60=decay, absorption=walls, drr_db=options.drr)


def _decay(text: str) -> float | tuple[float, ...]:
    """Return what --rt60 says: one time, or one for each octave band."""
    try:
        times = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValidationError(
            f"--rt60 must be seconds such as 0.35, or seven of them with commas; got {text!r}."
        ) from None
    return times[0] if len(times) == 1 else times


def _walls(text: str) -> Any:
    """Return what --absorption says: a number, a material, or JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith(("{", "[")):
            raise ValidationError(
                f"--absorption {text} is no JSON: {error.msg} at character {error.pos + 1}; write "
                """it as '{"floor": "carpet", "walls": 0.1, "ceiling": 0.3}', in single quotes."""
            ) from None
        return text


# -- shared --------------------------------------------------------------------------------------


def _voices(file: str | None, pairs: Iterable[str]) -> dict[str, str]:
    from spatialdrama.io.files import read_json

    voices: dict[str, str] = {}
    if file is not None:
        found = read_json(file, "voices file")
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise ValidationError(f"voices file {file} must be {{speaker: identity}}.")
        voices |= found
    for pair in pairs:
        speaker, equals, identity = pair.partition("=")
        if not equals or not speaker or not identity:
            raise ValidationError(f"--voice must be SPEAKER=IDENTITY; got {pair!r}.")
        voices[speaker] = identity
    if not voices:
        raise ValidationError("nobody has a voice; add --voices FILE or --voice SPEAKER=IDENTITY.")
    return voices


def settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Return OPTION=VALUE pairs with values read as JSON where they are JSON, else as text."""
    out: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ValidationError(f"--set must be OPTION=VALUE; got {pair!r}.")
        try:
            out[name] = json.loads(value)
        except json.JSONDecodeError:
            out[name] = value
    return out


def _check_folder(out: Path) -> None:
    for folder in (out, *out.parents):
        if folder.exists() and not folder.is_dir():
            raise ValidationError(f"--out {out}: {folder} is a file; name a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / "drama.json").exists():
        raise ValidationError(f"--out {out} holds other files and no drama; name a new folder.")
