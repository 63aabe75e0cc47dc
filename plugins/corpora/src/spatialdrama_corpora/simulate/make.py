"""One segment of the corpus: spoken, placed, rendered, annotated, filmed, and written whole."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.io.audio import write_samples
from spatialdrama.io.files import write_json
from spatialdrama.io.scenes import room_to_dict
from spatialdrama.registry import load
from spatialdrama.runtime.seeding import line_seed
from spatialdrama.types import Pose, Speech
from spatialdrama_corpora.simulate import store
from spatialdrama_corpora.simulate.config import FORMAT, SimulationConfig
from spatialdrama_corpora.simulate.heads import HEADS, head_options
from spatialdrama_corpora.simulate.plan import SegmentPlan
from spatialdrama_corpora.simulate.speak import fingerprint, speak, tail_seconds, with_tail
from spatialdrama_corpora.simulate.stage import EARS

SCHEMA = "spatialdrama.corpus-item/1"
#: Full scale that a sample may reach; louder segments are turned down, both ears alike.
CEILING = 0.97
#: s; the end of a segment fades over this, because a room may still ring.
FADE = 0.02
#: The netCDF library crashes when two threads open files at once.
_NETCDF = threading.Lock()
#: Frames per second of the video.
VIDEO_RATE = 24.0
#: Held until this process has made its first segment.
_FIRST, _WARM = threading.Lock(), threading.Event()


def about(config: SimulationConfig) -> dict[str, Any]:
    """Return what makes an item beside its plan; its hash names the item's folder."""
    return {
        "format": FORMAT,
        "voice": fingerprint("voice", config.voice) | {"options": dict(config.voice_options)},
        "renderer": fingerprint("renderer", config.renderer)
        | {"options": dict(config.renderer_options)},
        "heads": {name: dict(options) for name, options in HEADS.items()},
        "level_db": config.level_db,
        "video": {"size": list(config.video_size), "rate": VIDEO_RATE} if config.video else None,
        "text_prompts": config.text_prompts,
        "scene_prompts": config.scene_prompts,
    }


def make(plan: SegmentPlan, folder: Path, config: SimulationConfig) -> dict[str, Any]:
    """Make one segment in an empty folder and return its annotation.

    Parameters
    ----------
    plan : SegmentPlan
    folder : path
        Receives ``binaural.flac``, ``mono.flac``, ``pose.nc``, ``annotation.json`` and, where the
        configuration has video, ``video.mp4``.
    config : SimulationConfig

    Returns
    -------
    dict
        What stands in ``annotation.json``.

    Notes
    -----
    The same plan gives the same bytes. Both sounds and the pose are of one length, and the phones
    fill it: after the line the room rings for up to a second. Mono is what the mouth emits, at
    1 m; the pose is in the scene frame, whose origin is the listener.

    The first segment of a process is made alone. It imports and loads what all others use, and
    that is not for two threads at once: one that asks the loader for libraries, as threadpoolctl
    does with a callback into Python, and one that imports an extension wait for each other for
    ever (the loader's lock and the interpreter's).
    """
    with contextlib.nullcontext() if _WARM.is_set() else _FIRST:
        if not _WARM.is_set():
            annotation = _made(plan, folder, config)
            _WARM.set()
            return annotation
    return _made(plan, folder, config)


def _made(plan: SegmentPlan, folder: Path, config: SimulationConfig) -> dict[str, Any]:
    speech = with_tail(
        speak(plan, config.voice, config.voice_options, config.level_db), tail_seconds(plan.room)
    )
    pose = plan.path.pose(speech.duration)
    ears, gain_db, rendering = _rendered(plan, speech, pose, config)
    write_samples(folder / "binaural.flac", ears, HOUSE_RATE)
    write_samples(folder / "mono.flac", speech.samples[None], HOUSE_RATE)
    with _NETCDF:
        pose.save(folder / "pose.nc")
    annotation = _annotation(plan, speech, gain_db, rendering) | _prompts(plan, pose, config)
    if config.video:
        annotation |= _film(plan, speech, pose, folder / "video.mp4")
    annotation["files"] = store.hashes(folder)
    write_json(folder / "annotation.json", annotation)
    return annotation


def _rendered(
    plan: SegmentPlan, speech: Speech, pose: Pose, config: SimulationConfig
) -> tuple[np.ndarray, float, dict[str, Any]]:
    """Return (2, n) float32, the gain in dB that it needed, and what the renderer tells."""
    renderer = _renderer(config.renderer, plan.head, json.dumps(dict(config.renderer_options)))
    audio = renderer.render(speech.samples, pose, rate=HOUSE_RATE, room=plan.room)
    n = len(speech.samples)
    ears = np.zeros((2, n), np.float32)
    have = min(n, audio.length)
    ears[:, :have] = audio.samples[:, :have]
    fade = round(FADE * HOUSE_RATE)
    ears[:, -fade:] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    peak = float(np.abs(ears).max())
    gain = min(1.0, CEILING / peak) if peak > 0 else 1.0
    told = {k: v for k, v in audio.provenance.items() if isinstance(v, (str, int, float, bool))}
    return ears * np.float32(gain), 20 * float(np.log10(gain)), told


@functools.lru_cache(maxsize=12)
def _renderer(name: str, head: str, options: str) -> Any:
    chosen = json.loads(options)
    # Only the physical renderer has heads; another one hears with its own.
    if name.rsplit("/")[-1] == "physical":
        chosen = head_options(head) | chosen
    return load("renderer", name, **chosen)


def _annotation(
    plan: SegmentPlan, speech: Speech, gain_db: float, rendering: Mapping[str, Any]
) -> dict[str, Any]:
    room = plan.room
    made = plan.to_dict()
    return {
        "schema": SCHEMA,
        **{k: v for k, v in made.items() if k not in ("gap", "seconds", "path", "room")},
        "samples": len(speech.samples),
        "sampling_rate": HOUSE_RATE,
        "duration": len(speech.samples) / HOUSE_RATE,
        "phones": [[p.symbol, p.start, p.end] for p in speech.phones],
        "phone_durations": [p.duration for p in speech.phones],
        "phonemes": str(speech.provenance.get("phonemes", "")),
        "f0": [] if speech.f0 is None else [round(float(f), 2) for f in speech.f0],
        "f0_hop": speech.f0_hop,
        "gain_db": round(gain_db, 4),
        "movement": plan.path.kind,
        "path": plan.path.to_dict(),
        "room": room_to_dict(room),
        "rt60_bands": room.rt60_bands.tolist() if room.is_shoebox else None,
        "drr_db": round(room.drr_at(1.0), 3) if room.is_shoebox else None,
        "rendering": dict(rendering),
    }


def _prompts(plan: SegmentPlan, pose: Pose, config: SimulationConfig) -> dict[str, Any]:
    """Return sentences about the movement and the room, in both languages."""
    out: dict[str, Any] = {"text_prompts": [], "scene_prompts": {}}
    if not config.text_prompts and not config.scene_prompts:
        return out
    from spatialdrama_corpora import annotate

    ears = plan.room.listener[2] if plan.room.is_shoebox else EARS
    for language in ("en", "zh"):
        if config.text_prompts:
            some = annotate.text_prompts(
                pose, language, line_seed(plan.seed, "text", language), config.text_prompts,
                ear_height=ears,
            )  # fmt: skip
            out["text_prompts"] += [{"text": p.text, "language": p.language} for p in some]
        if config.scene_prompts:
            # One wording for a drama: its segments are in one place.
            seed = line_seed(0, plan.drama, language)
            out["scene_prompts"][language] = annotate.scene_prompt(plan.room, language, seed)
    return out


def _film(plan: SegmentPlan, speech: Speech, pose: Pose, path: Path) -> dict[str, Any]:
    """Write the silent video; return where the mouth is in each frame and whether it is seen.

    A mouth behind the camera has no pixel, which JSON writes as null.
    """
    from spatialdrama_corpora import video

    options = {k: tuple(v) if isinstance(v, list) else v for k, v in plan.camera.items()}
    camera = video.Camera(**options, rate=VIDEO_RATE)
    opening = video.mouth_opening(speech, VIDEO_RATE)
    pixels = video.render_video(
        path, camera, pose, opening, room=plan.room,
        appearance=line_seed(0, plan.drama, plan.speaker), seed=line_seed(0, plan.room_name),
    )  # fmt: skip
    shown = video.mouth_shown(camera, pose, np.arange(len(opening)) / VIDEO_RATE)
    return {
        "mouth_pixels": [
            [round(float(v), 2) if np.isfinite(v) else None for v in row] for row in pixels
        ],
        "mouth_shown": [bool(v) for v in shown],
        "video_rate": VIDEO_RATE,
    }


def with_config(task: Mapping[str, Any]) -> tuple[SegmentPlan, SimulationConfig]:
    """Return a plan and its configuration as they travelled to a worker."""
    return SegmentPlan.from_dict(task["plan"]), _config(json.dumps(task["config"]))


@functools.lru_cache(maxsize=4)
def _config(text: str) -> SimulationConfig:
    return SimulationConfig.from_dict(json.loads(text))
