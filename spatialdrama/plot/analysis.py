"""The whole drama on one page: who speaks, what it sounds like, what the two ears tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spatialdrama.plot import interaural
from spatialdrama.plot.lanes import lanes
from spatialdrama.plot.style import Picture, Theme, house_style, new_picture, title
from spatialdrama.plot.style import theme as _theme
from spatialdrama.types import Drama

#: inches; the time axis begins and ends at these margins, which the report's playhead relies on.
WIDTH, LEFT, RIGHT = 11.0, 1.15, 1.28
_LANE, _GAP, _TOP, _BOTTOM = 0.36, 0.36, 0.28, 0.52
_HEIGHTS = {"mel": 1.75, "ild": 1.4, "ipd": 1.25, "itd": 1.5}


def analysis(drama: Drama, *, theme: str = "light") -> Picture:
    """Draw a drama over time: script lanes, mel spectrogram with F0, ILD, IPD and ITD.

    Parameters
    ----------
    drama : Drama
    theme : "light" or "dark"

    Returns
    -------
    Picture
        1600 pixels wide when saved. Axes are labelled "lanes", "mel", "ild", "ipd", "itd"
        (:meth:`matplotlib.axes.Axes.get_label`) and share the time in seconds.

    Notes
    -----
    ILD is shown per ERB band (Glasberg and Moore 1990) on a map that is neutral at 0 dB, IPD on a
    cyclic map up to 1.5 kHz, where phase is heard; both are grey where the band is silent. The
    curves over the measured ITD are what each line's pose gives for a rigid sphere.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 48_000))
    >>> script = sd.Script([sd.Line("A", "Here.", start=0.1, end=0.9)])
    >>> scene = sd.Scene(speakers={"A": sd.Pose.fixed(azimuth_deg=50, distance=1)})
    >>> drama = sd.Drama(sd.BinauralAudio(noise, 48_000), script, scene)
    >>> [ax.get_label() for ax in sd.plot.analysis(drama).axes[:5]]
    ['lanes', 'mel', 'ild', 'ipd', 'itd']
    """
    look = _theme(theme)
    heights = {"lanes": max(0.5, _LANE * len(drama.script.speakers)), **_HEIGHTS}
    total = _TOP + sum(heights.values()) + _GAP * (len(heights) - 1) + _BOTTOM
    with house_style(look):
        figure = new_picture(WIDTH, total, look, _alt(drama))
        axes = {}
        top = total - _TOP
        for name, height in heights.items():
            box = (LEFT, top - height, WIDTH - LEFT - RIGHT, height)
            axes[name] = _add(figure, box, total, name)
            top -= height + _GAP
        audio = drama.audio
        lanes(drama.script, ax=axes["lanes"], speakers=drama.scene.speakers, theme=theme,
              duration=audio.duration)  # fmt: skip
        spectrum = interaural.mel(audio, ax=axes["mel"], theme=theme)
        pitch = interaural.f0(drama, ax=axes["mel"], theme=theme)
        level = interaural.ild(audio, ax=axes["ild"], theme=theme)
        phase = interaural.ipd(audio, ax=axes["ipd"], theme=theme)
        interaural.itd(drama, ax=axes["itd"], theme=theme)
        title(axes["lanes"], "Who speaks when (line numbers)", look)
        curve = ", curves: F0 of the dry lines" if pitch else ""
        title(axes["mel"], f"Mel spectrum, mean of both ears{curve}", look)
        title(axes["ild"], "Level difference (ILD): red = left louder, grey = silent", look)
        title(
            axes["ipd"],
            "Phase difference (IPD), wrapped: red = left ahead, blue = right ahead, grey = silent",
            look,
        )
        title(axes["itd"], "Time difference (ITD): up = left first; dots measured, "
              "curves = what each line's pose gives", look)  # fmt: skip
        shift = 0.55 if pitch else 0.0
        _bar(figure, axes["mel"], spectrum, look, "level / dB", [-60, -40, -20, 0], shift)
        _bar(figure, axes["ild"], level, look, "left - right / dB", [-15, 0, 15])
        turns = ["−π", "−π/2", "0", "π/2", "π"]
        _bar(figure, axes["ipd"], phase, look, "IPD / rad", np.pi * np.arange(-2, 3) / 2, 0, turns)
        for name, ax in axes.items():
            interaural.time_ticks(ax, audio.duration)
            if name != "itd":
                ax.set_xlabel("")
                ax.tick_params(labelbottom=False)
    return figure


def save_analysis(drama: Drama, path: Any, *, theme: str = "light") -> Path:
    """Write :func:`analysis` as ``.png``, ``.svg`` or ``.pdf``, whole or not at all.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> drama = sd.Drama.load("out/demo")                                # doctest: +SKIP
    >>> sd.plot.save_analysis(drama, "analysis.png", theme="dark")       # doctest: +SKIP
    PosixPath('analysis.png')
    """
    return analysis(drama, theme=theme).save(path)


def time_span() -> tuple[float, float]:
    """Return where the time axis begins and ends, as shares of the picture's width."""
    return LEFT / WIDTH, 1 - RIGHT / WIDTH


def _add(figure: Figure, box: tuple[float, ...], total: float, label: str) -> Axes:
    left, bottom, width, height = box
    place = (left / WIDTH, bottom / total, width / WIDTH, height / total)
    return figure.add_axes(place, label=label)


def _bar(
    figure: Figure, ax: Axes, image: object, look: Theme, label: str, ticks: object,
    shift: float = 0.0, names: list[str] | None = None,
) -> None:  # fmt: skip
    """A colour bar in the right margin, `shift` inches further out."""
    place = ax.get_position()
    left = place.x1 + (0.12 + shift) / WIDTH
    bar_ax = figure.add_axes((left, place.y0, 0.11 / WIDTH, place.height))
    bar = figure.colorbar(image, cax=bar_ax, ticks=ticks)
    if names:
        bar.ax.set_yticklabels(names)
    bar.outline.set_edgecolor(look.soft)
    bar.ax.tick_params(labelsize=7, color=look.soft, labelcolor=look.ink, pad=1.5, length=2)
    bar.set_label(label, fontsize=7.5, color=look.ink, labelpad=1)


def _alt(drama: Drama) -> str:
    return (
        f"Analysis of {drama.audio.duration:.0f} s over a common time axis: lanes of "
        f"{len(drama.script)} lines by {', '.join(drama.script.speakers)}; mel spectrogram; level "
        "difference between the ears per frequency; phase difference up to 1.5 kHz; time "
        "difference, measured and as the poses give it."
    )
