"""One line of a drama, looked into while it is sampled: what all pictures are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import torch
import xarray as xr

from spatialdrama.errors import ValidationError

from ..exact import full_float32
from ..transformer.guidance import guided
from ..transformer.solvers import solve
from .path import Recorded
from .routing import by_azimuth

if TYPE_CHECKING:
    from spatialdrama.types import Scene, Script

    from ..drama.generator import Isdrama
    from ..drama.planning import Segment
    from ..transformer.field import Kept


@attrs.frozen(eq=False)
class Inspected:
    """A segment of a drama and how it was made.

    Attributes
    ----------
    segment : Segment
        What was said, where and when.
    path : Recorded
        The way from noise, one point for each call of the field.
    latent : (1, c, l)
        Where it ended, on the CPU.
    kept : tuple of Kept
        What each block did in the last call, where the input is nearest to speech: attention over
        prompt and line, scene gates, routing. Of the branch with the voice prompt.
    prompt : int
        Latent frames of prompts in front of the line, on the attention's axes.
    azimuth_deg : (l,)
        Where the listener has the speaker; 0 in front, 90 at the left.
    """

    segment: Segment
    path: Recorded
    latent: torch.Tensor
    kept: tuple[Kept, ...]
    prompt: int
    azimuth_deg: np.ndarray

    def routing(
        self, group: str = "spatial", block: int = -1, *, sectors: int = 12, fold: bool = True
    ) -> xr.DataArray:
        """Return how the experts of a group share each direction, for :func:`.pictures.routing`.

        Parameters
        ----------
        group : "spatial" or "prosodic"
        block : int
            The last by default.
        sectors, fold
            See :func:`.routing.by_azimuth`.

        Raises
        ------
        ValidationError
            The model has no such block or group.
        """
        blocks = len(self.kept)
        if not -blocks <= block < blocks:
            raise ValidationError(f"the model has blocks 0 to {blocks - 1}; got {block}.")
        groups = self.kept[block].routing
        if group not in groups:
            there = ", ".join(groups) or "no experts"
            raise ValidationError(f"block {block} has {there}; got {group!r}.")
        return by_azimuth(groups[group], self.azimuth_deg[None], sectors=sectors, fold=fold)


def inspect(
    generator: Isdrama,
    script: Script,
    scene: Scene,
    *,
    voices: Mapping[str, Any],
    line: int = 0,
    part: int = 0,
    seed: int = 0,
) -> Inspected:
    """Sample one line as a drama would, and return how it came about.

    Conditions, voice prompt, context, noise, guidance and solver are the drama's own, so that the
    latent is that of :meth:`Isdrama.generate` with the same seed. Nothing is kept on the shelf but
    the lines before, which the line may listen to.

    Parameters
    ----------
    generator : Isdrama
    script, scene, voices, seed
        As for :meth:`Isdrama.generate`.
    line : int
        From 0 on; -1 is the last.
    part : int
        Which piece of a line that is longer than the model speaks at once.

    Returns
    -------
    Inspected

    Raises
    ------
    ValidationError, UnknownNameError
        What :meth:`Isdrama.check` says; a line or a part that is not there.

    Examples
    --------
    >>> from spatialdrama_isdrama.inspection import drama, pictures
    >>> seen = drama.inspect(isdrama, script, scene, voices=voices)         # doctest: +SKIP
    >>> pictures.routing(seen.routing())                                    # doctest: +SKIP
    >>> pictures.flow(seen.path, isdrama.model.autoencoder.decode)          # doctest: +SKIP
    >>> pictures.attention(seen.kept[0], prompt=seen.prompt)                # doctest: +SKIP
    """
    made = generator.production(script, scene, voices=voices, seed=seed)
    model, index = generator.model, _index(made.plan, line, part)
    config, settings = model.config.transformer, made.settings
    with torch.inference_mode(), full_float32():
        job = made.job(index)
        azimuth = made.azimuth_deg(index)
        with model.autocast():
            field = guided(
                model.transformer, job.conditions.with_prompt(job.prompt[None]),
                last=None if job.last is None else job.last[None],
                gamma=settings.gamma, alpha=settings.alpha, keep=True,
            )  # fmt: skip
            path, last = Recorded(field), []
            latent = solve(
                path, job.noise[None], settings.steps, settings.solver, config.schedule,
                watch=lambda step, t, x, said: last.__setitem__(slice(None), [said]),
            )  # fmt: skip
    kept = last[0].kept
    return Inspected(
        segment=made.plan.segments[index],
        path=path,
        latent=latent.float().cpu(),
        kept=kept,
        prompt=kept[0].attention.shape[-1] - latent.shape[-1],
        azimuth_deg=azimuth,
    )


def _index(plan: Any, line: int, part: int) -> int:
    lines = len(plan.script)
    if not -lines <= line < lines:
        raise ValidationError(f"the script has lines 0 to {lines - 1}; got line={line}.")
    parts = plan.of_line(line % lines)
    if not 0 <= part < len(parts):
        raise ValidationError(f"line {line} has parts 0 to {len(parts) - 1}; got part={part}.")
    return parts[part]
