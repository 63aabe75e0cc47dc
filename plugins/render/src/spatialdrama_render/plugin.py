"""What this distribution offers. Imports nothing but the registry's descriptions."""

from __future__ import annotations

from spatialdrama.registry import AssetSource, AssetSpec, RendererSpec, hookimpl

KEMAR = AssetSpec(
    "kemar",
    version="1.8.2",
    sha256="4193861d484fabdfd790df3c1189bb63219f8568c38e34545ca815df106c5fce",
    size=5_878_793,
    licence="free for any use, cite W. G. Gardner and K. D. Martin, MIT Media Lab, 1994",
    filename="mit_kemar_normal_pinna.slab",
    sources=(
        AssetSource.package(
            "slab", "1.8.2", "slab/data/mit_kemar_normal_pinna.bz2", decompress="bz2"
        ),
    ),
    summary="MIT KEMAR head with normal pinnae: 710 directions, 512 taps, 44.1 kHz",
)


@hookimpl
def register_renderers(register):
    register(
        RendererSpec(
            "physical",
            "spatialdrama_render.physical:PhysicalRenderer",
            summary="HRTF, exact Doppler, image sources, late tail, talker directivity",
            requires=("numba", "numpy", "scipy", "xarray", "soxr", "threadpoolctl"),
            extra="spatialdrama-render",
            licence="Apache-2.0",
            assets=("kemar",),
        )
    )
    register(
        RendererSpec(
            "geometric",
            "spatialdrama_render.geometric:GeometricRenderer",
            summary="straight-line delay and 1/r gain to each ear, nothing else",
            requires=("numba", "numpy", "scipy", "xarray", "threadpoolctl"),
            extra="spatialdrama-render",
            licence="Apache-2.0",
        )
    )


@hookimpl
def register_assets(register):
    register(KEMAR)
