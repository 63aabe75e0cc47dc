"""The Mamba layer around the scan, one way or both ways through time (paper A.3, C.6, E3)."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError

from ..layers.masks import masked, packing, reorder
from ..layers.widths import widened
from . import fused
from .record import note
from .selective import KERNELS, choose, selective_scan

# Steps at the start are between these (Gu and Dao 2023, section 3.6).
STEP_LEAST, STEP_MOST, STEP_FLOOR = 1e-3, 1e-1, 1e-4


class Mamba(nn.Module):
    """A selective state space between two projections, as published (Gu and Dao 2023, figure 3).

    Parameters have the names, shapes and first values of ``mamba_ssm.Mamba``, so that either loads
    the other's ``state_dict``. Padding, wherever it is, is not run over: what is there is brought
    together first.

    Parameters
    ----------
    width
        Of x and of the result.
    state
        Numbers in the state of each channel.
    conv
        Taps of the causal convolution in front of the scan.
    expand
        Channels inside, as a multiple of `width`.
    bidirectional
        Run the same weights over the reversed sequence too and take the mean of both. The paper
        does not say; the task is not causal (E3). False is the published, causal layer.
    kernel
        ``"auto"``, ``"reference"`` or ``"fused"``: see :func:`~.selective_scan`. The convolution is
        causal-conv1d's wherever the scan is fused and it imports.
    chunk
        Steps in a chunk of the reference scan; None for a length that suits the device.

    Attributes
    ----------
    ran
        The kernel of the last call's scan, ``"reference"`` or ``"fused"``; None before the first.
    conv_ran
        The kernel of the last call's convolution, ``"torch"`` or ``"causal_conv1d"``.

    Raises
    ------
    ValidationError
        If a size is below 1 or the kernel has no such name.

    Example
    -------
    >>> layer = Mamba(8, state=4, bidirectional=True)
    >>> layer(torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)).shape
    torch.Size([2, 5, 8])
    >>> layer.ran
    'reference'
    """

    def __init__(
        self,
        width: int,
        state: int = 16,
        conv: int = 4,
        expand: int = 2,
        bidirectional: bool = False,
        kernel: str = "auto",
        chunk: int | None = None,
    ):
        super().__init__()
        sizes = {"width": width, "state": state, "conv": conv, "expand": expand}
        for name, value in sizes.items():
            if value < 1:
                raise ValidationError(f"Mamba: {name} must be at least 1, got {value}")
        if kernel not in KERNELS:
            raise ValidationError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}")
        inner, rank = expand * width, math.ceil(width / 16)
        self.state, self.rank = state, rank
        self.bidirectional, self.kernel, self.chunk = bidirectional, kernel, chunk
        self.ran: str | None = None
        self.conv_ran: str | None = None
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, conv, groups=inner, padding=conv - 1)
        self.x_proj = nn.Linear(inner, rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.A_log = nn.Parameter(torch.arange(1.0, state + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        # What the published layer tells optimisers.
        self.A_log._no_weight_decay = self.D._no_weight_decay = True
        self._start_steps()

    def _start_steps(self) -> None:
        """Draw steps log-uniformly, and set the bias to what softplus makes them of."""
        nn.init.uniform_(self.dt_proj.weight, -(self.rank**-0.5), self.rank**-0.5)
        least, most = math.log(STEP_LEAST), math.log(STEP_MOST)
        drawn = torch.rand_like(self.dt_proj.bias, dtype=torch.float32) * (most - least) + least
        step = drawn.exp().clamp(min=STEP_FLOOR)
        with torch.no_grad():
            self.dt_proj.bias.copy_(step + torch.log(-torch.expm1(-step)))
        self.dt_proj.bias._no_reinit = True

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return (b, t, d) from x (b, t, d), zero where the mask (b, t) is False."""
        if x.shape[1] == 0:
            return x
        x = masked(x, mask)
        inward, z = self.in_proj(x).chunk(2, dim=-1)
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
            ways = [(inward, None)]
        else:
            order, back = packing(mask)
            ways = [(reorder(inward, order), back)]
        if self.bidirectional:
            order, back = packing(mask, flip=True)
            ways.append((reorder(inward, order), back))
        # Both ways are one batch: the weights are the same, and a scan is bound by its steps.
        y = self._scan(torch.cat([way for way, _ in ways])).chunk(len(ways))
        placed = [
            part if back is None else reorder(part, back)
            for part, (_, back) in zip(y, ways, strict=True)
        ]
        # The gate and the last projection know no time: once for the mean of both ways.
        mean = placed[0] if len(placed) == 1 else (placed[0] + placed[1]) / 2
        return masked(self.out_proj(mean * functional.silu(z)), mask)

    def _scan(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scan's output (b, t, inner) for the inner sequence (b, t, inner)."""
        chosen = choose(self.kernel, x)
        u = self._convolve(x.transpose(1, 2), chosen)
        numbers = self.x_proj(u.transpose(1, 2))
        step, B, C = numbers.split([self.rank, self.state, self.state], dim=-1)
        delta = functional.linear(step, self.dt_proj.weight)
        y = selective_scan(
            u,
            delta.transpose(1, 2),
            -torch.exp(widened(self.A_log)),
            B.transpose(1, 2),
            C.transpose(1, 2),
            widened(self.D),
            delta_bias=widened(self.dt_proj.bias),
            delta_softplus=True,
            kernel=chosen,
            chunk=self.chunk,
        )
        self.ran = chosen
        return y.transpose(1, 2)

    def _convolve(self, x: torch.Tensor, chosen: str) -> torch.Tensor:
        """Return silu of the causal convolution of x (b, inner, t)."""
        taps = self.conv1d.kernel_size[0]
        if chosen == "fused" and not fused.conv_why_not(x, taps):
            y = fused.conv_fused(x, self.conv1d.weight[:, 0], self.conv1d.bias)
            self.conv_ran = note("conv", "causal_conv1d")
            return y
        y = functional.silu(self.conv1d(x)[..., : x.shape[-1]])
        self.conv_ran = note("conv", "torch")
        return y
