"""The interaural errors that mean something, in physical units."""

from __future__ import annotations

import math

from spatialdrama.registry import MetricSpec


def _spatial(name: str, target: str, *, summary: str, unit: str, highest: float) -> MetricSpec:
    return MetricSpec(
        name,
        f"spatialdrama_metrics.spatial:{target}",
        summary=summary,
        unit=unit,
        direction="down",
        needs=("reference",),
        per="line",
        chance="shuffle",
        bounds=(0.0, highest),
        requires=("numpy", "scipy"),
        extra="spatialdrama-metrics",
        licence="Apache-2.0",
    )


METRICS = (
    _spatial(
        "itd_mae",
        "ItdMae",
        summary="interaural time difference: mean absolute error where the reference sounds",
        unit="us",
        highest=2000.0,
    ),
    _spatial(
        "ild_mae",
        "IldMae",
        summary="interaural level difference per ERB band: mean absolute error",
        unit="dB",
        highest=120.0,
    ),
    _spatial(
        "ipd_mae",
        "IpdMae",
        summary="interaural phase difference, wrapped, .1 to 1.5 kHz; pi/2 is chance",
        unit="rad",
        highest=math.pi,
    ),
    _spatial(
        "coherence_mae",
        "CoherenceMae",
        summary="interaural coherence per ERB band: mean absolute error; rooms, width, distance",
        unit="",
        highest=1.0,
    ),
)
ASSETS = ()
