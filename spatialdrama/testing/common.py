"""What is asked of every plugin, whatever its kind."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spatialdrama.registry import manager
from spatialdrama.registry.manager import HEAVY, LOCAL, Entry

from .clauses import fail


def who_is(entry: Entry) -> str:
    """``metric 'healthy/loudness'``."""
    return f"{entry.spec.kind} {entry.full_name!r}"


def made(kind: str, name: str, options: Mapping[str, Any] | None) -> tuple[Entry, Any]:
    """The entry and its object, after the clauses that every kind keeps."""
    entry = manager.entry(kind, name)
    check_light(entry)
    try:
        obj = manager.load(kind, name, **(options or {}))
    except TypeError as error:
        fail(who_is(entry), "constructs", f"TypeError: {error}")
    if not (getattr(obj, "__doc__", None) or "").strip():
        fail(who_is(entry), "constructs", "no docstring")
    text = repr(obj)
    if not text or len(text) > 2000:
        fail(who_is(entry), "repr", f"{len(text)} characters")
    return entry, obj


def check_light(entry: Entry) -> None:
    """Import the plugin module in a fresh process and look at what came along."""
    if entry.provider == LOCAL:
        return
    record = next(r for r in manager.records() if r.name == entry.provider)
    module = record.module.split(":")[0]
    code = f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    path = {"PYTHONPATH": ":".join(part for part in sys.path if part)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**_environment(), **path},
    )
    seen = done.stdout.strip() or done.stderr.strip().splitlines()[-1:]
    if seen:
        fail(who_is(entry), "light", f"{module} imports {seen}; import it inside the target")


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def check_copies(entry: Entry, obj: Any, result: Callable[[Any], Any]) -> None:
    """Copies of the object give the same result as itself."""
    wanted = result(obj)
    for how, make in (
        ("pickle", lambda: pickle.loads(pickle.dumps(obj))),
        ("deepcopy", lambda: copy.deepcopy(obj)),
    ):
        try:
            twin = make()
        except Exception as error:
            fail(who_is(entry), "pickles", f"{how} raised {type(error).__name__}: {error}")
        if not same(result(twin), wanted):
            fail(who_is(entry), "pickles", f"the copy made by {how} gives another result")


def same(one: Any, other: Any) -> bool:
    """Equality that takes arrays, and NaN for equal to NaN."""
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return np.array_equal(one, other, equal_nan=True)
