"""Drama-MOE: a prosodic and a spatial group of experts (paper 4.3, C.7, algorithm 1; E15, E16)."""

from __future__ import annotations

import torch
from torch import nn

from ..layers import Attention, RmsNorm, masked, widened
from .config import TransformerConfig
from .experts import Experts
from .routing import chosen, gumbel, gumbel_softmax, one_hot, rows_of, softmax_over_tau

Tensor = torch.Tensor


class Router(nn.Module):
    """What each group of a block looks at to choose: logits that know neither x_t nor t.

    * prosodic: the content, and the prompt as the content looks at it (section 4.3); in algorithm 1
      only the prompt, as the pose looks at it;
    * spatial: the pose (algorithm 1; the text's "z_a" contradicts its own sentence, E15).

    As the logits do not change along the flow, they are computed once for all its steps. What a
    gate sees is normalised, so that a temperature means the same whatever the encoders' scale.

    Parameters
    ----------
    config
        Its `width`, `heads`, `routing` and `groups`.

    Example
    -------
    >>> router = Router(TransformerConfig(width=16, heads=2))
    >>> z, mask = torch.randn(1, 5, 16), torch.ones(1, 5, dtype=torch.bool)
    >>> {name: x.shape for name, x in router(z, z, mask, z, mask).items()}
    {'prosodic': torch.Size([1, 5, 4]), 'spatial': torch.Size([1, 5, 4])}
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.routing = config.routing
        self.norm = RmsNorm(config.width)
        self.align = None
        if "prosodic" in config.groups:
            self.align = Attention(config.width, config.heads, rope=False)
        self.gates = nn.ModuleDict(
            {name: nn.Linear(config.width, n, bias=False) for name, n in config.groups.items()}
        )

    def forward(
        self, content: Tensor, pose: Tensor, mask: Tensor, prompt: Tensor, prompt_mask: Tensor
    ) -> dict[str, Tensor]:
        """Return the logits (b, t, n) of each group, float32 at least.

        Parameters
        ----------
        content, pose, mask
            z_c and z_p (b, t, d) and their mask (b, t).
        prompt, prompt_mask
            z_a (b, p, d), (b, p).
        """
        seen = {"spatial": pose}
        if self.align is not None:
            query = pose if self.routing == "algorithm1" else content
            aligned = self.align(self.norm(query), mask, context=prompt, context_mask=prompt_mask)
            seen["prosodic"] = aligned
            if self.routing == "text":
                seen["prosodic"] = self.norm(content) + self.norm(aligned)
        logits = {name: gate(self.norm(seen[name])) for name, gate in self.gates.items()}
        return {k: widened(v) for k, v in logits.items()}


class ExpertGroup(nn.Module):
    """One group of Drama-MOE, or without routing the one expert that takes both groups' place.

    Parameters
    ----------
    config
        Its `width`, `fan`, `fan_inner`, `fan_share`, `routing` and `temperature_end`.
    count
        Experts.

    Example
    -------
    >>> group = ExpertGroup(TransformerConfig(width=16, heads=2, fan_inner=8), 4)
    >>> x, mask = torch.randn(1, 5, 16), torch.ones(1, 5, dtype=torch.bool)
    >>> group(x, mask, torch.randn(1, 5, 4)).shape
    torch.Size([1, 5, 16])
    """

    def __init__(self, config: TransformerConfig, count: int):
        super().__init__()
        share = config.fan_share if config.fan else 0.0
        self.experts = Experts(config.width, config.fan_inner, count, share)
        self.literal = config.routing == "algorithm1"
        self.last_temperature = config.temperature_end

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        logits: Tensor | None,
        tau: float | None = None,
        generator: torch.Generator | None = None,
        rows: tuple[Tensor, ...] | None = None,
    ) -> Tensor:
        """Return what the experts make of x (b, t, d), zero outside the mask.

        Parameters
        ----------
        x, mask
            (b, t, d), (b, t).
        logits
            (b, t, n); None for the one expert without routing.
        tau
            Temperature of the Gumbel softmax in training; None: the best expert alone.
        generator
            Of the Gumbel noise; None: no noise.
        rows
            Tokens of each best expert, where they are known already.
        """
        if logits is None:
            return masked(self.experts(x, x.new_ones(*x.shape[:2], 1)), mask)
        if tau is not None:
            score = softmax_over_tau if self.literal else gumbel_softmax
            return masked(self.experts(x, score(logits, gumbel(logits, generator), tau)), mask)
        y = self._best(x, mask, logits, rows)
        if self.literal:
            # The best expert as loud as training left it, line 7 dividing by the temperature.
            y = y / self.last_temperature
        return masked(y, mask)

    def _best(
        self, x: Tensor, mask: Tensor, logits: Tensor, rows: tuple[Tensor, ...] | None
    ) -> Tensor:
        if not self.experts.prefers_pick(x):
            return self.experts(x, one_hot(chosen(logits), self.experts.count, logits))
        if rows is None:
            rows = rows_of(chosen(logits), mask, self.experts.count)
        return self.experts.pick(x, rows)
