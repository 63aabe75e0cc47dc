"""How this package compiles its kernels: one decorator, one set of flags.

Kernels let go of the interpreter's lock, so that threads share out ears and sources, and are kept
on disk, so that the first call of a machine alone pays for the compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

#: Sums may be reordered and fused, which is what makes them run eight lanes wide. NaN and infinity
#: keep their meaning: what is broken stays visible.
FASTMATH = frozenset({"nsz", "arcp", "contract", "afn", "reassoc"})


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers on its first call."""
    return numba.njit(fastmath=set(FASTMATH), nogil=True, cache=True, error_model="numpy")(function)
