"""Pictures of what a model does, in the house's style: figures 9 and 10, attention, gates, flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama.plot.style import Picture, Theme, dress, halo, house_style, new_picture, title
from spatialdrama.plot.style import theme as _theme

from .routing import _array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..transformer.field import Kept
    from .path import Recorded

#: Mel frames in a second, as the paper has them: 48 kHz, hop 256.
FRAMES = 187.5
#: log10 magnitudes below the loudest that a spectrogram shows: 65 dB.
_RANGE = 3.25
#: dB; a level difference that saturates the colours.
_ILD_LIMIT = 18.0


def routing(table: xr.DataArray, *, theme: str = "light") -> Picture:
    """Draw how experts share each direction: figure 10.

    Parameters
    ----------
    table : xarray.DataArray, (angle, expert)
        From :func:`.routing.by_azimuth`.
    theme : "light" or "dark"

    Examples
    --------
    >>> from spatialdrama_isdrama.inspection.routing import by_azimuth
    >>> table = by_azimuth([[[0.9, 0.1], [0.2, 0.8]]], [[-80.0, 80.0]], sectors=2)
    >>> [ax.get_label() for ax in routing(table).axes]
    ['share', 'frames']
    """
    look = _theme(theme)
    angles, experts = table.angle.values, table.expert.values
    width = 0.92 * (angles[1] - angles[0] if len(angles) > 1 else 180.0)
    folded = bool(table.attrs.get("fold", 1))
    with house_style(look):
        alt = f"Share of {len(experts)} experts over {len(angles)} sectors of direction."
        figure = new_picture(8.0, 4.2, look, alt)
        grid = figure.add_gridspec(
            2, 1, left=0.09, right=0.86, top=0.92, bottom=0.14, height_ratios=(5, 1), hspace=0.12
        )
        ax = dress(figure.add_subplot(grid[0], label="share"), look, grid="y")
        below = dress(figure.add_subplot(grid[1], label="frames", sharex=ax), look)
        floor = np.zeros(len(angles))
        values = np.nan_to_num(table.values)
        for k, expert in enumerate(experts):
            colour = look.palette[k % len(look.palette)]
            ax.bar(angles, values[:, k], width, floor, color=colour, label=f"expert {expert}")
            floor = floor + values[:, k]
        below.bar(angles, table.frames.values, width, color=look.soft)
        title(ax, "Which expert is asked, by direction (softmax before the choice)", look)
        ax.set_ylim(0, 1)
        ax.set_ylabel("share")
        ax.tick_params(labelbottom=False)
        below.set_ylabel("frames")
        if folded:
            ticks = [(0, "right"), (45, "45°"), (90, "front, back"), (135, "135°"), (180, "left")]
            below.set_xlim(0, 180)
        else:
            ticks = [(-180, "behind"), (-90, "right"), (0, "front"), (90, "left"), (180, "behind")]
            below.set_xlim(-180, 180)
        below.set_xticks([t for t, _ in ticks], [name for _, name in ticks])
        below.set_xlabel("direction of the speaker")
        legend = ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False)
        for text in legend.get_texts():
            text.set_color(look.ink)
    return figure


def attention(
    kept: Kept, *, item: int = 0, prompt: int = 0, heads: Sequence[int] | None = None,
    theme: str = "light",
) -> Picture:  # fmt: skip
    """Draw where each latent frame looks, head by head.

    Parameters
    ----------
    kept : Kept
        One block of ``Field.kept``.
    item : int
        Which line of the batch.
    prompt : int
        Latent frames of the voice prompt in front of the line; a stroke is drawn behind them.
    heads : sequence of int, optional
        All by default.
    theme : "light" or "dark"
    """
    look = _theme(theme)
    weights = _array(kept.attention)[item]
    chosen = list(range(len(weights))) if heads is None else list(heads)
    if not chosen or max(chosen) >= len(weights):
        raise ValidationError(f"the block has heads 0 to {len(weights) - 1}; got {chosen}.")
    columns = min(4, len(chosen))
    rows = -(-len(chosen) // columns)
    with house_style(look):
        alt = f"Attention weights of {len(chosen)} heads over {weights.shape[-1]} latent frames."
        figure = new_picture(2.3 * columns + 0.6, 2.3 * rows + 0.6, look, alt)
        grid = figure.add_gridspec(
            rows, columns, left=0.09, right=0.98, top=0.93, bottom=0.1, hspace=0.35, wspace=0.25
        )
        for k, head in enumerate(chosen):
            ax = dress(figure.add_subplot(grid[k // columns, k % columns]), look, box=True)
            # The root: most of a row is spread thin, and would be white.
            ax.imshow(np.sqrt(weights[head]), cmap=look.level, origin="lower", aspect="auto",
                      vmin=0.0, interpolation="nearest")  # fmt: skip
            title(ax, f"head {head + 1}", look)
            if 0 < prompt < weights.shape[-1]:
                for line in (ax.axvline, ax.axhline):
                    line(prompt - 0.5, color=look.palette[1], lw=1.0)
            if k % columns == 0:
                ax.set_ylabel("frame that looks")
            if k // columns == rows - 1:
                ax.set_xlabel("frame looked at")
    return figure


def gates(kept: Sequence[Kept], *, theme: str = "light") -> Picture:
    """Draw how far each head of each block is open to the scene: tanh(alpha) of equation 18.

    Zero, where training begins, is closed.

    Parameters
    ----------
    kept : sequence of Kept
        ``Field.kept``.
    theme : "light" or "dark"
    """
    if not kept:
        raise ValidationError("nothing was kept: call the model with keep=True.")
    look = _theme(theme)
    values = np.stack([_array(block.scene_gates) for block in kept])
    limit = max(0.05, float(np.abs(values).max()))
    with house_style(look):
        alt = f"Scene gates of {values.shape[0]} blocks and {values.shape[1]} heads."
        figure = new_picture(0.55 * values.shape[1] + 2.2, 0.5 * values.shape[0] + 1.2, look, alt)
        ax = dress(figure.add_axes((0.16, 0.3, 0.62, 0.55), label="gates"), look, box=True)
        image = ax.imshow(values, cmap=look.difference, vmin=-limit, vmax=limit, aspect="auto")
        title(ax, "How far heads are open to the scene", look)
        ax.set_xticks(range(values.shape[1]), [str(k + 1) for k in range(values.shape[1])])
        ax.set_yticks(range(values.shape[0]), [str(k + 1) for k in range(values.shape[0])])
        ax.set_xlabel("head")
        ax.set_ylabel("block")
        _bar(figure, ax, image, look, "tanh α")
    return figure


def speech(
    mel: Any, f0: Any = None, *, frames_per_second: float = FRAMES, theme: str = "light"
) -> Picture:
    """Draw both ears' mels with F0, and the level difference between them: figure 9.

    Parameters
    ----------
    mel : (2, f, t), log10 magnitude
    f0 : (t,), Hz, optional
        0 where unvoiced.
    frames_per_second : float
    theme : "light" or "dark"

    Examples
    --------
    >>> mel = np.full((2, 80, 20), -4.0)
    >>> [ax.get_label() for ax in speech(mel).axes[:3]]
    ['left', 'right', 'ild']
    """
    look = _theme(theme)
    ears = _array(mel)
    if ears.ndim != 3 or len(ears) != 2:
        raise ValidationError(f"speech takes the mels of two ears (2, f, t); got {ears.shape}.")
    top = float(ears.max())
    difference = np.where(ears.max(0) > top - _RANGE, 20 * (ears[0] - ears[1]), np.nan)
    seconds = ears.shape[2] / frames_per_second
    extent = (0.0, seconds, 0.0, float(ears.shape[1]))
    with house_style(look):
        alt = f"Mel spectrograms of two ears over {seconds:.1f} s and their level difference."
        figure = new_picture(8.5, 5.6, look, alt)
        names = {"left": "Left ear", "right": "Right ear", "ild": "Level difference: red = left "
                 "louder, grey = silent"}  # fmt: skip
        for row, (name, heading) in enumerate(names.items()):
            ax = figure.add_axes((0.08, 0.71 - 0.3 * row, 0.79, 0.23), label=name)
            dress(ax, look)
            shown = {"origin": "lower", "aspect": "auto", "extent": extent}
            if name == "ild":
                ax.set_facecolor(look.silent)
                image = ax.imshow(difference, cmap=look.difference, vmin=-_ILD_LIMIT,
                                  vmax=_ILD_LIMIT, interpolation="nearest", **shown)  # fmt: skip
                ax.set_xlabel("time / s")
                _bar(figure, ax, image, look, "left - right / dB")
            else:
                image = ax.imshow(ears[row] - top, cmap=look.level, vmin=-_RANGE, vmax=0.0,
                                  interpolation="nearest", **shown)  # fmt: skip
                ax.tick_params(labelbottom=False)
                _pitch(ax, f0, frames_per_second, look)
            ax.set_ylabel("mel bin")
            title(ax, heading, look)
    return figure


def flow(path: Recorded, decode: Any = None, *, item: int = 0, steps: int = 5,
         theme: str = "light") -> Picture:  # fmt: skip
    """Draw where a sample would end, seen from several steps of its way, and how the way bends.

    Parameters
    ----------
    path : Recorded
        Of a solver that has run.
    decode : callable (b, c, l) -> (b, 2, f, t), optional
        The autoencoder's, to show mels; without it latents are shown.
    item : int
    steps : int
        How many points of the way are shown, the first and the last among them.
    theme : "light" or "dark"
    """
    look = _theme(theme)
    ends = path.ends()
    shown = sorted({round(k) for k in np.linspace(0, len(ends) - 1, max(2, steps))})
    with house_style(look):
        alt = f"Expected ends of a flow at {len(shown)} of {len(ends)} steps, and its bend."
        figure = new_picture(8.5, 1.15 * len(shown) + 2.0, look, alt)
        grid = figure.add_gridspec(
            len(shown) + 1, 1, left=0.09, right=0.97, top=0.96, bottom=0.08, hspace=0.42,
            height_ratios=[1.0] * len(shown) + [1.1],
        )  # fmt: skip
        for row, k in enumerate(shown):
            ax = dress(figure.add_subplot(grid[row], label=f"step {k}"), look)
            end = ends[k][item : item + 1]
            values = _array(end)[0] if decode is None else _array(decode(end))[0].mean(0)
            ax.imshow(values, origin="lower", aspect="auto", cmap=look.level)
            title(ax, f"t = {path.times[k]:.2f}: where it would end", look)
            ax.tick_params(labelbottom=False)
            ax.set_ylabel("channel" if decode is None else "mel bin")
        ax = dress(figure.add_subplot(grid[len(shown)], label="bend"), look, grid="y")
        ax.plot(path.times, path.bend(), color=look.palette[0], marker="o", ms=3)
        ax.set_xlim(0, 1)
        ax.set_ylim(0, None)
        ax.set_xlabel("t")
        ax.set_ylabel("|v - v₀| / |v₀|")
        title(ax, "How far the velocity has turned from the first: 0 is a straight way", look)
    return figure


def _pitch(ax: Axes, f0: Any, frames_per_second: float, look: Theme) -> None:
    """Lay F0 over a spectrogram, on its own logarithmic axis at the right."""
    if f0 is None:
        return
    hertz = np.where(_array(f0) > 0, _array(f0), np.nan)
    if np.isnan(hertz).all():
        return
    right = dress(ax.twinx(), look)
    right.patch.set_visible(False)
    times = (np.arange(len(hertz)) + 0.5) / frames_per_second
    right.plot(times, hertz, color=look.palette[1], lw=1.6, path_effects=halo(look, 3.0))
    right.set_yscale("log")
    right.set_ylim(55, 600)
    right.set_yticks([60, 100, 200, 400], ["60", "100", "200", "400"])
    right.minorticks_off()
    right.set_ylabel("F0 / Hz")


def _bar(figure: Picture, ax: Axes, image: Any, look: Theme, label: str) -> None:
    place = ax.get_position()
    bar = figure.colorbar(
        image, cax=figure.add_axes((place.x1 + 0.015, place.y0, 0.013, place.height))
    )
    bar.outline.set_edgecolor(look.soft)
    bar.ax.tick_params(labelsize=7, color=look.soft, labelcolor=look.ink)
    bar.set_label(label, fontsize=7.5, color=look.ink)
