"""JSON annotation of any shape that its makers may have given it, as entries with our names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json

from ..corpus import Problem
from .aliases import normal, sorted_out

#: Keys that hold the list or mapping of segments, where it is wrapped.
_WRAPPERS = ("items", "segments", "utterances", "data", "dialogue", "dialogues", "lines")
#: Keys of a session's own description, which is no segment though it names a sound and a text.
_SESSION = {"ear_position", "ear_orientation"}
_SEGMENT = {"name", "audio", "text", "phones", "speaker"}

#: How MRSDrama's makers name a segment: session, times in it, and the role's letter.
ITEM_NAME = re.compile(
    r"^(?P<session>.+?)(?:_缩混)?_cut_(?P<start>\d+(?:\.\d+)?)_(?P<end>\d+(?:\.\d+)?)"
    r"_(?P<speaker>[A-Z])$"
)
#: MRSDrama's 58 symbols: a pause, a breath, and pypinyin's initials and finals without a tone,
#: ü written v, a syllable without an initial by its final alone (facts A2).
PHONES = frozenset(
    re.findall(
        r"\S+",
        "<SP> <AP> b p m f d t n l g k h j q x zh ch sh r z c s "
        "a o e i u v ai ei ao ou an en ang eng ong er ia ie iao iou ian in iang ing iong "
        "ua uo uai uei uan uen uang van ve vn",
    )
)
_TITLE = re.compile(r"《([^》]+)》")
_PART = re.compile(r"[_\s-]*part[_\s-]*\d+$", re.IGNORECASE)


class Entry(NamedTuple):
    """One segment as annotated: ``name`` ("" when it has none), ``fields`` by our names, the
    ``rest`` under its own, and what the file says for all of its segments, ``common``."""

    name: str
    fields: dict[str, Any]
    rest: dict[str, Any]
    common: Mapping[str, Any]


def read_entries(path: Path) -> tuple[list[Entry], list[Problem]]:
    """Return the segments in an annotation file, and what in it is none.

    Understood are a mapping from name to segment, a list of segments, either of them inside
    ``{"items": ...}`` beside ``"errors"``, and a single segment. A file about something else, such
    as a list of phones or the description of a session, gives nothing.

    Raises
    ------
    ValidationError
        For a file that is not JSON; names line and column.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    data = read_json(path, "annotation")
    common: dict[str, Any] = {}
    for key, value in _segments(data, common):
        if not isinstance(value, Mapping):
            problems.append(
                Problem(
                    "", str(path), f"entry {key} is {str(value)[:40]!r}, not an object.",
                    "Give it keys such as item_name, speaker, raw_txt, wav_fn and pos_fn.",
                )
            )  # fmt: skip
            continue
        fields, rest = sorted_out(value)
        name = fields.get("name", key if isinstance(key, str) else "")
        entries.append(Entry(str(name), fields, rest, common))
    if not any(_SEGMENT & set(entry.fields) for entry in entries):
        return [], []
    errors = common.get("errors") or []
    problems += [
        Problem("", str(path), f"its makers' script says: {str(error)[:200]}", "", "note")
        for error in (errors if isinstance(errors, list) else [errors])
    ]
    return entries, problems


def _segments(data: Any, common: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    if isinstance(data, list):
        yield from enumerate(data, start=1)
        return
    if not isinstance(data, Mapping):
        return
    keys = {normal(key): key for key in data}
    if _SESSION & set(keys):
        return
    for wrapper in _WRAPPERS:
        if wrapper in keys and isinstance(data[keys[wrapper]], (list, Mapping)):
            common.update({k: v for k, v in data.items() if k != keys[wrapper]})
            yield from _segments(data[keys[wrapper]], common)
            return
    objects = sum(isinstance(value, Mapping) for value in data.values())
    if objects and 2 * objects >= len(data):
        yield from data.items()
    elif {"name", "audio"} & set(sorted_out(data)[0]):
        yield "", data


def drama_of(session: str) -> str:
    """Return the drama that a session's name tells of.

    A title in 《》 is the drama; else its parts are one drama: both halves of a play share speakers
    and scene, and belong into one split.

    Examples
    --------
    >>> from spatialdrama_corpora.readers.annotations import drama_of
    >>> drama_of("《七武士》电影剧本_part1"), drama_of("Hamlet_part2")
    ('七武士', 'Hamlet')
    """
    title = _TITLE.search(session)
    return title[1] if title else _PART.sub("", session).strip() or session


def checked_list(values: list[Any], durations: list[Any], what: str) -> list[tuple[str, float]]:
    """Return (symbol, seconds) pairs, or raise for lists that do not fit."""
    if len(values) != len(durations):
        raise ValidationError(
            f"{len(values)} {what} have {len(durations)} durations; give one for each."
        )
    pairs = []
    for symbol, seconds in zip(values, durations, strict=True):
        try:
            long = float(seconds)
        except (TypeError, ValueError):
            long = float("nan")
        if not 0 <= long < float("inf"):
            raise ValidationError(f"{what} {symbol!r} lasts {seconds!r}; give seconds from 0 on.")
        pairs.append((" ".join(str(symbol).split()), long))
    return pairs
