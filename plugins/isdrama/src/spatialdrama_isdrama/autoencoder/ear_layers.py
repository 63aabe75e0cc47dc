"""Layers of the autoencoder, on one or two streams: (b, s, t, d).

Two streams are the two ears: one set of weights sees each ear as "own" and the other as "other".
Swapping the ears then swaps what comes out, as nothing in a layer knows left from right. One
stream is both ears in one, with weights of their own.

Every layer reads zeros outside the mask (b, t) and gives zeros there.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from spatialdrama_isdrama.layers.norms import RmsNorm


def blanked(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return x (b, s, t, d) with zeros where the mask (b, t) is False, NaN there included.

    Examples
    --------
    >>> x = torch.full((1, 2, 2, 1), 7.0)
    >>> blanked(x, torch.tensor([[True, False]])).flatten().tolist()
    [7.0, 0.0, 7.0, 0.0]
    """
    return torch.where(mask[:, None, :, None], x, x.new_zeros(()))


class EarConv(nn.Module):
    """A convolution over time in which each stream sees itself and, if there are two, the other.

    Its matrix over both ears is [[own, other], [other, own]].

    Parameters
    ----------
    width_in, width_out : int
        Channels of one stream.
    kernel : int, frames
        Odd.
    streams : int
        1 or 2.
    stride : int
        2 halves the rate: frame i of the result looks at frames around 2 i.

    Examples
    --------
    >>> conv = EarConv(6, 8, 5, streams=2, stride=2)
    >>> conv(torch.randn(1, 2, 8, 6), torch.ones(1, 4, dtype=torch.bool)).shape
    torch.Size([1, 2, 4, 8])
    """

    def __init__(
        self, width_in: int, width_out: int, kernel: int, *, streams: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.streams = streams
        self.conv = nn.Conv1d(
            streams * width_in, width_out, kernel, stride=stride, padding=kernel // 2
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, s, t / stride, width_out).

        Parameters
        ----------
        x : tensor, shape (b, s, t, width_in)
            Zeros outside its mask, as every layer leaves it.
        mask : tensor of bool, shape (b, t / stride)
            Of the result.
        """
        if self.streams == 2:
            x = torch.cat([x, x.flip(1)], dim=-1)
        batch = x.shape[0]
        y = self.conv(x.flatten(0, 1).transpose(1, 2)).transpose(1, 2)
        return blanked(y.unflatten(0, (batch, self.streams)), mask)


class Residual(nn.Module):
    """Twice norm, SiLU and convolution, added to what came in.

    The norm is over a frame's channels only: one over time would let padding and the rest of the
    clip into every frame.

    Examples
    --------
    >>> layer = Residual(8, 5, streams=1)
    >>> layer(torch.randn(2, 1, 7, 8), torch.ones(2, 7, dtype=torch.bool)).shape
    torch.Size([2, 1, 7, 8])
    """

    def __init__(self, width: int, kernel: int, *, streams: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(RmsNorm(width, affine=True) for _ in range(2))
        self.convs = nn.ModuleList(EarConv(width, width, kernel, streams=streams) for _ in range(2))

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, s, t, d) from x (b, s, t, d) and the mask (b, t)."""
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(F.silu(norm(y)), mask)
        return x + y


class Double(nn.Module):
    """Twice the rate: every frame twice, then a convolution, which learns what lies between.

    Examples
    --------
    >>> layer = Double(8, 5, streams=1)
    >>> layer(torch.randn(2, 1, 7, 8), torch.ones(2, 14, dtype=torch.bool)).shape
    torch.Size([2, 1, 14, 8])
    """

    def __init__(self, width: int, kernel: int, *, streams: int) -> None:
        super().__init__()
        self.conv = EarConv(width, width, kernel, streams=streams)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, s, 2 t, d) from x (b, s, t, d) and the mask (b, 2 t) of the result."""
        # The second copy of an item's last frame may lie behind its end.
        return self.conv(blanked(x.repeat_interleave(2, dim=2), mask), mask)
