"""A model of the smallest size with random weights."""

import pytest
from spatialdrama_isdrama import checkpoints, presets


@pytest.fixture(scope="session")
def tiny():
    return checkpoints.random(presets.preset("tiny"), seed=5)
