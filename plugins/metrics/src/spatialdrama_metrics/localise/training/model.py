"""The network in torch, with the normalisations that training needs and shipped weights do not."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from spatialdrama_metrics.localise.network import (
    BEFORE_SUMMARY,
    DILATIONS,
    HEADS,
    STRIDE,
    WIDTH,
    WIDTHS,
)


class TimeBlock(nn.Module):
    """Three taps, normalised, and a mixture of channels, added to what came in; (b, d, t)."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(WIDTH, WIDTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.near_norm = nn.BatchNorm1d(WIDTH)
        self.drop = nn.Dropout(0.1)
        self.mix = nn.Conv1d(WIDTH, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, d, t) to the same."""
        return x + self.mix(self.drop(F.relu(self.near_norm(self.near(x)))))


class LocaliserNet(nn.Module):
    """See :mod:`spatialdrama_metrics.localise.network`, which runs what this trains."""

    def __init__(self) -> None:
        super().__init__()
        channels = (6, *WIDTHS)
        self.conv = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, bias=False)
            for a, b in zip(channels, WIDTHS, strict=False)
        )
        self.conv_norm = nn.ModuleList(nn.BatchNorm2d(b) for b in WIDTHS)
        self.project = nn.Linear(WIDTHS[-1] * 64 // 2 ** len(WIDTHS), WIDTH)
        self.time = nn.ModuleList(TimeBlock(d) for d in DILATIONS)
        self.summary = nn.Linear(WIDTH, WIDTH)
        self.head = nn.ModuleDict({h: nn.Linear(WIDTH, n) for h, n in HEADS.items()})

    def forward(self, pictures: torch.Tensor, active: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return logits.

        Parameters
        ----------
        pictures : (b, 6, t, 64)
        active : (b, t) bool

        Returns
        -------
        dict of head to (b, t // 2, classes)
        """
        x = pictures
        for i, (conv, norm) in enumerate(zip(self.conv, self.conv_norm, strict=True)):
            x = F.max_pool2d(F.relu(norm(conv(x))), (STRIDE if i == 1 else 1, 2))
        b, c, t, f = x.shape
        x = self.project(x.permute(0, 2, 1, 3).reshape(b, t, c * f)).transpose(1, 2)
        heard = active[:, : STRIDE * t].reshape(b, t, STRIDE).to(x.dtype).mean(-1)
        for i, block in enumerate(self.time):
            if i == BEFORE_SUMMARY:
                mean = (x * heard[:, None]).sum(-1) / heard.sum(-1, keepdim=True).clamp(min=1.0)
                x = x + self.summary(mean)[:, :, None]
            x = block(x)
        x = x.transpose(1, 2)
        return {h: head(x) for h, head in self.head.items()}

    def folded(self) -> dict[str, torch.Tensor]:
        """Return the arrays that :func:`spatialdrama_metrics.localise.network.forward` takes."""
        out = {}
        for i, (conv, norm) in enumerate(zip(self.conv, self.conv_norm, strict=True)):
            out[f"conv{i}.weight"], out[f"conv{i}.bias"] = _fold(conv.weight, norm)
        out |= {f"project.{k}": v for k, v in self.project.state_dict().items()}
        for i, block in enumerate(self.time):
            weight, bias = _fold(block.near.weight, block.near_norm)
            out[f"time{i}.near.weight"], out[f"time{i}.near.bias"] = weight, bias
            out[f"time{i}.mix.weight"] = block.mix.weight[:, :, 0]
            out[f"time{i}.mix.bias"] = block.mix.bias
        out |= {f"summary.{k}": v for k, v in self.summary.state_dict().items()}
        for h, head in self.head.items():
            out |= {f"{h}.{k}": v for k, v in head.state_dict().items()}
        return {k: v.detach().float().cpu().contiguous() for k, v in out.items()}


def _fold(weight: torch.Tensor, norm: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of a convolution with its normalisation in them."""
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shape = (-1, *[1] * (weight.dim() - 1))
    return weight * gain.reshape(shape), norm.bias - norm.running_mean * gain
