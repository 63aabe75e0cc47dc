"""Where each speaker is over time, in the listener's own terms."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spatialdrama.plot import places
from spatialdrama.plot.style import (
    badge,
    cast,
    dress,
    house_style,
    new_picture,
    plain,
    shortened,
    title,
)  # fmt: skip
from spatialdrama.plot.style import theme as _theme
from spatialdrama.types import Pose, Scene, Script

#: Hz
_RATE = 25.0

#: key, title, axis label
_PANELS = (
    ("azimuth", "Azimuth: + left, − right", "azimuth / °"),
    ("elevation", "Elevation: + up", "elevation / °"),
    ("distance", "Distance from the head's centre", "distance / m"),
    ("speed", "Radial velocity: + receding (lower pitch)", "velocity / (m/s)"),
)


def trajectory(
    scene: Scene | Pose,
    *,
    script: Script | None = None,
    theme: str = "light",
    duration: float | None = None,
) -> Figure:
    """Draw azimuth, elevation, distance and radial velocity of each speaker over time.

    Parameters
    ----------
    scene : Scene or Pose
        All values are relative to the listener, who may move.
    script : Script, optional
        A timed script thickens the curves while their speaker talks.
    theme : "light" or "dark"
    duration : float, s, optional
        Where to end; default at the last pose sample or the last line.

    Returns
    -------
    Picture
        Four axes that share the time, one curve per speaker in each.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> picture = sd.plot.trajectory(sd.Pose.circle(radius=1.5, duration=8.0))
    >>> [ax.get_ylabel() for ax in picture.axes]
    ['azimuth / °', 'elevation / °', 'distance / m', 'velocity / (m/s)']
    """
    look = _theme(theme)
    if isinstance(scene, Pose):
        poses = {"speaker": scene}
    else:
        poses = {n: s.pose.relative_to(scene.listener) for n, s in scene.speakers.items()}
    first = min(0.0, *(float(p.time[0]) for p in poses.values()))
    last = max(float(p.time[-1]) for p in poses.values())
    if script is not None and script.is_timed:
        last = max(last, script.duration)
    last = max(duration or last, first + 1.0)
    times = np.linspace(first, last, int((last - first) * _RATE) + 2)
    people = cast(poses, look)
    with house_style(look):
        figure = new_picture(9.0, 7.4, look, f"Azimuth, elevation, distance and radial velocity "
                             f"over {last - first:.0f} s of {', '.join(poses)}.")  # fmt: skip
        grid = figure.add_gridspec(
            4, 1, left=0.085, right=0.8, top=0.955, bottom=0.075, hspace=0.45
        )
        axes = [figure.add_subplot(grid[i]) for i in range(4)]
        for ax, (_, heading, label) in zip(axes, _PANELS, strict=True):
            dress(ax, look, grid="y")
            title(ax, heading, look)
            ax.set_xlim(first, last)
            ax.set_ylabel(label)
            ax.tick_params(labelbottom=ax is axes[-1])
        axes[-1].set_xlabel("time / s")
        for name, pose in poses.items():
            talking = np.zeros(len(times), bool)
            for _, start, end in places.spoken(script, name):
                talking |= (times >= start) & (times <= end)
            curves = _curves(pose, times)
            for ax, (key, _, _) in zip(axes, _PANELS, strict=True):
                ax.plot(times, curves[key], color=people[name].colour, lw=1.4)
                if talking.any():
                    ax.plot(times, np.where(talking, curves[key], np.nan), lw=3.8,
                            color=people[name].colour, solid_capstyle="round")  # fmt: skip
        figure.align_ylabels(axes)
        axes[0].set_ylim(-190, 190)
        axes[0].set_yticks([-180, -90, 0, 90, 180])
        _steady(axes[1], 10.0)
        axes[2].set_ylim(0, None)
        _steady(axes[3], 0.5)
        for i, who in enumerate(people.values()):
            y = 1.0 - 0.2 * i
            badge(axes[0], 1.04, y, who, transform=axes[0].transAxes, clip_on=False)
            label = shortened(plain(who.name, f"speaker {who.letter}"), 1.3, 8.5)
            axes[0].text(1.07, y, label, fontsize=8.5, va="center", color=look.ink,
                         transform=axes[0].transAxes)  # fmt: skip
        if script is not None:
            axes[0].text(1.025, 1.0 - 0.2 * len(people) - 0.02, "thick: while talking", fontsize=8,
                         va="center", transform=axes[0].transAxes, color=look.soft)  # fmt: skip
    return figure


def _curves(pose: Pose, times: np.ndarray) -> dict[str, np.ndarray]:
    at = places.sampled(pose, times)
    azimuth = np.degrees(at.azimuth.values)
    # No vertical stroke where the angle wraps behind the listener.
    wraps = np.flatnonzero(np.abs(np.diff(azimuth)) > 180)
    azimuth[wraps] = np.nan
    return {
        "azimuth": azimuth,
        "elevation": np.degrees(at.elevation.values),
        "distance": at.distance.values,
        "speed": places.radial_speed(pose, times),
    }


def _steady(ax: Axes, least: float) -> None:
    """Keep rounding noise from filling a panel whose curve is flat."""
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -least), max(high, least))
