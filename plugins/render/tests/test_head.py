"""Heads: what the split into minimum phase and delay keeps, and how directions interpolate."""

import numpy as np
import pytest
from spatialdrama_render.head_preparation import prepare_head, triangle_areas
from spatialdrama_render.heads import load_head
from spatialdrama_render.phase_split import lag, minimum_phase

from spatialdrama.errors import ValidationError

RATE = 48_000


def at_azimuth(degrees):
    a = np.deg2rad(np.atleast_1d(degrees))
    return np.stack([np.cos(a), np.sin(a), 0 * a], axis=1)


def test_minimum_phase_keeps_the_magnitude_and_comes_first():
    b = np.array([1.0, -0.4, 0.2])  # already minimum phase: it must come back unchanged
    magnitude = np.abs(np.fft.rfft(b, 1024))
    got = minimum_phase(magnitude)
    np.testing.assert_allclose(got[:3], b, atol=1e-9)
    np.testing.assert_allclose(got[3:], 0, atol=1e-9)


def test_lag_is_a_fraction_of_a_sample():
    frequency = np.fft.rfftfreq(512, 1 / RATE)
    late = np.fft.irfft(np.exp(-2j * np.pi * frequency * 30.37 / RATE), 512)
    early = np.zeros(512)
    early[0] = 1
    got = lag(late[None], early[None], RATE, (100, 1500))
    np.testing.assert_allclose(got * RATE, 30.37, atol=0.02)


def test_triangle_areas_cover_the_sphere():
    octahedron = np.concatenate([np.eye(3), -np.eye(3)])
    np.testing.assert_allclose(triangle_areas(octahedron), 1 / 6, atol=1e-12)


def test_interpolation_gives_the_grid_back_and_the_direction_in_between(kemar):
    head = kemar.head
    index, weight = head.weights(head.directions)
    main = np.take_along_axis(index, weight.argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(main, np.arange(len(head.directions)))
    np.testing.assert_allclose(weight.max(axis=1), 1.0, atol=1e-6)
    wanted = np.random.default_rng(0).normal(size=(3000, 3))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    index, weight = head.weights(wanted)
    mixed = np.einsum("nk,nkc->nc", weight, head.directions[index])
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    np.testing.assert_allclose(mixed, wanted, atol=1e-6)
    assert weight.min() >= 0
    np.testing.assert_allclose(weight.sum(axis=1), 1)


def test_nearest_is_nearest(kemar):
    head = kemar.head
    wanted = np.random.default_rng(1).normal(size=(50, 3))
    index, weight = head.weights(wanted, "nearest")
    for i, w in enumerate(wanted):
        angles = head.directions @ w
        assert angles[index[i, 0]] == angles.max()
    np.testing.assert_array_equal(weight[:, 0], 1)


def woodworth_itd(directions):
    lateral = np.arcsin(directions[:, 1])
    return 0.0875 / 343 * (lateral + np.sin(lateral))


def test_sphere_delays_come_back_from_its_responses(sphere_responses):
    head = prepare_head(sphere_responses, rate=RATE, equalisation="none")
    frontal = np.abs(head.directions[:, 2]) < 0.5
    got = np.diff(head.delays, axis=1)[frontal, 0]
    want = woodworth_itd(head.directions)[frontal]
    assert np.abs(got - want).max() < 10e-6


def test_diffuse_equalisation_is_flat_and_common(kemar):
    head = kemar.head
    frequency = np.linspace(0, RATE / 2, len(head.diffuse))
    band = (frequency > 300) & (frequency < 12_000)
    assert np.abs(20 * np.log10(head.diffuse[band])).max() < 2.5
    raw = load_head("kemar", equalisation="none")
    # One magnitude for all: level differences between the ears do not change.
    for azimuth in (30, 90):
        ild = []
        for h in (head, raw):
            spectrum = np.abs(np.fft.rfft(h.filters_at(at_azimuth(azimuth))[0], 1024))
            inside = (np.fft.rfftfreq(1024, 1 / RATE) > 500) & (
                np.fft.rfftfreq(1024, 1 / RATE) < 8000
            )
            ild.append(20 * np.log10(spectrum[0, inside] / spectrum[1, inside]))
        assert np.abs(ild[0] - ild[1]).mean() < 0.5


def test_the_missing_cap_below_is_closed(kemar):
    head = kemar.head
    assert head.directions[:, 2].min() == -1
    left, right = head.delays_at([[0.2, 0.3, -0.9]])[0]
    assert left < right  # below and to the left: the left ear leads
    left, right = head.delays_at([[0.2, -0.3, -0.9]])[0]
    assert left > right


def test_other_rate_is_resampled(sphere_responses, sphere_responses_44k1):
    slow = prepare_head(sphere_responses_44k1, rate=RATE, equalisation="none")
    same = prepare_head(sphere_responses, rate=RATE, equalisation="none")
    wanted = at_azimuth([0, 40, 90, 200])
    np.testing.assert_allclose(slow.delays_at(wanted), same.delays_at(wanted), atol=3e-6)
    frequency = np.fft.rfftfreq(1024, 1 / RATE)
    band = (frequency > 200) & (frequency < 15_000)
    a, b = (
        20 * np.log10(np.abs(np.fft.rfft(h.filters_at(wanted), 1024))[..., band])
        for h in (slow, same)
    )
    assert np.abs(a - b).max() < 0.5


def test_a_half_ring_needs_nearest(sphere_responses):
    front = sphere_responses.isel(
        measurement=np.flatnonzero(sphere_responses.position.values[:, 0] > 0.5)
    )
    head = load_head(front, equalisation="none")
    with pytest.raises(ValidationError, match="interpolation='nearest'"):
        head.weights([[1, 0, 0]])
    index, _ = head.weights([[1, 0, 0]], "nearest")
    np.testing.assert_allclose(head.directions[index[0, 0]], [1, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_head("no-such-head"), "neither a head"),
        (lambda: load_head("kemar", equalisation="loud"), "equalisation must be one of"),
        (lambda: load_head("kemar", itd="guess"), "itd must be one of"),
        (lambda: load_head("kemar", phase="linear"), "phase must be one of"),
        (lambda: load_head("kemar", taps=4), "taps must be a whole number"),
    ],
)
def test_wrong_options(call, message):
    with pytest.raises(ValidationError, match=message):
        call()


def test_other_pickles_are_refused(tmp_path):
    import pickle

    path = tmp_path / "evil.slab"
    path.write_bytes(pickle.dumps({"a": print}))
    with pytest.raises(ValidationError, match="not the known KEMAR archive"):
        load_head(path)
    from spatialdrama_render.slab_archive import read_slab_archive

    with pytest.raises(ValidationError, match=r"names builtins\.print"):
        read_slab_archive(path)


def test_a_head_stored_as_spectra_is_the_same_head(tmp_path, sphere_responses):
    """1 / 24 octave apart, as simulations are stored: the same delays and levels."""
    sofar = pytest.importorskip("sofar")
    n = sphere_responses.sizes["tap"]
    frequency = np.geomspace(60, 22_000, 205)
    turn = np.exp(-2j * np.pi * np.arange(n)[:, None] * frequency / RATE)
    spectra = sphere_responses.impulse_response.values @ turn
    sofa = sofar.Sofa("SimpleFreeFieldHRTF")
    sofa.N, sofa.Data_Real, sofa.Data_Imag = frequency, spectra.real, spectra.imag
    sofa.SourcePosition = sphere_responses.position.values
    sofa.SourcePosition_Type, sofa.SourcePosition_Units = "cartesian", "metre"
    sofar.write_sofa(str(tmp_path / "spectra.sofa"), sofa)
    stored = load_head(tmp_path / "spectra.sofa", equalisation="none", near="none")
    straight = load_head(sphere_responses, equalisation="none", near="none")
    wanted = at_azimuth([0, 30, 75, 110, 200, 300])
    np.testing.assert_allclose(
        np.diff(stored.delays_at(wanted)), np.diff(straight.delays_at(wanted)), atol=5e-6
    )
    grid = np.fft.rfftfreq(1024, 1 / RATE)
    band = (grid > 200) & (grid < 15_000)
    a, b = (
        20 * np.log10(np.abs(np.fft.rfft(h.filters_at(wanted), 1024))[..., band])
        for h in (stored, straight)
    )
    assert np.abs(a - b).max() < 0.5


def test_closed_forms_are_heads_by_name(monkeypatch, sphere_responses):
    import types

    from spatialdrama_render import heads

    models = types.ModuleType("spatialdrama_render.ear_models")
    models.sphere = models.spaced_pinnae = lambda: sphere_responses
    monkeypatch.setitem(__import__("sys").modules, models.__name__, models)
    monkeypatch.setattr("spatialdrama_render.ear_models", models, raising=False)
    monkeypatch.setattr(heads, "_KEPT", {})
    head = load_head("sphere")
    assert load_head("sphere") is head
    # Ears without a head between them hear a near source as points do: no shadow, only paths.
    bare = load_head("spaced-pinnae")
    assert head.near is not None
    left = int(np.argmax(bare.directions[:, 1]))
    level = (bare.near.filters[0, left] ** 2).sum(axis=1) / (bare.filters[left] ** 2).sum(axis=1)
    path = np.array([0.12 - 0.0875, 0.12 + 0.0875]) / 0.12
    far = np.array([1.4 - 0.0875, 1.4 + 0.0875]) / 1.4
    np.testing.assert_allclose(10 * np.log10(level), 20 * np.log10(far / path), atol=0.2)
