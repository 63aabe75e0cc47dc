"""Equal stretches of a line, for means over time that still know what came first."""

from __future__ import annotations

import torch

from spatialdrama_isdrama.layers import places


def parts(mask: torch.Tensor, count: int) -> list[torch.Tensor]:
    """Return `count` masks (b, t) that share out what `mask` (b, t) has, in order of time.

    An item with fewer frames than stretches lends a frame to several of them, so that none is
    empty.

    Examples
    --------
    >>> [m.int().tolist() for m in parts(torch.tensor([[True, True, True, False]]), 2)]
    [[[1, 1, 0, 0]], [[0, 1, 1, 0]]]
    """
    if count == 1:
        return [mask]
    number, length = places(mask), mask.sum(1, keepdim=True)
    masks = []
    for k in range(count):
        # From the frame in which the stretch begins to the one in which it ends.
        begin = torch.div(length * k, count, rounding_mode="floor")
        end = torch.div(length * (k + 1) + count - 1, count, rounding_mode="floor")
        masks.append(mask & (number >= begin) & (number < end))
    return masks
