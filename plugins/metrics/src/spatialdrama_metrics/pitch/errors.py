"""Gross pitch errors, voicing decision errors and their sum, between two tracks.

Source: W. Chu and A. Alwan (2009), "Reducing F0 frame error of F0 tracking algorithms under noisy
conditions with an unvoiced/voiced classification frontend", ICASSP, 3969-3972.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.errors import ValidationError


class PitchErrors(NamedTuple):
    """Counts of frames.

    ``frames`` all of them; ``both_voiced`` voiced in both; ``gross`` of these, more than the
    tolerance off; ``missed`` voiced in the reference alone; ``invented`` in the candidate alone.
    """

    frames: int
    both_voiced: int
    gross: int
    missed: int
    invented: int

    @property
    def gpe(self) -> float:
        """Gross pitch error: share of the frames voiced in both; NaN where there are none."""
        return self.gross / self.both_voiced if self.both_voiced else float("nan")

    @property
    def vde(self) -> float:
        """Voicing decision error: share of all frames."""
        return (self.missed + self.invented) / self.frames

    @property
    def ffe(self) -> float:
        """F0 frame error: share of all frames with an error of either kind."""
        return (self.gross + self.missed + self.invented) / self.frames


def _track(values: ArrayLike, role: str) -> NDArray[np.float64]:
    track = np.asarray(values, dtype=np.float64)
    if track.ndim != 1 or not len(track):
        raise ValidationError(f"{role} must be a track of shape (frames,), got {track.shape}")
    if not (np.isfinite(track) & (track >= 0)).all():
        place = int(np.argmin(np.isfinite(track) & (track >= 0)))
        raise ValidationError(
            f"{role} holds {track[place]} at frame {place}; a track is in Hz, 0 where unvoiced"
        )
    return track


def pitch_errors(
    candidate: ArrayLike, reference: ArrayLike, *, tolerance: float = 0.2
) -> PitchErrors:
    """Count the errors of a pitch track.

    Parameters
    ----------
    candidate, reference : array_like, shape (frames,)
        Hz, 0 where unvoiced; the same frames.
    tolerance : float
        A pitch further than this from the reference, relative to it, is a gross error.

    Returns
    -------
    PitchErrors

    Raises
    ------
    ValidationError
        Not two tracks of one length, or values that are no pitch.

    Examples
    --------
    >>> errors = pitch_errors([100, 130, 0, 90, 0], [100, 100, 100, 0, 0])
    >>> errors.gpe, errors.vde, errors.ffe
    (0.5, 0.4, 0.6)
    """
    got, wanted = _track(candidate, "candidate"), _track(reference, "reference")
    if len(got) != len(wanted):
        raise ValidationError(
            f"candidate has {len(got)} frames and reference {len(wanted)}; align them first"
        )
    if not tolerance > 0:
        raise ValidationError(f"tolerance must be a positive share, got {tolerance!r}")
    heard, said = got > 0, wanted > 0
    gross = heard & said & (np.abs(got - wanted) > tolerance * wanted)
    return PitchErrors(
        len(got),
        int((heard & said).sum()),
        int(gross.sum()),
        int((said & ~heard).sum()),
        int((heard & ~said).sum()),
    )
