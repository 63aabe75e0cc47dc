"""``sd.compare``: several systems on the same items, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama import stats
from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.registry import get
from spatialdrama.scoring.comparison import Cell, Column, Comparison
from spatialdrama.scoring.layouts import Form, Layout, chosen, form_of, layout_of
from spatialdrama.scoring.run import score
from spatialdrama.scoring.significance import METHOD, by_line, contrast
from spatialdrama.types import ScoreTable
from spatialdrama.types.validate import unknown_name

#: Fewer units than these cannot reach p < .05 by exchanging two systems: 2 / 2**5 is .0625.
FEW_UNITS = 6


def compare(
    systems: Mapping[str, Any],
    *,
    reference: Any = None,
    metrics: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    ratings: Any = None,
    baseline: str | None = None,
    ceiling: str | Sequence[str] = (),
    layout: str | None = None,
    caption: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Comparison:
    """Put systems side by side: metrics, listeners' ratings, and how sure the differences are.

    Parameters
    ----------
    systems : mapping of name to ScoreTable, or to what :func:`spatialdrama.score` takes
        Tables are taken as they are; dramas, recordings, folders and mappings are scored first.
    reference : optional
        For those that are scored, as in :func:`spatialdrama.score`; the same for all systems.
    metrics : sequence of str, or mapping of name to options, optional
        What to score and show. Default: what the tables hold, or what the layout asks for.
    ratings : table of ratings, optional
        As for ``sd.stats.tidy``, with the systems' names; a column ``question`` (``"MOS-Q"``,
        ``"CMOS-E"``) gives a column of the table for each. A question that begins with CMOS has
        the scale of -3 to 3, others 1 to 5.
    baseline : str, optional
        Whom the others are tested against; default the first system.
    ceiling : str or sequence of str
        Systems that do not take part in the contest for the best value and are not tested, such
        as recordings.
    layout : "speech", "binaural" or "ablation", optional
        Columns, order and figures of the paper's Table 2, 3 or 4. Default: everything.
    caption : str, optional
    seed : int
    **options
        Handed to :func:`spatialdrama.score`: ``scheduler``, ``prompts``, ``pose``, ``cache`` and
        others.

    Returns
    -------
    Comparison
        Shows itself in a notebook; ``to_latex()``, ``to_markdown()``, ``to_csv()``,
        ``to_dict()``, ``save(path)``.

    Raises
    ------
    ValidationError, UnknownNameError

    Notes
    -----
    Systems are tested on the items that both have; lines are the units where every system made
    one item. The test exchanges the two systems' values within units (Fisher 1935; Noreen 1989:
    approximate randomisation) and looks at the very means that the table shows, weights included;
    it needs no normal distribution. Its p-values are corrected over the whole table (Holm 1979).
    Listeners' ratings are exchanged by listener, see :func:`spatialdrama.stats.paired`.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> def table(*values):
    ...     lines = {f"line {i}": sd.Score(v) for i, v in enumerate(values)}
    ...     return sd.ScoreTable.from_scores({"itd_mae": lines}, direction={"itd_mae": "down"},
    ...                                      unit={"itd_mae": "us"})
    >>> found = sd.compare({"ours": table(10, 12, 11, 9, 13, 8), "other": table(*[40] * 6)})
    >>> found.best("itd_mae"), found["other", "itd_mae"].p
    (('ours',), 0.03125)
    """
    _check(systems)
    wanted = layout_of(layout) if layout is not None else None
    tables = _tables(systems, reference, metrics, wanted, options)
    have = list(dict.fromkeys(m for table in tables.values() for m in table.metrics))
    _check_alike(tables, have)
    ceiling = (ceiling,) if isinstance(ceiling, str) else tuple(ceiling)
    baseline = _baseline(baseline, ceiling, list(systems))
    shown, notes = _shown(have, metrics, wanted)
    lines = by_line(tables)
    columns = [_objective(m, tables, wanted, baseline, ceiling, lines, seed) for m in shown]
    columns += _subjective(ratings, list(systems), wanted, baseline, ceiling, seed)
    if not columns:
        asked = [slot[0] for slot in wanted.slots] if wanted is not None else list(metrics or ())
        raise ValidationError(
            f"there is nothing to show: {', '.join(asked) or 'a metric'} would be, and the tables "
            f"hold {', '.join(have) or 'none'}; score those, or leave out layout="
        )
    columns, tests = _corrected(columns)
    notes += _notes(tables, baseline, tests, lines, columns)
    title = caption if caption is not None else (wanted.caption if wanted else "")
    return Comparison(tuple(systems), tuple(columns), baseline, ceiling, title, tuple(notes))


def _check(systems: Any) -> None:
    if not isinstance(systems, Mapping) or not systems:
        raise ValidationError(
            f"compare takes {{name: table or dramas}}; got {type(systems).__name__}."
        )
    for name in systems:
        if not isinstance(name, str) or name in ("chance", "mono", ""):
            raise ValidationError(f"a system must have a name of its own; got {name!r}.")


def _tables(
    systems: Mapping[str, Any],
    reference: Any,
    metrics: Any,
    layout: Layout | None,
    options: Mapping[str, Any],
) -> dict[str, ScoreTable]:
    names = metrics
    todo = [name for name, thing in systems.items() if not isinstance(thing, ScoreTable)]
    if todo and names is None:
        names = _known(layout) if layout is not None else None
        if not names:
            raise ValidationError(f"{todo[0]!r} is to be scored; name metrics=[...].")
    if not todo and (reference is not None or options):
        given = "reference" if reference is not None else next(iter(options))
        raise ValidationError(f"all systems are scored already; leave out {given}=.")
    return {
        name: thing
        if isinstance(thing, ScoreTable)
        else _scored(name, thing, names, reference, options)
        for name, thing in systems.items()
    }


def _scored(name: str, thing: Any, metrics: Any, reference: Any, options: Any) -> ScoreTable:
    try:
        return score(thing, metrics, reference=reference, **options)
    except ValidationError as error:
        raise ValidationError(f"system {name!r}: {error}") from error


def _known(layout: Layout) -> list[str]:
    """Return, for each slot of a layout, the first metric that some plugin provides."""
    found = []
    for slot in layout.slots:
        for metric in slot:
            try:
                get("metric", metric)
            except SpatialDramaError:
                continue
            found.append(metric)
            break
    return found


def _check_alike(tables: Mapping[str, ScoreTable], metrics: Iterable[str]) -> None:
    for metric in metrics:
        seen: dict[tuple[str, str], str] = {}
        for name, table in tables.items():
            if metric in table.metrics:
                column = table.data.sel(metric=metric)
                kind = (str(column["direction"].values), str(column["unit"].values))
                seen.setdefault(kind, name)
        if len(seen) > 1:
            one, other = list(seen.values())[:2]
            raise ValidationError(
                f"{metric} has another direction or unit in {one!r} than in {other!r}; score both "
                "with the same version."
            )


def _baseline(baseline: str | None, ceiling: Sequence[str], systems: list[str]) -> str | None:
    for name in (*ceiling, *([] if baseline is None else [baseline])):
        if name not in systems:
            raise unknown_name("system", name, systems)
    if baseline is not None:
        return baseline
    field = [name for name in systems if name not in ceiling]
    return field[0] if len(field) > 1 else None


def _shown(have: list[str], metrics: Any, layout: Layout | None) -> tuple[list[str], list[str]]:
    wanted = have if metrics is None else [m for m in metrics if m in have]
    if layout is None:
        return list(wanted), []
    filled, empty = chosen(layout, wanted)
    return filled, [f"not scored: {', '.join(empty)}"] if empty else []


def _objective(
    metric: str,
    tables: Mapping[str, ScoreTable],
    layout: Layout | None,
    baseline: str | None,
    ceiling: Sequence[str],
    lines: bool,
    seed: int,
) -> Column:
    cells = {}
    holders = {name: table for name, table in tables.items() if metric in table.metrics}
    for name in tables:
        if name not in holders:
            cells[name] = Cell()
            continue
        low, high = holders[name].interval(metric)
        cell = Cell(holders[name][metric], low, high)
        if baseline in holders and name != baseline and name not in ceiling:
            found = contrast(holders[name], holders[baseline], metric, lines, seed)
            cell = attrs.evolve(
                cell, difference=found.difference, difference_low=found.low,
                difference_high=found.high, p=found.p, pairs=found.pairs,
            )  # fmt: skip
        cells[name] = cell
    about = next(iter(holders.values())).data.sel(metric=metric)
    unit = str(about["unit"].values)
    return Column(
        metric, form_of(metric, unit, layout), str(about["direction"].values), unit, "objective",
        cells, chance=_level(holders, metric, "chance"), mono=_level(holders, metric, "mono"),
    )  # fmt: skip


def _level(tables: Mapping[str, ScoreTable], metric: str, kind: str) -> float:
    """Return the mean level over systems: each pairs its own sound with wrong references."""
    values = [float(table.data[kind].sel(metric=metric)) for table in tables.values()]
    values = [v for v in values if np.isfinite(v)]
    return float(np.mean(values)) if values else float("nan")


def _subjective(
    ratings: Any,
    systems: list[str],
    layout: Layout | None,
    baseline: str | None,
    ceiling: Sequence[str],
    seed: int,
) -> list[Column]:
    if ratings is None:
        return []
    asked = stats.questions(ratings)
    shown = asked if layout is None else [q for q in layout.questions if q in asked]
    if layout is not None and not shown and asked == [None]:
        raise ValidationError(
            f"the ratings have no column 'question'; the layout asks for "
            f"{', '.join(layout.questions)}."
        )
    return [_question(ratings, q, systems, baseline, ceiling, seed) for q in shown]


def _question(
    ratings: Any,
    question: str | None,
    systems: list[str],
    baseline: str | None,
    ceiling: Sequence[str],
    seed: int,
) -> Column:
    name = question or "MOS"
    comparative = name.upper().startswith("CMOS")
    means = (stats.cmos if comparative else stats.mos)(ratings, question=question, seed=seed)
    strangers = [s for s in means if s not in systems]
    if strangers:
        raise unknown_name("system, which the ratings name,", strangers[0], systems)
    tested = {}
    if not comparative and baseline in means:
        tested = stats.paired(ratings, baseline, question=question, seed=seed, lenient=True)
    cells = {}
    for system in systems:
        if system not in means:
            # What others were compared with is 0 by definition.
            cells[system] = Cell(0.0) if comparative and system == baseline else Cell()
            continue
        found = means[system]
        low, high = found.mean - found.half, found.mean + found.half
        cell = Cell(found.mean, low, high)
        if comparative and system != baseline:
            cell = attrs.evolve(cell, difference=found.mean, difference_low=low,
                                difference_high=high, p=found.p, pairs=found.ratings)  # fmt: skip
        elif system in tested and system not in ceiling:
            pair = tested[system]
            cell = attrs.evolve(
                cell, difference=pair.mean, difference_low=pair.interval[0],
                difference_high=pair.interval[1], p=pair.p, pairs=pair.pairs,
            )  # fmt: skip
        cells[system] = cell
    return Column(
        name, Form(name, 2), "up", "", "subjective", cells, plus_minus=not comparative
    )  # fmt: skip


def _corrected(columns: Sequence[Column]) -> tuple[list[Column], int]:
    """Return the columns with p-values corrected over all of them, and how many tests there are."""
    places = [(i, s) for i, column in enumerate(columns) for s in column.cells]
    p = [columns[i].cells[s].p for i, s in places]
    fixed = dict(zip(places, stats.holm(p), strict=True))
    out = [
        attrs.evolve(
            column,
            cells={s: attrs.evolve(c, p_holm=float(fixed[i, s])) for s, c in column.cells.items()},
        )
        for i, column in enumerate(columns)
    ]
    return out, int(np.isfinite(p).sum())


def _notes(
    tables: Mapping[str, ScoreTable],
    baseline: str | None,
    tests: int,
    lines: bool,
    columns: Sequence[Column],
) -> list[str]:
    notes = []
    if tests:
        units = "lines" if lines else "items"
        notes.append(METHOD.format(units=units, tests=tests, baseline=baseline))
    if any(np.isfinite(c.p) for column in columns if column.kind == "subjective"
           for c in column.cells.values()):  # fmt: skip
        notes.append("listeners' ratings are tested by listener: one listener is one unit")
    counts = {c.pairs for column in columns if column.kind == "objective"
              for c in column.cells.values() if np.isfinite(c.p)}  # fmt: skip
    if counts and min(counts) < FEW_UNITS:
        notes.append(
            f"with {min(counts)} pairs no difference can be significant: the smallest p is "
            f"{2 / 2 ** min(counts):g}"
        )
    if len({frozenset(table.rows if lines else table.items) for table in tables.values()}) > 1:
        notes.append("the systems were not scored on the same items; tests use those in common")
    found: dict[str, list[str]] = {}
    for name, table in tables.items():
        for note in table.notes:
            found.setdefault(note, []).append(name)
    for note, names in found.items():
        notes.append(note if len(names) == len(tables) else f"{', '.join(names)}: {note}")
    return notes
