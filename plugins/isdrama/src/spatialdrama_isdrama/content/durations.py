"""How long each phone lasts: FastSpeech's predictor, its loss, and frames from it (C.1, C.2)."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import MaskedConv, masked, widened

from .config import ContentConfig
from .fitting import fit
from .inventory import LANGUAGES


class DurationPredictor(nn.Module):
    """log(1 + frames) of each phone from its state (Ren et al. 2019, section 3.3).

    Two convolutions, each with ReLU, a layer norm and dropout, then one linear. FastSpeech predicts
    "in the logarithmic domain"; the 1 keeps a phone without frames finite.

    Parameters
    ----------
    config
        Its ``predictor_`` fields, the width, and the paces.

    Example
    -------
    >>> config = ContentConfig(width=8, heads=2, predictor_width=16)
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> DurationPredictor(config)(torch.randn(2, 5, 8), mask).shape
    torch.Size([2, 5])
    """

    def __init__(self, config: ContentConfig):
        super().__init__()
        self.config = config
        width = config.predictor_width
        widths = [config.width, *[width] * config.predictor_layers]
        self.convs = nn.ModuleList(
            MaskedConv(a, b, config.predictor_kernel) for a, b in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in self.convs)
        self.out = nn.Linear(width, 1)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return log(1 + frames) (b, k) of states (b, k, d); zero outside the mask (b, k)."""
        x = masked(states, mask)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(functional.relu(conv(x, mask)))
            x = functional.dropout(x, self.config.predictor_dropout, self.training)
        return masked(self.out(x), mask)[..., 0]

    @torch.no_grad()
    def frames_of(
        self,
        logs: torch.Tensor,
        mask: torch.Tensor,
        *,
        totals: torch.Tensor | None = None,
        rate: float = 1.0,
        language: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return whole frames (b, k) for predicted logs; :func:`frames_of` with the config."""
        return frames_of(
            logs,
            mask,
            totals=totals,
            rate=rate,
            language=language,
            pace=self._pace,
            longest=self.config.longest,
        )

    def durations_of(
        self,
        logs: torch.Tensor,
        mask: torch.Tensor,
        *,
        rate: float = 1.0,
        language: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return frames (b, k) that are not rounded; :func:`durations_of` with the config."""
        return durations_of(logs, mask, rate=rate, language=language, pace=self._pace)

    @property
    def _pace(self) -> dict[str, float]:
        return {"zh": self.config.pace_zh, "en": self.config.pace_en}


@torch.no_grad()
def durations_of(
    logs: torch.Tensor,
    mask: torch.Tensor,
    *,
    rate: float = 1.0,
    language: torch.Tensor | None = None,
    pace: dict[str, float] | None = None,
) -> torch.Tensor:
    """Return predicted durations (b, k) in frames as they are, on the CPU in float64.

    Not rounded: :func:`~.fitting.fit` makes whole frames of them for a line whose length is known,
    and would share a line out unevenly if each phone had been rounded before.

    Parameters
    ----------
    logs, mask, rate, language, pace
        As for :func:`frames_of`.

    Raises
    ------
    ValidationError
        For a rate or pace that is not above 0; for durations that are not finite.

    Example
    -------
    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> durations_of(torch.tensor([[1.25, 3.0]]).log1p(), mask, rate=0.5).round(decimals=3)
    tensor([[2.5000, 6.0000]], dtype=torch.float64)
    """
    speed = torch.full(logs.shape, float(rate), dtype=torch.float64)
    if pace is not None and language is not None:
        factors = torch.tensor([pace.get(code, 1.0) for code in LANGUAGES], dtype=torch.float64)
        speed = speed * factors[language.cpu()]
    if not (torch.isfinite(speed).all() and (speed > 0).all()):
        raise ValidationError(f"a factor of speed is above 0; got rate={rate!r}, pace={pace!r}")
    wanted = torch.where(mask.cpu(), logs.double().cpu(), 0.0).expm1().clamp(min=0)
    if not torch.isfinite(wanted).all():
        raise ValidationError(
            "the duration predictor gave numbers that are not finite; its weights or states are "
            "broken"
        )
    return wanted / speed


def duration_loss(logs: torch.Tensor, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return L_dur: the mean squared error of durations on a logarithmic scale (C.2).

    Parameters
    ----------
    logs
        (b, k) predicted log(1 + frames).
    frames
        (b, k) true frames.
    mask
        (b, k); the mean is over its phones, whatever lies elsewhere.

    Returns
    -------
    scalar, float32; 0 if no phone is there.

    Example
    -------
    >>> logs = torch.tensor([[0.0, 5.0]])
    >>> duration_loss(logs, torch.tensor([[0, 1]]), torch.tensor([[True, False]]))
    tensor(0.)
    """
    wide = widened(logs)
    error = torch.where(mask, wide - frames.to(wide).clamp(min=0).log1p(), wide.new_zeros(()))
    return error.square().sum() / mask.sum().clamp(min=1)


@torch.no_grad()
def frames_of(
    logs: torch.Tensor,
    mask: torch.Tensor,
    *,
    totals: torch.Tensor | None = None,
    rate: float = 1.0,
    language: torch.Tensor | None = None,
    pace: dict[str, float] | None = None,
    longest: int = 750,
) -> torch.Tensor:
    """Return whole frames for predicted logs: free, or to an exact total (C.4).

    Free, each phone is rounded by itself to one frame at least. With totals, the line lengths that
    a pose or a video gives, durations are scaled so that they sum to them (:func:`~.fitting.fit`);
    rate and pace then only share the time out between languages.

    Parameters
    ----------
    logs
        (b, k) log(1 + frames).
    mask
        (b, k).
    totals
        (b,) whole mel frames; below 1 for an item that is free.
    rate
        Factor of speed: durations are divided by it.
    language
        (b, k) numbers of :data:`~.inventory.LANGUAGES`; needed for `pace`.
    pace
        Factor of speed of each language.
    longest
        Frames that one phone may have when it is free.

    Returns
    -------
    (b, k) int64, 0 where the mask is False.

    Raises
    ------
    ValidationError
        If a total has fewer frames than the line has phones; for a rate or pace that is not above
        0; for durations that are not finite.

    Example
    -------
    >>> logs = torch.tensor([[1.0, 3.0]]).log1p()
    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> frames_of(logs, mask, rate=0.5), frames_of(logs, mask, totals=torch.tensor([8]))
    (tensor([[2, 6]]), tensor([[2, 6]]))
    """
    there = mask.cpu()
    wanted = durations_of(logs, mask, rate=rate, language=language, pace=pace)
    frames = wanted.round().clamp(1, longest).long() * there
    for item, total in enumerate(totals.tolist() if totals is not None else ()):
        if total >= 1:
            frames[item, there[item]] = fit(wanted[item, there[item]], total)
    return frames.to(logs.device)
