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
from spatialdrama.plot.stretches import columns
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
_COLOURS = 256


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
    _sound(figure.add_axes((0.085, 0.19, 0.895, 0.78)), audio, look)
    return figure


#: where the two waveforms (half height 1) and the strip lie in one pair of axes
_TRACKS = {"left": 2.15, "right": 0.0, "ILD": -1.6}


def _sound(ax: Axes, audio: BinauralAudio, look: Theme) -> None:
    """Both waveforms at one scale, so that the louder ear looks louder, over the ILD as colour."""
    first, low, high = [], [], []
    for at, samples in columns(audio, 900):
        first.append(at / audio.rate)
        low.append(samples.min(axis=1))
        high.append(samples.max(axis=1))
    low, high = np.array(low).T, np.array(high).T
    peak = max(float(np.abs([low, high]).max()), 1e-6)
    for ear, name in enumerate(("left", "right")):
        middle = _TRACKS[name]
        bottom, top = middle + low[ear] / peak, middle + high[ear] / peak
        ax.fill_between(first, bottom, top, color=look.ink, linewidth=0.4)
    _ild_strip(ax, audio, look)
    dress(ax, look)
    ax.spines["left"].set_visible(False)
    ax.set_xlim(0, audio.duration)
    ax.set_ylim(-2.05, 3.2)
    ax.set_yticks(list(_TRACKS.values()), list(_TRACKS))
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.tick_params(axis="x", labelsize=7)
    ax.set_xlabel("time / s (red: left louder, blue: right louder)", fontsize=7.5, labelpad=1)


def _ild_strip(ax: Axes, audio: BinauralAudio, look: Theme) -> None:
    count = int(np.clip(audio.duration / 0.04, 1, 600))
    power = np.array([np.square(part).mean(axis=1) for _, part in columns(audio, count)]).T
    left, right = power_to_db(power)
    silent = ~gate(power_to_db(power.mean(axis=0)), gate_db=30.0)
    middle = _TRACKS["ILD"]
    extent = (0, audio.duration, middle - 0.3, middle + 0.3)
    ax.imshow(np.ma.array(left - right, mask=silent)[None], aspect="auto", cmap=look.difference,
              vmin=-12, vmax=12, extent=extent, interpolation="nearest")  # fmt: skip
    ax.axhspan(extent[2], extent[3], color=look.silent, lw=0, zorder=-1)


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
    _sound(add(1.05, at, right - 1.15, 1.35), drama.audio, look)
    view = add(right + 0.65, 0.3, w, h)
    top_view(drama.scene, ax=view, script=drama.script, theme=look.name)
    return figure


_PAINTERS = {BinauralAudio: _audio, Pose: _pose, Scene: _scene, Drama: _drama}
