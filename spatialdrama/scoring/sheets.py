"""What a run measures, and one item on its way through it: what is known, kept and lacking."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import SpatialDramaError
from spatialdrama.runtime import folders
from spatialdrama.runtime.cache import Cache, key_of
from spatialdrama.scoring import content
from spatialdrama.scoring.cuts import Cut
from spatialdrama.scoring.items import Item


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


class Sheet:
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
        found = _cache(str(folders.cache_home())).get(key)
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
            self.cuts, self.notes = self.item.cuts(needs, progress=plan.progress, keep=True)
        except (SpatialDramaError, OSError) as error:
            if plan.strict:
                raise
            self.error = say(error)
        except Exception as error:
            if plan.strict:
                raise
            self.error = f"{type(error).__name__}: {say(error)}"

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
        with _cache(str(folders.cache_home())).put(key) as folder:
            (folder / "column.json").write_text(json.dumps(column, allow_nan=False), "utf-8")

    def result(self) -> dict[str, Any]:
        if self.error:
            return {"name": self.item.name, "error": self.error}
        return {"name": self.item.name, "columns": self.columns}


@lru_cache(maxsize=4)
def _cache(home: str) -> Cache:
    return Cache("scores", home=Path(home))


def say(error: BaseException) -> str:
    """Return an error's message on one line."""
    return " ".join(str(error).split()) or type(error).__name__
