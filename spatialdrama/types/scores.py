"""What metrics give back, for one line and for a whole table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama.types import score_text
from spatialdrama.types.score_text import ARROWS, number
from spatialdrama.types.validate import FrozenMapping, unknown_name

__all__ = ["ARROWS", "SCHEMA", "Score", "ScoreTable", "bootstrap", "number", "weighted_mean"]

SCHEMA = "spatialdrama.scores/2"
#: The item of a table whose scores were given line by line, without one.
ONE_ITEM = "item"
DRAWS = 2000


@attrs.frozen
class Score:
    """One metric's value for one line or item.

    Parameters
    ----------
    value : float
        NaN where the metric says that it does not apply (silence, for example).
    weight : float
        Its share in the aggregate; a character error rate weighs by characters.
    details : mapping
        Whatever explains the value: hypothesis and reference text, a series, a count.

    Examples
    --------
    >>> from spatialdrama.types import Score
    >>> Score(0.05, weight=40, details={"hypothesis": "who's there"}).value
    0.05
    """

    value: float = attrs.field(converter=float)
    weight: float = attrs.field(default=1.0, converter=float)
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=FrozenMapping)

    @weight.validator
    def _check(self, _: Any, value: float) -> None:
        if not value >= 0 or not np.isfinite(value):
            raise ValidationError(f"a Score's weight must be zero or more; got {value}.")


@attrs.frozen(repr=False, hash=False)
class ScoreTable:
    """Scores of lines, within items, by metric; with aggregates, intervals, chance and mono.

    Parameters
    ----------
    data : xarray.Dataset
        ``value (row, metric)``, ``weight (row, metric)``, and for each metric ``aggregate``,
        ``ci_low``, ``ci_high``, ``chance`` (what a system that knows nothing scores) and ``mono``
        (what the same sound in both ears scores); NaN where there is none. Coordinates ``item``
        and ``line`` (row), ``direction`` and ``unit`` (metric). A row's label is its line's in a
        table of one item, else ``item/line``.
    details : mapping of (row, metric) to mapping
    notes : tuple of str
        What a reader must know, such as what served as the reference.

    Examples
    --------
    >>> from spatialdrama.types import Score, ScoreTable
    >>> lines = {"line 1": Score(0.0, weight=10), "line 2": Score(0.2, weight=30)}
    >>> table = ScoreTable.from_scores({"cer": lines}, direction={"cer": "down"},
    ...                                unit={"cer": ""})
    >>> round(table["cer"], 3)
    0.15
    """

    data: xr.Dataset = attrs.field(eq=attrs.cmp_using(eq=lambda a, b: a.identical(b)))
    details: Mapping[tuple[str, str], Mapping[str, Any]] = attrs.field(
        factory=dict, converter=FrozenMapping, eq=False
    )
    notes: tuple[str, ...] = attrs.field(default=(), converter=tuple)

    @classmethod
    def from_scores(
        cls,
        scores: Mapping[str, Mapping[str | tuple[str, str], Score]],
        *,
        direction: Mapping[str, str],
        unit: Mapping[str, str],
        chance: Mapping[str, float] | None = None,
        mono: Mapping[str, float] | None = None,
        notes: tuple[str, ...] = (),
        seed: int = 0,
    ) -> ScoreTable:
        """Build from ``{metric: {line: Score}}`` or ``{metric: {(item, line): Score}}``.

        The aggregate is the weighted mean of all lines. Its 95 % interval is a percentile
        bootstrap (Efron 1979) of 2000 draws from `seed`: over items, each with all its lines, when
        two or more have values, because lines of one item resemble each other (Davison and Hinkley
        1997, section 3.8); else over lines.
        """
        metrics = list(scores)
        found = dict.fromkeys(_place(key) for rows in scores.values() for key in rows)
        places = list(found)
        several = len({item for item, _ in places}) > 1
        labels = [_label(item, line, several) for item, line in places]
        if len(set(labels)) < len(labels):
            raise ValidationError("two rows of the score table have one label; rename an item.")
        where = {place: i for i, place in enumerate(places)}
        value = np.full((len(places), len(metrics)), np.nan)
        weight = np.zeros_like(value)
        details = {}
        for j, metric in enumerate(metrics):
            for key, score in scores[metric].items():
                i = where[_place(key)]
                value[i, j], weight[i, j] = score.value, score.weight
                details[labels[i], metric] = dict(score.details)
        items = np.array([item for item, _ in places], dtype=object)
        summary = np.array(
            [bootstrap(value[:, j], weight[:, j], items, seed=seed) for j in range(len(metrics))]
        ).reshape(-1, 3)
        data = xr.Dataset(
            {
                "value": (("row", "metric"), value),
                "weight": (("row", "metric"), weight),
                "aggregate": ("metric", summary[:, 0]),
                "ci_low": ("metric", summary[:, 1]),
                "ci_high": ("metric", summary[:, 2]),
                "chance": ("metric", [float((chance or {}).get(m, np.nan)) for m in metrics]),
                "mono": ("metric", [float((mono or {}).get(m, np.nan)) for m in metrics]),
            },
            coords={
                "row": np.array(labels, dtype=str),
                "item": ("row", np.array([item for item, _ in places], dtype=str)),
                "line": ("row", np.array([line for _, line in places], dtype=str)),
                "metric": np.array(metrics, dtype=str),
                "direction": ("metric", np.array([direction[m] for m in metrics], dtype=str)),
                "unit": ("metric", np.array([unit[m] for m in metrics], dtype=str)),
            },
            attrs={"schema": SCHEMA},
        )
        return cls(data, details, notes)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(map(str, self.data["metric"].values))

    @property
    def rows(self) -> tuple[str, ...]:
        """Labels of the rows: lines, and whole items for metrics that hear those."""
        return tuple(map(str, self.data["row"].values))

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the items: one drama, or all of a corpus."""
        return tuple(dict.fromkeys(map(str, self.data["item"].values)))

    def __getitem__(self, metric: str) -> float:
        """Return the aggregate of `metric`."""
        if metric not in self.metrics:
            raise unknown_name("metric in this table", metric, self.metrics)
        return float(self.data["aggregate"].sel(metric=metric))

    def interval(self, metric: str) -> tuple[float, float]:
        """Return the aggregate's 95 % interval, (NaN, NaN) where there is none."""
        self[metric]
        column = self.data.sel(metric=metric)
        return float(column["ci_low"]), float(column["ci_high"])

    def lines(self, metric: str, item: str | None = None) -> dict[str, float]:
        """Return ``{row: value}`` of `metric`; with `item`, ``{line: value}`` of that item."""
        self[metric]
        column = self.data["value"].sel(metric=metric)
        if item is None:
            return dict(zip(self.rows, map(float, column.values), strict=True))
        if item not in self.items:
            raise unknown_name("item in this table", item, self.items)
        own = column.values[self.data["item"].values == item]
        names = self.data["line"].values[self.data["item"].values == item]
        return {str(name): float(v) for name, v in zip(names, own, strict=True)}

    def by_item(self, metric: str) -> dict[str, tuple[float, float]]:
        """Return ``{item: (weighted mean of its lines, sum of their weights)}`` of `metric`.

        Examples
        --------
        >>> from spatialdrama.types import Score, ScoreTable
        >>> scores = {("a", "1"): Score(1.0), ("a", "2"): Score(3.0), ("b", "1"): Score(5.0)}
        >>> table = ScoreTable.from_scores({"m": scores}, direction={"m": "up"}, unit={"m": ""})
        >>> table.by_item("m")
        {'a': (2.0, 2.0), 'b': (5.0, 1.0)}
        """
        self[metric]
        column = self.data.sel(metric=metric)
        value, weight = column["value"].values, column["weight"].values
        owner = self.data["item"].values
        return {
            item: weighted_mean(value[owner == item], weight[owner == item]) for item in self.items
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; NaN becomes None."""
        d = self.data
        out: dict[str, Any] = {"schema": SCHEMA, "notes": list(self.notes), "metrics": {}}
        for j, metric in enumerate(self.metrics):
            column = d.sel(metric=metric)
            out["metrics"][metric] = {
                "aggregate": plain(float(column["aggregate"])),
                "ci95": [plain(float(column["ci_low"])), plain(float(column["ci_high"]))],
                "chance": plain(float(column["chance"])),
                "mono": plain(float(column["mono"])),
                "direction": str(column["direction"].values),
                "unit": str(column["unit"].values),
                "items": self._items_dict(metric, j),
            }
        return out

    def _items_dict(self, metric: str, j: int) -> dict[str, Any]:
        owner, line = self.data["item"].values, self.data["line"].values
        value, weight = self.data["value"].values[:, j], self.data["weight"].values[:, j]
        means = self.by_item(metric)
        found: dict[str, Any] = {}
        for i, row in enumerate(self.rows):
            if (row, metric) not in self.details:
                continue
            item = found.setdefault(
                str(owner[i]), {"value": plain(means[str(owner[i])][0]), "lines": {}}
            )
            item["lines"][str(line[i])] = {
                "value": plain(value[i]),
                "weight": float(weight[i]),
                "details": plain(dict(self.details[row, metric])),
            }
        return found

    def save(self, path: Any) -> Any:
        """Write JSON (``.json``, with every detail) or netCDF (``.nc``, the numbers)."""
        from spatialdrama.io import scores

        return scores.write_scores(self, path)

    @classmethod
    def load(cls, path: Any) -> ScoreTable:
        """Read what :meth:`save` wrote."""
        from spatialdrama.io import scores

        return scores.read_scores(path)

    def to_markdown(self) -> str:
        """Return the aggregates as a Markdown table."""
        return score_text.markdown(self)

    def __repr__(self) -> str:
        return score_text.text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": score_text.html(self)}


def _place(key: str | tuple[str, str]) -> tuple[str, str]:
    item, line = (ONE_ITEM, key) if isinstance(key, str) else key
    return str(item), str(line)


def _label(item: str, line: str, several: bool) -> str:
    return (f"{item}/{line}" if line else item) if several else (line or item)


def weighted_mean(value: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the weighted mean and the sum of weights of what is finite and weighs something."""
    keep = np.isfinite(value) & (weight > 0)
    total = float(np.sum(weight[keep]))
    return (float(np.sum(value[keep] * weight[keep]) / total), total) if total else (np.nan, 0.0)


def bootstrap(
    value: np.ndarray,
    weight: np.ndarray,
    items: np.ndarray | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[float, float, float]:
    """Return the weighted mean and its percentile bootstrap 95 % interval.

    Parameters
    ----------
    value, weight : (r,) float
        Rows that are NaN or weigh nothing are left out; fewer than two leave no interval.
    items : (r,) optional
        Whose rows they are: two or more items are drawn as wholes.
    seed, draws : int

    Examples
    --------
    >>> mean, low, high = bootstrap(np.arange(10.0), np.ones(10))
    >>> mean, low < mean < high
    (4.5, True)
    """
    keep = np.isfinite(value) & (weight > 0)
    v, w = value[keep], weight[keep]
    if len(v) == 0:
        return np.nan, np.nan, np.nan
    parts, shares = v * w, w
    if items is not None:
        _, owner = np.unique(np.asarray(items, dtype=str)[keep], return_inverse=True)
        if owner.max() > 0:
            parts, shares = np.bincount(owner, v * w), np.bincount(owner, w)
    mean = float(np.sum(parts) / np.sum(shares))
    if len(parts) < 2:
        return mean, np.nan, np.nan
    means = resampled_means(parts, shares, np.random.default_rng(seed), draws)
    low, high = np.percentile(means, [2.5, 97.5])
    return mean, float(low), float(high)


def resampled_means(
    parts: np.ndarray, shares: np.ndarray, random: np.random.Generator, draws: int
) -> np.ndarray:
    """Return (draws,) ratios of sums over resampled units, in pieces that fit in memory."""
    n = len(parts)
    step = max(1, 2_000_000 // n)
    found = []
    for low in range(0, draws, step):
        pick = random.integers(0, n, (min(step, draws - low), n))
        found.append(parts[pick].sum(axis=1) / shares[pick].sum(axis=1))
    return np.concatenate(found)


def plain(value: Any) -> Any:
    """Return what JSON can hold: arrays as lists, numpy numbers as Python's, NaN as None."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
