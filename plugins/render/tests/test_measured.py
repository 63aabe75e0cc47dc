"""Rooms that were measured: plain convolution with the response that is nearest to the voice."""

import numpy as np
import pytest
import soundfile
from spatialdrama_render.measured import MeasuredRoom

from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa import hrir_dataset
from spatialdrama.types import Pose, Room, Scene

RATE = 48_000


def response(seed, n=9000):
    decay = 10 ** (-3 * np.arange(n) / n)
    return (np.random.default_rng(seed).standard_normal((2, n)) * decay / 20).astype(np.float32)


@pytest.fixture
def hall(tmp_path):
    samples = response(1)
    soundfile.write(tmp_path / "hall.wav", samples.T, RATE, subtype="FLOAT")
    return Room.measured(tmp_path / "hall.wav"), samples


@pytest.fixture
def loudspeakers(tmp_path):
    """A SOFA file with loudspeakers at four azimuths, each with a response of its own."""
    import sofar

    sofa = sofar.Sofa("SingleRoomSRIR")
    for name in (
        "ReceiverDescriptions", "EmitterDescriptions", "ReceiverView", "ReceiverUp",
        "ReceiverView_Type", "ReceiverView_Units", "MeasurementDate",
    ):  # fmt: skip
        if hasattr(sofa, name):
            sofa.delete(name)  # sofar's defaults of these do not fit two receivers
    azimuth = np.array([0.0, 90.0, 180.0, 270.0])
    samples = np.stack([response(k, 3000) for k in range(4)])
    sofa.Data_IR = samples.astype(float)
    sofa.Data_SamplingRate = RATE
    sofa.Data_Delay = np.zeros((4, 2))
    sofa.SourcePosition = np.stack([azimuth, 0 * azimuth, 0 * azimuth + 2.0], axis=1)
    sofa.SourcePosition_Type, sofa.SourcePosition_Units = "spherical", "degree, degree, metre"
    sofa.ListenerPosition = np.zeros((4, 3))
    sofa.ListenerView = np.tile([1.0, 0.0, 0.0], (4, 1))
    sofa.ReceiverPosition = np.array([[0, 0.09, 0], [0, -0.09, 0]])
    path = tmp_path / "room.sofa"
    sofar.write_sofa(str(path), sofa)
    return Room.measured(path), samples


def convolved(mono, pair):
    return np.stack([np.convolve(mono.astype(float), ear) for ear in pair])


def test_a_sound_file_is_a_convolution(sphere, noise, hall):
    room, samples = hall
    mono = noise(20_000)
    got = sphere.render(mono, Pose.fixed((1, 1, 0)), room=room).samples
    want = convolved(mono, samples)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize(("azimuth", "index"), [(5, 0), (80, 1), (-170, 2), (-95, 3)])
def test_the_nearest_loudspeaker_is_heard(sphere, noise, loudspeakers, azimuth, index):
    room, samples = loudspeakers
    mono = noise(5000)
    got = sphere.render(mono, Pose.fixed(azimuth_deg=azimuth, distance=1.0), room=room).samples
    want = convolved(mono, samples[index])
    np.testing.assert_allclose(got[:, : want.shape[1]], want, atol=1e-5 * np.abs(want).max())


def test_a_walk_passes_from_one_to_the_next_without_a_click(sphere, loudspeakers):
    room, samples = loudspeakers
    mono = (0.1 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)).astype(np.float32)
    pose = Pose.line((2, 0, 0), (0.2, 2, 0), duration=1.0)
    got = sphere.render(mono, pose, room=room).samples
    ends = [convolved(mono, samples[k]) for k in (0, 1)]
    early, late = slice(4000, 12_000), slice(38_000, 46_000)
    np.testing.assert_allclose(got[:, early], ends[0][:, early], atol=1e-5)
    np.testing.assert_allclose(got[:, late], ends[1][:, late], atol=1e-5)
    bend = np.abs(np.diff(got[:, 4000:46_000], n=2)).max()
    assert bend < 1.5 * max(np.abs(np.diff(e[:, 4000:46_000], n=2)).max() for e in ends)


def test_turning_the_head_turns_to_another_loudspeaker(sphere, noise, loudspeakers):
    room, samples = loudspeakers
    mono = noise(5000)
    left = Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    got = sphere.render(mono, Pose.fixed((1.5, 0, 0)), room=room, listener=left).samples
    want = convolved(mono, samples[3])  # what was ahead is now on the right
    np.testing.assert_allclose(got[:, : want.shape[1]], want, atol=1e-5 * np.abs(want).max())


def test_streams_and_scenes_are_the_same(sphere, noise, hall):
    room, _ = hall
    mono = noise(256 * 40)
    stream = sphere.stream(Pose.fixed((1, 1, 0)), room=room, seconds=1)
    got = np.concatenate([stream.process(b) for b in mono.reshape(-1, 256)], axis=1)
    scene = Scene(room, {"A": Pose.fixed((1, 1, 0))})
    want = sphere.render_scene([("A", 0.0, mono)], scene).samples
    np.testing.assert_allclose(got, want[:, : got.shape[1]], atol=1e-6)


def test_other_rates_and_delays_are_brought_in():
    rate, delay = 44_100, 7.25
    click = np.zeros((1, 2, 400))
    click[0, :, 100] = 1.0
    data = hrir_dataset(click, [[1, 0, 0]], rate=rate, delay=np.full((1, 2), delay / rate))
    room = MeasuredRoom.of(data, RATE)
    n = 8192
    spectrum = np.fft.rfft(room.responses[0, 0], n)
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    want = np.exp(-2j * np.pi * frequency * (100 + delay) / rate)
    inside = (frequency > 200) & (frequency < 15_000)
    # As a filter: the same gain at every frequency, whatever the rate.
    np.testing.assert_allclose(spectrum[inside], want[inside], atol=5e-3)


def test_a_file_that_is_missing_is_said(sphere, noise, tmp_path):
    with pytest.raises(ValidationError, match=r"none\.wav"):
        sphere.render(noise(100), Pose.fixed((1, 0, 0)), room=Room.measured(tmp_path / "none.wav"))
