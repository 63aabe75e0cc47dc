"""What this distribution offers."""

from spatialdrama.registry import GeneratorSpec, hookimpl


@hookimpl
def register_generators(register):
    """Register `cascade`."""
    register(
        GeneratorSpec(
            "cascade",
            "spatialdrama_cascade.cascade:Cascade",
            summary="any voice with any renderer, line by line",
            requires=("numpy",),
            licence="Apache-2.0",
        )
    )
