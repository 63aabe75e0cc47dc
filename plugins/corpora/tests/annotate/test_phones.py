"""Phones against MRSDrama's published words and a dictionary of its own."""

import pytest
from spatialdrama_corpora.annotate.phones import phones_of
from spatialdrama_corpora.annotate.symbols import (
    ENGLISH,
    FINALS,
    FROM_MISAKI,
    INITIALS,
    MANDARIN,
    SOUNDS,
)

from spatialdrama.errors import ValidationError


def test_the_inventory_of_mrsdrama():
    # 21 initials and 35 finals; with <SP> and <AP> the 58 symbols of its makers' phone set.
    assert (len(INITIALS), len(FINALS), len(MANDARIN)) == (21, 35, 56)
    assert set(SOUNDS) == MANDARIN
    assert set(FROM_MISAKI.values()) <= ENGLISH
    assert not MANDARIN & ENGLISH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Syllables without an initial by their final alone, as in the makers' data.
        ("我有要", "uo iou iao"),
        ("我寻找过机会", "uo x vn zh ao g uo j i h uei"),
        ("女儿去云南", "n v er q v vn n an"),
        ("翁先生", "u eng x ian sh eng"),
        ("银行行走", "in h ang x ing z ou"),
        ("绿色的鹅", "l v s e d e e"),
        ("嗯，哦！", "en <SP> o <SP>"),
        ("不。。。不", "b u <SP> b u"),
        ("……走", "z ou"),
    ],
)
def test_mandarin(text, expected):
    assert " ".join(phones_of(text).phones) == expected


def test_words_and_their_phones():
    reading = phones_of("咱们，走吧")
    assert list(reading.word_phones()) == [
        ("咱", ("z", "an")), ("们", ("m", "en")), ("<SP>", ("<SP>",)),
        ("走", ("z", "ou")), ("吧", ("b", "a")),
    ]  # fmt: skip
    assert reading.languages == ("zh",)


def front_end(text, language):
    """A dictionary of four words, in place of the voice's."""
    words = {"hello": "həlˈO", "king—he's": "kˈɪŋ—hiz", "there?": "ðˈɛɹ?", "3": "θɹˈi"}
    if language == "zh":
        return ((text.replace("3", "三"), ""),)
    return tuple((w, words[w]) for w in text.split())


def test_english_by_the_front_end_that_is_given():
    reading = phones_of("hello king—he's there?", front_end=front_end)
    assert list(reading.word_phones()) == [
        ("hello", ("HH", "AX", "L", "OW")), ("king", ("K", "IH", "NG")), ("<SP>", ("<SP>",)),
        ("he's", ("HH", "IY", "Z")), ("there", ("DH", "EH", "R")), ("<SP>", ("<SP>",)),
    ]  # fmt: skip


def test_digits_in_mandarin_are_written_out():
    assert phones_of("走3次", front_end=front_end).words == ("走", "三", "次")


def test_both_languages_in_one_line():
    reading = phones_of("他说 hello", front_end=front_end)
    assert reading.languages == ("zh", "en")
    assert reading.phones == ("t", "a", "sh", "uo", "HH", "AX", "L", "OW")


def test_english_by_the_voice_of_the_registry():
    pytest.importorskip("spatialdrama_speech")
    # CMU's dictionary: DAGGER D AE1 G ER0 (British-style schwa and r apart here), KING K IH1 NG.
    reading = phones_of("Who's there, king?")
    assert reading.words == ("Who's", "there", "<SP>", "king", "<SP>")
    assert reading.phones == ("HH", "UW", "Z", "DH", "EH", "R", "<SP>", "K", "IH", "NG", "<SP>")
    assert set(phones_of("Nineteen strange daggers measure our joy.").phones) - {"<SP>"} <= ENGLISH
    assert phones_of("我有3个").words == ("我", "有", "三", "个")


@pytest.mark.slow  # its package imports torch
def test_the_isdrama_plugin_knows_every_phone():
    inventory = pytest.importorskip("spatialdrama_isdrama.content.inventory")
    for symbol in MANDARIN | ENGLISH | {"<SP>", "<AP>"}:
        assert inventory.number_of(symbol) > 0


@pytest.mark.parametrize(
    ("text", "message"), [("", "words to speak"), ("……！", "words to speak"), (None, "words")]
)
def test_what_cannot_be_spoken_is_said(text, message):
    with pytest.raises(ValidationError, match=message):
        phones_of(text)


def test_a_front_end_of_another_alphabet_is_refused():
    with pytest.raises(ValidationError, match="misaki"):
        phones_of("hello", front_end=lambda text, language: (("hello", "§§"),))


def test_without_the_voice_it_is_said_what_to_install(monkeypatch):
    from spatialdrama import registry
    from spatialdrama.errors import UnknownNameError

    def missing(kind, name):
        raise UnknownNameError(f"no {kind} named {name!r}.")

    monkeypatch.setattr(registry, "entry", missing)
    with pytest.raises(ValidationError, match="pip install spatialdrama-speech"):
        phones_of("hello")
    assert phones_of("你好").phones == ("n", "i", "h", "ao")  # Mandarin needs no voice
