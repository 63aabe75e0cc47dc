"""Attention over the line that may look at the room (paper equation 18)."""

from __future__ import annotations

import torch
from torch import nn

from ..layers import attend, masked, rotary, rotate
from ..layers.attention import merge, split


class SceneAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V + tanh(alpha) softmax(Q K_s^T / sqrt(d)) V_s, by heads.

    Q and K are turned by rotary positions, K_s is not: the tokens of a scene have no place in time
    (E20). alpha is one number a head and starts at zero, so that training starts without the scene.

    Parameters
    ----------
    width
        Of the line, of the scene tokens and of the result.
    heads
        `width` must be a multiple of twice as many.

    Example
    -------
    >>> layer = SceneAttention(8, 2)
    >>> line, scene = torch.randn(1, 5, 8), torch.randn(1, 3, 8)
    >>> y, _ = layer(line, torch.ones(1, 5).bool(), scene, torch.ones(1, 3).bool())
    >>> y.shape, layer.alpha
    (torch.Size([1, 5, 8]), Parameter containing:
    tensor([0., 0.], requires_grad=True))
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width)
        self.to_key = nn.Linear(width, width)
        self.to_value = nn.Linear(width, width)
        self.scene_key = nn.Linear(width, width)
        self.scene_value = nn.Linear(width, width)
        self.alpha = nn.Parameter(torch.zeros(heads))
        self.to_out = nn.Linear(width, width)

    def gates(self) -> torch.Tensor:
        """Return tanh(alpha), (heads,): how far each head looks at the scene."""
        return self.alpha.tanh()

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor,
        scene: torch.Tensor,
        scene_mask: torch.Tensor,
        *,
        positions: torch.Tensor | None = None,
        keep: bool = False,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor] | None]:
        """Return y (b, t, d) and, with `keep`, the weights of both halves.

        Parameters
        ----------
        x, mask
            (b, t, d), (b, t).
        scene, scene_mask
            (b, s, d), (b, s).
        positions
            (b, t), in frames; the places in the row without them.
        keep
            Whether the weights (b, heads, t, t) and (b, heads, t, s) are returned.
        """
        x, scene = masked(x, mask), masked(scene, scene_mask)
        if positions is None:
            positions = torch.arange(x.shape[1], device=x.device)
        query = split(self.to_query(x), self.heads)
        turn = rotary(positions, query.shape[-1])
        query = rotate(query, *turn)
        key = rotate(split(self.to_key(x), self.heads), *turn)
        value = split(self.to_value(x), self.heads)
        own, weights = attend(query, key, value, mask, keep=keep)
        scene_key = split(self.scene_key(scene), self.heads)
        scene_value = split(self.scene_value(scene), self.heads)
        seen, scene_weights = attend(query, scene_key, scene_value, scene_mask, keep=keep)
        y = own + self.gates().to(seen.dtype)[:, None, None] * seen
        y = masked(self.to_out(merge(y)), mask)
        return y, (weights, scene_weights) if keep else None
