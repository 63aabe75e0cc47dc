"""Whether listeners agree: Krippendorff's alpha and intraclass correlation."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import stats as distributions

from spatialdrama.errors import ValidationError
from spatialdrama.stats.ratings import tidy

LEVELS = ("nominal", "ordinal", "interval")


def _matrix(ratings: Any, question: str | None) -> np.ndarray:
    """Return (rater, unit) values with NaN for none, from a matrix or a tidy table."""
    if isinstance(ratings, np.ndarray):
        values = np.asarray(ratings, dtype=float)
        if values.ndim != 2:
            raise ValidationError(
                f"a matrix of ratings has the shape (raters, units); got {values.shape}."
            )
    else:
        values = tidy(ratings, scale=None, question=question).matrix()
    if len(values) < 2:
        raise ValidationError(f"agreement needs two raters or more; got {len(values)}.")
    return values


def krippendorff_alpha(
    ratings: Any, *, level: str = "ordinal", question: str | None = None
) -> float:
    """Return Krippendorff's alpha: 1 for agreement, 0 for chance, less for less than chance.

    Parameters
    ----------
    ratings : table as for :func:`tidy`, or (raters, units) array with NaN for none
        A unit is one item of one system. Ratings may be missing; units rated once don't count.
    level : "nominal", "ordinal" or "interval"
        What differences of scores mean. Opinion scores are ordinal.
    question : str, optional

    Returns
    -------
    float
        NaN when all ratings are equal: then there is nothing to agree about.

    References
    ----------
    K. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.stats import krippendorff_alpha
    >>> krippendorff_alpha(np.array([[1, 2, 3, 4], [1, 2, 3, 4.0]]))
    1.0
    """
    if level not in LEVELS:
        raise ValidationError(f"level must be one of {', '.join(LEVELS)}; got {level!r}.")
    matrix = _matrix(ratings, question)
    values, where = np.unique(matrix[np.isfinite(matrix)], return_inverse=True)
    code = np.full(matrix.shape, -1)
    code[np.isfinite(matrix)] = where
    # counts[u, v]: how many gave unit u the value v
    counts = np.stack([(code == v).sum(axis=0) for v in range(len(values))], axis=1).astype(float)
    rated = counts.sum(axis=1)
    counts, rated = counts[rated > 1], rated[rated > 1]
    if not len(counts):
        raise ValidationError("no item was rated by two listeners; agreement cannot be told.")
    weighted = counts / (rated - 1)[:, None]
    together = counts.T @ weighted - np.diag(weighted.sum(axis=0))
    marginal = together.sum(axis=1)
    distance = _distance(values, marginal, level)
    expected = (np.outer(marginal, marginal) * distance).sum() / (marginal.sum() - 1)
    if expected == 0:
        return float("nan")
    return float(1 - (together * distance).sum() / expected)


def _distance(values: np.ndarray, marginal: np.ndarray, level: str) -> np.ndarray:
    """Return squared differences of values as the level of measurement sees them."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "ordinal":
        # Ranks between: half of both ends, all of what lies between.
        values = np.cumsum(marginal) - marginal / 2
    return np.square(values[:, None] - values[None, :])


@attrs.frozen
class IccResult:
    """Intraclass correlations of a two-way random model, absolute agreement.

    Parameters
    ----------
    single : float
        ICC(2,1), of one rater.
    average : float
        ICC(2,k), of the mean over all k raters: how reliable the test's means are.
    single_ci, average_ci : (low, high)
        95 %.
    raters, units : int
    """

    single: float
    average: float
    single_ci: tuple[float, float]
    average_ci: tuple[float, float]
    raters: int
    units: int


def icc(ratings: Any, *, question: str | None = None) -> IccResult:
    """Return ICC(2,1) and ICC(2,k) of a complete design: everybody rated everything.

    Parameters
    ----------
    ratings : table as for :func:`tidy`, or (raters, units) array
    question : str, optional

    Raises
    ------
    ValidationError
        A rating is missing (use :func:`krippendorff_alpha`), or there are fewer than two units.

    References
    ----------
    P. E. Shrout and J. L. Fleiss (1979), Psychological Bulletin 86, 420-428; intervals:
    K. O. McGraw and S. P. Wong (1996), Psychological Methods 1, 30-46, table 7.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.stats import icc
    >>> round(icc(np.array([[1, 2, 3, 4], [2, 3, 4, 5.0]])).single, 3)    # one is 1 higher
    0.769
    """
    matrix = _matrix(ratings, question).T
    missing = int(np.isnan(matrix).sum())
    units, raters = matrix.shape
    if missing:
        raise ValidationError(
            f"ICC needs everybody's rating of everything; {missing} of {matrix.size} are missing. "
            "Use krippendorff_alpha, which allows for that."
        )
    if units < 2:
        raise ValidationError(f"ICC needs two rated units or more; got {units}.")
    rows, columns, error = _mean_squares(matrix)
    spread = rows + (raters - 1) * error + raters * (columns - error) / units
    if spread == 0:
        raise ValidationError("all ratings are equal; there is nothing to agree about.")
    single = (rows - error) / spread
    average = (rows - error) / (rows + (columns - error) / units)
    low, high = _interval(rows, columns, error, units, raters, single)
    return IccResult(
        float(single), float(average), (low, high), (_stepped(low, raters), _stepped(high, raters)),
        raters, units,
    )  # fmt: skip


def _mean_squares(matrix: np.ndarray) -> tuple[float, float, float]:
    """Return mean squares of units, raters and the rest, of a (unit, rater) matrix."""
    units, raters = matrix.shape
    grand = matrix.mean()
    of_unit, of_rater = matrix.mean(axis=1, keepdims=True), matrix.mean(axis=0, keepdims=True)
    rows = raters * np.sum((of_unit - grand) ** 2) / (units - 1)
    columns = units * np.sum((of_rater - grand) ** 2) / (raters - 1)
    rest = np.sum((matrix - of_unit - of_rater + grand) ** 2) / ((units - 1) * (raters - 1))
    return float(rows), float(columns), float(rest)


def _interval(
    rows: float, columns: float, error: float, units: int, raters: int, single: float
) -> tuple[float, float]:
    n, k = units, raters
    if error == 0:
        return single, single
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    upper = distributions.f.ppf(0.975, n - 1, freedom)
    lower = distributions.f.ppf(0.975, freedom, n - 1)
    common = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * common + n * rows)
    high = n * (lower * rows - error) / (common + n * lower * rows)
    return float(low), float(high)


def _stepped(single: float, raters: int) -> float:
    """Spearman and Brown's formula: from one rater to the mean of several."""
    return float(raters * single / (1 + (raters - 1) * single))
