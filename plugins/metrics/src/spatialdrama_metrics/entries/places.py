"""Where a voice is heard, by the localiser that ships with this distribution."""

from __future__ import annotations

from spatialdrama.registry import MetricSpec


def _place(name: str, target: str, *, summary: str, unit: str, highest: float) -> MetricSpec:
    return MetricSpec(
        name,
        f"spatialdrama_metrics.places:{target}",
        summary=summary,
        unit=unit,
        direction="down",
        needs=("pose",),
        per="line",
        chance="shuffle",
        bounds=(0.0, highest),
        requires=("numpy", "safetensors", "soxr"),
        extra="spatialdrama-metrics",
        licence="Apache-2.0 (code and weights)",
    )


METRICS = (
    _place(
        "azimuth_mae_deg",
        "AzimuthMae",
        summary="azimuth that a trained localiser hears against the pose; front/back in details",
        unit="deg",
        highest=180.0,
    ),
    _place(
        "elevation_mae_deg",
        "ElevationMae",
        summary="elevation that a trained localiser hears against the pose",
        unit="deg",
        highest=180.0,
    ),
    _place(
        "distance_mae_m",
        "DistanceMae",
        summary="distance that a trained localiser hears against the pose",
        unit="m",
        highest=100.0,
    ),
)
ASSETS = ()
