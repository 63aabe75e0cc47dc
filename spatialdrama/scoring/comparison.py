"""Systems side by side, as values: what a comparison holds and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, write_json
from spatialdrama.scoring.layouts import Form
from spatialdrama.types.scores import plain
from spatialdrama.types.validate import FrozenMapping, unknown_name

SCHEMA = "spatialdrama.comparison/1"


@attrs.frozen
class Cell:
    """One system in one column.

    Parameters
    ----------
    value : float
        NaN: not measured.
    low, high : float
        95 % interval of the value.
    difference, difference_low, difference_high : float
        Against the baseline, over what both have, with its 95 % interval.
    p, p_holm : float
        Two-sided; corrected over the whole table. NaN: not tested.
    pairs : int
    """

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    difference: float = float("nan")
    difference_low: float = float("nan")
    difference_high: float = float("nan")
    p: float = float("nan")
    p_holm: float = float("nan")
    pairs: int = 0


@attrs.frozen
class Column:
    """One metric, or one question to listeners.

    Parameters
    ----------
    name : str
        The metric's, or the question.
    form : Form
    direction : "down" or "up"
    unit : str
    kind : "objective" or "subjective"
    cells : mapping of system to Cell
    chance, mono : float
    plus_minus : bool
        Whether half the interval is shown behind the value, as the paper does for MOS.
    """

    name: str
    form: Form
    direction: str
    unit: str
    kind: str
    cells: Mapping[str, Cell] = attrs.field(converter=FrozenMapping)
    chance: float = float("nan")
    mono: float = float("nan")
    plus_minus: bool = False


@attrs.frozen(repr=False)
class Comparison:
    """Systems as rows, metrics and questions as columns. Made by :func:`spatialdrama.compare`.

    Parameters
    ----------
    systems : tuple of str
    columns : tuple of Column
    baseline : str or None
        Whom the others are tested against.
    ceiling : tuple of str
        Systems that are not in the contest for the best value, such as recordings.
    caption : str
    notes : tuple of str
    """

    systems: tuple[str, ...]
    columns: tuple[Column, ...]
    baseline: str | None = None
    ceiling: tuple[str, ...] = ()
    caption: str = ""
    notes: tuple[str, ...] = ()

    def __getitem__(self, key: tuple[str, str]) -> Cell:
        """Return ``comparison[system, metric]``."""
        system, name = key
        if system not in self.systems:
            raise unknown_name("system", system, self.systems)
        for column in self.columns:
            if column.name == name:
                return column.cells[system]
        raise unknown_name("column", name, [c.name for c in self.columns])

    def best(self, name: str) -> tuple[str, ...]:
        """Return who is best in a column, several where the table shows one figure for them."""
        from spatialdrama.scoring import comparison_text as text

        column = next((c for c in self.columns if c.name == name), None)
        if column is None:
            raise unknown_name("column", name, [c.name for c in self.columns])
        field = [s for s in self.systems if s not in self.ceiling]
        field = [s for s in field if np.isfinite(column.cells[s].value)]
        if len(field) < 2:
            return ()
        sign = 1 if column.direction == "down" else -1
        first = min(field, key=lambda s: sign * column.cells[s].value)
        shown = text.figure(column.cells[first].value, column.form)
        return tuple(s for s in field if text.figure(column.cells[s].value, column.form) == shown)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; NaN becomes None."""
        return {
            "schema": SCHEMA,
            "caption": self.caption,
            "systems": list(self.systems),
            "baseline": self.baseline,
            "ceiling": list(self.ceiling),
            "notes": list(self.notes),
            "columns": [
                {
                    "name": c.name,
                    "label": c.form.label,
                    "kind": c.kind,
                    "direction": c.direction,
                    "unit": c.unit,
                    "chance": plain(c.chance),
                    "mono": plain(c.mono),
                    "best": list(self.best(c.name)),
                    "systems": {s: plain(attrs.asdict(c.cells[s])) for s in self.systems},
                }
                for c in self.columns
            ],
        }

    def to_csv(self) -> str:
        """Return one line for each system and column, with intervals and p-values; tidy."""
        from spatialdrama.scoring import comparison_text as text

        return text.csv(self)

    def to_markdown(self, *, intervals: bool = False) -> str:
        """Return a Markdown table, the best in bold; with `intervals` of each value."""
        from spatialdrama.scoring import comparison_text as text

        return text.markdown(self, intervals)

    def to_latex(self, *, intervals: bool = False, label: str = "") -> str:
        r"""Return a LaTeX table for the packages booktabs and graphicx; `label` for ``\ref``.

        It is shrunk to the width of the text where it is wider. Its first lines are comments that
        say which packages it needs, and whether a name has characters that pdfLaTeX has not.
        """
        from spatialdrama.scoring import comparison_text as text

        return text.latex(self, intervals, label)

    def save(self, path: Any) -> Path:
        """Write by the suffix: .json, .csv, .md, .tex or .html."""
        from spatialdrama.scoring import comparison_text as text

        path = Path(path)
        if path.suffix == ".json":
            return write_json(path, self.to_dict())
        forms = {
            ".csv": self.to_csv,
            ".md": self.to_markdown,
            ".tex": self.to_latex,
            ".html": lambda: text.page(self),
        }
        if path.suffix not in forms:
            raise ValidationError(
                f"cannot write {path}: use a name that ends in .json, {', '.join(forms)}."
            )
        with atomic(path) as temporary:
            temporary.write_text(forms[path.suffix]().rstrip("\n") + "\n", encoding="utf-8")
        return path

    def __repr__(self) -> str:
        from spatialdrama.scoring import comparison_text as text

        return text.plain_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from spatialdrama.scoring import comparison_text as text

        return {"text/plain": repr(self), "text/html": text.html(self)}
