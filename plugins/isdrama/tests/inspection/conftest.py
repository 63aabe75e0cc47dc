"""A model of the smallest size with random weights."""

import pytest
from spatialdrama_isdrama import checkpoints, presets


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPATIALDRAMA_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def tiny():
    return checkpoints.random(presets.preset("tiny"), seed=5)
