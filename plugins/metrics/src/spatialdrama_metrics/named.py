"""Parts that can be exchanged, chosen by a name or given as an object: one rule for all of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import attrs

from spatialdrama.errors import UnknownNameError, ValidationError

#: Name to module, class (or a class method), and what may stand after a colon in
#: ``"name:argument"``: nothing, anything of this description, or one of these words.
Table = Mapping[str, tuple[str, str, str | tuple[str, ...]]]


def chosen(
    which: Any, table: Table, *, option: str, what: str, methods: tuple[str, ...], call: str,
    package: str,
) -> Any:  # fmt: skip
    """Turn a name into the part that it stands for; an object that can do the work is one itself.

    Parameters
    ----------
    which : str or object
        ``"name"``, ``"name:argument"``, or an object with one of `methods`, returned as it is.
    table : mapping
    option : str
        The option's name, for messages.
    what : str
        What such a part is called, for messages.
    methods : tuple of str
        Any of them makes an object such a part.
    call : str
        The method as one writes it, for messages.
    package : str
        Where the modules of the table are.

    Raises
    ------
    UnknownNameError
        No such name, or not one of the words that may follow it.
    ValidationError
        Neither a name nor such an object, or an argument that the name does not take.

    Examples
    --------
    >>> table = {"plain": ("retarded", "Never", "")}
    >>> chosen("odd", table, option="part", what="part", methods=("work",), call="work()",
    ...        package="")
    Traceback (most recent call last):
    ...
    spatialdrama.errors.UnknownNameError: no part is called 'odd'; use one of plain, or give an \
object with work()
    """
    if not isinstance(which, str):
        if isinstance(which, type) or not any(hasattr(which, m) for m in methods):
            raise ValidationError(
                f"{option} must be a name or an object with {call}; got {which!r}"
            )
        return which
    name, _, argument = which.partition(":")
    module, target, takes = table.get(name, ("", "", ()))
    words = isinstance(takes, tuple)
    if not module or (words and argument and argument not in takes):
        names = [*table, *(f"{n}:{w}" for n, (_, _, t) in table.items()
                           if isinstance(t, tuple) for w in t)]  # fmt: skip
        raise UnknownNameError(
            f"no {what} is called {(which if module else name)!r}; use one of "
            f"{', '.join(names)}, or give an object with {call}"
        )
    if argument and not takes:
        raise ValidationError(f"{option} {name!r} takes nothing after a colon, got {argument!r}")
    made = attrgetter(target)(importlib.import_module(f"{package}.{module}"))
    return made(argument) if argument else made()


def placed(metric: Any, name: str) -> None:
    """Move a metric's part to the metric's device, where one was asked for and the part has one.

    For ``__attrs_post_init__`` of a metric with the fields `device` and `name`. Parts that run on
    the CPU alone, such as the embedded ones, stay as they are.
    """
    part = getattr(metric, name)
    if metric.device is not None and attrs.has(type(part)) and hasattr(part, "device"):
        object.__setattr__(metric, name, attrs.evolve(part, device=metric.device))
