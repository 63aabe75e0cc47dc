"""Keeping all experts of a group at work (paper equation 4, C.7; E17)."""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError


def switch(probabilities: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """N sum_i f_i P_i of Fedus et al. 2022, equation 4 there: 1 if balanced, N if one has all.

    f_i is the fraction of tokens whose greatest probability is expert i's, and has no gradient;
    P_i is the mean probability. Tokens outside the mask count in neither.

    Parameters
    ----------
    probabilities
        (b, t, n), without noise: what inference would choose is what is to be balanced.
    mask
        (b, t)

    Examples
    --------
    >>> one = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    >>> switch(one, torch.ones(1, 2, dtype=torch.bool))
    tensor(2.)
    """
    count = probabilities.shape[-1]
    weight = mask[..., None].to(probabilities.dtype)
    tokens = weight.sum().clamp(min=1)
    best = torch.nn.functional.one_hot(probabilities.argmax(-1), count).to(probabilities.dtype)
    fraction = (best * weight).sum((0, 1)) / tokens
    mean = (probabilities * weight).sum((0, 1)) / tokens
    return count * (fraction.detach() * mean).sum()


def printed(probabilities: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """N sum_i mean_h g(h)_i: equation 4 as printed.

    The probabilities of a token add up to 1, so this is N whatever the routing, and its gradient is
    zero. It is kept so that the paper can be followed to the letter (E17).

    Parameters
    ----------
    probabilities, mask
        As for :func:`switch`.

    Examples
    --------
    >>> printed(torch.tensor([[[0.7, 0.3]]]), torch.ones(1, 1, dtype=torch.bool))
    tensor(2.)
    """
    weight = mask[..., None].to(probabilities.dtype)
    mean = (probabilities * weight).sum((0, 1)) / weight.sum().clamp(min=1)
    return probabilities.shape[-1] * mean.sum()


FORMS = {"switch": switch, "paper": printed}


def balance_loss(
    logits: list[torch.Tensor], mask: torch.Tensor, form: str = "switch"
) -> torch.Tensor:
    """Return the balance losses of all groups of all blocks added up, without their weight alpha.

    Each group has the whole weight, as in "the load-balancing loss for each expert group" (C.2,
    C.7): a balanced model of g groups scores g.

    Parameters
    ----------
    logits
        Of each group (b, t, n).
    mask
        (b, t), shared by the groups.
    form
        ``"switch"`` or ``"paper"``.

    Raises
    ------
    ValidationError
        If there is no such form.

    Examples
    --------
    >>> even = [torch.zeros(1, 3, 4), torch.zeros(1, 3, 2)]
    >>> balance_loss(even, torch.ones(1, 3, dtype=torch.bool), "paper")
    tensor(6.)
    """
    if form not in FORMS:
        raise ValidationError(f"balance must be one of {', '.join(FORMS)}; got {form!r}.")
    if not logits:
        return torch.zeros((), device=mask.device)
    losses = [FORMS[form](group.softmax(-1), mask) for group in logits]
    return torch.stack(losses).sum()
