"""The segments of a plan, one after another: looked up or sampled, handed out in script order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import GenerationError
from spatialdrama.io.stored import Scratch
from spatialdrama.runtime import folders
from spatialdrama.runtime.cache import key_of
from spatialdrama.runtime.seeding import line_seed, torch_generator
from spatialdrama.staging.stems import active_level_db
from spatialdrama.types import BinauralAudio, Scene
from spatialdrama_isdrama.autoencoder.config import FRAMES_PER_LATENT, MelConfig
from spatialdrama_isdrama.checkpoints import Loaded
from spatialdrama_isdrama.drama.encoding import Encoding
from spatialdrama_isdrama.drama.planning import Plan, Segment
from spatialdrama_isdrama.drama.prompts import SILENT_DB, VoicePrompt, latents_of
from spatialdrama_isdrama.drama.sampling import Job, draw_noise, sample, sounded
from spatialdrama_isdrama.drama.schedule import Schedule
from spatialdrama_isdrama.drama.settings import Settings
from spatialdrama_isdrama.drama.shelf import Shelf
from spatialdrama_isdrama.exact import full_float32

#: Raised when the same inputs give other samples.
VERSION = 2
#: s; each segment fades in and out, so that none begins or ends with a click.
FADE = 0.005
#: What a segment's guidance listened to beside the voice prompt.
FIRST, LAST, SILENT = "first", "last", "silent"


class Production:
    """Makes a drama's segments.

    Parameters
    ----------
    model : Loaded
    encoding : Encoding
    plan : Plan
    scene : Scene
    voices : mapping of speaker to VoicePrompt
    settings : Settings
        Resolved.
    seed : int
    shelf : Shelf

    Attributes
    ----------
    sampled, found : int
        Segments that were made, and that lay on the shelf.
    kernels_ran : list of str
        Which selective scans made the segments.
    """

    def __init__(
        self,
        model: Loaded,
        encoding: Encoding,
        plan: Plan,
        scene: Scene,
        voices: Mapping[str, VoicePrompt],
        settings: Settings,
        seed: int,
        shelf: Shelf,
    ) -> None:
        self._model, self.encoding, self.plan = model, encoding, plan
        self._scene, self._voices, self.settings = scene, voices, settings
        self._seed, self._shelf = seed, shelf
        self._mel: MelConfig = model.config.mel
        self._schedule = Schedule(plan.tasks(self._mel), batch_seconds=settings.batch_seconds)
        self._latents: dict[str, torch.Tensor] = {}
        self._kept = Scratch(2, folder=folders.cache_home())
        self._made: dict[int, BinauralAudio] = {}
        self._keys: dict[int, dict[str, Any]] = {}
        self.sampled = self.found = 0
        self._kernels: set[str] = set()
        self._contexts: dict[int, str] = {}

    @property
    def kernels_ran(self) -> list[str]:
        return sorted(self._kernels)

    def contexts(self) -> dict[str, Any]:
        """Return how many finished segments listened to their speaker's last one (equation 5).

        ``first`` had none; in ``silent`` are the lines whose last one was too soft to be listened
        to, so that their alpha was 1 as well.
        """
        found = self._contexts
        silent = sorted({self.plan.segments[i].index for i in found if found[i] == SILENT})
        names = [f"line {i + 1} of {self.plan.script[i].speaker}" for i in silent]
        count = {kind: list(found.values()).count(kind) for kind in (FIRST, LAST)}
        return {**count, SILENT: names}

    @property
    def frame_seconds(self) -> float:
        """Seconds from one value of F0 to the next."""
        return self._mel.hop / self._mel.rate

    def azimuth_deg(self, index: int) -> np.ndarray:
        """Return where the listener has the speaker of a segment, (l,) degrees, 90 at the left."""
        return self.encoding.azimuth_deg(self.plan.segments[index], self._scene)

    def __iter__(self) -> Iterator[tuple[int, BinauralAudio]]:
        """Yield (segment, its sound) in script order, each as soon as it is finished."""
        following = 0
        while following < len(self.plan.segments):
            if following not in self._made:
                self._advance()
            while following in self._made:
                yield following, self._made[following]
                following += 1

    def _advance(self) -> None:
        """Make the next batch; what is on the shelf costs nothing."""
        missing = []
        for i in self._schedule.next_batch():
            found = self._shelf.find(self._key(i))
            if found is None:
                missing.append(i)
            else:
                self._finish(i, found)
                self.found += 1
        if not missing:
            return
        with torch.inference_mode(), full_float32():
            jobs = [self.job(i) for i in missing]
            # Only the flow runs in mixed precision: the vocoder's phases need their digits.
            with self._model.autocast():
                sampled = sample(self._model.transformer, jobs, self.settings)
            for i, job, one in zip(missing, jobs, sampled, strict=True):
                audio = self._audio(i, job, one)
                self._shelf.keep(self._key(i), audio)
                self._finish(i, audio)
                self.sampled += 1

    def _finish(self, index: int, audio: BinauralAudio) -> None:
        self._made[index] = attrs.evolve(audio, samples=self._kept.keep(audio.samples))
        self._kernels.update(audio.provenance["scan"])
        self._contexts[index] = audio.provenance["context"]
        self._schedule.finish(index)

    def job(self, index: int) -> Job:
        """Return a segment as it is sampled; its speaker's last one is made first.

        Call it in ``torch.inference_mode``.
        """
        before = self._schedule.before(index)
        while before is not None and before not in self._made:
            self._advance()
        segment = self.plan.segments[index]
        speaker = segment.line.speaker
        conditions, delay = self.encoding.conditions(segment, self._scene)
        shape = (self._model.config.transformer.latent, segment.total // FRAMES_PER_LATENT)
        noise = torch_generator(self._seed, *segment.seed_keys("noise"))
        return Job(
            conditions=conditions,
            prompt=self._prompt(speaker),
            last=self._last(index),
            noise=draw_noise(shape, noise, self._model.device.torch),
            delay=delay,
            excitation=torch_generator(self._seed, *segment.seed_keys("excitation")),
        )

    def _prompt(self, speaker: str) -> torch.Tensor:
        if speaker not in self._latents:
            samples = self._voices[speaker].samples
            self._latents[speaker] = latents_of(samples, self._model.autoencoder, self._mel)
        return self._latents[speaker]

    def _last(self, index: int) -> torch.Tensor | None:
        """Return the latents of the end of the speaker's last segment, levelled as prompts are.

        Equation 5 takes the last *predicted audio*, so the sound itself is encoded: a segment
        from the shelf gives the same context as one just made.
        """
        before = self._schedule.before(index)
        if before is None:
            return None
        samples = self._made[before].samples
        grid = self._mel.hop * FRAMES_PER_LATENT
        length = min(samples.shape[1], round(self.settings.prompt_seconds * self._mel.rate))
        if length < grid:
            return None
        samples = samples[:, -(length // grid * grid) :]
        level = active_level_db(samples.mean(axis=0), self._mel.rate)
        if level < SILENT_DB:
            return None
        gain = np.float32(10 ** ((self.settings.level_db - level) / 20))
        return latents_of(samples * gain, self._model.autoencoder, self._mel)

    def _audio(self, index: int, job: Job, one: Any) -> BinauralAudio:
        segment = self.plan.segments[index]
        samples = sounded(self._model.autoencoder, self._model.vocoder, job, one)
        if not np.isfinite(samples).all():
            raise GenerationError(
                f"line {segment.index + 1} of {segment.line.speaker} came out as NaN or infinite "
                "samples; the weights do not fit these inputs. Try dtype='float32', fewer steps "
                "or a smaller gamma."
            )
        samples = faded(samples[:, : segment.samples], round(FADE * self._mel.rate))
        f0 = [round(float(v), 3) for v in one.f0.float().cpu()]
        context = LAST if job.last is not None else FIRST
        if context == FIRST and self._schedule.before(index) is not None:
            context = SILENT
        about = {"f0": f0, "scan": kernels(self._model.transformer), "context": context}
        return BinauralAudio(samples, self._mel.rate, provenance=about)

    def _key(self, index: int) -> dict[str, Any]:
        """Return what a segment is kept under; it is made of its speaker's last one too."""
        if index not in self._keys:
            self._keys[index] = {"isdrama": VERSION, "made of": key_of(self._inputs(index))}
        return self._keys[index]

    def _inputs(self, index: int) -> dict[str, Any]:
        """Return everything that makes a segment what it is, as a cache key takes it."""
        segment: Segment = self.plan.segments[index]
        before = self._schedule.before(index)
        settings, model = self.settings, self._model
        return {
            "weights": model.fingerprint,
            "device": model.device.kind,
            "dtype": model.dtype,
            "torch": torch.__version__,
            "scan": model.transformer.config.scan,
            "solver": [settings.solver, settings.steps],
            "guidance": [float(settings.gamma), float(settings.alpha)],
            "context": [float(settings.prompt_seconds), float(settings.level_db)],
            # In a batch sums are taken in another order; alone a segment is exact.
            "alone": settings.batch_seconds == 0,
            "seed": line_seed(self._seed, *segment.seed_keys("")),
            "frames": segment.frames,
            "samples": segment.samples,
            "voice": self._voices[segment.line.speaker].samples,
            "last": None if before is None else self._key(before),
            **self.encoding.inputs(segment, self._scene),
        }


def kernels(module: torch.nn.Module) -> list[str]:
    """Return which selective scans the module's layers ran last."""
    return sorted({str(layer.ran) for layer in module.modules() if getattr(layer, "ran", None)})


def faded(samples: np.ndarray, length: int) -> np.ndarray:
    """Return (2, n) samples with raised-cosine fades of `length` samples at both ends.

    Examples
    --------
    >>> faded(np.ones((2, 5)), 2)[0].astype(float).round(2).tolist()
    [0.15, 0.85, 1.0, 0.85, 0.15]
    """
    length = min(length, samples.shape[1] // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))
    out = np.array(samples, dtype=np.float32)
    out[:, :length] *= ramp.astype(np.float32)
    out[:, out.shape[1] - length :] *= ramp[::-1].astype(np.float32)
    return out
