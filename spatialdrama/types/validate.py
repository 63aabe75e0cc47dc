"""Checks shared by the types, so that every message says what was wrong, the value, the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from spatialdrama.errors import UnknownNameError, ValidationError


class FrozenMapping(Mapping[str, Any]):
    """A read-only mapping that can be pickled, as MappingProxyType cannot."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        self._data = dict(data or {})

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return repr(self._data)


def readonly(values: Any, dtype: Any) -> np.ndarray:
    """Return a contiguous copy that refuses assignment; `attrs.frozen` does not freeze buffers."""
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def is_stored(samples: Any) -> bool:
    """Whether samples lie in a file: :class:`spatialdrama.io.stored.Stored` and its like."""
    return hasattr(samples, "read_slice")


def same_samples(a: Any, b: Any) -> bool:
    """Whether two arrays or stored samples are equal, read a piece at a time."""
    if a is b:
        return True
    if a.shape != b.shape:
        return False
    step = 1 << 18
    return all(
        np.array_equal(_piece(a, low, low + step), _piece(b, low, low + step))
        for low in range(0, a.shape[-1], step)
    )


def _piece(samples: Any, low: int, high: int) -> np.ndarray:
    return samples.read_slice(low, high) if is_stored(samples) else samples[..., low:high]


def check_finite(array: np.ndarray, what: str, remedy: str) -> None:
    """Raise when any value is NaN or infinite, naming the first one."""
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        index = ", ".join(map(str, where))
        raise ValidationError(f"{what}[{index}] is {array[where]}; {remedy}")


def check_positive(value: float, what: str, *, unit: str = "", zero_ok: bool = False) -> float:
    """Return `value` as a float, or raise when it is not a finite positive number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValidationError(
            f"{what} must be a number{unit and f' in {unit}'}; got {value!r}."
        ) from None
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero_ok):
        kind = "zero or more" if zero_ok else "more than zero"
        raise ValidationError(f"{what} must be {kind}{unit and f' {unit}'}; got {value!r}.")
    return number


def finite(value: Any, what: str) -> float:
    """Return `value` as a finite float, or raise naming it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, str) or not np.isfinite(number):
        raise ValidationError(f"{what} must be a finite number; got {value!r}.")
    return number


def vector3(value: Any, what: str) -> np.ndarray:
    """Return `value` as three finite floats."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (3,):
        raise ValidationError(f"{what} must be three numbers (x, y, z) in metres; got {value!r}.")
    check_finite(array, what, "give three finite metres (x, y, z).")
    return array


def nearest_names(name: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Names in `known` that read like `name`, best first."""
    known = list(known)
    folded = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(str(name).casefold(), list(folded), n=n, cutoff=0.5)
    return [folded[c] for c in close]


def unknown_name(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for a name nobody knows, with the nearest names and all known ones."""
    known = sorted(known)
    near = nearest_names(name, known)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return UnknownNameError(f"no {what} named {name!r}.{hint} Known: {shown or 'none'}.")
