"""A model of the smallest size with random weights."""

import pytest
from spatialdrama_isdrama import checkpoints, presets


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has a cache of its own; nothing of it is left for tests of other rooms."""
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def tiny():
    return checkpoints.random(presets.preset("tiny"), seed=5)
