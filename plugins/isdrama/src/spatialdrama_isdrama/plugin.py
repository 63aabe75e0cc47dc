"""What this distribution tells the registry. Imports nothing heavy."""

from __future__ import annotations

from spatialdrama import hookimpl


@hookimpl
def register_generators(register):
    """Nothing yet: there is no generator before there is a drama to generate."""
