"""The switchboard: who provides which voice, renderer, metric, encoder, generator or corpus.

What lives here: hook specifications, the plugin manager, the frozen descriptions that plugins
register, and the tables that list them. What may not: anything that imports numpy, xarray, torch
or the types. A plugin's ``plugin.py`` imports this module and nothing else, so that listing a
hundred plugins costs milliseconds; the code behind a description is imported by :func:`load`.

Example
-------
>>> from spatialdrama.registry import MetricSpec, hookimpl
>>> @hookimpl
... def register_metrics(register):
...     register(MetricSpec("loudness", "my_package.metric:Loudness", unit="LU"))
"""

from __future__ import annotations

from .hookspecs import hookimpl
from .listing import Listing, Plugins
from .loaders import (
    load_corpus,
    load_encoder,
    load_generator,
    load_metric,
    load_renderer,
    load_voice,
)
from .loading import FunctionMetric
from .local import metric, register_local, unregister_local
from .manager import Manager, PluginRecord, entry, get, load, manager, refresh
from .specs import (
    KINDS,
    AssetSource,
    AssetSpec,
    CorpusSpec,
    EncoderSpec,
    GeneratorSpec,
    MetricSpec,
    Part,
    RendererSpec,
    Spec,
    VoiceSpec,
)

encoders = Listing("encoder")
generators = Listing("generator")
metrics = Listing("metric")
voices = Listing("voice")
renderers = Listing("renderer")
corpora = Listing("corpus")
assets = Listing("asset")
plugins = Plugins()

#: Kind -> its listing, in the order in which tables show them.
listings = {
    "encoder": encoders,
    "generator": generators,
    "voice": voices,
    "renderer": renderers,
    "metric": metrics,
    "corpus": corpora,
    "asset": assets,
}

__all__ = [
    "KINDS",
    "AssetSource",
    "AssetSpec",
    "CorpusSpec",
    "EncoderSpec",
    "FunctionMetric",
    "GeneratorSpec",
    "Listing",
    "Manager",
    "MetricSpec",
    "Part",
    "PluginRecord",
    "Plugins",
    "RendererSpec",
    "Spec",
    "VoiceSpec",
    "assets",
    "corpora",
    "encoders",
    "entry",
    "generators",
    "get",
    "hookimpl",
    "listings",
    "load",
    "load_corpus",
    "load_encoder",
    "load_generator",
    "load_metric",
    "load_renderer",
    "load_voice",
    "manager",
    "metric",
    "metrics",
    "plugins",
    "refresh",
    "register_local",
    "renderers",
    "unregister_local",
    "voices",
]
