"""One lot of items through all metrics: what is kept from before, one by one, or in batches."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import PluginError, SpatialDramaError, ValidationError
from spatialdrama.registry import load
from spatialdrama.runtime.cache import Cache, key_of
from spatialdrama.scoring import chance, content
from spatialdrama.scoring.cuts import Cut, check_needs
from spatialdrama.scoring.items import Item
from spatialdrama.types import Score
from spatialdrama.types.scores import plain

#: s; sound that one batch holds at most.
BATCH_SECONDS = 600.0


@attrs.frozen
class Wanted:
    """A metric of the run: what it is called, and what stands for it in a key (None: no key)."""

    name: str
    spec: Any
    options: dict[str, Any]
    made: Any = None
    fingerprint: Any = None


@attrs.frozen
class Plan:
    """What is to be measured, the same for all items.

    Parameters
    ----------
    wanted : tuple of Wanted
    shifts : int
        Pairings behind a chance level.
    batch : int
        Cuts that a metric with ``score_batch`` gets at once.
    strict : bool
        A metric that breaks ends the run; else it costs its item alone.
    cached : bool
    progress : bool, optional
        Show a bar while a dry reference is rendered.
    """

    wanted: tuple[Wanted, ...]
    shifts: int
    batch: int = 1
    strict: bool = False
    cached: bool = True
    progress: bool | None = False


@attrs.frozen(eq=False)
class Task:
    """Items for one call of :func:`measure`; `strangers` lend single lines what is not theirs.

    `contrast` says for which items chance and mono are measured; in a large corpus not for all.
    """

    items: tuple[Item, ...]
    strangers: tuple[tuple[Item, ...], ...]
    contrast: tuple[bool, ...]


def measure(
    task: Task, plan: Plan, tick: Callable[[str, int], None] | None = None
) -> list[dict[str, Any]]:
    """Return one plain dictionary for each item of a task.

    Each has ``name`` and, for each metric, a column: ``lines`` [[label, value, weight, details]],
    ``mono`` and ``chance`` [[value, weight]], and ``notes``. An item that could not be opened has
    ``error`` instead. `tick` hears of each score, with how many there will be.
    """
    parts = zip(task.items, task.strangers, task.contrast, strict=True)
    sheets = [_Sheet(*part) for part in parts]
    for wanted in plan.wanted:
        for sheet in sheets:
            sheet.recall(wanted, plan)
    for sheet in sheets:
        sheet.open(plan)
    lacking = [(s, w) for w in plan.wanted for s in sheets if s.lacks(w)]
    total = sum(len(s.heard(w)) for s, w in lacking)
    count = None if tick is None else lambda name: tick(name, total)
    for wanted in plan.wanted:
        open_sheets = [s for s in sheets if s.lacks(wanted)]
        if open_sheets:
            _fill(open_sheets, wanted, plan, count)
    return [sheet.result() for sheet in sheets]


class _Sheet:
    """An item on its way: what is known, and its cuts while something is not."""

    def __init__(self, item: Item, strangers: tuple[Item, ...], contrast: bool) -> None:
        self.item, self.strangers, self.contrast = item, strangers, contrast
        self.columns: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.cuts: list[Cut] = []
        self.notes: dict[str, list[str]] = {}
        self.error = ""

    def recall(self, wanted: Wanted, plan: Plan) -> None:
        if not plan.cached or wanted.fingerprint is None:
            return
        try:
            key = key_of(self._inputs(wanted, plan))
        except (SpatialDramaError, OSError):
            return  # opening it will say what is wrong
        self.keys[wanted.name] = key
        found = _cache(str(_home())).get(key)
        if found is not None:
            try:
                self.columns[wanted.name] = json.loads((found / "column.json").read_text("utf-8"))
            except (OSError, ValueError):
                return

    def _inputs(self, wanted: Wanted, plan: Plan) -> dict[str, Any]:
        needs = wanted.spec.needs
        shuffles = self.contrast and wanted.spec.chance == "shuffle"
        strangers = self.strangers if shuffles and self.item.is_alone(wanted.spec.per) else ()
        return {
            "scheme": content.SCHEME,
            "core": content.core(),
            "metric": wanted.fingerprint,
            "item": self.item.content(needs),
            "strangers": [other.content(needs) for other in strangers],
            "contrast": self.contrast,
            "shifts": plan.shifts if shuffles else 0,
        }

    def lacks(self, wanted: Wanted) -> bool:
        return not self.error and wanted.name not in self.columns

    def open(self, plan: Plan) -> None:
        lacking = [w for w in plan.wanted if self.lacks(w)]
        needs = {need for w in lacking for need in w.spec.needs}
        if not lacking:
            return
        try:
            self.cuts, self.notes = self.item.cuts(needs, progress=plan.progress)
        except (SpatialDramaError, OSError) as error:
            if plan.strict:
                raise
            self.error = _say(error)
        except Exception as error:
            if plan.strict:
                raise
            self.error = f"{type(error).__name__}: {_say(error)}"

    def heard(self, wanted: Wanted) -> list[Cut]:
        return [cut for cut in self.cuts if cut.per == wanted.spec.per]

    def borrowed(self, wanted: Wanted) -> list[Cut]:
        """Cuts of other items, for an item with a single one."""
        found = []
        for other in self.strangers:
            try:
                cuts, _ = other.cuts(set(wanted.spec.needs))
            except (SpatialDramaError, OSError):
                continue  # it is reported where it is scored
            found += [cut for cut in cuts if cut.per == wanted.spec.per][:1]
        return found

    def keep(self, wanted: Wanted, column: dict[str, Any], sound: bool) -> None:
        self.columns[wanted.name] = column
        key = self.keys.get(wanted.name)
        if key is None or not sound:
            return  # what failed is tried again the next time
        with _cache(str(_home())).put(key) as folder:
            (folder / "column.json").write_text(json.dumps(column, allow_nan=False), "utf-8")

    def result(self) -> dict[str, Any]:
        if self.error:
            return {"name": self.item.name, "error": self.error}
        return {"name": self.item.name, "columns": self.columns}


def _home() -> Path:
    from spatialdrama.runtime import folders

    return folders.cache_home()


@lru_cache(maxsize=4)
def _cache(home: str) -> Cache:
    return Cache("scores", home=Path(home))


def _fill(sheets: list[_Sheet], wanted: Wanted, plan: Plan, tick: Any) -> None:
    """Measure one metric on several items: lines, then mono, then chance."""
    spec = wanted.spec
    ready = []
    for sheet in sheets:
        try:
            check_needs(wanted.name, spec, sheet.cuts)
            ready.append(sheet)
        except ValidationError as error:
            if plan.strict:
                raise
            failed = [["", None, 0.0, {"error": str(error)}]]
            sheet.columns[wanted.name] = {"lines": failed, "mono": [], "chance": [], "notes": []}
    if not ready:
        return
    metric = _metric(wanted)
    own = _scores(
        metric, wanted, plan, [(s, map(chance.own, s.heard(wanted))) for s in ready], tick
    )
    mono = _mono(metric, wanted, plan, ready, own)
    by_chance: list[list[Score]] = [[] for _ in ready]
    if spec.chance == "shuffle":
        jobs = [
            (s, chance.pairings(s.heard(wanted), _strangers(s, wanted), spec.needs, plan.shifts))
            for s in ready
            if s.contrast
        ]
        found = iter(_scores(metric, wanted, plan, jobs, None, lenient=True))
        by_chance = [next(found) if s.contrast else [] for s in ready]
    for i, sheet in enumerate(ready):
        labels = [cut.label for cut in sheet.heard(wanted)]
        column = {
            "lines": [
                [label, plain(score.value), score.weight, plain(dict(score.details))]
                for label, score in zip(labels, own[i], strict=True)
            ],
            "mono": [[s.value, s.weight] for s in mono[i] if np.isfinite(s.value)],
            "chance": [[s.value, s.weight] for s in by_chance[i] if np.isfinite(s.value)],
            "notes": [note for need in spec.needs for note in sheet.notes.get(need, ())],
        }
        sheet.keep(wanted, column, all("error" not in score.details for score in own[i]))


def _strangers(sheet: _Sheet, wanted: Wanted) -> list[Cut]:
    return sheet.borrowed(wanted) if len(sheet.heard(wanted)) == 1 else []


def _mono(metric: Any, wanted: Wanted, plan: Plan, sheets: list[_Sheet], own: Any) -> list:
    """Return what mono in both ears scores: as the metric says, else measured."""
    if not wanted.spec.spatial:
        return [[] for _ in sheets]
    told: list[list[Score]] = []
    jobs = []
    for sheet, scores in zip(sheets, own, strict=True):
        values = [s.details["mono"] for s in scores if "mono" in s.details]
        weights = [s.weight for s in scores if "mono" in s.details]
        told.append([Score(v, w) for v, w in zip(values, weights, strict=True)])
        if not values and sheet.contrast:
            jobs.append((sheet, map(chance.mono, sheet.heard(wanted))))
    measured = dict(
        zip(
            (id(sheet) for sheet, _ in jobs),
            _scores(metric, wanted, plan, jobs, None, lenient=True),
            strict=True,
        )
    )
    return [measured.get(id(s), given) for s, given in zip(sheets, told, strict=True)]


def _scores(
    metric: Any,
    wanted: Wanted,
    plan: Plan,
    jobs: Sequence[tuple[_Sheet, Iterable[chance.Job]]],
    tick: Any,
    lenient: bool = False,
) -> list[list[Score]]:
    """Return the scores of each sheet's jobs, across sheets in batches where the metric can."""
    flat = [(i, sheet, job) for i, (sheet, given) in enumerate(jobs) for job in given]
    found: list[list[Score]] = [[] for _ in jobs]
    whole = callable(getattr(metric, "score_batch", None)) and plan.batch > 1
    for group in _groups(flat, plan.batch if whole else 1):
        scores = _batch(metric, wanted, [cut for _, _, cut in group]) if len(group) > 1 else None
        for n, (i, sheet, cut) in enumerate(group):
            made = scores[n] if scores else _one(metric, wanted, plan, sheet, cut, lenient)
            found[i].append(made)
            if tick is not None:
                tick(wanted.name)
    return found


def _groups(flat: list, size: int) -> Iterable[list[tuple[int, _Sheet, Cut]]]:
    """Yield at most `size` cuts together, and no more sound than memory should hold."""
    group: list = []
    seconds = 0.0
    for i, sheet, job in flat:
        cut = job.make()
        length = cut.audio.duration
        if group and (len(group) >= size or seconds + length > BATCH_SECONDS):
            yield group
            group, seconds = [], 0.0
        group.append((i, sheet, cut))
        seconds += length
    if group:
        yield group


def _batch(metric: Any, wanted: Wanted, cuts: list[Cut]) -> list[Score] | None:
    """Return all scores of a batch, or None when it raised: then each says what is wrong."""
    given = {need: [cut.given[need] for cut in cuts] for need in wanted.spec.needs}
    try:
        values = list(metric.score_batch([cut.audio for cut in cuts], **given))
        if len(values) != len(cuts):
            return None
        return [v if isinstance(v, Score) else Score(v) for v in values]
    except Exception:
        return None


def _one(metric: Any, wanted: Wanted, plan: Plan, sheet: _Sheet, cut: Cut, lenient: bool) -> Score:
    place = cut.label or sheet.item.name
    try:
        return _called(metric, wanted, cut, place)
    except ValidationError as error:
        # One odd line must not cost the others; the table's notes carry the reason.
        return Score(float("nan"), weight=0.0, details={"error": str(error)})
    except SpatialDramaError as error:
        if plan.strict and not lenient:
            raise
        return Score(float("nan"), weight=0.0, details={"error": _say(error)})


def _called(metric: Any, wanted: Wanted, cut: Cut, place: str) -> Score:
    given = {need: cut.given[need] for need in wanted.spec.needs}
    try:
        value = metric.score(cut.audio, **given)
    except SpatialDramaError:
        raise
    except Exception as error:
        raise PluginError(
            f"metric {wanted.name!r} failed on {place}: {type(error).__name__}: {error}"
        ) from error
    if isinstance(value, Score):
        return value
    try:
        return Score(value)
    except (TypeError, ValueError):
        raise PluginError(
            f"metric {wanted.name!r} must give a number or a Score; got {value!r} on {place}."
        ) from None


def _say(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# -- metrics of this process ------------------------------------------------------------------

_threads = threading.local()
_shared: dict[str, Any] = {}
_lock = threading.Lock()


def _metric(wanted: Wanted) -> Any:
    """Return the metric: one for each thread, or one for the process where it holds a model."""
    if wanted.made is not None:
        return wanted.made
    key = json.dumps([wanted.name, wanted.options], sort_keys=True, default=id)
    if wanted.spec.assets:
        with _lock:
            if key not in _shared:
                _shared[key] = _Guarded(load("metric", wanted.name, **wanted.options))
            return _shared[key]
    kept = _threads.__dict__.setdefault("metrics", {})
    if key not in kept:
        kept[key] = load("metric", wanted.name, **wanted.options)
    return kept[key]


class _Guarded:
    """A metric with a model, used by one thread at a time; models are not made for more."""

    def __init__(self, metric: Any) -> None:
        self._metric, self._busy = metric, threading.Lock()
        if callable(getattr(metric, "score_batch", None)):
            self.score_batch = self._score_batch

    def score(self, audio: Any, **given: Any) -> Any:
        with self._busy:
            return self._metric.score(audio, **given)

    def _score_batch(self, audios: Any, **given: Any) -> Any:
        with self._busy:
            return self._metric.score_batch(audios, **given)


def release() -> None:
    """Forget the metrics of this process, with their models."""
    with _lock:
        _shared.clear()
    _threads.__dict__.clear()


def lots(items: Sequence[Any], size: int) -> Iterable[tuple[Any, ...]]:
    """Yield `size` items at a time."""
    rest = iter(items)
    while lot := tuple(itertools.islice(rest, size)):
        yield lot
