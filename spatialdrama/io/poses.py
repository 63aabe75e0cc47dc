"""Pose files: our own netCDF and Zarr, and the text and npy layouts of published data sets."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.conventions import POSE_FORMATS
from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.io.files import atomic, existing
from spatialdrama.types import frames
from spatialdrama.types.pose import SCHEMA, Pose
from spatialdrama.types.validate import unknown_name

#: m; nobody speaks to a dummy head from farther, so larger numbers are centimetres.
METRE_LIMIT = 20.0


def write_pose(pose: Pose, path: Any) -> Path:
    """Write netCDF (``.nc``) or Zarr (``.zarr``)."""
    path = Path(path)
    if path.suffix == ".nc":
        with atomic(path) as temporary:
            pose.data.to_netcdf(temporary, engine="netcdf4")
    elif path.suffix == ".zarr":
        parent = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=path.parent))
        try:
            pose.data.to_zarr(parent / "data.zarr", mode="w", zarr_format=2)
            if path.exists():
                shutil.rmtree(path)
            (parent / "data.zarr").rename(path)
        except ImportError:
            raise ValidationError(
                "writing Zarr needs zarr: pip install 'spatialdrama[zarr]'."
            ) from None
        finally:
            shutil.rmtree(parent, ignore_errors=True)
    else:
        raise ValidationError(f"cannot write {path}: use a name that ends in .nc or .zarr.")
    return path


def read_pose(path: Any, format: str = "auto", *, unit: str = "auto") -> Pose:
    """Read a pose; see :meth:`spatialdrama.Pose.read`."""
    path = Path(path)
    if format == "auto":
        if path.suffix in (".nc", ".zarr"):
            format = "netcdf"
        else:
            raise ValidationError(
                f"{path} does not say its convention; name it with format=, one of "
                f"{', '.join(POSE_FORMATS)}."
            )
    if format == "netcdf":
        return _read_ours(path)
    if format not in POSE_FORMATS:
        raise unknown_name("pose format", format, [*POSE_FORMATS, "netcdf", "auto"])
    return _read_rows(existing(path, "pose file"), format, unit)


def _read_ours(path: Path) -> Pose:
    if not path.exists():
        raise ValidationError(f"pose file {path} does not exist; check the path.")
    engine = "zarr" if path.suffix == ".zarr" else "netcdf4"
    try:
        with xr.open_dataset(path, engine=engine) as stored:
            data = stored.load()
    except (OSError, ValueError, ImportError) as error:
        raise ValidationError(f"pose file {path} cannot be read: {error}") from None
    if data.attrs.get("schema") != SCHEMA:
        raise ValidationError(
            f"pose file {path} has schema {data.attrs.get('schema')!r}; expected {SCHEMA!r}."
        )
    data["valid"] = data["valid"].astype(bool)
    return Pose(data)


def _read_rows(path: Path, format: str, unit: str) -> Pose:
    rows = _load_rows(path)
    spec = POSE_FORMATS[format]
    position, quaternion = rows[:, :3], rows[:, 3:7]
    if not np.isfinite(rows[:, :7]).all():
        i = int(np.argmin(np.isfinite(rows[:, :7]).all(axis=1)))
        raise ValidationError(f"pose file {path}: row {i + 1} holds NaN; drop or mend it.")
    if unit == "auto":
        unit = _guessed_unit(path, position)
    try:
        return frames.from_arrays(
            position, quaternion, time=np.arange(len(rows)) / spec.rate_hz, order=spec.order,
            axes=spec.axes, unit=unit, inverse=spec.inverse, repair=True,
        )  # fmt: skip
    except ValidationError as error:
        raise ValidationError(f"pose file {path}: {error}") from None


def _guessed_unit(path: Path, position: np.ndarray) -> str:
    """Return "m" or "cm", and say so when it is not the unit of the house."""
    middle = float(np.median(np.linalg.norm(position, axis=1)))
    if middle <= METRE_LIMIT:
        return "m"
    warnings.warn(
        f"pose file {path}: half of its places are farther than {middle:.0f} away, so it is read "
        "as centimetres; say unit='cm' (--pose-unit cm) to confirm, or unit='m'.",
        SpatialDramaWarning,
        stacklevel=4,
    )
    return "cm"


def _load_rows(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            rows = np.atleast_2d(np.load(path, allow_pickle=False).astype(float))
        else:
            rows = np.loadtxt(path, ndmin=2)
    except (ValueError, OSError, EOFError) as error:
        raise ValidationError(f"pose file {path} cannot be read: {error}") from None
    if len(rows) == 0 or rows.shape[1] < 7:
        raise ValidationError(
            f"pose file {path} has shape {rows.shape}; expected rows of x y z and a quaternion."
        )
    return rows
