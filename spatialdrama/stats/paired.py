"""Who was better on the same items or to the same listeners, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from scipy import stats as distributions

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.stats.opinion import BySystem, as_html, clustered_error, in_columns, p_of
from spatialdrama.stats.ratings import MOS_SCALE, Ratings, tidy

METHODS = ("permutation", "t", "wilcoxon")
#: Up to this many sign patterns all are counted; beyond, as many are drawn.
PATTERNS = 10_000


def holm(p: Sequence[float]) -> np.ndarray:
    """Return p-values corrected for their number (Holm 1979); NaN stays and does not count.

    Examples
    --------
    >>> from spatialdrama.stats import holm
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=float)
    out = np.full(values.shape, np.nan)
    there = np.flatnonzero(np.isfinite(values))
    order = there[np.argsort(values[there], kind="stable")]
    steps = values[order] * (len(order) - np.arange(len(order)))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return out


def permutation_test(
    a: Sequence[float],
    b: Sequence[float],
    *,
    weight_a: Sequence[float] | None = None,
    weight_b: Sequence[float] | None = None,
    seed: int = 0,
) -> float:
    """Return the two-sided p of equal (weighted) means over paired units.

    Were the two systems alike, each unit's two values could be exchanged (Fisher 1935; Noreen
    1989 calls it approximate randomisation). The statistic is the difference of the weighted
    means, so the test is about the very figures that a table shows. Up to 10 000 patterns of
    exchanges are all counted, which is exact; else as many are drawn, and p = (1 + as extreme) /
    (1 + drawn) (Phipson and Smyth 2010).

    Parameters
    ----------
    a, b : (n,) float
        One value of each system for each unit.
    weight_a, weight_b : (n,) float, optional
    seed : int

    Examples
    --------
    >>> from spatialdrama.stats import permutation_test
    >>> permutation_test([1, 2, 3, 4, 5], [2, 4, 5, 6, 8])       # all of one sign: 2 of 2**5
    0.0625
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    wa = np.ones(len(a)) if weight_a is None else np.asarray(weight_a, dtype=float)
    wb = np.ones(len(b)) if weight_b is None else np.asarray(weight_b, dtype=float)
    if not len(a) == len(b) == len(wa) == len(wb):
        raise ValidationError(f"pairs need equal lengths; got {len(a)} and {len(b)} values.")
    if not len(a):
        return float("nan")
    exact = len(a) <= 60 and 2 ** len(a) <= PATTERNS
    if exact:
        codes = np.arange(2 ** len(a))[:, None]
        swaps = (codes >> np.arange(len(a))) & 1
        found = _differences(a, b, wa, wb, swaps)
    else:
        random = np.random.default_rng(seed)
        step = max(1, 2_000_000 // len(a))
        found = np.concatenate(
            [
                _differences(a, b, wa, wb, random.integers(0, 2, (min(step, PATTERNS - k), len(a))))
                for k in range(0, PATTERNS, step)
            ]
        )
    seen = abs(_differences(a, b, wa, wb, np.zeros((1, len(a)), int))[0])
    # Equal patterns may differ in their last bit.
    extreme = int(np.sum(np.abs(found) >= seen - 1e-9 * max(1.0, seen)))
    return extreme / len(found) if exact else (1 + extreme) / (1 + len(found))


def _differences(a, b, wa, wb, swaps: np.ndarray) -> np.ndarray:
    """Return the difference of weighted means for each row of exchanges."""
    pa, pb = a * wa, b * wb
    first = (pa.sum() + swaps @ (pb - pa)) / (wa.sum() + swaps @ (wb - wa))
    second = (pb.sum() + swaps @ (pa - pb)) / (wb.sum() + swaps @ (wa - wb))
    return first - second


@attrs.frozen
class Difference:
    """A system against the baseline, over what both were rated on.

    Parameters
    ----------
    system, baseline : str
    mean : float
        System minus baseline.
    interval : (low, high)
        95 %, with one listener's ratings as one piece of evidence.
    p, p_holm : float
        Two-sided; corrected for all systems of the table.
    pairs, listeners : int
    """

    system: str
    baseline: str
    mean: float
    interval: tuple[float, float]
    p: float
    p_holm: float
    pairs: int
    listeners: int


@attrs.frozen(repr=False)
class Differences(BySystem):
    """Differences by system."""

    method: str
    rows: tuple[Difference, ...] = attrs.field(converter=tuple)

    def _cells(self) -> list[tuple[str, ...]]:
        head = ("system", "difference", "95 % interval", "p", "p (Holm)", "pairs", "listeners")
        return [
            head,
            *(
                (r.system, f"{r.mean:+.2f}", f"{r.interval[0]:.2f} to {r.interval[1]:.2f}",
                 f"{r.p:.3g}", f"{r.p_holm:.3g}", str(r.pairs), str(r.listeners))
                for r in self.rows
            ),
        ]  # fmt: skip

    def __repr__(self) -> str:
        base = self.rows[0].baseline if self.rows else "-"
        return f"against {base}, {self.method}\n{in_columns(self._cells())}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": as_html(self._cells())}


def paired(
    ratings: Any,
    baseline: str,
    *,
    method: str = "permutation",
    scale: tuple[float, float] | None = MOS_SCALE,
    question: str | None = None,
    seed: int = 0,
    lenient: bool = False,
) -> Differences:
    """Compare each system with `baseline`, over the items that the same listener rated of both.

    Parameters
    ----------
    ratings : table
        As for :func:`tidy`.
    baseline : str
    method : "permutation", "t" or "wilcoxon"
        ``permutation`` exchanges the systems for whole listeners, whose ratings belong together;
        ``t`` has a cluster-robust variance by listener; ``wilcoxon`` is the signed-rank test over
        the listeners' mean differences (Wilcoxon 1945).
    scale, question, seed
        As for :func:`mos`.
    lenient : bool
        Leave out a system of which nobody rated what he rated of the baseline.

    Raises
    ------
    ValidationError
        Nobody rated the same item of both, unless `lenient`.

    Examples
    --------
    >>> from spatialdrama import stats
    >>> rows = [{"listener": f"L{n}", "system": s, "item": 1, "score": v}
    ...         for n in range(6) for s, v in (("ours", 4 + n % 2), ("base", 3))]
    >>> stats.paired(rows, "base")["ours"].p
    0.03125
    """
    if method not in METHODS:
        raise ValidationError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    checked = tidy(ratings, scale=scale, question=question)
    if baseline not in checked.systems:
        raise UnknownNameError(
            f"no ratings of a baseline {baseline!r}; there are {', '.join(checked.systems)}."
        )
    found = [
        _difference(checked, system, baseline, method, seed)
        for system in checked.systems
        if system != baseline and not (lenient and not _shared(checked, system, baseline))
    ]
    corrected = holm([row.p for row in found])
    rows = [attrs.evolve(r, p_holm=float(q)) for r, q in zip(found, corrected, strict=True)]
    return Differences(f"{method} test, Holm's correction over {len(rows)} systems", rows)


def _shared(ratings: Ratings, system: str, baseline: str) -> bool:
    ours, base = ratings.of(system), ratings.of(baseline)
    known = set(zip(base.listener, base.item, strict=True))
    return any(key in known for key in zip(ours.listener, ours.item, strict=True))


def _difference(ratings: Ratings, system: str, baseline: str, method: str, seed: int) -> Difference:
    ours, base = ratings.of(system), ratings.of(baseline)
    known = dict(zip(zip(base.listener, base.item, strict=True), base.score, strict=True))
    keys = list(zip(ours.listener, ours.item, strict=True))
    keep = [i for i, key in enumerate(keys) if key in known]
    if not keep:
        raise ValidationError(
            f"no listener rated the same item of {system!r} and {baseline!r}; a paired test needs "
            "one that did."
        )
    change = np.array([ours.score[i] - known[keys[i]] for i in keep])
    _, owner = np.unique(ours.listener[keep], return_inverse=True)
    count = np.bincount(owner).astype(float)
    by_listener = np.bincount(owner, change) / count
    error, degrees = clustered_error(change, owner)
    half = float(distributions.t.ppf(0.975, degrees)) * error if degrees else np.nan
    mean = float(change.mean())
    if method == "permutation":
        nothing = np.zeros(len(count))
        p = permutation_test(by_listener, nothing, weight_a=count, weight_b=count, seed=seed)
    elif method == "t":
        p = p_of(mean, error, degrees) if degrees else np.nan
    else:
        p = float(distributions.wilcoxon(by_listener).pvalue) if by_listener.any() else 1.0
    return Difference(
        system, baseline, mean, (mean - half, mean + half), p, np.nan, len(change), len(count)
    )
