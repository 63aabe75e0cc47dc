"""Errors of azimuth, elevation and distance: closed forms on tracks that are given."""

import numpy as np
import pytest
from spatialdrama_metrics import places
from spatialdrama_metrics.localise.localiser import Track
from spatialdrama_metrics.places import AzimuthMae, DistanceMae, ElevationMae

import spatialdrama as sd
from spatialdrama.errors import ValidationError

AUDIO = sd.BinauralAudio(np.ones((2, 4800)), 48_000)
FRAMES = 10


class Given:
    """A localiser that hears what it was told."""

    def __init__(self, azimuth=0.0, elevation=0.0, distance=1.0, active=True):
        full = lambda value: np.broadcast_to(np.asarray(value, float), FRAMES)  # noqa: E731
        self.heard = Track(
            np.arange(FRAMES) * 0.04, full(azimuth), full(elevation), full(distance),
            np.zeros(FRAMES), np.broadcast_to(np.asarray(active), FRAMES).astype(bool),
            np.ones(FRAMES),
        )  # fmt: skip

    def track(self, audio):
        return self.heard


def hear(monkeypatch, **what):
    monkeypatch.setattr(places, "_localiser", lambda weights: Given(**what))


@pytest.mark.parametrize(
    ("heard", "true", "error"), [(10, 30, 20), (-170, 170, 20), (90, -90, 180), (45, 45, 0)]
)
def test_azimuth_errors_wrap(monkeypatch, heard, true, error):
    hear(monkeypatch, azimuth=heard)
    score = AzimuthMae().score(AUDIO, pose=sd.Pose.fixed(azimuth_deg=true, distance=2))
    assert score.value == pytest.approx(error)
    assert score.weight == pytest.approx(0.04 * FRAMES)


def test_front_and_back_are_told_apart(monkeypatch):
    hear(monkeypatch, azimuth=[30] * 3 + [150] * 7)
    score = AzimuthMae().score(AUDIO, pose=sd.Pose.fixed(azimuth_deg=30, distance=2))
    assert score.details["front_back"] == pytest.approx(0.7)
    assert score.details["folded"] == pytest.approx(0)
    assert score.value == pytest.approx(0.7 * 120)


def test_beside_the_ear_nothing_is_confused(monkeypatch):
    hear(monkeypatch, azimuth=95)
    score = AzimuthMae().score(AUDIO, pose=sd.Pose.fixed(azimuth_deg=85, distance=2))
    assert score.details["front_back"] == 0
    assert score.details["bias"] == pytest.approx(10)


def test_elevation_and_distance(monkeypatch):
    hear(monkeypatch, elevation=[-10, 30] * 5, distance=[1.0, 4.0] * 5)
    pose = sd.Pose.fixed(azimuth_deg=20, elevation_deg=10, distance=2)
    up, far = ElevationMae().score(AUDIO, pose=pose), DistanceMae().score(AUDIO, pose=pose)
    assert up.value == pytest.approx(20)
    assert up.details["bias"] == pytest.approx(0)
    assert far.value == pytest.approx(1.5)
    assert far.details["bias"] == pytest.approx(0.5)


@pytest.mark.parametrize("metric", [AzimuthMae, ElevationMae, DistanceMae])
def test_further_off_is_worse(monkeypatch, metric):
    values = []
    for off in (0, 5, 20, 60):
        hear(monkeypatch, azimuth=off, elevation=off, distance=2 * (1 + off / 60))
        score = metric().score(AUDIO, pose=sd.Pose.fixed(azimuth_deg=0, distance=2))
        values.append(score.value)
    assert values[0] == pytest.approx(0, abs=1e-9)
    assert np.all(np.diff(values) > 0)
    assert values[-1] == pytest.approx(2 if metric is DistanceMae else 60)


def test_a_moving_mouth_is_followed(monkeypatch):
    hear(monkeypatch, distance=1.0)
    pose = sd.Pose.line((1, 0, 0), (1.36, 0, 0), duration=0.36)
    score = DistanceMae().score(AUDIO, pose=pose)
    assert score.value == pytest.approx(0.18)


def test_only_what_is_active_counts(monkeypatch):
    hear(monkeypatch, azimuth=[0] * 5 + [90] * 5, active=[True] * 5 + [False] * 5)
    score = AzimuthMae().score(AUDIO, pose=sd.Pose.fixed(azimuth_deg=0, distance=1))
    assert score.value == pytest.approx(0)
    assert score.weight == pytest.approx(0.2)


def test_silence_and_overhead_have_no_value(monkeypatch):
    hear(monkeypatch, active=False)
    score = AzimuthMae().score(AUDIO, pose=sd.Pose.fixed(azimuth_deg=0, distance=1))
    assert np.isnan(score.value)
    assert score.weight == 0
    hear(monkeypatch)
    pose = sd.Pose.fixed(azimuth_deg=0, elevation_deg=89, distance=1)
    score = AzimuthMae().score(AUDIO, pose=pose)
    assert np.isnan(score.value)
    assert "overhead" in score.details["note"]
    assert ElevationMae().score(AUDIO, pose=pose).value == pytest.approx(89)


def test_a_tuple_is_no_pose():
    with pytest.raises(ValidationError, match="Pose"):
        AzimuthMae().score(AUDIO, pose=(1, 0, 0))


def test_weights_that_were_written_anew_are_read_anew(tmp_path):
    from safetensors.numpy import save_file
    from spatialdrama_metrics.localise.network import shapes

    noise = np.random.default_rng(1).standard_normal((2, 24_000)) / 10
    pose, values = sd.Pose.fixed(azimuth_deg=20, distance=1), []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        arrays = {n: rng.standard_normal(s).astype("f4") / 10 for n, s in shapes().items()}
        save_file(arrays, tmp_path / "w.safetensors")
        metric = AzimuthMae(weights=tmp_path / "w.safetensors")
        values.append(metric.score(sd.BinauralAudio(noise, 48_000), pose=pose).value)
    assert values[0] != values[1]


@pytest.mark.slow
@pytest.mark.parametrize("azimuth", [0, 35, 90, -60, 180, -130])
def test_rendered_noise_is_heard_where_it_is(azimuth):
    try:
        renderer = sd.load_renderer("physical")
    except sd.errors.AssetError:
        pytest.skip("the head is not here")
    voice = np.random.default_rng(4).standard_normal(96_000)
    voice *= np.repeat(np.random.default_rng(5).random(40) > 0.3, 2400)
    pose = sd.Pose.fixed(azimuth_deg=azimuth, distance=1.5)
    room = sd.Room((5.3, 4.4, 2.7), rt60=0.3)
    audio = renderer.render(voice / 10, pose, room=room)
    assert AzimuthMae().score(audio, pose=pose).details["median"] < 8
