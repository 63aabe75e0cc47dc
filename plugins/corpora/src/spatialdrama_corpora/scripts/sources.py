"""The two source texts as turns in their order: who says what in which work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from spatialdrama.errors import ValidationError

#: Plays in the order of the English text, each with the words that open it.
PLAYS = (
    ("Coriolanus", "Before we proceed any further"),
    ("Richard III", "Now is the winter of our discontent"),
    ("Richard II", "Old John of Gaunt"),
    ("Romeo and Juliet", "Gregory, o' my word"),
    ("Henry VI, Part 3", "I wonder how the king escaped"),
    ("The Winter's Tale", "If you shall chance, Camillo"),
    ("Measure for Measure", "Escalus."),
    ("The Taming of the Shrew", "I'll pheeze you"),
    ("The Tempest", "Boatswain!"),
)
#: Who wrote what the Mandarin text names. All died more than 70 years ago.
AUTHORS = {"红楼梦": "曹雪芹", "故事新编": "鲁迅", "彷徨": "鲁迅", "呐喊": "鲁迅", "野草": "鲁迅"}
#: Words of several people at once, and those who are no person.
CROWDS = re.compile(
    r"^(All|Both|Citizens|Lords|Senators|Several|Plebeians|Soldiers|Chorus)\b", re.I
)

_HEADLINE = re.compile(r"\s*\b3 KING HENRY VI\b\s*$")
_CAPITALS = re.compile(r"\b[A-Z][A-Z']+\b")
_HAN_LINE = re.compile(r"[\u4e00-\u9fff，。？！…—：；、《》]+")
#: Whose written form of letters, brackets and boxes no voice reads.
_QUOTES = str.maketrans(dict.fromkeys("‘’“”「」", "") | {"～": "—", "－": "—", "─": "—"})
UNNAMED = "-"


@attrs.frozen
class Turn:
    """What one character says at once."""

    work: str
    author: str
    language: str
    speaker: str
    text: str


def read_turns(path: Path) -> list[Turn]:
    """Read a source text: ``.txt`` as speeches under names, ``.tsv`` as work, speaker, text.

    Raises
    ------
    ValidationError
        For another suffix, or a file without any turn.
    """
    readers = {".txt": _english, ".tsv": _mandarin}
    if path.suffix not in readers or not path.is_file():
        raise ValidationError(f"a source is a .txt or .tsv file of turns; got {path}.")
    turns = list(readers[path.suffix](path.read_text(encoding="utf-8")))
    if not turns:
        raise ValidationError(f"{path} holds no turn; see the description of this module.")
    return turns


def _english(text: str) -> Iterator[Turn]:
    speeches = []
    for block in text.split("\n\n"):
        name, _, speech = block.strip("\n").partition("\n")
        if name.endswith(":") and speech.strip():
            speeches.append((name[:-1].strip(), speech))
    common = set(re.findall(r"(?<=[a-z,] )[a-z']+\b", text))
    play = -1
    for name, speech in speeches:
        if play + 1 < len(PLAYS) and speech.startswith(PLAYS[play + 1][1]):
            play += 1
        said = _prose(speech, common)
        if play >= 0 and not CROWDS.match(name) and said:
            yield Turn(PLAYS[play][0], "William Shakespeare", "en", _title(name), said)


def _prose(speech: str, common: set[str]) -> str:
    """Verse to prose: one line, capitals only where a sentence or a name begins."""
    out = ""
    for row in speech.splitlines():
        row = " ".join(_HEADLINE.sub("", row).split())
        first = row.split(" ", 1)[0].rstrip(",;:.!?-")
        if out and out[-1] not in ".!?" and first.lower() in common and first not in ("I", "O"):
            row = row[:1].lower() + row[1:]
        out = f"{out} {row}" if row else out
    out = re.sub(r"\s*--+\s*", "— ", out)
    out = _CAPITALS.sub(lambda m: m[0].capitalize() if len(m[0]) > 3 else m[0], out)
    out = re.sub(r"—\s*([,;:.!?])", r"\1", out).strip(" —")
    return "" if re.search(r"[^A-Za-zÀ-ÿ',;:.!?— -]", out) else out


def _title(name: str) -> str:
    return " ".join(w if re.fullmatch(r"[IVX]+", w) else w.capitalize() for w in name.split())


def _mandarin(text: str) -> Iterator[Turn]:
    for row in text.splitlines()[1:]:
        work, speaker, said = row.split("\t")
        said = re.sub(r"[…]+", "…", re.sub(r"[—]+", "—", said.translate(_QUOTES)))
        said = said.lstrip("，。、；：！？…—").strip()
        # What ends without a mark is a word that is quoted, not a line that is spoken; what holds
        # letters, brackets or boxes is no speech either.
        whole = _HAN_LINE.fullmatch(said) and said[-1] in "。？！…，"
        if whole and work in AUTHORS:
            yield Turn(work, AUTHORS[work], "zh", speaker.strip() or UNNAMED, said)
