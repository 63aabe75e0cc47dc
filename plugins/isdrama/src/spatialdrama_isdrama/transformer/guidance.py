"""Context-consistent classifier-free guidance (paper equation 5, 4.4, C.3, E.4; E23)."""

from __future__ import annotations

from collections.abc import Callable

import torch

from spatialdrama.errors import ValidationError

from .conditions import Conditions
from .field import Field
from .model import DramaTransformer
from .pitch import Pitch

Tensor = torch.Tensor


def coefficients(gamma: float, alpha: Tensor) -> Tensor:
    """Return the weights of the three fields of equation 5, (3, b); each column adds up to 1.

    Parameters
    ----------
    gamma
        1: no guidance; greater: further away from what is said without a prompt.
    alpha
        (b,): 1 listens to the voice prompt alone, 0 to the speaker's last line alone.

    Examples
    --------
    >>> coefficients(3.0, torch.tensor([0.4]))[:, 0]
    tensor([ 1.2000,  1.8000, -2.0000])
    """
    return torch.stack([gamma * alpha, gamma * (1 - alpha), (1 - gamma) * torch.ones_like(alpha)])


def plain(
    model: DramaTransformer, conditions: Conditions, *, keep: bool = False
) -> Callable[[Tensor, Tensor], Field]:
    """Return the field v(x, t | a, C) itself as a function of x and t, its conditions encoded once.

    Parameters
    ----------
    model
        Of the field.
    conditions
        Of the lines.
    keep
        Whether the fields keep what the blocks did.
    """
    encoded = model.encode(conditions)
    return lambda x, time: model(x, time, encoded, keep=keep)


def guided(
    model: DramaTransformer,
    conditions: Conditions,
    *,
    last: Tensor | None = None,
    last_mask: Tensor | None = None,
    gamma: float | None = None,
    alpha: float | Tensor | None = None,
    keep: bool = False,
) -> Callable[[Tensor, Tensor], Field]:
    """Return v_cfg of equation 5 as a function of x and t; its three branches are one batch.

    v_cfg = gamma alpha v(a) + gamma (1 - alpha) v(y_last) + (1 - gamma) v(nothing). Only the prompt
    differs between the branches; content, pose and scene stay. Pitch is combined with the same
    weights, as log f0 and as the logit of voicing. A branch that nobody listens to is not computed,
    so alpha = gamma = 1 is the plain field.

    Parameters
    ----------
    model
        Of the field; its config has the scales that are not given. With ``cfg=False`` there the
        result is the plain field, whatever the scales.
    conditions
        Of the lines, with their voice prompts a.
    last, last_mask
        (b, c, p), (b, p): latent of the last line of the same speaker. A row without any True, or
        no `last` at all, is a first line: its alpha is 1.
    gamma, alpha
        The paper's are 3 and .4; alpha may be one a line, (b,).
    keep
        Whether the fields keep what the blocks did in the first branch that is computed: the voice
        prompt's, unless alpha or gamma is 0.

    Raises
    ------
    ValidationError
        If alpha is not in [0, 1], or `last` has not as many rows as the conditions.

    Returns
    -------
    field
        Called as ``field(x, time)``; gives a :class:`~.field.Field`.
    """
    config = model.config
    if not config.cfg:
        return plain(model, conditions, keep=keep)
    gamma = config.gamma if gamma is None else gamma
    alpha = _alpha(config.alpha if alpha is None else alpha, conditions, last, last_mask)
    weights = coefficients(gamma, alpha)
    # A branch of a row with weight 0 goes along in the batch, and is multiplied by 0.
    heard = [i for i in range(3) if bool((weights[i] != 0).any())]
    prompts = [(conditions.prompt, conditions.prompt_mask), (last, last_mask), (None, None)]
    if len(heard) == 1 and bool((weights[heard[0]] == 1).all()):
        return plain(model, conditions.with_prompt(*prompts[heard[0]]), keep=keep)
    encoded = model.encode(_branches(conditions, [prompts[i] for i in heard]))
    weights, count = weights[heard], len(heard)

    def field(x: Tensor, time: Tensor) -> Field:
        said = model(x.repeat(count, 1, 1), time.repeat(count), encoded, keep=keep)
        pitch = said.pitch
        if pitch is not None:
            pitch = Pitch(_combine(pitch.log_f0, weights), _combine(pitch.voicing, weights))
        return Field(
            velocity=_combine(said.velocity, weights),
            pitch=pitch,
            balance=said.balance,
            kept=tuple(block.first(x.shape[0]) for block in said.kept),
        )

    return field


def _combine(x: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum of branches, (b, ...), from x (branches * b, ...)."""
    x = x.unflatten(0, weights.shape)
    # In float32 at least: the weights are greater than their sum.
    wide = torch.promote_types(x.dtype, torch.float32)
    shape = (*weights.shape, *(1 for _ in x.shape[2:]))
    return (weights.to(x.device, wide).view(shape) * x.to(wide)).sum(0)


def _alpha(
    alpha: float | Tensor, conditions: Conditions, last: Tensor | None, mask: Tensor | None
) -> Tensor:
    rows = conditions.rows
    device = conditions.content.device
    alpha = torch.as_tensor(alpha, dtype=torch.float64, device=device).expand(rows)
    if bool(((alpha < 0) | (alpha > 1)).any()):
        raise ValidationError(
            f"guidance: alpha must be in [0, 1], got {alpha.tolist()}; the paper's is 0.4"
        )
    if last is None or not last.shape[-1]:
        return torch.ones_like(alpha)
    if last.shape[0] != rows or (mask is not None and tuple(mask.shape) != (rows, last.shape[-1])):
        raise ValidationError(
            f"guidance: last is (b, c, p) and last_mask (b, p) for {rows} lines; got "
            f"{tuple(last.shape)} and {None if mask is None else tuple(mask.shape)}"
        )
    first = ~mask.any(1) if mask is not None else alpha.new_zeros(rows, dtype=torch.bool)
    return torch.where(first, torch.ones_like(alpha), alpha)


def _branches(conditions: Conditions, prompts: list) -> Conditions:
    """Return the conditions once for each prompt, behind one another in one batch."""
    many = conditions.with_prompt(None).map(lambda x: x.repeat(len(prompts), *[1] * (x.ndim - 1)))
    given = [(p, m) for p, m in prompts if p is not None and p.shape[-1]]
    if not given:
        return many
    longest = max(p.shape[-1] for p, _ in given)
    shape = (conditions.rows, given[0][0].shape[1], longest)
    latents, masks = [], []
    for prompt, mask in prompts:
        latent = given[0][0].new_zeros(shape)
        there = torch.zeros(shape[0], longest, dtype=torch.bool, device=latent.device)
        if prompt is not None and prompt.shape[-1]:
            length = prompt.shape[-1]
            latent[..., :length] = prompt
            there[:, :length] = True if mask is None else mask
        latents.append(latent)
        masks.append(there)
    return many.with_prompt(torch.cat(latents), torch.cat(masks))
