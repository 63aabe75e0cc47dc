"""Conformance of renderers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spatialdrama.conventions import HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.registry.manager import Entry
from spatialdrama.types import BinauralAudio, Pose, Scene

from . import cases
from .clauses import fail
from .common import check_copies, made, same, who_is

DURATION = 0.2
#: Relative tolerance of linearity and mixing: float32 output.
CLOSE = 1e-4


def check_renderer(name: str, *, options: Mapping[str, Any] | None = None) -> None:
    """Check a renderer against all clauses for renderers, in the free field.

    Raises
    ------
    ConformanceError
        The first clause that it breaks.
    """
    entry, renderer = made("renderer", name, options)
    mono = cases.noise(DURATION).astype(np.float32)
    left = Pose.fixed(azimuth_deg=80, distance=1.5)
    audio = renderer.render(mono, left, rate=HOUSE_RATE)
    _check_audio(entry, audio, len(mono))
    if not same(audio.samples, renderer.render(mono, left, rate=HOUSE_RATE).samples):
        fail(who_is(entry), "repeats", "other samples for the same input")
    _check_sides(entry, renderer, mono, audio)
    _check_delay(entry, renderer)
    _check_linear(entry, renderer, mono, left, audio)
    _check_distance(entry, renderer, mono)
    _check_start(entry, renderer, mono)
    _check_mix(entry, renderer, mono)
    _check_refusal(entry, renderer, mono, left)
    check_copies(entry, renderer, lambda obj: obj.render(mono, left, rate=HOUSE_RATE).samples)


def _check_audio(entry: Entry, audio: Any, count: int) -> None:
    if not isinstance(audio, BinauralAudio):
        fail(who_is(entry), "renderer-audio", f"{type(audio).__name__}")
    if audio.rate != HOUSE_RATE or audio.samples.shape[1] < count:
        fail(
            who_is(entry),
            "renderer-audio",
            f"{audio.samples.shape[1]} samples at {audio.rate} Hz from {count} at {HOUSE_RATE}",
        )


def _onset(ear: np.ndarray) -> int:
    return int(np.argmax(np.abs(ear) > 0.2 * np.abs(ear).max()))


def _rms(signal: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(signal, dtype=float))))


def _check_sides(entry: Entry, renderer: Any, mono: np.ndarray, left: BinauralAudio) -> None:
    right = renderer.render(mono, Pose.fixed(azimuth_deg=-80, distance=1.5), rate=HOUSE_RATE)
    for near, far, side in ((*left.samples, "left"), (*right.samples[::-1], "right")):
        if _onset(near) > _onset(far):
            fail(who_is(entry), "renderer-sides", f"from the {side}, the far ear hears first")
        if _rms(near) < 0.99 * _rms(far):
            fail(who_is(entry), "renderer-sides", f"from the {side}, the far ear hears louder")


def _check_delay(entry: Entry, renderer: Any) -> None:
    click = np.zeros(2400, np.float32)
    click[0] = 1.0
    distance = 3.0
    audio = renderer.render(click, Pose.fixed((distance, 0, 0)), rate=HOUSE_RATE)
    seen = min(map(_onset, audio.samples)) / HOUSE_RATE
    wanted = distance / SPEED_OF_SOUND
    if abs(seen - wanted) > 1e-3:
        fail(
            who_is(entry),
            "renderer-delay",
            f"{1000 * seen:.2f} ms from {distance} m, expected {1000 * wanted:.2f} ms",
        )


def _check_linear(
    entry: Entry, renderer: Any, mono: np.ndarray, pose: Pose, audio: BinauralAudio
) -> None:
    twice = renderer.render(2 * mono, pose, rate=HOUSE_RATE)
    louder = renderer.render(mono, pose, rate=HOUSE_RATE, gain_db=20.0)
    for factor, other in ((2, twice), (10, louder)):
        error = np.abs(other.samples - factor * audio.samples).max()
        if error > CLOSE * factor * np.abs(audio.samples).max():
            fail(who_is(entry), "renderer-linear", f"off by {error:.2g} at {factor} times")


def _check_distance(entry: Entry, renderer: Any, mono: np.ndarray) -> None:
    near, far = (
        _rms(renderer.render(mono, Pose.fixed((d, 0, 0)), rate=HOUSE_RATE).samples[:, : len(mono)])
        for d in (1.5, 3.0)
    )
    drop = 20 * np.log10(near / far)
    if not 3 <= drop <= 9:
        fail(who_is(entry), "renderer-distance", f"{drop:.1f} dB from 1.5 m to 3 m")


def _check_start(entry: Entry, renderer: Any, mono: np.ndarray) -> None:
    walk = Pose.from_samples([0.0, 9.9, 10.1, 30.0], [(0, 2, 0), (0, 2, 0), (0, -2, 0), (0, -2, 0)])
    early = renderer.render(mono, walk, rate=HOUSE_RATE, start=1.0).samples
    late = renderer.render(mono, walk, rate=HOUSE_RATE, start=20.0).samples
    if not _onset(early[0]) < _onset(early[1]) or not _onset(late[1]) < _onset(late[0]):
        fail(
            who_is(entry),
            "renderer-start",
            "a speaker on the left at 1 s and on the right at 20 s is not heard there",
        )


def _check_mix(entry: Entry, renderer: Any, mono: np.ndarray) -> None:
    scene: Scene = cases.scene()
    stems = [("ANNA", 0.1, mono), ("BERT", 0.25, mono)]
    whole = renderer.render_scene(stems, scene, rate=HOUSE_RATE).samples
    total = np.zeros((2, whole.shape[1] + 2 * HOUSE_RATE))
    for speaker, start, samples in stems:
        source = scene.source(speaker)
        part = renderer.render(
            samples,
            source.pose,
            rate=HOUSE_RATE,
            start=start,
            room=scene.room,
            listener=scene.listener,
            directivity=source.directivity,
            gain_db=source.gain_db,
        ).samples
        first = round(start * HOUSE_RATE)
        total[:, first : first + part.shape[1]] += part
    error = np.abs(total[:, : whole.shape[1]] - whole).max()
    # what lies beyond the scene's end may only be what fades out
    beyond = np.abs(total[:, whole.shape[1] :]).max()
    if max(error, beyond) > 1e-3 * np.abs(whole).max():
        fail(who_is(entry), "renderer-mix", f"off by {max(error, beyond):.2g}")


def _check_refusal(entry: Entry, renderer: Any, mono: np.ndarray, pose: Pose) -> None:
    broken = mono.copy()
    broken[10] = np.nan
    try:
        renderer.render(broken, pose, rate=HOUSE_RATE)
    except ValidationError:
        return
    except Exception as error:
        fail(who_is(entry), "renderer-refuses", f"{type(error).__name__}: {error}")
    fail(who_is(entry), "renderer-refuses", "no error")
