"""Which prompt an item is trained with, if any, and whether with a scene (paper C.3; E20, E22)."""

from __future__ import annotations

import attrs
import torch

from .conditions import Conditions
from .config import TransformerConfig

Tensor = torch.Tensor
#: Where an item's prompt is from: the same script, another script of the same speaker, nowhere.
SAME, OTHER, NONE = 0, 1, 2


def prompt_sources(count: int, config: TransformerConfig, generator: torch.Generator) -> Tensor:
    """Return for each item (b,) where its prompt comes from: :data:`SAME`, `OTHER` or `NONE`.

    "A 0.4 probability of selecting other audio from the same speaker and a 0.2 probability of
    dropping": read as chances of one draw, which leaves .4 to the same script (E22).

    Parameters
    ----------
    count
        b.
    config
        Its ``drop_prompt`` and ``other_prompt``.
    generator
        Of the draws.

    Examples
    --------
    >>> config = TransformerConfig(drop_prompt=1.0, other_prompt=0.0)
    >>> prompt_sources(2, config, torch.Generator())
    tensor([2, 2])
    """
    drawn = torch.rand(count, generator=generator, device=generator.device)
    none = drawn < config.drop_prompt
    other = drawn < config.drop_prompt + config.other_prompt
    return torch.where(none, NONE, torch.where(other, OTHER, SAME))


def with_sources(
    conditions: Conditions,
    sources: Tensor,
    other: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Conditions:
    """Return the conditions with each item's prompt taken from where `sources` says.

    Parameters
    ----------
    conditions
        With prompts of the same script.
    sources
        (b,) of :func:`prompt_sources`.
    other, other_mask
        (b, c, q), (b, q): prompts from another script. None: the conditions' own prompts stay, for
        data that have chosen already; an item that has none of the other keeps its own, too.
    """
    prompt, mask = conditions.prompts()
    if not prompt.shape[1]:
        return conditions
    sources = sources.to(prompt.device)
    if other is not None:
        second = other.transpose(1, 2)
        if other_mask is None:
            other_mask = second.new_ones(second.shape[:2], dtype=torch.bool)
        take = (sources == OTHER) & other_mask.any(1)
        longest = max(prompt.shape[1], second.shape[1])
        prompt, mask = _pad(prompt, longest), _pad(mask, longest)
        second, other_mask = _pad(second, longest), _pad(other_mask, longest)
        prompt = torch.where(take[:, None, None], second, prompt)
        mask = torch.where(take[:, None], other_mask, mask)
    mask = mask & (sources != NONE)[:, None]
    return conditions.with_prompt(prompt.transpose(1, 2), mask)


def drop_scenes(
    conditions: Conditions, config: TransformerConfig, generator: torch.Generator
) -> Conditions:
    """Return the conditions with the scenes of some items taken away.

    Parameters
    ----------
    conditions
        Of the items.
    config
        Its ``drop_scene`` is the chance of each.
    generator
        Of the draws, one an item whether it has a scene or not.
    """
    drawn = torch.rand(conditions.rows, generator=generator, device=generator.device)
    scene, mask = conditions.scenes()
    if not scene.shape[1]:
        return conditions
    kept = (drawn >= config.drop_scene).to(mask.device)
    return attrs.evolve(conditions, scene=scene, scene_mask=mask & kept[:, None])


def _pad(x: Tensor, longest: int) -> Tensor:
    """Return x (b, p, ...) with zeros behind it, (b, longest, ...)."""
    more = x.new_zeros(x.shape[0], longest - x.shape[1], *x.shape[2:])
    return torch.cat([x, more], dim=1)
