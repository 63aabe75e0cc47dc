"""The way of a sample from noise to speech, recorded while a solver walks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from spatialdrama.errors import ValidationError


class Recorded:
    """A field that remembers where it was asked.

    Wrap what a solver is given; the wrapper answers the same.

    Parameters
    ----------
    field : callable (x, t) -> v
        As solvers call it: x (b, c, l) and t a number or (b,).

    Attributes
    ----------
    times : list of float
    points, velocities : list of (b, c, l) tensors on the CPU

    Examples
    --------
    >>> path = Recorded(lambda x, t: 2 * torch.ones_like(x))
    >>> x = torch.zeros(1, 1, 2)
    >>> for t in (0.0, 0.5):
    ...     x = x + 0.5 * path(x, t)
    >>> path.times, path.ends()[0].flatten().tolist()
    ([0.0, 0.5], [2.0, 2.0])
    """

    def __init__(self, field: Callable[..., Any]) -> None:
        self._field = field
        self.times: list[float] = []
        self.points: list[torch.Tensor] = []
        self.velocities: list[torch.Tensor] = []

    def __call__(self, x: torch.Tensor, t: Any, *more: Any, **options: Any) -> Any:
        v = self._field(x, t, *more, **options)
        velocity = getattr(v, "velocity", v)
        self.times.append(t.flatten()[0].item() if isinstance(t, torch.Tensor) else float(t))
        self.points.append(x.detach().float().cpu().clone())
        self.velocities.append(velocity.detach().float().cpu().clone())
        return v

    def ends(self) -> list[torch.Tensor]:
        """Return where each step believed the sample would end: x + (1 - t) v, equation 10.

        The straighter the flow, the earlier these stop moving.
        """
        self._check()
        return [
            x + (1 - t) * v
            for x, t, v in zip(self.points, self.times, self.velocities, strict=True)
        ]

    def bend(self) -> list[float]:
        """Return by how much each velocity differs from the first, relative, as one number each.

        All zero for a straight path, which one step would walk.

        Examples
        --------
        >>> path = Recorded(lambda x, t: (1 + t) * torch.ones_like(x))
        >>> _ = path(torch.zeros(1, 1, 2), 0.0), path(torch.zeros(1, 1, 2), 0.5)
        >>> path.bend()
        [0.0, 0.5]
        """
        self._check()
        first = self.velocities[0]
        size = first.norm().clamp(min=1e-12)
        return [float((v - first).norm() / size) for v in self.velocities]

    def _check(self) -> None:
        if not self.times:
            raise ValidationError("nothing was recorded yet: give this object to a solver first.")
