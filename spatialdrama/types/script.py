"""What is said, by whom, in which order, and once it was spoken, when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.validate import check_positive, finite

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_SAYABLE = re.compile(r"\w")

_HEAD = re.compile(
    # A colon inside a time of day or an address does not end a speaker's name.
    r"^(?P<speaker>[^:：\[\]\n]{1,60}?)\s*(?P<notes>(?:\[[^\]\n]*\]\s*)*)"
    r"(?:(?!(?<=\d):\d|:/)[:：])\s*(?P<text>.*)$"
)
_GAP = re.compile(r"^(?P<kind>pause|overlap)\s+(?P<seconds>[-+.\deE]+)\s*s?$", re.IGNORECASE)
_LANGUAGE = re.compile(r"^lang(?:uage)?\s+(?P<code>[A-Za-z-]{2,8})$", re.IGNORECASE)


@attrs.frozen
class Phone:
    """One sound with its times, in seconds from the first sample of its line.

    Examples
    --------
    >>> from spatialdrama.types import Phone
    >>> Phone("n", 0.1, 0.175).duration
    0.075
    """

    symbol: str
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Seconds."""
        return round(self.end - self.start, 9)


def languages_in(text: str) -> tuple[str, ...]:
    """Return the languages whose writing stands in `text`, in order of appearance.

    Latin letters read as English; a line in another language says so with ``[lang fr]``.

    Examples
    --------
    >>> from spatialdrama.types.script import languages_in
    >>> languages_in("他说 hello。")
    ('zh', 'en')
    """
    scripts = {"ja": _KANA, "ko": _HANGUL, "ru": _CYRILLIC, "zh": _HAN, "en": _LATIN}
    found = {code: m.start() for code, rx in scripts.items() if (m := rx.search(text))}
    if "ja" in found:  # kanji in a Japanese line are not Mandarin
        found.pop("zh", None)
    return tuple(sorted(found, key=found.__getitem__))


@attrs.frozen
class Line:
    """One turn of one speaker.

    Parameters
    ----------
    speaker, text : str
    language : str, optional
        A code such as ``en`` or ``zh``; None reads it off the writing, mixed lines included.
    style : str
        How it is said, in words: ``whispering``.
    gap : float, s, optional
        Silence between the end of the line before and this one; negative values overlap. None
        leaves it to the generator.
    start, end : float, s, optional
        When it sounds in the drama, once known.
    phones : tuple of Phone
        Sounds with times from the line's start, once known.

    Raises
    ------
    ValidationError
        For an empty text or speaker, and for times that run backwards.

    Examples
    --------
    >>> from spatialdrama.types import Line
    >>> Line("ANNA", "Who's there?").languages
    ('en',)
    """

    speaker: str = attrs.field()
    text: str = attrs.field()
    language: str | None = attrs.field(default=None, kw_only=True)
    style: str = attrs.field(default="", kw_only=True)
    gap: float | None = attrs.field(default=None, kw_only=True)
    start: float | None = attrs.field(default=None, kw_only=True)
    end: float | None = attrs.field(default=None, kw_only=True)
    phones: tuple[Phone, ...] = attrs.field(default=(), converter=tuple, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.speaker, str) or not self.speaker.strip():
            raise ValidationError(f"a line needs a speaker; got {self.speaker!r}.")
        if not isinstance(self.text, str) or not _SAYABLE.search(self.text):
            raise ValidationError(
                f"the line of {self.speaker} has nothing to say: {self.text!r}. Give it words."
            )
        if "\n" in self.text or "\n" in self.speaker:
            raise ValidationError(f"the line of {self.speaker!r} must stand on one line of text.")
        for name in ("gap", "start", "end"):
            if getattr(self, name) is not None:
                finite(getattr(self, name), f"{name} of {self.speaker}'s line")
        if (self.start is None) != (self.end is None):
            raise ValidationError(
                f"the line of {self.speaker} needs both start and end or neither; got "
                f"start={self.start}, end={self.end}."
            )
        if self.start is not None and not self.end > self.start >= 0:
            raise ValidationError(
                f"the line of {self.speaker} must end after it starts, from 0 s on; got "
                f"start={self.start}, end={self.end}."
            )

    @property
    def is_timed(self) -> bool:
        """True once start and end are known."""
        return self.start is not None

    @property
    def duration(self) -> float:
        """Seconds, for a timed line."""
        if self.start is None or self.end is None:
            raise ValidationError(f"the line of {self.speaker} has no times yet.")
        return self.end - self.start

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in the line: the one given, or those of its writing."""
        return (self.language,) if self.language else languages_in(self.text)


def _as_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    lines = tuple(lines)
    if not lines:
        raise ValidationError(
            "the script is empty; write one line per turn, such as 'ANNA: Who is there?'."
        )
    for line in lines:
        if not isinstance(line, Line):
            raise ValidationError(f"a Script is made of Line; got {type(line).__name__}.")
    return lines


@attrs.frozen(repr=False)
class Script:
    """Lines in the order in which they are spoken.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> script = sd.Script.parse("ANNA: Who's there?\\nBEN [whispering]: Only me.")
    >>> script
    Script(2 lines, 2 speakers: ANNA, BEN)
    >>> script[1].style
    'whispering'
    """

    lines: tuple[Line, ...] = attrs.field(converter=_as_lines)

    @classmethod
    def parse(cls, text: str) -> Script:
        """Read the plain form: ``SPEAKER [style]: words``, one turn a line.

        Square brackets before the colon hold notes: ``[pause 1.5]`` and ``[overlap 0.4]`` set
        the gap in seconds, ``[lang zh]`` the language, anything else is the style. Lines that
        start with ``#`` are comments; a line without a colon goes on with the turn before.

        Raises
        ------
        ValidationError
            Names the line's number.

        Examples
        --------
        >>> from spatialdrama.types import Script
        >>> Script.parse("A: Stop!\\nB [overlap 0.3] [shouting]: No!")[1].gap
        -0.3
        """
        lines: list[Line] = []
        for number, raw in enumerate(text.splitlines(), start=1):
            row = raw.strip().lstrip("\ufeff")
            if not row or row.startswith("#"):
                continue
            match = _HEAD.match(row)
            if match is None:
                if not lines:
                    raise ValidationError(
                        f"script line {number}: {row[:40]!r} has no speaker; write "
                        "'SPEAKER: words'."
                    )
                lines[-1] = attrs.evolve(lines[-1], text=f"{lines[-1].text} {row}")
                continue
            try:
                lines.append(_parse_turn(match))
            except ValidationError as error:
                raise ValidationError(f"script line {number}: {error}") from None
        return cls(lines)

    @classmethod
    def read(cls, path: Any) -> Script:
        """Read ``.json`` (timed or not), ``.TextGrid``, or the plain form of :meth:`parse`."""
        from spatialdrama.io import scripts

        return scripts.read_script(path)

    load = read

    def save(self, path: Any) -> Any:
        """Write ``.json``, ``.TextGrid`` (timed scripts) or plain text, by the suffix."""
        from spatialdrama.io import scripts

        return scripts.write_script(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        from spatialdrama.io import scripts

        return scripts.script_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Script:
        """Build from :meth:`to_dict`."""
        from spatialdrama.io import scripts

        return scripts.script_from_dict(data)

    def to_text(self) -> str:
        """Return the plain form; :meth:`parse` gives the same lines back, without times.

        Raises
        ------
        ValidationError
            For a line that the plain form cannot hold, such as a speaker with a colon in the name.
        """
        rows = []
        for number, line in enumerate(self.lines, start=1):
            rows.append(_plain(line))
            bare = attrs.evolve(line, text=line.text.strip(), start=None, end=None, phones=())
            try:
                kept = Script.parse(rows[-1])[0] == bare
            except ValidationError:
                kept = False
            if not kept:
                raise ValidationError(
                    f"line {number} of {line.speaker!r} does not fit the plain form; save .json."
                )
        return "\n".join(rows) + "\n"

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names in order of first appearance."""
        return tuple(dict.fromkeys(line.speaker for line in self.lines))

    @property
    def is_timed(self) -> bool:
        """True when every line has its times."""
        return all(line.is_timed for line in self.lines)

    @property
    def duration(self) -> float:
        """Seconds to the end of the last line to end, for a timed script."""
        return max(line.start + line.duration for line in self.lines if line.duration)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __getitem__(self, index: int) -> Line:
        return self.lines[index]

    def __repr__(self) -> str:
        n, who = len(self.lines), self.speakers
        timed = f", {self.duration:.1f} s" if self.is_timed else ""
        return (
            f"Script({n} line{'s' if n != 1 else ''}{timed}, "
            f"{len(who)} speaker{'s' if len(who) != 1 else ''}: {', '.join(who)})"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return reprs.bundle(self, body=_table(self), picture=False)


def _parse_turn(match: re.Match[str]) -> Line:
    options: dict[str, Any] = {}
    styles = []
    notes = ",".join(re.findall(r"\[([^\]]*)\]", match["notes"])).split(",")
    for note in map(str.strip, notes):
        if gap := _GAP.match(note):
            try:
                seconds = float(gap["seconds"])
            except ValueError:
                raise ValidationError(f"[{note}] has no number of seconds in it.") from None
            check_positive(seconds, gap["kind"].lower(), unit="s", zero_ok=True)
            options["gap"] = seconds if gap["kind"].lower() == "pause" else -seconds
        elif language := _LANGUAGE.match(note):
            options["language"] = language["code"].lower()
        elif note.lower().split(" ")[0] in ("pause", "overlap", "lang", "language"):
            raise ValidationError(
                f"[{note}] is not understood; write [pause 1.5], [overlap 0.4] or [lang zh]."
            )
        elif note:
            styles.append(note)
    return Line(match["speaker"].strip(), match["text"].strip(), style=", ".join(styles), **options)


def _plain(line: Line) -> str:
    notes = [line.style] if line.style else []
    if line.language:
        notes.append(f"lang {line.language}")
    if line.gap is not None:
        notes.append(f"pause {line.gap!r}" if line.gap >= 0 else f"overlap {-line.gap!r}")
    return line.speaker + "".join(f" [{n}]" for n in notes) + f": {line.text}"


def _table(script: Script) -> str:
    paint = {name: reprs.colour(i) for i, name in enumerate(script.speakers)}
    rows = []
    for line in script.lines:
        when = f"{line.start:.2f}-{line.end:.2f} s" if line.is_timed else ""
        style = f" <em>{escape(line.style)}</em>" if line.style else ""
        rows.append(
            f'<tr><td style="white-space:nowrap;opacity:.7">{when}</td>'
            f'<td style="color:{paint[line.speaker]};font-weight:600;text-align:left">'
            f"{escape(line.speaker)}{style}</td>"
            f'<td style="text-align:left">{escape(line.text)}</td></tr>'
        )
    return f"<table>{''.join(rows)}</table>"
