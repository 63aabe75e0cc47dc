"""The text and video branches: z_c and a condition to z_p-txt or z_p-vid (4.2, C.1, E1, E6)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import Attention, EncoderLayer, FeedForward, RmsNorm, masked

from .clock import Clock
from .config import PoseConfig


class CrossLayer(nn.Module):
    """A Transformer layer that looks at the condition and not at itself (`cross` "alternate").

    Parameters
    ----------
    width, heads, inner, dropout
        As of :class:`~spatialdrama_isdrama.layers.EncoderLayer`.

    Examples
    --------
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> layer = CrossLayer(8, 2, 16)
    >>> layer(torch.randn(2, 5, 8), mask, torch.randn(2, 3, 8), mask[:, :3]).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float = 0.0):
        super().__init__()
        self.dropout = dropout
        self.norm = RmsNorm(width, affine=True)
        self.cross = Attention(width, heads, rope=False, dropout=dropout)
        self.feed_norm = RmsNorm(width, affine=True)
        self.feed = FeedForward(width, inner, dropout)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor,
        condition: torch.Tensor,
        condition_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Return (b, t, d) from x (b, t, d) and the condition (b, s, d)."""
        seen = self.cross(self.norm(x), mask, context=condition, context_mask=condition_mask)
        x = x + functional.dropout(seen, self.dropout, self.training)
        fed = self.feed(self.feed_norm(x))
        return masked(x + functional.dropout(fed, self.dropout, self.training), mask)


class ConditionedBranch(nn.Module):
    """Transformer from z_c to z_p under a condition, with one output head for each ear (E6).

    z_c is the input and the condition is looked at by cross-attention ("z_c serves as the input
    and leverages different modal conditions", 4.2).

    Parameters
    ----------
    config : PoseConfig
        `width`, `heads`, `layers`, `inner`, `cross`, `dropout`, `content_width`, `clock`.
    condition_width
        Of what comes in as condition.
    timed
        Whether the condition has the frames of z_c (video) and no tokens of its own (text). It gets
        a clock too, and with `video_aligned` is added to the input.

    Examples
    --------
    >>> branch = ConditionedBranch(PoseConfig(width=8, heads=2, layers=1, inner=8), 6)
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> branch(torch.randn(2, 5, 768), mask, torch.randn(2, 3, 6), mask[:, :3]).shape
    torch.Size([2, 2, 5, 8])
    """

    def __init__(self, config: PoseConfig, condition_width: int, *, timed: bool = False):
        super().__init__()
        width = config.width
        self.condition_width = condition_width
        self.aligned = timed and config.video_aligned
        same = config.content_width == width
        self.content = nn.Identity() if same else nn.Linear(config.content_width, width)
        #: Stands where there is no z_c: a prompt without a script.
        self.no_content = nn.Parameter(0.02 * torch.randn(width))
        self.condition = nn.Linear(condition_width, width)
        self.clock = Clock(width) if config.clock else None
        self.condition_clock = Clock(width) if config.clock and timed else None
        self.layers = nn.ModuleList(self._layer(config, i) for i in range(config.layers))
        self.norm = RmsNorm(width, affine=True)
        self.heads = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)])

    @staticmethod
    def _layer(config: PoseConfig, number: int) -> nn.Module:
        size = (config.width, config.heads, config.inner)
        if config.cross == "every":
            return EncoderLayer(*size, context_width=config.width, dropout=config.dropout)
        if number % 2:
            return CrossLayer(*size, dropout=config.dropout)
        return EncoderLayer(*size, dropout=config.dropout)

    def forward(
        self,
        z_c: torch.Tensor | None,
        mask: torch.Tensor,
        condition: torch.Tensor,
        condition_mask: torch.Tensor,
        *,
        content_there: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return z_p (b, e, t, d), zero outside the mask.

        Parameters
        ----------
        z_c
            (b, t, content_width), or None where nothing is said.
        mask
            (b, t).
        condition, condition_mask
            (b, s, condition_width), (b, s); s = t for a timed one.
        content_there
            (b,) bool: items whose z_c is used; the others get what stands for none. In training
            some are dropped, so that a prompt works without a script.

        Raises
        ------
        ValidationError
            For a z_c or condition of another width, or a timed condition of another length.
        """
        self._check(z_c, mask, condition)
        condition = self.condition(masked(condition, condition_mask))
        if self.condition_clock is not None:
            condition = condition + self.condition_clock(condition_mask)
        x = self._input(z_c, mask, content_there)
        if self.clock is not None:
            x = x + self.clock(mask)
        if self.aligned:
            x = x + masked(condition, condition_mask)
        x = masked(x, mask)
        for layer in self.layers:
            if isinstance(layer, EncoderLayer) and layer.cross is None:
                x = layer(x, mask)
            else:
                x = layer(x, mask, condition, condition_mask)
        x = self.norm(x)
        return torch.stack([masked(head(x), mask) for head in self.heads], dim=1)

    def _input(
        self, z_c: torch.Tensor | None, mask: torch.Tensor, there: torch.Tensor | None
    ) -> torch.Tensor:
        nothing = self.no_content.expand(*mask.shape, -1)
        if z_c is None:
            return nothing
        x = self.content(masked(z_c, mask))
        return x if there is None else torch.where(there[:, None, None], x, nothing)

    def _check(self, z_c: torch.Tensor | None, mask: torch.Tensor, condition: torch.Tensor) -> None:
        if condition.shape[-1] != self.condition_width:
            raise ValidationError(
                f"the condition must have {self.condition_width} numbers a token; got "
                f"{tuple(condition.shape)}. Set text_width or image_width to what the embedder "
                "gives."
            )
        if z_c is not None and z_c.shape[:2] != mask.shape:
            raise ValidationError(
                f"z_c {tuple(z_c.shape)} and its mask {tuple(mask.shape)} differ in items or "
                "frames."
            )
        if self.aligned and condition.shape[1] != mask.shape[1]:
            raise ValidationError(
                f"a video condition has one vector a frame: {mask.shape[1]}; got "
                f"{condition.shape[1]}."
            )
