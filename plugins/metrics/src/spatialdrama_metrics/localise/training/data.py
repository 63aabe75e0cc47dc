"""Clips to learn from: voices rendered by the physical renderer, kept as 16-bit at 24 kHz."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
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
PER_STAGE = 24
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

    def save(self, folder: Path) -> None:
        """Write one .npy file each, the names last."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("samples", "places", "family", "head"):
            values = getattr(self, name)
            np.save(
                folder / f"{name}.npy", values.astype(str) if values.dtype == object else values
            )

    @classmethod
    def load(cls, folder: Path) -> Clips:
        """Read what :meth:`save` wrote."""
        names = [a.name for a in attrs.fields(cls)]
        return cls(**{n: np.load(folder / f"{n}.npy", allow_pickle=False) for n in names})


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
    workers: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Clips:
    """Render clips for every head.

    Parameters
    ----------
    voices : sequence of (n,) float at 48 kHz
    per_head : int
        Clips of each head; every two dozen share a room and a listener.
    seed : int
        Decides every room, place, way and cut.
    held_out : bool or None
        Heads that are learned from (False), that are not (True), all (None).
    device : str
        See ``render_batch`` of the renderer.
    still : float
        Share of mouths that stay where they are.
    workers : int
        Processes that render heads side by side; rooms' tails are the host's work.
    tell : callable
        Is told how far it is.
    """
    chosen = [h for h in heads if held_out is None or h.held_out == held_out]
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        jobs = [
            (voices, head, per_head, [seed, k], device, still, Path(folder, str(k)))
            for k, head in enumerate(chosen)
        ]
        parts = []
        for head, where in zip(chosen, _each(jobs, workers), strict=True):
            parts.append(Clips.load(where))
            tell(f"{head.name}: {per_head} clips, {time.monotonic() - start:.0f} s")
        names = [a.name for a in attrs.fields(Clips)]
        return Clips(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _each(jobs: Sequence[tuple], workers: int) -> Iterator[Path]:
    if workers == 1:
        yield from map(_one_head, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_one_head, jobs)


def _one_head(job: tuple) -> Path:
    """Render the clips of one head, and write them."""
    voices, head, count, seed, device, still, folder = job
    rng = np.random.default_rng(seed)
    measured = sd.load_renderer("physical").head
    renderer = sd.load_renderer(
        "physical", hrtf=responses(head, measured), tail_seed=int(rng.integers(1 << 31))
    )
    out = Clips(
        np.zeros((count, 2, round(scenes.CLIP * RATE)), np.int16),
        np.zeros((count, FRAMES, 3), np.float32), np.full(count, head.name),
        np.full(count, "", "U16"),
    )  # fmt: skip
    items: list[dict[str, Any]] = []
    while len(items) < count:
        where = scenes.stage(rng)
        for at in range(len(items), min(len(items) + PER_STAGE, count)):
            pose = scenes.trajectory(rng, where, still=rng.random() < still)
            out.places[at] = scenes.labels(pose, where.listener, FRAMES)
            out.family[at] = where.family
            items.append(scenes.item(rng, where, spoken(rng, voices), pose))
    for first in range(0, count, 512):
        done = renderer.render_batch(items[first : first + 512], device=device)
        _keep(out, first, done, device)
    out.save(folder)
    return folder


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
