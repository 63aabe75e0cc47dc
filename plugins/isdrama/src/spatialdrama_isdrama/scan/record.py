"""Which kernels ran in this process: a choice made for the user is one that can be read back."""

from __future__ import annotations

import collections
import threading

import torch

_lock = threading.Lock()
_counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)


@torch.compiler.disable
def note(what: str, kernel: str) -> str:
    """Count one run of `kernel` for `what` (``"scan"`` or ``"conv"``); return the kernel."""
    with _lock:
        _counts[what][kernel] += 1
    return kernel


def ran() -> dict[str, dict[str, int]]:
    """Return how often each kernel ran in this process since it began or since :func:`forget`.

    Example
    -------
    >>> forget()
    >>> _ = note("scan", "reference")
    >>> ran()
    {'scan': {'reference': 1}}
    """
    with _lock:
        return {what: dict(counts) for what, counts in _counts.items()}


def forget() -> None:
    """Set every count to nothing.

    Example
    -------
    >>> forget()
    >>> ran()
    {}
    """
    with _lock:
        _counts.clear()
