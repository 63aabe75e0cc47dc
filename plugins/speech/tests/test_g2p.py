"""Lines in one, two and no language that the voice has."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_speech.g2p import (
    SYMBOLS,
    main_language,
    split_by_script,
    split_long,
    to_phonemes,
    words,
)
from spatialdrama_speech.voice import KokoroVoice

from spatialdrama.errors import ValidationError


def test_a_mixed_line_is_one_string_of_symbols_in_two_languages():
    read = to_phonemes("Hamlet说：“我有3个apple”，right?")
    assert read.languages == ("en", "zh")
    assert read.symbols.startswith("hˈæmlət ʂwo→")
    assert "sa→n" in read.symbols  # 3 between Han characters is Mandarin
    assert "ˈæpᵊl" in read.symbols
    assert len(read.tokens) == len(read.symbols)


def test_digits_at_the_start_follow_the_language_that_was_asked_for():
    assert to_phonemes("3 Hamlet", language="zh").symbols.startswith("sa→n")
    assert to_phonemes("3 Hamlet").symbols.startswith("θɹˈi")
    assert to_phonemes("42", language="zh").symbols == to_phonemes("四十二").symbols


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Привет", "Cyrillic"),
        ("こんにちは", "Hiragana"),
        ("カタカナ", "Katakana"),
        ("안녕", "Hangul"),
        ("Hello مرحبا", "Arabic"),
    ],
)
def test_other_scripts_are_refused_by_name(text, names):
    with pytest.raises(ValidationError, match=rf"{names} letters.*English.*Mandarin"):
        to_phonemes(text)


@pytest.mark.parametrize("language", ["fr", "ja", "yue", "en-XX", "klingon"])
def test_other_languages_are_refused_by_name(language):
    with pytest.raises(ValidationError, match=f"'{language}'.*English.*Mandarin"):
        to_phonemes("Bonjour", language=language)


def test_regional_codes_are_understood():
    assert [main_language(c) for c in ("en-GB", "zh_CN", "cmn", "ZH", "")] == [
        "en",
        "zh",
        "zh",
        "zh",
        None,
    ]


@pytest.mark.parametrize("text", ["", "   ", "\n", None, 7])
def test_empty_text_is_refused(text):
    with pytest.raises(ValidationError, match="words to speak"):
        to_phonemes(text)


@pytest.mark.parametrize("text", ["...", "！？", "—", "😀", "' '"])
def test_punctuation_only_is_refused(text):
    with pytest.raises(ValidationError, match="punctuation only"):
        to_phonemes(text)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from("abzAZ'- ,.!?0129你好了儿，。！“”—…%$&*é\n"), min_size=1, max_size=40)
)
def test_any_line_gives_symbols_of_the_network_or_a_clear_refusal(text):
    if not any(c.isalnum() for c in text):
        with pytest.raises(ValidationError):
            to_phonemes(text)
        return
    read = to_phonemes(text)
    assert read.symbols.strip()
    assert set(read.symbols) <= set(SYMBOLS)


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.sampled_from("ab ,.—"), min_size=1, max_size=200).map(str.strip).filter(bool),
    st.integers(8, 60),
)
def test_pieces_of_a_long_line_fit_and_lose_nothing(symbols, limit):
    pieces = split_long(symbols, limit)
    assert all(0 < len(piece) <= limit for piece in pieces if piece)
    assert "".join(pieces).replace(" ", "") == symbols.replace(" ", "")


def test_long_lines_break_at_sentences_before_commas():
    assert split_long("aaaa, bbbb. cccc, dddd", 16) == ["aaaa, bbbb.", "cccc, dddd"]


def test_scripts_are_cut_where_they_change():
    assert [kind for kind, _ in split_by_script("你好 world 再见")] == ["zh", "en", "zh"]


@pytest.mark.parametrize(
    "text",
    [
        "Who's there?",
        "To be, or not to be -- that is the question.",
        "The 3 well-known Romans; Et tu, Brute?",
        "Good night, 大哥，我有3个苹果。 Right?",
        "He read_the/book at 5% - 'tis true!",
    ],
)
def test_words_of_a_line_are_what_the_whole_line_is_read_as(text):
    pieces = words(text)
    symbols = " ".join(symbols for _, symbols in pieces)
    assert symbols.replace(" ", "") == to_phonemes(text).symbols.replace(" ", "")
    assert all(written.strip() == written for written, _ in pieces)


def test_words_keep_their_numbers_their_punctuation_and_their_neighbours():
    assert words("I'm 21.") == (("I'm", "ˌIm"), ("twenty-one.", "twˈɛntiwˌʌn."))
    (_, before_vowel), _ = words("the apple")
    (_, before_consonant), _ = words("the pear")
    assert (before_vowel, before_consonant) == ("ði", "ðə")
    with pytest.raises(ValidationError, match="punctuation only"):
        words("...")


def test_the_voice_tells_phonemes_without_its_network():
    assert KokoroVoice.phonemes("你好") == (("你好", "ni↓xau↓"),)
