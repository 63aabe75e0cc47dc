"""Level and trim of dry lines, on tones whose level is known."""

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.staging.stems import active_level_db, levelled, trimmed

RATE = 48_000


class TestStems:
    def test_level_is_the_rms_of_the_active_part(self):
        tone = np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)
        with_pause = np.concatenate([tone, np.zeros(RATE), tone])
        assert active_level_db(with_pause, RATE) == pytest.approx(-3.01, abs=0.01)
        stem = levelled(sd.Speech(0.01 * with_pause, RATE), -26.0)
        assert active_level_db(stem.samples, RATE) == pytest.approx(-26.0, abs=0.01)

    def test_a_style_keeps_its_gain(self):
        tone = np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)
        stem = levelled(sd.Speech(tone, RATE, provenance={"gain_db": -6.0}), -26.0)
        assert active_level_db(stem.samples, RATE) == pytest.approx(-32.0, abs=0.01)

    def test_trim_keeps_f0_in_step(self):
        hop = 600
        x = np.zeros(RATE)
        x[9_000:30_000] = 0.3 * np.cos(2 * np.pi * 200 * np.arange(21_000) / RATE)
        f0 = np.zeros(RATE // hop)
        f0[15:50] = 200.0
        short = trimmed(sd.Speech(x, RATE, f0=f0, f0_hop=hop / RATE))
        offset = np.argmax(short.samples != 0) - 9_000
        assert offset % hop == 0
        assert np.argmax(short.f0 > 0) * hop == 15 * hop + offset

    def test_silence_stays_silence(self):
        silent = sd.Speech(np.zeros(RATE), RATE)
        assert levelled(trimmed(silent), -26.0) == silent
