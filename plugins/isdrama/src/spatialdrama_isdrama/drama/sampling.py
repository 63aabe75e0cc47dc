"""From conditions to sound: noise, the guided flow, the decoder, the vocoder (4.4, C.3, C.5).

Only the flow runs on several segments at once; the decoder and the vocoder take them one by one,
so that a segment's sound depends on its latent alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import torch
from torch.nn import functional

from spatialdrama_isdrama.autoencoder.config import FRAMES_PER_LATENT
from spatialdrama_isdrama.drama.settings import Settings
from spatialdrama_isdrama.transformer import Conditions, DramaTransformer
from spatialdrama_isdrama.transformer import sample as solved

Tensor = torch.Tensor


@attrs.frozen(eq=False)
class Job:
    """One segment, ready to be sampled.

    Attributes
    ----------
    conditions : Conditions
        One row, without a prompt.
    prompt : (c, p)
        Latents of the voice prompt: a of equation 5.
    last : (c, p') or None
        Latents of the speaker's last segment, y_last; None for a first one, whose alpha is 1.
    noise : (c, l)
        Where the flow starts.
    delay : (e, t), s
        From the mouth to each ear.
    excitation : torch.Generator
        On the CPU; the vocoder's noise.
    """

    conditions: Conditions
    prompt: Tensor
    last: Tensor | None
    noise: Tensor
    delay: Tensor
    excitation: torch.Generator


@attrs.frozen(eq=False)
class Sampled:
    """What the flow made of a job: a latent (c, l) and F0 (t,) in Hz, 0 where unvoiced."""

    latent: Tensor
    f0: Tensor


def sample(transformer: DramaTransformer, jobs: Sequence[Job], settings: Settings) -> list[Sampled]:
    """Solve the guided flow of equation 5 for a batch of jobs.

    A job whose `last` is None is a first line: its alpha is 1.

    Parameters
    ----------
    transformer : DramaTransformer
    jobs : sequence of Job
    settings : Settings
        Resolved: solver, steps, gamma, alpha.

    Returns
    -------
    list of Sampled
        Each as long as its own job.
    """
    conditions, noise = stacked(jobs)
    conditions = conditions.with_prompt(*prompts_of([job.prompt for job in jobs], noise))
    last, last_mask = prompts_of([job.last for job in jobs], noise)
    done = solved(
        transformer,
        conditions,
        noise,
        last=last,
        last_mask=last_mask,
        gamma=settings.gamma,
        alpha=settings.alpha,
        steps=settings.steps,
        solver=settings.solver,
    )
    out = []
    for row, job in enumerate(jobs):
        frames, latents = job.conditions.content.shape[1], job.noise.shape[1]
        # A model without pitch (the ablation) leaves all of it to the vocoder's noise.
        f0 = noise.new_zeros(frames) if done.f0 is None else done.f0[row, :frames].float()
        out.append(Sampled(done.latent[row, :, :latents].float(), f0))
    return out


def sounded(autoencoder: Any, vocoder: Any, job: Job, one: Sampled) -> np.ndarray:
    """Return the samples (e, n) of a sampled job, float32: decoder, then vocoder.

    The ears' mels keep the level that the model gave them; nothing is normalised.
    """
    mel = autoencoder.decode(one.latent[None]).float()
    # Below the floor there is nothing that the vocoder was trained on.
    mel = mel.clamp(min=autoencoder.config.silence)
    wave = vocoder(mel, one.f0[None], job.delay[None], noise=[job.excitation])
    return wave[0].float().cpu().numpy()


def draw_noise(shape: Sequence[int], generator: torch.Generator, device: Any) -> Tensor:
    """Return normal numbers drawn on the CPU, so that they are the same for every device."""
    return torch.randn(tuple(shape), generator=generator).to(device)


def stacked(jobs: Sequence[Job]) -> tuple[Conditions, Tensor]:
    """Return one batch of conditions without prompts, and its noise, padded behind each item.

    Returns
    -------
    conditions : Conditions
        Rows in the order of `jobs`.
    noise : (b, c, l)
        Zeros beyond an item.
    """
    many = [job.conditions for job in jobs]
    longest = max(c.content.shape[1] for c in many)

    def line(name: str, axis: int) -> Tensor:
        return torch.cat([_longer(getattr(c, name), longest, axis) for c in many])

    scene, scene_mask = _scenes(many)
    conditions = Conditions(
        content=line("content", 1), pose=line("pose", 2), mask=line("mask", 1),
        scene=scene, scene_mask=scene_mask,
    )  # fmt: skip
    latents = longest // FRAMES_PER_LATENT
    noise = torch.stack([_longer(job.noise, latents, 1) for job in jobs])
    return conditions, noise


def _scenes(many: Sequence[Conditions]) -> tuple[Tensor | None, Tensor | None]:
    """Return scene tokens (b, s, d) and their mask (b, s); a row may have none."""
    given = [c.scene for c in many if c.scene is not None]
    if not given:
        return None, None
    longest = max(scene.shape[1] for scene in given)
    empty, nothing = given[0].new_zeros(1, 0, given[0].shape[2]), given[0].new_zeros(1, 0).bool()
    tokens = [empty if c.scene is None else c.scene for c in many]
    masks = [nothing if c.scene is None else c.scenes()[1] for c in many]
    return (
        torch.cat([_longer(x, longest, 1) for x in tokens]),
        torch.cat([_longer(m, longest, 1) for m in masks]),
    )


def prompts_of(rows: Sequence[Tensor | None], like: Tensor) -> tuple[Tensor, Tensor]:
    """Return prompts (b, c, p) of different lengths and their mask (b, p); None is no prompt."""
    longest = max((0 if row is None else row.shape[1]) for row in rows)
    empty = like.new_zeros(like.shape[1], 0)
    given = [empty if row is None else row for row in rows]
    mask = torch.arange(longest, device=like.device) < torch.tensor(
        [row.shape[1] for row in given], device=like.device
    ).unsqueeze(1)
    return torch.stack([_longer(row, longest, 1) for row in given]), mask


def _longer(x: Tensor, length: int, axis: int) -> Tensor:
    """Return x with zeros (or False) behind it along an axis."""
    missing = length - x.shape[axis]
    if missing == 0:
        return x
    pad = [0, 0] * (x.ndim - 1 - axis) + [0, missing]
    return functional.pad(x, pad)
