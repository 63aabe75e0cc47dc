"""Training with a critic that goes on where it stopped: what is kept, and how it is taken up."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from spatialdrama.errors import ValidationError

PARTS = frozenset({"step", "model", "critic", "optimisers", "generator"})


class Resumable:
    """State of a training that has a network, a critic, optimisers and a generator of its draws.

    Attributes
    ----------
    config
        Of the network, for messages.
    model, critic : nn.Module
    optimisers : sequence of torch.optim.Optimizer
    generator : torch.Generator
    step : int
        Steps done.
    """

    config: Any
    model: nn.Module
    critic: nn.Module
    optimisers: Any
    generator: torch.Generator
    step: int

    def state(self) -> dict[str, Any]:
        """Return all that a resumption needs: tensors and numbers only, so that it loads safely.

        ``torch.load(..., weights_only=True)`` reads what ``torch.save`` wrote of it.
        """
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "critic": self.critic.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "generator": self.generator.get_state(),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`: the steps to come are those that would have come.

        Raises
        ------
        ValidationError
            A state that lacks a part, or of a network of another config.
        """
        missing = PARTS - set(state)
        if missing:
            raise ValidationError(
                f"the state of a training lacks {', '.join(sorted(missing))}; "
                "save what state() returns, whole"
            )
        try:
            self.model.load_state_dict(state["model"])
            self.critic.load_state_dict(state["critic"])
        except RuntimeError as error:
            raise ValidationError(
                f"the state is of another config than {self.config}: {str(error).splitlines()[-1]}"
            ) from error
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.generator.set_state(state["generator"].cpu())
        self.step = int(state["step"])
