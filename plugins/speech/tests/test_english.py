"""English front end against the libraries it stands in for, and the words of the stage."""

import inflect
import pytest
from spatialdrama_speech.english import letters, numbers
from spatialdrama_speech.english.tokens import English, guess_class, normalise

from spatialdrama.errors import ValidationError

SPEAKABLE = frozenset('AIOQSTWYᵊabdefhijklmnpstuvwzðŋɑɐɒɔæəɚɛɜɡɪɹɾʃʊʌʒʔʤʧˈˌːθᵻ;:,.!?—…"“”() ')


@pytest.fixture(scope="module")
def american():
    return English()


@pytest.fixture(scope="module")
def british():
    return English(british=True)


@pytest.mark.parametrize("n", [0, 7, 13, 20, 21, 99, 100, 101, 342, 1000, 1007, 65536, 10**9 + 12])
def test_cardinals_and_ordinals_agree_with_inflect(n):
    engine = inflect.engine()

    def plain(words):
        return words.replace(",", "")

    assert numbers.cardinal(n) == plain(engine.number_to_words(n))
    assert numbers.ordinal(n) == plain(engine.number_to_words(engine.ordinal(n)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("in 1602", "in sixteen oh two"),
        ("in 1900", "in nineteen hundred"),
        ("in 2026", "in twenty twenty-six"),
        ("1,602 men", "one thousand six hundred and two men"),
        ("$2.50", "two dollars and fifty cents"),
        ("£1", "one pound"),
        ("3:05", "three oh five"),
        ("3:00", "three o'clock"),
        ("-2.5", "minus two point five"),
        ("007", "zero zero seven"),
        ("the 3rd of 12", "the third of twelve"),
    ],
)
def test_numbers_are_read_as_people_say_them(text, words):
    assert numbers.spell_out(text) == words


def test_a_number_nobody_can_say_is_refused():
    with pytest.raises(ValidationError, match="61 digits"):
        numbers.spell_out("1" * 61)


# Expected strings: misaki 0.9.4 with spaCy's tagger, run apart from this project.
MISAKI = {
    "Nay, answer me: stand, and unfold yourself.": (
        "nˈA, ˈænsəɹ mˌi: stˈænd, ænd ˌʌnfˈOld jəɹsˈɛlf."
    ),
    "Not a mouse stirring.": "nˌɑt ɐ mˈWs stˈɜɹɪŋ.",
    "The apple, the pear, to eat, to go.": "ði ˈæpᵊl, ðə pˈɛɹ, tʊ ˈit, tə ɡˌO.",
}


@pytest.mark.parametrize("text", MISAKI)
def test_plain_lines_read_as_misaki_reads_them(american, text):
    assert american.read(text).phonemes == MISAKI[text]


@pytest.mark.parametrize(
    ("text", "american_says", "british_says"),
    [
        ("Bernardo", "bəɹnˈɑɹdO", "bənˈɑːdQ"),
        ("Horatio", "həɹˈAʃiO", "həɹˈAʃiQ"),
        ("'tis", "tˈɪz", "tˈɪz"),
        ("seven o'clock", "sˈɛvən əklˈɑk", "sˈɛvᵊn əklˈɒk"),
        ("unfold'd", "ˌʌnfˈOldᵻd", "ʌnfˈQldɪd"),
        ("look'd", "lˈʊkt", "lˈʊkt"),
        ("ghost-like", "ɡˈOstlˌIk", "ɡˈQstlˌIk"),
        ("BBC", "bˈibˈisˈi", "bˈiːbˈiːsˈiː"),
    ],
)
def test_words_of_the_stage(american, british, text, american_says, british_says):
    assert american.read(text).phonemes == american_says
    assert british.read(text).phonemes == british_says


def test_homographs_follow_their_neighbours(american):
    verb, noun = american.read("to record the record").phonemes.split(" ðə ")
    assert verb.endswith("ɹəkˈɔɹd")
    assert noun == "ɹˈɛkəɹd"
    assert guess_class(["they", " ", "refuse"], 2) == "VERB"
    assert guess_class(["the", " ", "refuse"], 2) == "NOUN"


def test_a_word_of_no_dictionary_is_sounded_out_and_reported(american):
    reading = american.read("Xyzzyx blorped Fnargle.")
    assert set(reading.guessed) >= {"xyzzyx", "fnargle"}
    assert all(len(word.strip(".")) >= 3 for word in reading.phonemes.split())


def test_letters_agree_with_the_dictionary_on_common_words(american):
    # The network learnt from the CMU dictionary: on plain words it must agree with misaki's.
    words = [
        "market",
        "garden",
        "winter",
        "silver",
        "sister",
        "monster",
        "napkin",
        "pencil",
        "hundred",
        "carpet",
    ]
    wrong = [w for w in words if letters.pronounce(w) != american.lexicon.gold[w]]
    assert len(wrong) <= 3, {w: (letters.pronounce(w), american.lexicon.gold[w]) for w in wrong}


@pytest.mark.parametrize(
    "text",
    ["ALL IN CAPITALS AGAIN", "naïve café", "a — b -- c", "«Hark» [aside] {x}", "x/y & 50% @ #1"],
)
def test_only_symbols_of_the_network_come_out(american, british, text):
    for reader in (american, british):
        reading = reader.read(text)
        assert set(reading.phonemes) <= SPEAKABLE
        assert reading.phonemes.strip()


def test_signs_without_sound_are_reported(american):
    assert american.read("a * b ^ c").dropped == ("*", "^")


def test_accents_and_ligatures_become_letters():
    assert normalise("Æneas, façade, cœur") == "AEneas, facade, coeur"
