"""The hooks a plugin may implement. Documented, with every spec field, in docs/reference/hooks.md.

Each hook is called once, when the registry is first used, with one argument: ``register``, a
function that takes one spec. A hook returns nothing. A callback instead of a returned list means
that the provider of each description is known and that an error points at the line of the call.
"""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from .specs import (
    AssetSpec,
    CorpusSpec,
    EncoderSpec,
    GeneratorSpec,
    MetricSpec,
    RendererSpec,
    VoiceSpec,
)

PROJECT = "spatialdrama"
GROUP = "spatialdrama"  #: entry point group

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_encoders(register: Callable[[EncoderSpec], None]) -> None:
    """Describe encoders: prompt (geometric, text, video) -> pose of each speaker."""


@hookspec
def register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Describe generators: script + scene + voices -> drama."""


@hookspec
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Describe metrics: audio, with what the spec ``needs``, -> a score."""


@hookspec
def register_voices(register: Callable[[VoiceSpec], None]) -> None:
    """Describe voices: text -> mono speech."""


@hookspec
def register_renderers(register: Callable[[RendererSpec], None]) -> None:
    """Describe renderers: mono speech + pose + room -> binaural audio."""


@hookspec
def register_corpora(register: Callable[[CorpusSpec], None]) -> None:
    """Describe corpora: readers of recorded or simulated binaural drama."""


@hookspec
def register_assets(register: Callable[[AssetSpec], None]) -> None:
    """Describe assets: model and data files, their hashes, licences and sources."""
