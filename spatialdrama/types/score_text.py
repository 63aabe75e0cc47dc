"""A score table as text, Markdown and HTML: the aggregates first, every line in a fold."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from spatialdrama.types import reprs

if TYPE_CHECKING:
    from spatialdrama.types.scores import ScoreTable

ARROWS = {"down": "↓", "up": "↑"}
HEAD = ("metric", "value", "95 % interval", "chance", "mono")
#: Rows of one table that a notebook shows line by line; more are shown by item.
SHOWN = 200


def number(value: float) -> str:
    """Return `value` with three significant digits and no exponent, however small."""
    if not np.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(digits, 6)}f}"


def cells(table: ScoreTable) -> list[tuple[str, ...]]:
    """Return one tuple of texts for each metric, in the order of :data:`HEAD`."""
    out = []
    for metric in table.metrics:
        c = table.data.sel(metric=metric)
        unit = str(c["unit"].values)
        low, high = float(c["ci_low"]), float(c["ci_high"])
        out.append(
            (
                f"{metric} {ARROWS[str(c['direction'].values)]}",
                f"{number(float(c['aggregate']))}{f' {unit}' if unit else ''}",
                f"{number(low)} to {number(high)}" if np.isfinite(low) else "-",
                number(float(c["chance"])),
                number(float(c["mono"])),
            )
        )
    return out


def size(table: ScoreTable) -> str:
    """Return how much was scored: ``12 lines``, or ``300 items, 4011 lines``."""
    rows, items = len(table.rows), len(table.items)
    lines = f"{rows} line{'s' if rows != 1 else ''}"
    return lines if items < 2 else f"{items} items" + (f", {lines}" if rows > items else "")


def text(table: ScoreTable) -> str:
    """Return the table for a terminal."""
    rows = [HEAD, *cells(table)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows)
    notes = "".join(f"\nnote: {n}" for n in table.notes)
    return f"ScoreTable({size(table)})\n" + "\n".join(lines) + notes


def markdown(table: ScoreTable) -> str:
    """Return the aggregates as a Markdown table."""
    rows = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    return "\n".join([*rows, *(f"| {' | '.join(c)} |" for c in cells(table))])


def html(table: ScoreTable) -> str:
    """Return the table for a notebook, with every line in a fold."""
    head = "".join(f"<th>{h}</th>" for h in HEAD)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in cells(table)
    )
    notes = "".join(f"<p><small>{escape(n)}</small></p>" for n in table.notes)
    several = len(table.rows) > SHOWN and len(table.items) > 1
    label, inner = ("Per item", _per_item(table)) if several else ("Per line", _per_line(table))
    fold = f"<details><summary>{label}</summary>{inner}</details>"
    shown = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"
    return reprs.wrap(shown + fold)


def _per_line(table: ScoreTable) -> str:
    return _grid(table, dict(zip(table.rows, table.data["value"].values, strict=True)))


def _per_item(table: ScoreTable) -> str:
    columns = [table.by_item(metric) for metric in table.metrics]
    items = table.items[:SHOWN]
    grid = _grid(table, {item: [column[item][0] for column in columns] for item in items})
    more = len(table.items) - len(items)
    return grid + (f"<p><small>and {more} more items</small></p>" if more else "")


def _grid(table: ScoreTable, rows: dict) -> str:
    head = "<th></th>" + "".join(f"<th>{escape(m)}</th>" for m in table.metrics)
    body = []
    for label, values in rows.items():
        numbers = "".join(f"<td>{number(v)}</td>" for v in values)
        body.append(f'<tr><td style="text-align:left">{escape(label)}</td>{numbers}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
