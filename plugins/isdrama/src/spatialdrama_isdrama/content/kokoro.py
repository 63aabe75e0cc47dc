"""The sounds of the voice ``kokoro`` as phones of the inventory, with lengths that sum exactly.

English symbols are one phone each (``english.py``). Mandarin is written in IPA with tone arrows:
"ɕ j a↗ ŋ" is one syllable of the initial x and the final iang. The tables are the inverse of the
ones in misaki (Taubert's ``pinyin-to-ipa``).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from spatialdrama.errors import ValidationError

from . import inventory
from .english import LENGTHS, PAUSES, PHONES, QUOTES, STRESS, phones_of
from .reading import Reading

SILENCE = "sil"
SPACES = QUOTES | {" "}
TONES = {"→": 1, "↗": 2, "↓": 3, "↘": 4}
NEUTRAL = 5
INITIALS = {
    **{"p": "b", "pʰ": "p", "m": "m", "f": "f", "t": "d", "tʰ": "t", "n": "n", "l": "l"},
    **{"k": "g", "kʰ": "k", "x": "h", "h": "h", "ʨ": "j", "ʨʰ": "q", "ɕ": "x", "ꭧ": "zh"},
    **{"ꭧʰ": "ch", "ʂ": "sh", "ɻ": "r", "ʦ": "z", "ʦʰ": "c", "s": "s"},
}
FINALS = {
    **{"a": "a", "ai": "ai", "an": "an", "aŋ": "ang", "au": "ao", "ei": "ei", "ən": "en"},
    **{"əŋ": "eng", "i": "i", "ɨ": "i", "ja": "ia", "jɛn": "ian", "jaŋ": "iang", "jau": "iao"},
    **{"je": "ie", "in": "in", "iŋ": "ing", "jʊŋ": "iong", "jou": "iou", "jɔ": "iou", "ɔ": "o"},
    **{"ʊŋ": "ong", "ou": "ou", "u": "u", "wa": "ua", "wai": "uai", "wan": "uan", "waŋ": "uang"},
    **{"wei": "uei", "wən": "uen", "wo": "uo", "y": "v", "ɥɛn": "van", "ɥe": "ve", "yn": "vn"},
    **{"ɤ": "e", "ɚ": "er", "ɛ": "ei", "n": "en", "m": "en", "ŋ": "en"},
}
_LIPS = frozenset("bpmf")  # before the final o that is spoken wo
_BEFORE, _AFTER = frozenset(STRESS), frozenset(TONES) | LENGTHS | {"ʰ"}
_MANDARIN_ONLY = frozenset("ɻꭧʂɕʨʦɤɥyɨʰ") | frozenset(TONES)
_ENGLISH_ONLY = (frozenset(PHONES) | _BEFORE | LENGTHS) - frozenset("aeəɛiouʊɔɚpmftnlkxhsjwŋ")

#: A phone with its tone, language and samples.
Found = tuple[str, int, str, int]
#: A syllable of a word: (symbol, tone, first and last sound behind it) of each of its phones.
Syllable = tuple[tuple[str, int, int, int], ...]


def parse(
    pieces: Sequence[tuple[str, int]], *, reading: Reading | None, shortest_pause: int
) -> list[Found]:
    """Return phones of the inventory for sounds of the voice.

    Parameters
    ----------
    pieces
        Symbols and samples; marks of tone, stress and breath may stand alone or at their sound.
    reading
        Chooses between two ways to cut a word into syllables.
    shortest_pause
        Samples from which a space is a pause. A shorter one is cut in two halves, for its
        neighbours; a comma, full stop or "sil" is always a pause.

    Raises
    ------
    ValidationError
        For a symbol that the voice does not have, and sounds that are no Mandarin syllables.

    Example
    -------
    >>> parse([("x", 2), ("au↓", 4), (" ", 3), ("ɚ", 5)], reading=None, shortest_pause=9)
    [('h', 0, 'zh', 2), ('ao', 3, 'zh', 5), ('er', 5, 'zh', 7)]
    """
    expected = _syllables_of(reading) if reading is not None else ()
    found: list[Found] = []
    owed = said = 0  # samples of a short space for the next phone; syllables so far
    language = ""
    for is_word, group in _grouped(_joined(pieces)):
        if is_word:
            language = _language_of(group) or language or _next_language(pieces) or "zh"
            if language == "zh":
                syllables = _best(group, expected[said:])
                said += len(syllables)
                new = _mandarin(group, syllables)
            else:
                new = _english(group)
            symbol, tone, spoken, n = new[0]
            found += [(symbol, tone, spoken, n + owed), *new[1:]]
            owed = 0
            continue
        length = sum(n for _, n in group)
        heard = any(s in (SILENCE, inventory.SILENCE) or s in PAUSES for s, _ in group)
        if heard or length >= shortest_pause or not found:
            found.append((inventory.SILENCE, 0, "", length))
        else:
            symbol, tone, spoken, n = found[-1]
            found[-1] = (symbol, tone, spoken, n + length // 2)
            owed = length - length // 2
    if owed:
        symbol, tone, spoken, n = found[-1]
        found[-1] = (symbol, tone, spoken, n + owed)
    return found


def _joined(pieces: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Stress marks at the next sound, tones and breaths at the one before."""
    joined: list[tuple[str, int]] = []
    pending, waiting = "", 0
    for symbol, n in pieces:
        if symbol and all(c in _BEFORE for c in symbol):
            pending, waiting = pending + symbol, waiting + n
        elif symbol and all(c in _AFTER for c in symbol) and joined and not pending:
            joined[-1] = (joined[-1][0] + symbol, joined[-1][1] + n)
        else:
            joined.append((pending + symbol, waiting + n))
            pending, waiting = "", 0
    if pending:
        joined[-1] = (joined[-1][0], joined[-1][1] + waiting)
    return joined


def _grouped(pieces: list[tuple[str, int]]) -> list[tuple[bool, list[tuple[str, int]]]]:
    """Words, and what stands between them."""
    groups: list[tuple[bool, list[tuple[str, int]]]] = []
    for symbol, n in pieces:
        between = symbol in (SILENCE, inventory.SILENCE) or all(
            c in PAUSES or c in SPACES for c in symbol
        )
        if not groups or groups[-1][0] == between:
            groups.append((not between, []))
        groups[-1][1].append((symbol, n))
    return groups


def _language_of(word: Sequence[tuple[str, int]]) -> str:
    symbols = {c for symbol, _ in word for c in symbol}
    if symbols & _MANDARIN_ONLY:
        return "zh"
    return "en" if symbols & _ENGLISH_ONLY else ""


def _next_language(pieces: Sequence[tuple[str, int]]) -> str:
    """Language of the first word that tells it: for a line that begins with one that does not."""
    return next((found for piece in pieces if (found := _language_of([piece]))), "")


def _english(word: Sequence[tuple[str, int]]) -> list[Found]:
    found: list[Found] = []
    for symbol, n in word:
        phones = phones_of(symbol)
        if not phones:
            raise ValidationError(f"{symbol!r} is a mark without a sound; give a sound with it")
        share = [n // len(phones)] * len(phones)
        share[-1] += n - sum(share)
        found += [(s, tone, "en", m) for (s, tone), m in zip(phones, share, strict=True)]
    return found


def _mandarin(word: Sequence[tuple[str, int]], syllables: Sequence[Syllable]) -> list[Found]:
    return [
        (symbol, tone, "zh", sum(n for _, n in word[first:last]))
        for syllable in syllables
        for symbol, tone, first, last in syllable
    ]


def _best(word: Sequence[tuple[str, int]], expected: Sequence[tuple[str, ...]]) -> list[Syllable]:
    """The way to cut a word that agrees with the text; else few syllables, with initials."""

    def cost(cut: tuple[Syllable, ...]) -> tuple[int, int, int]:
        plain = [tuple(symbol for symbol, *_ in syllable) for syllable in cut]
        wrong = sum(a != b for a, b in zip(plain, expected, strict=False)) if expected else 0
        bare = sum(syllable[0][0] not in inventory.INITIALS for syllable in cut)
        return wrong, len(cut), bare

    sounds = tuple(symbol for symbol, _ in word)
    ways = _cuts(sounds)
    if not ways:
        raise ValidationError(
            f"the sounds {' '.join(sounds)!r} are no Mandarin syllables of the voice kokoro"
        )
    return list(min(ways, key=cost))


@functools.lru_cache(maxsize=4096)
def _cuts(sounds: tuple[str, ...], at: int = 0) -> tuple[tuple[Syllable, ...], ...]:
    """Every way to cut the sounds from `at` on into syllables."""
    if at == len(sounds):
        return ((),)
    found = []
    bases = ["".join(c for c in s if c not in TONES and c not in LENGTHS) for s in sounds]
    for first in (at, at + 1):
        initial = INITIALS.get(bases[at]) if first > at else ""
        if initial is None:
            continue
        for last in range(first + 1, min(first + 3, len(sounds)) + 1):
            syllable = _syllable(sounds, bases, initial, at, first, last)
            if syllable is not None:
                found += [(syllable, *rest) for rest in _cuts(sounds, last)]
    return tuple(found)


def _syllable(
    sounds: tuple[str, ...], bases: list[str], initial: str, at: int, first: int, last: int
) -> Syllable | None:
    chunk = "".join(bases[first:last])
    marks = [c for s in sounds[at:last] for c in s if c in TONES]
    if len(marks) > 1:
        return None
    tone = TONES[marks[0]] if marks else NEUTRAL
    head = ((initial, 0, at, first),) if initial else ()
    if chunk == "wəŋ" and not initial:
        return (("u", 0, first, first + 1), ("eng", tone, first + 1, last))
    if chunk not in FINALS or (initial and chunk in ("m", "ŋ") and initial != "h"):
        return None
    if initial and chunk == "n":
        return None
    final = "o" if chunk == "wo" and initial in _LIPS else FINALS[chunk]
    return (*head, (final, tone, first, last))


def _syllables_of(reading: Reading) -> tuple[tuple[str, ...], ...]:
    """The phones of each Mandarin word of a reading."""
    words: dict[int, list[str]] = {}
    for symbol, word in zip(reading.symbols, reading.ph2word, strict=True):
        if inventory.language_of(symbol) == "zh":
            words.setdefault(word, []).append(symbol)
    return tuple(tuple(symbols) for symbols in words.values())
