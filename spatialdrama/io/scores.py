"""Score tables as JSON, with every detail and back again, or as netCDF, the numbers alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, existing, guarded, read_json, write_json
from spatialdrama.types.scores import SCHEMA, Score, ScoreTable

#: The first schema: lines of one drama, no mono.
FIRST = "spatialdrama.scores/1"


def write_scores(table: ScoreTable, path: Any) -> Path:
    """Write by the suffix: .json (with every detail) or .nc (the numbers)."""
    path = Path(path)
    if path.suffix == ".json":
        return write_json(path, table.to_dict())
    if path.suffix == ".nc":
        data = table.data.assign_attrs(notes=json.dumps(table.notes, ensure_ascii=False))
        with atomic(path) as temporary:
            data.to_netcdf(temporary, engine="netcdf4")
        return path
    raise ValidationError(f"cannot write {path}: use a name that ends in .json or .nc.")


def read_scores(path: Any) -> ScoreTable:
    """Read either form; messages name the file."""
    if Path(path).suffix == ".nc":
        return guarded(lambda: _numbers(existing(path, "score table")), f"score table {path}")
    data = read_json(path, "score table")
    return guarded(lambda: _table(data), f"score table {path}")


def _numbers(path: Path) -> ScoreTable:
    import xarray as xr

    try:
        data = xr.load_dataset(path, engine="netcdf4")
    except (OSError, ValueError) as error:
        raise ValidationError(f"cannot be read as netCDF: {error}") from None
    if data.attrs.get("schema") != SCHEMA:
        raise ValidationError(
            f"expected a table with schema {SCHEMA!r}; got {data.attrs.get('schema')!r}."
        )
    notes = json.loads(data.attrs.pop("notes", "[]"))
    texts = {name: data[name].astype(str) for name in data.coords}
    return ScoreTable(data.assign_coords(texts), {}, tuple(notes))


def _table(data: Any) -> ScoreTable:
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema not in (SCHEMA, FIRST):
        raise ValidationError(f"expected a table with schema {SCHEMA!r}; got {schema!r}.")
    metrics = data["metrics"]
    return ScoreTable.from_scores(
        {name: (_first if schema == FIRST else _lines)(c["items"]) for name, c in metrics.items()},
        direction={name: column["direction"] for name, column in metrics.items()},
        unit={name: column["unit"] for name, column in metrics.items()},
        chance={n: c["chance"] for n, c in metrics.items() if c["chance"] is not None},
        mono={n: c["mono"] for n, c in metrics.items() if c.get("mono") is not None},
        notes=tuple(data["notes"]),
    )


def _lines(items: dict[str, Any]) -> dict[tuple[str, str], Score]:
    return {
        (item, line): _score(entry["value"], entry["weight"], entry["details"])
        for item, column in items.items()
        for line, entry in column["lines"].items()
    }


def _first(items: dict[str, Any]) -> dict[str, Score]:
    found = {}
    for line, entry in items.items():
        details = dict(entry)
        found[line] = _score(details.pop("value"), details.pop("weight"), details)
    return found


def _score(value: float | None, weight: float, details: dict[str, Any]) -> Score:
    return Score(float("nan") if value is None else value, weight, details)
