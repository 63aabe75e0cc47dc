"""Video files: H.264 in MP4 by its own boxes, the same bytes again, and clear words otherwise."""

import hashlib
import os
import stat
import struct
import subprocess
import sys

import numpy as np
import pytest
from spatialdrama_corpora.video import (
    Camera,
    Talker,
    iter_frames,
    project,
    read_frames,
    render_frames,
    render_video,
    video_facts,
    write_video,
)
from spatialdrama_corpora.video import ffmpeg as program

from spatialdrama.errors import PluginImportError, ValidationError
from spatialdrama.types import Pose, Room

CAMERA = Camera.looking_at((0, 0, 0.1), (1.5, 0, 0), size=(128, 96), rate=24)
POSE = Pose.line((1.5, 0.5, 0), (1.5, -0.5, 0), duration=1.0, facing="listener")
OPENING = np.linspace(0, 1, 20)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    pixels = render_video(path, CAMERA, POSE, OPENING, 24, room=Room((6, 5, 3), rt60=0.4))
    return path, pixels


def _boxes(data, start=0, end=None):
    """Yield (kind, begin, end) of the boxes of an MP4 file (ISO/IEC 14496-12), nested ones too."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start + 8, start + size
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            yield from _boxes(data, start + 8, start + size)
        start += size


def test_the_container_says_what_was_asked(video):
    data = video[0].read_bytes()
    boxes = {kind: data[begin:end] for kind, begin, end in _boxes(data)}
    handlers = [data[b + 8 : b + 12] for kind, b, _ in _boxes(data) if kind == b"hdlr"]
    assert handlers == [b"vide"]  # silent
    assert boxes[b"stsd"][12:16] == b"avc1"
    assert struct.unpack_from(">HH", boxes[b"stsd"], 8 + 32) == (128, 96)
    (timescale,) = struct.unpack_from(">I", boxes[b"mdhd"], 12)
    entries = struct.unpack_from(">I", boxes[b"stts"], 4)[0]
    table = [struct.unpack_from(">II", boxes[b"stts"], 8 + 8 * i) for i in range(entries)]
    assert sum(count for count, _ in table) == 20
    assert {timescale / delta for _, delta in table} == {24.0}
    assert b"ctts" not in boxes  # no frame is shown later than it is stored
    assert struct.unpack_from(">II", boxes[b"mdhd"], 4) == (0, 0)  # no time of making


def test_frames_come_back(video):
    path, pixels = video
    frames = read_frames(path)
    drawn = np.stack(list(render_frames(
        CAMERA, [Talker(POSE, OPENING)], 20, room=Room((6, 5, 3), rt60=0.4)
    )))  # fmt: skip
    assert frames.shape == (20, 96, 128, 3)
    assert frames.dtype == np.uint8
    error = frames.astype(float) - drawn
    assert np.sqrt(np.mean(error**2)) < 6
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < 1.5  # colours do not shift
    assert np.allclose(pixels, project(CAMERA, POSE.positions_at(np.arange(20) / 24))[0])
    assert video_facts(path) == ((128, 96), 24.0)


def test_steps_and_one_by_one(video):
    path, _ = video
    frames = read_frames(path)
    assert np.array_equal(read_frames(path, 6), frames[::6])
    assert np.array_equal(np.stack(list(iter_frames(path))), frames)
    with pytest.raises(ValidationError, match="step"):
        read_frames(path, 0)


def test_the_same_bytes_again(video, tmp_path):
    again = tmp_path / "elsewhere.mp4"
    render_video(again, CAMERA, POSE, OPENING, 24, room=Room((6, 5, 3), rt60=0.4))
    one, two = (hashlib.sha256(p.read_bytes()).hexdigest() for p in (video[0], again))
    assert one == two


@pytest.mark.slow
def test_they_are_the_same_in_another_process(video, tmp_path):
    again = tmp_path / "c.mp4"
    code = (
        "import numpy as np\n"
        "from spatialdrama.types import Pose, Room\n"
        "from spatialdrama_corpora.video import Camera, render_video\n"
        "camera = Camera.looking_at((0, 0, 0.1), (1.5, 0, 0), size=(128, 96), rate=24)\n"
        "pose = Pose.line((1.5, 0.5, 0), (1.5, -0.5, 0), duration=1.0, facing='listener')\n"
        f"render_video({str(again)!r}, camera, pose, np.linspace(0, 1, 20), 24,\n"
        "             room=Room((6, 5, 3), rt60=0.4))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert again.read_bytes() == video[0].read_bytes()


@pytest.mark.parametrize("rate", [12.5, 24000 / 1001, 60.0])
def test_other_rates(tmp_path, rate):
    path = write_video(tmp_path / "r.mp4", np.zeros((7, 16, 16, 3), np.uint8), rate)
    assert video_facts(path).rate == pytest.approx(rate)
    assert len(read_frames(path)) == 7


def test_openings_at_another_rate_are_interpolated(tmp_path):
    camera = Camera(size=(32, 32), rate=20)
    pixels = render_video(tmp_path / "i.mp4", camera, POSE, np.linspace(0, 1, 50), 100)
    assert pixels.shape == (10, 2)
    assert len(read_frames(tmp_path / "i.mp4")) == 10


def test_off_the_picture_the_pixel_is_known_and_behind_it_is_not(tmp_path):
    camera = Camera((0, 0, 0), focal_px=50.0, size=(64, 64))
    pose = Pose.from_samples([0, 1 / 24, 2 / 24], [(1, 0, 0), (1, 2, 0), (-1, 0, 0)])
    pixels = render_video(tmp_path / "o.mp4", camera, pose, np.zeros(3))
    assert pixels[:2].tolist() == [[32, 32], [-68, 32]]
    assert np.isnan(pixels[2]).all()


def test_a_reader_that_stops_early_leaves_no_program_behind(video, monkeypatch):
    started = []
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: started.append(start(*a, **k)) or started[-1]
    )
    frames = iter_frames(video[0])
    next(frames)
    frames.close()
    assert len(started) == 1
    assert started[0].returncode is not None


def test_damaged_missing_and_other_files(video, tmp_path):
    with pytest.raises(ValidationError, match="no video at"):
        read_frames(tmp_path / "none.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("to be or not to be")
    for read in (read_frames, video_facts):
        with pytest.raises(ValidationError, match=r"text\.mp4.* failed: ffmpeg says"):
            read(text)
    data = video[0].read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ValidationError, match=r"cut\.mp4 after \d+ frames failed"):
        read_frames(cut)
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    with pytest.raises(ValidationError, match=r"empty\.mp4"):
        read_frames(empty)


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([], "one frame or more"),
        ([np.zeros((16, 15, 3), np.uint8)], "even width and height; got 15 x 16"),
        ([np.zeros((16, 16), np.uint8)], r"\(h, w, 3\) uint8"),
        ([np.zeros((16, 16, 3))], "float64"),
        ([np.zeros((16, 16, 3), np.uint8), np.zeros((16, 18, 3), np.uint8)], "frame 1 is 18 x 16"),
    ],
)
def test_frames_that_h264_cannot_hold_leave_what_was_there(tmp_path, frames, said):
    path = tmp_path / "v.mp4"
    path.write_bytes(b"older")
    with pytest.raises(ValidationError, match=said):
        write_video(path, frames)
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["v.mp4"]


def test_other_options_that_cannot_be(tmp_path):
    frames = [np.zeros((16, 16, 3), np.uint8)]
    with pytest.raises(ValidationError, match=r"\.mp4"):
        write_video(tmp_path / "v.avi", frames)
    with pytest.raises(ValidationError, match="quality"):
        write_video(tmp_path / "v.mp4", frames, quality=0)
    with pytest.raises(ValidationError, match="rate"):
        write_video(tmp_path / "v.mp4", frames, rate=0)
    with pytest.raises(ValidationError, match="empty"):
        render_video(tmp_path / "v.mp4", CAMERA, POSE, [])


def test_without_ffmpeg_it_says_what_to_install(video, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    black = [np.zeros((16, 16, 3), np.uint8)]
    for use in (
        lambda: read_frames(video[0]),
        lambda: video_facts(video[0]),
        lambda: write_video(tmp_path / "v.mp4", black),
    ):
        with pytest.raises(PluginImportError, match=r"pip install 'spatialdrama-corpora\[video\]'"):
            use()
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_an_ffmpeg_without_h264_is_named(tmp_path, monkeypatch):
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho \"Unknown encoder 'libx264'\" >&2\nexit 1\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program.executable() == str(fake)
    frames = (np.zeros((480, 640, 3), np.uint8) for _ in range(50))
    with pytest.raises(ValidationError, match=r"no H\.264 encoder"):
        write_video(tmp_path / "v.mp4", frames)
    assert os.listdir(tmp_path) == ["ffmpeg"]
