"""How this package compiles its kernels: two decorators, one set of flags.

Kernels let go of the interpreter's lock, so that threads share out ears and sources, and are kept
on disk, so that the first call of a machine alone pays for the compiler.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

#: Sums may be reordered and fused, which is what makes them run eight lanes wide. NaN and infinity
#: keep their meaning: what is broken stays visible.
FASTMATH = frozenset({"nsz", "arcp", "contract", "afn", "reassoc"})
#: Whether this process said that it compiles.
_said = False
_KERNELS = re.compile(rb"^(from|import) (numba|spatialdrama_render\.jit)\b", re.MULTILINE)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers on its first call."""
    return _compiled(function)


def inner(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call: without a door for Python, which takes time.

    Called from Python it would take the process down, so its name begins with an underscore.
    """
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def say_before_compiling(function: Any) -> bool:
    """Say on stderr, once a process, that a kernel is about to be compiled; return whether so.

    ``SPATIALDRAMA_PROGRESS=0`` silences it, as it does bars.

    Parameters
    ----------
    function : kernel
        One that is compiled last of those it stands for: where it is kept, all are.
    """
    global _said
    if _said or function.signatures or _is_kept(function):
        return False
    _said = True
    quiet = os.environ.get("SPATIALDRAMA_PROGRESS", "").strip().lower()
    if quiet not in ("0", "no", "off", "false"):
        sys.stderr.write(
            "spatialdrama: compiling the renderer, once on this machine, about 25 s ...\n"
        )
        sys.stderr.flush()
    return True


def _is_kept(function: Any) -> bool:
    """Whether a kernel was compiled before and is still good; True where that cannot be known."""
    kept = getattr(getattr(function, "_cache", None), "_cache_file", None)
    if not hasattr(kept, "_load_index"):
        return True
    try:
        return bool(kept._load_index())
    except Exception:  # a broken index is compiled anew, and is no reason to stop here
        return False


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    made = numba.njit(
        fastmath=set(FASTMATH), nogil=True, cache=True, error_model="numpy", **options
    )(function)
    # numba compiles anew when a kernel's own file has changed. But a kernel holds those that it
    # calls, from other files; so what is kept must be younger than all of them.
    kept = getattr(getattr(made, "_cache", None), "_cache_file", None)
    if hasattr(kept, "_source_stamp"):
        kept._source_stamp = (kept._source_stamp, _newest())
    return made


@cache
def _newest() -> int:
    """Return when a file with kernels was last changed, in ns."""
    files = Path(__file__).parent.rglob("*.py")
    return max(f.stat().st_mtime_ns for f in files if _KERNELS.search(f.read_bytes()))
