"""Spatial-AST, the network behind ANG Cos and DIS Cos, with its published key names and shapes.

Imports torch: only what computes with it may import this file.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from spatialdrama_metrics.published import interaural
from spatialdrama_metrics.published.network_config import SpatialAstConfig


class Tokens(NamedTuple):
    """What Spatial-AST says about clips, each (b, width) and after its own norm."""

    distance: Tensor
    direction: Tensor
    event: Tensor


class SpatialAst(nn.Module):
    """Spatial-AST: a vision transformer over two log-mels and the interaural phase.

    Parameters
    ----------
    config : SpatialAstConfig, optional
        Sizes; the published ones by default.

    References
    ----------
    Z. Zheng et al. (2024), "BAT: Learning to Reason about Spatial Sounds with Large Language
    Models", ICML; Y. Gong et al. (2021), "AST: Audio Spectrogram Transformer", Interspeech.

    Examples
    --------
    >>> import torch
    >>> network = SpatialAst(SpatialAstConfig(width=24, depth=1, heads=2)).eval()
    >>> with torch.no_grad():
    ...     tokens = network(torch.randn(1, 2, 32000))
    >>> tokens.direction.shape
    torch.Size([1, 24])
    """

    def __init__(self, config: SpatialAstConfig | None = None) -> None:
        super().__init__()
        config = config or SpatialAstConfig()
        width = config.width
        self.config = config
        self.spectrogram_extractor = Stft()
        self.logmel_extractor = MelMatrix()
        self.bn = nn.BatchNorm2d(2, affine=False)
        self.conv_downsample = nn.Sequential(
            nn.Conv2d(4, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1), nn.GELU()
        )
        self.patch_embed = Patches(config)
        self.cls_tokens = nn.Parameter(torch.randn(1, 3, width) * 0.02)
        # One place more than there are patches: the first belonged to a token that went.
        self.pos_embed = nn.Parameter(torch.zeros(1, config.patches + 1, width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.dis_norm = nn.LayerNorm(width, eps=config.eps)
        self.doa_norm = nn.LayerNorm(width, eps=config.eps)
        self.fc_norm = nn.LayerNorm(width, eps=config.eps)
        self.head = nn.Linear(width, config.classes)
        self.distance_head = nn.Linear(width, 21)
        self.azimuth_head = nn.Linear(width, 360)
        self.elevation_head = nn.Linear(width, 180)

    def forward(self, waveforms: Tensor) -> Tokens:
        """Embed clips.

        Parameters
        ----------
        waveforms : Tensor, shape (b, 2, n)
            Left, right, at 32 kHz; 10 s (320 000 samples) give the 1001 frames it was made for.

        Returns
        -------
        Tokens
        """
        x = self.features(waveforms)
        if x.shape[2] < self.config.frames:
            size = (self.config.frames, x.shape[3])
            x = functional.interpolate(x, size, mode="bicubic", align_corners=True)
        x = self.patch_embed(self.conv_downsample(x)) + self.pos_embed[:, 1:]
        x = torch.cat([self.cls_tokens.expand(len(x), -1, -1), x], dim=1)
        for block in self.blocks:
            x = block(x)
        return Tokens(self.dis_norm(x[:, 0]), self.doa_norm(x[:, 1]), self.fc_norm(x[:, 2]))

    def features(self, waveforms: Tensor) -> Tensor:
        """Log-mel of both ears and mel of cosine and sine of the phase, (b, 4, t, 128).

        The log-mel is of magnitudes, not of powers, in dB and no lower than -100; the phase
        difference is right minus left.
        """
        b, ears, n = waveforms.shape
        real, imag = self.spectrogram_extractor(waveforms.reshape(b * ears, n))
        magnitude = torch.sqrt(real**2 + imag**2)
        mel = self.logmel_extractor.melW
        log_mel = 10 * torch.log10(torch.clamp(magnitude @ mel, min=1e-10))
        log_mel = self.bn(log_mel.reshape(b, ears, -1, mel.shape[1]))
        phase = torch.atan2(imag, real).reshape(b, ears, -1, mel.shape[0])
        ipd = phase[:, 1] - phase[:, 0]
        return torch.cat([log_mel, torch.stack([ipd.cos(), ipd.sin()], dim=1) @ mel], dim=1)

    def heads(self, tokens: Tokens) -> dict[str, Tensor]:
        """Logits of sound event, distance (21 steps of .5 m), azimuth and elevation (degrees)."""
        return {
            "event": self.head(tokens.event),
            "distance": self.distance_head(tokens.distance),
            "azimuth": self.azimuth_head(tokens.direction),
            "elevation": self.elevation_head(tokens.direction),
        }


class Stft(nn.Module):
    """Short-time Fourier transform as two convolutions whose weights are in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        bins, frame, hop = interaural.FRAME // 2 + 1, interaural.FRAME, interaural.HOP
        self.conv_real = nn.Conv1d(1, bins, frame, stride=hop, bias=False)
        self.conv_imag = nn.Conv1d(1, bins, frame, stride=hop, bias=False)
        weights = torch.from_numpy(interaural.dft_weights().T.reshape(bins, 2, frame).copy())
        self.conv_real.weight = nn.Parameter(weights[:, :1].clone(), requires_grad=False)
        self.conv_imag.weight = nn.Parameter(weights[:, 1:].clone(), requires_grad=False)

    def forward(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part, each (b, t, 513), of (b, n) signals."""
        edge = interaural.FRAME // 2
        x = functional.pad(signals[:, None], (edge, edge), mode="reflect")
        return self.conv_real(x).transpose(1, 2), self.conv_imag(x).transpose(1, 2)


class MelMatrix(nn.Module):
    """Mel matrix (513, 128), under the name that it has in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.tensor(interaural.mel_weights(), dtype=torch.float32)
        self.melW = nn.Parameter(weights, requires_grad=False)


class Patches(nn.Module):
    """Patches of 16 frames by 16 bands, side by side, (b, 1, t, f) to (b, patches, width)."""

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, config.width, config.patch, stride=config.patch)

    def forward(self, x: Tensor) -> Tensor:
        """Project; time is the slower axis."""
        return self.proj(x).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=config.eps)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.width, eps=config.eps)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor) -> Tensor:
        """Attend, then transform, each beside a residual."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Attention(nn.Module):
    """Self-attention of ``heads`` heads; queries, keys and values from one matrix."""

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.proj = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix (b, k, d) tokens."""
        b, k, d = x.shape
        qkv = self.qkv(x).reshape(b, k, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*qkv)
        return self.proj(mixed.transpose(1, 2).reshape(b, k, d))


class Mlp(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__()
        hidden = config.mlp_ratio * config.width
        self.fc1 = nn.Linear(config.width, hidden)
        self.fc2 = nn.Linear(hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each token by itself."""
        return self.fc2(functional.gelu(self.fc1(x)))
