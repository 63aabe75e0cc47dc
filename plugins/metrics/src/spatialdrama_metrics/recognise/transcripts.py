"""Texts that somebody already has: another recogniser's output, or a person's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import Line
from spatialdrama.types.script import languages_in
from spatialdrama_metrics.recognise.parts import Heard

Key = str | tuple[str, str] | tuple[str, str, float]


def _keys(line: Line) -> Iterable[Key]:
    """From the most exact to the loosest."""
    if line.is_timed:
        yield (line.speaker, line.text, round(line.start, 3))
    yield (line.speaker, line.text)
    yield line.text


def _checked(given: Any) -> tuple[tuple[Key, str], ...]:
    if not isinstance(given, Mapping):
        raise ValidationError(
            "Transcripts takes a mapping from what should be heard to what was heard, like "
            f"Transcripts({{'Good night.': 'good night'}}); got {type(given).__name__}"
        )
    out = {}
    for key, text in given.items():
        place = tuple(key) if isinstance(key, tuple | list) else key
        kinds = [str, str, Real][: len(place)] if isinstance(place, tuple) else []
        if not isinstance(place, str) and not (
            len(kinds) > 1 and len(kinds) == len(place) and all(map(isinstance, place, kinds))
        ):
            raise ValidationError(
                "a key of Transcripts is a line's text, (speaker, text) or (speaker, text, start "
                f"in s); got {key!r}"
            )
        if not isinstance(text, str):
            raise ValidationError(f"what was heard for {key!r} must be text, got {text!r}")
        if not isinstance(place, str) and len(place) == 3:
            place = (*place[:2], round(float(place[2]), 3))
        out[place] = text
    return tuple(out.items())


@attrs.frozen
class Transcripts:
    """In a recogniser's place: what was heard for each line. No audio is looked at.

    Parameters
    ----------
    heard : mapping
        From a line's text, from ``(speaker, text)``, or where a speaker says the same thing twice
        from ``(speaker, text, start)`` with the start in seconds, to the text that was heard. The
        most exact key wins. An empty text says that nothing was understood.

    Raises
    ------
    ValidationError
        For anything but that.

    Examples
    --------
    >>> from spatialdrama.types import Line
    >>> heard = Transcripts({"Good night.": "good night", ("BEN", "Good night."): "good light"})
    >>> [heard.heard(Line(who, "Good night.")).text for who in ("ANNA", "BEN")]
    ['good night', 'good light']
    """

    pairs: tuple[tuple[Key, str], ...] = attrs.field(converter=_checked, alias="heard")
    _table: dict = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_table", dict(self.pairs))

    @classmethod
    def of_script(cls, script: Iterable[Line], heard: Iterable[str]) -> Transcripts:
        """Pair the lines of a script with texts in the same order.

        Raises
        ------
        ValidationError
            Their numbers differ, or two lines cannot be told apart and were heard differently.

        Examples
        --------
        >>> from spatialdrama.types import Script
        >>> script = Script.parse("ANNA: Who's there?\\nBEN: A friend.")
        >>> Transcripts.of_script(script, ["whos there", "a fiend"]).heard(script[1]).text
        'a fiend'
        """
        script, heard = tuple(script), tuple(heard)
        if len(script) != len(heard):
            raise ValidationError(
                f"the script has {len(script)} lines and {len(heard)} texts were given; give one "
                "text a line, empty where nothing was heard"
            )
        table: dict[Key, str] = {}
        for line, text in zip(script, heard, strict=True):
            key = next(iter(_keys(line)))
            if table.setdefault(key, text) != text:
                raise ValidationError(
                    f"{line.speaker} says {line.text!r} twice and was heard differently; use a "
                    "script with times"
                )
        return cls(table)

    @classmethod
    def load(cls, path: Any) -> Transcripts:
        """Read JSON: an object ``{text: heard}``, or a list of objects with ``text``, ``heard``
        and where needed ``speaker`` and ``start``.

        Raises
        ------
        ValidationError
            The file is not there, is no JSON, or holds something else.
        """
        path = Path(path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValidationError(f"no transcripts could be read from {path}: {error}") from error
        if not isinstance(data, list):
            return cls(data)
        table: dict[Key, str] = {}
        for number, row in enumerate(data, start=1):
            if not isinstance(row, dict) or not {"text", "heard"} <= set(row):
                raise ValidationError(
                    f"entry {number} of {path} must have 'text' and 'heard'; got {row!r}"
                )
            key = [row[name] for name in ("speaker", "text", "start") if name in row]
            table[key[0] if len(key) == 1 else tuple(key)] = row["heard"]
        return cls(table)

    def heard(self, line: Line) -> Heard:
        """What was heard for a line; ValidationError when none was given for it."""
        for key in _keys(line):
            if key in self._table:
                text = self._table[key]
                language = (languages_in(text) or line.languages)[0]
                return Heard(text, language, float("nan"))
        raise ValidationError(
            f"no transcript was given for the line {line.text[:60]!r} of {line.speaker}; add it, "
            "with an empty text if nothing was heard"
        )
