"""Digits in Mandarin text, written as characters, since pypinyin reads none."""

from __future__ import annotations

import re

DIGITS = "零一二三四五六七八九"
_NUMBER = re.compile(
    r"(?P<year>\d{4})(?=年)"
    r"|(?P<hour>\d{1,2})[::：](?P<minute>[0-5]\d)(?!\d)"
    r"|(?P<whole>\d+)(?:\.(?P<part>\d+))?(?P<share>[%％])?"
)
_BIG = ("", "万", "亿")
_SMALL = ("", "十", "百", "千")
_LONGEST = 12  # digits that 亿 can hold; longer ones are read one by one
#: Before these a lone 2 is 两.
_COUNTED = frozenset("个只位条次天年块本人句杯件间把张种场遍家岁")


def spell_out(text: str) -> str:
    """Return the text with its digits as Mandarin is said.

    Years and numbers that start with 0 are read digit by digit.

    Example
    -------
    >>> spell_out("1937年7月7日3:30，2个人喝了10.5杯，占50%")
    '一九三七年七月七日三点三十分，两个人喝了十点五杯，占百分之五十'
    """
    return _NUMBER.sub(lambda match: _say(match, text), text.translate(_NARROW))


_NARROW = str.maketrans("０１２３４５６７８９", "0123456789")


def _say(match: re.Match[str], text: str) -> str:
    if match["year"]:
        return _one_by_one(match["year"])
    if match["hour"]:
        minute = int(match["minute"])
        spoken = f"{'零' if 0 < minute < 10 else ''}{cardinal(minute)}分" if minute else "整"
        return f"{cardinal(int(match['hour']))}点{spoken}"
    whole = match["whole"]
    if match["part"] is None and not match["share"] and whole == "2":
        return "两" if text[match.end() : match.end() + 1] in _COUNTED else "二"
    digits = len(whole) > _LONGEST or (len(whole) > 1 and whole[0] == "0")
    said = _one_by_one(whole) if digits else cardinal(int(whole))
    if match["part"] is not None:
        said += "点" + _one_by_one(match["part"])
    return "百分之" + said if match["share"] else said


def cardinal(value: int) -> str:
    """Return a number from 0 on, below ten to the twelfth, in characters.

    Example
    -------
    >>> cardinal(10), cardinal(205), cardinal(10_010), cardinal(120_000_000)
    ('十', '二百零五', '一万零一十', '一亿二千万')
    """
    if value == 0:
        return DIGITS[0]
    groups = []
    while value:
        value, group = divmod(value, 10_000)
        groups.append(group)
    said, gap = "", False
    for power in range(len(groups) - 1, -1, -1):
        group = groups[power]
        if group == 0:
            gap = bool(said)
            continue
        said += "零" if said and (gap or group < 1000) else ""
        said += _below_ten_thousand(group) + _BIG[power]
        gap = False
    return said[1:] if said.startswith("一十") else said


def _below_ten_thousand(value: int) -> str:
    said, gap = "", False
    for power in (3, 2, 1, 0):
        digit = value // 10**power % 10
        if digit == 0:
            gap = bool(said)
            continue
        said += ("零" if gap else "") + DIGITS[digit] + _SMALL[power]
        gap = False
    return said


def _one_by_one(digits: str) -> str:
    return "".join(DIGITS[int(digit)] for digit in digits)
