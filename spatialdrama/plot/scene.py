"""The scene from above, from behind, and in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, Polygon, Rectangle
from matplotlib.ticker import MaxNLocator

from spatialdrama.conventions import HEAD_RADIUS
from spatialdrama.plot import places
from spatialdrama.plot.style import (
    Speaker,
    Theme,
    badge,
    cast,
    dress,
    halo,
    house_style,
    new_picture,
    plain,
    shortened,
    step_for,
    theme,
    title,
)  # fmt: skip
from spatialdrama.types import Drama, Scene, Script

#: inches
_MAP, _LEGEND, _EDGE = 4.7, 2.6, 0.62
_TALLEST = 5.6

Put = Callable[[np.ndarray], tuple[Any, Any]]


class View(NamedTuple):
    """Artists of one view: ``walls``, ``head`` (list), ``paths``, ``badges`` by speaker."""

    walls: Rectangle | None
    head: list[Any]
    paths: dict[str, Any]
    badges: dict[str, Any]


def scene(
    scene: Scene,
    *,
    ax: Axes | None = None,
    script: Script | None = None,
    theme: str = "light",
) -> Figure:
    """Draw a scene: top view with trajectories, the view from behind for heights, and a legend.

    Parameters
    ----------
    scene : Scene
    ax : Axes, optional
        Draw the top view alone, into these axes.
    script : Script, optional
        A timed script thickens the parts of a path on which its speaker talks.
    theme : "light" or "dark"

    Returns
    -------
    Picture
        Or, with `ax`, its figure.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> where = sd.Scene(sd.Room((6, 5, 3), rt60=0.35), {"ANNA": sd.Pose.fixed((1, 1, 0))})
    >>> picture = sd.plot.scene(where)
    >>> [a.get_xlabel() for a in picture.axes[:2]]
    ['', 'y left / m']
    """
    if ax is not None:
        top_view(scene, ax=ax, script=script, theme=theme)
        return ax.figure
    look = _theme(theme)
    low, high = extent(scene)
    span = high - low
    scale = min(_MAP / span[1], _TALLEST / span[0])
    wide, tall, strip = span[1] * scale, span[0] * scale, max(span[2] * scale, 0.7)
    people = cast(scene.speakers, look)
    rows = _legend_rows(scene, script, people)
    width = _EDGE + wide + 0.3 + _LEGEND
    height = max(0.3 + tall + 0.5 + strip + 0.55, 0.45 + 0.175 * len(rows))
    with house_style(look):
        figure = new_picture(width, height, look, _alt(scene, script))

        def box(left: float, bottom: float, w: float, h: float) -> Axes:
            return figure.add_axes((left / width, bottom / height, w / width, h / height))

        top = box(_EDGE, height - 0.3 - tall, wide, tall)
        side = box(_EDGE, height - 0.3 - tall - 0.5 - strip, wide, strip)
        top_view(scene, ax=top, script=script, theme=theme)
        side_view(scene, ax=side, script=script, theme=theme)
        top.set_xlabel("")
        _legend(box(_EDGE + wide + 0.3, 0, _LEGEND, height), rows, people, look, height)
    return figure


def save_scene(drama: Drama, path: Any, *, theme: str = "light") -> Path:
    """Write the scene of `drama`, its talking marked, as ``.png``, ``.svg`` or ``.pdf``.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> drama = sd.Drama.load("out/demo")                                # doctest: +SKIP
    >>> sd.plot.save_scene(drama, "scene.svg")                           # doctest: +SKIP
    PosixPath('scene.svg')
    """
    return scene(drama.scene, script=drama.script, theme=theme).save(path)


def top_view(scene: Scene, *, ax: Axes, script: Script | None = None, theme: str = "light") -> View:
    """Draw the scene from above: x (forward) up, y (left) to the left, in metres.

    Parameters
    ----------
    scene : Scene
    ax : Axes
    script, theme
        As in :func:`scene`.

    Returns
    -------
    View
        Its artists.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> from spatialdrama.plot.style import new_picture
    >>> ax = new_picture(4, 4, "light").add_subplot()
    >>> view = sd.plot.top_view(sd.Scene(speakers={"A": sd.Pose.fixed((1, 0.5, 0))}), ax=ax)
    >>> view.badges["A"].get_position()       # left of the middle: the y axis is turned round
    (0.5, 1.0)
    """
    look = _theme(theme)
    low, high = extent(scene)
    dress(ax, look, box=True)
    ax.set_xlim(high[1], low[1])
    ax.set_ylim(low[0], high[0])
    ax.set_aspect("equal")
    ax.set_xlabel("y left / m")
    ax.set_ylabel("x forward / m")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    title(ax, "From above", look)
    _rings(ax, low, high, look)
    walls = _walls(ax, scene, (1, 0), look)
    size = max(HEAD_RADIUS, 0.02 * float(np.max((high - low)[:2])))
    head = _heads(ax, scene, size, look)
    return _speakers(ax, scene, script, look, lambda p: (p[..., 1], p[..., 0]), size, walls, head)


def side_view(
    scene: Scene, *, ax: Axes, script: Script | None = None, theme: str = "light"
) -> View:
    """Draw the scene from behind the listener: left is left, z (up) is up, in metres.

    Heights are invisible from above; this strip shares the top view's horizontal axis.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> from spatialdrama.plot.style import new_picture
    >>> ax = new_picture(4, 2, "light").add_subplot()
    >>> view = sd.plot.side_view(sd.Scene(speakers={"A": sd.Pose.fixed((1, 0.5, 0.3))}), ax=ax)
    >>> view.badges["A"].get_position()
    (0.5, 0.3)
    """
    look = _theme(theme)
    low, high = extent(scene)
    dress(ax, look, box=True)
    ax.set_xlim(high[1], low[1])
    ax.set_ylim(low[2], high[2])
    ax.set_aspect("equal")
    ax.set_xlabel("y left / m")
    ax.set_ylabel("z up / m")
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    title(ax, "From behind: heights", look)
    ax.axhline(0, color=look.grid, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    walls = _walls(ax, scene, (1, 2), look)
    size = max(HEAD_RADIUS, 0.02 * float(np.max((high - low)[:2])))
    head = [Ellipse((0, 0), 2 * size, 2.4 * size, fc=look.paper, ec=look.ink, lw=1.3, zorder=4)]
    for y in (-size, size):
        head.append(Ellipse((y, 0), 0.45 * size, 0.8 * size, fc=look.ink, ec="none", zorder=4))
    for part in head:
        ax.add_patch(part)
    return _speakers(ax, scene, script, look, lambda p: (p[..., 1], p[..., 2]), size, walls, head,
                     ticks=False)  # fmt: skip


_theme = theme  # the functions above have an argument of this name


def extent(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    poses = [s.pose for s in scene.speakers.values()]
    if scene.listener is not None:
        poses.append(scene.listener)
    points = [np.zeros((1, 3))] + [places.track(p).points for p in poses]
    room = scene.room
    if room.is_shoebox:
        points.append(np.array(room.bounds))
    stack = np.concatenate(points)
    low, high = stack.min(0), stack.max(0)
    pad = (0.04 if room.is_shoebox else 0.12) * float(np.max((high - low)[:2]))
    pad = max(pad, 0.1)
    low, high = low - pad, high + pad
    if not room.is_shoebox:
        least = np.array([1.0, 1.0, 0.4])
        low, high = np.minimum(low, -least), np.maximum(high, least)
    return low, high


def _rings(ax: Axes, low: np.ndarray, high: np.ndarray, look: Theme) -> None:
    reach = float(np.max(np.abs([low[:2], high[:2]])))
    margin = 0.1 * float(np.min((high - low)[:2]))  # keeps labels off the walls
    step = step_for(reach, 5)
    for i in range(1, int(np.hypot(reach, reach) / step) + 1):
        r = i * step
        ax.add_patch(Circle((0, 0), r, fill=False, ec=look.grid, lw=0.8, zorder=1))
        # Behind and to the right, where scenes are emptiest; elsewhere in a narrow room.
        for azimuth in (-158, -90, 90, 0):
            x, y = r * np.cos(np.radians(azimuth)), r * np.sin(np.radians(azimuth))
            if np.all(low[:2] + margin < (x, y)) and np.all((x, y) < high[:2] - margin):
                ax.text(y, x, f"{r:g} m", fontsize=7, color=look.soft, ha="center", va="center",
                        path_effects=halo(look, 3), zorder=1.5)  # fmt: skip
                break


def _walls(ax: Axes, scene: Scene, axes: tuple[int, int], look: Theme) -> Rectangle | None:
    if not scene.room.is_shoebox:
        return None
    low, high = (np.array(b)[list(axes)] for b in scene.room.bounds)
    patch = Rectangle(low, *(high - low), fill=False, ec=look.ink, lw=1.8, zorder=2,
                      joinstyle="miter")  # fmt: skip
    return ax.add_patch(patch)


def _heads(ax: Axes, scene: Scene, size: float, look: Theme) -> list[Any]:
    """The listener's head from above; one that moves or turns is drawn where it ends, too."""
    if scene.listener is None:
        return _head(ax, np.zeros(2), 0.0, size, look)
    t = places.track(scene.listener)
    parts = [*ax.plot(t.points[:, 1], t.points[:, 0], color=look.ink, lw=1.0, ls=":", zorder=2)]
    yaw = np.arctan2(t.mouth[:, 1], t.mouth[:, 0])
    turned = np.ptp(np.unwrap(yaw)) > np.radians(5)
    last = (-1,) if t.moving is not None or turned else ()
    for i in (0, *last):
        parts += _head(ax, t.points[i, :2], yaw[i], size, look, faint=bool(last) and i == 0)
    return parts


def _head(
    ax: Axes, at: np.ndarray, yaw: float, size: float, look: Theme, *, faint: bool = False
) -> list[Any]:
    c, s = np.cos(yaw), np.sin(yaw)

    def put(forward: float, left: float) -> tuple[float, float]:
        x, y = at[0] + forward * c - left * s, at[1] + forward * s + left * c
        return y, x

    alpha = 0.45 if faint else 1.0
    options = {"fc": look.paper, "ec": look.ink, "lw": 1.3, "zorder": 4, "alpha": alpha}
    corners = [put(f * size, s * size) for f, s in ((0.85, 0.35), (1.6, 0.0), (0.85, -0.35))]
    nose = Polygon(corners, closed=True, **options)
    # Matplotlib turns ellipses counter-clockwise in (y, x), where yaw runs the other way round.
    ears = [Ellipse(put(0, side * size), 0.45 * size, 0.8 * size, angle=-np.degrees(yaw),
                    fc=look.ink, ec="none", zorder=4, alpha=alpha) for side in (1, -1)]  # fmt: skip
    face = Circle(put(0, 0), size, **options)
    return [ax.add_patch(p) for p in (nose, *ears, face)]


def _speakers(
    ax: Axes, scene: Scene, script: Script | None, look: Theme, put: Put, size: float,
    walls: Rectangle | None, head: list[Any], *, ticks: bool = True,
) -> View:  # fmt: skip
    view = View(walls, head, {}, {})
    taken: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for name, who in cast(scene.speakers, look).items():
        pose = scene.source(name).pose
        t = places.track(pose)
        place = np.array(put(t.points[0]), float)
        at = place
        while any(np.linalg.norm(at - other) < 2.2 * size for other in taken):
            at = at + np.array([-2.3 * size, 0.0])  # two who start at one place are both seen
        taken.append(at)
        if at is not place:  # a thread back to where the speaker really is
            ax.plot(*np.stack([place, at]).T, color=who.colour, lw=1.0, zorder=3)
        view.paths[name] = _path(ax, t, who, put, _talking(script, name, t))
        if ticks:
            labels += _mouths(ax, t, who, put, size, at)
            if t.moving is not None:
                _time_ticks(ax, t, put, size, look, labels)
        view.badges[name] = badge(ax, *map(float, at), who)
    return view


def _talking(script: Script | None, name: str, t: places.Track) -> np.ndarray:
    talking = np.zeros(len(t.times), bool)
    for _, start, end in places.spoken(script, name):
        talking |= (t.times >= start) & (t.times <= end)
    return talking


def _path(ax: Axes, t: places.Track, who: Speaker, put: Put, talking: np.ndarray) -> Any:
    if t.moving is None:
        return None
    h, v = put(t.points)
    curve = np.stack([h, v], axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], talking, [0]])))
    runs = [curve[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]
    lines = LineCollection(
        [curve, *runs], colors=who.colour, linewidths=[1.5] + [3.8] * len(runs),
        capstyle="round", joinstyle="round", zorder=3,
    )  # fmt: skip
    ax.add_collection(lines, autolim=False)
    gone = np.hypot(h - h[-1], v - v[-1])
    if (far := np.flatnonzero(gone > 1e-3)).size:
        before = far[-1]
        ax.add_patch(FancyArrowPatch(
            (h[before], v[before]), (h[-1], v[-1]), arrowstyle="-|>", mutation_scale=19,
            shrinkA=0, shrinkB=0, color=who.colour, lw=1.5, zorder=5,
        ))  # fmt: skip
    return lines


def _time_ticks(
    ax: Axes, t: places.Track, put: Put, size: float, look: Theme, labels: list[np.ndarray]
) -> None:
    """Short strokes across the path at round times, labelled in seconds on the emptier side.

    `labels` holds the places of the labels so far, of this path and the others.
    """
    first, last = t.moving or (0.0, 0.0)
    flat = np.stack(put(t.points), axis=1)
    length = float(np.linalg.norm(np.diff(flat, axis=0), axis=1).sum())
    most = min(6, int(length / (5 * size)))  # a short path has no room for many labels
    if most < 1:
        return
    step = step_for(last - first, most)
    times = np.arange(np.ceil(first / step + 1e-6) * step, last - 0.15 * step, step)
    for when in times:
        i = int(np.clip(np.searchsorted(t.times, when), 1, len(t.times) - 1))
        share = (when - t.times[i - 1]) / (t.times[i] - t.times[i - 1])
        a, b = (np.array(put(t.points[j]), float) for j in (i - 1, i))
        along = b - a
        if np.linalg.norm(along) < 1e-9:
            continue  # stands still at this time
        across = np.array([-along[1], along[0]]) / np.linalg.norm(along) * size
        at = a + share * (b - a)
        ax.plot(*zip(at - across * 0.55, at + across * 0.55, strict=True), color=look.ink, lw=1.1,
                zorder=4)  # fmt: skip
        sides = [at + across * 1.45, at - across * 1.45]
        room = [min((np.linalg.norm(x - o) for o in labels), default=np.inf) for x in sides]
        place = sides[0] if room[0] > min(4 * size, room[1]) else sides[1]
        labels.append(place)
        ax.text(*place, f"{when:g} s", fontsize=6.5, color=look.ink, ha="center",
                va="center", path_effects=halo(look), zorder=5, clip_on=True)  # fmt: skip


def _mouths(
    ax: Axes, t: places.Track, who: Speaker, put: Put, size: float, start: np.ndarray
) -> list[np.ndarray]:
    """A small arrow where the mouth points: for people who stand, or walk facing elsewhere.

    Returns the arrows' ends, which labels should avoid.
    """
    ends = []
    spots = [0]
    if t.moving is not None:
        spots = list(np.linspace(0, len(t.times) - 1, 7).round().astype(int))[:-1]
    for i in spots:
        facing = np.array(put(t.mouth[i]), float)
        if np.linalg.norm(facing) < 0.2:
            continue  # looks up or down: nothing to see from here
        facing /= np.linalg.norm(facing)
        if t.moving is not None:
            j = min(i + 1, len(t.times) - 1)
            step = np.array(put(t.points[j] - t.points[i]), float)
            length = np.linalg.norm(step)
            if length > 1e-9 and facing @ step / length > np.cos(np.radians(25)):
                continue  # the arrow of the path says it already
        at = start if i == 0 else np.array(put(t.points[i]), float)
        tail, end = (at + facing * size * f for f in (1.1 if i == 0 else 0.1, 2.6))
        ends.append(end)
        ax.add_patch(FancyArrowPatch(tail, end, arrowstyle="->", mutation_scale=7, shrinkA=0,
                                     shrinkB=0, color=who.colour, lw=1.3, zorder=5))  # fmt: skip
    return ends


# -- words ------------------------------------------------------------------------------------


def _legend_rows(
    scene: Scene, script: Script | None, people: dict[str, Speaker]
) -> list[tuple[str, str]]:
    """Rows of (kind, text): kind is a speaker's name, "head", "text" or "gap"."""
    rows: list[tuple[str, str]] = []
    for name, who in people.items():
        rows.append((name, shortened(plain(name, f"speaker {who.letter}"), _LEGEND - 0.5, 9)))
        source = scene.source(name)
        words = places.describe(source.pose)
        numbers = [n for n, _, _ in places.spoken(script, name)]
        if numbers:
            words.append(f"line{'s' if len(numbers) > 1 else ''} {places.ranges(numbers)}")
        if source.gain_db:
            words.append(f"gain {source.gain_db:+g} dB")
        rows += [("text", w) for w in words] + [("gap", "")]
    rows.append(("head", "Listener"))
    rows.append(("text", "nose = forward"))
    if scene.listener is not None:
        rows += [("text", "moves or turns; faint: at the start")]
    rows += [("gap", ""), ("head", "Room")]
    if scene.room.is_free_field:
        rows.append(("text", "free field: nothing reflects"))
    else:
        rows += [("text", w.replace(" x ", " × ")) for w in repr(scene.room)[5:-1].split(", ")]
    rows += [("gap", ""), ("head", "Key")]
    keys = ["disc: start, arrow head: end", "small arrow: where the mouth points"]
    if any(places.track(s.pose).moving for s in scene.speakers.values()):
        keys.insert(1, "strokes: time in s")
        if script is not None:
            keys.insert(1, "thick: while talking")
    return rows + [("text", k) for k in keys]


def _legend(
    ax: Axes, rows: list[tuple[str, str]], people: dict[str, Speaker], look: Theme, height: float
) -> None:
    ax.set_axis_off()
    ax.set_xlim(0, _LEGEND)
    ax.set_ylim(0, height)
    y = height - 0.38
    for kind, text in rows:
        if kind == "gap":
            y -= 0.1
            continue
        if kind in people:
            badge(ax, 0.12, y, people[kind])
        bold = kind != "text"
        ax.text(0.32 if kind == "text" or kind in people else 0.0, y, text, va="center",
                fontsize=9 if bold else 8, fontweight="bold" if bold else "normal",
                color=look.ink if bold else look.soft)  # fmt: skip
        y -= 0.18


def _alt(scene: Scene, script: Script | None) -> str:
    who = "; ".join(f"{n} {', '.join(places.describe(s.pose))}" for n, s in scene.speakers.items())
    return f"Scene seen from above and from behind, {scene.room!r}: {who}."
