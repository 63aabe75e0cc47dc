"""Mean opinion scores, absolute and comparative, with intervals that know about listeners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import attrs
import numpy as np
from scipy import stats as distributions

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.stats.ratings import CMOS_SCALE, MOS_SCALE, Ratings, tidy

DRAWS = 2000
Interval = tuple[float, float]


@attrs.frozen
class Estimate:
    """The mean score of one system.

    Parameters
    ----------
    system : str
    mean : float
    ratings, listeners : int
    t : (low, high)
        95 % interval of Student's t over ratings, as if all were independent: what most papers
        print.
    clustered : (low, high)
        The same, with ratings of one listener as one piece of evidence: cluster-robust variance
        (Liang and Zeger 1986) with G/(G-1), and t with G-1 degrees of freedom for G listeners.
    bootstrap : (low, high)
        Percentile bootstrap over listeners, over ratings where there is one listener.
    p : float
        Two-sided, that the mean is 0, by the clustered interval's t; NaN for absolute scores.
    """

    system: str
    mean: float
    ratings: int
    listeners: int
    t: Interval
    clustered: Interval
    bootstrap: Interval
    p: float = float("nan")

    @property
    def half(self) -> float:
        """Half the width of the clustered interval, of t's where there is one listener."""
        low, high = self.clustered if np.isfinite(self.clustered[0]) else self.t
        return (high - low) / 2

    def __str__(self) -> str:
        return (
            f"{self.mean:.2f} ± {self.half:.2f}" if np.isfinite(self.half) else f"{self.mean:.2f}"
        )


class BySystem(Mapping[str, Any]):
    """Rows with a ``system``, looked up by its name."""

    rows: tuple[Any, ...]

    def __getitem__(self, system: str) -> Any:
        for row in self.rows:
            if row.system == system:
                return row
        known = ", ".join(row.system for row in self.rows) or "none"
        raise UnknownNameError(f"there is no system {system!r} here; there are {known}.")

    def __contains__(self, system: object) -> bool:
        return any(row.system == system for row in self.rows)

    def get(self, system: str, default: Any = None) -> Any:
        """Return the row of `system`, or `default`."""
        return next((row for row in self.rows if row.system == system), default)

    def __iter__(self) -> Iterator[str]:
        return (row.system for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@attrs.frozen(repr=False)
class Estimates(BySystem):
    """Estimates by system; a table in a notebook, ``str(estimate)`` for ``4.06 ± 0.14``."""

    kind: str
    rows: tuple[Estimate, ...] = attrs.field(converter=tuple)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return a JSON-ready description."""
        return {
            row.system: {
                key: _plain(value) for key, value in attrs.asdict(row).items() if key != "system"
            }
            for row in self.rows
        }

    def _cells(self) -> list[tuple[str, ...]]:
        head = ("system", self.kind, "95 % by listener", "t", "bootstrap", "ratings", "listeners")
        rows = [
            (r.system, f"{r.mean:.2f}", _between(r.clustered), _between(r.t),
             _between(r.bootstrap), str(r.ratings), str(r.listeners))
            for r in self.rows
        ]  # fmt: skip
        return [head, *rows]

    def __repr__(self) -> str:
        return in_columns(self._cells())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": as_html(self._cells())}


def mos(
    ratings: Any,
    *,
    scale: tuple[float, float] = MOS_SCALE,
    question: str | None = None,
    seed: int = 0,
) -> Estimates:
    """Return mean opinion scores by system.

    Parameters
    ----------
    ratings : table
        As for :func:`tidy`.
    scale : (lowest, highest)
    question : str, optional
        Where the test asked several.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimates

    Examples
    --------
    >>> from spatialdrama import stats
    >>> rows = [{"listener": l, "system": "a", "item": i, "score": s}
    ...         for l, i, s in [("x", 1, 4), ("x", 2, 5), ("y", 1, 3), ("y", 2, 4)]]
    >>> estimate = stats.mos(rows)["a"]
    >>> estimate.mean, [round(v, 2) for v in estimate.t]
    (4.0, [2.7, 5.3])
    """
    checked = tidy(ratings, scale=scale, question=question)
    found = [_estimate(s, checked.of(s), seed) for s in checked.systems]
    return Estimates("MOS", found)


def cmos(
    ratings: Any,
    *,
    scale: tuple[float, float] = CMOS_SCALE,
    question: str | None = None,
    seed: int = 0,
) -> Estimates:
    """Return comparative mean opinion scores: positive where a system beats the common baseline.

    ``p`` tests that the mean is 0. Parameters as for :func:`mos`.

    Examples
    --------
    >>> from spatialdrama import stats
    >>> rows = [{"listener": l, "system": "a", "item": 1, "score": s}
    ...         for l, s in [("w", -1), ("x", -2), ("y", 0), ("z", -1)]]
    >>> stats.cmos(rows)["a"].mean
    -1.0
    """
    checked = tidy(ratings, scale=scale, question=question)
    found = [_estimate(s, checked.of(s), seed, against=0.0) for s in checked.systems]
    return Estimates("CMOS", found)


def _estimate(system: str, rows: Ratings, seed: int, against: float | None = None) -> Estimate:
    _, owner = np.unique(rows.listener, return_inverse=True)
    count, listeners = len(rows), int(owner.max()) + 1
    mean = float(rows.score.mean())
    sd = float(rows.score.std(ddof=1)) if count > 1 else np.nan
    error, degrees = clustered_error(rows.score, owner)
    p = np.nan
    if against is not None and listeners > 1:
        p = p_of(mean - against, error, degrees)
    return Estimate(
        system, mean, count, listeners,
        t=_around(mean, sd / np.sqrt(count), count - 1),
        clustered=_around(mean, error, degrees),
        bootstrap=_bootstrap(rows.score, owner, seed),
        p=p,
    )  # fmt: skip


def clustered_error(values: np.ndarray, owner: np.ndarray) -> tuple[float, int]:
    """Return the cluster-robust standard error of a mean, and its degrees of freedom."""
    groups = int(owner.max()) + 1
    if groups < 2:
        return np.nan, 0
    sums = np.bincount(owner, values - values.mean())
    return float(np.sqrt(groups / (groups - 1) * np.sum(sums**2)) / len(values)), groups - 1


def p_of(mean: float, error: float, degrees: int) -> float:
    """Return the two-sided p of a mean against 0; 1 or 0 where nothing varies."""
    if error == 0:
        return float(mean == 0)
    return float(2 * distributions.t.sf(abs(mean / error), degrees))


def _around(mean: float, error: float, degrees: int) -> Interval:
    if degrees < 1 or not np.isfinite(error):
        return np.nan, np.nan
    half = float(distributions.t.ppf(0.975, degrees)) * error
    return float(mean - half), float(mean + half)


def _bootstrap(values: np.ndarray, owner: np.ndarray, seed: int) -> Interval:
    parts, shares = np.bincount(owner, values), np.bincount(owner).astype(float)
    if len(parts) < 2:
        parts, shares = values, np.ones(len(values))
    if len(parts) < 2:
        return np.nan, np.nan
    pick = np.random.default_rng(seed).integers(0, len(parts), (DRAWS, len(parts)))
    means = parts[pick].sum(axis=1) / shares[pick].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _between(interval: Interval) -> str:
    low, high = interval
    return f"{low:.2f} to {high:.2f}" if np.isfinite(low) else "-"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def in_columns(rows: list[tuple[str, ...]]) -> str:
    """Return rows as text with aligned columns."""
    if not rows:
        raise ValidationError("there is nothing to show.")
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
    )


def as_html(rows: list[tuple[str, ...]]) -> str:
    """Return rows, the first one as the head, as an HTML table."""
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in rows[0])
    body = "".join(
        f'<tr><th scope="row">{escape(r[0])}</th>'
        + "".join(f"<td>{escape(c)}</td>" for c in r[1:])
        + "</tr>"
        for r in rows[1:]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
