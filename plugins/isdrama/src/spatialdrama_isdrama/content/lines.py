"""A line of a script to phones: its own ones if it has some, else those of its text."""

from __future__ import annotations

from spatialdrama.errors import ValidationError
from spatialdrama.types.script import Line

from .english import FrontEnd
from .phones import read
from .reading import Reading
from .timed import RATE, Timed, timed_of, timed_reading


def read_line(
    line: Line, *, rate: int = RATE, edges: bool = True, front_end: FrontEnd | None = None
) -> tuple[Reading, Timed | None]:
    """Return the reading of a line, and the lengths of its phones if it has its own.

    A line's own phones win over its text. The text then only says which words they belong to; if
    the model cannot read it (another language, no front end for English), its words are spread
    evenly over the phones.

    Parameters
    ----------
    line
        With phones in the model's notation or that of the voice ``kokoro`` (see
        :func:`~.timed.timed_of`), or without.
    rate
        Samples a second, to which the times of the phones are rounded.
    edges, front_end
        As in :func:`~.phones.read`; edges only for a line without phones.

    Raises
    ------
    ValidationError
        If there is nothing to speak, phones of neither notation, or times that run backwards.

    Example
    -------
    >>> from spatialdrama.types import Line, Phone
    >>> reading, timed = read_line(Line("A", "哦", phones=[Phone("uo", 0.0, 0.1)]))
    >>> reading.symbols, timed.durations
    (('uo',), (2400,))
    """
    if not line.phones:
        text = read(line.text, language=line.language, edges=edges, front_end=front_end)
        return text, None
    try:
        written = read(line.text, language=line.language, front_end=front_end)
    except ValidationError:
        timed = timed_of(line.phones, rate=rate)
        return timed_reading(line.text, timed), timed
    timed = timed_of(line.phones, rate=rate, reading=written)
    return timed_reading(written, timed), timed
