"""Panels of what two ears hear: mel spectrum, F0, level, phase and time differences.

Each function takes ``ax=`` and returns what it drew. Red and up mean left throughout: positive
level, phase and time differences belong to a source on the left, as positive azimuths do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage

from spatialdrama.dsp import (
    cross_track,
    gate,
    hz_to_cams,
    hz_to_mel,
    ild_track,
    mel_matrix,
    power_to_db,
    stft_blocks,
)  # fmt: skip
from spatialdrama.plot import facts
from spatialdrama.plot.stretches import stretches, tracked
from spatialdrama.plot.style import cast, dress, halo, step_for
from spatialdrama.plot.style import theme as _theme
from spatialdrama.types import BinauralAudio, Drama

#: Columns that a picture can show; longer sound gets longer frames, not columns nobody sees.
COLUMNS = 1600
#: s; the longest frame of a picture.
LONGEST_WINDOW = 0.25
#: How many dots of a time difference a column holds at most.
_DOTS = 6
#: dB; the spectrogram's range below its loudest point.
LEVEL_RANGE_DB = 65.0
#: dB; a band this far below its own loudest frame counts as silent.
BAND_GATE_DB = 32.0
#: dB; a difference that saturates the colours. Heads reach 20 at high frequency.
ILD_LIMIT_DB = 18.0
#: Hz
IPD_BAND = (100.0, 1500.0)
#: us; the panel's half height.
ITD_LIMIT_US = 900.0

_MEL_BAND = (50.0, 12_000.0)
_F0_BAND = (55.0, 600.0)
_F0_SPEED = 10.0  # octaves per second
_KHZ = (200, 500, 1000, 2000, 5000, 10_000)


def _steps(audio: BinauralAudio, window_s: float = 0.043) -> tuple[float, float]:
    """Window and hop in s, so that a long drama still fits the picture's columns.

    Beyond some five minutes a column shows the middle of its time, not all of it: longer frames
    would resolve frequencies that no pixel can show, and take minutes for an hour.
    """
    hop = max(0.02, audio.duration / COLUMNS)
    return max(window_s, min(1.5 * hop, LONGEST_WINDOW)), hop


def _khz(ax: Axes, scale: Any, low: float, high: float) -> None:
    least = 0.085 * abs(float(scale(high) - scale(low)))
    marks: list[int] = []
    for f in _KHZ:
        if low <= f <= high and (not marks or scale(f) - scale(marks[-1]) > least):
            marks.append(f)
    ax.set_yticks([float(scale(f)) for f in marks], [f"{f / 1000:g}" for f in marks])
    ax.set_ylabel("frequency / kHz")


def _image(
    ax: Axes, values: np.ndarray, audio: BinauralAudio, hop: float, bottom: float, top: float,
    **options: Any,
) -> AxesImage:  # fmt: skip
    """Show (frames, bands) with time to the right; frame t is centred on t * hop."""
    extent = (-hop / 2, (len(values) - 0.5) * hop, bottom, top)
    image = ax.imshow(values.T, origin="lower", aspect="auto", extent=extent,
                      interpolation="nearest", zorder=1, **options)  # fmt: skip
    ax.set_xlim(0, audio.duration)
    ax.set_ylim(bottom, top)
    ax.set_xlabel("time / s")
    return image


def mel(audio: BinauralAudio, *, ax: Axes, theme: str = "light", bands: int = 96) -> AxesImage:
    """Draw the mel spectrogram of both ears' mean power, in dB below its loudest point.

    Parameters
    ----------
    audio : BinauralAudio
    ax : Axes
    theme : "light" or "dark"
    bands : int

    Returns
    -------
    matplotlib.image.AxesImage
        Its array is (bands, frames) dB, 0 at the loudest point.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> from spatialdrama.plot.style import new_picture
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    >>> ax = new_picture(6, 2, "light").add_subplot()
    >>> image = sd.plot.mel(sd.BinauralAudio([tone, tone], 48_000), ax=ax)
    >>> float(image.get_array().max())
    0.0
    """
    look = _theme(theme)
    window, hop_s = _steps(audio)
    length, hop = round(window * audio.rate), round(hop_s * audio.rate)
    high = min(_MEL_BAND[1], 0.45 * audio.rate)
    weights = mel_matrix(rate=audio.rate, n_fft=length, bands=bands, low=_MEL_BAND[0], high=high)
    level = np.concatenate([
        _mel_levels(samples, length, hop, weights)[keep]
        for samples, keep in stretches(audio, length=length, hop=hop)
    ])  # fmt: skip
    bottom, top = float(hz_to_mel(_MEL_BAND[0])), float(hz_to_mel(high))
    image = _image(ax, level - level.max(), audio, hop / audio.rate, bottom, top,
                   cmap=look.level, vmin=-LEVEL_RANGE_DB, vmax=0.0)  # fmt: skip
    dress(ax, look)
    _khz(ax, hz_to_mel, _MEL_BAND[0], high)
    return image


def _mel_levels(samples: np.ndarray, length: int, hop: int, weights: np.ndarray) -> np.ndarray:
    return np.concatenate([
        power_to_db((np.abs(spectrum) ** 2).mean(axis=0) @ weights.T)
        for _, spectrum in stft_blocks(samples, length=length, hop=hop)
    ])  # fmt: skip


def f0(drama: Drama, *, ax: Axes, theme: str = "light") -> list[Any]:
    """Draw each line's F0 on its own logarithmic axis at the right of `ax`, in Hz.

    The curves come with the stems that carry them, shifted to their line's start.

    Returns
    -------
    list of matplotlib.lines.Line2D
        One for each line whose stem knows its F0; empty when none does.
    """
    look = _theme(theme)
    people = cast(drama.scene, look)
    curves = []
    right = None
    for line, stem in zip(drama.script, drama.stems, strict=False):
        if stem.f0 is None or stem.f0_hop <= 0:
            continue
        hertz = _voiced(stem.f0, stem.f0_hop)
        if np.isnan(hertz).all():
            continue
        if right is None:
            right = ax.twinx()
        times = line.start + np.arange(len(stem.f0)) * stem.f0_hop
        curves += right.plot(times, hertz, color=people[line.speaker].colour, lw=1.5, zorder=5,
                             path_effects=halo(look, 3.0))  # fmt: skip
    if right is not None:
        dress(right, look)
        right.patch.set_visible(False)
        right.spines["right"].set_visible(True)
        right.set_yscale("log")
        right.set_ylim(*_F0_BAND)
        right.set_yticks([60, 100, 200, 400], ["60", "100", "200", "400"])
        right.minorticks_off()
        right.set_ylabel("F0 / Hz")
        right.set_xlim(ax.get_xlim())
    return curves


def _voiced(f0: np.ndarray, hop: float) -> np.ndarray:
    """Return F0 in Hz with NaN where nobody's vocal folds move like that.

    Networks that predict F0 glide through zero at the edges of voiced stretches: values below any
    voice and falls faster than any larynx (Xu and Sun 2002: 7 octaves/s at most) are not shown.
    """
    hertz = np.where(f0 >= _F0_BAND[0], f0, np.nan).astype(float)
    steep = np.abs(np.diff(np.log2(hertz))) > _F0_SPEED * hop
    hertz[1:][steep] = np.nan
    hertz[:-1][steep] = np.nan
    return hertz


def ild(audio: BinauralAudio, *, ax: Axes, theme: str = "light") -> AxesImage:
    """Draw the level difference between the ears over time and ERB bands, in dB.

    Red is louder at the left ear, blue at the right, no colour is 0 dB, grey is silence.

    Returns
    -------
    matplotlib.image.AxesImage
        Its array is (bands, frames) dB, left over right, masked where silent.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> from spatialdrama.plot.style import new_picture
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    >>> ax = new_picture(6, 2, "light").add_subplot()
    >>> image = sd.plot.ild(sd.BinauralAudio([noise, noise / 2], 48_000), ax=ax)
    >>> round(float(image.get_array().mean()), 1)
    6.0
    """
    look = _theme(theme)
    window, hop = _steps(audio)
    t = tracked(ild_track, audio, window_s=window, hop_s=hop)
    values = np.ma.array(t.ild_db, mask=~_sounding(t.level_db))
    cams = hz_to_cams(t.centres)
    bottom, top = float(cams[0] - 0.5), float(cams[-1] + 0.5)
    image = _image(ax, values, audio, _hop(t.times, hop), bottom, top, cmap=look.difference,
                   vmin=-ILD_LIMIT_DB, vmax=ILD_LIMIT_DB)  # fmt: skip
    dress(ax, look)
    ax.set_facecolor(look.silent)
    _khz(ax, hz_to_cams, float(t.centres[0]), float(t.centres[-1]))
    return image


def ipd(audio: BinauralAudio, *, ax: Axes, theme: str = "light") -> AxesImage:
    """Draw the phase difference between the ears over time and frequency, in radians.

    The colours form a ring, since pi and -pi are one angle: red is left ahead, blue right ahead.

    Returns
    -------
    matplotlib.image.AxesImage
        Its array is (bins, frames) rad in (-pi, pi], masked where silent.
    """
    look = _theme(theme)
    window, hop = _steps(audio, 0.06)
    t = tracked(cross_track, audio, band=IPD_BAND, window_s=window, hop_s=hop)
    level = power_to_db(np.abs(t.cross).astype(np.float64))
    values = np.ma.array(np.angle(t.cross), mask=~_sounding(level))
    half = (t.frequencies[1] - t.frequencies[0]) / 2
    bottom, top = float(t.frequencies[0] - half), float(t.frequencies[-1] + half)
    image = _image(ax, values, audio, _hop(t.times, hop), bottom, top, cmap=look.phase,
                   vmin=-np.pi, vmax=np.pi)  # fmt: skip
    dress(ax, look)
    ax.set_facecolor(look.silent)
    marks = (100, 500, 1000, 1500)
    ax.set_yticks(marks, [f"{m / 1000:g}" for m in marks])
    ax.set_ylabel("frequency / kHz")
    return image


def itd(sound: BinauralAudio | Drama, *, ax: Axes, theme: str = "light") -> tuple[Any, list[Any]]:
    """Draw the measured time difference as dots and, for a drama, each line's own as a curve.

    Dots fade with the coherence of the ears: pale ones are reflections or several voices at once.

    Returns
    -------
    dots : matplotlib.collections.PathCollection
        At (s, us), positive = left ear first.
    lines : list of matplotlib.lines.Line2D
        What the pose gives, one for each line; empty for plain audio.
    """
    look = _theme(theme)
    drama = sound if isinstance(sound, Drama) else None
    audio = sound.audio if drama is not None else sound
    # Long sound gets a dot for every few columns' worth, not dots that nobody could tell apart.
    hop = max(facts.HOP, audio.duration / (_DOTS * COLUMNS))
    times, delays, coherence, sounding = facts.measured(audio, hop)
    t, d, c = times[sounding], delays[sounding], coherence[sounding]
    paint = np.tile(to_rgba(look.soft), (len(t), 1))
    paint[:, 3] = 0.8 * np.clip(c, 0, 1) ** 3
    dots = ax.scatter(t, d, s=5, facecolors=paint, linewidths=0, zorder=2)
    curves = []
    if drama is not None:
        people = cast(drama.scene, look)
        for line in drama.script:
            at = np.linspace(line.start, line.end, max(2, int(line.duration * 25)))
            curves += ax.plot(at, facts.pose_itd(drama, line.speaker, at), lw=2.2, zorder=4,
                              color=people[line.speaker].colour, path_effects=halo(look, 3.6),
                              solid_capstyle="butt")  # fmt: skip
    dress(ax, look, grid="y")
    ax.set_xlim(0, audio.duration)
    ax.set_ylim(-ITD_LIMIT_US, ITD_LIMIT_US)
    ax.set_yticks([-800, -400, 0, 400, 800])
    ax.set_xlabel("time / s")
    ax.set_ylabel("ITD / µs")
    return dots, curves


def time_ticks(ax: Axes, duration: float) -> None:
    """Put round ticks on a time axis in s."""
    step = step_for(duration, 14)
    ax.set_xticks(np.arange(0, duration + 1e-9, step))


def _hop(times: np.ndarray, otherwise: float) -> float:
    return float(times[1] - times[0]) if len(times) > 1 else otherwise


def _sounding(level: np.ndarray) -> np.ndarray:
    """(frames, bands) bool: each band against its own loudest frame, since speech falls by 40 dB
    from its first to its last octave."""
    return np.stack([gate(band, gate_db=BAND_GATE_DB) for band in level.T], axis=1)
