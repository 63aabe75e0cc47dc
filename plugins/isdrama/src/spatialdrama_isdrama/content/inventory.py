"""The phones that the model knows, their tones and languages, as numbers.

Mandarin is MRSDrama's: the initials and finals of pypinyin's strict scheme without a tone, as its
makers' own scripts write them (facts A2). A syllable without an initial is written by its final
alone, ü is v: 我 "uo", 有 "iou", 要 "iao", 女 "n v". With the marks of a pause <SP> and a breath
<AP> these are 58 symbols. English, which MRSDrama has not, follows in the capitals of ARPAbet with
BEEP's AX and OH, TIMIT's DX and IX, so that no symbol means two sounds.
"""

from __future__ import annotations

import re

from spatialdrama.errors import ValidationError


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PAD = "<PAD>"
SILENCE, BREATH = "<SP>", "<AP>"
INITIALS = _split("b p m f d t n l g k h j q x zh ch sh r z c s")
FINALS = _split(
    "a o e i u v ai ei ao ou an en ang eng ong er ia ie iao iou ian in iang ing iong "
    "ua uo uai uei uan uen uang van ve vn"
)
MANDARIN = (SILENCE, BREATH, *INITIALS, *FINALS)
VOWELS = _split("AA AE AH AO AW AX AY EH ER EY IH IX IY OH OW OY UH UW")
CONSONANTS = _split("B CH D DH DX F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")
ENGLISH = (*VOWELS, *CONSONANTS)
#: Number i of a phone is its place in here; 0 is the padding.
PHONES = (PAD, *MANDARIN, *ENGLISH)
#: Number of a language; 0 is the padding. A pause has the language around it.
LANGUAGES = ("", "zh", "en")
#: Tones of Mandarin finals (5 is neutral) and stresses of English vowels; 0 is none.
TONES = ("", "1", "2", "3", "4", "5", "primary", "secondary")
PRIMARY, SECONDARY = TONES.index("primary"), TONES.index("secondary")

_NUMBER = {symbol: i for i, symbol in enumerate(PHONES)}
_LANGUAGE = {
    **dict.fromkeys((*INITIALS, *FINALS), "zh"),
    **dict.fromkeys(ENGLISH, "en"),
}
_TONED = re.compile(r"(?P<phone>[a-z]+)(?P<tone>[1-5])|(?P<vowel>[A-Z]{2})(?P<stress>[012])")
#: ARPAbet's digits: 0 unstressed, 1 primary, 2 secondary.
_STRESSES = (0, PRIMARY, SECONDARY)


def number_of(symbol: str) -> int:
    """Return the number of a phone.

    Raises
    ------
    ValidationError
        If the inventory has no such phone.

    Example
    -------
    >>> number_of("<PAD>"), number_of("<SP>"), number_of("uo") < number_of("AA")
    (0, 1, True)
    """
    if symbol not in _NUMBER:
        raise ValidationError(
            f"{symbol!r} is no phone of this model; it knows pypinyin's initials and finals, "
            f"ARPAbet in capitals, {SILENCE} and {BREATH}"
        )
    return _NUMBER[symbol]


def language_of(symbol: str) -> str:
    """Return "zh", "en", or "" for a pause and a breath.

    Example
    -------
    >>> language_of("uo"), language_of("AA"), language_of("<SP>")
    ('zh', 'en', '')
    """
    number_of(symbol)
    return _LANGUAGE.get(symbol, "")


def split_tone(symbol: str) -> tuple[str, int] | None:
    """Return the phone and the number of its tone; None if the inventory has no such phone.

    Finals may bear the tone digit of pypinyin, vowels the stress digit of ARPAbet.

    Example
    -------
    >>> split_tone("uo3"), split_tone("AA1"), split_tone("zh"), split_tone("ŋ")
    (('uo', 3), ('AA', 6), ('zh', 0), None)
    """
    if symbol in _NUMBER and symbol != PAD:
        return symbol, 0
    match = _TONED.fullmatch(symbol)
    if match is None:
        return None
    if match["phone"] in FINALS:
        return match["phone"], int(match["tone"])
    if match["vowel"] in VOWELS:
        return match["vowel"], _STRESSES[int(match["stress"])]
    return None
