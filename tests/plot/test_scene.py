"""Scene and trajectory: what is where, on which side, with which words."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Circle

import spatialdrama as sd
from spatialdrama.plot import places
from spatialdrama.plot.style import new_picture


def _axes():
    return new_picture(4, 4, "light").add_subplot()


def _pixels(ax, point):
    return ax.transData.transform(point)


def test_left_is_left_and_forward_is_up():
    scene = sd.Scene(speakers={"left": sd.Pose.fixed((0, 1, 0)), "front": sd.Pose.fixed((1, 0, 0))})
    ax = _axes()
    view = sd.plot.top_view(scene, ax=ax)
    left = _pixels(ax, view.badges["left"].get_position())
    front = _pixels(ax, view.badges["front"].get_position())
    origin = _pixels(ax, (0, 0))
    assert left[0] < origin[0] - 10
    assert front[1] > origin[1] + 10
    assert front[0] == pytest.approx(origin[0])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("y left / m", "x forward / m")


def test_nose_points_where_the_listener_looks():
    turned = sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0))  # to the left
    scene = sd.Scene(speakers={"A": sd.Pose.fixed((2, 0, 0))}, listener=turned)
    ax = _axes()
    view = sd.plot.top_view(scene, ax=ax)
    nose = next(p for p in view.head if type(p).__name__ == "Polygon")
    tip = nose.get_xy()[1]  # (y, x)
    assert tip[0] > 0.05
    assert tip[1] == pytest.approx(0, abs=1e-9)


def test_walls_stand_where_the_room_has_them():
    room = sd.Room((6, 5, 3), rt60=0.3, listener=(1.0, 2.0, 1.2))
    scene = sd.Scene(room, {"A": sd.Pose.fixed((1, 0, 0))})
    top = sd.plot.top_view(scene, ax=_axes()).walls.get_bbox()
    assert (top.y0, top.y1) == (-1.0, 5.0)  # x forward
    assert sorted([top.x0, top.x1]) == [-2.0, 3.0]  # y left
    side = sd.plot.side_view(scene, ax=_axes()).walls.get_bbox()
    assert (side.y0, side.y1) == pytest.approx((-1.2, 1.8))  # z up


def test_heights_show_in_the_side_view():
    scene = sd.Scene(speakers={"A": sd.Pose.fixed((1, 0.5, 0.7))})
    badge = sd.plot.side_view(scene, ax=_axes()).badges["A"]
    assert badge.get_position() == (0.5, 0.7)


def test_rings_are_labelled_with_their_radius():
    ax = _axes()
    sd.plot.top_view(sd.Scene(speakers={"A": sd.Pose.fixed((3, 0, 0))}), ax=ax)
    radii = {p.radius for p in ax.patches if isinstance(p, Circle)}
    labels = [t for t in ax.texts if t.get_text().endswith(" m")]
    assert labels
    for label in labels:
        y, x = label.get_position()
        radius = float(label.get_text()[:-2])
        assert np.hypot(x, y) == pytest.approx(radius)
        assert radius in radii


def test_talking_thickens_the_right_part_of_the_path():
    pose = sd.Pose.line((2, -1, 0), (2, 1, 0), duration=10)
    scene = sd.Scene(speakers={"A": pose})
    script = sd.Script([sd.Line("A", "Now.", start=2.0, end=5.0)])
    path = sd.plot.top_view(scene, ax=_axes(), script=script).paths["A"]
    whole, part = (p.vertices for p in path.get_paths())
    assert whole[[0, -1], 0].tolist() == pytest.approx([-1, 1])
    assert part[[0, -1], 0].tolist() == pytest.approx([-0.6, 0.0], abs=0.01)
    thin, thick = path.get_linewidths()
    assert thick > 2 * thin


def test_time_strokes_stand_where_the_speaker_is_then():
    pose = sd.Pose.line((2, -1, 0), (2, 1, 0), duration=10)
    ax = _axes()
    sd.plot.top_view(sd.Scene(speakers={"A": pose}), ax=ax)
    strokes = {t.get_text(): t.get_position()[0] for t in ax.texts if t.get_text().endswith(" s")}
    assert strokes
    for text, y in strokes.items():
        when = float(text[:-2])
        assert y == pytest.approx(pose.positions_at([when])[0, 1], abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_scene_figure_has_both_views_and_words(drama, theme):
    picture = sd.plot.scene(drama.scene, script=drama.script, theme=theme)
    top, side, legend = picture.axes
    assert top.get_ylabel() == "x forward / m"
    assert (side.get_xlabel(), side.get_ylabel()) == ("y left / m", "z up / m")
    assert top.get_xlim() == side.get_xlim()
    assert top.get_xlim()[0] > top.get_xlim()[1]
    words = [t.get_text() for t in legend.texts]
    assert "stands 1.5 m away, 70° left" in words
    assert "line 1" in words
    assert "ANNA stands 1.5 m away" in picture.alt
    assert picture.get_facecolor()[:3] == pytest.approx(
        (1, 1, 1) if theme == "light" else (0.082, 0.09, 0.106), abs=0.01
    )


def test_scene_draws_into_axes_it_is_given(drama):
    ax = _axes()
    assert sd.plot.scene(drama.scene, ax=ax) is ax.figure
    assert len(ax.figure.axes) == 1


def test_saving_is_repeatable(tmp_path, drama):
    first, second = (sd.plot.scene(drama.scene).svg() for _ in range(2))
    assert first == second
    path = sd.plot.save_scene(drama, tmp_path / "scene.png")
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_words_for_paths():
    assert places.describe(sd.Pose.line((1, 1, -0.5), (1, -1, 0.5), duration=4)) == [
        "moves 2.2 m, 0.0 to 4.0 s",
        "from 1.5 m away, 45° left",
        "to 1.5 m away, 45° right",
        "0.5 m below to 0.5 m above the ears",
    ]


def test_trackers_jitter_is_standing():
    jitter = np.random.default_rng(0).normal([1.0, 0.5, 0.0], 0.003, (200, 3))
    pose = sd.Pose.from_samples(np.arange(200) / 20, jitter)
    assert places.track(pose).moving is None


def test_trajectory_curves_are_the_poses_own():
    picture = sd.plot.trajectory(sd.Pose.line((1, 2, 0), (1, -2, 0), duration=8))
    azimuth, elevation, distance, speed = (ax.lines[0] for ax in picture.axes)
    t = azimuth.get_xdata()
    at = np.searchsorted(t, 2.0)
    y = 2 - 0.5 * t[at]
    assert azimuth.get_ydata()[at] == pytest.approx(np.degrees(np.arctan2(y, 1)))
    assert np.abs(elevation.get_ydata()).max() == pytest.approx(0)
    assert distance.get_ydata()[at] == pytest.approx(np.hypot(1, y))
    # d|r|/dt = y y' / |r|: approaching at first.
    assert speed.get_ydata()[at] == pytest.approx(-0.5 * y / np.hypot(1, y), abs=0.005)
    assert [ax.get_ylabel() for ax in picture.axes] == [
        "azimuth / °",
        "elevation / °",
        "distance / m",
        "velocity / (m/s)",
    ]


def test_trajectory_is_what_a_turning_listener_hears():
    turned = sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    scene = sd.Scene(speakers={"A": sd.Pose.fixed((2, 0, 0))}, listener=turned)
    azimuth = sd.plot.trajectory(scene).axes[0].lines[0].get_ydata()
    assert azimuth == pytest.approx(-90)


def test_azimuth_has_no_stroke_through_the_front_when_it_wraps_behind():
    picture = sd.plot.trajectory(sd.Pose.circle(radius=1.5, duration=8))
    azimuth = picture.axes[0].lines[0].get_ydata()
    steps = np.abs(np.diff(azimuth))
    assert np.isnan(azimuth).any()
    assert np.nanmax(steps) < 10


def test_a_measured_room_has_no_walls_to_draw_and_says_what_it_is():
    scene = sd.Scene(sd.Room.measured("hall.wav"), {"A": sd.Pose.fixed((2, 1, 0))})
    picture = sd.plot.scene(scene)
    words = " ".join(t.get_text() for ax in picture.axes for t in ax.texts)
    assert "hall.wav" in words
    assert "measured" in words
    assert "svg" in scene._repr_mimebundle_()["text/html"]
