"""Mono that is the mean of two ears of a recording: the side that is put back."""

import numpy as np
import pytest
from spatialdrama_render import recorded
from spatialdrama_render.cuda.pack import cut
from spatialdrama_render.physical import PhysicalRenderer
from spatialdrama_render.recorded import (
    analysed,
    beside,
    expected,
    frames_of,
    levelled,
    synthesised,
)  # fmt: skip

from spatialdrama.dsp.interaural import itd_track
from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Room, Scene

RATE, C = 48_000, 343.0


@pytest.fixture(scope="module")
def renderer():
    return PhysicalRenderer("spaced-pinnae", mono="recorded")


def noise(n=3 * RATE, seed=0):
    return np.random.default_rng(seed).standard_normal(n) / 10


def test_analysis_is_undone():
    samples = noise(50_001).reshape(1, -1).repeat(2, axis=0)
    np.testing.assert_allclose(synthesised(analysed(samples), 50_001), samples, atol=1e-12)


@pytest.mark.parametrize("turn", [0.0, 0.7, -1.9, 2.9])
def test_expectations_are_those_of_many_draws(turn):
    """Direct and diffuse waves drawn at random: cross-spectrum, side and level of the ears."""
    rng, n, q, g = np.random.default_rng(1), 400_000, 3.0, 0.4

    def draw():
        return (rng.standard_normal(n) + 1j * rng.standard_normal(n)) / np.sqrt(2)

    common, a, b = draw(), draw(), draw()
    left = np.sqrt(q) * common * np.exp(0.5j * turn) + a
    right = np.sqrt(q) * common * np.exp(-0.5j * turn) + g * a + np.sqrt(1 - g * g) * b
    mean, side = (left + right) / 2, (left - right) / 2
    share = (side * mean.conj()).mean() / (np.abs(mean) ** 2).mean()
    rest = np.sqrt((np.abs(side - share * mean) ** 2).mean() / (np.abs(mean) ** 2).mean())
    level = np.sqrt((np.abs(left) ** 2).mean() / (np.abs(mean) ** 2).mean())
    phase, beyond, gain = expected(np.array([q]), np.array([turn]), np.array([g]))
    assert phase[0] == pytest.approx(np.angle((left * right.conj()).mean()), abs=0.02)
    assert beyond[0] == pytest.approx(rest, rel=0.02)
    assert gain[0] == pytest.approx(level, rel=0.02)


def test_the_rest_of_the_side_keeps_levels_and_delays():
    mean, other = analysed(np.stack([noise(seed=1), noise(seed=2)]))
    rest = beside(mean, other)
    # At a right angle in each bin: both ears are equally loud there.
    np.testing.assert_allclose(np.abs(mean + rest), np.abs(mean - rest), rtol=1e-9)
    correlation = np.abs((rest * mean.conj()).sum()) / (np.abs(mean) ** 2).sum()
    assert correlation < 0.01
    assert (np.abs(rest) ** 2).sum() > 0.2 * (np.abs(mean) ** 2).sum()


def test_levels_become_those_wanted():
    ears = np.stack([noise(seed=3), 0.3 * noise(seed=3)])
    wanted = np.full((frames_of(ears.shape[1]), recorded.FRAME // 2 + 1), 1.5)
    left, right = levelled(ears, wanted)[:, 5000:-5000]
    assert left.std() / right.std() == pytest.approx(1.5**2, rel=0.02)


@pytest.mark.parametrize("azimuth", [60, -60, 90])
def test_delay_has_the_side_and_about_the_size_of_two_points(renderer, azimuth):
    samples = renderer.render(noise(), Pose.fixed(azimuth_deg=azimuth, distance=2.0)).samples
    track = itd_track(samples, rate=RATE)
    straight = 2e6 * 0.11 * np.sin(np.deg2rad(azimuth)) / C
    # Part of the sound is diffuse, which draws delays towards the middle.
    assert 0.6 < np.median(track.itd_us) / straight < 1.1


def test_the_distance_and_the_room_are_not_added_again(renderer):
    mono = noise()
    near, far = (renderer.render(mono, Pose.fixed((d, 0, 0))).samples for d in (1.0, 6.0))
    np.testing.assert_array_equal(near, far)
    assert near.shape[1] == len(mono)
    level = 10 * np.log10(np.mean(near**2) / np.mean(mono**2))
    assert abs(level) < 1.5
    with pytest.raises(ValidationError, match="second one"):
        renderer.render(mono, Pose.fixed((1, 0, 0)), room=Room((6, 5, 3), rt60=0.3))


def test_ears_are_less_coherent_than_a_dry_rendering(renderer):
    pose = Pose.fixed(azimuth_deg=30, distance=2.0)
    dry = PhysicalRenderer("spaced-pinnae", air="none").render(noise(), pose, directivity="omni")
    wet = renderer.render(noise(), pose)
    a, b = (np.median(itd_track(x.samples, rate=RATE).coherence) for x in (dry, wet))
    assert a > 0.97
    assert b < a - 0.05


def test_stretches_do_not_show(renderer, monkeypatch):
    from spatialdrama_render import recorded_plan

    mono, pose = noise(6 * RATE), Pose.line((1, 2, 0), (1, -2, 0), duration=6.0)
    whole = renderer.render(mono, pose).samples
    monkeypatch.setattr(recorded_plan, "STRETCH", 200)
    cut_up = renderer.render(mono, pose).samples
    error = np.sqrt(np.mean((whole - cut_up) ** 2) / np.mean(whole**2))
    assert 20 * np.log10(error) < -60


def test_silence_and_ends_are_finite(renderer):
    mono = np.concatenate([noise(RATE), np.zeros(3 * RATE), noise(100)])
    samples = renderer.render(mono, Pose.fixed((1, 1, 0))).samples
    assert np.isfinite(samples).all()
    assert not renderer.render(np.zeros(5000), Pose.fixed((1, 1, 0))).samples.any()


def test_what_it_cannot_do_is_refused(renderer):
    scene = Scene(None, {"A": Pose.fixed((1, 1, 0))})
    with pytest.raises(ValidationError, match="streamed"):
        renderer.stream(scene, seconds=1)
    with pytest.raises(ValidationError, match="binaural sound alone"):
        renderer.render_layout([("A", 0.0, noise(500))], scene, layout="foa")
    with pytest.raises(ValidationError, match="CPU only"):
        cut(renderer.plan([], None, None))
    with pytest.raises(ValidationError, match="mono must be one of dry, recorded"):
        PhysicalRenderer("spaced-pinnae", mono="wet")
