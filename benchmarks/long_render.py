"""How much memory long sound takes, each road in a process of its own.

    python benchmarks/long_render.py 3600
    python benchmarks/long_render.py 3600 --roads generate score --json memory.json

Roads: `render` goes from a mono file to a binaural file (order 2, in a room); `generate` is
``spatialdrama generate`` with a voice that costs nothing, lines of 5 s by four speakers;
`notebook` is ``sd.generate(..., out=FOLDER)``; `score` and `report` read the drama that `generate`
made. Peaks are resident memory, the interpreter, libraries and compiled kernels included.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROADS = ("render", "generate", "notebook", "score", "report")
METRICS = ("itd_mae", "ild_mae", "ipd_mae")
#: s of speech in a line, and of silence before the next one.
LINE, PAUSE = 4.6, 0.4
CAST = ("ANNA", "BERT", "CARA", "DORA")


def measured(seconds: float, road: str = "render", folder: Any = None) -> dict[str, Any]:
    """Return peak memory (MB) and wall time of one road over `seconds`, by a fresh process."""
    command = [sys.executable, __file__, str(seconds), "--child", road, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# -- the renderer's road --------------------------------------------------------------------------


def render(seconds: float, folder: Path) -> dict[str, Any]:
    """Render the reference job of `seconds`, order 2, from a file into a file.

    ``before_mb`` is what was used before the first block: libraries, head, compiler.
    """
    import reference_job
    import soundfile

    import spatialdrama as sd
    from spatialdrama.io.audio import MonoFile

    source = folder / "voice.w64"
    minute, _ = reference_job.voice(60.0)
    with soundfile.SoundFile(source, "w", reference_job.RATE, 1, "FLOAT", format="W64") as file:
        left = round(seconds * reference_job.RATE)
        while left > 0:
            file.write(minute[:left])
            left -= len(minute)
    renderer = sd.load_renderer("physical", order=2)
    scene = sd.Scene(reference_job.room(), {"A": reference_job.pose(seconds)})
    renderer.render_file([("A", 0.0, minute[: reference_job.RATE])], scene, folder / "warm.wav")
    before, began = peak_mb(), time.perf_counter()
    done = renderer.render_file([("A", 0.0, MonoFile(source))], scene, folder / "heard.wav")
    wall = time.perf_counter() - began
    return {"before_mb": before, "wall_s": wall, "frames": done.frames}


# -- the drama's roads ----------------------------------------------------------------------------


class NoiseVoice:
    """Says every line as `LINE` seconds of noise in syllables, another one for each seed."""

    languages = ("en",)

    def identities(self) -> tuple[str, ...]:
        """One name for all."""
        return ("noise",)

    def speak(self, text: str, *, identity: str, seed: int = 0, **_: Any) -> Any:
        """Return noise at the rate of common voices, so that it is resampled as theirs."""
        import spatialdrama as sd

        rate = 24_000
        random = np.random.default_rng(seed)
        n = round(LINE * rate)
        loudness = np.interp(np.arange(n) / rate * 4, np.arange(20), random.uniform(0, 1, 20) ** 2)
        samples = 0.2 * loudness * random.standard_normal(n)
        return sd.Speech(samples, rate, text=text, language="en", identity=identity)


def play(seconds: float) -> tuple[Any, Any]:
    """Return a script of about `seconds` and its scene: four speakers in a room, one on a walk."""
    import reference_job

    import spatialdrama as sd

    count = max(round(seconds / (LINE + PAUSE)), 1)
    lines = [sd.Line(CAST[i % 4], f"This is line {i + 1} of a long play.") for i in range(count)]
    places = {
        name: sd.Pose.fixed(azimuth_deg=azimuth, distance=1.2)
        for name, azimuth in zip(CAST[1:], (-60, 30, 140), strict=True)
    }
    walk = {CAST[0]: reference_job.pose(seconds + 60)}
    return sd.Script(lines), sd.Scene(reference_job.room(), {**walk, **places})


def generate(seconds: float, folder: Path) -> dict[str, Any]:
    """Make the play by the command line."""
    from spatialdrama.cli import main

    script, scene = play(seconds)
    script.save(folder / "play.json")
    scene.save(folder / "scene.json")
    options = {"voice": "noise", "renderer": "physical", "renderer_options": '{"order": 2}'}
    given = [part for k, v in options.items() for part in ("--set", f"{k}={v}")]
    given += [part for name in CAST for part in ("--voice", f"{name}=noise")]
    said = io.StringIO()
    with speaking(), contextlib.redirect_stdout(said):
        status = main([
            "generate", str(folder / "play.json"), "--scene", str(folder / "scene.json"), *given,
            "--out", str(folder / "drama"),
        ])  # fmt: skip
    assert status == 0, said.getvalue()
    return {}


def notebook(seconds: float, folder: Path) -> dict[str, Any]:
    """Make the play as a notebook does, and look at it."""
    import spatialdrama as sd

    script, scene = play(seconds)
    drama = sd.generate(
        script, scene, voices=dict.fromkeys(CAST, "noise"), out=folder / "notebook",
        generator="cascade", voice=NoiseVoice(), renderer="physical",
    )  # fmt: skip
    shown = drama._repr_mimebundle_()
    return {"duration": drama.audio.duration, "shown_mb": len(shown["text/html"]) / 1e6}


def score(seconds: float, folder: Path) -> dict[str, Any]:
    """Score the play against its dry rendering."""
    import spatialdrama as sd

    table = sd.score(sd.Drama.load(folder / "drama"), METRICS)
    return {"scores": {name: table[name] for name in METRICS}}


def report(seconds: float, folder: Path) -> dict[str, Any]:
    """Draw the play and write its page."""
    import spatialdrama as sd

    drama = sd.Drama.load(folder / "drama")
    sd.plot.save_scene(drama, folder / "scene.png")
    sd.plot.save_analysis(drama, folder / "analysis.png")
    page = sd.plot.report(drama, None, folder / "report.html")
    return {"page_mb": page.stat().st_size / 1e6}


@contextlib.contextmanager
def speaking() -> Any:
    """Register the voice by its name, as the command line needs it."""
    from spatialdrama.registry import VoiceSpec, register_local, unregister_local

    register_local("voice", VoiceSpec("noise", "benchmarks:NoiseVoice"), NoiseVoice)
    try:
        yield
    finally:
        unregister_local("voice", "noise")


# -- measuring ------------------------------------------------------------------------------------


def peak_mb() -> float:
    """Return the most memory this process has held, in MB.

    Linux hands the rusage figure down from the process that started this one, so its own account
    is read there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def child(options: argparse.Namespace) -> None:
    """Go one road in this process and print what it took as one line of JSON."""
    with tempfile.TemporaryDirectory(prefix="long-render-") as made:
        folder = Path(made if options.folder == "None" else options.folder)
        began = time.perf_counter()
        found = {"wall_s": None, **globals()[options.child](options.seconds, folder)}
        found["wall_s"] = found["wall_s"] or time.perf_counter() - began
    print(json.dumps({"road": options.child, "seconds": options.seconds, "peak_mb": peak_mb(),
                      **found}))  # fmt: skip


def main() -> None:
    """Measure each road and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--roads", nargs="+", choices=ROADS, default=ROADS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", choices=ROADS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="None", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    rows = []
    with tempfile.TemporaryDirectory(prefix="long-render-") as folder:
        roads = list(options.roads)
        if {"score", "report"} & set(roads) and "generate" not in roads:
            roads.insert(0, "generate")
        for road in sorted(roads, key=ROADS.index):
            rows.append(measured(options.seconds, road, folder))
            print(f"{road:9} {options.seconds:6g} s of sound: {rows[-1]['peak_mb']:5.0f} MB at "
                  f"most, {rows[-1]['wall_s']:.0f} s", flush=True)  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
