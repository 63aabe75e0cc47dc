"""What this distribution tells the registry. Imports nothing heavy."""

from __future__ import annotations

from spatialdrama import hookimpl


@hookimpl
def register_corpora(register):
    """Nothing yet: readers enter here."""
