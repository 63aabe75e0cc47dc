"""A comparison as text, Markdown, LaTeX, HTML and CSV: one grid of cells, five ways to write it."""

from __future__ import annotations

import csv as csv_format
import io
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import attrs
import numpy as np

from spatialdrama.scoring.layouts import Form
from spatialdrama.types import reprs
from spatialdrama.types.score_text import ARROWS, number

if TYPE_CHECKING:
    from spatialdrama.scoring.comparison import Cell, Column, Comparison

GROUPS = {"objective": "Objective metrics", "subjective": "Subjective metrics"}
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "µ": r"\textmu{}", "°": r"\textdegree{}", "±": r"$\pm$", "<": "$<$", ">": "$>$",
    "−": "$-$", "×": r"$\times$", "→": r"$\rightarrow$", "←": r"$\leftarrow$", "≤": r"$\le$",
    "≥": r"$\ge$", "≈": r"$\approx$", "²": r"\textsuperscript{2}", "…": r"\dots{}",
    "√": r"$\surd$", "∞": r"$\infty$", "Δ": r"$\Delta$", "α": r"$\alpha$", "β": r"$\beta$",
    "λ": r"$\lambda$", "μ": r"\textmu{}", "π": r"$\pi$", "σ": r"$\sigma$", "τ": r"$\tau$",
    "|": r"\textbar{}", '"': "''",
}  # fmt: skip

#: Latin letters and marks that the default encoding of pdfLaTeX does not have.
_OTHERS = "«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ"


def figure(value: float, form: Form) -> str:
    """Return a number as its column writes it; a dash for none."""
    if not np.isfinite(value):
        return "-"
    value = 100 * value if form.percent else value
    text = number(value) if form.digits is None else f"{value:.{form.digits}f}"
    if re.fullmatch(r"-0(\.0*)?", text):
        text = text[1:]
    return text + "%" * form.percent


def stars(p: float) -> str:
    """Return the marks of a corrected p-value."""
    return next((mark for level, mark in LEVELS if p < level), "")


@attrs.frozen
class Shown:
    """One cell as parts, which each way of writing puts together."""

    value: str
    half: str = ""
    between: str = ""
    mark: str = ""
    best: bool = False


def shown(comparison: Comparison, system: str, column: Column) -> Shown:
    """Return the parts of one system's cell."""
    cell: Cell = column.cells[system]
    between, half = "", ""
    if np.isfinite(cell.low):
        between = f"{figure(cell.low, column.form)} to {figure(cell.high, column.form)}"
        if column.plus_minus:
            half = figure((cell.high - cell.low) / 2, column.form)
    return Shown(
        figure(cell.value, column.form), half, between, stars(cell.p_holm),
        system in comparison.best(column.name),
    )  # fmt: skip


def grid(comparison: Comparison) -> list[tuple[str, list[Shown]]]:
    """Return (name, cells) of each row; chance and mono come last, where there are any."""
    rows = [(s, [shown(comparison, s, c) for c in comparison.columns]) for s in comparison.systems]
    for name in ("chance", "mono"):
        values = [getattr(c, name) for c in comparison.columns]
        if np.isfinite(values).any():
            cells = [
                Shown(figure(v, c.form)) for v, c in zip(values, comparison.columns, strict=True)
            ]
            rows.append((name, cells))
    return rows


def _joined(
    cell: Shown, bold: Callable[[str], str], plus: str = " ± ", intervals: bool = False
) -> str:
    text = cell.value + (f"{plus}{cell.half}" if cell.half else "")
    text = (bold(text) if cell.best else text) + cell.mark
    return f"{text} ({cell.between})" if intervals and cell.between else text


def _heads(comparison: Comparison) -> list[str]:
    return [f"{c.form.label} {ARROWS[c.direction]}" for c in comparison.columns]


def plain_text(comparison: Comparison) -> str:
    """Return the table for a terminal; ``[...]`` marks the best."""
    rows = [["", *_heads(comparison)]]
    for name, cells in grid(comparison):
        rows.append([name, *(_joined(c, lambda t: f"[{t}]") for c in cells)])
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    head = [comparison.caption] if comparison.caption else []
    return "\n".join([*head, *lines, *(f"note: {n}" for n in comparison.notes)])


def markdown(comparison: Comparison, intervals: bool) -> str:
    """Return a Markdown table."""

    def clean(text: str) -> str:
        # Marks must not be read as emphasis, names not as columns.
        return text.replace("|", r"\|").replace("*", r"\*")

    rows = [f"| system | {' | '.join(map(clean, _heads(comparison)))} |"]
    rows.append("|---" * (len(comparison.columns) + 1) + "|")
    for name, cells in grid(comparison):
        made = [
            _joined(
                attrs.evolve(c, mark=c.mark.replace("*", r"\*")), lambda t: f"**{t}**",
                intervals=intervals,
            )
            for c in cells
        ]  # fmt: skip
        rows.append(f"| {clean(name)} | {' | '.join(made)} |")
    notes = "".join(f"\n\n{clean(n)}" for n in comparison.notes)
    return "\n".join(rows) + notes


def latex_text(text: str) -> str:
    """Return text in which LaTeX sees letters alone."""
    return "".join(_LATEX.get(c, c) for c in text)


def latex(comparison: Comparison, intervals: bool, label: str) -> str:
    """Return a LaTeX table with the rules of booktabs, shrunk where it is wider than the text."""
    arrows = {"down": r"$\downarrow$", "up": r"$\uparrow$"}
    lines = ["% needs \\usepackage{booktabs,graphicx}", r"\begin{table}", r"\centering"]
    if comparison.caption:
        lines.append(rf"\caption{{{latex_text(comparison.caption)}}}")
    if label:
        lines.append(rf"\label{{{label}}}")
    # A table of the paper's columns is wider than a page of article at its own size.
    lines.append(r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%")
    lines += [rf"\begin{{tabular}}{{l{'c' * len(comparison.columns)}}}", r"\toprule"]
    groups = _groups(comparison)
    if len(groups) > 1:
        spans = " & ".join(rf"\multicolumn{{{n}}}{{c}}{{{GROUPS[g]}}}" for g, n in groups)
        lines.append(rf"& {spans} \\")
        at = 2
        for _, n in groups:
            lines.append(rf"\cmidrule(lr){{{at}-{at + n - 1}}}")
            at += n
    heads = [f"{latex_text(c.form.label)} {arrows[c.direction]}" for c in comparison.columns]
    lines += [rf"Method & {' & '.join(heads)} \\", r"\midrule"]
    for i, (name, cells) in enumerate(grid(comparison)):
        if i == len(comparison.systems):  # chance and mono are no systems
            lines.append(r"\midrule")
        made = [_latex_cell(c, intervals) for c in cells]
        lines.append(rf"{latex_text(name)} & {' & '.join(made)} \\")
    lines += [r"\bottomrule", r"\end{tabular}}"]
    lines += [rf"\par\footnotesize {latex_text(note.rstrip('.'))}." for note in comparison.notes]
    text = "\n".join([*lines, r"\end{table}"])
    odd = sorted({c for c in text if not _known_to_pdflatex(c)})
    if odd:
        text = (
            f"% pdfLaTeX has no {' '.join(odd[:9])} without further packages; use XeLaTeX or "
            f"LuaLaTeX with a font that has it\n{text}"
        )
    return text


def _known_to_pdflatex(character: str) -> bool:
    """Whether LaTeX since 2018 sets it without a package: Latin letters and common punctuation."""
    return (ord(character) < 0x180 and character not in _OTHERS) or character in "–—‘’“”†‡•"


def _latex_cell(cell: Shown, intervals: bool) -> str:
    mark = rf"$^{{{cell.mark}}}$" if cell.mark else ""
    parts = attrs.evolve(
        cell, value=_latex_number(cell.value), half=_latex_number(cell.half),
        between=" to ".join(map(_latex_number, cell.between.split(" to "))), mark=mark,
    )  # fmt: skip
    return _joined(parts, lambda t: rf"\textbf{{{t}}}", r" $\pm$ ", intervals)


def _latex_number(text: str) -> str:
    """Return a number with a minus sign that is no hyphen."""
    minus = re.fullmatch(r"-(\d.*)", text)
    return f"$-${latex_text(minus[1])}" if minus else latex_text(text)


def _groups(comparison: Comparison) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for column in comparison.columns:
        if found and found[-1][0] == column.kind:
            found[-1] = (column.kind, found[-1][1] + 1)
        else:
            found.append((column.kind, 1))
    return found


def html(comparison: Comparison) -> str:
    """Return the table for a notebook, with each value's interval under it."""
    groups = "".join(
        f'<th colspan="{n}" scope="colgroup">{GROUPS[g]}</th>' for g, n in _groups(comparison)
    )
    heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in _heads(comparison))
    body = []
    for name, cells in grid(comparison):
        extra = name not in comparison.systems
        made = "".join(_html_cell(c) for c in cells)
        label = f"<em>{escape(name)}</em>" if extra else escape(name)
        body.append(f'<tr><th scope="row" style="text-align:left">{label}</th>{made}</tr>')
    caption = f"<caption>{escape(comparison.caption)}</caption>" if comparison.caption else ""
    notes = "".join(f"<p><small>{escape(n)}</small></p>" for n in comparison.notes)
    table = (
        f"<table>{caption}<thead><tr><th></th>{groups}</tr><tr><th></th>{heads}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>{notes}"
    )
    return reprs.wrap(f'<div style="overflow-x:auto">{table}</div>')


def page(comparison: Comparison) -> str:
    """Return the table as a page that says its encoding, light or dark as its reader has it."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><title>Comparison</title><style>'
        ":root{color-scheme:light dark}body{font-family:system-ui,sans-serif;margin:2em}"
        "th,td{padding:.15em .8em;text-align:left}</style></head><body>"
        f"{html(comparison)}</body></html>"
    )


def _html_cell(cell: Shown) -> str:
    mark = f"<sup>{cell.mark}</sup>" if cell.mark else ""
    plain = attrs.evolve(cell, mark="")
    text = _joined(plain, lambda t: f"<strong>{t}</strong>") + mark
    under = f"<br><small>{escape(cell.between)}</small>" if cell.between and not cell.half else ""
    return f"<td>{text}{under}</td>"


CSV_HEAD = (
    "system", "column", "kind", "direction", "unit", "value", "low", "high", "difference",
    "difference_low", "difference_high", "p", "p_holm", "pairs",
)  # fmt: skip


def csv(comparison: Comparison) -> str:
    """Return tidy CSV; what was not measured is empty."""
    out = io.StringIO()
    writer = csv_format.writer(out, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for column in comparison.columns:
        about = (column.name, column.kind, column.direction, column.unit)
        for system in comparison.systems:
            values = attrs.astuple(column.cells[system])
            writer.writerow([system, *about, *(_empty(v) for v in values)])
        for name in ("chance", "mono"):
            level = getattr(column, name)
            if np.isfinite(level):
                writer.writerow([name, *about, repr(level), *[""] * (len(CSV_HEAD) - 6)])
    return out.getvalue()


def _empty(value: float) -> str:
    return repr(value) if np.isfinite(value) else ""
