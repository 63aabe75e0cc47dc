"""HiFi-GAN with a source: a mel and an excitation to a waveform.

Sources: J. Kong, J. Kim, J. Bae (2020), "HiFi-GAN", NeurIPS, section 2.2 and appendix A (V1, V2);
the source enters at each rate as in X. Wang et al. (2019); both as the paper's C.5 asks.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from .config import VocoderConfig
from .frames import kept, over_frames

_SLOPE = 0.1  # of the leaky rectifiers
#: Rows of what each kind of source makes.
EXCITATIONS = {"sines": 1, "shaped": 3}


class ResidualBlock(nn.Module):
    """Dilated convolutions around each of which the input is added (HiFi-GAN, ResBlock1).

    Parameters
    ----------
    channels
        Width.
    kernel
        Odd.
    dilations
        One pair of convolutions for each, the second of each not dilated.
    """

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.wide = nn.ModuleList(
            _conv(channels, channels, kernel, dilation=dilation) for dilation in dilations
        )
        self.plain = nn.ModuleList(_conv(channels, channels, kernel) for _ in dilations)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return (b, channels, n), zero outside the mask (b, 1, n)."""
        for wide, plain in zip(self.wide, self.plain, strict=True):
            y = kept(wide(F.leaky_relu(x, _SLOPE)), mask)
            x = x + kept(plain(F.leaky_relu(y, _SLOPE)), mask)
        return x


class NsfGenerator(nn.Module):
    """A mel (b, f, t) and excitations (b, c, hop t) to samples (b, hop t) in (-1, 1).

    Parameters
    ----------
    config
        Reads `source` (c is 1 or 3), `mels`, `channels`, `upsample`, `upsample_kernel`,
        `res_kernel`, `res_dilation`.

    Examples
    --------
    >>> make = NsfGenerator(VocoderConfig.sized("tiny"))
    >>> make(torch.zeros(1, 80, 4), torch.zeros(1, 1, 1024)).shape
    torch.Size([1, 1024])
    """

    def __init__(self, config: VocoderConfig):
        super().__init__()
        self.config = config
        widths = [config.channels // 2**i for i in range(len(config.upsample) + 1)]
        excitations = EXCITATIONS[config.source]
        self.first = _conv(config.mels, widths[0], 7)
        self.up, self.source, self.blocks = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for i, (factor, kernel) in enumerate(
            zip(config.upsample, config.upsample_kernel, strict=True)
        ):
            up = nn.ConvTranspose1d(
                widths[i], widths[i + 1], kernel, factor, padding=(kernel - factor) // 2
            )
            self.up.append(weight_norm(_started(up)))
            self.source.append(
                _source_conv(excitations, widths[i + 1], math.prod(config.upsample[i + 1 :]))
            )
            self.blocks.append(
                nn.ModuleList(
                    ResidualBlock(widths[i + 1], kernel, config.res_dilation)
                    for kernel in config.res_kernel
                )
            )
        self.last = _conv(widths[-1], 1, 7)
        # A shaped source is speech of a kind: what comes out is that and what the network adds.
        self.past = nn.Conv1d(excitations, 1, 1, bias=False) if excitations > 1 else None
        if self.past is not None:
            with torch.no_grad():
                self.past.weight.copy_(torch.tensor([1.0, 1.0, 0.1])[None, :, None])

    def forward(
        self, mel: torch.Tensor, excitation: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the samples, zero outside the mask (b, t)."""
        rate = 1
        x = kept(mel, over_frames(mask, rate))
        x = kept(self.first(x), over_frames(mask, rate))
        for factor, up, source, blocks in zip(
            self.config.upsample, self.up, self.source, self.blocks, strict=True
        ):
            rate *= factor
            here = over_frames(mask, rate)
            x = kept(up(F.leaky_relu(x, _SLOPE)) + source(excitation), here)
            x = sum(block(x, here) for block in blocks) / len(blocks)
        wave = self.last(F.leaky_relu(x, _SLOPE))
        wave = torch.tanh(wave if self.past is None else wave + self.past(excitation))
        return kept(wave, over_frames(mask, rate))[:, 0]


def fold_weight_norm(module: nn.Module) -> nn.Module:
    """Replace normalised weights by what they come to, in place: faster, and done with training.

    Examples
    --------
    >>> "first.weight" in fold_weight_norm(NsfGenerator(VocoderConfig.sized("tiny"))).state_dict()
    True
    """
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)
    return module


def _started(conv: nn.Module) -> nn.Module:
    """Small first weights, as HiFi-GAN's."""
    nn.init.normal_(conv.weight, 0.0, 0.01)
    return conv


def _conv(width_in: int, width_out: int, kernel: int, dilation: int = 1) -> nn.Module:
    padding = dilation * (kernel // 2)
    return weight_norm(
        _started(nn.Conv1d(width_in, width_out, kernel, padding=padding, dilation=dilation))
    )


def _source_conv(given: int, width: int, stride: int) -> nn.Module:
    """Bring the excitation down to the rate of a layer; at the last one it is there already."""
    if stride == 1:
        return nn.Conv1d(given, width, 1)
    return nn.Conv1d(given, width, 2 * stride, stride, padding=stride // 2)
