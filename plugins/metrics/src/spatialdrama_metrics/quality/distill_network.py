"""DistillMOS' network: six convolutions over a compressed spectrum, seven transformer layers.

Source: B. Stahl and H. Gamper (2025), "Distillation and pruning for scalable self-supervised
representation-based speech quality assessment", ICASSP, arXiv:2502.05356; released as distillmos
0.9.1 (MIT), whose weights fit these names. Imports torch: import it only where torch is at hand.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

SAMPLES = 122_880  # 7.68 s, the only length that the positions fit
_WINDOW, _HOP, _POWER = 320, 160, 0.3
_CHANNELS = (64, 64, 128, 256, 256, 256)
_FEATURES, _WIDTH, _HEADS, _LAYERS, _FRAMES = 1024, 200, 8, 7, 384


class Convolutions(nn.Module):
    """Spectrum (b, 2, 161, 768) to features (b, 1024, 384)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (taken, given) in enumerate(zip((2, *_CHANNELS), _CHANNELS, strict=False)):
            stride = (1 if i == 0 else 2, 2 if i == len(_CHANNELS) - 1 else 1)
            layers += [nn.Conv2d(taken, given, 3, stride, padding=(0, 1)), nn.LeakyReLU(0.1)]
        self.cnn = nn.Sequential(*layers)

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        return self.cnn(spectrum).flatten(1, 2)


class Transformer(nn.Module):
    """Features (b, 384, 1024) to (b, 384, 200), with positions that are part of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(_FEATURES)
        self.position_encoding = nn.Module()
        self.position_encoding.register_buffer("pe", torch.zeros(1, _FRAMES, _WIDTH))
        self.linear_proj = nn.Linear(_FEATURES, _WIDTH)
        layer = nn.TransformerEncoderLayer(_WIDTH, _HEADS, 2 * _WIDTH, 0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear_proj(self.norm(x.mT).mT)
        return self.transformer_encoder(x + self.position_encoding.pe)


class Pool(nn.Module):
    """Weighs the frames: (b, 384, 200) to (b, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(_WIDTH, 2 * _WIDTH)
        self.linear2 = nn.Linear(2 * _WIDTH, 1)
        self.linear3 = nn.Linear(_WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        share = self.linear2(F.relu(self.linear1(x))).softmax(dim=1)
        return self.linear3((share * x).sum(dim=1))


class Judge(nn.Module):
    """Features to a quality between 0 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_input = nn.BatchNorm1d(_FEATURES)
        self.transformer = Transformer()
        self.norm_trans = nn.BatchNorm1d(_WIDTH)
        self.pool = Pool()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.transformer(self.norm_input(features).mT)
        return torch.sigmoid(self.pool(self.norm_trans(x.mT).mT))


class DistillMosNetwork(nn.Module):
    """Stretches of 7.68 s to MOS, 1 to 5.

    Examples
    --------
    >>> DistillMosNetwork().eval()(torch.zeros(2, SAMPLES)).shape
    torch.Size([2])
    """

    def __init__(self) -> None:
        super().__init__()
        self.cnn = Convolutions()
        self.transformer_pool_attn = Judge()

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        """Judge (b, 122880) at 16 kHz; level does not matter."""
        waves = waves / (waves.abs().amax(dim=1, keepdim=True) + 1e-8)
        features = self.cnn(compressed_spectrum(waves))
        return 1 + 4 * self.transformer_pool_attn(features)[:, 0]


def compressed_spectrum(waves: torch.Tensor) -> torch.Tensor:
    """Spectrum with magnitudes to the power .3: (b, n) to (b, real and imaginary, 161, n / 160)."""
    side = (_WINDOW - _HOP) // 2
    spectrum = torch.stft(
        F.pad(waves, (side, side), mode="reflect"),
        n_fft=_WINDOW,
        hop_length=_HOP,
        window=torch.hann_window(_WINDOW, device=waves.device),
        center=False,
        return_complex=True,
    )
    parts = torch.view_as_real(spectrum).permute(0, 3, 1, 2)
    magnitude = parts.square().sum(dim=1, keepdim=True).sqrt().clamp(min=1e-12)
    return magnitude**_POWER * parts / magnitude
