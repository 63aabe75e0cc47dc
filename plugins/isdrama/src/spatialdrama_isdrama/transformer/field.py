"""What the transformer says of one point of the flow."""

from __future__ import annotations

import attrs
import torch

from .pitch import Pitch


@attrs.frozen(kw_only=True, eq=False)
class Kept:
    """What one block did, for looking at it; the line follows the prompt on the time axis.

    Parameters
    ----------
    attention : (b, heads, p + l, p + l)
    scene_attention : (b, heads, p + l, s)
    scene_gates : (heads,)
        tanh(alpha) of equation 18.
    routing : dict of (b, l, n)
        Probabilities of each group's experts on the line, without noise (as in figure 10).
    """

    attention: torch.Tensor
    scene_attention: torch.Tensor
    scene_gates: torch.Tensor
    routing: dict[str, torch.Tensor]

    def first(self, count: int) -> Kept:
        """Return the same of the first rows of the batch alone.

        Parameters
        ----------
        count
            How many rows.
        """
        return Kept(
            attention=self.attention[:count],
            scene_attention=self.scene_attention[:count],
            scene_gates=self.scene_gates,
            routing={name: x[:count] for name, x in self.routing.items()},
        )


@attrs.frozen(kw_only=True, eq=False)
class Field:
    """v(x, t | C) and what is predicted beside it.

    Parameters
    ----------
    velocity : (b, c, l)
        Zero outside the lines.
    pitch : Pitch or None
        On mel frames; None for a model without.
    balance : scalar
        Load balance of all groups, without its weight; counted in training only.
    kept : tuple of Kept
        One a block if asked for with ``keep=True``, else empty.
    """

    velocity: torch.Tensor
    pitch: Pitch | None
    balance: torch.Tensor
    kept: tuple[Kept, ...] = ()

    @property
    def routing(self) -> list[dict[str, torch.Tensor]]:
        """Routing probabilities of each block, if they were kept."""
        return [block.routing for block in self.kept]
