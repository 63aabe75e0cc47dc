"""What the interaural errors share: the pair they compare and the result they return."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import ValidationError

#: s; renderings differ in their tails, and lines are cut at rounded times. More than this is not a
#: rendering of the same line, and comparing its beginning would hide that.
LENGTH_TOLERANCE_S = 0.1
#: s; frames of candidate and reference must be the same frames.
HOP_S = 0.02
#: dB; absolute floor for single bands and bins, which hold a small part of a frame's power.
BAND_FLOOR_DB = -130.0
#: s; eleven frames, an odd number so that the average is centred. Shorter ones read high whatever
#: the sound (one frame of one bin is always coherent), longer ones take a walk for a large room.
SMOOTH_S = 0.22


class SpatialError(NamedTuple):
    """An interaural error and what explains it.

    ``value`` the mean absolute error, NaN where the reference is silent; ``seconds`` how much of
    the reference was compared (the weight); ``bias`` the mean signed error, positive = too far to
    the left (of coherence: too coherent); ``mono`` the value that the same signal in both ears
    would have; ``silent`` the part of the compared time, 0 to 1, in which the candidate has no
    sound.
    """

    value: float
    seconds: float
    bias: float
    mono: float
    silent: float


def aligned_pair(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: float,
    tolerance_s: float = LENGTH_TOLERANCE_S,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Check two binaural signals, cut the longer one at its end, remove constant offsets.

    Parameters
    ----------
    audio, reference : array_like, shape (2, n)
        Left, right; both at ``rate``.
    rate : float
        Samples per second.
    tolerance_s : float
        Largest difference in length, seconds.

    Returns
    -------
    audio, reference : ndarray, shape (2, n)
        Of one length.

    Raises
    ------
    ValidationError
        Not two channels, NaN, no samples, or lengths further apart than the tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = aligned_pair(np.zeros((2, 1000)), np.zeros((2, 990)), rate=48000)
    >>> a.shape
    (2, 990)
    """
    first, second = checked_pair(audio, reference, rate=rate, tolerance_s=tolerance_s)
    n = min(first.shape[1], second.shape[1])
    # A constant offset is not sound, but at the clip's ends it is a step, and that is.
    return tuple(c[:, :n] - c[:, :n].mean(axis=1, keepdims=True) for c in (first, second))


def checked_pair(
    audio: ArrayLike, reference: ArrayLike, *, rate: float, tolerance_s: float
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return both as they are, once it is sure that they can be compared; see aligned_pair."""
    checked = []
    for role, samples in (("audio", audio), ("reference", reference)):
        try:
            checked.append(as_samples(samples, ears=2))
        except ValidationError as error:
            raise ValidationError(f"{role}: {error}") from None
    lengths = [c.shape[1] for c in checked]
    if abs(lengths[0] - lengths[1]) > tolerance_s * rate:
        raise ValidationError(
            f"audio lasts {lengths[0] / rate:.3f} s and reference {lengths[1] / rate:.3f} s, more "
            f"than {tolerance_s:g} s apart; cut both to the same stretch first"
        )
    return checked[0], checked[1]


def summarise(
    candidate: NDArray, wanted: NDArray, weight: NDArray, heard: NDArray, seconds: float
) -> SpatialError:
    """Weighted mean absolute difference and its companions; NaN when nothing has weight."""
    total = float(weight.sum())
    if total == 0 or seconds == 0:
        return SpatialError(np.nan, 0.0, np.nan, np.nan, np.nan)
    difference = candidate - wanted
    return SpatialError(
        float((np.abs(difference) * weight).sum() / total),
        seconds,
        float((difference * weight).sum() / total),
        float((np.abs(wanted) * weight).sum() / total),
        float((~heard * weight).sum() / total),
    )
