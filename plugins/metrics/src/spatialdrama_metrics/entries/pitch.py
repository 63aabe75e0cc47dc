"""Does a line have the reference's intonation?"""

from __future__ import annotations

from spatialdrama.registry import AssetSource, AssetSpec, MetricSpec

SWIFT = AssetSpec(
    "swift-f0",
    version="0.3.0",
    sha256="6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22",
    size=135_090,
    licence="MIT (Lars Nieradzik)",
    filename="swift-f0.onnx",
    sources=(AssetSource.package("swift-f0", "0.3.0", "swift_f0/model.onnx"),),
    summary="SwiftF0, pitch tracker",
)


def _pitch(name: str, target: str, *, summary: str) -> MetricSpec:
    return MetricSpec(
        name,
        f"spatialdrama_metrics.ffe:{target}",
        summary=summary,
        direction="down",
        needs=("reference",),
        per="line",
        chance="shuffle",
        spatial=False,
        bounds=(0.0, 1.0),
        requires=("numpy", "scipy", "onnxruntime"),
        extra="spatialdrama-metrics",
        licence="Apache-2.0 (code), MIT (tracker)",
        assets=(SWIFT.name,),
    )


METRICS = (
    _pitch("ffe", "Ffe", summary="share of frames with a gross pitch or a voicing error"),
    _pitch("gpe", "Gpe", summary="share of frames voiced in both whose pitch is 20 % off"),
    _pitch("vde", "Vde", summary="share of frames voiced in only one of the two"),
)
ASSETS = (SWIFT,)
