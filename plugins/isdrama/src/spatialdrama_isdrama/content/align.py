"""Which word each spoken phone belongs to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from .inventory import BREATH, INITIALS, SILENCE, language_of
from .reading import Reading

#: Words in their places of the text, and the word of each phone.
Words = tuple[tuple[tuple[int, int], ...], tuple[int, ...]]

_UNHEARD = (SILENCE, BREATH)
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]|[^\W\d_]+|\d")


def aligned(reading: Reading, spoken: Sequence[str]) -> Words:
    """Give each spoken phone the word of the written phone that it stands for.

    Written and spoken phones are matched by the cheapest edits (Levenshtein; a pause that comes or
    goes costs half of a sound that does); a pause never stands for a sound. A sound that nobody
    wrote belongs to the word before it, an initial to that of its final; a pause that nobody
    wrote to an empty word between its neighbours.

    Example
    -------
    >>> from spatialdrama_isdrama.content.phones import read
    >>> aligned(read("我要", edges=False), ["uo", "<SP>", "iao"])
    (((0, 1), (1, 1), (1, 2)), (0, 1, 2))
    """
    partners = _partners(reading.symbols, spoken)
    owners = [None if j is None else reading.ph2word[j] for j in partners]
    for i in range(len(spoken) - 2, -1, -1):
        if owners[i] is None and spoken[i] in INITIALS:
            owners[i] = owners[i + 1]  # an initial begins the syllable of its final
    sounds = [word for s, word in zip(spoken, owners, strict=True) if s not in _UNHEARD]
    current = next((word for word in sounds if word is not None), 0)
    words: list[tuple[int, int]] = []
    ph2word: list[int] = []
    last: int | None = None  # the written word that the last of `words` is
    for symbol, word in zip(spoken, owners, strict=True):
        if symbol not in _UNHEARD:
            current = word = current if word is None else word
        if word is None:
            at = words[-1][1] if words else 0
            words.append((at, at))
        elif word != last:
            words.append(reading.words[word])
        last = word
        ph2word.append(len(words) - 1)
    return tuple(words), tuple(ph2word)


def spread(text: str, spoken: Sequence[str]) -> Words:
    """Spread the words of a text evenly over the spoken sounds: for a text that nobody can read.

    Example
    -------
    >>> spread("ab, cd", ["AA", "B", "<SP>", "K", "D"])
    (((0, 2), (2, 2), (4, 6)), (0, 0, 1, 2, 2))
    """
    places = [match.span() for match in _WORD.finditer(text)] or [(0, len(text))]
    sounds = max(sum(symbol not in _UNHEARD for symbol in spoken), 1)
    words: list[tuple[int, int]] = []
    ph2word: list[int] = []
    count, last = 0, -1
    for symbol in spoken:
        if symbol in _UNHEARD:
            at = words[-1][1] if words else 0
            words.append((at, at))
            last = -1
        else:
            current = count * len(places) // sounds
            count += 1
            if current != last:
                words.append(places[current])
            last = current
        ph2word.append(len(words) - 1)
    return tuple(words), tuple(ph2word)


def _partners(written: Sequence[str], spoken: Sequence[str]) -> list[int | None]:
    """For each spoken phone the written one that it is matched with, by the cheapest edits."""
    rows, columns = len(spoken), len(written)
    extra, missing = list(map(_alone, spoken)), list(map(_alone, written))
    cost = [[0, *itertools.accumulate(missing)]]
    for i in range(1, rows + 1):
        row = [cost[-1][0] + extra[i - 1]]
        for j in range(1, columns + 1):
            change = cost[-1][j - 1] + _change(spoken[i - 1], written[j - 1])
            row.append(min(change, cost[-1][j] + extra[i - 1], row[-1] + missing[j - 1]))
        cost.append(row)
    partner: list[int | None] = [None] * rows
    i, j = rows, columns
    while i and j:
        if cost[i][j] == cost[i - 1][j - 1] + _change(spoken[i - 1], written[j - 1]):
            i, j = i - 1, j - 1
            partner[i] = j
        elif cost[i][j] == cost[i - 1][j] + extra[i - 1]:
            i -= 1
        else:
            j -= 1
    return partner


def _alone(symbol: str) -> int:
    """Price of a phone that has no partner: pauses come and go, sounds rarely."""
    return 1 if symbol in _UNHEARD else 2


def _change(spoken: str, written: str) -> int:
    if spoken == written:
        return 0
    # Five is dearer than leaving one out and putting one in: never done.
    unlike = (spoken in _UNHEARD) != (written in _UNHEARD)
    return 5 if unlike or language_of(spoken) != language_of(written) else 2
