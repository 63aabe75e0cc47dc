"""Everything that becomes part of the stream or of z_g, brought to one width and one rate."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from ..autoencoder.config import FRAMES_PER_LATENT
from ..layers import MaskedConv, every_fourth, masked

#: Numbers of the sinusoidal code of t.
TIME_CODE = 256
#: t in [0, 1] is read on the paper's scale of 1000 training steps.
TIME_SCALE = 1000.0


def time_code(time: torch.Tensor, width: int = TIME_CODE) -> torch.Tensor:
    """Return cosines and sines of 1000 t at geometric rates (Vaswani et al. 2017), (b, width).

    The paper trains on 1000 steps; here t is continuous and read on the same scale (E23).

    Parameters
    ----------
    time
        (b,) in [0, 1].
    width
        Even.

    Example
    -------
    >>> time_code(torch.zeros(1), 4)
    tensor([[1., 1., 0., 0.]], dtype=torch.float64)
    """
    half = width // 2
    rate = torch.arange(half, device=time.device, dtype=torch.float64) / half
    angle = TIME_SCALE * time.double()[:, None] * torch.exp(-math.log(10_000.0) * rate)
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """z_t of C.6: two linears over the code of the flow time.

    Parameters
    ----------
    width
        Of z_t.
    """

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Linear(TIME_CODE, width)
        self.second = nn.Linear(width, width)

    def forward(self, time: torch.Tensor) -> torch.Tensor:
        """Return z_t (b, d) from t (b,) in [0, 1]."""
        code = time_code(time).to(self.first.weight.dtype)
        return self.second(functional.silu(self.first(code)))


class Downsample(nn.Module):
    """From mel frames to latent frames: a convolution, LeakyReLU, the mean of four (E6).

    The convolution looks at each channel by itself; the linear behind it joins them. A full one of
    nine taps would cost 5 M parameters where the paper's 177 M leave one.

    Parameters
    ----------
    width_in, width_out
        Channels.
    kernel
        Odd, in mel frames.
    streams
        Inputs that share the convolution and are joined by the linear: 2 for the ears of z_p.

    Example
    -------
    >>> layer = Downsample(6, 8, 9)
    >>> layer(torch.randn(2, 1, 12, 6), torch.ones(2, 12, dtype=torch.bool)).shape
    torch.Size([2, 3, 8])
    """

    def __init__(self, width_in: int, width_out: int, kernel: int, streams: int = 1):
        super().__init__()
        self.conv = nn.Conv1d(width_in, width_in, kernel, padding=kernel // 2, groups=width_in)
        self.join = nn.Linear(streams * width_in, width_out)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, l, width_out) from x (b, streams, t, width_in) and the mask (b, t)."""
        b, streams, t, _ = x.shape
        wide = mask[:, None].expand(b, streams, t).reshape(b * streams, t)
        rows = masked(x.flatten(0, 1), wide)
        y = self.conv(rows.transpose(1, 2)).transpose(1, 2)
        y = masked(functional.leaky_relu(y), wide)
        y = y.unflatten(1, (t // FRAMES_PER_LATENT, FRAMES_PER_LATENT)).mean(2)
        y = y.unflatten(0, (b, streams)).transpose(1, 2).flatten(2)
        return masked(self.join(y), every_fourth(mask))


class PromptEncoder(nn.Module):
    """From the prompt's latent to z_a: two convolutions (E21).

    Parameters
    ----------
    latent, width
        Channels of the latent and of z_a.
    kernel
        Odd, in latent frames.
    """

    def __init__(self, latent: int, width: int, kernel: int):
        super().__init__()
        self.first = MaskedConv(latent, width, kernel)
        self.second = MaskedConv(width, width, 3)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return z_a (b, p, d) from the latent (b, p, c) and its mask (b, p)."""
        return self.second(functional.gelu(self.first(x, mask)), mask)


def with_null(
    x: torch.Tensor, mask: torch.Tensor, token: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a learned token at the first place of every row that has nothing.

    An empty row is so the same in any batch: one token, whatever the others' length.

    Parameters
    ----------
    x, mask
        (b, s, d), (b, s); s may be 0.
    token
        (d,)

    Returns
    -------
    x, mask
        (b, max(s, 1), d), (b, max(s, 1)): no row of the mask is empty.

    Example
    -------
    >>> x, mask = with_null(torch.ones(1, 2, 1), torch.tensor([[False, False]]), torch.ones(1) * 5)
    >>> x.flatten(), mask
    (tensor([5., 0.]), tensor([[ True, False]]))
    """
    if x.shape[1] == 0:
        rows = x.shape[0]
        return token.expand(rows, 1, -1), mask.new_ones(rows, 1)
    first = torch.arange(x.shape[1], device=x.device) == 0
    null = ~mask.any(1, keepdim=True) & first
    return torch.where(null[..., None], token, masked(x, mask)), mask | null
