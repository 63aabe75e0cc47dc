"""From noise to a latent along a field: equation 12 and two solvers of second order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from spatialdrama.errors import ValidationError

from .config import SCHEDULES, SOLVERS

Tensor = torch.Tensor
#: Called as field(x, time (b,)); gives the velocity, or something that has one.
FieldFunction = Callable[[Tensor, Tensor], Any]
#: Called after each step as watch(steps done, t reached, x, what the step's last call gave).
Watch = Callable[[int, float, Tensor, Any], None]


def uniform(steps: int) -> list[float]:
    """Return the times 0, 1/steps, ..., 1.

    Examples
    --------
    >>> uniform(4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [i / steps for i in range(steps + 1)]


def sway(steps: int, coefficient: float = -1.0) -> list[float]:
    """Return times that are denser near 0, where a line's outline is decided.

    t = u + s (cos(pi u / 2) - 1 + u) for uniform u: the sway sampling of F5-TTS (Chen et al. 2024);
    s = -1 is t = 1 - cos(pi u / 2). It helped their model; on the exact flows to mixtures of
    Gaussians of the tests it is worse than uniform times, as it hurries where the data are narrow.

    Parameters
    ----------
    steps
        How many.
    coefficient
        s in [-1, 2 / (pi - 2)]; 0 is uniform.

    Examples
    --------
    >>> [round(t, 3) for t in sway(2)]
    [0.0, 0.293, 1.0]
    """
    times = []
    for u in uniform(steps):
        times.append(u + coefficient * (math.cos(math.pi * u / 2) - 1 + u))
    return [0.0, *times[1:-1], 1.0]


def solve(
    field: FieldFunction,
    x0: Tensor,
    steps: int = 25,
    solver: str = "euler",
    schedule: str = "uniform",
    *,
    watch: Watch | None = None,
) -> Tensor:
    """Return x at t = 1 from x0 at t = 0, where dx = v(x, t) dt (equations 7 and 12).

    Parameters
    ----------
    field
        Called as ``field(x, time)``, time (b,); gives the velocity like x, or something with a
        ``velocity``.
    x0
        (b, c, l) noise.
    steps
        Of the solver.
    solver
        * ``"euler"``: x + h v, equation 12; first order, one call a step;
        * ``"midpoint"``: v at the middle of the step; second order, two calls a step;
        * ``"few"``: for few steps. Adams and Bashforth's two-step method for unequal steps (Hairer,
          Norsett and Wanner, Solving ODEs I, III.1 and III.5): second order for one call a step,
          since the last step's velocity is used again. Its first step is Euler's.
    schedule
        Times of the steps: ``"uniform"`` as in the paper, or ``"sway"``, see :func:`sway`.
    watch
        Called after each step: the path of a sample, progress, or an exception to stop.

    Raises
    ------
    ValidationError
        If there is no such solver or schedule, or no step.

    Examples
    --------
    >>> x = solve(lambda x, t: -x, torch.ones(1, 1, 1), 10, "midpoint")
    >>> round(float(x), 3)
    0.369
    """
    if solver not in SOLVERS:
        raise ValidationError(f"solver must be one of {', '.join(SOLVERS)}; got {solver!r}.")
    if schedule not in SCHEDULES:
        raise ValidationError(f"schedule must be one of {', '.join(SCHEDULES)}; got {schedule!r}.")
    if steps < 1:
        raise ValidationError(f"a solver needs at least 1 step; got {steps}.")
    step = {"euler": _euler, "midpoint": _midpoint, "few": _adams_bashforth}[solver]
    times = {"uniform": uniform, "sway": sway}[schedule](steps)
    x, past = x0, None
    for i in range(steps):
        x, past, said = step(field, x, times[i], times[i + 1], past)
        if watch is not None:
            watch(i + 1, times[i + 1], x, said)
    return x


def _call(field: FieldFunction, x: Tensor, t: float) -> tuple[Tensor, Any]:
    time = torch.full((x.shape[0],), t, dtype=x.dtype, device=x.device)
    said = field(x, time)
    velocity = said if isinstance(said, Tensor) else said.velocity
    return velocity.to(x.dtype), said


def _euler(field, x, t, end, past):
    v, said = _call(field, x, t)
    return x + (end - t) * v, None, said


def _midpoint(field, x, t, end, past):
    v, _ = _call(field, x, t)
    half = (end - t) / 2
    v, said = _call(field, x + half * v, t + half)
    return x + (end - t) * v, None, said


def _adams_bashforth(field, x, t, end, past):
    v, said = _call(field, x, t)
    step = end - t
    if past is None:
        return x + step * v, (v, step), said
    before, last = past
    ratio = step / (2 * last)
    return x + step * ((1 + ratio) * v - ratio * before), (v, step), said
