"""A model of the smallest size with random weights, and what it is asked to say."""

import numpy as np
import pytest
import soundfile
from spatialdrama_isdrama import checkpoints, presets

import spatialdrama as sd

RATE = 48_000


@pytest.fixture(scope="session")
def tiny():
    return checkpoints.random(presets.preset("tiny"), seed=5)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has a cache of its own."""
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SPATIALDRAMA_ISDRAMA", raising=False)


def voice(hertz, seconds=1.5, rate=RATE):
    """A buzz of five harmonics, 4 times a second louder and softer, as a stand-in for a person."""
    t = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 6))
    return (0.05 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    for name, hertz in (("ANNA", 220.0), ("BERT", 110.0)):
        soundfile.write(folder / f"{name}.wav", voice(hertz), RATE, subtype="FLOAT")
    return {name: str(folder / f"{name}.wav") for name in ("ANNA", "BERT")}


@pytest.fixture
def script():
    return sd.Script.parse("ANNA: Who is there?\nBERT: A friend.\nANNA: Then come in.")


@pytest.fixture
def scene():
    return sd.Scene(
        sd.Room((6, 5, 3), rt60=0.35),
        {
            "ANNA": sd.Pose.fixed(azimuth_deg=70, distance=1.5),
            "BERT": sd.Pose.walk([(2, -1.5, 0), (2, 1.5, 0)], speed=1.0),
        },
    )
