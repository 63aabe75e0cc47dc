"""Listeners to learn from: a measured head, others derived from it, and ears without a head.

A localiser that has heard one head knows that head. These differ in size, in how much shadow lies
between the ears and in how strongly directions colour the sound; half of them have no head at all,
as the microphones with which dramas are recorded.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.io.sofa import hrir_dataset

_TAPS, _FAST = 512, 4096
#: s before the wave passes the centre, so that no delay is negative.
_LEAD = 1.5e-3


@attrs.frozen
class Head:
    """One listener.

    Parameters
    ----------
    name : str
    size : float
        Times the measured head: its delays grow, its spectra move down.
    shadow, colour : float
        Factors, in dB, of what differs between the ears and of what both have in common.
    spacing : float, m, optional
        Half the distance between ears without a head; the delays are those of straight lines.
    held_out : bool
        Never learned from.
    """

    name: str
    size: float = 1.0
    shadow: float = 1.0
    colour: float = 1.0
    spacing: float | None = None
    held_out: bool = False


HEADS = (
    Head("kemar"),
    Head("kemar -10 %", size=0.90),
    Head("kemar -5 %", size=0.95),
    Head("kemar +4 %", size=1.04),
    Head("kemar +8 %", size=1.08),
    Head("kemar, plain", size=0.98, shadow=0.85, colour=0.6),
    Head("kemar, vivid", size=1.02, shadow=1.15, colour=1.25),
    Head("rigid sphere", shadow=0.9, colour=0.15),
    Head("pinnae 8 cm", spacing=0.08, shadow=0.5, colour=0.7),
    Head("pinnae 9.5 cm", spacing=0.095, shadow=0.3, colour=0.5),
    Head("pinnae 9.5 cm, strong", spacing=0.095, shadow=0.6, colour=1.0),
    Head("pinnae 11 cm", spacing=0.11, shadow=0.2, colour=0.3),
    Head("pinnae 11 cm, strong", spacing=0.11, shadow=0.45, colour=0.8),
    Head("pinnae 12 cm", spacing=0.12, shadow=0.3, colour=0.6),
    Head("kemar +2 %, held out", size=1.02, shadow=0.95, colour=0.9, held_out=True),
    Head("pinnae 10 cm, held out", spacing=0.10, shadow=0.35, colour=0.6, held_out=True),
)


def responses(head: Head, measured: Any) -> xr.Dataset:
    """Return the impulse responses of `head`, made from a measured one.

    Parameters
    ----------
    head : Head
    measured : object
        With ``directions (v, 3)``, ``filters (v, 2, taps)``, ``delays (v, 2)`` and ``rate``: the
        ``head`` of a loaded ``physical`` renderer.

    Returns
    -------
    xarray.Dataset
        What the renderer's option ``hrtf`` takes.
    """
    level = 20 * np.log10(np.abs(np.fft.rfft(measured.filters, _FAST)) + 1e-6)
    hertz = np.fft.rfftfreq(_FAST, 1 / measured.rate)
    # Twice the size: every wavelength that meets the head alike is twice as long.
    place = np.clip(hertz * head.size, 0, hertz[-1])
    level = _interpolated(level, hertz, place)
    both = level.mean(axis=1, keepdims=True)
    common = both.mean(axis=0, keepdims=True)
    side = level - both
    level = common + head.colour * (both - common) + head.shadow * side
    filters = _minimum_phase(level)
    delays = measured.delays * head.size
    if head.spacing is not None:
        lateral = measured.directions[:, 1:2]
        delays = np.concatenate([-lateral, lateral], axis=1) * head.spacing / SPEED_OF_SOUND
    distance = 1.4
    return hrir_dataset(
        filters, distance * measured.directions, rate=measured.rate, delay=delays + _LEAD,
        title=head.name,
    )  # fmt: skip


def _interpolated(level: np.ndarray, hertz: np.ndarray, place: np.ndarray) -> np.ndarray:
    step = hertz[1]
    low = np.minimum((place / step).astype(int), len(hertz) - 2)
    part = place / step - low
    return level[..., low] * (1 - part) + level[..., low + 1] * part


def _minimum_phase(level_db: np.ndarray) -> np.ndarray:
    """Return (..., _TAPS) responses with these magnitudes, by the folded cepstrum."""
    cepstrum = np.fft.irfft(level_db * np.log(10) / 20)
    half = cepstrum.shape[-1] // 2
    cepstrum[..., 1:half] *= 2
    cepstrum[..., half + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[..., :_TAPS]
