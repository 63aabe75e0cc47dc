"""The experts of a group: each a FAN layer and a linear (paper 4.3, equation 3; E18)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..layers import Fan

#: Below as many tokens CUDA waits for launches, of which all experts at once need the fewest.
FEW_TOKENS = 2048


class Experts(nn.Module):
    """N experts W_i [cos(W_p,i x) | sin(W_p,i x) | gelu(B_i + W_i' x)] + b_i, side by side.

    All experts read the same x, so their first layers are one matrix, and the weighted sum of what
    they say is a second one. With weights that are one-hot the others need not be computed.

    Parameters
    ----------
    width
        Of x and of the result.
    inner
        Width between the FAN layer and the linear of an expert.
    count
        N.
    share
        Part of `inner` that is cosines, and again that is sines; 0: a linear and a GELU.

    Example
    -------
    >>> layer = Experts(8, 16, 4)
    >>> layer(torch.randn(2, 5, 8), torch.full((2, 5, 4), 0.25)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int, inner: int, count: int, share: float = 0.25):
        super().__init__()
        self.count = count
        # Each expert starts as a FAN layer and a linear by themselves would.
        fans = [Fan(width, inner, share) for _ in range(count)]
        lasts = [nn.Linear(inner, width) for _ in range(count)]
        periodic = [fan.periodic.weight for fan in fans if fan.periodic is not None]
        self.periodic = self._stack(periodic) if periodic else None
        self.other = self._stack([fan.other.weight for fan in fans])
        self.other_bias = self._stack([fan.other.bias for fan in fans])
        self.out = self._stack([last.weight for last in lasts])
        self.out_bias = self._stack([last.bias for last in lasts])

    @staticmethod
    def _stack(tensors: list[torch.Tensor]) -> nn.Parameter:
        return nn.Parameter(torch.stack([tensor.detach() for tensor in tensors]))

    def forward(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return sum_i weights_i expert_i(x), (b, t, d), from x (b, t, d) and weights (b, t, n)."""
        other = functional.linear(x, self.other.flatten(0, 1), self.other_bias.flatten())
        parts = [functional.gelu(other).unflatten(-1, (self.count, -1))]
        if self.periodic is not None:
            angle = functional.linear(x, self.periodic.flatten(0, 1))
            angle = angle.unflatten(-1, (self.count, -1))
            parts = [angle.cos(), angle.sin(), *parts]
        inner = torch.cat(parts, dim=-1) * weights[..., None].to(x.dtype)
        # (n, d, i) to (d, n i): the sum over experts is part of one product.
        out = self.out.transpose(0, 1).flatten(1)
        y = functional.linear(inner.flatten(-2), out)
        return y + weights.to(y.dtype) @ self.out_bias.to(y.dtype)

    def pick(self, x: torch.Tensor, rows: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Return each token's own expert of x, (b, t, d); zero for a token that nobody has.

        The same numbers as :meth:`forward` with one-hot weights, for 1/n of the products.

        Parameters
        ----------
        x
            (b, t, d)
        rows
            Of each expert, see :func:`~.routing.rows_of`.
        """
        tokens = x.flatten(0, 1)
        y = torch.zeros_like(tokens)
        for i, here in enumerate(rows):
            if here.numel():
                y.index_copy_(0, here, self._one(tokens[here], i).to(y.dtype))
        return y.view_as(x)

    def _one(self, x: torch.Tensor, i: int) -> torch.Tensor:
        """Return expert i's answer to x (m, d)."""
        inner = functional.gelu(functional.linear(x, self.other[i], self.other_bias[i]))
        if self.periodic is not None:
            angle = functional.linear(x, self.periodic[i])
            inner = torch.cat([angle.cos(), angle.sin(), inner], dim=-1)
        return functional.linear(inner, self.out[i], self.out_bias[i])

    def prefers_pick(self, x: torch.Tensor) -> bool:
        """Return whether :meth:`pick` is the faster way for x (b, t, d)."""
        return self.count > 1 and (not x.is_cuda or x.shape[0] * x.shape[1] >= FEW_TOKENS)
