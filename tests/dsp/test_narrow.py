"""The thinned transform against the whole one in double precision, and where it could go wrong."""

import numpy as np
import pytest
from scipy import fft

from spatialdrama.dsp import itd_track
from spatialdrama.dsp.ear_bands import band_bins, geometry
from spatialdrama.dsp.narrow import narrow_blocks, thinning

BAND = (150.0, 1800.0)


def shape(rate, window_s=0.085):
    length, hop = geometry(rate, window_s, 0.02)
    n_fft = fft.next_fast_len(length + int(np.ceil(1e-3 * rate)), real=True)
    return {"length": length, "hop": hop, "n_fft": n_fft}


def spectra(samples, rate):
    sizes = shape(rate)
    bins = band_bins(BAND, sizes["n_fft"], rate)
    return list(narrow_blocks(samples, rate=rate, bins=bins, **sizes))


@pytest.mark.parametrize(
    ("rate", "factor"), [(16_000, 2), (22_050, 3), (44_100, 6), (48_000, 6), (96_000, 12)]
)
def test_it_is_the_whole_transform_but_for_a_phase_per_frame(rate, factor):
    assert thinning(rate, high=BAND[1], **shape(rate)) == factor
    noise = np.random.default_rng(0).normal(0, 0.1, (2, int(1.7 * rate)))
    thin, whole = (spectra(noise.astype(kind), rate) for kind in ("f4", "f8"))
    thin, whole = (np.concatenate([p for _, p in x], axis=1) for x in (thin, whole))
    assert thin.shape == whole.shape
    turned = thin * whole.conj()
    # One phase for both ears of a frame: that of where the thinned samples lie.
    one = thin / whole
    np.testing.assert_allclose(one[0], one[1], atol=2e-3)
    np.testing.assert_allclose(
        np.abs(turned), np.abs(whole) ** 2, rtol=0, atol=1e-5 * np.abs(whole).max() ** 2
    )
    cross = [x[0] * x[1].conj() for x in (thin, whole)]
    assert np.abs(cross[0] - cross[1]).max() < 1e-5 * np.abs(cross[1]).max()


def test_short_windows_and_odd_hops_are_not_thinned_beyond_their_skirts():
    assert thinning(48_000, high=1800.0, **shape(48_000, 0.043)) < 6
    assert thinning(48_000, high=1800.0, length=4080, hop=961, n_fft=4320) == 1
    assert thinning(8_000, high=1800.0, **shape(8_000)) == 1


def test_what_would_fold_into_the_band_does_not():
    """At a sixth of 48 kHz a tone of 7 kHz folds to 1 kHz; here it is 40 dB above the band."""
    rate, n = 48_000, 48_000
    rng = np.random.default_rng(1)
    source = rng.normal(0, 0.001, n + 20)
    ears = np.stack([source[15:-5], source[:-20]])  # 15 samples, left first
    tone = 0.1 * np.sin(2 * np.pi * 7000 * np.arange(n) / rate)
    loud = (ears + np.stack([tone, np.roll(tone, 3)])).astype(np.float32)
    middle = slice(3, -3)
    found = itd_track(loud, rate=rate).itd_us[middle]
    np.testing.assert_allclose(found, 15 / rate * 1e6, atol=1.0)


def test_delays_of_single_and_double_precision_agree():
    rate = 48_000
    rng = np.random.default_rng(2)
    source = rng.normal(0, 0.1, 2 * rate + 40)
    ears = np.stack([source[20:-20], source[33:-7]]) + rng.normal(0, 0.02, (2, 2 * rate))
    single, double = (itd_track(ears.astype(kind), rate=rate) for kind in ("f4", "f8"))
    np.testing.assert_allclose(single.itd_us, double.itd_us, atol=0.005)
    np.testing.assert_allclose(single.level_db, double.level_db, atol=1e-4)
    np.testing.assert_allclose(single.coherence, double.coherence, atol=1e-5)


def test_digital_silence_stays_silent_beside_sound():
    rate = 48_000
    ears = np.zeros((2, rate), dtype=np.float32)
    ears[:, : rate // 2] = np.random.default_rng(3).normal(0, 0.1, rate // 2)
    track, exact = (itd_track(x, rate=rate) for x in (ears, ears.astype("f8")))
    silent = exact.level_db == -200
    assert silent.sum() > 20
    np.testing.assert_array_equal(track.level_db == -200, silent)
    assert not track.itd_us[silent].any()
    assert not track.coherence[silent].any()


def test_one_ear_silent_has_no_delay():
    ears = np.random.default_rng(4).normal(0, 0.1, (2, 24_000)).astype(np.float32)
    ears[1] = 0
    track = itd_track(ears, rate=48_000)
    assert not track.itd_us.any()
    assert (track.level_db > -60).all()


def test_a_clip_shorter_than_a_frame():
    ears = np.random.default_rng(5).normal(0, 0.1, (2, 100))
    single, double = (itd_track(ears.astype(kind), rate=48_000) for kind in ("f4", "f8"))
    assert single.itd_us.shape == (1,)
    np.testing.assert_allclose(single.itd_us, double.itd_us, atol=0.01)
