"""Pictures at the edges of what a camera sees, several speakers, and speakers that stay alike."""

import numpy as np
import pytest
from spatialdrama_corpora.video import Appearance, Camera, Talker, film, render_frames
from spatialdrama_corpora.video.surroundings import surroundings

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Room

ROOM = Room((6, 5, 3), rt60=0.4)


def _frames(camera, *talkers, count=1, **options):
    return np.stack(list(render_frames(camera, talkers, count, **options)))


def _empty(camera, **options):
    return _frames(camera, **options)[0].astype(int)


def test_nobody_behind_the_camera():
    camera = Camera((0, 0, 0))
    behind = Talker(Pose.fixed((-1.0, 0, 0)))
    assert np.array_equal(_frames(camera, behind, room=ROOM)[0], _empty(camera, room=ROOM))


@pytest.mark.parametrize("place", [(1.2, 0.62, 0.1), (0.5, -0.3, -0.2), (1.5, 0.0, -0.7)])
def test_a_figure_that_the_edge_cuts_is_the_same_figure(place):
    """A larger picture through the same lens shows more, and in its middle the same."""
    small, large = (Camera(focal_px=220.0, size=s) for s in ((256, 192), (512, 384)))
    who = Talker(Pose.fixed(place), [0.4], 2)
    cut, whole = _frames(small, who)[0].astype(int), _frames(large, who)[0].astype(int)
    middle = whole[96:288, 128:384]
    assert np.abs(cut - middle).max() <= 1
    drawn = np.abs(whole - _empty(large)).max(axis=2) > 8
    assert drawn[96:288, 128:384].any()  # in the picture
    drawn[96:288, 128:384] = False
    assert drawn.any()  # and beyond its edge


@pytest.mark.parametrize("distance", [0.005, 0.02, 0.05, 0.1, 0.2])
def test_very_near(distance):
    camera = Camera((0, 0, 0))
    frame = _frames(camera, Talker(Pose.fixed((distance, 0, 0)), [1.0]), room=ROOM)[0]
    assert frame.shape == (192, 256, 3)
    if distance >= 0.05:  # a mouth that fills the picture: red, dark, teeth, no wall
        changed = np.abs(frame.astype(int) - _empty(camera, room=ROOM)).max(axis=2) > 8
        assert changed.mean() > 0.4


def test_the_nearer_one_hides_the_other():
    camera = Camera((0, 0, 0))
    near, far = (Talker(Pose.fixed((d, 0, 0)), [0.0], seed) for d, seed in ((1.0, 1), (2.0, 4)))
    both = _frames(camera, near, far, room=ROOM)
    assert np.array_equal(both, _frames(camera, far, near, room=ROOM))
    alone = _frames(camera, near, room=ROOM)
    # In the middle of the face nothing of the one behind is seen.
    assert np.array_equal(both[:, 85:100, 120:136], alone[:, 85:100, 120:136])


def test_two_side_by_side_are_each_where_they_would_be_alone():
    camera = Camera((0, 0, 0))
    left, right = (Talker(Pose.fixed((1.5, y, 0)), [0.3], y > 0) for y in (0.45, -0.45))
    both = _frames(camera, left, right)[0]
    assert np.array_equal(both[:, :110], _frames(camera, left)[0][:, :110])
    assert np.array_equal(both[:, 146:], _frames(camera, right)[0][:, 146:])


def test_who_stands_behind_a_wall_is_not_seen():
    camera = Camera((0, 0, 0))
    beyond = Talker(Pose.fixed((3.6, 0, 0)))
    assert np.array_equal(_frames(camera, beyond, room=ROOM)[0], _empty(camera, room=ROOM))
    assert not np.array_equal(_frames(camera, beyond)[0], _empty(camera))


def test_seeds_look_different_and_the_same_seed_the_same():
    camera, pose = Camera((0, 0, 0)), Pose.fixed((0.8, 0, 0))
    people = {Appearance.of(seed) for seed in range(12)}
    assert len(people) == 12
    shots = [_frames(camera, Talker(pose, [0.2], seed), room=ROOM)[0] for seed in (0, 1, 0)]
    assert np.array_equal(shots[0], shots[2])
    assert np.abs(shots[0].astype(int) - shots[1]).mean() > 2
    rooms = [_empty(camera, room=ROOM, seed=seed) for seed in (0, 1, 0)]
    assert np.array_equal(rooms[0], rooms[2])
    assert np.abs(rooms[0] - rooms[1]).mean() > 5


def test_time_starts_where_it_is_told():
    camera = Camera((0, 0, 0), rate=10)
    pose = Pose.line((2, 1, 0), (2, -1, 0), duration=2.0, facing="listener")
    whole = _frames(camera, Talker(pose, np.zeros(20), 3), count=20)
    later = _frames(camera, Talker(pose, np.zeros(10), 3), count=10, start=1.0)
    # Legs and lids have their own clocks; the head does not.
    assert np.abs(whole[10:, :90].astype(int) - later[:, :90]).mean() < 0.3
    assert np.abs(whole[:10, :90].astype(int) - later[:, :90]).mean() > 1.0


def test_a_picture_that_comes_again_is_as_if_drawn_anew(monkeypatch):
    camera, pose = Camera(size=(128, 96)), Pose.fixed((1.2, 0, 0))
    opening = np.array([0.0, 0.5, 1.0, 0.5, 0.505, 0.0, 1.0, 0.5])
    drawn = []
    real = film.draw
    monkeypatch.setattr(film, "draw", lambda *a: drawn.append(1) or real(*a))
    frames = _frames(camera, Talker(pose, opening, 1), count=8)
    assert len(drawn) == 3  # 0.505 is drawn as 0.5
    alone = [_frames(camera, Talker(pose, [o], 1))[0] for o in opening]
    assert np.array_equal(frames, alone)
    # A frame belongs to whoever took it.
    taken = render_frames(camera, [Talker(pose, [0.5, 0.5], 1)], 2)
    first = next(taken)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(next(taken), kept)


def test_backgrounds_are_kept_and_cannot_be_painted_over():
    camera = Camera((0, 0, 0))
    first = surroundings(camera, ROOM, 3)
    assert surroundings(camera, ROOM, 3) is first
    with pytest.raises(ValueError, match="read-only"):
        first.picture[0] = 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Talker(Pose.fixed((1, 0, 0)), [0.5, 1.2]), "from 0"),
        (lambda: Talker(Pose.fixed((1, 0, 0)), [np.nan]), "from 0"),
        (lambda: Talker(Pose.fixed((1, 0, 0)), [[0.5]]), r"\(t,\)"),
        (lambda: Talker(Pose.fixed((1, 0, 0)), [], -1), "0 or more"),
        (lambda: next(render_frames(Camera(), [], 0)), "one frame or more"),
        (lambda: next(render_frames(Camera(), [], 1, seed=-3)), "seed must be"),
        (lambda: Appearance((0, 0, 0), *[(9, 9, 9)] * 5, style="mohawk"), "short, long"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(ValidationError, match=said):
        make()
