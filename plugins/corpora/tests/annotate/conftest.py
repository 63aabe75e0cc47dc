"""Sounds whose parts are known exactly."""

import numpy as np
import pytest
from scipy import signal

RATE = 48_000


def voice_like(seconds, rate=RATE, seed=0):
    """Syllables of a buzz at 110 to 150 Hz through three formants, with pauses: (n,) float64."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    t = np.arange(n) / rate
    f0 = 130 + 20 * np.sin(2 * np.pi * 0.7 * t)
    buzz = signal.sawtooth(2 * np.pi * np.cumsum(f0) / rate)
    out = np.zeros(n)
    for centre, width in ((600, 90), (1500, 120), (2700, 160)):
        out += signal.lfilter(*signal.iirpeak(centre, centre / width, fs=rate), buzz)
    loud = np.zeros(n)
    at = 0.2
    while at + 0.3 < seconds:
        length = rng.uniform(0.12, 0.28)
        a, b = round(at * rate), round((at + length) * rate)
        loud[a:b] = signal.windows.tukey(b - a, 0.4) * rng.uniform(0.5, 1.0)
        at += length + (0.02 if rng.random() < 0.7 else 0.35)
    return 0.2 * out * loud / np.abs(out).max()


@pytest.fixture(scope="session")
def speech_like():
    return voice_like
