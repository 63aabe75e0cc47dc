"""The sum of placed lines against numpy's plain sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spatialdrama as sd
from spatialdrama.staging.mixing import CEILING_DB, mixed, summed

RATE = 48_000


class TestMixing:
    @given(
        parts=st.lists(
            st.tuples(st.integers(0, 300), st.integers(1, 200), st.integers(0, 99)), max_size=8
        )
    )
    def test_blocks_are_the_plain_sum(self, parts):
        parts = sorted(parts)
        sounds = [
            (at, np.random.default_rng(seed).normal(0, 1, (2, n)).astype(np.float32))
            for at, n, seed in parts
        ]
        want = np.zeros((2, max((at + s.shape[1] for at, s in sounds), default=0)))
        for at, sound in sounds:
            want[:, at : at + sound.shape[1]] += sound
        got = np.concatenate([np.zeros((2, 0), np.float32), *summed(iter(sounds))], axis=1)
        np.testing.assert_allclose(got, want, atol=1e-6)
        assert got.dtype == np.float32

    def test_what_is_finished_comes_before_the_next_line_is_asked_for(self):
        asked = []

        def parts():
            for second in range(4):
                asked.append(second)
                yield second * RATE, np.full((2, RATE // 2), 1.0, np.float32)

        blocks = summed(parts())
        seen = 0
        for block in blocks:
            seen += block.shape[1]
            # a block before second s was given out when lines up to s were known, none later
            assert len(asked) <= seen // RATE + 2

    def test_silence_has_no_gain(self):
        mix, gain_db = mixed([(0.5, sd.BinauralAudio(np.zeros((2, 9)), RATE))], RATE)
        assert (mix.length, gain_db, mix.peak) == (RATE // 2 + 9, 0.0, 0.0)


def test_a_loud_mix_is_turned_down_once_for_both_ears():
    loud = sd.BinauralAudio(np.array([[0.9, 0.0], [0.1, 0.2]]), RATE)
    mix, gain_db = mixed([(0.0, loud), (0.0, loud)], RATE)
    assert 20 * np.log10(mix.peak) == pytest.approx(CEILING_DB, abs=1e-4)
    np.testing.assert_allclose(mix.samples[0, 0] / mix.samples[1, 0], 9.0, rtol=1e-5)
    assert gain_db < 0
    quiet, zero = mixed([(0.0, sd.BinauralAudio(np.full((2, 3), 0.1), RATE))], RATE)
    assert zero == 0.0
    np.testing.assert_allclose(quiet.samples, 0.1)
