"""Checks of a config's fields: each refusal says the field, the value seen and what would do."""

from __future__ import annotations

import math
from typing import Any

import attrs

from spatialdrama.errors import ValidationError


def refuse(instance: Any, field: attrs.Attribute, wanted: str, value: Any) -> None:
    """Raise the one sentence that all checks of this file say.

    Raises
    ------
    ValidationError
        Always.
    """
    raise ValidationError(
        f"{type(instance).__name__}.{field.name} must be {wanted}; got {value!r}."
    )


def whole(least: int) -> Any:
    """Return a check that a field is a whole number from `least` on."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            refuse(instance, field, f"a whole number from {least} on", value)

    return check


def number(least: float = -math.inf, most: float = math.inf, *, above: bool = False) -> Any:
    """Return a check that a field is a finite number in [least, most], or above `least`."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if (
            good
            and math.isfinite(value)
            and least <= value <= most
            and (value > least or not above)
        ):
            return
        lower = f"above {least:g}" if above else f"from {least:g}"
        refuse(instance, field, f"a number {lower} to {most:g}", value)

    return check


def one_of(*names: str) -> Any:
    """Return a check that a field is one of some names."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        if value not in names:
            refuse(instance, field, f"one of {', '.join(map(repr, names))}", value)

    return check


def truth(instance: Any, field: attrs.Attribute, value: Any) -> None:
    """Check that a field is True or False."""
    if not isinstance(value, bool):
        refuse(instance, field, "True or False", value)
