"""Pictures of long sound are made of stretches, and show what the whole would."""

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.dsp import cross_track, ild_track, itd_track
from spatialdrama.io import stored
from spatialdrama.plot import stretches
from spatialdrama.plot.stretches import columns, tracked
from spatialdrama.plot.style import new_picture

RATE = 16_000


@pytest.fixture
def short_stretches(monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH", 0.3)


def sound(seconds, kept=False):
    left = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    samples = np.stack([left, np.roll(left, 5) / 2])
    if kept:
        samples = stored.Scratch(2, in_memory=0).keep(samples)
    return sd.BinauralAudio(samples, RATE)


@pytest.mark.parametrize("track", [itd_track, ild_track, cross_track])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.95, 2.0])
@pytest.mark.parametrize(("window_s", "hop_s"), [(0.085, 0.02), (0.4, 0.1), (0.05, 0.21)])
def test_frames_are_those_of_the_whole(short_stretches, track, seconds, window_s, hop_s):
    whole = track(sound(seconds).samples, rate=RATE, window_s=window_s, hop_s=hop_s)
    for kept in (False, True):
        got = tracked(track, sound(seconds, kept), window_s=window_s, hop_s=hop_s)
        assert got._fields == whole._fields
        for name in whole._fields:
            want = getattr(whole, name)
            assert getattr(got, name).shape == want.shape
            np.testing.assert_allclose(getattr(got, name), want, rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("panel", ["mel", "ild", "ipd"])
def test_panels_are_those_of_the_whole(monkeypatch, panel):
    def drawn():
        ax = new_picture(6, 2, "light").add_subplot()
        return np.ma.filled(getattr(sd.plot, panel)(sound(2.0), ax=ax).get_array(), 0.0)

    whole = drawn()
    monkeypatch.setattr(stretches, "STRETCH", 0.3)
    np.testing.assert_allclose(drawn(), whole, atol=1e-3)


def test_columns_hold_every_sample_once():
    for count in (1, 7, 900):
        got = list(columns(sound(0.02), count))
        assert len(got) == min(count, 320)
        np.testing.assert_array_equal(
            np.concatenate([part for _, part in got], axis=1), sound(0.02).samples
        )
        assert [at for at, _ in got] == np.cumsum([0] + [p.shape[1] for _, p in got])[:-1].tolist()


def test_no_more_than_a_stretch_is_read_at_once(monkeypatch):
    audio = sound(200, kept=True)
    read = []
    span = type(audio).span
    monkeypatch.setattr(
        type(audio),
        "span",
        lambda self, low, high: read.append(high - low) or span(self, low, high),
    )
    ax = new_picture(6, 2, "light").add_subplot()
    sd.plot.mel(audio, ax=ax)
    sd.plot.ild(audio, ax=ax)
    sd.plot.ipd(audio, ax=ax)
    sd.plot.itd(audio, ax=ax)
    assert len(read) > 20
    assert max(read) < 32 * RATE
