"""Wrong input of every kind: one plain sentence, before any work."""

import numpy as np
import pytest
import soundfile
from spatialdrama_render.batch import RenderItem
from spatialdrama_render.geometric import GeometricRenderer

from spatialdrama.errors import ValidationError
from spatialdrama.io.audio import MonoFile, read_samples
from spatialdrama.types import Pose, Room, Scene, Speech

RATE = 48_000
HERE = Pose.fixed((1, 1, 0))
SCENE = Scene(None, {"A": HERE})


@pytest.fixture
def slow(tmp_path):
    """A file at 16 kHz."""
    soundfile.write(tmp_path / "slow.wav", np.full(1600, 0.1), 16_000)
    return MonoFile(tmp_path / "slow.wav")


@pytest.mark.parametrize(
    "render",
    [
        lambda r, mono, out: r.render(mono, HERE),
        lambda r, mono, out: r.render(mono, HERE, rate=16_000),
        lambda r, mono, out: r.render_scene([("A", 0.0, mono)], SCENE),
        lambda r, mono, out: r.render_layout([("A", 0.0, mono)], SCENE),
        lambda r, mono, out: r.render_file([("A", 0.0, mono)], SCENE, out),
        lambda r, mono, out: r.render_batch([RenderItem(mono, HERE)], device="cpu"),
        lambda r, mono, out: GeometricRenderer().render(mono, HERE),
    ],
)
def test_a_file_at_another_rate_is_never_played_at_the_wrong_pitch(sphere, slow, tmp_path, render):
    with pytest.raises(ValidationError, match=r"slow\.wav is at 16000 Hz.*48000 Hz; resample"):
        render(sphere, slow, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_a_file_that_is_read_is_not_written(sphere, tmp_path, noise):
    path = tmp_path / "speech.wav"
    soundfile.write(path, noise(4800), RATE, "FLOAT")
    (tmp_path / "link.wav").symlink_to(path)
    before = path.read_bytes()
    for out in (path, tmp_path / "link.wav", tmp_path / "." / "speech.wav"):
        with pytest.raises(ValidationError, match="is the file that the stem of 'A' is read from"):
            sphere.render_file([("A", 0.0, MonoFile(path))], SCENE, out)
    assert path.read_bytes() == before
    sphere.render_file([("A", 0.0, MonoFile(path))], SCENE, tmp_path / "other.wav")
    assert read_samples(tmp_path / "other.wav")[0].any()


@pytest.mark.parametrize("make", [lambda sphere: sphere, lambda sphere: GeometricRenderer()])
def test_speech_is_brought_to_the_rate_of_the_house(sphere, make):
    import soxr

    samples = np.sin(np.arange(2400) / 10).astype(np.float32) * np.hanning(2400)
    speech, renderer = Speech(samples, 24_000), make(sphere)
    want = soxr.resample(speech.samples, 24_000, RATE, quality="VHQ")
    got = renderer.render(speech, HERE).samples
    np.testing.assert_array_equal(got, renderer.render(want, HERE).samples)
    both = [renderer.render_scene([("A", 0.25, s)], SCENE) for s in (speech, want)]
    np.testing.assert_array_equal(both[0].samples, both[1].samples)
    told = renderer.render_scene([("A", 0.25, speech)], SCENE, rate=24_000)
    np.testing.assert_array_equal(told.samples, both[1].samples)


@pytest.mark.parametrize(
    ("pose", "options", "message"),
    [
        (None, {}, "pose must be a Pose; got None"),
        (np.zeros((5, 3)), {}, r"pose must be a Pose; got an array of shape \(5, 3\)"),
        ((1, 2, 3), {}, r"pose must be a Pose; got \(1, 2, 3\)"),
        (HERE, {"room": "hall"}, "room must be a Room or None; got 'hall'"),
        (HERE, {"listener": "x"}, "listener must be a Pose or None; got 'x'"),
        (HERE, {"gain_db": "x"}, "gain_db must be a finite number; got 'x'"),
        (HERE, {"start": None}, "start must be a finite number; got None"),
    ],
)
def test_arguments_of_another_type(sphere, noise, pose, options, message):
    for render in (sphere.render, GeometricRenderer().render):
        with pytest.raises(ValidationError, match=message):
            render(noise(480), pose, **options)
    with pytest.raises(ValidationError, match=r"items\[0\]: " + message):
        sphere.render_batch([RenderItem(noise(480), pose, **options)], device="cpu")


@pytest.mark.parametrize(
    ("stems", "message"),
    [
        ([("A", np.zeros(480))], r"stems\[0\] is a tuple of 2"),
        ({"A": np.zeros(480)}, r"list of \(speaker, start in s, samples\); got a dict"),
        (np.zeros((2, 480)), r"stems\[0\] is a ndarray"),
        ([("A", "x", np.zeros(480))], r"start of stems\[0\] must be a finite number; got 'x'"),
        ([("A", np.nan, np.zeros(480))], r"start of stems\[0\] must be a finite number; got nan"),
    ],
)
def test_stems_of_another_form(sphere, stems, message):
    for render in (sphere.render_scene, sphere.render_layout, sphere.render_stems,
                   GeometricRenderer().render_scene):  # fmt: skip
        with pytest.raises(ValidationError, match=message):
            render(stems, SCENE)


def test_a_scene_is_a_scene(sphere):
    stems = [("A", 0.0, np.zeros(480, np.float32))]
    for render in (sphere.render_scene, sphere.render_layout, GeometricRenderer().render_scene):
        with pytest.raises(ValidationError, match=r"got a dict\. Use Scene\.from_dict"):
            render(stems, SCENE.to_dict())
        with pytest.raises(ValidationError, match=r"got a str\. Use Scene\(room"):
            render(stems, "scene.json")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("tail_seed", (-1, 1.5, "x", None, True), "tail_seed must be a whole number 0 or more"),
        ("tail", ("no", "off", "false", 0, None), "tail must be True or False"),
        ("order", (True, 1.0, "2", -1, 7, None), "order must be a whole number from 0 to 6"),
        ("threads", (True, 1.0, "2", 3, None, []), "threads must be 1 or 2"),
        ("near_limit", (np.inf, np.nan, "a", 0, -1, None, True), "near_limit must be more than 0"),
        ("basis", (2.5, "x", 0, True, None), "basis must be a whole number from 1 to"),
        ("itd", ([], None, "guess"), "itd must be one of measured, sphere"),
        ("mono", ([], {}, "wet"), "mono must be one of dry, recorded"),
        ("interpolation", ([], 1), "interpolation must be one of"),
        ("near", ([], 0), "near must be one of auto"),
    ],
)
def test_options_that_mean_nothing(sphere_responses, name, values, message):
    from spatialdrama_render.physical import PhysicalRenderer

    for value in values:
        with pytest.raises(ValidationError, match=message):
            PhysicalRenderer(sphere_responses, **{name: value})


def test_numbers_of_numpy_are_numbers(sphere_responses, sphere, noise):
    from spatialdrama_render.physical import PhysicalRenderer

    made = PhysicalRenderer(
        sphere_responses, order=np.int64(2), tail=np.True_, tail_seed=np.uint8(0),
        near_limit=np.float32(0.25), threads=np.int32(1), basis=np.int64(24),
        equalisation="none", air="none", near="none",
    )  # fmt: skip
    mono = noise(480)
    got, want = (r.render(mono, HERE) for r in (made, sphere))
    np.testing.assert_array_equal(got.samples, want.samples)
    assert dict(got.provenance) == dict(want.provenance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rt60": 350}, r"in seconds, at most 30; got 350\. Did you mean 0\.35\?"),
        ({"rt60": [0.4] * 6 + [40]}, "in seconds, at most 30"),
        # Eyring: 24 ln(10) 90 / (343 * 126 * -ln(1 - 0.0001)) = 1150 s.
        ({"absorption": 1e-4}, r"sound for 1\.15e\+03 s, longer than 30 s; use a larger"),
        ({"absorption": {"walls": 0, "ceiling": 1e-4, "floor": 0}}, "longer than 30 s"),
    ],
)
def test_rooms_that_sound_for_minutes(options, message):
    with pytest.raises(ValidationError, match=message):
        Room((6, 5, 3), **options)
    assert Room((60, 50, 30), rt60=30).rt60 == 30.0


@pytest.mark.parametrize("ear", [0, 1])
def test_a_silent_ear_is_named(sphere_responses, ear):
    from spatialdrama.io.sofa import hrir_dataset

    response = sphere_responses["impulse_response"].values.copy()
    response[17, ear] = 0
    side = ("left", "right")[ear]
    with pytest.raises(ValidationError, match=f"response 17 is silent at the {side} ear"):
        hrir_dataset(response, sphere_responses["position"].values, rate=RATE)


@pytest.mark.parametrize("seconds", [-1e-4, 0.11])
def test_delays_that_no_head_has(sphere_responses, seconds):
    from spatialdrama.io.sofa import hrir_dataset

    delay = np.zeros(sphere_responses["delay"].shape)
    delay[5, 1] = seconds
    with pytest.raises(ValidationError, match=r"Data\.Delay of response 5 at the right ear is"):
        hrir_dataset(
            sphere_responses["impulse_response"].values, sphere_responses["position"].values,
            rate=RATE, delay=delay,
        )  # fmt: skip


def test_a_room_response_with_a_silent_ear(tmp_path):
    from spatialdrama.io.brir import read_brir

    samples = np.zeros((400, 2))
    samples[3, 0] = 1
    soundfile.write(tmp_path / "half.wav", samples, RATE)
    with pytest.raises(ValidationError, match=r"half\.wav: response 0 is silent at the right ear"):
        read_brir(tmp_path / "half.wav")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_head_of_no_numbers_is_never_made(sphere_responses):
    """A dataset of one's own, past the reader's checks."""
    from spatialdrama_render.head_preparation import prepare_head

    broken = sphere_responses.copy(deep=True)
    broken["impulse_response"].values[17, 1] = 0
    with pytest.raises(ValidationError, match="silent or broken"):
        prepare_head(broken, rate=RATE)


def test_a_scene_is_checked_before_anybody_speaks(sphere, tmp_path):
    """What rendering would refuse about the room; where speakers stand is seen when they speak."""
    soundfile.write(tmp_path / "mono.wav", np.ones(100) / 2, RATE)
    rooms = {"none.wav": "none.wav", "mono.wav": "channel"}
    for name, words in rooms.items():
        room = Room.measured(tmp_path / name)
        with pytest.raises(ValidationError, match=words):
            sphere.check(Scene(room, {"A": Pose.fixed((1, 1, 0))}))
        with pytest.raises(ValidationError, match=words):
            sphere.render(np.ones(9), Pose.fixed((1, 1, 0)), room=room)
    sphere.check(Scene(Room((6, 5, 3), rt60=0.3), {"A": Pose.fixed((1, 1, 0))}))
