"""Spoken phones with times onto the inventory: nothing is lost, words stay with their sounds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_isdrama.content import inventory, read, read_line, timed_of, timed_reading
from spatialdrama_isdrama.content.align import aligned
from spatialdrama_isdrama.content.english import PHONES, phones_of
from spatialdrama_isdrama.content.kokoro import FINALS, INITIALS, parse
from spatialdrama_isdrama.content.timed import Timed, to_frames

from spatialdrama.errors import ValidationError
from spatialdrama.types import Line, Phone


def spoken(text, step=0.025):
    """Phones end to end, one for each space-separated "symbol:steps"; _ is the space."""
    made, at = [], 0
    for part in text.split():
        symbol, _, steps = part.rpartition(":")
        end = at + int(steps)
        made.append(Phone(symbol.replace("_", " "), at * step, end * step))
        at = end
    return made


def test_syllables_are_cut_where_their_initials_begin():
    # ni hao, xiang: Kokoro's sounds by hand, with the lengths of each.
    said = timed_of(spoken("sil:2 n:1 i↓:3 x:2 a:1 u↓:4 _:1 ɕ:1 j:1 a↗:2 ŋ:2 .:1 sil:3"))
    assert said.symbols == ("<SP>", "n", "i", "h", "ao", "x", "iang", "<SP>")
    assert said.tones == (0, 0, 3, 0, 3, 0, 2, 0)
    # The space of one step is shared: 300 samples each; "." and "sil" are one pause.
    assert said.durations == (1200, 600, 1800, 1200, 3000 + 300, 600 + 300, 3000, 2400)
    assert sum(said.durations) == 24 * 600


def test_marks_that_stand_alone_belong_to_their_sound():
    alone = [("ʨ", 1), ("ʰ", 2), ("ɥ", 1), ("ɛ", 1), ("↗", 1), ("n", 3), (" ", 4), ("ˈ", 1)]
    alone += [("æ", 2), ("ː", 1)]
    found = parse(alone, reading=None, shortest_pause=2)
    assert found == [
        ("q", 0, "zh", 3),
        ("van", 2, "zh", 6),
        ("<SP>", 0, "", 4),
        ("AE", 6, "en", 4),
    ]


def test_an_ambiguous_word_is_cut_as_the_text_reads():
    sounds = spoken("f:1 a→:1 n:1 a↘:1 n:1")
    assert timed_of(sounds).symbols == ("f", "a", "n", "an")
    assert timed_of(sounds, reading=read("翻案")).symbols == ("f", "an", "an")
    assert timed_of(spoken("a→:1 i↗:1")).symbols == ("a", "i")  # two tones, two syllables
    assert timed_of(spoken("a:1 i→:1")).symbols == ("ai",)


def test_every_mandarin_final_and_initial_of_the_inventory_can_be_said():
    assert set(INITIALS.values()) == set(inventory.INITIALS)
    assert set(FINALS.values()) | {"o"} == set(inventory.FINALS)
    assert set(PHONES.values()) == set(inventory.ENGLISH)


def test_the_inventory_agrees_with_the_voice_about_every_syllable():
    """The voice's table of sounds and this inventory: two roads from one pinyin to one phone."""
    voice = pytest.importorskip("spatialdrama_speech.mandarin")
    from pypinyin.contrib.tone_convert import to_tone3
    from pypinyin.pinyin_dict import pinyin_dict
    from spatialdrama_isdrama.content import mandarin

    rows = {syllable for row in pinyin_dict.values() for syllable in row.split(",")}
    seen = {to_tone3(syllable, neutral_tone_with_five=True) for syllable in rows}
    unlike = {}
    for syllable in seen:
        written = mandarin._syllable(syllable)
        sounds = [(symbol, 1) for symbol in voice._syllable(syllable)]
        said = parse(sounds, reading=None, shortest_pause=9)
        if [(s, t) for s, t, *_ in said] != list(written):
            unlike[syllable.rstrip("12345")] = said, written
    # lo is written l o and spoken like luo; nothing else differs.
    assert len(seen) > 1200
    assert set(unlike) <= {"lo"}, unlike


TEXTS = [
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
    "学而时习之？有朋自远方来——不亦乐乎！",
    "Who's there? Nay, answer me: stand, and unfold yourself.",
    "Hamlet说：“我有3个apple”，right?",
    "你好吗",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_what_the_voice_says_is_what_the_text_reads(text, seed):
    g2p = pytest.importorskip("spatialdrama_speech.g2p")
    rng = np.random.default_rng(seed)
    symbols = ("sil", *g2p.to_phonemes(text).symbols, "sil")
    ends = np.cumsum(rng.integers(1, 7, len(symbols)))
    phones = [
        Phone(symbol, start * 0.025, end * 0.025)
        for symbol, start, end in zip(symbols, [0, *ends[:-1]], ends, strict=True)
    ]
    written = read(text)
    said = timed_of(phones, reading=written)
    assert sum(said.durations) == ends[-1] * 600
    assert [s for s in said.symbols if s != "<SP>"] == [s for s in written.symbols if s != "<SP>"]
    assert min(said.durations) >= 600
    both = timed_reading(written, said)
    assert both.text == written.text
    owners = {}
    for reading in (written, both):
        sounds = [i for i, s in enumerate(reading.symbols) if s != "<SP>"]
        owners[id(reading)] = [reading.spans[i] for i in sounds]
    assert owners[id(written)] == owners[id(both)]


def test_a_reading_that_the_voice_takes_otherwise_stays_with_its_character():
    written = read("不亦说乎", edges=False)  # the phrase reads yue, the voice says shuo
    sounds = spoken("p:1 u↘:1 i↘:1 _:1 ʂ:1 w:1 o→:1 x:1 u→:1")
    both = timed_reading(written, timed_of(sounds, reading=written))
    assert " ".join(written.symbols) == "b u i ve h u"
    assert " ".join(both.symbols) == "b u i sh uo h u"
    assert [both.text[slice(*span)] for span in both.spans] == list("不不亦说说乎乎")


def test_the_inventorys_own_notation_needs_no_voice():
    line = [Phone("<AP>", 0.1, 0.2), Phone("uo3", 0.2, 0.5), Phone("AH1", 0.5, 0.6)]
    said = timed_of(line, rate=1000)
    assert said.symbols == ("<SP>", "<AP>", "uo", "AH")
    assert said.tones == (0, 0, 3, 6)
    assert said.durations == (100, 100, 300, 100)  # silence before the first
    assert said.languages == ("zh", "zh", "zh", "en")


@pytest.mark.parametrize(
    ("phones", "says"),
    [
        ([Phone("uo", 0.0, 0.2), Phone("er", 0.1, 0.3)], "without overlaps"),
        ([Phone("uo", 0.2, 0.1)], "without overlaps"),
        ([], "got none"),
        (spoken("sil:1 ɸ:1"), "'ɸ'"),
        (spoken("ʂ:1 ʂ:1 ɨ↗:1"), "no Mandarin syllables"),
    ],
)
def test_phones_that_cannot_be(phones, says):
    with pytest.raises(ValidationError, match=says):
        timed_of(phones)


def test_words_stay_with_their_sounds_when_pauses_and_sounds_come_and_go():
    written = read("我要，有", edges=False)  # uo iao <SP> iou
    words, ph2word = aligned(written, ["<SP>", "uo", "<SP>", "iao", "er", "iou", "<SP>"])
    text = [written.text[slice(*words[word])] for word in ph2word]
    assert text == ["", "我", "", "要", "要", "有", ""]


def brute_force(timed, rate, hop, total):
    """Each frame's phone by exact fractions, one by one."""
    counts = [0] * len(timed.durations)
    for i in range(total):
        at, end = Fraction(i * hop, rate), Fraction(0)
        for k, duration in enumerate(timed.durations):
            end += Fraction(duration, timed.rate)
            if at < end or k == len(counts) - 1:
                counts[k] += 1
                break
    return counts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 4000), min_size=1, max_size=8),
    st.sampled_from([(48_000, 256), (24_000, 256), (24_000, 300), (22_050, 256)]),
    st.integers(-3, 6),
)
def test_frames_belong_to_the_phone_at_their_centre(durations, mel, more):
    k = len(durations)
    timed = Timed(
        symbols=("uo",) * k, tones=(0,) * k, languages=("zh",) * k, durations=durations, rate=24_000
    )
    rate, hop = mel
    natural = 1 + sum(durations) * rate // (24_000 * hop)  # frames of a centred transform
    assert to_frames(timed, rate=rate, hop=hop).tolist() == brute_force(timed, rate, hop, natural)
    total = max(1, natural + more)
    frames = to_frames(timed, rate=rate, hop=hop, total=total)
    assert frames.tolist() == brute_force(timed, rate, hop, total)
    assert frames.sum() == total


def test_a_lines_own_phones_win():
    phones = spoken("sil:1 w:1 o↓:2 sil:1")
    reading, timed = read_line(Line("A", "我要走", phones=phones))
    assert reading.symbols == timed.symbols == ("<SP>", "uo", "<SP>")
    assert reading.text[slice(*reading.spans[1])] == "我"
    reading, timed = read_line(Line("A", "我要走"))
    assert timed is None
    assert reading.symbols[-3:] == ("z", "ou", "<SP>")


def test_phones_serve_where_the_text_cannot_be_read():
    phones = [Phone("P", 0.0, 0.1), Phone("R", 0.1, 0.2), Phone("AH", 0.2, 0.3)]
    reading, timed = read_line(Line("A", "при вет", phones=phones))
    assert reading.symbols == ("P", "R", "AH")
    assert [reading.text[slice(*span)] for span in reading.spans] == ["при", "при", "вет"]
    assert sum(timed.durations) == 7200
    with pytest.raises(ValidationError, match="Cyrillic"):
        read_line(Line("A", "при вет"))


def test_phones_of_a_word_may_have_spaces_and_quotes():
    assert phones_of("“ðə_".replace("_", " ")) == [("DH", 0), ("AX", 0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "identity"),
    [("Nay, answer me: stand, and unfold yourself.", "bm_george"), (TEXTS[0], "zf_xiaoxiao")],
)
def test_a_spoken_line_keeps_its_samples(text, identity):
    assets = pytest.importorskip("spatialdrama.runtime.assets")
    if assets.missing(["kokoro-82m-int8"]):
        pytest.skip("type: spatialdrama assets fetch kokoro-82m-int8")
    from spatialdrama.registry import load

    speech = load("voice", "kokoro", threads=1).speak(text, identity=identity)
    said = timed_of(speech.phones, rate=speech.rate, reading=read(text))
    assert sum(said.durations) == len(speech.samples)
    frames = to_frames(said, rate=48_000, hop=256)
    assert frames.sum() == 1 + 2 * len(speech.samples) // 256
    assert frames.min() >= 2
