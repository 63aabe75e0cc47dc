"""One lot of items through all metrics: what is kept from before, then the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.scoring import chance
from spatialdrama.scoring.calls import metric_of, scores_of
from spatialdrama.scoring.cuts import Cut, check_needs
from spatialdrama.scoring.sheets import Plan, Sheet, Task, Wanted
from spatialdrama.types import Score
from spatialdrama.types.scores import plain


def measure(
    task: Task, plan: Plan, tick: Callable[[str, int], None] | None = None
) -> list[dict[str, Any]]:
    """Return one plain dictionary for each item of a task.

    Each has ``name`` and, for each metric, a column: ``lines`` [[label, value, weight, details]],
    ``mono`` and ``chance`` [[value, weight]], and ``notes``. An item that could not be opened has
    ``error`` instead. `tick` hears of each score, with how many there will be.
    """
    parts = zip(task.items, task.strangers, task.contrast, strict=True)
    sheets = [Sheet(*part) for part in parts]
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


def _fill(sheets: list[Sheet], wanted: Wanted, plan: Plan, tick: Any) -> None:
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
    metric = metric_of(wanted)
    own = scores_of(
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
        found = iter(scores_of(metric, wanted, plan, jobs, None, lenient=True))
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


def _strangers(sheet: Sheet, wanted: Wanted) -> list[Cut]:
    return sheet.borrowed(wanted) if len(sheet.heard(wanted)) == 1 else []


def _mono(metric: Any, wanted: Wanted, plan: Plan, sheets: list[Sheet], own: Any) -> list:
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
            scores_of(metric, wanted, plan, jobs, None, lenient=True),
            strict=True,
        )
    )
    return [measured.get(id(s), given) for s, given in zip(sheets, told, strict=True)]
