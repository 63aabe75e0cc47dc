"""spatialdrama: a script, voices and poses become one continuous binaural drama.

This module imports the standard library only; every public name is loaded when it is first
used, so ``import spatialdrama as sd`` costs a few milliseconds and ``sd.Pose`` loads xarray.
Editors and type checkers read ``__init__.pyi``; a test holds the two together.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

#: public name -> the module that has it
_WHERE = {
    # types
    "BinauralAudio": "spatialdrama.types",
    "Drama": "spatialdrama.types",
    "GeometricPrompt": "spatialdrama.types",
    "Line": "spatialdrama.types",
    "MultichannelAudio": "spatialdrama.types",
    "Phone": "spatialdrama.types",
    "Pose": "spatialdrama.types",
    "Room": "spatialdrama.types",
    "Scene": "spatialdrama.types",
    "Score": "spatialdrama.types",
    "ScoreTable": "spatialdrama.types",
    "Script": "spatialdrama.types",
    "Source": "spatialdrama.types",
    "Speech": "spatialdrama.types",
    "TextPrompt": "spatialdrama.types",
    "VideoPrompt": "spatialdrama.types",
    # pipeline
    "generate": "spatialdrama.pipeline",
    "render": "spatialdrama.pipeline",
    # scoring
    "compare": "spatialdrama.scoring.compare",
    "score": "spatialdrama.scoring.run",
    # registry
    "EncoderSpec": "spatialdrama.registry",
    "GeneratorSpec": "spatialdrama.registry",
    "MetricSpec": "spatialdrama.registry",
    "VoiceSpec": "spatialdrama.registry",
    "RendererSpec": "spatialdrama.registry",
    "CorpusSpec": "spatialdrama.registry",
    "AssetSpec": "spatialdrama.registry",
    "AssetSource": "spatialdrama.registry",
    "hookimpl": "spatialdrama.registry",
    "metric": "spatialdrama.registry",
    "encoders": "spatialdrama.registry",
    "generators": "spatialdrama.registry",
    "metrics": "spatialdrama.registry",
    "voices": "spatialdrama.registry",
    "renderers": "spatialdrama.registry",
    "corpora": "spatialdrama.registry",
    "plugins": "spatialdrama.registry",
    "load_encoder": "spatialdrama.registry",
    "load_generator": "spatialdrama.registry",
    "load_metric": "spatialdrama.registry",
    "load_voice": "spatialdrama.registry",
    "load_renderer": "spatialdrama.registry",
    "load_corpus": "spatialdrama.registry",
}

#: modules that are part of the interface as they are
_MODULES = {
    "conventions": "spatialdrama.conventions",
    "errors": "spatialdrama.errors",
    "assets": "spatialdrama.runtime.assets",
    "plot": "spatialdrama.plot",
    "stats": "spatialdrama.stats",
    "testing": "spatialdrama.testing",
}

_LISTINGS = ("corpora", "encoders", "generators", "metrics", "renderers", "voices")

__all__ = ["__version__", *_WHERE, *_MODULES]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name in _WHERE:
        if name in _LISTINGS:  # lets their tables say which assets are not on this machine yet
            importlib.import_module("spatialdrama.runtime.assets")
        value = getattr(importlib.import_module(_WHERE[name]), name)
    else:
        raise AttributeError(f"module 'spatialdrama' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
