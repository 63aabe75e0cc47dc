"""Ambisonics and 5.1: closed forms of encoding and panning, diffuse power, turned listeners."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.special import lpmv
from spatialdrama_render.layouts import load_layout, panning_gains
from spatialdrama_render.sphere_grid import grid_directions, grid_mesh

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Pose, Room, Scene, Source

RATE = 48_000
ROOM = Room((6, 5, 3), rt60=0.35)
angles = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def unit(azimuth_deg, elevation_deg=0.0):
    a, e = np.broadcast_arrays(np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1)


def heard(renderer, pose, mono, layout, *, room=None, listener=None, directivity="omni"):
    scene = Scene(room, {"A": Source(pose, directivity=directivity)}, listener=listener)
    return renderer.render_layout([("A", 0.0, mono)], scene, layout=layout)


def ratios(audio, mono, distance):
    """Least-squares gain of each channel, re the delayed signal at 1 / distance."""
    late = distance / 343.0 * RATE
    spectrum = np.fft.rfft(mono, 2 * len(mono))
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * len(mono)) * late)
    wanted = np.fft.irfft(spectrum * turn)[: audio.samples.shape[1]] / distance
    return audio.samples[:, : len(wanted)].astype(float) @ wanted / (wanted @ wanted)


class TestGrid:
    def test_every_direction_lies_in_a_triangle_with_its_weights(self):
        directions = np.random.default_rng(5).standard_normal((20_000, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        index, weight = grid_mesh().weights(directions)
        back = np.einsum("nk,nkc->nc", weight, grid_directions()[index])
        back /= np.linalg.norm(back, axis=1, keepdims=True)
        np.testing.assert_allclose(back, directions, atol=1e-9)

    @pytest.mark.parametrize("name", ["foa", "5.1"])
    def test_interpolation_is_within_a_thousandth(self, name):
        layout = load_layout(name)
        random = np.random.default_rng(6).standard_normal((40_000, 3))
        near_plane = random * [1, 1, 0.03]
        near_pole = random * [0.03, 0.03, 1]
        near_speakers = unit(
            np.repeat([0, 30, -30, 110, -110, 180], 500)
            + np.random.default_rng(7).uniform(-2, 2, 3000)
        )
        for some in (random, near_plane, near_pole, near_speakers):
            some = some / np.linalg.norm(some, axis=1, keepdims=True)
            index, weight = layout.mesh.weights(some)
            got = np.einsum("nk,nkc->nc", weight, layout.filters[index, :, 0])
            assert np.abs(got - layout.gains(some)).max() < 1e-3


class TestAmbisonics:
    @settings(max_examples=25, deadline=None)
    @given(angles, st.floats(0.5, 6.0))
    def test_a_source_at_rest_is_encoded_as_its_spherical_harmonics(self, sphere, at, distance):
        mono = np.random.default_rng(1).standard_normal(4096) * np.hanning(4096)
        mono = np.convolve(mono, np.hanning(9), "same")  # well below 18 kHz
        direction = unit(*at)
        got = ratios(heard(sphere, Pose.fixed(direction * distance), mono, "foa"), mono, distance)
        # Nachbar et al. (2011), equations 1 to 3, with m = -1, 0, 1 and no Condon-Shortley phase:
        # sqrt((2 - [m = 0]) (n - |m|)! / (n + |m|)!) = 1 for all of degree 1.
        azimuth, height = np.deg2rad(at[0]), np.sin(np.deg2rad(at[1]))
        flat, high = -lpmv(1, 1, height), lpmv(0, 1, height)
        want = [1.0, flat * np.sin(azimuth), high, flat * np.cos(azimuth)]
        np.testing.assert_allclose(got, want, atol=2e-3)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_a_turned_listener_turns_xyz_by_the_inverse_rotation(self, sphere_with, seed):
        dry = sphere_with(tail=False)  # a tail comes from everywhere, however one is turned
        turn = Rotation.random(random_state=np.random.RandomState(seed))
        mono = np.random.default_rng(seed).standard_normal(3000) * np.hanning(3000)
        pose = Pose.walk([(2, 1, 0), (1, -1, 0.5)], speed=1.5)
        turned = Pose.from_samples([0.0], [(0, 0, 0)], turn.as_quat()[None])
        placed = {"room": ROOM, "directivity": "speech"}
        still = heard(dry, pose, mono, "foa", **placed).samples
        other = heard(dry, pose, mono, "foa", listener=turned, **placed).samples[
            :, : still.shape[1]
        ]
        close = 1e-3 * np.abs(still[0]).max()
        np.testing.assert_allclose(other[0], still[0], atol=0.01 * close)
        want = turn.inv().as_matrix() @ still[[3, 1, 2]]
        np.testing.assert_allclose(other[[3, 1, 2]], want, atol=close)

    def test_the_tail_has_a_diffuse_fields_power_and_no_correlation(self):
        tail = load_layout("foa").tail(ROOM, _acoustics())
        power = (tail.astype(float) ** 2).sum(axis=1)
        np.testing.assert_allclose(power / power[0], [1, 1 / 3, 1 / 3, 1 / 3], rtol=0.08)
        alike = np.corrcoef(tail.astype(float)) - np.eye(4)
        assert np.abs(alike).max() < 0.05

    def test_directions_of_the_tail_are_equally_likely(self):
        # A microphone of any direction, (W + X') / 2, has a third of W's power in a diffuse field.
        w, y, z, x = load_layout("foa").tail(ROOM, _acoustics()).astype(float)
        for direction in unit(np.arange(0, 360, 45), 20.0):
            cardioid = (w + direction @ [x, y, z]) / 2
            assert (cardioid**2).sum() / (w**2).sum() == pytest.approx(1 / 3, rel=0.08)


class TestFiveLoudspeakers:
    @pytest.mark.parametrize(
        ("channel", "azimuth"), [("L", 30), ("R", -30), ("C", 0), ("Ls", 110), ("Rs", -110)]
    )
    def test_a_source_at_a_loudspeaker_is_in_it_alone(self, sphere, noise, channel, azimuth):
        audio = heard(sphere, Pose.fixed(unit(azimuth) * 2), noise(2000), "5.1")
        rest = np.array([audio[name] for name in audio.channels if name != channel])
        assert np.abs(audio[channel]).max() > 0.05
        assert np.abs(rest).max() < 1e-6

    @settings(max_examples=60, deadline=None)
    @given(angles)
    def test_power_is_constant_and_sides_mirror(self, at):
        gains = panning_gains(unit(*at))[0]
        assert (gains**2).sum() == pytest.approx(1.0, abs=1e-12)
        assert gains.min() >= 0
        mirrored = panning_gains(unit(-at[0], at[1]))[0]
        np.testing.assert_allclose(mirrored, gains[[1, 0, 2, 4, 3]], atol=1e-9)

    @pytest.mark.parametrize("azimuth", [10, 22, 60, 85, 130, 170])
    def test_pairs_follow_the_tangent_law(self, azimuth):
        layout = {0: "C", 30: "L", 110: "Ls", 250: "Rs"}
        low = max(a for a in layout if a <= azimuth)
        high = min(a for a in layout if a > azimuth)
        gains = dict(zip(("L", "R", "C", "Ls", "Rs"), panning_gains(unit(azimuth))[0], strict=True))
        one, two = gains[layout[low]], gains[layout[high]]
        half, off = np.deg2rad((high - low) / 2), np.deg2rad(azimuth - (high + low) / 2)
        assert (two - one) / (two + one) == pytest.approx(np.tan(off) / np.tan(half), abs=1e-9)
        assert one**2 + two**2 == pytest.approx(1.0, abs=1e-12)

    def test_a_walk_is_mirrored_to_the_other_side(self, sphere, noise):
        places = np.array([(2, 0.2, 0), (-1, 2, 0.6), (-2, 0.1, -0.3)])
        mono = noise(40_000)
        left = heard(sphere, Pose.walk(places, speed=6), mono, "5.1", directivity="speech")
        right = heard(
            sphere, Pose.walk(places * [1, -1, 1], speed=6), mono, "5.1", directivity="speech"
        )
        swapped = right.samples[[1, 0, 2, 3, 5, 4]]
        np.testing.assert_allclose(left.samples, swapped, atol=1e-5)

    def test_nothing_is_in_lfe_and_the_room_is_everywhere_else(self, sphere, noise):
        pose = Pose.fixed(unit(30) * 1.5)
        audio = heard(sphere, pose, noise(4000), "5.1", room=ROOM)
        levels = audio.levels_db
        assert levels.pop("LFE") == -np.inf
        assert min(levels.values()) > -70

    def test_straight_above_is_everywhere_and_on_the_way_nothing_jumps(self):
        np.testing.assert_allclose(panning_gains([0, 0, 1.0])[0], 5**-0.5)
        over = panning_gains(unit(np.where(np.arange(181) <= 90, 40.0, -140.0),
                                  90 - np.abs(90 - np.arange(181))))  # fmt: skip
        assert np.abs(np.diff(over, axis=0)).max() < 0.03

    def test_power_of_the_tail_is_that_of_panned_directions(self):
        layout = load_layout("5.1")
        random = np.random.default_rng(8).standard_normal((200_000, 3))
        random /= np.linalg.norm(random, axis=1, keepdims=True)
        share = (panning_gains(random) ** 2).mean(axis=0)
        np.testing.assert_allclose(layout.diffuse**2, share, atol=3e-3)
        tail = layout.tail(ROOM, _acoustics()).astype(float)
        power = (tail**2).sum(axis=1)
        np.testing.assert_allclose(power / power.sum(), share, rtol=0.1)


def _acoustics():
    from spatialdrama_render.plan import Acoustics

    return Acoustics(2, "eyring", None, 0.25, True, 3)


def test_levels_and_delays_are_the_engines(sphere):
    click = np.zeros(256)
    click[0] = 1.0
    audio = heard(sphere, Pose.fixed((4, 0, 0)), click, "foa")
    late = 4 / 343 * RATE
    assert np.argmax(np.abs(audio["W"])) == round(late)
    assert audio["W"].sum() == pytest.approx(1 / 4, rel=1e-3)
    assert audio["X"].sum() == pytest.approx(1 / 4, rel=1e-3)


def test_a_source_that_passes_by_has_a_doppler_shift(sphere):
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 1000 * time) * np.hanning(RATE)
    away = Pose.from_samples([0.0, 1.0], [(3, 0, 0), (13, 0, 0)])
    w = heard(sphere, away, tone, "foa")["W"].astype(float)
    phase = np.unwrap(np.angle(np.fft.ifft(np.fft.fft(w) * (np.fft.fftfreq(len(w)) > 0) * 2)))
    middle = slice(len(w) // 3, 2 * len(w) // 3)
    frequency = np.polyfit(np.arange(len(w))[middle] / RATE, phase[middle], 1)[0] / (2 * np.pi)
    assert frequency == pytest.approx(1000 / (1 + 10 / 343), abs=0.05)


def test_refusals(sphere, noise, tmp_path):
    with pytest.raises(UnknownNameError, match=r"no layout named 'fao'.*foa"):
        heard(sphere, Pose.fixed((1, 1, 0)), noise(500), "fao")
    room = Room.measured(tmp_path / "hall.wav")
    with pytest.raises(ValidationError, match="measured at two ears and gives no foa"):
        heard(sphere, Pose.fixed((1, 1, 0)), noise(500), "foa", room=room)
