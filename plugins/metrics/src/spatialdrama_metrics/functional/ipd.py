"""Error of the interaural phase difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spatialdrama.dsp.active import GATE_DB, gate
from spatialdrama.dsp.ear_bands import IPD_BAND, band_bins, geometry
from spatialdrama.dsp.level import power_to_db
from spatialdrama_metrics.functional.analysis import sound_pair
from spatialdrama_metrics.functional.pairs import (
    BAND_FLOOR_DB,
    HOP_S,
    SpatialError,
    summarise,
)


def ipd_error(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: float,
    gate_db: float = GATE_DB,
    window_s: float = 0.043,
    band: tuple[float, float] = IPD_BAND,
) -> SpatialError:
    """Mean absolute error of the wrapped interaural phase difference, with its companions.

    ``|angle(X_L X_R* (Y_L Y_R*)*)|`` per time-frequency bin in ``band``, weighted by the
    reference's interaural energy ``|Y_L Y_R|`` where that is within ``gate_db`` of its maximum.
    The difference is taken before the angle, so that it wraps once, to at most pi. Phases that
    know nothing of the reference score pi/2. A bin without sound in the candidate counts as
    phase 0.

    Parameters
    ----------
    audio, reference : array_like, shape (2, n)
        Left, right. Lengths may differ by .1 s.
    rate : float
        Samples per second, of both.
    gate_db, window_s, band
        dB, s, Hz.

    Returns
    -------
    SpatialError
        In radians; ``seconds`` counts frames with any active bin. NaN with 0 seconds when the
        reference is silent.

    Raises
    ------
    ValidationError
        See :func:`aligned_pair`; or a rate too low for the band.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> clip, other = rng.standard_normal((2, 2, 96000))
    >>> bool(abs(ipd_error(other, clip, rate=48000).value - np.pi / 2) < 0.1)
    True
    """
    pair = sound_pair(audio, reference, rate=rate)
    # What is shared with levels leaves phases out where there are none; here that is an error.
    band_bins(band, geometry(rate, window_s, HOP_S)[0], rate)
    candidate, wanted = (sound.bands(window_s=window_s, band=band).bins for sound in pair)
    energy = np.abs(wanted).astype(np.float64)
    # Full scale of a bin's power is the squared sum of its window; only the absolute floor of the
    # gate depends on it.
    full = (window_s * rate / 4) ** 2
    active = gate(power_to_db(energy / full), gate_db=gate_db, floor_db=BAND_FLOOR_DB)
    seconds = float(active.any(axis=1).sum() * HOP_S)
    # Angles are what this costs, and those of other bins have no weight.
    candidate, wanted, energy = candidate[active], wanted[active], energy[active]
    heard = candidate != 0
    difference = np.angle(np.where(heard, candidate, 1) * wanted.conj()).astype(np.float64)
    # One number per bin is the difference itself, wrapped; "wanted 0" keeps it from wrapping twice.
    result = summarise(
        difference,
        np.zeros_like(difference),
        energy,
        heard,
        seconds,
    )
    total = energy.sum()
    mono = float((np.abs(np.angle(wanted)) * energy).sum() / total) if total else np.nan
    return result._replace(mono=mono)


def ipd_mae(audio: ArrayLike, reference: ArrayLike, *, rate: float, **options: object) -> float:
    """Mean absolute error of the interaural phase difference, radians; see :func:`ipd_error`.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).standard_normal((2, 48000))
    >>> bool(ipd_mae(clip, clip, rate=48000) < 1e-12)
    True
    """
    return ipd_error(audio, reference, rate=rate, **options).value
