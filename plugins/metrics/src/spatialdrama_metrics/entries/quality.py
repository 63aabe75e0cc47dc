"""How good does a line sound, to somebody who has no reference?"""

from __future__ import annotations

from spatialdrama.registry import AssetSource, AssetSpec, MetricSpec


def _dnsmos(name: str, sha256: str, size: int, member: str, what: str) -> AssetSpec:
    return AssetSpec(
        name,
        version="0.0.1.1",
        sha256=sha256,
        size=size,
        licence="MIT (Microsoft)",
        filename=member,
        folder="dnsmos",
        sources=(AssetSource.package("speechmos", "0.0.1.1", f"speechmos/dnsmos_models/{member}"),),
        summary=f"DNSMOS, {what}",
    )


DNSMOS = (
    _dnsmos(
        "dnsmos-p835",
        "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd",
        1_157_965,
        "sig_bak_ovr.onnx",
        "speech, background and overall quality",
    ),
    _dnsmos(
        "dnsmos-p808",
        "9246480c58567bc6affd4200938e77eef49468c8bc7ed3776d109c07456f6e91",
        224_860,
        "model_v8.onnx",
        "overall quality",
    ),
)
DISTILLMOS = AssetSpec(
    "distillmos",
    version="0.9.1",
    sha256="b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40",
    size=16_907_522,
    licence="MIT (Microsoft)",
    filename="distill_mos_v7.pt",
    sources=(AssetSource.package("distillmos", "0.9.1", "distillmos/weights/distill_mos_v7.pt"),),
    summary="DistillMOS, quality of speech",
)


def _quality(name: str, target: str, *, summary: str, module: str, extra: str, assets: tuple):
    return MetricSpec(
        name,
        f"spatialdrama_metrics.quality.{target}",
        summary=summary,
        unit="MOS",
        direction="up",
        per="line",
        bounds=(1.0, 5.0),
        requires=("numpy", "scipy", "soxr", module),
        extra=extra,
        licence="Apache-2.0 (code), MIT (predictor)",
        assets=assets,
    )


METRICS = (
    _quality(
        "dnsmos",
        "dnsmos:Dnsmos",
        summary="overall quality that DNSMOS P.835 predicts, without a reference",
        module="onnxruntime",
        extra="spatialdrama-metrics",
        assets=tuple(spec.name for spec in DNSMOS),
    ),
    _quality(
        "distillmos",
        "distillmos:DistillMos",
        summary="overall quality that DistillMOS predicts, without a reference",
        module="torch",
        extra="spatialdrama-metrics[torch]",
        assets=(DISTILLMOS.name,),
    ),
)
ASSETS = (*DNSMOS, DISTILLMOS)
