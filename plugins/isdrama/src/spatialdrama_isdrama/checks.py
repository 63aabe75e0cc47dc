"""Checks of a config's fields: each refusal says the field, what it must be and the value seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from spatialdrama.errors import ValidationError

#: What attrs calls with the config, the field and the value that it is given.
Check = Callable[[Any, attrs.Attribute, Any], None]


def option(default: Any, check: Check, *, converter: Callable[[Any], Any] | None = None) -> Any:
    """Return a config's field: its default, and the check of what is given instead.

    Parameters
    ----------
    default
    check : callable
        One of this module's, or any validator of attrs.
    converter : callable, optional
        What makes the value of what is given, before the check.

    Examples
    --------
    >>> @attrs.frozen(kw_only=True)
    ... class Config:
    ...     width: int = option(768, whole(2, multiple=2))
    ...     rate: float = option(1e-4, number(0, above=True))
    >>> Config(width=4)
    Config(width=4, rate=0.0001)
    >>> Config(width=5)
    Traceback (most recent call last):
    spatialdrama.errors.ValidationError: Config.width must be an even whole number from 2 on; got 5.
    >>> Config(rate=0)
    Traceback (most recent call last):
    spatialdrama.errors.ValidationError: Config.rate must be a finite number above 0; got 0.
    """
    return attrs.field(default=default, validator=check, converter=converter)


def refuse(instance: Any, field: attrs.Attribute, wanted: str, value: Any) -> None:
    """Raise the one sentence that all checks say.

    Raises
    ------
    ValidationError
        Always.
    """
    raise ValidationError(
        f"{type(instance).__name__}.{field.name} must be {wanted}; got {value!r}."
    )


def whole(least: int, *, odd: bool = False, multiple: int = 1) -> Check:
    """Return a check that a field is a whole number.

    Parameters
    ----------
    least : int
        The smallest that is accepted.
    odd : bool
        Refuse even numbers.
    multiple : int
        Refuse what this does not divide.
    """
    kind = _kind(odd, multiple)

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        if not _is_whole(value, least, odd, multiple):
            refuse(instance, field, f"{kind} from {least} on", value)

    return check


def wholes(least: int, *, odd: bool = False) -> Check:
    """Return a check that a field is a tuple of whole numbers, one at least.

    Parameters
    ----------
    least : int
        The smallest that is accepted.
    odd : bool
        Refuse even numbers.

    Examples
    --------
    >>> @attrs.frozen(kw_only=True)
    ... class Config:
    ...     kernels: tuple[int, ...] = option((3, 5), wholes(1, odd=True), converter=from_list)
    >>> Config(kernels=[7]).kernels
    (7,)
    >>> Config(kernels=(3, 4))
    Traceback (most recent call last):
    spatialdrama.errors.ValidationError: Config.kernels must be a tuple of odd whole numbers \
from 1 on; got (3, 4).
    """
    kind = f"a tuple of {'odd ' if odd else ''}whole numbers from {least} on"

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, tuple) and value
        if not good or not all(_is_whole(entry, least, odd) for entry in value):
            refuse(instance, field, kind, value)

    return check


def from_list(value: Any) -> Any:
    """Return a list as a tuple, which JSON does not have; anything else as it is.

    Examples
    --------
    >>> from_list([1, 2]), from_list("12")
    ((1, 2), '12')
    """
    return tuple(value) if isinstance(value, list) else value


def number(
    least: float = -math.inf, most: float = math.inf, *, above: bool = False, below: bool = False
) -> Check:
    """Return a check that a field is a finite number.

    Parameters
    ----------
    least, most : float
        Bounds, either of which may be infinite for none.
    above, below : bool
        Refuse `least`, or `most`, itself.
    """
    wanted = _range(least, most, above, below)

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (
            good
            and math.isfinite(value)
            and (least < value if above else least <= value)
            and (value < most if below else value <= most)
        ):
            refuse(instance, field, wanted, value)

    return check


def one_of(*names: str) -> Check:
    """Return a check that a field is one of some names."""
    wanted = f"one of {', '.join(map(repr, names))}"

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        if value not in names:
            refuse(instance, field, wanted, value)

    return check


def truth(instance: Any, field: attrs.Attribute, value: Any) -> None:
    """Check that a field is True or False; 0 and 1 are not."""
    if not isinstance(value, bool):
        refuse(instance, field, "True or False", value)


def model_name(instance: Any, field: attrs.Attribute, value: Any) -> None:
    """Check that a field names a model: text that is not empty."""
    if not isinstance(value, str) or not value:
        refuse(instance, field, "a model's hub name or its folder", value)


def _is_whole(value: Any, least: int, odd: bool = False, multiple: int = 1) -> bool:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= least
    return good and value % multiple == 0 and not (odd and value % 2 == 0)


def _kind(odd: bool, multiple: int) -> str:
    if odd:
        return "an odd whole number"
    if multiple == 2:
        return "an even whole number"
    return "a whole number" if multiple == 1 else f"a multiple of {multiple}"


def _range(least: float, most: float, above: bool, below: bool) -> str:
    """Return the bounds in words."""
    if most == math.inf:
        if least == -math.inf:
            return "a finite number"
        return f"a finite number {f'above {least:g}' if above else f'from {least:g} on'}"
    upper = f"{'below ' if below else ''}{most:g}"
    if least == -math.inf:
        return f"a finite number {upper if below else f'up to {upper}'}"
    return f"a number {'above' if above else 'from'} {least:g} to {upper}"
