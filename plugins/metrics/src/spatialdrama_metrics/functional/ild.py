"""Error of the interaural level difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spatialdrama.dsp.active import GATE_DB, gate
from spatialdrama.dsp.interaural import ild_of
from spatialdrama.dsp.level import SILENCE_DB
from spatialdrama_metrics.functional.analysis import sound_pair
from spatialdrama_metrics.functional.pairs import (
    BAND_FLOOR_DB,
    HOP_S,
    SpatialError,
    summarise,
)

#: dB; a band that one ear does not have at all would otherwise differ by 200 dB and be the mean.
LIMIT_DB = 60.0


def ild_error(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: float,
    gate_db: float = GATE_DB,
    window_s: float = 0.043,
) -> SpatialError:
    """Mean absolute error of the interaural level difference in ERB bands, with its companions.

    One gammatone band per ERB from 200 Hz to 14 kHz (:func:`spatialdrama.dsp.ild_track`), frames
    every 20 ms, averaged over the band-frames in which the reference is within ``gate_db`` of its
    loudest one. Differences are limited to +-60 dB; a band-frame that is silent in the candidate
    counts as 0 dB.

    Parameters
    ----------
    audio, reference : array_like, shape (2, n)
        Left, right. Lengths may differ by .1 s.
    rate : float
        Samples per second, of both. Below 31.1 kHz the bands end at .45 of it.
    gate_db, window_s : float
        dB, s.

    Returns
    -------
    SpatialError
        In dB; ``seconds`` is the active share of the bands times the duration. NaN with 0 seconds
        when the reference is silent.

    Raises
    ------
    ValidationError
        See :func:`aligned_pair`.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> clip = np.stack([noise, noise])
    >>> round(ild_error(clip * [[1.0], [0.5]], clip, rate=48000).value, 2)
    6.02
    """
    pair = sound_pair(audio, reference, rate=rate)
    candidate, wanted = (ild_of(sound.bands(window_s=window_s)) for sound in pair)
    active = gate(wanted.level_db, gate_db=gate_db, floor_db=BAND_FLOOR_DB)
    heard = candidate.level_db > SILENCE_DB
    seconds = float(active.sum() * HOP_S / active.shape[1])
    limit = (-LIMIT_DB, LIMIT_DB)
    return summarise(
        np.clip(candidate.ild_db, *limit), np.clip(wanted.ild_db, *limit), active, heard, seconds
    )


def ild_mae(audio: ArrayLike, reference: ArrayLike, *, rate: float, **options: object) -> float:
    """Mean absolute error of the interaural level difference, dB; see :func:`ild_error`.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).standard_normal((2, 48000))
    >>> ild_mae(clip, clip, rate=48000)
    0.0
    """
    return ild_error(audio, reference, rate=rate, **options).value
