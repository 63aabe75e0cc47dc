"""All scores on one card: each line's value, the mean with its interval, chance and mono."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spatialdrama.errors import ValidationError
from spatialdrama.plot.style import (
    Theme,
    dress,
    house_style,
    new_picture,
    plain,
    shortened,
)  # fmt: skip
from spatialdrama.plot.style import theme as _theme
from spatialdrama.types import ScoreTable
from spatialdrama.types.scores import ARROWS, number

_WORDS = {"down": "lower is better", "up": "higher is better"}
_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _BOTTOM = 9.0, 2.0, 2.2, 0.8, 0.05, 0.3


def scorecard(table: ScoreTable, *, theme: str = "light") -> Figure:
    """Draw a score table: one row for each metric, each with its own axis and unit.

    Parameters
    ----------
    table : ScoreTable
    theme : "light" or "dark"

    Returns
    -------
    Picture
        One axes per metric, labelled with its name. Pale dots are lines, the diamond is the
        aggregate, the bar its 95 % interval, the dashed stroke the chance level, the dotted one
        what mono in both ears scores.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> scores = {"itd_mae": {"1": sd.Score(20.0), "2": sd.Score(50.0)}}
    >>> table = sd.ScoreTable.from_scores(scores, direction={"itd_mae": "down"},
    ...                                   unit={"itd_mae": "us"})
    >>> [ax.get_label() for ax in sd.plot.scorecard(table).axes]
    ['itd_mae']
    """
    if not table.metrics:
        raise ValidationError("the score table is empty; give sd.score a list of metrics.")
    look = _theme(theme)
    total = _TOP + _ROW * len(table.metrics) + _BOTTOM
    with house_style(look):
        figure = new_picture(_WIDTH, total, look, _alt(table))
        for i, metric in enumerate(table.metrics):
            bottom = total - _TOP - _ROW * i - 0.45
            ax = figure.add_axes(
                (_LEFT / _WIDTH, bottom / total, (_WIDTH - _LEFT - _RIGHT) / _WIDTH, 0.3 / total),
                label=metric,
            )
            _row(ax, table, metric, look)
        key = "dots: lines   diamond: weighted mean   bar: 95 % interval   dashed: chance level"
        if np.isfinite(table.data["mono"]).any():
            key += "   dotted: mono in both ears"
        figure.text(_LEFT / _WIDTH, 0.2 / total, key, fontsize=8, color=look.soft)
    return figure


def _row(ax: Axes, table: ScoreTable, metric: str, look: Theme) -> None:
    column = table.data.sel(metric=metric)
    direction, unit = str(column["direction"].values), str(column["unit"].values)
    values = column["value"].values
    values = values[np.isfinite(values)]
    mean, low, high, chance, mono = (
        float(column[k]) for k in ("aggregate", "ci_low", "ci_high", "chance", "mono")
    )
    dress(ax, look)
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    ax.set_ylim(-1, 1)
    shown = [v for v in (*values, mean, low, high, chance, mono) if np.isfinite(v)]
    left, right = min([0.0, *shown]), max([*shown, 1e-9])
    ax.set_xlim(left, right + 0.06 * (right - left))
    ax.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3, steps=[1, 2, 2.5, 5, 10]))
    # Alternating heights keep equal values apart; random ones would change from run to run.
    offsets = np.resize([0.0, 0.42, -0.42, 0.2, -0.2], len(values))
    ax.scatter(values, offsets, s=16, color=look.soft, alpha=0.55, linewidths=0, clip_on=False)
    accent = look.palette[0]
    if np.isfinite(low):
        ax.plot([low, high], [0, 0], color=accent, lw=4, alpha=0.6, solid_capstyle="butt")
    if np.isfinite(mean):
        ax.plot([mean], [0], marker="D", ms=8, color=accent, mec=look.paper, mew=1, clip_on=False)
    if np.isfinite(chance):
        ax.axvline(chance, color=look.ink, lw=1.3, ls=(0, (3, 2)))
    if np.isfinite(mono):
        ax.axvline(mono, color=look.ink, lw=1.8, ls=(0, (1, 1.4)))
    place = ax.transAxes
    name = shortened(plain(metric), _LEFT - 0.35, 10)
    ax.text(-0.03, 0.62, f"{name} {ARROWS[direction]}", transform=place, ha="right", va="center",
            fontsize=10, fontweight="bold", color=look.ink)  # fmt: skip
    ax.text(-0.03, 0.02, _WORDS[direction], transform=place, ha="right", va="center", fontsize=8,
            color=look.soft)  # fmt: skip
    shown_unit = micro(unit)
    ax.text(1.04, 0.62, f"{number(mean)} {shown_unit}".strip(), transform=place, va="center",
            fontsize=10, fontweight="bold", color=look.ink)  # fmt: skip
    interval = f"{number(low)} to {number(high)}" if np.isfinite(low) else ""
    for i, text in enumerate(filter(None, (interval, _levels(chance, mono)))):
        ax.text(1.04, 0.02 - 0.5 * i, text, transform=place, va="center", fontsize=8,
                color=look.soft)  # fmt: skip


def _levels(chance: float, mono: float) -> str:
    """Return in words what nothing would score, as far as that is known."""
    levels = (("chance", chance), ("mono", mono))
    return "; ".join(f"{name} {number(v)}" for name, v in levels if np.isfinite(v))


def micro(unit: str) -> str:
    """Return a unit as people write it: ``us`` becomes ``µs``."""
    return {"us": "µs", "deg": "°"}.get(unit, unit)


def _alt(table: ScoreTable) -> str:
    parts = []
    for metric in table.metrics:
        column = table.data.sel(metric=metric)
        unit = micro(str(column["unit"].values))
        levels = _levels(float(column["chance"]), float(column["mono"]))
        text = f"{metric} {number(float(column['aggregate']))} {unit}".strip()
        parts.append(text + (f" ({levels})" if levels else ""))
    return "Score card: " + "; ".join(parts) + "."
