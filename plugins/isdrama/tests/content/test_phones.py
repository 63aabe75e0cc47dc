"""Text to phones: MRSDrama's inventory, known words, mixed lines, numbers, refusals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin.contrib.tone_convert import to_finals, to_initials, to_tone3
from pypinyin.pinyin_dict import pinyin_dict
from spatialdrama_isdrama.content import ContentBatch, inventory, mandarin, read
from spatialdrama_isdrama.content.english import kokoro_front_end, phones_of
from spatialdrama_isdrama.content.numbers import cardinal, spell_out
from spatialdrama_isdrama.content.phones import main_language
from spatialdrama_isdrama.content.reading import Reading

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.registry import VoiceSpec, register_local, unregister_local

# What a front end in misaki's alphabet says, by hand; the voice itself is asked further below.
SAID = {"Hamlet": "hˈæmlət", "apple”,": "ˈæpᵊl”,", "right?": "ɹˈIt?", "“Good": "“ɡˌʊd"}


def front_end(text):
    return tuple((word, SAID[word]) for word in text.replace("，", ", ").split())


def plain(text, **options):
    return " ".join(read(text, edges=False, front_end=front_end, **options).symbols)


def test_mandarin_is_all_that_pypinyin_writes_and_two_marks():
    # Every syllable of pypinyin's dictionary, in its strict initials and finals; the two finals
    # that MRSDrama lacks are weng's and the interjection ê's.
    syllables = {syllable for row in pinyin_dict.values() for syllable in row.split(",")}
    pieces = {to_initials(s, strict=True) for s in syllables}
    pieces |= {to_finals(s, strict=True, v_to_u=False) for s in syllables}
    pieces -= {"", "ueng", "ê"}
    assert set(inventory.MANDARIN) == pieces | {"<SP>", "<AP>"}
    assert len(inventory.MANDARIN) == 58
    assert len(set(inventory.PHONES)) == len(inventory.PHONES) == 1 + 58 + 43
    assert inventory.PHONES[0] == "<PAD>"


# Initials and finals of the pinyin table, as in MRSDrama's own annotation (facts A2).
@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("我", "uo"),
        ("有", "iou"),
        ("要", "iao"),
        ("女", "n v"),
        ("儿", "er"),
        ("一", "i"),
        ("五", "u"),
        ("雨", "v"),
        ("圆", "van"),
        ("云", "vn"),
        ("月", "ve"),
        ("全", "q van"),
        ("旭", "x v"),
        ("六", "l iou"),
        ("对", "d uei"),
        ("春", "ch uen"),
        ("穷", "q iong"),
        ("用", "iong"),
        ("翁", "u eng"),
        ("知", "zh i"),
        ("词", "c i"),
        ("播", "b o"),
        ("玩儿", "uan er"),
        ("银行", "in h ang"),
        ("行走", "x ing z ou"),
        ("嗯", "en"),
        ("哟", "iou"),
        ("诶", "ei"),
        ("說話", "sh uo h ua"),
    ],
)
def test_known_words(text, phones):
    assert plain(text) == phones


def test_every_reading_of_every_character_is_in_the_inventory():
    rows = {syllable for row in pinyin_dict.values() for syllable in row.split(",")}
    syllables = {to_tone3(syllable, neutral_tone_with_five=True) for syllable in rows}
    assert len(syllables) > 1300
    for syllable in syllables:
        phones = mandarin._syllable(syllable)
        assert {symbol for symbol, _ in phones} <= set(inventory.MANDARIN), syllable
        assert phones[-1][1] in range(1, 6), syllable


def test_finals_bear_tones_and_vowels_stresses():
    assert read("妈麻马骂吗", edges=False).tones == (0, 1, 0, 2, 0, 3, 0, 4, 0, 5)
    assert read("Hamlet", edges=False, front_end=front_end).tones == (0, 6, 0, 0, 0, 0)
    assert phones_of("ˌʌnfˈOldᵻd")[0] == ("AH", 7)


# Li Bai; Lu Xun; a proverb: all in the public domain.
@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("床前明月光。", "ch uang q ian m ing ve g uang <SP>"),
        ("疑是地上霜……", "i sh i d i sh ang sh uang <SP>"),
        ("“自然，自然。”", "z i r an <SP> z i r an <SP>"),
        ("学而时习之——不亦说乎？", "x ve er sh i x i zh i <SP> b u i ve h u <SP>"),
    ],
)
def test_lines_with_pauses(text, phones):
    assert plain(text) == phones


def test_a_mixed_line_knows_its_languages_words_and_characters():
    reading = read("Hamlet说：“我有3个apple”，right?", front_end=front_end)
    assert " ".join(reading.symbols) == (
        "<SP> HH AE M L AX T sh uo <SP> uo iou s an g e AE P AX L <SP> R AY T <SP>"
    )
    assert reading.languages[1:10] == ("en",) * 6 + ("zh",) * 3
    words = [reading.text[start:end] for start, end in reading.words]
    assert words[:8] == ["", "Hamlet", "说", "：", "我", "有", "三", "个"]
    first = reading.symbols.index("AE", 7)
    assert reading.text[slice(*reading.spans[first])] == words[8] == "apple"
    assert sorted(reading.ph2word) == list(reading.ph2word)


def test_edges_are_pauses_that_join_what_is_there():
    assert read("我。").symbols == ("<SP>", "uo", "<SP>")
    assert read("……我").symbols == ("<SP>", "uo", "<SP>")
    assert read("我", edges=False).symbols == ("uo",)


def test_quotes_at_english_words_are_not_heard_and_keep_their_place():
    reading = read("“Good", edges=False, front_end=lambda text: ((text, SAID[text]),))
    assert reading.symbols == ("G", "UH", "D")
    assert reading.text[slice(*reading.words[0])] == "Good"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "words to speak"),
        ("……！？", "words to speak"),
        (None, "words to speak"),
        ("Привет", "Cyrillic letters"),
        ("こんにちは", "Hiragana letters"),
        ("我爱 한국", "Hangul letters"),
    ],
)
def test_text_without_a_phone_is_refused(text, says):
    with pytest.raises(ValidationError, match=says):
        read(text)


def test_a_language_that_the_model_has_not_is_refused():
    with pytest.raises(ValidationError, match=r"'fr'.*Mandarin.*English"):
        read("Bonjour", language="fr")
    assert [main_language(code) for code in ("zh-CN", "EN_gb", "", None)] == [
        "zh",
        "en",
        None,
        None,
    ]


def test_digits_at_the_start_follow_the_language_of_the_line():
    assert plain("3", language="zh") == "s an"
    with pytest.raises(KeyError):  # the front end is asked for it
        plain("3", language="en")


def test_a_character_that_pypinyin_does_not_know_is_named():
    with pytest.raises(ValidationError, match=r"no Mandarin reading.*鿽"):
        read("我鿽")


def test_a_reading_of_pauses_only_is_refused():
    with pytest.raises(ValidationError, match="no phone to speak"):
        Reading(
            text="!", symbols=["<SP>"], tones=[0], languages=["zh"], words=[(0, 1)], ph2word=[0]
        )


def test_an_unknown_symbol_of_a_front_end_is_named():
    with pytest.raises(ValidationError, match="'ɮ'"):
        read("odd", front_end=lambda text: (("odd", "ɮ"),))


def test_without_the_voice_english_says_what_to_install(monkeypatch):
    from spatialdrama import registry

    def missing(kind, name):
        raise UnknownNameError("no voice named 'kokoro'.")

    monkeypatch.setattr(registry, "entry", missing)
    with pytest.raises(ValidationError, match=r"voice kokoro, which is not there"):
        read("Hello")
    assert read("你好").symbols[1] == "n"  # Mandarin asks for nobody


def test_a_voice_that_tells_no_phonemes_is_refused(monkeypatch):
    monkeypatch.setattr("spatialdrama_isdrama.content.english.VOICE", "mute")
    register_local("voice", VoiceSpec("mute", "nowhere:Mute"), type("Mute", (), {}))
    try:
        with pytest.raises(ValidationError, match="tells no phonemes"):
            kokoro_front_end()
    finally:
        unregister_local("voice", "mute")


def test_the_voice_kokoro_reads_english_through_the_registry():
    pytest.importorskip("spatialdrama_speech")
    reading = read("Who's there? Nay, answer me: stand, and unfold yourself.", edges=False)
    assert " ".join(reading.symbols) == (
        "HH UW Z DH EH R <SP> N EY <SP> AE N S AX R M IY <SP> S T AE N D <SP> "
        "AE N D AH N F OW L D Y AX R S EH L F <SP>"
    )
    assert read("The 3 Romans", edges=False).text.startswith("The three Romans")


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("我有女儿不亦乐乎嗯0129，。！“”——…%. \n"), min_size=1, max_size=30))
def test_any_mandarin_line_is_read_or_refused(text):
    if not any(c.isalnum() for c in text):
        with pytest.raises(ValidationError):
            read(text)
        return
    reading = read(text, language="zh")
    assert set(reading.symbols) <= set(inventory.MANDARIN)
    assert "<SP> <SP>" not in " ".join(reading.symbols)
    for symbol, (start, end) in zip(reading.symbols, reading.spans, strict=True):
        assert symbol == "<SP>" or mandarin.HAN.fullmatch(reading.text[start:end])
    batch = ContentBatch.of([reading])
    assert batch.phones.shape == batch.mask.shape == (1, len(reading))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1937年7月7日", "一九三七年七月七日"),
        ("占50%，0.5", "占百分之五十，零点五"),
        ("3:30和8:00、12:05", "三点三十分和八点整、十二点零五分"),
        ("2个2月22个", "两个二月二十二个"),
        ("007 １２", "零零七 十二"),
        ("没有", "没有"),
    ],
)
def test_digits_are_said(text, said):
    assert spell_out(text) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "零"),
        (10, "十"),
        (19, "十九"),
        (20, "二十"),
        (101, "一百零一"),
        (110, "一百一十"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (10_000, "一万"),
        (10_001, "一万零一"),
        (10_100, "一万零一百"),
        (100_000, "十万"),
        (1_000_000, "一百万"),
        (100_000_001, "一亿零一"),
        (120_003_000, "一亿二千万三千"),
    ],
)
def test_cardinals(value, said):
    assert cardinal(value) == said
