"""Score tables as JSON or netCDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, write_json
from spatialdrama.types.scores import ScoreTable


def write_scores(table: ScoreTable, path: Any) -> Path:
    """Write by the suffix: .json (with every detail) or .nc (the numbers)."""
    path = Path(path)
    if path.suffix == ".json":
        return write_json(path, table.to_dict())
    if path.suffix == ".nc":
        with atomic(path) as temporary:
            table.data.to_netcdf(temporary, engine="netcdf4")
        return path
    raise ValidationError(f"cannot write {path}: use a name that ends in .json or .nc.")
