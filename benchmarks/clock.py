"""How benchmarks time things: one thread, taking turns, medians."""

from __future__ import annotations

import gc
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

_ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "BLIS")}


@attrs.frozen
class Timing:
    """Seconds that each run took: on the wall's clock and on the processor."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    @property
    def wall_median(self) -> float:
        return float(np.median(self.wall))

    @property
    def cpu_median(self) -> float:
        return float(np.median(self.cpu))


def one_thread() -> None:
    """Start this script again with one thread for every library, unless that is so already."""
    if any(os.environ.get(name) != value for name, value in _ONE.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **_ONE})


def take_turns(
    runs: Mapping[str, Callable[[], Any]], repeats: int, told: Callable[[str], None] = print
) -> dict[str, Timing]:
    """Time each of `runs` as often as asked, one after the other and over again: A B C A B C.

    What else the machine does then falls on all of them alike. A run that has a method ``rewind``
    is rewound first, off the clock.
    """
    wall: dict[str, list[float]] = {name: [] for name in runs}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    for k in range(repeats):
        for name, run in runs.items():
            getattr(run, "rewind", lambda: None)()
            gc.collect()
            before = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - before[0])
            cpu[name].append(time.process_time() - before[1])
        told(f"  round {k + 1} of {repeats}")
    return {name: Timing(tuple(wall[name]), tuple(cpu[name])) for name in runs}


def machine() -> dict[str, Any]:
    """Return what the figures were taken on; absolute times mean little without it."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    load = os.getloadavg() if hasattr(os, "getloadavg") else (float("nan"),) * 3
    return {"processor": model, "cores": os.cpu_count(), "load": [round(x, 2) for x in load],
            "python": platform.python_version(), "numpy": np.__version__}  # fmt: skip
