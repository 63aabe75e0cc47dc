"""Cases have the answers they promise; strategies give valid values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from spatialdrama.conventions import HEAD_CLEARANCE
from spatialdrama.testing import cases, strategies

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@pytest.mark.parametrize("itd_us", [-500.0, 0.0, 123.4, 650.0])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_clips_have_the_delay_they_promise(itd_us, rate):
    """The peak of a 64-fold oversampled cross-correlation, an estimate of its own."""
    left, right = cases.clip(itd_us=itd_us, rate=rate).samples.astype(float)
    cross = np.fft.rfft(right) * np.conj(np.fft.rfft(left))
    fine = np.fft.irfft(cross, 64 * len(left))
    lag = int(np.argmax(fine))
    lag = lag - len(fine) if lag > len(fine) // 2 else lag
    assert 1e6 * lag / (64 * rate) == pytest.approx(itd_us, abs=1e6 / (64 * rate))


@pytest.mark.parametrize("ild_db", [-12.0, 0.0, 4.0])
def test_clips_have_the_level_they_promise(ild_db):
    left, right = cases.clip(itd_us=200, ild_db=ild_db).samples.astype(float)
    seen = 10 * np.log10(np.mean(left**2) / np.mean(right**2))
    assert seen == pytest.approx(ild_db, abs=1e-3)


def test_noise_has_its_band_and_level():
    signal = cases.noise(1.0)
    assert np.sqrt(np.mean(signal**2)) == pytest.approx(0.1)
    power = np.abs(np.fft.rfft(signal)) ** 2
    assert power[:100].sum() + power[16_001:].sum() < 1e-9 * power.sum()


def test_degradations_change_the_clip():
    clip = cases.clip(itd_us=300, ild_db=4)
    for label, worse in cases.degraded(clip).items():
        assert worse.samples.shape == clip.samples.shape
        assert np.abs(worse.samples - clip.samples).max() > 0.01, label


def test_the_scene_casts_the_script():
    assert set(cases.script().speakers) <= set(cases.scene().speakers)
    assert cases.scene(room=True).room.size == (6, 5, 3)


def test_the_tone_voice_has_exact_phones():
    speech = cases.ToneVoice().speak("Oh, no", identity="low", rate=2.0)
    assert [p.symbol for p in speech.phones] == ["o", "h", "n", "o"]
    assert speech.duration == pytest.approx(4 * 0.02)
    assert speech.phones[-1].end == pytest.approx(speech.duration)


@QUICK
@given(strategies.poses())
def test_poses_are_valid_and_outside_the_head(pose):
    fine = np.linspace(float(pose.time[0]), float(pose.time[-1]), 200)
    assert np.linalg.norm(pose.positions_at(fine), axis=1).min() >= HEAD_CLEARANCE
    assert np.allclose(np.linalg.norm(pose.quaternions_at(fine), axis=1), 1)


@QUICK
@given(strategies.scripts(timed=True))
def test_scripts_are_timed(script):
    assert script.is_timed
    assert 1 <= len(script) <= 6


@QUICK
@given(strategies.binaural_clips())
def test_clips_are_finite(clip):
    assert np.isfinite(clip.samples).all()
    assert clip.samples.shape[0] == 2
