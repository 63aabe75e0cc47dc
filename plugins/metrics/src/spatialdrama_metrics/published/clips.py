"""What Spatial-AST gets to hear: 32 kHz, one loudness, ten seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from spatialdrama.types import BinauralAudio

#: Hz, s: the network's rate, and how much of a clip it hears.
RATE, SECONDS = 32_000, 10
#: dBFS that both ears together have over the whole clip.
LEVEL_DB = -14.0


def prepared(audio: BinauralAudio) -> NDArray[np.float64]:
    """Bring a clip to 32 kHz and to -14 dBFS, both ears by one gain.

    Parameters
    ----------
    audio : BinauralAudio

    Returns
    -------
    ndarray, shape (2, n)
        The whole clip; silence stays silence.

    Examples
    --------
    >>> import numpy as np
    >>> clip = prepared(BinauralAudio(np.full((2, 480), 0.5), 32000))
    >>> round(float(20 * np.log10(np.sqrt(np.mean(clip**2)))), 3)
    -14.0
    """
    samples = audio.samples.astype(np.float64)
    if audio.rate != RATE:
        samples = resample_poly(samples, RATE, audio.rate, axis=-1)
    return levelled(samples)


def levelled(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give both ears together -14 dBFS; see :func:`prepared`."""
    rms = np.sqrt(np.mean(samples**2))
    return samples if rms == 0 else samples * (10 ** (LEVEL_DB / 20) / rms)


def seconds_of(
    clips: list[NDArray[np.float64]],
) -> list[list[NDArray[np.float64]]]:
    """Cut clips into seconds, all at the same times and as many as the shortest has.

    A rest shorter than a second counts only where there is nothing else.

    Parameters
    ----------
    clips : list of ndarray, shape (2, n)

    Returns
    -------
    list of list of ndarray, shape (2, 32000)
        Per clip its seconds.

    Examples
    --------
    >>> import numpy as np
    >>> long, short = seconds_of([np.zeros((2, 100000)), np.zeros((2, 70000))])
    >>> len(long), len(short), short[1].shape
    (2, 2, (2, 32000))
    """
    shortest = min(clip.shape[1] for clip in clips)
    starts = range(0, max(shortest // RATE, 1) * RATE, RATE)
    return [[clip[:, low : min(low + RATE, shortest)] for low in starts] for clip in clips]


def padded(samples: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cut to ten seconds, or fill up with zeros; shape (2, 320000).

    Examples
    --------
    >>> import numpy as np
    >>> padded(np.ones((2, 10))).shape
    (2, 320000)
    """
    out = np.zeros((2, RATE * SECONDS), np.float32)
    heard = samples[:, : out.shape[1]]
    out[:, : heard.shape[1]] = heard
    return out
