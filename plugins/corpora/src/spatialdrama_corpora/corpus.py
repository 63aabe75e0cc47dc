"""A corpus: items in order, by name, by split, with its statistics and its problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types.validate import unknown_name

from .items import Item

if TYPE_CHECKING:
    from .describe import Description


@attrs.frozen
class Problem:
    """Something wrong in a corpus, where it lies, and what to do about it.

    Parameters
    ----------
    item : str
        Name of the item, "" where the file belongs to none or to many.
    file : str
        Path of the file.
    what, remedy : str
        One sentence each.
    level : "problem" or "note"
        A note is something that was read after all, such as broken quaternions that were bridged.
    """

    item: str
    file: str
    what: str
    remedy: str = ""
    level: str = "problem"

    def __str__(self) -> str:
        where = " ".join(filter(None, (self.item, f"({self.file})" if self.file else "")))
        rest = f" {self.remedy}" if self.remedy else ""
        return f"{where}: {self.what}{rest}"


def _as_items(items: Iterable[Item]) -> tuple[Item, ...]:
    items = tuple(items)
    seen: set[str] = set()
    for item in items:
        if not isinstance(item, Item):
            raise ValidationError(f"a Corpus is made of Item; got {type(item).__name__}.")
        if item.name in seen:
            raise ValidationError(
                f"two items are called {item.name!r}; put the drama's name in front of each."
            )
        seen.add(item.name)
    return items


@attrs.frozen(eq=False, repr=False)
class Corpus(Sequence[Item]):
    """Items that are read when they are looked at.

    Parameters
    ----------
    items : iterable of Item
        In order; names differ.
    name, licence : str
        Licence of the recordings.
    path : path
        Where the corpus lies.
    problems : tuple of Problem
        What was wrong while it was opened, and was left out.

    Examples
    --------
    >>> from spatialdrama_corpora.corpus import Corpus
    >>> from spatialdrama_corpora.items import Item
    >>> corpus = Corpus([Item("a", drama="Hamlet", speaker="ANNA", duration=2.0, split="train"),
    ...                  Item("b", drama="Faust", speaker="BEN", duration=3.0, split="test")],
    ...                 name="mine")
    >>> corpus
    Corpus(mine: 2 items, 5 s, 2 speakers, 2 dramas)
    >>> corpus.split("test")[0].name, corpus["a"].speaker
    ('b', 'ANNA')
    """

    items: tuple[Item, ...] = attrs.field(converter=_as_items)
    name: str = attrs.field(default="corpus", kw_only=True)
    licence: str = attrs.field(default="", kw_only=True)
    path: Path = attrs.field(default=Path(), converter=Path, kw_only=True)
    problems: tuple[Problem, ...] = attrs.field(default=(), converter=tuple, kw_only=True)
    _index: dict[str, int] = attrs.field(init=False)

    @_index.default
    def _by_name(self) -> dict[str, int]:
        return {item.name: i for i, item in enumerate(self.items)}

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, key: int | str) -> Item: ...
    @overload
    def __getitem__(self, key: slice) -> Corpus: ...
    def __getitem__(self, key: Any) -> Any:
        """Return an item by its place or name, or a smaller corpus by a slice."""
        if isinstance(key, str):
            if key not in self._index:
                raise unknown_name("item", key, self._index)
            return self.items[self._index[key]]
        if isinstance(key, slice):
            return attrs.evolve(self, items=self.items[key])
        return self.items[key]

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            return key in self._index
        return isinstance(key, Item) and key in self.items

    def select(self, wanted: Callable[[Item], bool]) -> Corpus:
        """Return the items for which `wanted` is true, as a corpus.

        Examples
        --------
        >>> from spatialdrama_corpora.corpus import Corpus
        >>> from spatialdrama_corpora.items import Item
        >>> corpus = Corpus([Item("a", speaker="ANNA", duration=2.0)])
        >>> len(corpus.select(lambda item: item.duration > 3))
        0
        """
        return attrs.evolve(self, items=(item for item in self.items if wanted(item)))

    def split(self, name: str) -> Corpus:
        """Return the items of one split: "train", "validation" or "test".

        Splits consist of whole dramas, see :func:`spatialdrama_corpora.splits.split_of`.
        """
        if name not in ("train", "validation", "test"):
            raise unknown_name("split", name, ("train", "validation", "test"))
        return self.select(lambda item: item.split == name)

    @property
    def dramas(self) -> tuple[str, ...]:
        """Names in order of first appearance."""
        return tuple(dict.fromkeys(item.drama for item in self.items))

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names in order of first appearance."""
        return tuple(dict.fromkeys(item.speaker for item in self.items if item.speaker))

    @property
    def duration(self) -> float:
        """Seconds of all items together."""
        return float(sum(item.duration for item in self.items))

    def describe(self, *, progress: bool | None = None) -> Description:
        """Return hours, speakers, phones, places, speeds and durations, as tables and a picture.

        Reads the poses of all items, but no sound.
        """
        from .describe import describe

        return describe(self, progress=progress)

    def check(self, *, progress: bool | None = None) -> tuple[Problem, ...]:
        """Read everything, and return every problem with its file and what to do about it.

        Empty when all is well. Nothing is raised for a broken item: the check goes on.
        """
        from .check import check

        return check(self, progress=progress)

    def __repr__(self) -> str:
        def count(n: int, word: str) -> str:
            return f"{n} {word}{'' if n == 1 else 's'}"

        s = self.duration
        long = f"{s / 3600:.2f} h" if s >= 3600 else f"{s:.0f} s"
        text = ", ".join(
            [count(len(self), "item"), long, count(len(self.speakers), "speaker"),
             count(len(self.dramas), "drama")]
        )  # fmt: skip
        left_out = f"; {count(len(self.problems), 'problem')}, see .check()" * bool(self.problems)
        return f"Corpus({self.name}: {text}{left_out})"
