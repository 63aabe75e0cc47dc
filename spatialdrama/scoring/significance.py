"""Two score tables on the same items: their difference, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from spatialdrama.stats import permutation_test
from spatialdrama.types import ScoreTable
from spatialdrama.types.scores import DRAWS

#: How tests are made, for the foot of a table.
METHOD = (
    "paired permutation test of the tabled means over {units} (Fisher 1935; Noreen 1989), "
    "p corrected by Holm (1979) over all {tests} tests of the table; "
    "* p < .05, ** p < .01, *** p < .001 against {baseline}"
)


@attrs.frozen
class Contrast:
    """A system minus the baseline, in one metric.

    Parameters
    ----------
    difference : float
        Of the weighted means over the units that both have.
    low, high : float
        95 % interval: percentile bootstrap that draws units, with both systems' values together
        (Koehn 2004).
    p : float
        Two-sided.
    pairs : int
    """

    difference: float
    low: float
    high: float
    p: float
    pairs: int


def units(table: ScoreTable, metric: str, by_line: bool) -> Mapping[str, tuple[float, float]]:
    """Return {item or line: (value, weight)} of what has a value."""
    if by_line:
        column = table.data.sel(metric=metric)
        lines = zip(table.data["line"].values, column["value"].values, column["weight"].values,
                    strict=True)  # fmt: skip
        found = {str(line): (float(v), float(w)) for line, v, w in lines}
    else:
        found = table.by_item(metric)
    return {key: (v, w) for key, (v, w) in found.items() if np.isfinite(v) and w > 0}


def by_line(tables: Mapping[str, ScoreTable]) -> bool:
    """Whether lines are the units: when each table holds one item, whatever its name."""
    return all(len(table.items) == 1 for table in tables.values())


def contrast(
    ours: ScoreTable, base: ScoreTable, metric: str, lines: bool, seed: int = 0
) -> Contrast:
    """Compare two tables in one metric, over the units of the same name."""
    one, other = units(ours, metric, lines), units(base, metric, lines)
    shared = [key for key in one if key in other]
    nothing = Contrast(np.nan, np.nan, np.nan, np.nan, len(shared))
    if not shared:
        return nothing
    a, wa = np.array([one[key] for key in shared]).T
    b, wb = np.array([other[key] for key in shared]).T
    difference = float(np.sum(a * wa) / np.sum(wa) - np.sum(b * wb) / np.sum(wb))
    if len(shared) < 2:
        return attrs.evolve(nothing, difference=difference)
    pick = np.random.default_rng(seed).integers(0, len(a), (DRAWS, len(a)))
    first = (a * wa)[pick].sum(axis=1) / wa[pick].sum(axis=1)
    second = (b * wb)[pick].sum(axis=1) / wb[pick].sum(axis=1)
    low, high = np.percentile(first - second, [2.5, 97.5])
    p = permutation_test(a, b, weight_a=wa, weight_b=wb, seed=seed)
    return Contrast(difference, float(low), float(high), p, len(shared))
