"""Triton where it is installed; without it the kernels below are functions that nobody calls."""

from __future__ import annotations

from typing import Any

try:
    import triton
    import triton.language as tl
except ImportError:  # packing, documentation and tests on a CPU need no Triton
    triton = None
    tl = None


#: Arguments that differ from lot to lot. Triton compiles anew for a number that is one or a
#: multiple of 16, and another program might round another way.
_NUMBERS = frozenset({
    "bits", "end_hop", "first_hop", "hops", "most_distances", "points", "size", "skipped",
    "triangles",
})  # fmt: skip


def kernel(function: Any) -> Any:
    """Compile a function for the device on its first launch."""
    if triton is None:
        return function
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return triton.jit(function, do_not_specialize=[n for n in names if n in _NUMBERS])


def constant(value: Any) -> Any:
    """Return a number of this package that kernels may name."""
    return value if tl is None else tl.constexpr(value)


def next_power(value: int) -> int:
    """Return the least power of two that is not below `value`.

    Examples
    --------
    >>> from spatialdrama_render.cuda.lang import next_power
    >>> next_power(24), next_power(32)
    (32, 32)
    """
    return 1 << max(value - 1, 0).bit_length()
