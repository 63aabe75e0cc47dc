"""One picture of a corpus: the paper's Figures 3 and 5 on a page, in the house's style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.patches import Circle, Polygon
from matplotlib.ticker import FuncFormatter, MaxNLocator

from spatialdrama.plot import Picture, Theme
from spatialdrama.plot import theme as _theme
from spatialdrama.plot.style import (
    dress,
    halo,
    house_style,
    new_picture,
    plain,
    shortened,
    step_for,
    title,
)

from .description import long_words
from .statistics import CELL, MOVING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .description import Description

#: inches
WIDTH, HEIGHT = 11.0, 8.1
#: Bars of dramas and of speakers that fit; the rest becomes one bar.
_DRAMAS, _SPEAKERS = 12, 24

#: Panels as (left, bottom, width, height) in inches.
_PLACES = {
    "dramas": (1.75, 5.25, 2.05, 2.3), "speakers": (4.5, 5.25, 2.2, 2.3),
    "phones": (0.65, 3.25, 6.05, 1.3), "plane": (7.4, 4.25, 3.3, 3.3), "bar": (7.4, 3.6, 3.3, 0.1),
    "speeds": (0.65, 0.55, 4.6, 1.75), "durations": (6.1, 0.55, 4.6, 1.75),
}  # fmt: skip
_STEPS = [1, 2, 2.5, 5, 10]


def picture(about: Description, *, theme: str = "light") -> Picture:
    """Draw a description; see :meth:`Description.picture`.

    Returns
    -------
    Picture
        Axes are labelled "dramas", "speakers", "phones", "plane", "speeds" and "durations".
    """
    look = _theme(theme)
    with house_style(look):
        figure = new_picture(WIDTH, HEIGHT, look, _alt(about))
        axes = {
            name: figure.add_axes(
                (left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT), label=name
            )
            for name, (left, bottom, width, height) in _PLACES.items()
        }
        bar = axes.pop("bar")
        _dramas(axes["dramas"], about, look)
        _speakers(axes["speakers"], about, look)
        _phones(axes["phones"], about, look)
        _plane(axes["plane"], bar, about, look)
        _speeds(axes["speeds"], about, look)
        _durations(axes["durations"], about, look)
        name = plain(about.facts["corpus"], "corpus")
        hours = f"{long_words(about.facts['hours'])}, {about.facts['items']} segments"
        figure.text(0.16 / WIDTH, 1 - 0.19 / HEIGHT, f"{name}: {hours}", fontsize=10.5,
                    fontweight="bold", color=look.ink, va="center")  # fmt: skip
    return figure


def _empty(ax: Axes, words: str, look: Theme) -> None:
    dress(ax, look)
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=look.soft)


def _unit(seconds: np.ndarray) -> tuple[float, str]:
    """Return seconds in the unit that suits the largest, and its name."""
    most = float(np.max(seconds, initial=0.0))
    if most >= 3600:
        return 3600.0, "hours"
    return (60.0, "minutes") if most >= 120 else (1.0, "seconds")


def _dramas(ax: Axes, about: Description, look: Theme) -> None:
    seconds = about.data["drama_seconds"].values
    names = [str(n) for n in about.data["drama"].values]
    shown = [
        (shortened(plain(n, f"drama {i}"), 1.35, 8) if n else "no drama", s)
        for i, (n, s) in enumerate(zip(names, seconds, strict=True), start=1)
    ]
    if len(shown) > _DRAMAS:
        rest = shown[_DRAMAS - 1 :]
        shown = [*shown[: _DRAMAS - 1], (f"{len(rest)} others", sum(s for _, s in rest))]
    unit, word = _unit(np.array([s for _, s in shown]))
    dress(ax, look, grid="x")
    places = np.arange(len(shown))
    ax.barh(places, [s / unit for _, s in shown], height=0.7, color=look.palette[0])
    ax.set_yticks(places, [name for name, _ in shown], fontsize=8)
    ax.set_ylim(max(len(shown), 4) - 0.5, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    ax.set_xlabel(word, fontsize=8.5)
    title(ax, f"{about.facts['dramas']} dramas", look)


def _speakers(ax: Axes, about: Description, look: Theme) -> None:
    seconds = about.data["speaker_seconds"].values
    if not about.facts["speakers"]:
        return _empty(ax, "no speakers are told", look)
    first = seconds[:_SPEAKERS]
    unit, word = _unit(first)
    dress(ax, look, grid="y")
    ax.bar(np.arange(1, len(first) + 1), first / unit, width=0.75, color=look.palette[2])
    ax.set_xlim(0.4, max(len(first), 6) + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    more = f", the first {_SPEAKERS}" if len(seconds) > _SPEAKERS else ""
    ax.set_xlabel(f"speakers by {word}{more}", fontsize=8.5)
    ax.set_ylabel(word, fontsize=8.5)
    title(ax, f"{about.facts['speakers']} speakers", look)
    return None


def _phones(ax: Axes, about: Description, look: Theme) -> None:
    count = about.data["phone_count"].values
    if not len(count):
        return _empty(ax, "no phones are told", look)
    names = [plain(str(n), "?") for n in about.data["phone"].values]
    most = 64
    dress(ax, look, grid="y")
    ax.bar(np.arange(len(count[:most])), count[:most], width=0.75, color=look.palette[1])
    size = 7.5 if len(count) <= 40 else 6.5
    turn = {"rotation": 90} if max(map(len, names[:most])) > 2 or len(count) > 40 else {}
    ax.set_xticks(np.arange(len(count[:most])), names[:most], fontsize=size, **turn)
    ax.tick_params(axis="x", length=0, pad=2)
    ax.set_xlim(-0.7, max(len(count[:most]), 12) - 0.3)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(_thousands))
    ax.set_ylabel("times", fontsize=8.5)
    more = f", the {most} commonest" if len(count) > most else ""
    title(ax, f"{len(count)} phones, {int(count.sum())} in all{more}", look)
    return None


def _thousands(value: float, _: object) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"


def _plane(ax: Axes, bar_ax: Axes, about: Description, look: Theme) -> None:
    seconds = about.data["plane_seconds"]
    if not about.facts["with_pose"]:
        bar_ax.remove()
        return _empty(ax, "no poses are told", look)
    x = seconds["x"].values
    reach = float(x[-1] + CELL / 2)
    edges = np.linspace(-reach, reach, len(x) + 1)
    values = np.ma.masked_equal(seconds.values, 0.0)
    dress(ax, look, box=True)
    # The square root shows rare places beside the chair that everybody sits on.
    # Not from the paper's own colour on: a second somewhere must be seen to be there.
    cmap = ListedColormap(look.level(np.linspace(0.2, 1.0, 256)))
    mesh = ax.pcolormesh(
        edges, edges, values, cmap=cmap, norm=PowerNorm(0.5, 0.0, float(values.max())),
        rasterized=True,
    )  # fmt: skip
    ax.set(xlim=(reach, -reach), ylim=(-reach, reach), aspect="equal", anchor="N")
    step = step_for(reach, 4)
    for r in np.arange(step, reach + 1e-6, step):
        ax.add_patch(Circle((0, 0), r, fill=False, ec=look.soft, lw=0.6, alpha=0.6))
        ax.text(0, -r, f"{r:g} m", fontsize=7, color=look.ink, ha="center", va="center",
                path_effects=halo(look))  # fmt: skip
    _head(ax, reach * 0.045, look)
    ticks = np.arange(-np.floor(reach / step) * step, reach + 1e-6, step)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.set_xlabel("left (y / m) right", fontsize=8.5)
    ax.set_ylabel("back (x / m) front", fontsize=8.5)
    bar = ax.figure.colorbar(mesh, cax=bar_ax, orientation="horizontal")
    bar.outline.set_edgecolor(look.soft)
    bar.ax.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    bar.ax.tick_params(labelsize=7, color=look.soft, labelcolor=look.ink, length=2, pad=1.5)
    bar.set_label("s in each 0.1 m square", fontsize=7.5, color=look.ink, labelpad=1)
    title(ax, "Places, seen from above", look)
    return None


def _head(ax: Axes, r: float, look: Theme) -> None:
    options = {"fc": look.paper, "ec": look.ink, "lw": 1.2, "zorder": 5}
    nose = [(0.55 * r, 0.8 * r), (0, 1.7 * r), (-0.55 * r, 0.8 * r)]
    ax.add_patch(Polygon(nose, closed=True, **options))
    ax.add_patch(Circle((0, 0), r, **options))


def _speeds(ax: Axes, about: Description, look: Theme) -> None:
    if not about.facts["with_pose"]:
        return _empty(ax, "no poses are told", look)
    speed, seconds = about.data["speed"].values, about.data["speed_seconds"].values
    moving = speed > MOVING
    dress(ax, look, grid="y")
    unit, word = _unit(seconds[moving])
    step = speed[1] - speed[0]
    ax.bar(speed[moving], seconds[moving] / unit, width=0.85 * step, color=look.palette[3])
    last = float(speed[moving][seconds[moving] > 0].max(initial=0.5))
    ax.set_xlim(0, max(last + 2 * step, 0.6))
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=_STEPS))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    ax.set_xlabel("speed / (m/s)", fontsize=8.5)
    ax.set_ylabel(word, fontsize=8.5)
    still = 100 * (1 - about.facts["moving_share"])
    title(ax, f"Movement speed; still {still:.0f} % of the time", look)
    return None


def _durations(ax: Axes, about: Description, look: Theme) -> None:
    length, count = about.data["duration"].values, about.data["duration_items"].values
    step = length[1] - length[0] if len(length) > 1 else 0.5
    dress(ax, look, grid="y")
    ax.bar(length, count, width=0.85 * step, color=look.palette[4])
    ax.set_xlim(0, float(length[-1] + step / 2))
    ax.xaxis.set_major_locator(MaxNLocator(9, steps=_STEPS))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(_thousands))
    ax.set_xlabel("duration / s", fontsize=8.5)
    ax.set_ylabel("segments", fontsize=8.5)
    mean = about.facts["mean_duration_s"]
    ax.axvline(mean, color=look.ink, lw=1.2, ls=(0, (3, 2)))
    title(ax, f"Segment duration; dashed: mean {mean:.1f} s", look)


def _alt(about: Description) -> str:
    words = "; ".join(f"{name}: {value}" for name, value in about.sentences())
    return (
        f"Statistics of a corpus. {words}. Panels: dramas and speakers by duration, phones by "
        "count, places on the plane of the listener's forward direction and ears, speeds, "
        "durations."
    )
