"""From logits to experts: the dense-to-sparse Gumbel softmax (paper equation 19, C.7; E14)."""

from __future__ import annotations

import torch
from torch.nn import functional

from .config import TransformerConfig


def temperature(step: int, config: TransformerConfig) -> float:
    """Return tau of a training step: from 2.0 down to 0.3 over `temperature_steps`, then constant.

    The paper names the ends, not the way between: exponential (each step the same factor) or
    linear (E14).

    Parameters
    ----------
    step
        Training steps done, from 0.
    config
        Its ``temperature_*`` fields.

    Examples
    --------
    >>> config = TransformerConfig(temperature_steps=100, temperature_schedule="linear")
    >>> round(temperature(50, config), 3), temperature(1000, config)
    (1.15, 0.3)
    """
    start, end = config.temperature_start, config.temperature_end
    done = min(max(step, 0) / config.temperature_steps, 1.0)
    if done == 1.0:
        return end
    if config.temperature_schedule == "linear":
        return start + (end - start) * done
    return start * (end / start) ** done


def gumbel(like: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    """Return noise of a Gumbel(0, 1) distribution, as many numbers as `like`; zeros without source.

    Drawn on the generator's own device, so that the same generator gives the same noise whatever
    the model's device.

    Examples
    --------
    >>> gumbel(torch.zeros(2, 3), None).abs().max()
    tensor(0.)
    """
    if generator is None:
        return torch.zeros_like(like)
    uniform = torch.rand(
        like.shape, generator=generator, device=generator.device, dtype=torch.float64
    )
    # Two values of u have no logarithm of a logarithm: 0 and 1.
    uniform = uniform.clamp(1e-12, 1 - 1e-12)
    return -(-uniform.log()).log().to(device=like.device, dtype=like.dtype)


def gumbel_softmax(logits: torch.Tensor, noise: torch.Tensor, tau: float) -> torch.Tensor:
    """Return g of equation 19: the softmax of (logits + noise) / tau over the last axis.

    Parameters
    ----------
    logits, noise
        (..., n)
    tau
        High: many experts share a token; towards 0: one has it.

    Examples
    --------
    >>> gumbel_softmax(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]), 0.5)
    tensor([0.5000, 0.5000])
    """
    return ((logits + noise) / tau).softmax(-1)


def softmax_over_tau(logits: torch.Tensor, noise: torch.Tensor, tau: float) -> torch.Tensor:
    """Return g as line 7 of algorithm 1 prints it: softmax(logits + noise) / tau.

    The temperature does not sharpen the choice here, and what an expert says is scaled by 1 / tau.

    Parameters
    ----------
    logits, noise, tau
        As for :func:`gumbel_softmax`.

    Examples
    --------
    >>> softmax_over_tau(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]), 0.5)
    tensor([1., 1.])
    """
    return (logits + noise).softmax(-1) / tau


def chosen(logits: torch.Tensor) -> torch.Tensor:
    """Return the expert (...) of each token at inference: the greatest logit, no noise (C.7).

    Examples
    --------
    >>> chosen(torch.tensor([[0.1, 0.7, 0.2]]))
    tensor([1])
    """
    return logits.argmax(-1)


def rows_of(index: torch.Tensor, mask: torch.Tensor, count: int) -> tuple[torch.Tensor, ...]:
    """Return for each expert which rows of the flattened tokens it has, padding left out.

    Parameters
    ----------
    index, mask
        (b, t), see :func:`chosen`; (b, t).
    count
        Experts.

    Examples
    --------
    >>> index, mask = torch.tensor([[1, 0, 1]]), torch.tensor([[True, True, False]])
    >>> rows_of(index, mask, 2)
    (tensor([1]), tensor([0]))
    """
    flat, there = index.flatten(), mask.flatten()
    return tuple(((flat == i) & there).nonzero()[:, 0] for i in range(count))


def one_hot(index: torch.Tensor, count: int, like: torch.Tensor) -> torch.Tensor:
    """Return (..., n) with 1 at the index (...), in the type of `like`.

    Examples
    --------
    >>> one_hot(torch.tensor([1]), 3, torch.zeros(1))
    tensor([[0., 1., 0.]])
    """
    return functional.one_hot(index, count).to(like.dtype)
