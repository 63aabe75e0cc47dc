"""Many segments on many processes or hosts; what is there is not made again.

Nothing is remembered but the items themselves: a build looks which of the plan's hashes have a
folder, makes the others, and writes the manifest from what is there. So it may be killed at any
moment, and goes on when it is started again.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.runtime.progress import progress as progress_bar
from spatialdrama.scoring.schedule import check_scheduler, run
from spatialdrama_corpora.simulate.config import SimulationConfig
from spatialdrama_corpora.simulate.make import about, make, with_config
from spatialdrama_corpora.simulate.plan import SegmentPlan, plan
from spatialdrama_corpora.simulate.store import (
    Store,
    item_folder,
    item_path,
    read_annotation,
    row_of,
    was_begun,
)

#: s between two writings of the manifest, and how many times longer than a writing takes.
_EVERY, _SHARE = 30.0, 20.0
#: Failed segments that the message names.
_NAMED = 3
_FULL = "no space left"
_DIED = "the worker died while it was made"


@attrs.frozen
class Built:
    """What a build did.

    Attributes
    ----------
    path : Path
        The manifest.
    segments, made : int
        In the manifest now, and made by this run.
    hours : float
        Of sound in the manifest.
    seconds : float
        That this run took.
    failed : mapping of segment to reason
    """

    path: Path
    segments: int
    made: int
    hours: float
    seconds: float
    failed: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return attrs.asdict(self) | {"path": str(self.path), "failed": dict(self.failed)}

    def __str__(self) -> str:
        lines = [
            f"{self.segments} segments, {self.hours:.2f} h, in {self.path.parent} "
            f"({self.made} made in {self.seconds:.0f} s)"
        ]
        if self.failed:
            lines.append(f"{len(self.failed)} failed; the same command tries them again:")
            lines += [f"  {line}" for line in explained_failures(self.failed)]
        return "\n".join(lines)


def build(
    config: SimulationConfig,
    out: Any,
    *,
    scheduler: Any = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Built:
    """Build a corpus, or go on with one that was stopped.

    Parameters
    ----------
    config : SimulationConfig
    out : path
        A new folder, or one in which a build of the same configuration was begun.
    scheduler : None, "threads", "processes", address, Client or cluster
        None: a local Dask cluster of processes. Workers of an address must see `out` under the
        same path.
    workers : int, optional
        Local processes or threads; default one for each core.
    progress : bool, optional
        Show what is done and the time left; default on, unless ``SPATIALDRAMA_PROGRESS=0``.

    Returns
    -------
    Built
        Segments that could not be made are named in ``failed`` and tried again by the next build;
        so are those on a worker that died.

    Raises
    ------
    ValidationError
        Before any work for a folder of another corpus, or one in which a build is at work; on a
        full disk, after which the same call goes on.

    Notes
    -----
    In a script, processes belong under ``if __name__ == "__main__":``.

    Examples
    --------
    >>> config = SimulationConfig(hours=2, seed=7)                 # doctest: +SKIP
    >>> build(config, "corpus").hours                              # doctest: +SKIP
    2.03
    """
    check_scheduler(scheduler)
    began = time.monotonic()
    store = Store(out, config)
    with store.opened():
        state = _State(store, about(config), list(plan(config)))
        missing = state.missing()
        tasks = ({"plan": p.to_dict(), "key": k, "config": config.to_dict()} for p, k in missing)
        work = functools.partial(_one, os.path.abspath(out))
        try:
            with progress_bar(
                label="building", total=len(state.plans), unit="segment", show=progress
            ) as bar:
                bar.update(len(state.rows))
                clock = _Clock(sum(p.seconds for p, _ in missing))
                for result in run(
                    work, tasks, scheduler=scheduler or "processes", workers=workers, lost=_lost
                ):  # fmt: skip
                    state.take(result)
                    bar.update(note=clock.note(result["seconds"]))
        finally:
            # Also after Ctrl-C and on a full disk: what was made is in the manifest.
            with contextlib.suppress(ValidationError, OSError):
                store.write(list(state.rows.values()))
        path = store.write(list(state.rows.values()))
    hours = sum(row["duration"] for row in state.rows.values()) / 3600
    return Built(
        path, len(state.rows), state.made, hours, time.monotonic() - began, dict(state.failed)
    )


def check_folder(config: SimulationConfig, out: Any) -> None:
    """Raise when the corpus cannot be built in a folder, which is left as it is.

    Raises
    ------
    ValidationError
        For a corpus of another configuration, and for a folder of something else.
    """
    Store(out, config).check()


class _State:
    """Rows of the items that are there, and what failed."""

    def __init__(self, store: Store, made_by: Mapping[str, Any], plans: list[SegmentPlan]) -> None:
        self.store, self.plans = store, plans
        self.keys = {p.name: p.key(made_by) for p in plans}
        self.gaps = {p.name: p.gap for p in plans}
        self.rows: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, str] = {}
        self.made = 0
        self._wrote = time.monotonic()
        self._took = 0.0

    def missing(self) -> list[tuple[SegmentPlan, str]]:
        """Take the rows of what is there, and return the rest."""
        known, left = self.store.rows(), []
        for segment in self.plans:
            key = self.keys[segment.name]
            if key in known:
                self.rows[segment.name] = known[key]
            elif item_path(self.store.path, key).is_dir():
                try:
                    annotation = read_annotation(self.store.path, key)
                except ValidationError:  # somebody damaged it
                    left.append((segment, key))
                    continue
                self._keep(segment.name, annotation)
            else:
                left.append((segment, key))
        return left

    def take(self, result: Mapping[str, Any]) -> None:
        """Keep what a worker gave; stop when the disk is full."""
        name = result["name"]
        if "full" in result:
            raise ValidationError(
                f"{result['full']} What was made is kept; the same command goes on from there."
            )
        if "failed" in result and not item_path(self.store.path, self.keys[name]).is_dir():
            self.failed[name] = result["failed"]
            return
        self._keep(name, read_annotation(self.store.path, self.keys[name]))
        self.made += 1
        if time.monotonic() - self._wrote > max(_EVERY, _SHARE * self._took):
            start = time.monotonic()
            self.store.write(list(self.rows.values()))
            self._wrote = time.monotonic()
            self._took = self._wrote - start

    def _keep(self, name: str, annotation: Mapping[str, Any]) -> None:
        self.rows[name] = row_of(self.keys[name], self.gaps[name], annotation, self.store.path)


def _one(out: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """Make one segment on a worker; never raises for what only this segment has."""
    segment, config = with_config(task)
    told = {"name": segment.name, "seconds": segment.seconds}
    path = item_path(Path(out), task["key"])
    try:
        if path.is_dir():  # damaged before, or made by the worker that died
            with contextlib.suppress(ValidationError):
                read_annotation(Path(out), task["key"])
                return told
            _set_aside(path)
        if was_begun(Path(out), task["key"]):
            # Dask would try again on other workers, and lose them all: once is enough.
            return told | {"failed": _DIED}
        with item_folder(Path(out), task["key"]) as folder:
            make(segment, folder, config)
    except SpatialDramaError as error:
        kind = "full" if _FULL in str(error) else "failed"
        return told | {kind: str(error)}
    return told


def _set_aside(path: Path) -> None:
    from spatialdrama.runtime import folders

    doomed = folders.sibling(path, "gone")
    os.rename(path, doomed)
    folders.remove(doomed)


def _lost(task: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    return {
        "name": task["plan"]["name"], "seconds": task["plan"]["seconds"],
        "failed": f"{_DIED} ({type(error).__name__})",
    }  # fmt: skip


class _Clock:
    """How fast a build goes, and how long it still takes."""

    def __init__(self, seconds: float) -> None:
        self._left, self._done, self._began = seconds, 0.0, time.monotonic()

    def note(self, seconds: float) -> str:
        """Count `seconds` of sound, and return what to show."""
        self._left, self._done = self._left - seconds, self._done + seconds
        speed = self._done / max(time.monotonic() - self._began, 1e-3)
        left = max(self._left, 0.0) / speed
        text = f"{left / 3600:.1f} h" if left > 5400 else f"{left / 60:.0f} min"
        return f"{speed:.1f}x real time, {text if left >= 60 else f'{left:.0f} s'} left"


def explained_failures(failed: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each of the first failures, and one for the rest."""
    for name, reason in list(failed.items())[:_NAMED]:
        yield f"{name}: {reason}"
    if len(failed) > _NAMED:
        yield f"and {len(failed) - _NAMED} more"
