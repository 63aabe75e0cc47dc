"""What is told of a drama: what made it, and what was asked for in vain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.types import Scene, Script
from spatialdrama_isdrama import checkpoints
from spatialdrama_isdrama.checkpoints import Loaded
from spatialdrama_isdrama.drama.production import Production
from spatialdrama_isdrama.drama.prompts import VoicePrompt
from spatialdrama_isdrama.presets import IsdramaConfig


def provenance(
    model: Loaded,
    prompts: Mapping[str, VoicePrompt],
    seed: int,
    gain_db: float,
    made: Production,
) -> dict[str, Any]:
    """Return what a drama was made of and by what, JSON-ready."""
    return {
        "generator": "isdrama",
        "seed": seed,
        "voices": {name: dict(prompt.about) for name, prompt in prompts.items()},
        "weights": {
            "sha256": model.fingerprint,
            "path": None if model.path is None else model.path.name,
            "versions": dict(model.versions),
            "provenance": dict(model.provenance),
        },
        "device": {
            "name": str(model.device),
            "why": model.device.why,
            "dtype": model.dtype,
            "scan": made.kernels_ran,
            "why_not_fused": model.why_not_fused,
        },
        "segments": {"sampled": made.sampled, "kept": made.found},
        "context": made.contexts(),
        "pitch": "predicted" if model.config.transformer.f0 else "none",
        "encoders": made.encoding.about(),
        "options": made.settings.to_dict(),
        "stems": "mean of both ears: one stage makes no dry line",
        "mix_gain_db": round(gain_db, 3),
        "versions": checkpoints.versions(),
        "assets": {},
        "watermark": None,
    }


def check_model(config: IsdramaConfig) -> None:
    """Raise for a model that can be built and trained, but not asked to speak from a script."""
    vocoder = config.vocoder
    if vocoder.kind == "binaural" and vocoder.coherence == "given":
        raise ValidationError(
            "the model's vocoder has coherence='given' and a script gives none; save the model "
            "with coherence='predicted' or 'none'."
        )


def whispered(config: IsdramaConfig) -> list[str]:
    """Return a sentence for a model without pitch, the ablation `f0`."""
    if config.transformer.f0:
        return []
    return ["the model predicts no pitch (f0=False): every line is whispered."]


def not_obeyed(script: Script, scene: Scene) -> list[str]:
    """Return a sentence for everything asked for that the model has no input for."""
    said = [
        f"line {i} of {line.speaker}: the model has no styles; {line.style!r} is spoken as the "
        "prompt and the text say."
        for i, line in enumerate(script, start=1)
        if line.style
    ]
    return said + [
        f"directivity='omni' of {name} is not obeyed: how mouths radiate is what the model learned."
        for name in script.speakers
        if scene.source(name).directivity != "speech"
    ]
