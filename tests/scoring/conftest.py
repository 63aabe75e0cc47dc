"""Small clips with known differences, and metrics that a test registers for itself."""

from types import SimpleNamespace

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.registry import unregister_local

RATE = 16_000


def pair(gain_db=6.0, seed=0, seconds=0.5):
    """A reference, and the same with the left ear `gain_db` louder."""
    noise = np.random.default_rng(seed).normal(0, 0.05, (2, round(seconds * RATE)))
    louder = noise * [[10 ** (gain_db / 20)], [1.0]]
    return sd.BinauralAudio(louder, RATE), sd.BinauralAudio(noise, RATE)


def drama(seed=0, lines=3, gain_db=0.0):
    """Lines of noise by A and B in turn; the right ear is 6 dB down for B."""
    rng = np.random.default_rng(seed)
    turns, audio = [], np.zeros((2, lines * RATE), np.float32)
    stems = []
    for i in range(lines):
        at = slice(i * RATE + RATE // 4, i * RATE + 3 * RATE // 4)
        x = 0.05 * rng.standard_normal(at.stop - at.start)
        who = "AB"[i % 2]
        audio[:, at] = 10 ** (gain_db / 20) * x, (1.0 if who == "A" else 0.5) * x
        turns.append(sd.Line(who, "words", start=at.start / RATE, end=at.stop / RATE))
        stems.append(sd.Speech(x, RATE, text="words"))
    scene = sd.Scene(None, {"A": sd.Pose.fixed((1, 1, 0)), "B": sd.Pose.fixed((1, -1, 0))})
    return sd.Drama(sd.BinauralAudio(audio, RATE), sd.Script(turns), scene, stems, {"seed": seed})


@pytest.fixture
def mine():
    """Register a metric for one test: a function, or an object with ``score``."""
    names = []

    def register(thing, name=None, **fields):
        name = name or thing.__name__
        names.append(name)
        sd.metric(name, **fields)(thing)
        return thing

    yield register
    for name in names:
        unregister_local("metric", name)


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """A cache of this test alone, no bars."""
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "0")
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))


@pytest.fixture
def make():
    """The two makers of sound above."""
    return SimpleNamespace(pair=pair, drama=drama)
