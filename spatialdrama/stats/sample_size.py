"""How many ratings a test needs, before anybody listens."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
from scipy import stats as distributions

from spatialdrama.errors import ValidationError

LARGEST = 10_000_000


@attrs.frozen
class SampleSize:
    """How many ratings of each system (or pairs), by how many listeners.

    Parameters
    ----------
    ratings : int
        In all, of each system; pairs for a difference.
    listeners : int
        With `per_listener` ratings each.
    per_listener : int
    design_effect : float
        By how much ratings of one listener, who is strict or kind, tell less than independent
        ones: 1 + (per_listener - 1) icc (Kish 1965).
    """

    ratings: int
    listeners: int
    per_listener: int
    design_effect: float


def for_half_width(
    half_width: float,
    sd: float,
    *,
    confidence: float = 0.95,
    per_listener: int = 1,
    icc: float = 0.0,
) -> SampleSize:
    """Return how many ratings give a mean known to ± `half_width`.

    The smallest n with t(n - 1) sd / sqrt(n) at most the half width, times the design effect.

    Parameters
    ----------
    half_width : float
        Wished, such as 0.1 on the scale of 1 to 5.
    sd : float
        Of single ratings; about 1 in most opinion tests.
    confidence : float
    per_listener : int
        Ratings of one system that each listener gives.
    icc : float
        Correlation of two ratings by one listener, 0 to 1.

    Examples
    --------
    >>> from spatialdrama import stats
    >>> stats.for_half_width(0.2, 1.0).ratings
    99
    >>> stats.for_half_width(0.2, 1.0, per_listener=10, icc=0.2).listeners
    28
    """
    _positive(half_width=half_width, sd=sd)
    _between(confidence=confidence)

    def enough(n: int) -> bool:
        return distributions.t.ppf((1 + confidence) / 2, n - 1) * sd / math.sqrt(n) <= half_width

    return _sized(_smallest(enough), per_listener, icc)


def for_difference(
    difference: float,
    sd: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    tests: int = 1,
    per_listener: int = 1,
    icc: float = 0.0,
) -> SampleSize:
    """Return how many pairs show a mean difference, by a two-sided paired t-test.

    From the noncentral t distribution (Cohen 1988, chapter 2).

    Parameters
    ----------
    difference : float
        The smallest that matters.
    sd : float
        Of the differences between paired ratings.
    power : float
        Chance to find a difference of that size.
    alpha : float
        Chance to find one where there is none.
    tests : int
        How many comparisons share `alpha` (Bonferroni).
    per_listener, icc
        As for :func:`for_half_width`, for pairs.

    Examples
    --------
    >>> from spatialdrama import stats
    >>> stats.for_difference(0.5, 1.0).ratings
    34
    """
    _positive(difference=abs(difference), sd=sd)
    _between(power=power, alpha=alpha)
    if tests < 1:
        raise ValidationError(f"tests must be 1 or more; got {tests!r}.")
    effect, level = abs(difference) / sd, alpha / tests

    def enough(n: int) -> bool:
        critical = distributions.t.ppf(1 - level / 2, n - 1)
        shift = effect * math.sqrt(n)
        found = distributions.nct.sf(critical, n - 1, shift)
        return found + distributions.nct.cdf(-critical, n - 1, shift) >= power

    return _sized(_smallest(enough), per_listener, icc)


def _smallest(enough: Callable[[int], bool]) -> int:
    """Return the smallest n of 2 or more that is enough; it stays enough from there on."""
    high = 2
    while not enough(high):
        high *= 2
        if high > LARGEST:
            raise ValidationError(
                f"more than {LARGEST} ratings would be needed; wish for less precision."
            )
    low = high // 2
    while high - low > 1 and high > 2:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _sized(independent: int, per_listener: int, icc: float) -> SampleSize:
    if not isinstance(per_listener, int) or per_listener < 1:
        raise ValidationError(f"per_listener must be a whole number from 1; got {per_listener!r}.")
    if not 0 <= icc < 1:
        raise ValidationError(f"icc must be from 0 to less than 1; got {icc!r}.")
    effect = round(1 + (per_listener - 1) * icc, 9)
    listeners = math.ceil(independent * effect / per_listener - 1e-9)
    return SampleSize(listeners * per_listener, listeners, per_listener, effect)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValidationError(f"{name} must be a positive number; got {value!r}.")


def _between(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise ValidationError(f"{name} must be between 0 and 1; got {value!r}.")
