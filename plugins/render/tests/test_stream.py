"""Streaming: the same samples as offline, block by block, with a head that turns."""

import subprocess
import sys

import numpy as np
import pytest
from spatialdrama_render.stream import slerp

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Room, Scene, Source

RATE = 48_000
ROOM = Room((6, 5, 3), rt60=0.3)
WALK = Pose.walk([(2, 1, 0), (-1, 1.5, 0.3), (-1.2, -1.5, 0)], speed=1.5)


def turned(yaw):
    yaw = np.asarray(yaw, dtype=float)
    return np.stack([0 * yaw, 0 * yaw, np.sin(yaw / 2), np.cos(yaw / 2)], axis=-1)


def run(stream, mono, orientations):
    blocks = mono[: len(mono) // stream.block * stream.block].reshape(-1, stream.block)
    return np.concatenate(
        [stream.process(b, o) for b, o in zip(blocks, orientations, strict=False)], axis=1
    )


@pytest.mark.parametrize("room", [None, ROOM], ids=["free", "room"])
@pytest.mark.parametrize("block", [128, 256, 1152])
def test_a_still_head_hears_what_is_rendered_offline(kemar, noise, room, block):
    mono = noise(24 * 1152)
    stream = kemar.stream(WALK, room=room, block=block, seconds=5)
    assert stream.latency == 0
    got = run(stream, mono, [None] * (len(mono) // block))
    want = kemar.render(mono, WALK, room=room).samples
    np.testing.assert_allclose(got, want[:, : got.shape[1]], atol=3e-6)


@pytest.mark.parametrize("room", [None, ROOM], ids=["free", "room"])
def test_a_turning_head_hears_what_a_turning_listener_hears(kemar, noise, room):
    block, count = 256, 100
    mono = noise(block * count)
    yaw = np.concatenate([[0.0], 1.2 * np.sin(np.arange(count) / 15)])  # up to 15 rad/s: fast
    stream = kemar.stream(WALK, room=room, seconds=5)
    got = run(stream, mono, [(0, 0, 0, 1), *turned(yaw[2:])])
    # Block k turns from its predecessor's orientation to its own, in drama time.
    times = np.arange(count + 1) * block / RATE
    along = np.concatenate([[0.0, 0.0], yaw[2:]])
    listener = Pose.from_samples(times, np.zeros((count + 1, 3)), turned(along))
    want = kemar.render(mono, WALK, room=room, listener=listener).samples
    np.testing.assert_allclose(got, want[:, : got.shape[1]], atol=2e-5 * np.abs(want).max())


def test_a_scene_streams_as_it_renders(sphere, noise):
    speakers = {"A": Source(Pose.fixed((1, 1, 0)), gain_db=-3.0), "B": Source(WALK)}
    scene = Scene(ROOM, speakers)
    a, b = noise(20 * 256, 1), noise(20 * 256, 2)
    stream = sphere.stream(scene, seconds=5)
    parts = []
    for k in range(20):
        cut = slice(256 * k, 256 * (k + 1))
        blocks = {"B": b[cut]} if k < 5 else {"A": a[cut], "B": b[cut]}
        parts.append(stream.process(blocks))
    late = np.concatenate([np.zeros(5 * 256, np.float32), a[5 * 256 :]])
    want = sphere.render_scene([("A", 0.0, late), ("B", 0.0, b)], scene).samples
    got = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(got, want[:, : got.shape[1]], atol=3e-6)
    assert stream.time == pytest.approx(20 * 256 / RATE)


def test_a_source_at_the_ear_comes_late_and_says_so(kemar, noise):
    mono, pose = noise(256 * 20), Pose.fixed((0, 0.13, 0))
    stream = kemar.stream(pose, seconds=1)
    assert 0 < stream.latency <= 128
    got = run(stream, mono, [None] * 20)[:, stream.latency :]
    want = kemar.render(mono, pose).samples
    np.testing.assert_allclose(got, want[:, : got.shape[1]], atol=3e-6 * np.abs(want).max())


def test_slerp_is_scipys():
    from scipy.spatial.transform import Rotation, Slerp

    random = Rotation.random(2, random_state=np.random.RandomState(3))
    share = np.linspace(0, 1, 7)
    got = np.empty((7, 4))
    for row, at in zip(got, share, strict=True):
        slerp(*random.as_quat(), at, row)
    want = Slerp([0, 1], random)(share).as_quat()
    np.testing.assert_allclose(np.abs(np.sum(got * want, axis=1)), 1.0, atol=1e-12)


@pytest.mark.parametrize(
    ("blocks", "orientation", "message"),
    [
        (np.zeros(255, np.float32), None, "255 samples; this stream takes 256"),
        (np.full(256, np.nan, np.float32), None, "is nan"),
        (np.zeros(256, np.int16), None, "floating-point"),
        ({"NOBODY": np.zeros(256, np.float32)}, None, "no speaker 'NOBODY'"),
        (np.zeros(256, np.float32), (0, 0, 0), "quaternion"),
        (np.zeros(256, np.float32), (0, 0, 0, 0), "quaternion"),
        (np.zeros(256, np.float32), (0, 0, np.nan, 1), "quaternion"),
        (np.zeros(256, np.float32), "ab", "quaternion .*; got 'ab'"),
        (np.zeros(256, np.float32), ("a", 0, 0, 1), "quaternion"),
        (np.zeros(256, np.float32), {}, "quaternion"),
        (0.5, None, "mono of shape"),
        ("ab", None, "mono of shape"),
    ],
)
def test_what_is_wrong_is_said(sphere, blocks, orientation, message):
    stream = sphere.stream(Pose.fixed((1, 1, 0)), seconds=1)
    with pytest.raises(ValidationError, match=message):
        stream.process(blocks, orientation)


def test_several_speakers_need_names(sphere):
    scene = Scene(None, {"A": Pose.fixed((1, 1, 0)), "B": Pose.fixed((1, -1, 0))})
    with pytest.raises(ValidationError, match="2 speakers"):
        sphere.stream(scene, seconds=1).process(np.zeros(256, np.float32))


def test_blocks_are_multiples_of_the_control_points(sphere):
    with pytest.raises(ValidationError, match="multiple of 128"):
        sphere.stream(Pose.fixed((1, 1, 0)), block=200, seconds=1)


@pytest.mark.parametrize("block", [0, -128, 2.5, "a", None, True])
def test_a_block_is_a_number_of_samples(sphere, block):
    with pytest.raises(ValidationError, match="block must be a whole number from 1 to"):
        sphere.stream(Pose.fixed((1, 1, 0)), block=block, seconds=1)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (Pose.fixed((1, 1, 0)), {"seconds": np.nan}, "seconds must be more than zero s; got nan"),
        (Pose.fixed((1, 1, 0)), {"seconds": "x"}, "seconds must be a number in s; got 'x'"),
        (Pose.fixed((1, 1, 0)), {"seconds": -1}, "seconds must be more than zero s; got -1"),
        (Pose.fixed((1, 1, 0)), {"start": np.inf}, "start must be a finite number; got inf"),
        (Pose.fixed((1, 1, 0)), {"room": "hall"}, "room must be a Room or None; got 'hall'"),
        ((1, 2, 3), {}, "needs a Pose"),
        (None, {}, "needs a Pose"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_block(sphere, source, options, message):
    with pytest.raises(ValidationError, match=message):
        sphere.stream(source, **{"seconds": 1} | options)


def test_the_first_block_is_on_time():
    """In a process of its own, with a room: 5.3 ms are what a block lasts; 20 bear a busy core."""
    code = (
        "import time, numpy as np\n"
        "import spatialdrama as sd\n"
        "renderer = sd.load_renderer('physical', hrtf='sphere')\n"
        "room = sd.Room((6, 5, 3), rt60=0.3)\n"
        "stream = renderer.stream(sd.Pose.fixed((1, 1, 0)), room=room, seconds=1)\n"
        "block = np.full(256, 0.1, np.float32)\n"
        "began = time.thread_time()\n"
        "stream.process(block, (0, 0, 0, 1))\n"
        "print(1000 * (time.thread_time() - began))\n"
    )
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert float(made.stdout) < 20


def test_warming_up_leaves_no_sound(sphere):
    stream = sphere.stream(WALK, room=ROOM, seconds=5)
    for _ in range(4):
        assert not stream.process(np.zeros(256, np.float32)).any()
    assert stream.time == pytest.approx(4 * 256 / RATE)
