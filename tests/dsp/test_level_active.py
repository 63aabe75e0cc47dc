"""Levels and gates against closed forms and a frame-by-frame loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialdrama.dsp.active import active_frames, frame_levels_db, gate
from spatialdrama.dsp.level import SILENCE_DB, db_to_gain, ear_levels_db, peak_db, rms_db

RNG = np.random.default_rng(2)


def oracle_levels(x, length, hop):
    x = np.atleast_2d(x)
    out = []
    for t in range(1 + x.shape[1] // hop):
        total = 0.0
        for i in range(t * hop - length // 2, t * hop - length // 2 + length):
            if 0 <= i < x.shape[1]:
                total += np.mean(x[:, i] ** 2)
        out.append(10 * np.log10(max(total / length, 1e-20)))
    return np.array(out)


@pytest.mark.parametrize("shape", [(300,), (2, 300)])
def test_frame_levels_match_the_loop(shape):
    x = RNG.standard_normal(shape)
    np.testing.assert_allclose(
        frame_levels_db(x, length=30, hop=7), oracle_levels(x, 30, 7), atol=1e-9
    )


def test_silence_after_a_loud_part_is_silent():
    x = np.concatenate([RNG.standard_normal(1000), np.zeros(1000)])
    assert (frame_levels_db(x, length=50, hop=50)[22:] == SILENCE_DB).all()


@given(st.floats(-80.0, 20.0), st.integers(0, 10))
def test_gain_moves_every_level_alike(db, seed):
    x = np.random.default_rng(seed).standard_normal((2, 64))
    y = x * db_to_gain(db)
    for measure in (rms_db, peak_db):
        assert float(measure(y) - measure(x)) == pytest.approx(db, abs=1e-9)
    np.testing.assert_allclose(ear_levels_db(y) - ear_levels_db(x), db, atol=1e-9)


def test_known_levels():
    square = np.tile([1.0, -1.0], 50)
    assert float(rms_db(square)) == 0.0
    assert float(peak_db(square / 2)) == pytest.approx(-6.0206, abs=1e-4)
    assert float(rms_db(np.zeros(5))) == float(peak_db([])) == SILENCE_DB


def test_gate_is_relative_but_silence_is_never_active():
    assert gate([-10, -29.9, -30.1], gate_db=20).tolist() == [True, True, False]
    assert not gate([-95.0, -96.0]).any()
    assert gate([]).shape == (0,)
    burst = np.zeros(4000)
    burst[2000:2100] = 0.5
    assert active_frames(burst, length=100, hop=100).nonzero()[0].tolist() == [20, 21]
