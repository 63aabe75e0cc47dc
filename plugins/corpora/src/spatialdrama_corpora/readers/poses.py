"""Rows of a tracker as poses: how many a second, in which unit, and whether they reach the end."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.conventions import POSE_FORMATS
from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.io.files import existing
from spatialdrama.io.poses import METRE_LIMIT
from spatialdrama.types import Pose

#: Hz; rows of MRSDrama's .npy files: the tracker's grid, and 48 kHz with a hop of 256.
NPY_RATES = (20.0, 187.5)
#: Hz; rows of the text files in the layout of BinauralGrad.
TEXT_RATES = (120.0,)
#: s; a pose may end this much before or after its sound: five rows of the slowest tracker.
SLACK = 0.25
#: Files that are looked at to learn the unit.
_LOOKED_AT = 16

_MRSDRAMA = POSE_FORMATS["mrsdrama-20hz"]


def read_rows(path: Any) -> np.ndarray:
    """Return (t, c) rows of a ``.npy`` or text file, c from 7.

    Shapes (9,), (1, 9) and (t, 9) are rows of x y z, a quaternion and two velocities; (9, t) is
    turned. Files that hold Python objects are refused, since reading them runs code.

    Raises
    ------
    ValidationError
        Names the file, and the row that holds NaN.
    """
    path = existing(path, "pose file")
    try:
        if path.suffix == ".npy":
            rows = np.atleast_2d(np.load(path, allow_pickle=False)).astype(float)
        else:
            rows = np.loadtxt(path, ndmin=2)
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise ValidationError(f"pose file {path} cannot be read: {error}") from None
    if rows.ndim == 2 and rows.shape[1] not in (7, 9) and rows.shape[0] in (7, 9):
        rows = rows.T
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] < 7:
        raise ValidationError(
            f"pose file {path} has shape {rows.shape}; expected rows of x y z, a quaternion and, "
            "if any, two velocities."
        )
    finite = np.isfinite(rows[:, :7]).all(axis=1)
    if not finite.all():
        raise ValidationError(
            f"pose file {path}: {int((~finite).sum())} of {len(rows)} rows hold NaN, the first is "
            f"row {int(np.argmin(finite)) + 1}. Drop or mend them."
        )
    return rows


def rows_per_second(path: Any, count: int, duration: float, rates: Sequence[float]) -> float:
    """Return which of `rates` (Hz) makes `count` rows last as long as the sound.

    Raises
    ------
    ValidationError
        When none does: the pose is shorter or longer than the sound, or at another rate.

    Examples
    --------
    >>> from spatialdrama_corpora.readers.poses import rows_per_second
    >>> rows_per_second("a.npy", 101, 5.0, (20.0, 187.5))
    20.0
    >>> rows_per_second("a.npy", 938, 5.0, (20.0, 187.5))
    187.5
    """
    rate = min(rates, key=lambda r: abs(np.log(count / (duration * r))))
    lasts = count / rate
    if abs(lasts - duration) <= SLACK:
        return rate
    kind = "shorter" if lasts < duration else "longer"
    listed = " or ".join(f"{r:g}" for r in rates)
    raise ValidationError(
        f"pose file {path} is {kind} than the sound: its {count} rows last {lasts:.2f} s at "
        f"{rate:g} Hz and the sound {duration:.2f} s. Mend it, or give pose_rate= when its rows "
        f"do not come at {listed} Hz."
    )


def read_mrsdrama(
    path: Any, duration: float, *, unit: str = "m", pose_rate: float | None = None
) -> Pose:
    """Return an MRSDrama pose in the house frame, from the first sample of its sound on.

    x right, y front, z up become x forward, y left, z up; quaternions are w-first, those that were
    interpolated across a sign flip are bridged by slerp, with a warning (facts A2).

    Parameters
    ----------
    path : path
    duration : float, s
        Of the sound; it tells 20 Hz from 187.5 Hz.
    unit : "m" or "cm"
    pose_rate : float, Hz, optional
        Overrides the two.
    """
    rows = read_rows(path)
    suffix = Path(path).suffix
    rate = 1.0
    if len(rows) > 1:
        known = NPY_RATES if suffix == ".npy" else TEXT_RATES
        rates = known if pose_rate is None else (float(pose_rate),)
        rate = rows_per_second(path, len(rows), duration, rates)
    far = float(np.median(np.linalg.norm(rows[:, :3], axis=1)))
    if unit == "m" and far > METRE_LIMIT:
        raise ValidationError(
            f"pose file {path}: half of its places are farther than {far:.0f} m, unlike those of "
            "its drama; open the corpus with unit='cm' when all of it is in centimetres."
        )
    try:
        return Pose.from_arrays(
            rows[:, :3], rows[:, 3:7], time=np.arange(len(rows)) / rate, order=_MRSDRAMA.order,
            axes=_MRSDRAMA.axes, unit=unit, repair=True,
        )  # fmt: skip
    except ValidationError as error:
        raise ValidationError(f"pose file {path}: {error}") from None


def unit_of(paths: Iterable[Path]) -> str | None:
    """Return "m" or "cm" for the poses of one drama, None when none can be read.

    One drama is tracked in one unit, and a speaker 15 cm away looks like one 15 m away: the
    median over up to 16 files of it decides, not each file for itself.
    """
    paths = list(paths)
    step = max(len(paths) // _LOOKED_AT, 1)
    distances = []
    for path in paths[::step][:_LOOKED_AT]:
        try:
            distances.append(np.linalg.norm(read_rows(path)[:, :3], axis=1))
        except ValidationError:
            continue  # said by check(), with the file
    if not distances:
        return None
    return "m" if float(np.median(np.concatenate(distances))) <= METRE_LIMIT else "cm"


def say_centimetres(root: Path, dramas: Sequence[str]) -> None:
    """Warn that poses were taken for centimetres, once for all dramas."""
    if not dramas:
        return
    some = ", ".join(dramas[:3]) + (f" and {len(dramas) - 3} more" if len(dramas) > 3 else "")
    warnings.warn(
        f"{root}: half of the places in {some} are farther than {METRE_LIMIT:.0f} away, so they "
        "are read as centimetres; open it with unit='cm' to confirm, or unit='m'.",
        SpatialDramaWarning,
        stacklevel=3,
    )
