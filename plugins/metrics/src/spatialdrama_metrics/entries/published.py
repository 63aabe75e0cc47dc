"""The spatial metrics as the authors' evaluation code computes them, beside the headline ones."""

from __future__ import annotations

from spatialdrama.registry import MetricSpec
from spatialdrama_metrics.published.weights import BRING, VARIABLE

_EXTRA = "spatialdrama-metrics"
_WEIGHTS = "CC-BY-4.0 (its README) or CC-BY-NC-4.0 (its LICENSE file)"


def _mae(name: str, target: str, *, summary: str) -> MetricSpec:
    return MetricSpec(
        name,
        f"spatialdrama_metrics.published.interaural_mae:{target}",
        summary=summary,
        unit="a.u.",  # neither radians nor dB: mel weights, the number of frames and 100 are in it
        direction="down",
        needs=("reference",),
        per="line",
        chance="shuffle",
        bounds=(0.0, None),
        requires=("numpy", "scipy"),
        extra=_EXTRA,
        licence="Apache-2.0",
    )


def _cos(name: str, target: str, *, summary: str) -> MetricSpec:
    return MetricSpec(
        name,
        f"spatialdrama_metrics.published.embedding_cos:{target}",
        summary=summary,
        direction="up",
        needs=("reference",),
        per="line",
        chance="shuffle",
        bounds=(-1.0, 1.0),
        requires=("numpy", "scipy", "torch"),
        extra=f"{_EXTRA}[torch]",
        licence=f"Apache-2.0 (code); Spatial-AST weights, not shipped: {_WEIGHTS}",
        bring=BRING,
        bring_by=VARIABLE,
    )


METRICS = (
    _mae(
        "isdrama/ipd_mae",
        "PublishedIpdMae",
        summary="published IPD MAE (x100): to compare with printed tables; rewards mono",
    ),
    _mae(
        "isdrama/ild_mae",
        "PublishedIldMae",
        summary="published ILD MAE (x100): to compare with printed tables; falls with length",
    ),
    _cos(
        "isdrama/ang_cos",
        "AngCos",
        summary="published ANG Cos: cosine of Spatial-AST's direction embeddings; bring weights",
    ),
    _cos(
        "isdrama/dis_cos",
        "DisCos",
        summary="published DIS Cos: cosine of Spatial-AST's distance embeddings; bring weights",
    ),
)
ASSETS = ()
