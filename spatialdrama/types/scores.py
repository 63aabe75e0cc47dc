"""What metrics give back, for one line and for a whole table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.validate import FrozenMapping, unknown_name

SCHEMA = "spatialdrama.scores/1"
ARROWS = {"down": "↓", "up": "↑"}


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
    """Scores of items by metric, with aggregates, intervals and chance levels.

    Parameters
    ----------
    data : xarray.Dataset
        ``value (item, metric)``, ``weight (item, metric)``, ``aggregate``, ``ci_low``,
        ``ci_high``, ``chance`` (metric); coordinates ``direction`` and ``unit`` (metric).
    details : mapping of (item, metric) to mapping
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
        scores: Mapping[str, Mapping[str, Score]],
        *,
        direction: Mapping[str, str],
        unit: Mapping[str, str],
        chance: Mapping[str, float] | None = None,
        notes: tuple[str, ...] = (),
        seed: int = 0,
    ) -> ScoreTable:
        """Build from ``{metric: {item: Score}}``, adding weighted means and 95 % intervals.

        Intervals are percentile bootstraps over items (Efron 1979), 2000 draws from `seed`.
        """
        metrics = list(scores)
        items = list(dict.fromkeys(item for rows in scores.values() for item in rows))
        value = np.full((len(items), len(metrics)), np.nan)
        weight = np.zeros_like(value)
        details = {}
        for j, metric in enumerate(metrics):
            for item, score in scores[metric].items():
                i = items.index(item)
                value[i, j], weight[i, j] = score.value, score.weight
                details[item, metric] = dict(score.details)
        summary = np.array(
            [bootstrap(value[:, j], weight[:, j], seed=seed) for j in range(len(metrics))]
        ).reshape(-1, 3)
        chance = chance or {}
        data = xr.Dataset(
            {
                "value": (("item", "metric"), value),
                "weight": (("item", "metric"), weight),
                "aggregate": ("metric", summary[:, 0]),
                "ci_low": ("metric", summary[:, 1]),
                "ci_high": ("metric", summary[:, 2]),
                "chance": ("metric", [float(chance.get(m, np.nan)) for m in metrics]),
            },
            coords={
                "item": items,
                "metric": metrics,
                "direction": ("metric", [direction[m] for m in metrics]),
                "unit": ("metric", [unit[m] for m in metrics]),
            },
            attrs={"schema": SCHEMA},
        )
        return cls(data, details, notes)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(map(str, self.data["metric"].values))

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the lines or items."""
        return tuple(map(str, self.data["item"].values))

    def __getitem__(self, metric: str) -> float:
        """Return the aggregate of `metric`."""
        if metric not in self.metrics:
            raise unknown_name("metric in this table", metric, self.metrics)
        return float(self.data["aggregate"].sel(metric=metric))

    def lines(self, metric: str) -> dict[str, float]:
        """Return ``{item: value}`` of `metric`."""
        self[metric]
        column = self.data["value"].sel(metric=metric).values
        return dict(zip(self.items, map(float, column), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; NaN becomes None."""

        def plain(x: float) -> float | None:
            return None if np.isnan(x) else float(x)

        d = self.data
        out: dict[str, Any] = {"schema": SCHEMA, "notes": list(self.notes), "metrics": {}}
        for metric in self.metrics:
            column = d.sel(metric=metric)
            out["metrics"][metric] = {
                "aggregate": plain(float(column["aggregate"])),
                "ci95": [plain(float(column["ci_low"])), plain(float(column["ci_high"]))],
                "chance": plain(float(column["chance"])),
                "direction": str(column["direction"].values),
                "unit": str(column["unit"].values),
                "items": {
                    item: {
                        "value": plain(float(column["value"].sel(item=item))),
                        "weight": float(column["weight"].sel(item=item)),
                        **_jsonable(self.details.get((item, metric), {})),
                    }
                    for item in self.items
                    if (item, metric) in self.details
                },
            }
        return out

    def save(self, path: Any) -> Any:
        """Write JSON (``.json``) or netCDF (``.nc``)."""
        from spatialdrama.io import scores

        return scores.write_scores(self, path)

    @classmethod
    def load(cls, path: Any) -> ScoreTable:
        """Read what :meth:`save` wrote as JSON."""
        from spatialdrama.io import scores

        return scores.read_scores(path)

    def to_markdown(self) -> str:
        """Return the aggregates as a Markdown table."""
        rows = ["| metric | value | 95 % interval | chance |", "|---|---|---|---|"]
        rows += [f"| {' | '.join(cells)} |" for cells in self._cells()]
        return "\n".join(rows)

    def _cells(self) -> list[tuple[str, str, str, str]]:
        out = []
        for metric in self.metrics:
            c = self.data.sel(metric=metric)
            unit = str(c["unit"].values)
            low, high, chance = (float(c[k]) for k in ("ci_low", "ci_high", "chance"))
            out.append(
                (
                    f"{metric} {ARROWS[str(c['direction'].values)]}",
                    f"{number(float(c['aggregate']))}{f' {unit}' if unit else ''}",
                    f"{number(low)} to {number(high)}" if np.isfinite(low) else "-",
                    number(chance) if np.isfinite(chance) else "-",
                )
            )
        return out

    def __repr__(self) -> str:
        rows = [("metric", "value", "95 % interval", "chance"), *self._cells()]
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        text = "\n".join(
            "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
        )
        notes = "".join(f"\nnote: {n}" for n in self.notes)
        return f"ScoreTable({len(self.items)} items)\n{text}{notes}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        head = "".join(f"<th>{h}</th>" for h in ("metric", "value", "95 % interval", "chance"))
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"
            for cells in self._cells()
        )
        notes = "".join(f"<p><small>{escape(n)}</small></p>" for n in self.notes)
        html = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}"
        fold = f"<details><summary>Per line</summary>{self._per_line()}</details>"
        return {"text/plain": repr(self), "text/html": reprs.wrap(html + fold)}

    def _per_line(self) -> str:
        head = "<th></th>" + "".join(f"<th>{escape(m)}</th>" for m in self.metrics)
        rows = []
        for i, item in enumerate(self.items):
            values = self.data["value"].values[i]
            cells = "".join(f"<td>{number(v) if np.isfinite(v) else '-'}</td>" for v in values)
            rows.append(f'<tr><td style="text-align:left">{escape(item)}</td>{cells}</tr>')
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def number(value: float) -> str:
    """Return `value` with three significant digits and no exponent, however small."""
    if not np.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(digits, 6)}f}"


def bootstrap(
    value: np.ndarray, weight: np.ndarray, *, seed: int = 0, draws: int = 2000
) -> tuple[float, float, float]:
    """Return the weighted mean and its percentile bootstrap 95 % interval over items.

    Items that are NaN or weigh nothing are left out; fewer than two leave no interval.
    """
    keep = np.isfinite(value) & (weight > 0)
    v, w = value[keep], weight[keep]
    if len(v) == 0:
        return np.nan, np.nan, np.nan
    mean = float(np.sum(v * w) / np.sum(w))
    if len(v) < 2:
        return mean, np.nan, np.nan
    pick = np.random.default_rng(seed).integers(0, len(v), (draws, len(v)))
    means = np.sum(v[pick] * w[pick], axis=1) / np.sum(w[pick], axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return mean, float(low), float(high)


def _jsonable(details: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for key, value in details.items():
        if isinstance(value, np.generic):
            value = value.item()
        elif isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, float) and np.isnan(value):
            value = None
        out[key] = value
    return out
