"""Clips to learn from: voices rendered by the physical renderer, kept as 16-bit at 24 kHz."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import soundfile
import soxr

import spatialdrama as sd
from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama_metrics.localise.features import RATE
from spatialdrama_metrics.localise.training import scenes
from spatialdrama_metrics.localise.training.heads import HEADS, Head, responses

#: Clips that share a room.
PER_STAGE = 8
FRAMES = round(scenes.CLIP / scenes.STEP)


@attrs.define
class Clips:
    """Rendered clips.

    Attributes
    ----------
    samples : (c, 2, n) int16 at 24 kHz
    places : (c, 100, 3) float32, m, in the listener's frame
    head, family : (c,) str
    """

    samples: np.ndarray
    places: np.ndarray
    head: np.ndarray
    family: np.ndarray


def read_voices(folder: Path) -> list[np.ndarray]:
    """Return the mono files of a folder at 48 kHz, each with a peak of .7."""
    files = sorted(p for p in folder.iterdir() if p.suffix in (".ogg", ".flac", ".wav"))
    if not files:
        raise ValidationError(f"{folder} holds no .ogg, .flac or .wav file of a voice.")
    out = []
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32")
        samples = soxr.resample(samples, rate, HOUSE_RATE)
        out.append(0.7 * samples / max(float(np.abs(samples).max()), 1e-6))
    return out


def spoken(rng: np.random.Generator, voices: Sequence[np.ndarray]) -> np.ndarray:
    """Return one clip of speech with pauses, (n,) at 48 kHz."""
    wanted = round(scenes.CLIP * HOUSE_RATE)
    voice = voices[rng.integers(len(voices))]
    first = rng.integers(0, max(len(voice) - wanted // 2, 1))
    parts = [voice[first:]]
    while sum(map(len, parts)) < wanted:
        parts.append(np.zeros(round(rng.uniform(0.05, 0.5) * HOUSE_RATE), np.float32))
        parts.append(voices[rng.integers(len(voices))])
    return np.concatenate(parts)[:wanted]


def rendered(
    voices: Sequence[np.ndarray],
    *,
    per_head: int,
    seed: int,
    held_out: bool | None = False,
    device: str = "auto",
    still: float = 0.6,
    heads: Sequence[Head] = HEADS,
    tell: Callable[[str], None] = lambda _: None,
) -> Clips:
    """Render clips for every head.

    Parameters
    ----------
    voices : sequence of (n,) float at 48 kHz
    per_head : int
        Clips of each head; every eight share a room and a listener.
    seed : int
        Decides every room, place, way and cut.
    held_out : bool or None
        Heads that are learned from (False), that are not (True), all (None).
    device : str
        See ``render_batch`` of the renderer.
    still : float
        Share of mouths that stay where they are.
    tell : callable
        Is told how far it is.
    """
    measured = sd.load_renderer("physical").head
    chosen = [h for h in heads if held_out is None or h.held_out == held_out]
    total = per_head * len(chosen)
    length = round(scenes.CLIP * RATE)
    out = Clips(
        np.zeros((total, 2, length), np.int16), np.zeros((total, FRAMES, 3), np.float32),
        np.empty(total, object), np.empty(total, object),
    )  # fmt: skip
    start, row = time.monotonic(), 0
    for k, head in enumerate(chosen):
        rng = np.random.default_rng([seed, k])
        renderer = sd.load_renderer("physical", hrtf=responses(head, measured), tail_seed=seed + k)
        items: list[dict[str, Any]] = []
        for _ in range(per_head // PER_STAGE):
            where = scenes.stage(rng)
            for _ in range(PER_STAGE):
                pose = scenes.trajectory(rng, where, still=rng.random() < still)
                at = row + len(items)
                out.places[at] = scenes.labels(pose, where.listener, FRAMES)
                out.head[at], out.family[at] = head.name, where.family
                items.append(scenes.item(rng, where, spoken(rng, voices), pose))
        for first in range(0, len(items), 512):
            done = renderer.render_batch(items[first : first + 512], device=device)
            _keep(out, row + first, done, device)
        row += len(items)
        tell(f"{head.name}: {row} of {total} clips, {time.monotonic() - start:.0f} s")
    return out


def _keep(out: Clips, first: int, audios: Sequence[Any], device: str) -> None:
    """Write rendered sounds, cut to the clip, at RATE, with a peak of .9."""
    import torch

    from spatialdrama_metrics.localise.training.signals import halved

    wanted = round(scenes.CLIP * HOUSE_RATE)
    where = "cuda" if torch.cuda.is_available() and device != "cpu" else "cpu"
    for i in range(0, len(audios), 128):
        batch = np.stack([_cut(a.samples, wanted) for a in audios[i : i + 128]])
        low = halved(torch.from_numpy(batch).to(where))
        low = low / low.abs().amax((1, 2), keepdim=True).clamp(min=1e-9) * 0.9
        part = (low * 32767).round().to(torch.int16).cpu().numpy()
        out.samples[first + i : first + i + len(part)] = part


def _cut(samples: np.ndarray, wanted: int) -> np.ndarray:
    samples = samples[:, :wanted]
    return np.pad(samples, ((0, 0), (0, wanted - samples.shape[1])))
