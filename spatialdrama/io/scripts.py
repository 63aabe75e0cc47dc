"""Scripts as JSON, plain text and Praat TextGrid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, existing, guarded, read_json, write_json
from spatialdrama.types.script import Line, Phone, Script

SCHEMA = "spatialdrama.script/1"


def script_to_dict(script: Script) -> dict[str, Any]:
    """Return a JSON-ready description; defaults are left out."""
    return {"schema": SCHEMA, "lines": [_line_to_dict(line) for line in script.lines]}


def script_from_dict(data: Mapping[str, Any]) -> Script:
    """Build a script; messages name the line."""
    if not isinstance(data, Mapping) or not isinstance(data.get("lines"), list):
        raise ValidationError('a script needs "lines": [{"speaker": ..., "text": ...}].')
    schema = data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise ValidationError(f"script has schema {schema!r}; this version reads {SCHEMA!r}.")
    return Script(
        guarded(lambda entry=entry: _line_from_dict(entry), f"line {i}")
        for i, entry in enumerate(data["lines"], start=1)
    )


def read_script(path: Any) -> Script:
    """Read by the suffix; anything but .json and .TextGrid is the plain form."""
    path = existing(path, "script")
    if path.suffix == ".json":
        data = read_json(path, "script")
        return guarded(lambda: script_from_dict(data), f"script {path}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValidationError(f"script {path} is not UTF-8 text; save it as UTF-8.") from None
    if path.suffix == ".TextGrid":
        return guarded(lambda: parse_textgrid(text), f"script {path}")
    return guarded(lambda: Script.parse(text), f"script {path}")


def write_script(script: Script, path: Any) -> Path:
    """Write by the suffix: .json, .TextGrid or .txt."""
    path = Path(path)
    if path.suffix == ".json":
        return write_json(path, script_to_dict(script))
    if path.suffix not in (".TextGrid", ".txt"):
        raise ValidationError(f"cannot write {path}: use .json, .TextGrid or .txt.")
    text = to_textgrid(script) if path.suffix == ".TextGrid" else script.to_text()
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _line_to_dict(line: Line) -> dict[str, Any]:
    out: dict[str, Any] = {"speaker": line.speaker, "text": line.text}
    for name in ("language", "style", "gap", "start", "end"):
        value = getattr(line, name)
        if value not in (None, ""):
            out[name] = value
    if line.phones:
        out["phones"] = [[p.symbol, p.start, p.end] for p in line.phones]
    return out


def _line_from_dict(entry: Any) -> Line:
    if not isinstance(entry, Mapping) or not {"speaker", "text"} <= set(entry):
        raise ValidationError(f"expected speaker and text; got {entry!r}.")
    options = dict(entry)
    phones = tuple(Phone(*p) for p in options.pop("phones", ()))
    return Line(options.pop("speaker"), options.pop("text"), phones=phones, **options)


# -- TextGrid ------------------------------------------------------------------------------------
# The long text form of Praat's manual ("TextGrid file formats"): one interval tier a speaker with
# the lines, one more with their phones. Overlapping turns of one speaker do not fit an interval
# tier and are refused rather than bent.


def to_textgrid(script: Script) -> str:
    """Return a timed script as a Praat TextGrid (long text form)."""
    if not script.is_timed:
        raise ValidationError("a TextGrid needs times; this script has none yet.")
    end = script.duration
    tiers = []
    for speaker in script.speakers:
        lines = sorted((x for x in script.lines if x.speaker == speaker), key=lambda x: x.start)
        tiers.append((speaker, [(x.start, x.end, x.text) for x in lines]))
        phones = [(x.start + p.start, x.start + p.end, p.symbol) for x in lines for p in x.phones]
        if phones:
            tiers.append((f"{speaker} - phones", phones))
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {end!r}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    )
    return head + "".join(_tier(i, n, rows, end) for i, (n, rows) in enumerate(tiers, start=1))


def _tier(index: int, name: str, rows: list[tuple[float, float, str]], end: float) -> str:
    filled: list[tuple[float, float, str]] = []
    clock = 0.0
    for start, stop, text in rows:
        if start < clock - 1e-6:
            raise ValidationError(
                f"{name} speaks two lines at once at {start:.3f} s; an interval tier cannot hold "
                "that. Save as .json."
            )
        if start > clock + 1e-9:
            filled.append((clock, start, ""))
        filled.append((max(start, clock), stop, text))
        clock = stop
    if clock < end - 1e-9:
        filled.append((clock, end, ""))
    body = "".join(
        f"        intervals [{i}]:\n            xmin = {a!r}\n            xmax = {b!r}\n"
        f"            text = {_quoted(text)}\n"
        for i, (a, b, text) in enumerate(filled, start=1)
    )
    return (
        f'    item [{index}]:\n        class = "IntervalTier"\n        name = {_quoted(name)}\n'
        f"        xmin = 0\n        xmax = {end!r}\n        intervals: size = {len(filled)}\n{body}"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


_TIER = re.compile(r'class\s*=\s*"IntervalTier"\s*name\s*=\s*"((?:[^"]|"")*)"', re.S)
_INTERVAL = re.compile(
    r'xmin\s*=\s*([-\d.eE+]+)\s*xmax\s*=\s*([-\d.eE+]+)\s*text\s*=\s*"((?:[^"]|"")*)"', re.S
)


def parse_textgrid(text: str) -> Script:
    """Return the script in a long-form TextGrid whose tiers are named after the speakers."""
    if "ooTextFile" not in text or "TextGrid" not in text:
        raise ValidationError("this is not a long-form TextGrid; save it as text in Praat.")
    marks = list(_TIER.finditer(text))
    lines: list[Line] = []
    phones: dict[str, list[tuple[float, float, str]]] = {}
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        name = mark[1].replace('""', '"')
        block = text[mark.end() : following.start() if following else len(text)]
        rows = [
            (float(a), float(b), t.replace('""', '"'))
            for a, b, t in _INTERVAL.findall(block)
            if t.strip()
        ]
        if name.endswith(" - phones"):
            phones[name.removesuffix(" - phones")] = rows
        else:
            lines += [Line(name, t, start=a, end=b) for a, b, t in rows]
    lines.sort(key=lambda line: line.start)
    return Script(_with_phones(line, phones.get(line.speaker, [])) for line in lines)


def _with_phones(line: Line, rows: list[tuple[float, float, str]]) -> Line:
    inside = [r for r in rows if r[0] >= line.start - 1e-6 and r[1] <= line.end + 1e-6]
    relative = (Phone(t, round(a - line.start, 9), round(b - line.start, 9)) for a, b, t in inside)
    import attrs

    return attrs.evolve(line, phones=tuple(relative))
