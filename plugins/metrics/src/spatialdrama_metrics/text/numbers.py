"""Digits to the words a speaker says, in English and Mandarin.

A recogniser writes "23" or "twenty three" as it pleases. Only the words can be compared with a
script that says either.
"""

from __future__ import annotations

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_HAN_DIGITS = "零一二三四五六七八九"
_LONGEST = 12  # digits; beyond, and after a leading zero, numbers are read digit by digit


def english_cardinal(number: int) -> str:
    """A whole number in English words, without "and".

    Parameters
    ----------
    number : int
        From 0, below 10**12.

    Examples
    --------
    >>> english_cardinal(1203)
    'one thousand two hundred three'
    """
    if number < 20:
        return _ONES[number]
    if number < 100:
        rest = number % 10
        return _TENS[number // 10] + (f" {_ONES[rest]}" if rest else "")
    scale, name = next((s, n) for s, n in _SCALES if number >= s)
    head, rest = divmod(number, scale)
    return f"{english_cardinal(head)} {name}" + (f" {english_cardinal(rest)}" if rest else "")


def english_ordinal(number: int) -> str:
    """A whole number as an English ordinal.

    Examples
    --------
    >>> english_ordinal(21), english_ordinal(12), english_ordinal(30)
    ('twenty first', 'twelfth', 'thirtieth')
    """
    *head, last = english_cardinal(number).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return " ".join([*head, last])


def english_number(digits: str) -> str:
    """A run of digits, perhaps with a decimal point and thousands commas, as it is read aloud.

    Four digits from 1100 to 1999 and 2010 to 2099 are read as years, in pairs.

    Examples
    --------
    >>> [english_number(n) for n in ("1,066", "1984", "3.14", "007")]
    ['one thousand sixty six', 'nineteen eighty four', 'three point one four', 'zero zero seven']
    """
    whole, _, fraction = digits.partition(".")
    comma, whole = "," in whole, whole.replace(",", "")
    if fraction:
        return f"{_english_whole(whole)} point {_english_digits(fraction)}"
    if not comma and len(whole) == 4 and (1100 <= int(whole) < 2000 or 2010 <= int(whole) < 2100):
        head, tail = int(whole[:2]), int(whole[2:])
        if tail == 0:
            return f"{english_cardinal(head)} hundred"
        middle = " oh " if tail < 10 else " "
        return f"{english_cardinal(head)}{middle}{english_cardinal(tail)}"
    return _english_whole(whole)


def _english_whole(digits: str) -> str:
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return _english_digits(digits)
    return english_cardinal(int(digits))


def _english_digits(digits: str) -> str:
    return " ".join(_ONES[int(d)] for d in digits)


def mandarin_cardinal(number: int) -> str:
    """A whole number in Chinese numerals, 二 throughout (never 两).

    Parameters
    ----------
    number : int
        From 0, below 10**12.

    Examples
    --------
    >>> mandarin_cardinal(105), mandarin_cardinal(12), mandarin_cardinal(20300)
    ('一百零五', '十二', '二万零三百')
    """
    if number == 0:
        return "零"
    text, gap = "", False
    for scale, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        group = number // scale % 10**4
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _mandarin_group(group) + name
        gap = False
    # 12 is 十二, but 112 is 一百一十二.
    return text[1:] if text.startswith("一十") else text


def _mandarin_group(group: int) -> str:
    text, gap = "", False
    for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = group // scale % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _HAN_DIGITS[digit] + name
        gap = False
    return text


def mandarin_number(digits: str, *, after: str = "") -> str:
    """A run of digits as it is read aloud in Mandarin.

    Four digits before 年 are read one by one; a lone 2 before a measure word is 两.

    Parameters
    ----------
    digits : str
        Digits, perhaps with commas and a decimal point.
    after : str
        The character that follows.

    Examples
    --------
    >>> mandarin_number("2026", after="年"), mandarin_number("2", after="个")
    ('二零二六', '两')
    >>> mandarin_number("3.5")
    '三点五'
    """
    whole, _, fraction = digits.replace(",", "").partition(".")
    if fraction:
        return f"{_mandarin_whole(whole)}点{_mandarin_digits(fraction)}"
    if len(whole) == 4 and after == "年":
        return _mandarin_digits(whole)
    if whole == "2" and "\u4e00" <= after <= "\u9fff" and after not in "月日号年度级楼十分之":
        return "两"
    return _mandarin_whole(whole)


def _mandarin_whole(digits: str) -> str:
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return _mandarin_digits(digits)
    return mandarin_cardinal(int(digits))


def _mandarin_digits(digits: str) -> str:
    return "".join(_HAN_DIGITS[int(d)] for d in digits)
