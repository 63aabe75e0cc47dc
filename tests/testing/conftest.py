"""Local registrations that are gone after the test."""

from __future__ import annotations

import pytest


@pytest.fixture
def register():
    """Register an object of this session under the name "probe"."""
    from spatialdrama.registry import KINDS, register_local, unregister_local

    made = []

    def add(kind, obj, **fields):
        register_local(kind, KINDS[kind].spec("probe", "tests:probe", **fields), obj)
        made.append(kind)
        return "probe"

    yield add
    for kind in made:
        unregister_local(kind, "probe")
