"""Silent video: pinhole geometry, trackers on drawn frames, crops and interpolation."""

import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation
from spatialdrama_isdrama.pose import geometry
from spatialdrama_isdrama.pose.camera import Camera
from spatialdrama_isdrama.pose.co_tracker import CoTracker
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.pose.frames import read_frames
from spatialdrama_isdrama.pose.images import (
    ClipImages,
    ImageEmbedder,
    MouthImages,
    image_embedder,
    mouth_crop,
)
from spatialdrama_isdrama.pose.trackers import Path2d, load_tracker
from spatialdrama_isdrama.pose.video_condition import (
    assemble,
    normalised_pixels,
    observe,
    picture_numbers,
)

import spatialdrama as sd
from spatialdrama.errors import PluginImportError, UnknownNameError, ValidationError
from spatialdrama.types import VideoPrompt

SIZE = (160, 120)


def looking(yaw_deg, pitch_deg=0.0):
    """Turned to the left by yaw, then up by pitch; a nod up is a negative turn about y."""
    return Rotation.from_euler("ZY", [yaw_deg, -pitch_deg], degrees=True).as_quat()


def drawn(pixels, size=SIZE, seed=0):
    """Frames (t, h, w, 3) of a grey wall with a patterned face, its middle at each pixel."""
    generator = np.random.default_rng(seed)
    face = gaussian_filter(generator.uniform(0, 255, (61, 61)), 1.5)
    face = 255 * (face - face.min()) / np.ptp(face)
    wall = gaussian_filter(generator.uniform(90, 130, (size[1], size[0])), 3)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]] + 0.5
    frames = []
    from scipy.ndimage import map_coordinates

    for column, row in pixels:
        at = np.stack([rows - row + 30, columns - column + 30])
        inside = (np.abs(rows - row) < 28) & (np.abs(columns - column) < 28)
        frames.append(np.where(inside, map_coordinates(face, at, order=3), wall))
    grey = np.clip(np.stack(frames), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def test_a_known_mouth_in_a_known_camera():
    # Camera a metre to the right of the listener, half a metre up, looking 30 degrees left.
    camera = Camera((0.0, -1.0, 0.5), looking(30), size=(640, 480), focal=500)
    time = np.linspace(0, 2, 9)
    path = np.stack([3 - 0.4 * time, -0.5 + 0.6 * time, 0.2 + 0 * time], axis=1)
    pixels, seen = camera.project(path)
    for (x, y, z), pixel in zip(path, pixels, strict=True):
        dx, dy, dz = x, y + 1.0, z - 0.5
        depth = dx * np.cos(np.pi / 6) + dy * np.sin(np.pi / 6)
        left = -dx * np.sin(np.pi / 6) + dy * np.cos(np.pi / 6)
        assert pixel[0] == pytest.approx(320 - 500 * left / depth)
        assert pixel[1] == pytest.approx(240 - 500 * dz / depth)
    assert seen.all()


def test_a_camera_that_looks_up_sees_the_horizon_low():
    camera = Camera((0, 0, 0), looking(0, 20), size=(640, 480), focal=500)
    pixels, _ = camera.project([[100.0, 0, 0]])
    assert pixels[0, 0] == pytest.approx(320)
    assert pixels[0, 1] == pytest.approx(240 + 500 * np.tan(np.deg2rad(20)))


def test_rays_go_back_through_pixels():
    camera = Camera((0.3, -1.0, 0.5), looking(-70, 10), size=(640, 480), focal=700)
    generator = np.random.default_rng(0)
    points = camera.position + generator.uniform(1, 3, (20, 1)) * camera.ray(
        generator.uniform(0, 1, (20, 2)) * [640, 480]
    )
    pixels, seen = camera.project(points)
    assert seen.all()
    reach = points - camera.position
    reach /= np.linalg.norm(reach, axis=1, keepdims=True)
    np.testing.assert_allclose(camera.ray(pixels), reach, atol=1e-9)


def test_camera_of_a_prompt_and_its_seven_numbers():
    prompt = VideoPrompt("x.npy", camera_position=(1, 2, 0), camera_orientation=looking(90))
    camera = Camera.of(prompt, (640, 480))
    assert camera.focal == pytest.approx(320 / np.tan(np.pi / 6))
    np.testing.assert_allclose(camera.condition()[:3], [1, 2, 0])
    # A listener at (1, 0, 0) who looks left too: the camera is 2 m ahead, looking ahead.
    seven = camera.condition((1, 0, 0), looking(90))
    np.testing.assert_allclose(seven, [2, 0, 0, 0, 0, 0, 1], atol=1e-9)


@pytest.mark.parametrize("name", ["lucas-kanade", "opencv"])
def test_trackers_follow_a_mouth_seen_by_the_camera(name):
    if name == "opencv":
        pytest.importorskip("cv2")
    camera = Camera((0, 0, 0), size=SIZE, focal=120)
    time = np.arange(20) / 12
    path = np.stack([3 + 0 * time, 1.2 * np.sin(time), 0.3 * np.cos(2 * time)], axis=1)
    truth, _ = camera.project(path)
    frames = drawn(truth)
    found = load_tracker(name).track(frames, truth[7], start=7)
    assert found.visible.all()
    assert np.abs(found.pixels - truth).max() < 0.5
    assert np.ptp(truth[:, 0]) > 40


@pytest.mark.parametrize("name", ["lucas-kanade", "opencv"])
def test_a_mouth_that_is_hidden_or_leaves_is_not_seen(name):
    if name == "opencv":
        pytest.importorskip("cv2")
    truth = np.stack([80 + 3.0 * np.arange(12), np.full(12, 60.0)], axis=1)
    frames = drawn(truth)
    frames[6:] = 128  # somebody walks in front: no texture at all
    found = load_tracker(name).track(frames, truth[0])
    assert found.visible[:6].all()
    assert not found.visible[6:].any()
    np.testing.assert_allclose(found.pixels[6:], np.tile(found.pixels[5], (6, 1)))


def test_lucas_kanade_takes_large_steps():
    truth = np.array([[60.0, 60.0], [72.0, 55.0], [84.0, 61.0]])
    found = load_tracker("lucas-kanade").track(drawn(truth), truth[0])
    assert np.abs(found.pixels - truth).max() < 0.5


class Predictor:
    """Stands in for CoTracker3: returns what it was asked, drifting one pixel a frame."""

    def __call__(self, video, *, queries, backward_tracking):
        assert video.shape == (1, 5, 3, 120, 160)
        assert video.dtype == torch.float32
        assert video.max() > 1
        assert backward_tracking
        start, column, row = queries[0, 0]
        time = torch.arange(5.0)
        tracks = torch.stack([column + (time - start), row + 0 * time], dim=-1)[None, :, None]
        return tracks, torch.tensor([[[True], [True], [True], [False], [True]]])


def test_co_tracker_is_asked_as_it_wants_to_be():
    frames = np.full((5, 120, 160, 3), 90, np.uint8)
    found = CoTracker(predictor=Predictor()).track(frames, (50, 40), start=1)
    np.testing.assert_allclose(found.pixels[:, 0], [49, 50, 51, 51, 53])
    assert found.visible.tolist() == [True, True, True, False, True]


def test_co_tracker_that_is_not_there(monkeypatch, tmp_path):
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    monkeypatch.setitem(sys.modules, "cotracker", None)
    with pytest.raises(PluginImportError, match=r"facebookresearch/co-tracker.*lucas-kanade"):
        load_tracker("co-tracker").track(frames, (1, 1))
    with pytest.raises(ValidationError, match=r"no hubconf\.py"):
        load_tracker("co-tracker", repository=tmp_path).track(frames, (1, 1))


def test_open_cv_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cv2", None)
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(PluginImportError, match=r"\[video\].*lucas-kanade"):
        load_tracker("opencv").track(frames, (1, 1))
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film")
    with pytest.raises(PluginImportError, match=r"\[video\].*\.npy"):
        read_frames(film)


def test_frames_from_files(tmp_path):
    frames = drawn([(80, 60), (82, 60)])
    np.save(tmp_path / "film.npy", frames)
    np.testing.assert_array_equal(read_frames(tmp_path / "film.npy"), frames)
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ValidationError, match="holds no array"):
        read_frames(tmp_path / "broken.npy")
    with pytest.raises(ValidationError, match="no video"):
        read_frames(tmp_path / "nothing.mp4")


def test_open_cv_reads_a_film(tmp_path):
    cv2 = pytest.importorskip("cv2")
    path = str(tmp_path / "film.avi")
    film = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 24, SIZE)
    if not film.isOpened():
        pytest.skip("this OpenCV writes no films")
    red = np.zeros((120, 160, 3), np.uint8)
    red[..., 2] = 250  # OpenCV has blue first
    for _ in range(3):
        film.write(red)
    film.release()
    frames = read_frames(path)
    assert frames.shape == (3, 120, 160, 3)
    assert frames[..., 0].mean() > 200
    assert frames[..., 2].mean() < 50


@pytest.mark.parametrize(
    ("frames", "pixel", "start", "message"),
    [
        (np.zeros((2, 8, 8), np.uint8), (1, 1), 0, r"\(t, h, w, 3\) uint8"),
        (np.zeros((2, 8, 8, 3)), (1, 1), 0, r"float64"),
        (np.zeros((2, 8, 8, 3), np.uint8), (8, 1), 0, "8 x 8 picture"),
        (np.zeros((2, 8, 8, 3), np.uint8), (1, 1), 2, "frame 2 is not in a video of 2"),
    ],
)
def test_videos_that_cannot_be_tracked(frames, pixel, start, message):
    with pytest.raises(ValidationError, match=message):
        load_tracker("lucas-kanade").track(frames, pixel, start)


def test_unknown_tracker():
    with pytest.raises(UnknownNameError, match="lucas-kanade"):
        load_tracker("lucas")


def test_pixels_are_a_share_of_the_picture():
    path = Path2d(np.array([[40.0, 90.0]]), np.array([True]))
    assert normalised_pixels(path, SIZE).tolist() == [[-0.5, 0.5, 1.0]]


def test_four_pictures_a_second():
    assert picture_numbers(49, 24.0, 4.0).tolist() == list(range(0, 49, 6))
    assert picture_numbers(10, 2.0, 4.0).tolist() == list(range(10))
    assert picture_numbers(1, 24.0, 4.0).tolist() == [0]


def test_crops_show_what_is_there():
    frame = np.zeros((100, 120, 3), np.uint8)
    frame[:, :, 0] = np.arange(120)
    frame[:, :, 1] = np.arange(100)[:, None]
    crop = mouth_crop(frame, np.array([60.0, 40.0]), 32, 8)
    # Eight pixels of four: the middle of column k lies at 60 - 16 + 4 k + 2 from the edge.
    np.testing.assert_array_equal(crop[0, 0], np.rint(60 - 16 + 4 * np.arange(8) + 1.5))
    np.testing.assert_array_equal(crop[1, :, 0], np.rint(40 - 16 + 4 * np.arange(8) + 1.5))
    corner = mouth_crop(frame + 100, np.array([0.0, 0.0]), 32, 8)
    assert (corner[2, :4, :] == 0).all()
    assert (corner[2, 4:, 4:] == 100).all()


def test_small_images_are_one_by_one():
    torch.manual_seed(0)
    images = MouthImages(8, crop=16).double()
    crops = torch.randint(0, 255, (4, 3, 16, 16), dtype=torch.uint8)
    whole = images(crops)
    for i in range(4):
        torch.testing.assert_close(whole[i], images(crops[i : i + 1])[0])
    assert isinstance(images, ImageEmbedder)
    assert isinstance(image_embedder(PoseConfig()), ImageEmbedder)


def test_condition_is_interpolated():
    truth = np.stack([60 + 1.0 * np.arange(25), np.full(25, 60.0)], axis=1)
    torch.manual_seed(0)
    images = MouthImages(8, crop=16)
    seven = Camera((0.5, 0, 0), looking(10), size=SIZE).condition()
    video = observe(
        drawn(truth), rate=24.0, camera=seven, pixel=truth[0],
        tracker=load_tracker("lucas-kanade"), embedder=images,
    )  # fmt: skip
    times = geometry.frame_times(188)
    condition = assemble(video, images, times)
    assert condition.shape == (188, 18)
    np.testing.assert_allclose(condition[:, :7].detach(), np.tile(seven, (188, 1)), atol=1e-6)
    np.testing.assert_allclose(condition[:, 7].detach(), 2 * (60 + 24 * times) / 160 - 1, atol=0.01)
    assert (condition[:, 9] == 1).all()
    embedded = images(torch.from_numpy(video.pictures)).detach()
    assert len(embedded) == 5
    # Between the second and the third picture, a quarter of the way.
    at = torch.as_tensor(np.interp(0.3125, [0.25, 0.5], [1, 2]))
    expected = (2 - at) * embedded[1] + (at - 1) * embedded[2]
    got = assemble(video, images, [0.3125])[0, 10:]
    torch.testing.assert_close(got, expected.float(), rtol=1e-4, atol=1e-5)
    condition.sum().backward()
    assert all(p.grad is not None for p in images.parameters())


def test_a_line_longer_than_its_video():
    images = MouthImages(8, crop=16)
    video = observe(
        drawn([(80, 60)] * 3), rate=24.0, camera=np.array([0, 0, 0, 0, 0, 0, 1.0]),
        pixel=(80, 60), tracker=load_tracker("lucas-kanade"), embedder=images,
    )  # fmt: skip
    with pytest.raises(ValidationError, match=r"lasts from 0 to 0\.083 s.*0\.500"):
        assemble(video, images, [0.0, 0.5])


def test_the_whole_road_from_a_path_in_space():
    """A pose, seen by a camera, tracked, assembled: the mouth's column says its azimuth."""
    pose = sd.Pose.line((2, 0.5, 0), (2, -0.5, 0), duration=1.0)
    camera = Camera(size=SIZE)
    truth, _ = camera.project(pose.positions_at(np.arange(25) / 24))
    images = MouthImages(4, crop=16)
    video = observe(
        drawn(truth), rate=24.0, camera=camera.condition(), pixel=truth[0],
        tracker=load_tracker("lucas-kanade"), embedder=images,
    )  # fmt: skip
    times = geometry.frame_times(180)
    column = assemble(video, images, times)[:, 7].detach().numpy()
    seen = np.arctan(-column * np.tan(np.deg2rad(30)))
    azimuth = pose.at(times).azimuth.values
    assert np.abs(seen - azimuth).max() < 0.01


@pytest.mark.slow
def test_clip_from_a_folder(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("PIL")
    config = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        image_size=32, patch_size=16,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.CLIPVisionModel(config).save_pretrained(tmp_path)
    transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(tmp_path)
    clip = ClipImages(str(tmp_path), width=16)
    frames = drawn([(80, 60), (40, 60)])
    prepared = clip.prepare(frames, np.zeros((2, 2)))
    assert prepared.shape == (2, 3, 32, 32)
    out = clip(torch.from_numpy(prepared))
    assert out.shape == (2, 16)
    torch.testing.assert_close(out[1:], clip(torch.from_numpy(prepared[1:])), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValidationError, match="image_width=16"):
        ClipImages(str(tmp_path), width=768).prepare(frames, np.zeros((2, 2)))
