"""Mandarin front end: against misaki's own, and what that one leaves out."""

import pytest
from pypinyin import Style, lazy_pinyin
from pypinyin.pinyin_dict import pinyin_dict
from spatialdrama_speech import mandarin
from spatialdrama_speech.g2p import SYMBOLS


def test_known_syllables():
    # Pinyin to Kokoro's symbols, by hand from misaki's table and the IPA of Standard Chinese.
    assert mandarin.read("你好").phonemes == "ni↓xau↓"
    assert mandarin.read("知识").phonemes == "ꭧɨ→ʂɨ↗"
    assert mandarin.read("全").phonemes == "ʨʰɥɛ↗n"
    assert mandarin.read("二").phonemes == "ɚ↘"


def test_every_reading_of_every_character_has_symbols():
    syllables = set()
    for code in pinyin_dict:
        syllables.update(lazy_pinyin(chr(code), style=Style.TONE3, neutral_tone_with_five=True))
    assert len(syllables) > 1300
    for syllable in syllables:
        symbols = mandarin._syllable(syllable)
        assert symbols, syllable
        assert set(symbols) <= set(SYMBOLS), (syllable, symbols)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1937年7月7日，占50%。", "一九三七年七月七日，占百分之五十。"),
        ("我有3个。", "我有三个。"),
        ("下午3:30", "下午三点半"),
        ("没有数字——“好”！", "没有数字——“好”！"),
    ],
)
def test_numbers(text, read):
    assert mandarin.numbers(text) == read


def test_erhua_is_a_colour_and_daughters_are_syllables():
    assert mandarin.read("玩儿").pinyin == ("wan2", "er5")
    assert mandarin.read("女儿").pinyin == ("nv3", "er2")


def test_words_of_two_readings_follow_their_word():
    assert mandarin.read("银行").pinyin == ("yin2", "hang2")
    assert mandarin.read("行走").pinyin == ("xing2", "zou3")
    assert mandarin.read("觉得").pinyin[-1] == "de5"


def test_traditional_characters_sound_like_simplified_ones():
    assert mandarin.read("說話").phonemes == mandarin.read("说话").phonemes


def test_punctuation_is_kept_as_pauses_and_signs_are_reported():
    reading = mandarin.read("喂！（低声）你——来……※")
    assert reading.phonemes.count("!") == 1
    assert "—" in reading.phonemes
    assert reading.phonemes.endswith("…")
    assert reading.dropped == ("※",)
