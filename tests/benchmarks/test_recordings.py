"""The measures of the recordings' benchmark on sounds whose answers are known."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from recordings import RATE, compare


def ears(delay=0, gain_db=0.0, other=0.0, seed=0):
    rng = np.random.default_rng(seed)
    n = 2 * RATE
    common = rng.standard_normal(n + 200)
    left = common[100 : 100 + n]
    right = common[100 - delay : 100 - delay + n] * 10 ** (-gain_db / 20)
    return np.stack([left, right + other * rng.standard_normal(n)])


def test_a_recording_is_itself():
    np.testing.assert_allclose(compare(ears(12, 3.0), ears(12, 3.0)), 0, atol=1e-9)


def test_errors_are_the_differences_put_in():
    itd, ild, ipd, coherence = compare(ears(0, 0.0), ears(12, 6.0))
    assert itd == pytest.approx(12e6 / RATE, abs=8)
    assert ild == pytest.approx(6.0, abs=0.1)
    # Phase 2 pi f tau over 0.1 to 1.5 kHz, mean of 2 pi tau times 800 Hz.
    assert ipd == pytest.approx(2 * np.pi * 800 * 12 / RATE, rel=0.08)
    assert coherence == pytest.approx(0.0, abs=0.02)


def test_independent_noise_lowers_the_coherence():
    assert compare(ears(12), ears(12, other=1.0))[3] == pytest.approx(1 - 1 / np.sqrt(2), abs=0.04)
