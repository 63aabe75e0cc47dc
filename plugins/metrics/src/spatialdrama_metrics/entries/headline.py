"""The spatial errors that mean something, in physical units: between the ears, and of the place."""

from __future__ import annotations

import math

from spatialdrama.registry import MetricSpec


def _spatial(
    name: str,
    target: str,
    *,
    summary: str,
    unit: str,
    highest: float,
    needs: tuple[str, ...] = ("reference",),
    requires: tuple[str, ...] = ("numpy", "scipy"),
) -> MetricSpec:
    return MetricSpec(
        name,
        f"spatialdrama_metrics.{target}",
        summary=summary,
        unit=unit,
        direction="down",
        needs=needs,
        per="line",
        chance="shuffle",
        bounds=(0.0, highest),
        requires=requires,
        extra="spatialdrama-metrics",
        licence="Apache-2.0",
    )


METRICS = (
    _spatial(
        "itd_mae",
        "spatial:ItdMae",
        summary="interaural time difference: mean absolute error where the reference sounds",
        unit="us",
        highest=2000.0,
    ),
    _spatial(
        "ild_mae",
        "spatial:IldMae",
        summary="interaural level difference per ERB band: mean absolute error",
        unit="dB",
        highest=120.0,
    ),
    _spatial(
        "ipd_mae",
        "spatial:IpdMae",
        summary="interaural phase difference, wrapped, .1 to 1.5 kHz; pi/2 is chance",
        unit="rad",
        highest=math.pi,
    ),
    _spatial(
        "coherence_mae",
        "spatial:CoherenceMae",
        summary="interaural coherence per ERB band: mean absolute error; rooms, width, distance",
        unit="",
        highest=1.0,
    ),
    _spatial(
        "azimuth_mae_deg",
        "places:AzimuthMae",
        needs=("pose",),
        requires=("numpy", "safetensors", "soxr"),
        summary="azimuth that a trained localiser hears against the pose; front/back in details",
        unit="deg",
        highest=180.0,
    ),
    _spatial(
        "elevation_mae_deg",
        "places:ElevationMae",
        needs=("pose",),
        requires=("numpy", "safetensors", "soxr"),
        summary="elevation that a trained localiser hears against the pose",
        unit="deg",
        highest=180.0,
    ),
    _spatial(
        "distance_mae_m",
        "places:DistanceMae",
        needs=("pose",),
        requires=("numpy", "safetensors", "soxr"),
        summary="distance that a trained localiser hears against the pose",
        unit="m",
        highest=100.0,
    ),
)
ASSETS = ()
