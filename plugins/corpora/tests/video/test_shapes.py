"""Ellipsoids and rooms against closed forms."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from spatialdrama_corpora.video import Appearance, Camera, project
from spatialdrama_corpora.video.figure import build
from spatialdrama_corpora.video.quadrics import Ellipsoid, Grid
from spatialdrama_corpora.video.surroundings import surroundings

from spatialdrama.errors import ValidationError
from spatialdrama.types import Room


def test_a_ball_has_the_outline_and_depth_of_a_ball():
    camera = Camera(focal_px=300.0, size=(320, 240))
    view = Ellipsoid(np.eye(3), np.array([2.0, 0, 0]), np.full(3, 0.5)).seen_by(camera)
    radius = 300 * 0.5 / np.sqrt(2**2 - 0.5**2)
    left, top, right, bottom = view.box(camera)
    assert (left, right) == (np.floor(160 - radius), np.ceil(160 + radius))
    assert (top, bottom) == (np.floor(120 - radius), np.ceil(120 + radius))
    grid = Grid.of(camera, (0, 0, 320, 240), 2)
    depth = view.depth(grid.left, grid.up)
    hit = np.isfinite(depth)
    assert hit.sum() / 4 == pytest.approx(np.pi * radius**2, rel=2e-3)
    assert depth.min() == pytest.approx(1.5, abs=1e-4)
    axis = view.depth(np.zeros(1), np.zeros(1))
    assert axis[0, 0] == pytest.approx(1.5)
    assert view.far_depth(np.zeros(1), np.zeros(1), axis[0])[0] == pytest.approx(2.5)


def test_points_on_a_turned_ellipsoid_are_found_on_it():
    rng = np.random.default_rng(1)
    for _ in range(10):
        turn = Rotation.random(rng=rng).as_matrix()
        centre = rng.normal(size=3) + np.array([4.0, 0, 0])
        body = Ellipsoid(turn, centre, rng.uniform(0.1, 0.8, 3))
        aim = Rotation.from_euler("ZYX", rng.uniform(-0.3, 0.3, 3)).as_quat()
        camera = Camera(rng.normal(size=3) * 0.2, aim, 200.0, (400, 400))
        sphere = rng.normal(size=(500, 3))
        sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
        points = body.centre + (sphere * body.half) @ turn
        outward = (sphere / body.half) @ turn
        near = np.sum(outward * (camera.position - points), axis=1) > 1e-3
        pixels, deep = project(camera, points)
        view = body.seen_by(camera)
        a, b = (200 - pixels[:, 0]) / 200, (200 - pixels[:, 1]) / 200
        found = np.array([view.depth(a[i : i + 1], b[i : i + 1])[0, 0] for i in range(500)])
        assert np.allclose(found[near], deep[near])
        left, top, right, bottom = view.box(camera)
        inside = (pixels >= [left, top]) & (pixels <= [right, bottom])
        assert inside.all() or min(left, top) == 0 or max(right, bottom) == 400


@pytest.mark.parametrize("opening", [0.0, 0.5, 1.0])
def test_the_mouth_lies_on_the_face(opening):
    turn = Rotation.from_euler("ZY", [2.6, 0.2])
    place = np.array([1.2, -0.4, 0.3])
    figure = build(place, turn.as_quat(), Appearance.of(0), opening=opening)
    ahead = turn.apply([1, 0, 0])
    camera = Camera.looking_at(place + 0.7 * ahead, place)
    depths = [p.body.seen_by(camera).depth(np.zeros(1), np.zeros(1))[0, 0] for p in figure.parts]
    assert min(depths) == pytest.approx(0.7, abs=1e-9)  # nothing of the figure is in front of it
    assert figure.parts[int(np.argmin(depths))].kind == "jaw"


def test_the_body_stays_upright_and_stands_on_the_floor():
    for pitch in (-1.5, -0.4, 0.0, 0.9, 1.57):
        turn = Rotation.from_euler("ZY", [0.7, pitch])
        figure = build(np.zeros(3), turn.as_quat(), Appearance.of(0), floor=-1.6)
        shoes = [part.body for part in figure.parts if part.kind == "shoe"]
        assert len(shoes) == 2
        for shoe in shoes:
            assert np.allclose(shoe.frame[2], [0, 0, 1])
            assert shoe.centre[2] - shoe.half[2] == pytest.approx(-1.6, abs=0.02)
            assert shoe.frame[0] @ [np.cos(0.7), np.sin(0.7), 0] == pytest.approx(1, abs=1e-9)


def test_who_is_low_sits():
    kinds = [p.kind for p in build(np.zeros(3), (0, 0, 0, 1), Appearance.of(0), floor=-1.0).parts]
    assert "stool" in kinds
    assert "stool" not in [
        p.kind for p in build(np.zeros(3), (0, 0, 0, 1), Appearance.of(0), floor=-1.5).parts
    ]


def test_walls_stand_where_the_room_has_them():
    room = Room((6, 5, 3), rt60=0.4, listener=(2.0, 2.0, 1.2))
    camera = Camera((0.5, 0.3, 0.2), focal_px=120.0, size=(256, 192))
    seen = surroundings(camera, room)
    assert seen.floor == pytest.approx(-1.2)
    # The wall ahead is at x = 4: its middle, 3.5 m away, and still so beside it.
    assert seen.depth[96, 128] == pytest.approx(3.5)
    assert seen.depth[96, 100] == pytest.approx(3.5)
    # Where floor and wall ahead meet: z = -1.2, 3.5 m away.
    edge = round(96 + 120 * 1.4 / 3.5)
    assert seen.depth[edge - 2, 128] == pytest.approx(3.5)
    assert seen.depth[edge + 2, 128] < 3.4
    assert np.isnan(seen.ground[edge - 2, 128]).all()
    assert np.isfinite(seen.ground[edge + 2, 128]).all()
    # The wall on the left is at y = 3: 2.7 m aside, so that depth is focal x 2.7 / column offset.
    assert seen.depth[96, 2] == pytest.approx(120 * 2.7 / (128 - 2.5), rel=2e-3)


@pytest.mark.parametrize("room", [None, Room((6, 5, 3), rt60=0.4)])
def test_every_place_on_the_floor_is_seen_where_it_is(room):
    camera = Camera.looking_at((-1, 0.4, 0.5), (1.5, 0, -1.0), size=(64, 48))
    seen = surroundings(camera, room)
    rows, columns = np.nonzero(np.isfinite(seen.ground[..., 0]) & (seen.depth < 6))
    assert len(rows) > 300
    places = np.concatenate(
        [seen.ground[rows, columns], np.full((len(rows), 1), seen.floor)], axis=1
    )
    pixels, _ = project(camera, places)
    assert np.abs(pixels - np.stack([columns, rows], axis=1) - 0.5).max() < 0.15


def test_a_camera_outside_the_room_is_refused():
    room = Room((6, 5, 3), rt60=0.4)
    with pytest.raises(ValidationError, match="not inside the room"):
        surroundings(Camera((3.1, 0, 0)), room)


def test_pictures_have_texture_everywhere_for_trackers():
    for seed in range(3):
        for room in (None, Room((6, 5, 3), rt60=0.4)):
            picture = surroundings(Camera((0, 0, 0)), room, seed).picture.mean(axis=2)
            blocks = picture[: 192 // 32 * 32, : 256 // 32 * 32].reshape(6, 32, 8, 32)
            assert np.median(blocks.std(axis=(1, 3))) > 2.0, (seed, room)
