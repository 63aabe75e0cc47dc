"""Turns of any length to lines of a length that one breath group or two can carry."""

from __future__ import annotations

import re

from spatialdrama_corpora.scripts.lengths import spoken_seconds

#: s; lines outside are left out, and longer turns are cut into lines of about `WISHED`.
SHORTEST, LONGEST, WISHED = 2.0, 12.0, 5.5

#: Where a turn may be cut, best places first: after a sentence, a clause, a phrase.
_PLACES = (
    re.compile(r"(?<=[.!?…。！？])\s*(?=[^\s.!?…。！？’”'])"),
    re.compile(r"(?<=[;:—；：])\s*(?=[^\s])"),
    re.compile(r"(?<=[,，、])\s*(?=[^\s])"),
)


def lines_of(turn: str, joint: str = " ") -> list[str]:
    """Cut a turn into lines; what stays shorter than `SHORTEST` is left out.

    Parameters
    ----------
    turn : str
    joint : str
        What stands between sentences: a space in English, nothing in Mandarin.

    Returns
    -------
    list of str
        In order; none when nothing of the turn is long enough.

    Examples
    --------
    >>> lines_of("Speak, speak.")
    []
    >>> long = "Before we proceed any further, hear me speak. " * 4
    >>> [round(spoken_seconds(line), 1) for line in lines_of(long)]
    [5.1, 5.1]
    """
    turn = turn.strip()
    seconds = spoken_seconds(turn)
    if seconds <= WISHED * 1.3:
        return [turn] if seconds >= SHORTEST else []
    parts = _balanced(_small(turn, 0), joint, seconds)
    return [p for p in parts if SHORTEST <= spoken_seconds(p) <= LONGEST]


def _small(text: str, place: int) -> list[str]:
    """Return pieces that are short enough, cut at the best places that give them."""
    if spoken_seconds(text) <= WISHED or place == len(_PLACES):
        return [text]
    return [s for part in _PLACES[place].split(text) if part for s in _small(part, place + 1)]


def _balanced(parts: list[str], joint: str, seconds: float) -> list[str]:
    """Join pieces into lines of nearly the same length, none much longer than wished."""
    wished = seconds / max(round(seconds / WISHED), 1)
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]}{joint}{part}" if lines else part
        if lines and spoken_seconds(joined) <= 1.25 * wished:
            lines[-1] = joined
        else:
            lines.append(part)
    return lines
