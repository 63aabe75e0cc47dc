"""Masks ``(b, t)`` say where something is (True) and where padding is (False).

A layer that takes a mask reads zeros where it is False and gives zeros there, whatever lies in the
padding, NaN included. So an item gives the same numbers in any batch.
"""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError

from .widths import widened


def lengths_to_mask(lengths: torch.Tensor, longest: int | None = None) -> torch.Tensor:
    """Return the mask (b, t), True for the first `lengths[b]` places of each row.

    Parameters
    ----------
    lengths
        (b,) whole numbers.
    longest
        t; the greatest length without it.

    Raises
    ------
    ValidationError
        If a length is greater than `longest`, or `lengths` is not one axis of whole numbers.

    Example
    -------
    >>> lengths_to_mask(torch.tensor([1, 3])).int()
    tensor([[1, 0, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    if lengths.ndim != 1 or lengths.is_floating_point():
        raise ValidationError(
            f"lengths must be one axis of whole numbers, got {tuple(lengths.shape)} "
            f"{lengths.dtype}; give a (b,) integer tensor"
        )
    greatest = int(lengths.max()) if lengths.numel() else 0
    longest = greatest if longest is None else longest
    if greatest > longest:
        raise ValidationError(
            f"a length of {greatest} does not fit into {longest} places; pad to {greatest}"
        )
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def masked(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return x (b, t, d) with zeros where the mask (b, t) is False; x itself without a mask.

    Chosen, not multiplied: NaN in the padding stays there, forward and backward.

    Example
    -------
    >>> masked(torch.full((1, 2, 1), float("nan")), torch.tensor([[False, False]])).flatten()
    tensor([0., 0.])
    """
    if mask is None:
        return x
    return torch.where(mask[..., None], x, x.new_zeros(()))


def masked_mean(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return the mean of x (b, t, d) over the places of the mask, (b, d); zeros for an empty row.

    Summed in float32 (float64 for float64), returned in x's type.

    Example
    -------
    >>> masked_mean(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]]))
    tensor([[2.]])
    """
    wide = widened(x)
    if mask is None:
        return wide.mean(1).to(x.dtype)
    count = mask.sum(1, keepdim=True).clamp(min=1)
    return (masked(wide, mask).sum(1) / count).to(x.dtype)


def every_fourth(mask: torch.Tensor) -> torch.Tensor:
    """Return a mask of mel frames (b, t) at the latent rate, (b, t/4).

    A latent frame is there if the first of its four mel frames is.

    Raises
    ------
    ValidationError
        If t is not a multiple of four.

    Example
    -------
    >>> every_fourth(torch.ones(1, 8, dtype=torch.bool)).shape
    torch.Size([1, 2])
    """
    if mask.shape[1] % 4:
        raise ValidationError(
            f"a mask at the mel rate has a multiple of 4 frames, got {mask.shape[1]}; "
            "pad mels and masks to a multiple of 4"
        )
    return mask[:, ::4]


def places(mask: torch.Tensor) -> torch.Tensor:
    """Return for each place (b, t) how many places of the mask precede it in its row.

    With padding in the middle (a short prompt before a line, say) the line's positions go on
    where the prompt's end, as they would alone.

    Example
    -------
    >>> places(torch.tensor([[True, False, True]]))
    tensor([[0, 1, 1]])
    """
    whole = mask.long()
    return whole.cumsum(1) - whole


def packing(mask: torch.Tensor, flip: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the order (b, t) that brings what is masked True to the front, and its inverse.

    ``x.gather`` by the first packs, by the second unpacks. With `flip` what is there comes in
    reverse order, still in front of the padding: what a network that reads one way needs to read
    an unpadded item the other way.

    Example
    -------
    >>> order, back = packing(torch.tensor([[True, False, True]]), flip=True)
    >>> order, back
    (tensor([[2, 0, 1]]), tensor([[1, 2, 0]]))
    """
    length = mask.shape[1]
    index = torch.arange(length, device=mask.device).expand_as(mask)
    key = (length - 1 - index if flip else index) + length * (~mask).long()
    order = key.argsort(dim=1)
    back = torch.empty_like(order).scatter_(1, order, index)
    return order, back


def reorder(x: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Return x (b, t, d) with its places in the given order (b, t).

    Example
    -------
    >>> reorder(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[1, 0]])).flatten()
    tensor([2., 1.])
    """
    return torch.gather(x, 1, order[..., None].expand(-1, -1, x.shape[-1]))
