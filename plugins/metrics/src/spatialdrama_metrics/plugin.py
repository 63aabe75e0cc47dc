"""What this distribution offers. Imports nothing but the registry's descriptions."""

from __future__ import annotations

from spatialdrama.registry import hookimpl
from spatialdrama_metrics.entries import (
    headline,
    pitch,
    published,
    quality,
    recognition,
    speakers,
)

TOPICS = (headline, pitch, published, quality, recognition, speakers)


@hookimpl
def register_metrics(register):
    """Register the metrics of every topic."""
    for topic in TOPICS:
        for spec in topic.METRICS:
            register(spec)


@hookimpl
def register_assets(register):
    """Register the models that they load."""
    for topic in TOPICS:
        for spec in topic.ASSETS:
            register(spec)
