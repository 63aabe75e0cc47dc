"""Which expert is asked for which direction: the statistics of the paper's figure 10."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError

#: Sectors of the half circle from right to left.
SECTORS = 12


def folded_angle(azimuth_deg: Any) -> np.ndarray:
    """Return angles from the right ear's side, 0 (right) over 90 (front or back) to 180 (left).

    Figure 10 counts azimuth from the right and lays the back onto the front, where its experts
    were chosen alike.

    Parameters
    ----------
    azimuth_deg : array of float
        The house's azimuth: 0 in front, 90 at the left.

    Examples
    --------
    >>> folded_angle([-90, 0, 90, 180, -135]).tolist()
    [0.0, 90.0, 180.0, 90.0, 45.0]
    """
    turned = (np.asarray(azimuth_deg, dtype=float) + 90.0) % 360.0
    return np.where(turned > 180.0, 360.0 - turned, turned)


def by_azimuth(
    probabilities: Any, azimuth_deg: Any, mask: Any = None, *, sectors: int = SECTORS,
    fold: bool = True,
) -> xr.DataArray:  # fmt: skip
    """Average routing probabilities over frames in each sector of directions (figure 10).

    Parameters
    ----------
    probabilities : (b, l, n)
        Softmax of the logits before an expert is chosen, as ``Field.routing`` keeps them.
    azimuth_deg : (b, l)
        Where the speaker stands in each latent frame; 0 in front, 90 at the left.
    mask : (b, l), optional
        Frames to count.
    sectors : int
    fold : bool
        True for the paper's half circle, see :func:`folded_angle`; False for all around, from
        behind over right, front and left to behind.

    Returns
    -------
    xarray.DataArray, (angle, expert)
        Rows sum to one, or are NaN where nobody stood; coordinates are the sectors' centres in
        degrees, with ``frames`` beside them: how many there were.

    Raises
    ------
    ValidationError
        Shapes that do not go together.

    Notes
    -----
    Paper appendix E.3: "we evaluate the softmax output probabilities before expert selection".

    Examples
    --------
    >>> table = by_azimuth([[[0.9, 0.1], [0.2, 0.8]]], [[-80.0, 80.0]], sectors=2)
    >>> table.values.tolist(), table.angle.values.tolist()
    ([[0.9, 0.1], [0.2, 0.8]], [45.0, 135.0])
    """
    p, azimuth = _array(probabilities), _array(azimuth_deg)
    there = np.ones(azimuth.shape, bool) if mask is None else _array(mask).astype(bool)
    if p.ndim != 3 or azimuth.shape != p.shape[:2] or there.shape != azimuth.shape:
        raise ValidationError(
            f"routing by azimuth takes probabilities (b, l, n) and azimuth and mask (b, l); got "
            f"{p.shape}, {azimuth.shape} and {there.shape}."
        )
    if sectors < 1:
        raise ValidationError(f"sectors must be at least 1; got {sectors}.")
    first, span = (0.0, 180.0) if fold else (-180.0, 360.0)
    angle = folded_angle(azimuth) if fold else (azimuth + 180.0) % 360.0 - 180.0
    sector = np.minimum(((angle - first) / span * sectors).astype(int), sectors - 1)
    sums, frames = np.zeros((sectors, p.shape[2])), np.zeros(sectors, int)
    np.add.at(sums, sector[there], p[there])
    np.add.at(frames, sector[there], 1)
    mean = np.where(frames[:, None] > 0, sums / np.maximum(frames, 1)[:, None], np.nan)
    centres = first + (np.arange(sectors) + 0.5) * span / sectors
    return xr.DataArray(
        mean, dims=("angle", "expert"), name="share",
        coords={"angle": centres, "expert": np.arange(1, p.shape[2] + 1),
                "frames": ("angle", frames)},
        attrs={"fold": int(fold)},
    )  # fmt: skip


def balance_of(probabilities: Any, mask: Any = None) -> dict[str, np.ndarray]:
    """Return how evenly experts are used: (n,) ``chosen`` shares, (n,) mean ``probability``.

    Both are 1/n for even use; the product of the two times n is Switch's balance (equation 4 as
    it is meant).

    Parameters
    ----------
    probabilities : (b, l, n)
    mask : (b, l), optional

    Examples
    --------
    >>> used = balance_of([[[0.6, 0.4], [0.3, 0.7]]])
    >>> used["chosen"].tolist(), used["probability"].round(2).tolist()
    ([0.5, 0.5], [0.45, 0.55])
    """
    p = _array(probabilities)
    there = np.ones(p.shape[:2], bool) if mask is None else _array(mask).astype(bool)
    if not there.any():
        raise ValidationError("there is no frame to count: the mask is empty.")
    kept = p[there]
    chosen = np.bincount(kept.argmax(1), minlength=p.shape[2]) / len(kept)
    return {"chosen": chosen, "probability": kept.mean(0)}


def _array(values: Any) -> np.ndarray:
    """Return an array of what may be a tensor on any device, in any precision."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if values.is_floating_point() else values
    return np.asarray(values)
