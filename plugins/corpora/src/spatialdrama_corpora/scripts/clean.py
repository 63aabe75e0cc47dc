"""Make the package's selection of lines from source texts.

Run as ``python -m spatialdrama_corpora.scripts.clean SOURCE... --out lines.tsv.xz``. A turn is cut
into lines of 2 to 12 s; a line that the voice cannot read, or that has been there before, is left
out; turns that follow each other stay together as scenes, which end where the cast changes.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path

import attrs

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.io.files import atomic
from spatialdrama_corpora.scripts.cut import lines_of
from spatialdrama_corpora.scripts.sources import UNNAMED, Turn, read_turns

#: Lines of a scene: at least, and at most before it is cut wherever the cast changes most.
FEWEST, MOST = 6, 36
#: Lines on either side whose speakers are compared.
_AROUND = 6


@attrs.frozen
class Cleaned:
    """Scenes of lines, and how many lines were left out for which reason."""

    scenes: tuple[tuple[Turn, ...], ...]
    left_out: dict[str, int]

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return sum(map(len, self.scenes))


def clean(turns: Iterable[Turn], check: Callable[[str, str], None] | None = None) -> Cleaned:
    """Cut, filter and group turns.

    Parameters
    ----------
    turns : iterable of Turn
    check : callable(text, language), optional
        Raises a ValidationError for what a voice cannot read.

    Examples
    --------
    >>> from spatialdrama_corpora.scripts.sources import Turn
    >>> a, b = (Turn("Play", "Nobody", "en", who, "") for who in "AB")
    >>> text = "This is the line of number %s, and it is long enough."
    >>> said = [attrs.evolve(x, text=text % ("i" * i)) for i, x in enumerate([a, b] * 4)]
    >>> clean(said + said[:1]).lines
    8
    """
    kept, seen, left_out = [], set(), {"too short or long": 0, "there before": 0, "unreadable": 0}
    for turn in turns:
        lines = lines_of(turn.text, " " if turn.language == "en" else "")
        left_out["too short or long"] += not lines
        for text in lines:
            same = "".join(c for c in text.casefold() if c.isalnum())
            if same in seen:
                left_out["there before"] += 1
            elif check is not None and not _readable(check, text, turn.language):
                left_out["unreadable"] += 1
            else:
                seen.add(same)
                kept.append(attrs.evolve(turn, text=text))
    scenes = [s for _, work in groupby(kept, key=lambda t: t.work) for s in _scenes(list(work))]
    return Cleaned(tuple(s for s in scenes if len(s) >= FEWEST and _voices(s) > 1), left_out)


def _readable(check: Callable[[str, str], None], text: str, language: str) -> bool:
    try:
        check(text, language)
    except ValidationError:
        return False
    return True


def _scenes(lines: list[Turn]) -> list[tuple[Turn, ...]]:
    """Cut where nobody who spoke before goes on, or where a long scene changes its cast most."""
    scenes, start = [], 0
    while len(lines) - start > MOST:
        places = range(start + FEWEST, start + MOST + 1)
        shared = {i: _shared(lines, i) for i in places if i + FEWEST <= len(lines)}
        apart = [i for i, share in shared.items() if share == 0]
        end = apart[0] if apart else min(shared, key=lambda i: (shared[i], -i))
        scenes.append(tuple(lines[start:end]))
        start = end
    return [*scenes, tuple(lines[start:])]


def _shared(lines: list[Turn], at: int) -> float:
    before = {t.speaker for t in lines[max(at - _AROUND, 0) : at]} - {UNNAMED}
    after = {t.speaker for t in lines[at : at + _AROUND]} - {UNNAMED}
    if not before or not after:
        return 0.5  # nobody is named: neither a good place nor a bad one
    if lines[at - 1].speaker == lines[at].speaker:
        return 2.0  # never within one speaker's turns
    return len(before & after) / len(before | after)


def _voices(scene: Sequence[Turn]) -> int:
    named = {t.speaker for t in scene} - {UNNAMED}
    return len(named) + 2 * any(t.speaker == UNNAMED for t in scene)


def to_table(scenes: Iterable[Sequence[Turn]]) -> str:
    """Return the scenes as rows: ``>work, author, language`` before each scene's lines."""
    rows = ["# public domain; who wrote what stands before each scene"]
    for scene in scenes:
        first = scene[0]
        rows.append(f">{first.work}\t{first.author}\t{first.language}")
        rows += [f"{turn.speaker}\t{turn.text}" for turn in scene]
    return "\n".join(rows) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help=".txt or .tsv of turns")
    p.add_argument("--out", type=Path, required=True, help="file to write, .tsv.xz")
    p.add_argument("--voice", default="kokoro", help="must be able to read every line")
    options = p.parse_args(arguments)
    try:
        from spatialdrama.registry import load

        voice = load("voice", options.voice)
        who = {"en": voice.identities()[0], "zh": voice.identities()[-1]}

        def check(text: str, language: str) -> None:
            voice.check(text, identity=who[language], language=language)

        turns = [turn for path in options.sources for turn in read_turns(path)]
        made = clean(turns, check)
        table = to_table(made.scenes).encode()
        with atomic(options.out) as temporary:
            temporary.write_bytes(lzma.compress(table, preset=9 | lzma.PRESET_EXTREME))
    except SpatialDramaError as error:
        print(f"clean: {error}", file=sys.stderr)  # noqa: T201
        return 2
    left = ", ".join(f"{count} {reason}" for reason, count in made.left_out.items())
    print(f"{made.lines} lines in {len(made.scenes)} scenes; left out: {left}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
