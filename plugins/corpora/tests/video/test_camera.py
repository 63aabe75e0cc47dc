"""Projection against closed forms, and what a camera refuses."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from spatialdrama_corpora.video import Camera, in_view, project, video_prompt

from spatialdrama.errors import ValidationError
from spatialdrama.types import VideoPrompt, rotations


def test_similar_triangles():
    camera = Camera(focal_px=200.0, size=(320, 240))
    pixels, depth = project(camera, [(4, 0, 0), (4, 1, 0), (4, 0, 1), (2, -1, -0.5)])
    # y is the picture's left and z its top; rows count down.
    assert pixels.tolist() == [[160, 120], [110, 120], [160, 70], [260, 170]]
    assert depth.tolist() == [4, 4, 4, 2]


def test_turned_cameras():
    half = np.sqrt(0.5)
    left = Camera((1, 1, 1), (0, 0, half, half), focal_px=100.0, size=(200, 200))  # looks along +y
    pixels, depth = project(left, [(1, 3, 1), (2, 3, 1), (1, 3, 2)])
    assert np.allclose(pixels, [[100, 100], [150, 100], [100, 50]])
    assert np.allclose(depth, 2)
    rolled = Camera((0, 0, 0), (half, 0, 0, half), focal_px=100.0, size=(200, 200))
    # After +90 degrees about x the picture's left is the scene's up, and its top the scene's right.
    assert np.allclose(project(rolled, [(1, 0, 0.5), (1, 0.5, 0)])[0], [[50, 100], [100, 150]])


def test_any_camera_agrees_with_a_rotation_matrix():
    rng = np.random.default_rng(0)
    turn = Rotation.random(rng=rng)
    place, points = rng.normal(size=3), rng.normal(size=(50, 3)) * 4
    camera = Camera(place, turn.as_quat(), focal_px=311.0, size=(320, 240))
    pixels, depth = project(camera, points)
    x, y, z = turn.inv().as_matrix() @ (points - place).T
    assert np.allclose(depth, x)
    front = x > 0
    assert np.allclose(pixels[front, 0], 160 - 311 * y[front] / x[front])
    assert np.allclose(pixels[front, 1], 120 - 311 * z[front] / x[front])
    assert np.isnan(pixels[~front]).all()
    assert (~front).any()
    assert front.any()


def test_behind_and_off_the_picture():
    camera = Camera(focal_px=100.0, size=(200, 100))
    points = [(1, 0, 0), (1, 1.01, 0), (1, 0.99, 0), (1, 0, -0.6), (-1, 0, 0), (0, 0, 0)]
    pixels, depth = project(camera, points)
    assert in_view(camera, points).tolist() == [True, False, True, False, False, False]
    assert np.allclose(pixels[1], [-1, 50])  # off the picture, but known
    assert np.isnan(pixels[4:]).all()
    assert depth[4] == -1


def test_it_is_sixty_degrees_wide_unless_told():
    camera = Camera(size=(300, 200))
    edge = (np.cos(np.pi / 6), np.sin(np.pi / 6), 0)
    assert np.allclose(project(camera, [edge])[0], [[0, 100]])


def test_looking_at_has_its_target_in_the_middle_and_no_roll():
    camera = Camera.looking_at((1, -2, 0.5), (3, 4, 1.5), size=(256, 192))
    assert np.allclose(project(camera, [(3, 4, 1.5)])[0], [[128, 96]])
    above = project(camera, [(3, 4, 1.6)])[0]
    assert above[0, 0] == pytest.approx(128)
    assert above[0, 1] < 96
    with pytest.raises(ValidationError, match="own place"):
        Camera.looking_at((1, 0, 0), (1, 0, 0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"orientation": (0, 0, 0, 2)}, "unit quaternion"),
        ({"orientation": (0, 0, 1)}, "unit quaternion"),
        ({"focal_px": 0}, "focal_px"),
        ({"size": (256.5, 192)}, "whole pixels"),
        ({"rate": -24}, "rate"),
        ({"position": (0, 0)}, "position"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValidationError, match=said):
        Camera(**wrong)


def test_points_of_another_shape():
    with pytest.raises(ValidationError, match=r"\(t, 3\)"):
        project(Camera(), [[1.0, 2.0]])


def test_a_dictionary_holds_all():
    camera = Camera((0, 1, 2), rotations.facing(np.array([1, 2, 0.3]))[0], 123.0, (320, 240), 25)
    assert Camera.from_dict(camera.to_dict()) == camera
    with pytest.raises(ValidationError, match="'fov'"):
        Camera.from_dict({"fov": 60})


def test_a_prompt_says_where_the_camera_is_and_which_pixel():
    camera = Camera((0, 0, 0.1), size=(320, 240), rate=25)
    prompt = video_prompt("a.mp4", camera, [[12.7, 5.2], [99, 99]])
    assert isinstance(prompt, VideoPrompt)
    assert prompt.speaker_pixel == (12, 5)
    assert prompt.rate == 25
    assert prompt.camera_position.tolist() == [0, 0, 0.1]
    for outside in ((320, 5), (-0.1, 5), (np.nan, np.nan)):
        with pytest.raises(ValidationError, match="is not in a picture of 320 x 240"):
            video_prompt("a.mp4", camera, outside)
