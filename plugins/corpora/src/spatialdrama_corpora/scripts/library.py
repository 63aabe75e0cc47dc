"""The lines that come with the package: scenes of plays and novels, English and Mandarin."""

from __future__ import annotations

import functools
import importlib.resources
import lzma
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama_corpora.scripts.sources import UNNAMED

#: Those who speak the lines whose speaker the text does not name: two voices in turn.
UNKNOWN = {"en": ("First Voice", "Second Voice"), "zh": ("甲", "乙")}


@attrs.frozen
class TextScene:
    """Lines that follow each other in one work.

    Attributes
    ----------
    name : str
        Number of the scene in the file, and the work: ``"0012 Coriolanus"``.
    work, author, language : str
    lines : tuple of (speaker, text)
    """

    name: str
    work: str
    author: str
    language: str
    lines: tuple[tuple[str, str], ...] = attrs.field(repr=False)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names in order of first appearance."""
        return tuple(dict.fromkeys(speaker for speaker, _ in self.lines))


@functools.lru_cache(maxsize=4)
def library(path: Any = None) -> tuple[TextScene, ...]:
    """Return all scenes of the package, or of a file that :mod:`.clean` wrote.

    Parameters
    ----------
    path : path, optional

    Returns
    -------
    tuple of TextScene
        Lines without a named speaker are given to two voices in turn, never to the one who spoke
        just before.

    Raises
    ------
    ValidationError
        When the file is no such table; the message names the row.

    Examples
    --------
    >>> scenes = library()
    >>> sum(len(scene.lines) for scene in scenes) >= 18_000
    True
    >>> scenes[0].work, scenes[0].lines[0]
    ('Coriolanus', ('First Citizen', 'Before we proceed any further, hear me speak.'))
    """
    if path is None:
        data = (importlib.resources.files(__package__) / "data" / "lines.tsv.xz").read_bytes()
    else:
        data = Path(path).read_bytes()
    try:
        table = lzma.decompress(data).decode() if data[:1] == b"\xfd" else data.decode()
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise ValidationError(f"the table of lines {path} cannot be read: {error}.") from None
    heads: list[list[str]] = []
    lines: list[list[tuple[str, str]]] = []
    for number, row in enumerate(table.splitlines(), start=1):
        if row.startswith("#") or not row:
            continue
        fields = row.removeprefix(">").split("\t")
        if len(fields) != (3 if row[0] == ">" else 2) or (row[0] != ">" and not heads):
            raise ValidationError(
                f"row {number} of the table of lines is {row[:40]!r}; expected '>work, author, "
                "language' or 'speaker, text', separated by tabs."
            )
        if row[0] == ">":
            heads.append(fields)
            lines.append([])
        else:
            lines[-1].append((fields[0], fields[1]))
    return tuple(
        TextScene(f"{i:04d} {head[0]}", *head, _named(said, head[2]))
        for i, (head, said) in enumerate(zip(heads, lines, strict=True))
    )


def _named(lines: list[tuple[str, str]], language: str) -> tuple[tuple[str, str], ...]:
    voices, turn, out = UNKNOWN.get(language, UNKNOWN["en"]), 0, []
    for speaker, text in lines:
        if speaker == UNNAMED:
            speaker, turn = voices[turn % 2], turn + 1
        out.append((speaker, text))
    return tuple(out)
