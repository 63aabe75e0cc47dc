"""What this distribution tells the registry. Imports nothing heavy."""

from __future__ import annotations

from spatialdrama.registry import EncoderSpec, GeneratorSpec, hookimpl

#: What no package carries yet, and how to name it.
_WEIGHTS = "weights: give weights='checkpoint-folder'"
#: Names the folder once for all.
_VARIABLE = "SPATIALDRAMA_ISDRAMA"
_COMMON = {
    "requires": ("torch", "safetensors"),
    "extra": "spatialdrama-isdrama",
    "licence": "Apache-2.0",
    "bring": _WEIGHTS,
}


@hookimpl
def register_generators(register):
    """Register `isdrama`."""
    register(
        GeneratorSpec(
            "isdrama",
            "spatialdrama_isdrama.drama.generator:Isdrama",
            summary="script, voice prompts and poses to binaural drama in one stage",
            bring_by=_VARIABLE,
            **_COMMON,
        )
    )


@hookimpl
def register_encoders(register):
    """Register `isdrama/geometric`, `isdrama/text` and `isdrama/video`."""
    for prompt, target, summary in (
        ("geometric", "GeometricEncoder", "a pose through the space of ISDrama and back"),
        ("text", "TextEncoder", "words about a path to a pose"),
        ("video", "VideoEncoder", "silent video to a pose"),
    ):
        register(
            EncoderSpec(
                f"isdrama/{prompt}",
                f"spatialdrama_isdrama.pose.encoders:{target}",
                summary=summary,
                prompt=prompt,
                **_COMMON,
            )
        )
