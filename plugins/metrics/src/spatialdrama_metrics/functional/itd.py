"""Error of the interaural time difference."""

from __future__ import annotations

from numpy.typing import ArrayLike

from spatialdrama.dsp.active import gate
from spatialdrama.dsp.interaural import ITD_BAND, ITD_WINDOW_S
from spatialdrama.dsp.level import SILENCE_DB
from spatialdrama_metrics.functional.analysis import sound_pair
from spatialdrama_metrics.functional.pairs import HOP_S, SpatialError, summarise

#: dB below the loudest frame. Below that a recording in a room is mostly its own reverberation,
#: whose delay is anything: docs/explanation/decisions/0005-headline-metrics.md has the figures.
GATE_DB = 20.0


def itd_error(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: float,
    gate_db: float = GATE_DB,
    window_s: float = ITD_WINDOW_S,
    band: tuple[float, float] = ITD_BAND,
) -> SpatialError:
    """Mean absolute error of the interaural time difference, with its companions.

    Frames of ``window_s`` every 20 ms; the delay at the highest point of the cross-correlation in
    ``band`` within +-1 ms (:func:`spatialdrama.dsp.itd_track`); averaged over the frames in which
    the reference is within ``gate_db`` of its loudest frame. A frame in which the candidate is
    silent counts as a delay of 0.

    Parameters
    ----------
    audio, reference : array_like, shape (2, n)
        Left, right. Lengths may differ by .1 s.
    rate : float
        Samples per second, of both.
    gate_db, window_s, band
        See above; dB, s, Hz.

    Returns
    -------
    SpatialError
        In microseconds; NaN with 0 seconds when the reference is silent.

    Raises
    ------
    ValidationError
        See :func:`aligned_pair`; or a rate too low for the band.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> reference = np.stack([noise[12:], noise[:-12]])    # 250 us, left first
    >>> error = itd_error(np.stack([noise, noise]), reference, rate=48000)
    >>> round(error.value), round(error.bias), round(error.mono)
    (250, -250, 250)
    """
    pair = sound_pair(audio, reference, rate=rate)
    candidate, wanted = (sound.delays(window_s=window_s, band=band) for sound in pair)
    active = gate(wanted.level_db, gate_db=gate_db)
    heard = candidate.level_db > SILENCE_DB
    return summarise(candidate.itd_us, wanted.itd_us, active, heard, float(active.sum() * HOP_S))


def itd_mae(audio: ArrayLike, reference: ArrayLike, *, rate: float, **options: object) -> float:
    """Mean absolute error of the interaural time difference, microseconds; see :func:`itd_error`.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).standard_normal((2, 48000))
    >>> itd_mae(clip, clip, rate=48000)
    0.0
    """
    return itd_error(audio, reference, rate=rate, **options).value
