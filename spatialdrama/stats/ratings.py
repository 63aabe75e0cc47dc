"""A tidy table of ratings: one row for each rating, checked on the way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError

COLUMNS = ("listener", "system", "item", "score")
MOS_SCALE = (1.0, 5.0)
CMOS_SCALE = (-3.0, 3.0)


@attrs.frozen(eq=False)
class Ratings:
    """Checked ratings, as columns of one length. Made by :func:`tidy`.

    Parameters
    ----------
    listener, system, item : (n,) str
    score : (n,) float
    """

    listener: np.ndarray
    system: np.ndarray
    item: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.score)

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the systems, in the order of the table."""
        return tuple(dict.fromkeys(map(str, self.system)))

    def of(self, system: str) -> Ratings:
        """Return the rows of one system."""
        keep = self.system == system
        return Ratings(*(getattr(self, column)[keep] for column in COLUMNS))

    def matrix(self) -> np.ndarray:
        """Return (listener, unit) scores, NaN where there is none; a unit is a system's item."""
        units = [f"{s}\0{i}" for s, i in zip(self.system, self.item, strict=True)]
        _, row = np.unique(self.listener, return_inverse=True)
        _, column = np.unique(units, return_inverse=True)
        out = np.full((row.max() + 1, column.max() + 1), np.nan)
        out[row, column] = self.score
        return out


def tidy(
    ratings: Any,
    *,
    scale: tuple[float, float] | None = MOS_SCALE,
    question: str | None = None,
) -> Ratings:
    """Check a table of ratings.

    Parameters
    ----------
    ratings : pandas.DataFrame, list of mappings, mapping of columns, or Ratings
        Columns ``listener``, ``system``, ``item``, ``score``; others are left alone, but
        ``question``, where a test asked several.
    scale : (lowest, highest), optional
        None: any finite number.
    question : str, optional
        Which question's rows to take; needed when there are several.

    Raises
    ------
    ValidationError
        A column is missing, a score is no number or off the scale, a listener rated one item of
        a system twice, or there is nothing.

    Examples
    --------
    >>> from spatialdrama import stats
    >>> rows = [{"listener": "L1", "system": "a", "item": "1", "score": 4}]
    >>> len(stats.tidy(rows))
    1
    """
    if isinstance(ratings, Ratings):
        return ratings
    columns = _columns(ratings)
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise ValidationError(
            f"the table of ratings has no column {', '.join(map(repr, missing))}; it needs "
            f"{', '.join(COLUMNS)}, and has {', '.join(map(str, columns)) or 'none'}."
        )
    keep = _rows_of(columns, question)
    if not len(keep):
        raise ValidationError("the table of ratings has no rows.")
    names = {c: np.array([_name(columns[c][i], c, i) for i in keep]) for c in COLUMNS[:3]}
    score = np.array([_score(columns["score"][i], i, scale) for i in keep])
    _refuse_twins(names, keep)
    return Ratings(names["listener"], names["system"], names["item"], score)


def questions(ratings: Any) -> list[str | None]:
    """Return the questions that a table of ratings answers, in its order; [None] without any."""
    if isinstance(ratings, Ratings):
        return [None]
    asked = [str(q) for q in _columns(ratings).get("question", ())]
    return list(dict.fromkeys(asked)) or [None]


def _columns(ratings: Any) -> dict[str, list[Any]]:
    if hasattr(ratings, "columns") and hasattr(ratings, "to_dict"):  # a pandas DataFrame
        return {str(name): list(ratings[name]) for name in ratings.columns}
    if isinstance(ratings, Mapping):
        columns = {str(name): list(values) for name, values in ratings.items()}
        if len({len(values) for values in columns.values()}) > 1:
            lengths = ", ".join(f"{name} {len(v)}" for name, v in columns.items())
            raise ValidationError(f"the columns of ratings differ in length: {lengths}.")
        return columns
    if isinstance(ratings, Iterable) and not isinstance(ratings, str):
        rows = list(ratings)
        if all(isinstance(row, Mapping) for row in rows):
            names = dict.fromkeys(str(name) for row in rows for name in row)
            for i, row in enumerate(rows):
                for name in COLUMNS:
                    if name in names and name not in row:
                        raise ValidationError(f"row {i} of the ratings has no {name!r}: {row!r}.")
            return {name: [row.get(name) for row in rows] for name in names}
    raise ValidationError(
        "ratings must be a pandas DataFrame, a list of dicts or a dict of columns; "
        f"got {type(ratings).__name__}."
    )


def _rows_of(columns: Mapping[str, list[Any]], question: str | None) -> list[int]:
    count = len(columns["score"])
    asked = [str(q) for q in columns.get("question", ())]
    known = list(dict.fromkeys(asked))
    if question is None:
        if len(known) > 1:
            raise ValidationError(
                f"the ratings answer several questions, {', '.join(known)}; choose one with "
                f"question={known[0]!r}."
            )
        return list(range(count))
    if question not in known:
        raise ValidationError(
            f"no rating answers the question {question!r}; there are {', '.join(known) or 'none'}."
        )
    return [i for i, q in enumerate(asked) if q == question]


def _name(value: Any, column: str, row: int) -> str:
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        raise ValidationError(f"row {row} of the ratings has no {column}; fill it in or drop it.")
    return str(value)


def _score(value: Any, row: int, scale: tuple[float, float] | None) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValidationError(f"row {row} of the ratings: score {value!r} is no number.") from None
    if not np.isfinite(number):
        raise ValidationError(f"row {row} of the ratings has no score ({value!r}); drop it.")
    if scale is not None and not scale[0] <= number <= scale[1]:
        raise ValidationError(
            f"row {row} of the ratings: score {number:g} is off the scale of {scale[0]:g} to "
            f"{scale[1]:g}; correct it, or give scale=(lowest, highest)."
        )
    return number


def _refuse_twins(names: Mapping[str, np.ndarray], rows: list[int]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for place, key in enumerate(zip(*(names[c] for c in COLUMNS[:3]), strict=True)):
        if key in seen:
            listener, system, item = map(str, key)
            raise ValidationError(
                f"listener {listener!r} rated item {item!r} of {system!r} twice, in rows "
                f"{seen[key]} and {rows[place]}; keep one."
            )
        seen[key] = rows[place]
