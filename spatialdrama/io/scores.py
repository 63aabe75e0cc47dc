"""Score tables as JSON, with every detail and back again, or as netCDF, the numbers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, guarded, read_json, write_json
from spatialdrama.types.scores import SCHEMA, Score, ScoreTable


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


def read_scores(path: Any) -> ScoreTable:
    """Read the JSON form; messages name the file."""
    data = read_json(path, "score table")
    return guarded(lambda: _table(data), f"score table {path}")


def _table(data: Any) -> ScoreTable:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValidationError(f"expected a table with schema {SCHEMA!r}.")
    metrics = data["metrics"]
    scores = {
        name: {item: _score(dict(entry)) for item, entry in column["items"].items()}
        for name, column in metrics.items()
    }
    return ScoreTable.from_scores(
        scores,
        direction={name: column["direction"] for name, column in metrics.items()},
        unit={name: column["unit"] for name, column in metrics.items()},
        chance={n: c["chance"] for n, c in metrics.items() if c["chance"] is not None},
        notes=tuple(data["notes"]),
    )


def _score(entry: dict[str, Any]) -> Score:
    value = entry.pop("value")
    return Score(float("nan") if value is None else value, entry.pop("weight"), entry)
