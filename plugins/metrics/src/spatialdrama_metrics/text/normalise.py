"""One text form for what is heard: two transcripts of the same sound become the same string.

In order: Unicode NFKC and lower case; traditional characters to simplified (OpenCC ``t2s``);
digits, percent and currency signs to words of the surrounding language; a few English spellings
and abbreviations; everything but letters and marks removed, spaces included, because neither
"to-night" and "tonight" nor 你 好 and 你好 sound different.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from spatialdrama_metrics.text.numbers import english_number, english_ordinal, mandarin_number

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
_NUMBER = re.compile(
    r"(?P<currency>[$£€¥])?\s?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<mark>\s?%|(?:st|nd|rd|th)\b)?",
    re.ASCII,
)
_CURRENCY_EN = {"$": "dollars", "£": "pounds", "€": "euros", "¥": "yuan"}
_CURRENCY_ZH = {"$": "美元", "£": "英镑", "€": "欧元", "¥": "元"}

#: British to American; a recogniser follows its own habit, not the speaker's.
_OUR = re.compile(
    r"\b((?:dis)?hon|(?:dis|un)?col|(?:dis)?fav|lab|neighb|hum|rum|(?:mis)?behavi|savi|(?:un)?sav|vap|harb"
    r"|endeav|arm|splend|val|od|ard|cand|rig|vig|succ|parl|clam|ranc|tum)our"
)
_WORDS = {
    "centre": "center", "cheque": "check", "defence": "defense", "dr": "doctor", "grey": "gray",
    "jewellery": "jewelry", "mr": "mister", "mrs": "missus", "o": "oh", "offence": "offense",
    "ok": "okay", "plough": "plow", "sceptre": "scepter", "spectre": "specter",
    "theatre": "theater", "traveller": "traveler",
}  # fmt: skip
_WORD = re.compile(r"\b(" + "|".join(_WORDS) + r")\b(?!['’])")
#: 两百 and 二百 are one number; 两个 is not 二个, so only before a scale.
_LIANG = re.compile("两(?=[百千万亿])")


@cache
def _simplifier():
    import opencc

    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """Traditional Chinese characters to simplified ones; anything else as it is.

    Examples
    --------
    >>> simplified("誰在那裡")
    '谁在那里'
    """
    if not re.search(f"[{_HAN}]", text):
        return text
    return _simplifier().convert(text)


def _is_mandarin(text: str, start: int, end: int, default: bool) -> bool:
    """Whether a number stands in Mandarin text.

    By the letter that touches it (3次), else the nearest before it, else the nearest after.
    """
    if re.match(f"[{_HAN}]", text[end : end + 1]):
        return True
    for part in (reversed(text[:start]), text[end:]):
        for character in part:
            if character.isalpha():
                return bool(re.match(f"[{_HAN}]", character))
    return default


def _spoken_numbers(text: str, mandarin: bool) -> str:
    def read(match: re.Match) -> str:
        digits, mark = match["digits"], (match["mark"] or "").strip()
        currency = match["currency"]
        if _is_mandarin(text, match.start(), match.end(), mandarin):
            words = mandarin_number(digits, after=text[match.end() : match.end() + 1])
            words = f"百分之{words}" if mark == "%" else words
            return words + _CURRENCY_ZH.get(currency, "")
        whole = digits.replace(",", "")
        if mark and mark != "%" and whole.isdigit() and len(whole) <= 12:
            return f" {english_ordinal(int(whole))} "
        words = english_number(digits) + (" percent" if mark == "%" else "")
        return f" {words} {_CURRENCY_EN.get(currency, '')} "

    return _NUMBER.sub(read, text)


def normalise(text: str, *, language: str | None = None) -> str:
    """Bring a transcript into the form that is compared.

    Parameters
    ----------
    text : str
        A script's line or a recogniser's output, languages mixed or not.
    language : str, optional
        Reads numbers that stand alone: Mandarin for "zh", else English.

    Returns
    -------
    str
        Letters and numerals only, possibly empty.

    Examples
    --------
    >>> normalise("Who's there? It's the 2nd of May, 1603!")
    'whosthereitsthesecondofmaysixteenohthree'
    >>> normalise("他說:「我有23個。」") == normalise("他说 我有二十三个")
    True
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = simplified(text).replace("〇", "零")
    text = _spoken_numbers(text, language == "zh")
    text = _LIANG.sub("二", text)
    text = _OUR.sub(r"\1or", text)
    text = _WORD.sub(lambda m: _WORDS[m[1]], text)
    return "".join(c for c in text if unicodedata.category(c)[0] in "LMN")
