"""The phones that annotations are written in, and what the voice ``kokoro`` calls the same sounds.

Mandarin is MRSDrama's: initials and finals of pypinyin's strict scheme without tones, ü as v, a
syllable without an initial by its final alone (我 "uo", 有 "iou"), <SP> for a pause, <AP> for a
breath. English, which MRSDrama has not, is ARPAbet in capitals with BEEP's AX and OH and TIMIT's DX
and IX, so that no symbol means two sounds.
"""

from __future__ import annotations

from typing import Final


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PAUSE: Final = "<SP>"
BREATH: Final = "<AP>"
INITIALS: Final = _split("b p m f d t n l g k h j q x zh ch sh r z c s")
FINALS: Final = _split(
    "a o e i u v ai ei ao ou an en ang eng ong er ia ie iao iou ian in iang ing iong "
    "ua uo uai uei uan uen uang van ve vn"
)
VOWELS: Final = _split("AA AE AH AO AW AX AY EH ER EY IH IX IY OH OW OY UH UW")
CONSONANTS: Final = _split("B CH D DH DX F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")
MANDARIN: Final = frozenset((*INITIALS, *FINALS))
ENGLISH: Final = frozenset((*VOWELS, *CONSONANTS))
#: Sounds that a syllable is held on.
HELD: Final = frozenset((*FINALS, *VOWELS))

#: Marks of text that are heard as a pause.
PAUSES: Final = frozenset("，。！？；：、．…—～~,.!?;:\n")

#: misaki's English alphabet onto ARPAbet. Capitals are diphthongs there; ᵊ is a small schwa.
FROM_MISAKI: Final = {
    **{"A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY", "ʤ": "JH", "ʧ": "CH"},
    **{"a": "AE", "æ": "AE", "ɑ": "AA", "ɒ": "OH", "ɔ": "AO", "ə": "AX", "ɐ": "AX", "ᵊ": "AX"},
    **{"ɚ": "ER", "ɜ": "ER", "ɛ": "EH", "e": "EH", "ɪ": "IH", "ᵻ": "IX", "i": "IY", "o": "OW"},
    **{"ʊ": "UH", "u": "UW", "ʌ": "AH", "b": "B", "d": "D", "ð": "DH", "T": "DX", "ɾ": "DX"},
    **{"f": "F", "ɡ": "G", "g": "G", "h": "HH", "x": "HH", "j": "Y", "k": "K", "l": "L"},
    **{"m": "M", "n": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "s": "S", "ʃ": "SH"},
    **{"t": "T", "ʔ": "T", "θ": "TH", "v": "V", "w": "W", "z": "Z", "ʒ": "ZH"},
}
#: What the voice writes for Mandarin initials and finals, without tones.
SOUNDS: Final = {
    **{"b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l"},
    **{"g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ"},
    **{"ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s"},
    **{"a": "a", "ai": "ai", "an": "an", "ang": "aŋ", "ao": "au", "ei": "ei", "en": "ən"},
    **{"eng": "əŋ", "i": "i", "ia": "ja", "ian": "jɛn", "iang": "jaŋ", "iao": "jau"},
    **{"ie": "je", "in": "in", "ing": "iŋ", "iong": "jʊŋ", "iou": "jou", "o": "wo"},
    **{"ong": "ʊŋ", "ou": "ou", "u": "u", "ua": "wa", "uai": "wai", "uan": "wan"},
    **{"uang": "waŋ", "uei": "wei", "uen": "wən", "uo": "wo", "v": "y", "van": "ɥɛn"},
    **{"ve": "ɥe", "vn": "yn", "e": "ɤ", "er": "ɚ"},
}
#: Marks that the voice joins to a sound and that are no sound: stress, length, tone, breath apart.
MARKS: Final = frozenset("ˈˌːʲ\u0303ᵝ→↗↓↘")


def language_of(symbol: str) -> str:
    """Return "zh" or "en", or "" for a pause, a breath, and what is none of ours.

    Examples
    --------
    >>> language_of("uo"), language_of("AA"), language_of("<SP>")
    ('zh', 'en', '')
    """
    return "zh" if symbol in MANDARIN else "en" if symbol in ENGLISH else ""
