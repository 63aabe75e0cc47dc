"""Calling a metric: one by one or in batches, with its errors told apart and its model shared."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from spatialdrama.errors import PluginError, SpatialDramaError, ValidationError
from spatialdrama.registry import load
from spatialdrama.scoring import chance
from spatialdrama.scoring.cuts import Cut
from spatialdrama.scoring.sheets import Plan, Sheet, Wanted, say
from spatialdrama.types import Score

#: s; sound that one batch holds at most.
BATCH_SECONDS = 600.0


def scores_of(
    metric: Any,
    wanted: Wanted,
    plan: Plan,
    jobs: Sequence[tuple[Sheet, Iterable[chance.Job]]],
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


def _groups(flat: list, size: int) -> Iterable[list[tuple[int, Sheet, Cut]]]:
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


def _one(metric: Any, wanted: Wanted, plan: Plan, sheet: Sheet, cut: Cut, lenient: bool) -> Score:
    place = cut.label or sheet.item.name
    try:
        return _called(metric, wanted, cut, place)
    except ValidationError as error:
        # One odd line must not cost the others; the table's notes carry the reason.
        return Score(float("nan"), weight=0.0, details={"error": str(error)})
    except SpatialDramaError as error:
        if plan.strict and not lenient:
            raise
        return Score(float("nan"), weight=0.0, details={"error": say(error)})


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


# -- metrics of this process ------------------------------------------------------------------

_threads = threading.local()
_shared: dict[str, Any] = {}
_lock = threading.Lock()


def metric_of(wanted: Wanted) -> Any:
    """Return the metric: one for each thread, or one for the process where it holds a model.

    A model is an asset, or what the user brings.
    """
    if wanted.made is not None:
        return wanted.made
    key = json.dumps([wanted.name, wanted.options], sort_keys=True, default=id)
    if wanted.spec.assets or wanted.spec.bring:
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
