"""Which frames and bands hold sound: energy gates relative to the loudest frame.

Interaural differences of silence are noise. Every spatial figure here is taken where the
*reference* is active, so that a candidate cannot gain by being silent where it would be wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.level import SILENCE_DB
from spatialdrama.dsp.stft import as_samples

#: dB below the loudest frame. Speech in a quiet room spans 30 to 40 dB between vowel and pause.
GATE_DB = 40.0
#: dBFS; a clip whose loudest frame is below this is silence, whatever its relative structure.
ABSOLUTE_DB = -90.0


def gate(
    level_db: ArrayLike, *, gate_db: float = GATE_DB, floor_db: float = ABSOLUTE_DB
) -> NDArray:
    """Levels within ``gate_db`` of the highest one, and above an absolute floor.

    Parameters
    ----------
    level_db : array_like, any shape
        Levels in dB; the maximum is taken over all of it.
    gate_db : float
        How far below the maximum still counts as active.
    floor_db : float
        dB; nothing below this is ever active.

    Returns
    -------
    ndarray of bool, same shape

    Examples
    --------
    >>> gate([-20.0, -50.0, -70.0]).tolist()
    [True, True, False]
    >>> gate([-120.0, -130.0]).tolist()
    [False, False]
    """
    level_db = np.asarray(level_db, dtype=np.float64)
    if level_db.size == 0:
        return np.zeros(level_db.shape, dtype=bool)
    return level_db >= max(level_db.max() - gate_db, floor_db)


def frame_levels_db(samples: ArrayLike, *, length: int, hop: int) -> NDArray[np.float64]:
    """Level of each centred frame in dBFS, the ears taken together as mean power.

    Parameters
    ----------
    samples : array_like, shape (n,) or (2, n)
    length, hop : int
        Samples.

    Returns
    -------
    ndarray, shape (1 + n // hop,)

    Examples
    --------
    >>> import numpy as np
    >>> frame_levels_db(np.full(100, 0.1), length=10, hop=10)[1:3].round(6).tolist()
    [-20.0, -20.0]
    """
    samples = as_samples(samples)
    power = samples.astype(np.float64) ** 2
    if power.ndim == 2:
        power = power.mean(axis=0)
    # Sums of frames from one running sum: independent of the frame length.
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(1 + len(power) // hop) * hop - length // 2
    inside = np.clip(np.stack([starts, starts + length]), 0, len(power))
    mean = (total[inside[1]] - total[inside[0]]) / length
    # Cancellation in the running sum leaves about 1e-16 of the total; that much is silence.
    mean[mean < 1e-15 * total[-1] / length] = 0.0
    return 10.0 * np.log10(np.maximum(mean, 10 ** (SILENCE_DB / 10)))


def active_frames(
    samples: ArrayLike, *, length: int, hop: int, gate_db: float = GATE_DB
) -> NDArray[np.bool_]:
    """Frames within ``gate_db`` of the loudest, shape (1 + n // hop,); see :func:`gate`.

    Examples
    --------
    >>> import numpy as np
    >>> click = np.zeros(100); click[50] = 1
    >>> active_frames(click, length=10, hop=10).nonzero()[0].tolist()
    [5]
    """
    return gate(frame_levels_db(samples, length=length, hop=hop), gate_db=gate_db)
