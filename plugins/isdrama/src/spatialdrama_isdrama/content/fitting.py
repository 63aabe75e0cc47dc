"""Durations to whole frames with an exact sum, by the largest remainders (facts E11)."""

from __future__ import annotations

import numpy as np
import torch

from spatialdrama.errors import ValidationError


def fit(durations: torch.Tensor, total: int) -> torch.Tensor:
    """Scale durations so that they sum to `total`, in whole frames, one at least for each.

    The real numbers max(1, s d) with the one factor s for which they sum to `total` are rounded
    down, and the frames that are left go to the largest remainders, the first ones among equals.
    Of all whole numbers with that sum these are the nearest (least squares).

    Parameters
    ----------
    durations
        (k,) numbers from 0 on, in any unit. All zero: the time is shared evenly.
    total
        Frames.

    Returns
    -------
    (k,) int64
        Sums to `total`. A longer duration never gets fewer frames, and each is less than a frame
        away from its scaled value.

    Raises
    ------
    ValidationError
        If there are fewer frames than phones, no phones, or durations that are negative or not
        finite.

    Example
    -------
    >>> fit(torch.tensor([1.0, 1.0, 2.0]), 10)
    tensor([3, 2, 5])
    >>> fit(torch.tensor([0.0, 5.0]), 4)
    tensor([1, 3])
    """
    given = torch.as_tensor(durations)
    wanted = given.detach().to("cpu", torch.float64).numpy()
    if wanted.ndim != 1 or len(wanted) == 0:
        raise ValidationError(f"durations must be one axis (k,) of phones; got {wanted.shape}")
    if isinstance(total, bool) or int(total) != total:
        raise ValidationError(f"a total must be a whole number of frames; got {total!r}")
    if not np.isfinite(wanted).all() or (wanted < 0).any():
        raise ValidationError("durations must be finite and not negative; look at what gave them")
    total = int(total)
    if total < len(wanted):
        raise ValidationError(
            f"{total} frames are too few for {len(wanted)} phones of one frame each; give the line "
            "more time or fewer words"
        )
    scaled = _scaled(wanted, total)
    # 2.9999999999999996 is a rounded 3; let it not lose its frame to a true remainder.
    frames = np.floor(scaled + 1e-9)
    left = total - int(frames.sum())
    order = np.argsort(-(scaled - frames), kind="stable")
    frames[order[:left]] += 1
    return torch.from_numpy(frames.astype(np.int64)).to(given.device)


def _scaled(wanted: np.ndarray, total: int) -> np.ndarray:
    """max(1, s d), with s so that the sum is `total`.

    Phones that would have less than a frame get one, which makes s smaller for the others, who may
    then fall below a frame themselves: at most k rounds.
    """
    greatest = wanted.max()
    wanted = wanted / greatest if greatest > 0 else np.ones_like(wanted)
    short = np.zeros(len(wanted), bool)
    while True:
        free = ~short
        share = (total - short.sum()) / wanted[free].sum()
        fallen = free & (wanted * share < 1)
        # The longest phone never falls while the frames suffice, but for rounding.
        if not fallen.any() or fallen.sum() == free.sum():
            break
        short |= fallen
    return np.where(short, 1.0, np.maximum(wanted * share, 1.0))
