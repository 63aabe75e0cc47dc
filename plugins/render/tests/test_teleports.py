"""Poses that jump: cut, faded, said; never a whistle, a click or a refusal."""

import warnings

import numpy as np
import pytest
from spatialdrama_render.geometric import GeometricRenderer
from spatialdrama_render.propagation import Track
from spatialdrama_render.teleports import FADE, jumps, pieces

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Pose, Room, Scene

RATE = 48_000


def path(places, rate=120.0):
    return Pose.from_samples(np.arange(len(places)) / rate, places)


def jumping(rate=120.0, to=(-1.0, 1.5, 0.0)):
    here = [(1.0 + 0.005 * k, 1.0, 0.0) for k in range(60)]
    there = [(to[0], to[1] + 0.005 * k, to[2]) for k in range(60)]
    return path(here + there, rate)


def test_walks_and_fast_cars_do_not_jump():
    walk = path([(1 + 0.01 * k, 1, 0) for k in range(50)])
    car = path([(-20 + 0.5 * k, 3, 0) for k in range(80)])  # 60 m/s all along
    for pose in (walk, car, Pose.line((40, 1, 0), (-40, 1, 0), duration=1.0)):
        assert not len(jumps(Track(pose)))


@pytest.mark.parametrize("rate", [120.0, 187.5])
@pytest.mark.parametrize("to", [(-1.0, 1.5, 0.0), (1.6, 1.4, 0.0)])
def test_a_jump_is_found_and_cut(rate, to):
    track = Track(jumping(rate, to))
    assert jumps(track).tolist() == [59]
    with pytest.warns(SpatialDramaWarning, match=r"jumps .* m at t = "):
        a, b = pieces(track)
    assert a.track.place[:, -1] == pytest.approx([1.295, 1.0, 0.0])
    assert b.track.place[:, 0] == pytest.approx(to)
    times = np.linspace(0, 1.5, 4001)
    np.testing.assert_allclose(a.gain(times) + b.gain(times), 1.0, atol=1e-12)
    fading = (a.gain(times) > 1e-9) & (b.gain(times) > 1e-9)
    assert np.ptp(times[fading]) == pytest.approx(FADE, abs=2e-3)


def splatter(samples, hertz):
    """Energy more than 150 Hz off a tone, worst 43 ms frame, dB of the loudest frame."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2048, axis=-1)[..., ::256, :]
    power = np.abs(np.fft.rfft(frames * np.blackman(2048))) ** 2
    outside = np.abs(np.fft.rfftfreq(2048, 1 / RATE) - hertz) > 150
    return 10 * np.log10(power[..., outside].sum(axis=-1).max() / power.sum(axis=-1).max())


def test_it_is_faded_not_heard_as_motion(sphere):
    mono = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / RATE)).astype(np.float32)
    pose = jumping()
    with pytest.warns(SpatialDramaWarning, match="faded over 10 ms"):
        got = sphere.render(mono, pose, directivity="omni").samples
    # A 10 ms fade of a tone keeps 150 Hz away from it below -35 dB; motion at 240 m/s does not.
    assert splatter(got[:, 3000:45_000], 1000) < -35
    # Away from the jump it is what either half alone gives.
    first = path([(1.0 + 0.005 * k, 1.0, 0.0) for k in range(60)])
    alone = sphere.render(mono, first, directivity="omni").samples
    n = int(0.48 * RATE)
    np.testing.assert_allclose(got[:, :n], alone[:, :n], atol=1e-6)


def test_a_jump_beyond_the_speed_of_sound_is_a_jump(sphere, noise):
    with pytest.warns(SpatialDramaWarning, match=r"jumps 4\.\d+ m"):
        audio = sphere.render(noise(48_000), jumping(to=(-2.0, -1.5, 0.0)))
    assert np.isfinite(audio.samples).all()


def test_lasting_motion_beyond_the_speed_of_sound_is_refused(sphere, noise):
    with pytest.raises(ValidationError, match="as fast as sound"):
        sphere.render(noise(4800), path([(-100 + 3.5 * k, 2, 0) for k in range(60)]))


def test_several_jumps_are_one_warning(sphere, noise):
    places = [(1.0 + 0.001 * k, 1.0 if (k // 30) % 2 else -1.0, 0.0) for k in range(120)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sphere.render(noise(48_000), path(places))
    said = [str(w.message) for w in caught if issubclass(w.category, SpatialDramaWarning)]
    assert len(said) == 1
    assert "2 more times" in said[0]


def listener_jumping():
    """Walks at 0.6 m/s and is 2 m further back from 0.5 s on."""
    return [(0.005 * k - (2.0 if k >= 60 else 0.0), 0.0, 0.0) for k in range(120)]


@pytest.mark.parametrize("room", [None, Room((12, 8, 4), rt60=0.4)], ids=["free", "room"])
@pytest.mark.parametrize("make", ["physical", "geometric"])
def test_a_listener_who_jumps_is_faded(sphere, make, room):
    if make == "geometric":
        if room is not None:
            pytest.skip("the geometric renderer has no rooms")
        renderer = GeometricRenderer()
    else:
        renderer = sphere
    mono = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / RATE)).astype(np.float32)
    here, places = Pose.fixed((3, 1, 0)), listener_jumping()
    with pytest.warns(
        SpatialDramaWarning, match=r"the listener jumps 1\.99 m at t = 0\.49 s; each"
    ):
        got = renderer.render(mono, here, listener=path(places), room=room).samples
    # A 10 ms fade of a tone keeps 150 Hz away from it below -35 dB; motion at 240 m/s does not.
    # By then the room has forgotten the tone's abrupt beginning.
    assert splatter(got[:, 16_000:45_000], 1000) < -35
    # Away from the jump it is what either half alone gives.
    times = np.arange(120) / 120
    halves = [
        Pose.from_samples(times[:60], places[:60]),
        Pose.from_samples(times[60:], places[60:]),
    ]
    first, second = (
        renderer.render(mono, here, listener=half, room=room).samples for half in halves
    )
    low, high = int(0.485 * RATE), int(0.51 * RATE)
    np.testing.assert_allclose(got[:, :low], first[:, :low], atol=2e-6)
    np.testing.assert_allclose(got[:, high:48_000], second[:, high:48_000], atol=2e-6)


def test_fades_of_the_listener_do_not_depend_on_blocks(sphere, noise, monkeypatch):
    """One fade inside a block and one across its edge are alike."""
    from spatialdrama_render import engine

    mono, here, listener = noise(48_000), Pose.fixed((3, 1, 0)), path(listener_jumping())
    heard = []
    for block in (7680, 11_904, 3968):  # 23,808 = 6 x 3968 = 2 x 11,904 is in the middle of it
        monkeypatch.setattr(engine, "BLOCK", block)
        with pytest.warns(SpatialDramaWarning, match="the listener jumps"):
            heard.append(sphere.render(mono, here, listener=listener,
                                       room=Room((12, 8, 4), rt60=0.4)).samples)  # fmt: skip
    for other in heard[1:]:
        # A place that is new in a block has filters that hold nothing of it yet, under no gain.
        np.testing.assert_allclose(other, heard[0], atol=1e-3 * np.abs(heard[0]).max())


def test_a_jumping_source_is_heard_from_both_places_by_the_geometric_renderer(noise):
    mono, pose = noise(48_000), jumping(to=(3.0, -1.5, 0.0))
    with pytest.warns(SpatialDramaWarning, match="the source jumps"):
        got = GeometricRenderer().render(mono, pose).samples
    there = path([(3.0, -1.5 + 0.005 * k, 0.0) for k in range(-60, 60)])
    alone = GeometricRenderer().render(mono, there).samples
    late = slice(int(0.55 * RATE), 47_000)
    np.testing.assert_allclose(got[:, late], alone[:, late], atol=1e-6)


def test_a_listener_who_jumps_is_told_of_once(sphere, noise):
    listener = path(listener_jumping())
    speakers = {"A": Pose.fixed((3, 1, 0)), "B": Pose.fixed((3, 2, 0))}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scene = Scene(None, speakers, listener=listener)
        sphere.render_scene([("A", 0.0, noise(4800)), ("B", 0.0, noise(4800))], scene)
    assert len([w for w in caught if "the listener jumps" in str(w.message)]) == 1
    # One who walks is not.
    sphere.render(noise(480), speakers["A"], listener=path([(0.01 * k, 0, 0) for k in range(50)]))


def test_a_listener_as_fast_as_sound_is_refused(sphere, noise):
    listener = path([(-3.5 * k, 0, 0) for k in range(60)])  # 420 m/s
    for renderer in (sphere, GeometricRenderer()):
        with pytest.raises(ValidationError, match="the listener moves at 420 m/s at t = "):
            renderer.render(noise(480), Pose.fixed((3, 1, 0)), listener=listener)
