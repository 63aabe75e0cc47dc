"""Conformance of generators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spatialdrama.errors import SpatialDramaError
from spatialdrama.registry.manager import Entry
from spatialdrama.types import Drama, Pose, Scene, Script

from . import cases
from .clauses import fail
from .common import made, same, who_is

SEED = 7


def check_generator(
    name: str, *, voices: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> None:
    """Check a generator against all clauses for generators; it makes about seven short lines.

    Parameters
    ----------
    name : str
        As for ``sd.load_generator``.
    voices : mapping
        A voice for each of "ANNA" and "BERT", who speak in the test.
    options : mapping, optional
        Options to construct it with, for example
        ``{"voice": spatialdrama.testing.cases.ToneVoice(), "renderer": "geometric"}``.

    Raises
    ------
    ConformanceError
        The first clause that it breaks.
    """
    entry, generator = made("generator", name, options)
    script, scene = cases.script(), cases.scene()

    def generate(lines: Script, who: Mapping[str, str] = voices, where: Scene = scene) -> Any:
        return generator.generate(lines, where, voices=who, seed=SEED, progress=False)

    drama = generate(script)
    _check_drama(entry, drama, script)
    first = generate(Script(list(script)[:1]))
    if not same(first.stems[0].samples, drama.stems[0].samples):
        fail(who_is(entry), "generator-line", "another stem for line 1 alone than with two after")
    again = generate(script)
    if not same(again.audio.samples, drama.audio.samples):
        fail(who_is(entry), "repeats", "other samples for the same script, scene, voices and seed")
    _refused(entry, "generator-voices", lambda: generate(script, {"ANNA": voices["ANNA"]}), "BERT")
    most = entry.spec.max_speakers
    if most is not None:
        names = [f"S{number}" for number in range(most + 1)]
        crowd = Scene(
            scene.room,
            {n: Pose.fixed(azimuth_deg=5 * i, distance=2) for i, n in enumerate(names)},
        )
        lines = Script.parse("\n".join(f"{n}: Yes." for n in names))
        cast = dict.fromkeys(names, voices["ANNA"])
        _refused(entry, "generator-speakers", lambda: generate(lines, cast, crowd), f"{most + 1}")


def _check_drama(entry: Entry, drama: Any, script: Script) -> None:
    who = who_is(entry)
    if not isinstance(drama, Drama):
        fail(who, "generator-drama", f"{type(drama).__name__}")
    said = [(line.speaker, line.text) for line in drama.script]
    if said != [(line.speaker, line.text) for line in script] or not drama.script.is_timed:
        fail(who, "generator-drama", f"{said}, timed: {drama.script.is_timed}")
    if len(drama.stems) != len(script):
        fail(who, "generator-stems", f"{len(drama.stems)} stems for {len(script)} lines")
    for line, stem in zip(drama.script, drama.stems, strict=True):
        if abs((line.end - line.start) - stem.duration) > 0.01:
            fail(
                who,
                "generator-stems",
                f"{stem.duration:.3f} s for a line from {line.start:.3f} to {line.end:.3f} s",
            )
    end = max(line.end for line in drama.script)
    if drama.audio.duration < end or not np.isfinite(drama.audio.samples).all():
        fail(who, "generator-length", f"{drama.audio.duration:.3f} s, the last line ends at {end}")


def _refused(entry: Entry, clause: str, call: Any, what: str) -> None:
    try:
        call()
    except SpatialDramaError:
        return
    except Exception as error:
        fail(who_is(entry), clause, f"{type(error).__name__}: {error} for {what}")
    fail(who_is(entry), clause, f"no error for {what}")
