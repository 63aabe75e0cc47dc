"""Praat TextGrids with tiers of any name: words and phones of a segment, in and out.

The core reads and writes the TextGrid of a whole script, one tier a speaker
(:mod:`spatialdrama.io.scripts`). Here a file keeps its tiers and its silences: what aligners write
and what MRSDrama was annotated in. Format: Praat's manual, "TextGrid file formats", the long and
the short text form.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, existing
from spatialdrama.types import Line, Phone, Script

#: s; boundaries closer than this are one: aligners print with different precision.
TOLERANCE = 1e-6
#: What a number, a text and a flag look like; everything else in either form is a label.
_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|(?<![\w\[<])([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w\]])|<(exists|absent)>'
)


@attrs.frozen
class Interval:
    """A text with its times in seconds; an empty text is silence or unknown."""

    text: str
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Seconds."""
        return round(self.end - self.start, 9)


@attrs.frozen
class TextGrid:
    """Tiers by name, each of intervals in order that fill the time from `start` to `end`.

    Parameters
    ----------
    tiers : mapping of str to sequence of Interval
        Gaps are filled with empty intervals.
    start, end : float, s
        Default: from 0 to the last interval.

    Raises
    ------
    ValidationError
        For intervals that overlap or run backwards, and for a grid without time.

    Examples
    --------
    >>> grid = TextGrid({"words": [Interval("hi", 0.1, 0.4)]}, end=0.5)
    >>> [(i.text, i.start, i.end) for i in grid["words"]]
    [('', 0.0, 0.1), ('hi', 0.1, 0.4), ('', 0.4, 0.5)]
    """

    tiers: Mapping[str, tuple[Interval, ...]] = attrs.field(converter=dict)
    start: float = attrs.field(default=0.0, kw_only=True)
    end: float | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        last = max((i.end for rows in self.tiers.values() for i in rows), default=self.start)
        end = last if self.end is None else float(self.end)
        if end <= self.start:
            raise ValidationError(
                f"a TextGrid lasts from {self.start:g} s to {end:g} s; give end= after the start."
            )
        filled = {name: _filled(name, rows, self.start, end) for name, rows in self.tiers.items()}
        object.__setattr__(self, "tiers", filled)
        object.__setattr__(self, "end", end)

    def __getitem__(self, name: str) -> tuple[Interval, ...]:
        if name not in self.tiers:
            raise ValidationError(f"no tier {name!r}; this TextGrid has {', '.join(self.tiers)}.")
        return self.tiers[name]

    def spoken(self, name: str) -> tuple[Interval, ...]:
        """Intervals of a tier that have a text."""
        return tuple(i for i in self[name] if i.text.strip())

    def phones(self, name: str = "phones") -> tuple[Phone, ...]:
        """Return a tier as the phones of a line."""
        return tuple(Phone(i.text, i.start, i.end) for i in self.spoken(name))

    def script(self, tiers: Sequence[str] | None = None) -> Script:
        """Return the intervals of tiers named after speakers as a timed script.

        What is no word (``<SP>``, ``...``) is passed over. Tiers called words or phones, or that
        end in ``- words`` or ``- phones``, are no speakers.

        Raises
        ------
        ValidationError
            When there is none.
        """
        names = [n for n in self.tiers if not _is_detail(n)] if tiers is None else tiers
        lines = [
            Line(name, " ".join(i.text.split()), start=i.start, end=i.end)
            for name in names
            for i in self.spoken(name)
            if any(c.isalnum() for c in re.sub(r"<\w+>", "", i.text))
        ]
        return Script(sorted(lines, key=lambda line: line.start))


def _is_detail(name: str) -> bool:
    return re.search(r"(^|- )(words?|phones?|phonemes?)$", name.strip(), re.I) is not None


def read_textgrid(path: Any) -> TextGrid:
    """Read a TextGrid in long or short text form, UTF-8 or UTF-16.

    Point tiers are passed over.

    Raises
    ------
    ValidationError
        Names the file when it is missing, binary, cut off or holds intervals that overlap.
    """
    path = existing(path, "TextGrid")
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"TextGrid {path} is no text in UTF-8 or UTF-16 ({error.reason}); save it as text."
        ) from None
    try:
        return parse_textgrid(text)
    except ValidationError as error:
        raise ValidationError(f"TextGrid {path}: {error}") from None


def parse_textgrid(text: str) -> TextGrid:
    """Return the grid in the text of a file.

    Examples
    --------
    >>> grid = TextGrid({"phones": [Interval("uo", 0.0, 0.2)]})
    >>> parse_textgrid(to_textgrid(grid)) == grid
    True
    """
    if "ooTextFile" not in text[:200] or "TextGrid" not in text[:400]:
        raise ValidationError("this is not a TextGrid in text form; save it as text in Praat.")
    tokens = iter(_TOKEN.findall(text)[2:])  # the two heads: file type and object class
    try:
        start, end = _number(tokens), _number(tokens)
        tiers: dict[str, list[Interval]] = {}
        if next(tokens)[2] == "exists":
            for _ in range(int(_number(tokens))):
                _read_tier(tokens, tiers)
    except StopIteration:
        raise ValidationError("it ends in the middle of a tier; write it again.") from None
    if not tiers:
        raise ValidationError("it has no interval tier; there is nothing to read.")
    return TextGrid(tiers, start=start, end=end)


def to_textgrid(grid: TextGrid) -> str:
    """Return the long text form."""
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = {grid.start!r}\nxmax = {grid.end!r}\ntiers? <exists>\n"
        f"size = {len(grid.tiers)}\nitem []:\n"
    )
    return head + "".join(
        f'    item [{k}]:\n        class = "IntervalTier"\n        name = {_quoted(name)}\n'
        f"        xmin = {grid.start!r}\n        xmax = {grid.end!r}\n"
        f"        intervals: size = {len(rows)}\n" + "".join(_rows(rows))
        for k, (name, rows) in enumerate(grid.tiers.items(), start=1)
    )


def write_textgrid(grid: TextGrid, path: Any) -> Path:
    """Write the long text form in UTF-8, atomically; :func:`read_textgrid` gives it back."""
    path = Path(path)
    if path.suffix != ".TextGrid":
        raise ValidationError(f"cannot write {path}: use a name that ends in .TextGrid.")
    with atomic(path) as temporary:
        temporary.write_text(to_textgrid(grid), encoding="utf-8")
    return path


def _rows(rows: Sequence[Interval]) -> Iterator[str]:
    for k, row in enumerate(rows, start=1):
        yield (
            f"        intervals [{k}]:\n            xmin = {row.start!r}\n"
            f"            xmax = {row.end!r}\n            text = {_quoted(row.text)}\n"
        )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _number(tokens: Iterator[tuple[str, str, str]]) -> float:
    word, number, _ = next(tokens)
    if not number:
        raise ValidationError(f"a number was expected where {word!r} stands.")
    return float(number)


def _text(tokens: Iterator[tuple[str, str, str]]) -> str:
    word, number, _ = next(tokens)
    if number:
        raise ValidationError(f"a text in quotes was expected where {number} stands.")
    return word.replace('""', '"')


def _read_tier(tokens: Iterator[Any], tiers: dict[str, list[Interval]]) -> None:
    kind, name = _text(tokens), _text(tokens)
    _number(tokens), _number(tokens)
    rows: list[Interval] = []
    for _ in range(int(_number(tokens))):
        start = _number(tokens)
        if kind == "IntervalTier":
            end = _number(tokens)
            rows.append(Interval(_text(tokens), start, end))
        else:
            _text(tokens)
    if kind == "IntervalTier":
        tiers[name if name not in tiers else f"{name} ({len(tiers) + 1})"] = rows


def _filled(name: str, rows: Iterable[Interval], start: float, end: float) -> tuple[Interval, ...]:
    out: list[Interval] = []
    clock = start
    for row in sorted(rows, key=lambda r: r.start):
        if row.start < clock - TOLERANCE or row.end < row.start:
            raise ValidationError(
                f"tier {name!r} has {row.text!r} from {row.start:.3f} to {row.end:.3f} s, but what "
                f"stands before it ends at {clock:.3f} s."
            )
        if row.start > clock + TOLERANCE:
            out.append(Interval("", clock, row.start))
        out.append(row)
        clock = row.end
    if clock > end + TOLERANCE:
        raise ValidationError(
            f"tier {name!r} goes on to {clock:.3f} s; the grid ends at {end:g} s."
        )
    if clock < end - TOLERANCE:
        out.append(Interval("", clock, end))
    return tuple(out)
