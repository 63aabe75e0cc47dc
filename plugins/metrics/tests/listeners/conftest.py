"""Talkers made of numbers: the same samples everywhere, close enough to speech for networks."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from spatialdrama.runtime.assets import missing
from spatialdrama.types import BinauralAudio

#: Hz: pitch and the formants that the vowels of each talker are built from.
TALKERS = {
    "low": (110.0, ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240))),
    "high": (220.0, ((850, 1220, 2810), (310, 2790, 3310), (370, 950, 2670))),
}


def talk(who, seconds, *, rate=16_000, seed=0, rms=0.08):
    """(n,) float32: a pulse train through three resonances, four syllables a second."""
    pitch, vowels = TALKERS[who]
    count = round(seconds * rate)
    t = np.arange(count) / rate
    f0 = pitch * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * t + seed))
    phase = np.cumsum(f0) / rate
    source = np.diff(np.floor(phase), prepend=0.0)
    source += 0.003 * np.random.default_rng(seed).standard_normal(count)
    out = np.zeros(count)
    for i, start in enumerate(np.arange(0, seconds, 0.25)):
        low, high = round(start * rate), min(round((start + 0.25) * rate), count)
        part = source[low:high] * np.hanning(high - low)
        for centre in vowels[(i + seed) % 3]:
            pole = 0.97 ** (16_000 / rate) * np.exp(2j * np.pi * centre / rate)
            part = signal.lfilter([1.0], [1.0, -2 * pole.real, abs(pole) ** 2], part)
        out[low:high] = part / max(np.abs(part).max(), 1e-9)
    return (rms * out / np.sqrt(np.mean(out**2))).astype(np.float32)


def two_ears(mono, rate):
    """The right ear 6 dB softer and .3 ms later."""
    late = round(3e-4 * rate)
    right = 0.5 * np.pad(mono, (late, 0))[: len(mono)]
    return BinauralAudio(np.stack([mono, right]), rate)


@pytest.fixture(name="talk", scope="session")
def _talk():
    return talk


@pytest.fixture(name="two_ears", scope="session")
def _two_ears():
    return two_ears


@pytest.fixture(scope="session")
def golden():
    """What the original packages give; ``make_golden.py`` wrote it."""
    return json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))


def _needs(*assets):
    lacking = missing(assets)
    if lacking:
        pytest.skip(f"assets are not here: {', '.join(lacking)}")


@pytest.fixture
def resemblyzer_weights():
    _needs("resemblyzer")


@pytest.fixture
def dnsmos_weights():
    pytest.importorskip("onnxruntime")
    _needs("dnsmos-p835", "dnsmos-p808")


@pytest.fixture
def distillmos_weights():
    pytest.importorskip("torch")
    _needs("distillmos")
