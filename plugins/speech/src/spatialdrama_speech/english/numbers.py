"""English words for numbers: cardinals, ordinals, years, decimals, money.

Checked against the library ``inflect`` in ``tests/test_english.py``.
"""

from __future__ import annotations

import re

from spatialdrama.errors import ValidationError

from ..wordlist import words

UNITS = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
)
TENS = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
MONEY = {"$": ("dollar", "cent"), "£": ("pound", "pence"), "€": ("euro", "cent")}

NUMBER = re.compile(
    r"(?P<money>[$£€])?(?P<minus>(?<![\w-])-)?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<decimals>\.\d+)?(?P<suffix>st|nd|rd|th|s)?(?![a-zA-Z])"
)
CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})\b")


def cardinal(n: int) -> str:
    """Words of a whole number.

    Example
    -------
    >>> cardinal(1602)
    'one thousand six hundred and two'
    """
    if n < 0:
        return "minus " + cardinal(-n)
    if n < 20:
        return UNITS[n]
    if n < 100:
        tens, unit = divmod(n, 10)
        return TENS[tens] + (f"-{UNITS[unit]}" if unit else "")
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        return f"{UNITS[hundreds]} hundred" + (f" and {cardinal(rest)}" if rest else "")
    for size, name in SCALES:
        if n >= size:
            count, rest = divmod(n, size)
            if count >= 1000:
                break
            joint = " and " if 0 < rest < 100 else " "
            return f"{cardinal(count)} {name}" + (f"{joint}{cardinal(rest)}" if rest else "")
    return " ".join(UNITS[int(digit)] for digit in str(n))


def ordinal(n: int) -> str:
    """Words of a rank: 21 -> 'twenty-first'."""
    head, sep, last = re.match(r"(.*?)([ -]?)(\w+)$", cardinal(n)).groups()
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + sep + last


def year(n: int) -> str:
    """Words of a year from 1100 to 2099, as people say it: 1602 -> 'sixteen oh two'."""
    century, rest = divmod(n, 100)
    if rest == 0:
        return cardinal(n) if century % 10 == 0 else f"{cardinal(century)} hundred"
    if century == 20 and rest < 10:
        return cardinal(n)
    return f"{cardinal(century)} " + (f"oh {UNITS[rest]}" if rest < 10 else cardinal(rest))


def spell_out(text: str) -> str:
    """Replace every number in a text by words.

    Raises
    ------
    ValidationError
        If a number has more than 60 digits, which nobody can mean to have spoken.

    Example
    -------
    >>> spell_out("At 7 o'clock, in 1602, the 3rd paid $2.50.")
    "At seven o'clock, in sixteen oh two, the third paid two dollars and fifty cents."
    """
    return NUMBER.sub(_words, CLOCK.sub(_clock, text))


def _clock(match: re.Match) -> str:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return match[0].replace(":", " ")
    if minute == 0:
        return f"{cardinal(hour)} o'clock"
    return f"{cardinal(hour)} " + (f"oh {UNITS[minute]}" if minute < 10 else cardinal(minute))


def _words(match: re.Match) -> str:
    whole = match["whole"].replace(",", "")
    if len(whole) > 60:
        raise ValidationError(
            f"the text has a number of {len(whole)} digits ({whole[:12]}...); write it in words"
        )
    n, decimals, suffix = int(whole), match["decimals"] or "", match["suffix"] or ""
    sign = "minus " if match["minus"] else ""
    if match["money"]:
        return sign + _money(n, decimals, MONEY[match["money"]])
    if decimals:
        return f"{sign}{cardinal(n)} point " + " ".join(UNITS[int(d)] for d in decimals[1:])
    if suffix in ("st", "nd", "rd", "th"):
        return sign + ordinal(n)
    if len(whole) > 1 and whole[0] == "0":
        return " ".join(UNITS[int(digit)] for digit in whole)
    is_year = len(match["whole"]) == 4 and 1100 <= n <= 2099 and not sign
    words = year(n) if is_year else sign + cardinal(n)
    return _plural(words) if suffix == "s" else words


def _money(n: int, decimals: str, units: tuple[str, str]) -> str:
    cents = int((decimals[1:] + "00")[:2])
    parts = []
    if n or not cents:
        parts.append(f"{cardinal(n)} {units[0]}{'' if n == 1 else 's'}")
    if cents:
        plural = "" if cents == 1 or units[1] == "pence" else "s"
        parts.append(f"{cardinal(cents)} {units[1]}{plural}")
    return " and ".join(parts)


def _plural(words: str) -> str:
    return words[:-1] + "ies" if words.endswith("y") else words + "s"
