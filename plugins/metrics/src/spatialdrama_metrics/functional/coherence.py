"""Error of the interaural coherence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spatialdrama.dsp.active import GATE_DB, gate
from spatialdrama.dsp.ear_bands import moving_sum
from spatialdrama.dsp.interaural import ild_of
from spatialdrama.dsp.level import SILENCE_DB, power_to_db
from spatialdrama_metrics.functional.analysis import sound_pair
from spatialdrama_metrics.functional.pairs import (
    BAND_FLOOR_DB,
    HOP_S,
    SMOOTH_S,
    SpatialError,
    summarise,
)

#: dB below the candidate's loudest; digital silence is not quite that once an offset was removed.
HEARD_DB = 120.0


def coherence_error(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: float,
    gate_db: float = GATE_DB,
    window_s: float = 0.043,
    smooth_s: float = SMOOTH_S,
) -> SpatialError:
    """Mean absolute error of the interaural coherence in ERB bands, with its companions.

    ``|<L R*>| / sqrt(<|L|**2> <|R|**2>)`` in gammatone bands of one ERB from 200 Hz to 14 kHz,
    averaged over ``smooth_s``, frames every 20 ms; each band in strips of at most 140 Hz, so that a
    direction is no loss of coherence (:func:`spatialdrama.dsp.coherence_track`). Compared over the
    band-frames in which the reference is within ``gate_db`` of its loudest one.
    It is 1 for one source in the free field whatever its direction, and falls with reverberation
    and with further sources: what is heard as width and distance. A band-frame around which the
    candidate is silent (120 dB below its loudest) counts as 1, as the same signal in both ears
    would; one in which a single ear is silent as 0.

    Parameters
    ----------
    audio, reference : array_like, shape (2, n)
        Left, right. Lengths may differ by .1 s.
    rate : float
        Samples per second, of both. Below 31.1 kHz the bands end at .45 of it.
    gate_db, window_s, smooth_s : float
        dB, s, s.

    Returns
    -------
    SpatialError
        Between 0 and 1, without a unit; ``bias`` positive = too coherent (too dry, too narrow);
        ``seconds`` is the active share of the bands times the duration. NaN with 0 seconds when the
        reference is silent.

    Raises
    ------
    ValidationError
        See :func:`aligned_pair`.

    References
    ----------
    J. Blauert and W. Lindemann (1986), J. Acoust. Soc. Am. 79, 806-813, for coherence and width.

    Examples
    --------
    >>> import numpy as np
    >>> one, two = np.random.default_rng(0).standard_normal((2, 48000))
    >>> dry, apart = np.stack([one, one]), np.stack([one, two])
    >>> error = coherence_error(apart, dry, rate=48000)
    >>> bool(0.6 < error.value < 0.95), bool(error.bias < 0), round(error.mono, 6)
    (True, True, 0.0)
    """
    pair = sound_pair(audio, reference, rate=rate)
    first, second = (sound.bands(window_s=window_s, smooth_s=smooth_s) for sound in pair)
    active = gate(ild_of(second).level_db, gate_db=gate_db, floor_db=BAND_FLOOR_DB)
    width = max(1, round(smooth_s / HOP_S))
    around = power_to_db(moving_sum(first.power.mean(axis=0, dtype=np.float64), width) / width)
    heard = around > max(SILENCE_DB, around.max() - HEARD_DB)
    candidate = np.where(heard, first.coherence, 1.0)
    wanted = second.coherence.astype(np.float64)
    seconds = float(active.sum() * HOP_S / active.shape[1])
    result = summarise(candidate, wanted, active, heard, seconds)
    if result.seconds == 0:
        return result
    return result._replace(mono=float((1.0 - wanted)[active].mean()))


def coherence_mae(
    audio: ArrayLike, reference: ArrayLike, *, rate: float, **options: object
) -> float:
    """Mean absolute error of the interaural coherence, 0 to 1; see :func:`coherence_error`.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).standard_normal((2, 48000))
    >>> coherence_mae(clip, clip, rate=48000)
    0.0
    """
    return coherence_error(audio, reference, rate=rate, **options).value
