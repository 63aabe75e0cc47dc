"""GPE, VDE and FFE of tracks: closed forms, mir_eval on the same tracks; warping by brute force."""

import itertools

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_metrics.pitch import pitch_errors, warping_path
from spatialdrama_metrics.pitch.align import mel_cepstra
from spatialdrama_metrics.pitch.track import grid_frames, on_grid, resampled

from spatialdrama.errors import ValidationError


def test_the_definition_on_five_frames():
    errors = pitch_errors([100, 130, 0, 90, 0], [100, 100, 100, 0, 0])
    assert errors == (5, 2, 1, 1, 1)
    assert (errors.gpe, errors.vde, errors.ffe) == (1 / 2, 2 / 5, 3 / 5)


@pytest.mark.parametrize(
    ("factor", "gpe"), [(1.0, 0), (1.1, 0), (0.85, 0), (1.19, 0), (1.3, 1), (0.5, 1), (2, 1)]
)
def test_a_constant_ratio_is_gross_or_not(factor, gpe):
    reference = np.linspace(80, 400, 50)
    errors = pitch_errors(factor * reference, reference)
    assert (errors.gpe, errors.vde, errors.ffe) == (gpe, 0, gpe)


def test_half_the_voicing_missing_is_a_vde_of_a_half():
    reference = np.full(100, 150.0)
    candidate = np.where(np.arange(100) < 50, reference, 0)
    errors = pitch_errors(candidate, reference)
    assert (errors.gpe, errors.vde, errors.ffe) == (0, 0.5, 0.5)
    assert pitch_errors(reference, candidate).invented == 50


def test_nothing_voiced_has_no_gross_error_rate():
    errors = pitch_errors([0, 0], [0, 0])
    assert np.isnan(errors.gpe)
    assert (errors.vde, errors.ffe) == (0, 0)


def test_the_tolerance_moves_the_line():
    assert pitch_errors([105.0], [100.0], tolerance=0.04).gpe == 1
    assert pitch_errors([105.0], [100.0], tolerance=0.06).gpe == 0


@pytest.mark.parametrize(
    ("candidate", "reference", "match"),
    [
        ([1.0], [1.0, 2.0], "candidate has 1 frames and reference 2"),
        ([[1.0]], [1.0], r"shape \(frames,\), got \(1, 1\)"),
        ([], [], r"got \(0,\)"),
        ([1, np.nan], [1, 1], "candidate holds nan at frame 1"),
        ([1, 1], [1, -5], "reference holds -5.0 at frame 1"),
    ],
)
def test_refusals(candidate, reference, match):
    with pytest.raises(ValidationError, match=match):
        pitch_errors(candidate, reference)


def tracks(seed, frames=200):
    """Random tracks with all four kinds of frames, on both sides of 50 cents and of 20 %."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform(80, 400, frames) * (rng.random(frames) > 0.4)
    candidate = np.where(reference > 0, reference, rng.uniform(80, 400, frames))
    candidate = candidate * 2 ** rng.uniform(-0.6, 0.6, frames) * (rng.random(frames) > 0.3)
    return candidate, reference


@pytest.mark.parametrize("seed", range(5))
def test_voicing_agrees_with_mir_eval(seed):
    candidate, reference = tracks(seed)
    errors = pitch_errors(candidate, reference)
    times = np.arange(len(reference)) * 0.01
    voiced, _, guessed, _ = mir_eval.melody.to_cent_voicing(times, reference, times, candidate)
    recall, false_alarm = mir_eval.melody.voicing_measures(voiced, guessed)
    # Missed frames are those that recall lacks, invented ones the false alarms.
    said = np.count_nonzero(reference)
    missed, invented = (1 - recall) * said, false_alarm * (len(reference) - said)
    assert errors.missed == pytest.approx(missed)
    assert errors.invented == pytest.approx(invented)
    assert errors.vde == pytest.approx((missed + invented) / len(reference))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tolerance", [0.03, 0.2])
def test_gross_errors_agree_with_mir_eval(seed, tolerance):
    candidate, reference = tracks(seed)
    # mir_eval's tolerance is in cents both ways; ours is relative, hence asymmetric in cents:
    # pitches above the reference are compared with its upper edge and those below with its lower.
    for above in (True, False):
        side = (candidate > reference) == above
        ours = pitch_errors(candidate * side, reference * side, tolerance=tolerance)
        cents = abs(1200 * np.log2(1 + tolerance if above else 1 - tolerance))
        times = np.arange(side.sum()) * 0.01
        given = mir_eval.melody.to_cent_voicing(
            times, reference[side], times, candidate[side], base_frequency=10.0
        )
        accuracy = mir_eval.melody.raw_pitch_accuracy(*given, cent_tolerance=cents)
        # Raw pitch accuracy is a share of the frames voiced in the reference, GPE of those voiced
        # in both: right = voiced in both - gross = accuracy * said.
        said = np.count_nonzero(reference[side])
        assert ours.both_voiced - ours.gross == pytest.approx(accuracy * said)


def test_worse_and_worse_pitch():
    reference = tracks(0)[1]
    rng = np.random.default_rng(1)
    wobble = rng.standard_normal(len(reference))
    rates = [pitch_errors(reference * np.exp(a * wobble), reference).ffe for a in (0, 0.1, 0.3, 1)]
    assert rates[0] == 0
    assert all(a < b for a, b in itertools.pairwise(rates))


def test_grid():
    times = np.arange(5) * 0.02
    f0 = np.array([100.0, 100, 0, 200, 200])
    got = on_grid(times, f0, hop_s=0.01, frames=12)
    assert got.tolist() == [100, 100, 100, 100, 0, 0, 200, 200, 200, 200, 0, 0]
    glide = on_grid(times, np.array([100, 121, 146.41, 177.1561, 214.358881]), hop_s=0.01, frames=9)
    np.testing.assert_allclose(glide, 100 * 1.1 ** np.arange(9), rtol=1e-9)
    assert not on_grid(np.zeros(0), np.zeros(0), hop_s=0.01, frames=3).any()
    assert on_grid(np.array([0.01]), np.array([99.0]), hop_s=0.01, frames=3)[1] == 99


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_features_and_tracks_have_the_same_frames(rate):
    for n in (1, 160, rate // 3, rate // 3 + 1, 2 * rate - 7):
        frames = grid_frames(n, rate=rate, hop_s=0.01)
        noise = np.random.default_rng(0).standard_normal(n)
        assert mel_cepstra(noise, rate=rate, hop_s=0.01).shape == (frames, 13)


def test_features_do_not_depend_on_gain():
    noise = np.random.default_rng(0).standard_normal(16000)
    noise[8000:] *= 1e-5  # below the floor: still the same
    one = mel_cepstra(noise, rate=16000, hop_s=0.01)
    np.testing.assert_allclose(mel_cepstra(1e-3 * noise, rate=16000, hop_s=0.01), one, atol=1e-9)
    assert np.abs(one).max() > 1


def every_path(n, m):
    """All warping paths of an n x m table, by recursion."""
    if n == m == 1:
        yield [(0, 0)]
        return
    for dn, dm in ((1, 1), (1, 0), (0, 1)):
        if n > dn and m > dm:
            for path in every_path(n - dn, m - dm):
                yield [*path, (n - 1, m - 1)]


def cost(path, a, b):
    return sum(np.linalg.norm(a[i] - b[j]) for i, j in path)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_the_path_is_the_cheapest_of_all(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, 2)), rng.standard_normal((m, 2))
    path = [tuple(step) for step in warping_path(a, b, band=None).tolist()]
    assert path in list(every_path(n, m))
    assert cost(path, a, b) == pytest.approx(min(cost(p, a, b) for p in every_path(n, m)))


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 6), st.integers(3, 6), st.integers(0, 10**6), st.floats(0.05, 1))
def test_inside_a_band_it_is_the_cheapest_of_those_inside(n, m, seed, band):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, 2)), rng.standard_normal((m, 2))
    path = [tuple(step) for step in warping_path(a, b, band=band).tolist()]
    wide = max(band, 2 / (min(n, m) - 1)) + 1e-9
    inside = [
        p for p in every_path(n, m) if all(abs(i / (n - 1) - j / (m - 1)) <= wide for i, j in p)
    ]
    assert path in inside
    assert cost(path, a, b) == pytest.approx(min(cost(p, a, b) for p in inside))


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 50), (50, 1), (2, 300), (300, 310), (40, 400)])
def test_paths_are_whole_whatever_the_shape(n, m):
    rng = np.random.default_rng(0)
    path = warping_path(rng.standard_normal((n, 3)), rng.standard_normal((m, 3)), band=0.05)
    steps = np.diff(path, axis=0)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [n - 1, m - 1]
    assert ((steps >= 0) & (steps <= 1)).all()
    assert (steps.sum(axis=1) > 0).all()


def test_a_stretched_sequence_is_followed():
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((60, 4))
    source = np.repeat(np.arange(60), rng.integers(1, 4, 60))
    path = warping_path(reference[source], reference, band=None)
    assert (source[path[:, 0]] == path[:, 1]).all()


@pytest.mark.parametrize(
    ("a", "b", "band", "match"),
    [
        (np.zeros((3, 2)), np.zeros((3, 1)), 0.2, r"got \(3, 2\) and \(3, 1\)"),
        (np.zeros(3), np.zeros(3), 0.2, "shapes"),
        (np.zeros((0, 2)), np.zeros((3, 2)), 0.2, "shapes"),
        (np.zeros((3, 2)), np.zeros((3, 2)), 1.5, "band must be"),
        (np.zeros((40000, 1)), np.zeros((40000, 1)), None, "cut the sound into lines"),
    ],
)
def test_paths_refuse(a, b, band, match):
    with pytest.raises(ValidationError, match=match):
        warping_path(a, b, band=band)


def test_resampling_keeps_the_pitch():
    t = np.arange(44100) / 44100
    out = resampled(np.sin(2 * np.pi * 200 * t), rate=44100, to=16000)
    assert len(out) == 16000
    assert np.argmax(np.abs(np.fft.rfft(out))) == 200
