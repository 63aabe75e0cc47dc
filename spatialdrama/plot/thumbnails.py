"""Small static pictures of values, for pages that run no HTML or script.

:func:`png` is what notebook output calls; it must be quick and small, so nothing here is exact
enough to read numbers from: the figures of this room are for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from matplotlib.axes import Axes

from spatialdrama.dsp import gate, power_to_db
from spatialdrama.plot.lanes import lanes
from spatialdrama.plot.scene import extent, side_view, top_view
from spatialdrama.plot.style import (
    Picture,
    Theme,
    badge,
    cast,
    dress,
    house_style,
    new_picture,
    plain,
    shortened,
)  # fmt: skip
from spatialdrama.plot.style import theme as _theme
from spatialdrama.types import BinauralAudio, Drama, Pose, Room, Scene, Source

#: dots per inch; with 256 colours every picture stays under 60 kB
_DPI = 96
_COLOURS = 64


def png(value: Any, theme: str = "light") -> bytes | None:
    """Return a small picture of `value`, or None for kinds that have none.

    Parameters
    ----------
    value : BinauralAudio, Pose, Scene, Drama or anything
    theme : "light" or "dark"

    Returns
    -------
    bytes or None
        PNG under 60 kB.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> sd.plot.png(sd.Pose.circle(radius=1.5, duration=8.0))[1:4]
    b'PNG'
    >>> sd.plot.png("a string") is None
    True
    """
    for kind, paint in _PAINTERS.items():
        if isinstance(value, kind):
            return picture(paint, value, _theme(theme)).png(dpi=_DPI, colours=_COLOURS)
    return None


def picture(paint: Any, value: Any, look: Theme) -> Picture:
    """Return the figure behind a thumbnail."""
    with house_style(look):
        return paint(value, look)


@attrs.frozen
class _Stage:
    """As much of a Scene as a top view needs, without a drama's checks: a thumbnail must show a
    pose that no scene would take, such as a listener's own."""

    speakers: Mapping[str, Source]
    room: Room
    listener: Pose | None = None

    def source(self, name: str) -> Source:
        return self.speakers[name]


def _pose(pose: Pose, look: Theme) -> Picture:
    stage = _Stage({"speaker": Source(pose)}, Room.free_field())
    return _views(stage, look, strip=bool(np.ptp(pose.position.values[:, 2]) > 0.02))


def _scene(scene: Scene, look: Theme) -> Picture:
    return _views(scene, look, strip=True)


def _views(scene: Any, look: Theme, *, strip: bool) -> Picture:
    low, high = extent(scene)
    span = high - low
    scale = min(3.6 / span[1], 3.6 / span[0])
    w, h, z = span[1] * scale, span[0] * scale, max(0.45, span[2] * scale)
    legend = 0.2 * len(scene.speakers) + 0.1 if len(scene.speakers) > 1 else 0.0
    below = 0.62 + z if strip else 0.0
    width, height = max(w + 0.85, 3.0), 0.28 + h + below + 0.5 + legend
    figure = new_picture(width, height, look)
    top = figure.add_axes((0.68 / width, (height - 0.28 - h) / height, w / width, h / height))
    top_view(scene, ax=top, theme=look.name)
    if strip:
        side = figure.add_axes((0.68 / width, (legend + 0.5) / height, w / width, z / height))
        side_view(scene, ax=side, theme=look.name)
        top.set_xlabel("")
    if legend:
        ax = figure.add_axes((0, 0, 1, legend / height))
        ax.set_axis_off()
        ax.set_xlim(0, width)
        ax.set_ylim(0, legend)
        for i, who in enumerate(cast(scene.speakers, look).values()):
            _name(ax, 0.25, legend - 0.1 - 0.2 * i, who, width - 0.6, look)
    return figure


def _name(ax: Axes, x: float, y: float, who: Any, inches: float, look: Theme) -> None:
    badge(ax, x, y, who, size=6.5)
    text = shortened(plain(who.name, f"speaker {who.letter}"), inches, 8)
    ax.text(x + 0.2, y, text, va="center", fontsize=8, color=look.ink)


def _audio(audio: BinauralAudio, look: Theme) -> Picture:
    figure = new_picture(6.0, 2.1, look)
    left, right, strip = (
        figure.add_axes((0.085, bottom, 0.895, height))
        for bottom, height in ((0.69, 0.27), (0.39, 0.27), (0.19, 0.14))
    )
    _ears((left, right), audio, look)
    _ild_strip(strip, audio, look)
    return figure


def _ears(axes: tuple[Axes, Axes], audio: BinauralAudio, look: Theme) -> None:
    """Both waveforms at one scale: the louder ear must look louder."""
    columns = min(900, audio.samples.shape[1])
    edges = np.linspace(0, audio.samples.shape[1], columns + 1).astype(int)[:-1]
    times = edges / audio.rate
    peak = max(audio.peak, 1e-6)
    for ax, ear, name in zip(axes, audio.samples, ("left", "right"), strict=True):
        high, low = np.maximum.reduceat(ear, edges), np.minimum.reduceat(ear, edges)
        ax.fill_between(times, low, high, color=look.ink, linewidth=0.4)
        dress(ax, look)
        ax.spines["bottom"].set_visible(False)
        ax.set_xlim(0, audio.duration)
        ax.set_ylim(-1.05 * peak, 1.05 * peak)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)


def _ild_strip(ax: Axes, audio: BinauralAudio, look: Theme) -> None:
    """Broadband level difference as a colour over time: red = left, blue = right."""
    columns = int(np.clip(audio.duration / 0.04, 1, 600))
    edges = np.linspace(0, audio.samples.shape[1], columns + 1).astype(int)
    sums = np.add.reduceat(np.square(audio.samples), edges[:-1], axis=1)
    power = sums / np.diff(edges)
    left, right = power_to_db(power)
    row = np.ma.array(left - right, mask=~gate(power_to_db(power.mean(axis=0))))[None]
    ax.imshow(row, aspect="auto", cmap=look.difference, vmin=-12, vmax=12,
              extent=(0, audio.duration, 0, 1), interpolation="nearest")  # fmt: skip
    dress(ax, look)
    ax.set_facecolor(look.silent)
    ax.set_xlim(0, audio.duration)
    ax.set_yticks([])
    ax.set_ylabel("ILD", rotation=0, ha="right", va="center", fontsize=8)
    ax.set_xlabel("time / s (red: left louder, blue: right louder)", fontsize=7.5, labelpad=1)
    ax.tick_params(labelsize=7)


def _drama(drama: Drama, look: Theme) -> Picture:
    lane = max(0.55, 0.34 * len(drama.script.speakers))
    low, high = extent(drama.scene)
    span = high - low
    scale = min(2.4 / span[1], 2.4 / span[0])
    w, h = span[1] * scale, span[0] * scale
    right = 5.6
    height = max(h + 0.95, 0.25 + lane + 0.15 + 1.75)
    width = right + w + 0.85
    figure = new_picture(width, height, look)

    def add(left: float, top: float, wide: float, tall: float) -> Axes:
        return figure.add_axes(
            (left / width, (height - top - tall) / height, wide / width, tall / height)
        )

    lanes(drama.script, ax=(ax := add(1.05, 0.1, right - 1.15, lane)), theme=look.name,
          speakers=drama.scene.speakers, duration=drama.audio.duration)  # fmt: skip
    ax.set_xlabel("")
    ax.tick_params(labelbottom=False)
    at = 0.1 + lane + 0.15
    _ears((add(1.05, at, right - 1.15, 0.5), add(1.05, at + 0.55, right - 1.15, 0.5)),
          drama.audio, look)  # fmt: skip
    _ild_strip(add(1.05, at + 1.15, right - 1.15, 0.2), drama.audio, look)
    view = add(right + 0.65, 0.3, w, h)
    top_view(drama.scene, ax=view, script=drama.script, theme=look.name)
    return figure


_PAINTERS = {BinauralAudio: _audio, Pose: _pose, Scene: _scene, Drama: _drama}
