"""Two transcripts of one sound become one string; number words against closed forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_metrics.text import normalise
from spatialdrama_metrics.text.normalise import simplified
from spatialdrama_metrics.text.numbers import (
    english_cardinal,
    english_number,
    english_ordinal,
    mandarin_cardinal,
    mandarin_number,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Who's there?", "whos there"),
        ("Who’s THERE…", "who's there!"),
        ("to-night", "tonight"),
        ("It cost $5, or 5%.", "it cost five dollars or five percent"),
        ("the 21st of May, 1984", "The twenty-first of May nineteen eighty-four"),
        ("1,000,000 men", "one million men"),
        ("honour and armour", "honor and armor"),
        ("Mr. Smith's theatre", "mister Smith's theater"),
        ("O speak!", "Oh, speak."),
        ("他說：「誰在那裡？」", "他说谁在那里"),
        ("我有23个，也就是百分之十。", "我有二十三个也就是10%"),
        ("２０２６年", "二零二六年"),
        ("二〇二六年", "2026年"),
        ("2个人，两百块", "两个人200块"),
        ("3.5公里", "三点五公里"),
        ("他说 hello 三次", "他說Hello，3次。"),
        ("OK，走吧", "okay走吧"),
        ("$5", "five dollars"),
    ],
)
def test_same_sound_same_string(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("he", "she"), ("two", "too"), ("你好", "您好"), ("two men", "2nd men"), ("两个", "二个")],
)
def test_different_sounds_stay_different(one, other):
    assert normalise(one) != normalise(other)


def test_o_before_an_apostrophe_is_no_exclamation():
    assert normalise("two o'clock") == "twooclock"


def test_a_lone_number_is_read_in_the_hinted_language():
    assert normalise("12", language="zh") == "十二"
    assert normalise("12", language="en") == "twelve"
    assert normalise("12") == "twelve"


@pytest.mark.parametrize("text", ["", "...", "?!", "—— 。，", "  \n"])
def test_nothing_sayable_is_empty(text):
    assert normalise(text) == ""


@settings(deadline=None)
@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing_and_keeps_only_letters(text):
    once = normalise(text)
    assert not any(c.isspace() for c in once)
    assert not any(c in ",.?!;:'\"，。？！" for c in once)
    assert not any(c in "0123456789" for c in once)


@given(st.text(alphabet="abcdefg 你好吗", max_size=30))
def test_words_without_numbers_are_stable(text):
    assert normalise(normalise(text)) == normalise(text)


def test_traditional_characters():
    assert simplified("後來，他們離開了學校。") == "后来，他们离开了学校。"
    assert simplified("plain") == "plain"


def parse_english(words):
    """Read number words back, by the rules of the language and not of the code."""
    units = {
        "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
        "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
        "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
        "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
        "seventy": 70, "eighty": 80, "ninety": 90,
    }  # fmt: skip
    total = group = 0
    for word in words.split():
        if word in units:
            group += units[word]
        elif word == "hundred":
            group *= 100
        else:
            total += group * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[word]
            group = 0
    return total + group


@given(st.integers(0, 10**12 - 1))
def test_english_reads_back(number):
    assert parse_english(english_cardinal(number)) == number


def parse_mandarin(text):
    digits = {c: i for i, c in enumerate("零一二三四五六七八九")}
    total = section = digit = 0
    for c in text:
        if c in digits:
            digit = digits[c]
        elif c in "十百千":
            section += (digit or (1 if c == "十" else 0)) * {"十": 10, "百": 100, "千": 1000}[c]
            digit = 0
        else:
            total += (section + digit) * {"万": 10**4, "亿": 10**8}[c]
            section = digit = 0
    return total + section + digit


@given(st.integers(0, 10**12 - 1))
def test_mandarin_reads_back(number):
    text = mandarin_cardinal(number)
    assert parse_mandarin(text) == number
    assert "零零" not in text
    assert not (len(text) > 1 and text.endswith("零"))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "零"), (10, "十"), (110, "一百一十"), (1001, "一千零一"), (10010, "一万零一十"),
     (100000, "十万"), (1000100, "一百万零一百"), (20001000, "二千万一千"),
     (200010000, "二亿零一万"), (100000001, "一亿零一")],
)  # fmt: skip
def test_mandarin_as_written_in_grammars(number, text):
    # A gap of exactly the thousands' place of a lower group is read without 零 only when the group
    # above ends in its own ones; this follows the usual reading.
    assert mandarin_cardinal(number) == text


@pytest.mark.parametrize(
    ("digits", "words"),
    [("1900", "nineteen hundred"), ("2005", "two thousand five"), ("2026", "twenty twenty six"),
     ("0.5", "zero point five"), ("1234567890123", "one two three four five six seven eight nine "
      "zero one two three"), ("1,984", "one thousand nine hundred eighty four")],
)  # fmt: skip
def test_english_numbers(digits, words):
    assert english_number(digits) == words


def test_ordinals_and_measures():
    ordinals = {
        1: "first",
        8: "eighth",
        20: "twentieth",
        100: "one hundredth",
        103: "one hundred third",
    }
    assert {n: english_ordinal(n) for n in ordinals} == ordinals
    assert mandarin_number("2", after="月") == "二"
    assert mandarin_number("2") == "二"
    assert mandarin_number("12", after="个") == "十二"
    assert mandarin_number("007") == "零零七"
