"""Does a line have the voice of its speaker?"""

from __future__ import annotations

from spatialdrama.registry import AssetSource, AssetSpec, MetricSpec

RESEMBLYZER = AssetSpec(
    "resemblyzer",
    version="0.1.4",
    sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    size=17_090_379,
    licence="Apache-2.0 (Corentin Jemine, Resemble AI)",
    filename="pretrained.pt",
    sources=(AssetSource.package("resemblyzer", "0.1.4", "resemblyzer/pretrained.pt"),),
    summary="Resemblyzer, GE2E speaker encoder",
)


def _sim(name: str, target: str, *, summary: str, module: tuple, extra: str, licence: str, **more):
    return MetricSpec(
        name,
        f"spatialdrama_metrics.speakers.sim:{target}",
        summary=summary,
        direction="up",
        needs=("prompt",),
        per="line",
        chance="shuffle",
        spatial=False,
        bounds=(-1.0, 1.0),
        requires=("numpy", "scipy", *module),
        extra=extra,
        licence=f"Apache-2.0 (code), {licence}",
        **more,
    )


METRICS = (
    _sim(
        "sim",
        "Sim",
        summary="speaker similarity: cosine of Resemblyzer's embeddings of line and prompt",
        module=("soxr",),
        extra="spatialdrama-metrics",
        licence="Apache-2.0 (network)",
        assets=(RESEMBLYZER.name,),
    ),
    _sim(
        "sim/wavlm",
        "WavLmSim",
        summary="speaker similarity with WavLM's verification network; bring its folder",
        module=("soxr", "torch", "transformers"),
        extra="spatialdrama-metrics[wavlm]",
        # Its model card (microsoft/wavlm-base-plus-sv) names the licence file of
        # microsoft/UniSpeech for the weights: CC BY-SA 3.0 Unported. MIT, in microsoft/unilm, is
        # the licence of the code.
        licence="CC-BY-SA-3.0 (network, not shipped)",
        bring="weights: give embedder='wavlm:FOLDER' (microsoft/wavlm-base-plus-sv)",
    ),
)
ASSETS = (RESEMBLYZER,)
