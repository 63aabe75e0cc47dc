"""A picture of what `render_quality.py` found."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spatialdrama.plot.style import Picture, Theme, dress, house_style, new_picture, theme, title

RATE = 48_000


def picture(result: dict[str, Any], look: str | Theme = "light") -> Picture:
    """Return two rows: errors of delay and level, clicks; spectrograms, decays, coherence.

    Parameters
    ----------
    result : dict
        What ``render_quality.measured`` returns.
    look : "light", "dark" or Theme
    """
    t = theme(look)
    with house_style(t):
        figure = new_picture(11.0, 6.6, t, alt=_words(result))
        grid = figure.add_gridspec(
            2, 12, left=0.06, right=0.985, top=0.9, bottom=0.08, hspace=0.42, wspace=4.0
        )
        noise = result["noise"]
        _errors(figure.add_subplot(grid[0, 0:4]), t, noise["itd_errors_us"], "ITD error, µs", 10.0)
        _errors(figure.add_subplot(grid[0, 4:8]), t, noise["ild_errors_db"], "ILD error, dB", 0.3)
        _clicks(figure.add_subplot(grid[0, 8:12]), t, result["tones"]["6 kHz"])
        _spectrogram(figure.add_subplot(grid[1, 0:3]), t, result, "ours")
        _spectrogram(figure.add_subplot(grid[1, 3:6]), t, result, "ideal")
        if "rooms" in result:
            _decays(figure.add_subplot(grid[1, 6:9]), t, result["rooms"])
            _coherence(figure.add_subplot(grid[1, 9:12]), t, result["coherence"])
        figure.text(
            0.06, 0.965, "The physical renderer against the measured head, sample by sample",
            fontsize=12, fontweight="bold", color=t.ink,
        )  # fmt: skip
    return figure


def _words(result: dict[str, Any]) -> str:
    rows = "; ".join(f"{r['what']} {r['value']:.2f} {r['unit']}" for r in result["summary"])
    return f"Histograms, spectrograms and curves of the renderer's errors: {rows}."


def _errors(ax: Axes, t: Theme, errors: np.ndarray, label: str, bar: float) -> None:
    """Histogram with the bar that 95 % of frames have to stay within."""
    dress(ax, t, grid="y")
    reach = max(1.6 * bar, 1.1 * float(np.percentile(np.abs(errors), 99)))
    ax.axvspan(-bar, bar, color=t.grid, alpha=0.6, lw=0, zorder=0)
    ax.hist(np.clip(errors, -reach, reach), bins=61, range=(-reach, reach), color=t.palette[0])
    p95 = float(np.percentile(np.abs(errors), 95))
    for side in (-1, 1):
        ax.axvline(side * p95, color=t.palette[1], lw=1.4)
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(f"{label} (grey: ±{bar:g})")
    ax.set_ylabel("frames of 40 ms")
    title(ax, f"{label.split(',')[0]}: 95 % within {p95:.2f}{label.split(',')[1]}", t)


def _clicks(ax: Axes, t: Theme, tone: dict[str, Any]) -> None:
    """What leaves the Doppler band, frame by frame, in the render and in the ideal."""
    dress(ax, t, grid="y")
    time = tone["frame_centres_s"]
    for who, colour in (("ideal", t.soft), ("ours", t.palette[0])):
        level = tone["frame_levels_db"][who]
        gap = np.flatnonzero(np.diff(time) > 0.01)  # corners of the path are left out
        ax.plot(
            np.insert(time, gap + 1, np.nan), np.insert(level, gap + 1, np.nan), color=colour,
            lw=2.2 if who == "ideal" else 0.9, label=who,
        )  # fmt: skip
    ax.set_xlabel("time, s")
    ax.set_ylabel("dB re the tone")
    ax.set_xlim(time[0], time[-1])
    ax.legend(loc="upper left", fontsize=8, frameon=False, labelcolor=t.ink, ncols=2)
    ax.set_ylim(-110, ax.get_ylim()[1] + 8)
    title(ax, "6 kHz: what leaves the Doppler band", t)


def _spectrogram(ax: Axes, t: Theme, result: dict[str, Any], who: str) -> None:
    """The 1 kHz tone at the left ear, down to -100 dB."""
    from scipy.signal import spectrogram

    dress(ax, t, box=True)
    signal = result["tones"]["1 kHz"]["signals"][who][0]
    f, time, power = spectrogram(
        signal, RATE, window=("kaiser", 14.0), nperseg=8192, noverlap=7168, mode="psd"
    )
    keep = (f > 700) & (f < 1300)
    level = 10 * np.log10(power[keep] / power.max() + 1e-14)
    ax.imshow(
        level, origin="lower", aspect="auto", vmin=-100, vmax=0, cmap=t.level,
        extent=(time[0], time[-1], f[keep][0], f[keep][-1]),
    )  # fmt: skip
    ax.set_xlabel("time, s")
    ax.set_ylabel("Hz" if who == "ours" else "")
    name = "rendered" if who == "ours" else "ideal"
    title(ax, f"1 kHz, left ear: {name}", t)


def _decays(ax: Axes, t: Theme, rooms: list[dict[str, Any]]) -> None:
    """Decay of a click in each room, and the slope that was asked for."""
    dress(ax, t, grid="y")
    for colour, row in zip(t.palette, rooms, strict=False):
        time = np.arange(len(row["decay_db"])) / 1000
        ax.plot(time, row["decay_db"], color=colour, lw=1.5, label=f"{row['rt60_s']:g} s")
        start = int(np.argmax(row["decay_db"] < -5))
        asked = row["decay_db"][start] - 60 * (time - time[start]) / row["rt60_s"]
        ax.plot(time[start:], asked[start:], color=t.ink, lw=0.8, ls=(0, (2, 2)))
    ax.set_ylim(-60, 1)
    ax.set_xlim(0, 1.6)
    ax.set_xlabel("time, s (dotted: asked for)")
    ax.set_ylabel("dB")
    ax.legend(loc="upper right", fontsize=8, frameon=False, labelcolor=t.ink)
    title(ax, "Decay of a click", t)


def _coherence(ax: Axes, t: Theme, coherence: dict[str, Any]) -> None:
    """Coherence between the ears: the tail's, and a diffuse field's."""
    dress(ax, t, grid="y")
    ax.semilogx(coherence["frequency_hz"], coherence["diffuse_field"], color=t.soft, lw=2.2,
                label="diffuse field")  # fmt: skip
    ax.semilogx(coherence["frequency_hz"], coherence["tail"], "o-", ms=3, lw=1,
                color=t.palette[0], label="tail")  # fmt: skip
    ax.set_xticks([125, 500, 2000, 8000], ["125", "500", "2k", "8k"])
    ax.minorticks_off()
    ax.set_xlabel("Hz")
    ax.set_ylim(-0.3, 1.02)
    ax.legend(loc="upper right", fontsize=8, frameon=False, labelcolor=t.ink)
    title(ax, "Coherence of the ears", t)
