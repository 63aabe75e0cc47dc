"""Spatial audio encoder and decoder: two mels to 40 channels at a quarter of the rate, and back.

Paper C.1: three layers each, width 384, convolutions over five frames.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from spatialdrama_isdrama.layers.norms import RmsNorm

from .config import HALVINGS, AutoencoderConfig
from .ear_layers import Double, EarConv, Residual


class Leave(nn.Module):
    """Norm, SiLU and the last convolution of a network.

    Examples
    --------
    >>> leave = Leave(8, 3, 5, streams=2)
    >>> leave(torch.randn(1, 2, 7, 8), torch.ones(1, 7, dtype=torch.bool)).shape
    torch.Size([1, 2, 7, 3])
    """

    def __init__(self, width: int, width_out: int, kernel: int, *, streams: int) -> None:
        super().__init__()
        self.norm = RmsNorm(width, affine=True)
        self.conv = EarConv(width, width_out, kernel, streams=streams)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, s, t, width_out) from x (b, s, t, width) and the mask (b, t)."""
        return self.conv(F.silu(self.norm(x)), mask)


def rates(mask: torch.Tensor) -> list[torch.Tensor]:
    """Return the mask at the full, half and quarter rate: a frame is there if its first is.

    Examples
    --------
    >>> [m.int().tolist() for m in rates(torch.tensor([[True] * 5 + [False] * 3]))]
    [[[1, 1, 1, 1, 1, 0, 0, 0]], [[1, 1, 1, 0]], [[1, 1]]]
    """
    return [mask[:, :: 2**i] for i in range(HALVINGS + 1)]


class Encoder(nn.Module):
    """(b, s, t, bands of a stream) to twice the latent channels of a stream at t / 4.

    Parameters
    ----------
    config : AutoencoderConfig

    Examples
    --------
    >>> encoder = Encoder(AutoencoderConfig(width=16))
    >>> encoder(torch.randn(1, 2, 8, 80), torch.ones(1, 8, dtype=torch.bool)).shape
    torch.Size([1, 2, 2, 40])
    """

    #: Log-variance that an untrained encoder gives: narrow, as the divergence hardly counts and
    #: a wide one would be noise that the decoder has to learn to wait for.
    FIRST_LOG_VARIANCE = -6.0

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        streams, kernel, width = config.streams, config.kernel, config.width // config.streams
        bands = 2 * config.bands // streams
        latent = config.latent // streams
        self.enter = EarConv(bands, width, kernel, streams=streams)
        self.layers = nn.ModuleList(
            Residual(width, kernel, streams=streams) for _ in range(config.layers)
        )
        self.halves = nn.ModuleList(
            EarConv(width, width, kernel, streams=streams, stride=2) for _ in range(HALVINGS)
        )
        self.leave = Leave(width, 2 * latent, kernel, streams=streams)
        with torch.no_grad():
            self.leave.conv.conv.bias[latent:] = self.FIRST_LOG_VARIANCE

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, s, t / 4, 2 * latent / s): means, then log-variances.

        Parameters
        ----------
        x : tensor, shape (b, s, t, 2 * bands / s)
            Zeros outside the mask.
        mask : tensor of bool, shape (b, t)
        """
        masks = rates(mask)
        x = self.enter(x, masks[0])
        for i, layer in enumerate(self.layers):
            x = layer(x, masks[min(i, HALVINGS)])
            if i < HALVINGS:
                x = self.halves[i](x, masks[i + 1])
        return self.leave(x, masks[-1])


class Decoder(nn.Module):
    """The encoder turned round: (b, s, t / 4, latent / s) to (b, s, t, 2 * bands / s).

    Parameters
    ----------
    config : AutoencoderConfig

    Examples
    --------
    >>> decoder = Decoder(AutoencoderConfig(width=16))
    >>> decoder(torch.randn(1, 2, 2, 20), torch.ones(1, 8, dtype=torch.bool)).shape
    torch.Size([1, 2, 8, 80])
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        streams, kernel, width = config.streams, config.kernel, config.width // config.streams
        self.enter = EarConv(config.latent // streams, width, kernel, streams=streams)
        self.layers = nn.ModuleList(
            Residual(width, kernel, streams=streams) for _ in range(config.layers)
        )
        self.doubles = nn.ModuleList(
            Double(width, kernel, streams=streams) for _ in range(HALVINGS)
        )
        self.leave = Leave(width, 2 * config.bands // streams, kernel, streams=streams)

    def forward(self, z: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, s, t, 2 * bands / s).

        Parameters
        ----------
        z : tensor, shape (b, s, t / 4, latent / s)
            Zeros outside its mask.
        mask : tensor of bool, shape (b, t)
            Of the result.
        """
        masks = rates(mask)
        x = self.enter(z, masks[-1])
        for i in reversed(range(len(self.layers))):
            if i < HALVINGS:
                x = self.doubles[i](x, masks[i])
            x = self.layers[i](x, masks[min(i, HALVINGS)])
        return self.leave(x, masks[0])
