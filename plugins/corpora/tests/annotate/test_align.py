"""Aligners against sounds whose boundaries are known, and against each other."""

import numpy as np
import pytest
from scipy import signal
from spatialdrama_corpora.annotate import sphinx, whisper_words
from spatialdrama_corpora.annotate.activity import active, gaps
from spatialdrama_corpora.annotate.aligned import filled
from spatialdrama_corpora.annotate.aligning import align
from spatialdrama_corpora.annotate.textgrid import parse_textgrid, to_textgrid
from spatialdrama_corpora.annotate.voiced import LAG, from_voice

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import BinauralAudio, Phone, Speech

RATE = 24_000
MARKS = "银行的女儿，走了。"
# What the voice kokoro says of that text: sounds with tones, a space between words, marks.
SAID = "sil i↗ n x a↗ ŋ SPACE t ɤ SPACE n y↓ ɚ↗ , SPACE ʦ o u↓ l ɤ . sil"
TOLD = SAID.split()
READ = "<SP> in h ang d e n v er <SP> z ou l e <SP>"
PHONES = READ.split()


def told(lag=0.0, frame=0.08):
    """(Speech, true times of sounds): tones where sounds are, told `lag` s too late."""
    clock, phones, true = 0.25, [], []
    phones.append(Phone("sil", 0.0, 0.25 + lag))
    sound = np.zeros(round(3 * RATE))
    for symbol in TOLD[1:-1]:
        length = 0.3 if symbol == "," else 0.05 if symbol in ("SPACE", ".") else frame
        if symbol not in ("SPACE", ",", "."):
            a, b = round(clock * RATE), round((clock + length) * RATE)
            sound[a:b] = np.sin(np.arange(b - a) * 0.07)
            true.append((symbol, clock, clock + length))
        elif symbol == "SPACE" and phones[-1].symbol != ",":
            a, b = round(clock * RATE), round((clock + length) * RATE)
            sound[a:b] = np.sin(np.arange(b - a) * 0.07)
        phones.append(Phone(symbol.replace("SPACE", " "), clock + lag, clock + length + lag))
        clock += length
    phones.append(Phone("sil", clock + lag, 3.0))
    # The last sounds before the comma and the end are told to last on into the silence.
    speech = Speech(
        0.1 * sound, RATE, phones=phones, text=MARKS, language="zh",
        provenance={"voice": "kokoro"} if lag else {},
    )  # fmt: skip
    return speech, true


def test_the_voices_own_times():
    speech, true = told()
    found = from_voice(speech, settle=False)
    assert [p.symbol for p in found.phones] == PHONES
    assert found.confidence == 1.0
    assert found.method == "voice"
    assert found.typical_error_ms == 0.0
    starts = {s: t for s, t, _ in reversed(true)}
    by_name = {p.symbol: p for p in found.phones}
    assert by_name["in"].start == pytest.approx(starts["i↗"])
    assert by_name["ang"].start == pytest.approx(starts["a↗"])
    # The space after 行 is shared by its neighbours, the comma is a pause.
    assert by_name["ang"].end == pytest.approx(by_name["d"].start)
    assert by_name["d"].start == pytest.approx(starts["t"] - 0.025)
    assert [w.text for w in found.words] == list("银行的女儿走了")
    ends = [p.end for p in found.phones]
    assert [p.start for p in found.phones[1:]] == pytest.approx(ends[:-1])
    assert ends[-1] == pytest.approx(speech.duration)


def test_what_the_voice_tells_late_is_mended():
    speech, true = told(lag=LAG)
    late = from_voice(speech, settle=False)
    mended = from_voice(speech)
    starts = {s: t for s, t, _ in reversed(true)}
    for found, expected in ((late, LAG), (mended, 0.0)):
        by_name = {p.symbol: p for p in found.phones}
        assert by_name["in"].start - starts["i↗"] == pytest.approx(expected, abs=1e-6)
        assert by_name["z"].start - starts["ʦ"] == pytest.approx(expected, abs=1e-6)
    # A sound that is told to last into a pause ends where it fades out.
    held = [
        Phone(p.symbol, p.start, p.end + 0.2) if p.symbol == "ɚ↗" else
        Phone(p.symbol, p.start + 0.2, p.end) if p.symbol == "," else p
        for p in speech.phones
    ]  # fmt: skip
    again = from_voice(Speech(speech.samples, RATE, phones=held, text=MARKS, language="zh",
                              provenance=speech.provenance))  # fmt: skip
    er = next(p for p in again.phones if p.symbol == "er")
    assert er.end == pytest.approx({s: e for s, _, e in true}["ɚ↗"], abs=0.03)


def test_other_notations_of_phones_are_taken_as_they_are():
    speech = Speech(
        np.zeros(RATE), RATE, text="我要", language="zh",
        phones=[Phone("uo", 0.1, 0.4), Phone("iao", 0.4, 0.9)],
    )  # fmt: skip
    found = align(speech)
    assert [(p.symbol, p.start, p.end) for p in found.phones] == [
        ("<SP>", 0.0, 0.1), ("uo", 0.1, 0.4), ("iao", 0.4, 0.9), ("<SP>", 0.9, 1.0)
    ]  # fmt: skip


def test_a_voice_that_said_something_else_is_not_sure():
    speech, _ = told()
    other = Speech(
        speech.samples, RATE, phones=speech.phones, text="没有机会，咱们站着。", language="zh"
    )
    assert from_voice(other).confidence < 0.5


@pytest.fixture(scope="module")
def line(speech_like):
    """Three groups of syllables: known onsets and ends of each group."""
    groups = [(0.30, 1.10), (1.60, 2.40), (2.75, 3.60)]
    sound = np.zeros(4 * RATE)
    t = np.arange(len(sound)) / RATE
    carrier = signal.sawtooth(2 * np.pi * 140 * t)
    for a, b in groups:
        sound += np.where((t >= a) & (t < b), carrier, 0)
    return 0.1 * sound + np.random.default_rng(0).normal(0, 1e-4, len(sound)), groups


def test_energy_finds_pauses_that_are_written(line):
    sound, groups = line
    found = align(sound, "我找过，没有你，他走了", rate=RATE, method="energy")
    pauses = [(p.start, p.end) for p in found.phones if p.symbol == "<SP>"]
    known = [(0.0, 0.3), (1.1, 1.6), (2.4, 2.75), (3.6, 4.0)]
    np.testing.assert_allclose(pauses, known, atol=0.03)
    assert found.confidence == 0.5
    starts = {w.text: w.start for w in found.words}
    assert starts["我"] == pytest.approx(groups[0][0], abs=0.03)
    assert starts["没"] == pytest.approx(groups[1][0], abs=0.03)
    assert starts["他"] == pytest.approx(groups[2][0], abs=0.03)


def test_energy_also_finds_pauses_that_are_not_written(line):
    sound, groups = line
    found = align(np.stack([sound, sound]), "我找过没有你他走了", rate=RATE, method="energy")
    assert found.phones[0].end == pytest.approx(groups[0][0], abs=0.03)
    assert found.phones[-1].start == pytest.approx(groups[-1][1], abs=0.03)
    ends = [p.end for p in found.phones]
    assert [p.start for p in found.phones[1:]] == pytest.approx(ends[:-1])
    assert len(found.words) == 9


def test_activity_and_gaps_are_those_of_the_sound(line):
    sound, _ = line
    np.testing.assert_allclose(gaps(active(sound, RATE)), [(1.1, 1.6), (2.4, 2.75)], atol=0.025)


def test_auto_says_why_the_better_ones_were_not_used(line, monkeypatch):
    monkeypatch.setattr(sphinx, "is_there", lambda: False)
    monkeypatch.setattr(whisper_words, "why_not", lambda: "no weights")
    found = align(BinauralAudio(np.stack([line[0]] * 2), RATE), "你好", language="zh")
    assert (found.method, found.note) == ("energy", "no weights")
    assert found.typical_error_ms > 0
    english = align(line[0], "hello", rate=RATE, front_end=lambda t, language: (("hello", "hˈi"),))
    assert english.note == "pocketsphinx is not installed; no weights"


def test_alignments_become_textgrids_and_mrsdramas_keys(line):
    found = align(line[0], "我找过，没有你，他走了", rate=RATE, method="energy")
    grid = parse_textgrid(to_textgrid(found.textgrid()))
    assert grid.phones() == found.phones
    assert [i.text for i in grid.spoken("words")] == list("我找过没有你他走了")
    item = found.to_dict()
    assert sum(item["ph_dur"]) == pytest.approx(4.0, abs=1e-6)
    assert sum(item["word_dur"]) == pytest.approx(4.0, abs=1e-6)
    assert len(item["ph"]) == len(item["ph_dur"])
    assert item["word"][0] == "<SP>"


def test_phones_that_pile_up_share_the_time():
    crowd = [Phone("a", 0.9, 0.95), Phone("b", 0.98, 1.2), Phone("c", 0.98, 1.0)]
    found = whisper_words._in_order(crowd, 1.0)
    edges = [t for p in found for t in (p.start, p.end)]
    assert edges == sorted(edges)
    assert edges[-1] == 1.0
    assert min(p.duration for p in found) == pytest.approx(0.01)


def test_what_is_wrong_is_said(line):
    sound = line[0]
    with pytest.raises(UnknownNameError, match="energy"):
        align(sound, "我", rate=RATE, method="enrgy")
    with pytest.raises(ValidationError, match="give text="):
        align(sound, rate=RATE)
    with pytest.raises(ValidationError, match="give rate="):
        align(sound, "我")
    with pytest.raises(ValidationError, match="Speech with phones"):
        align(sound, "我", rate=RATE, method="voice")
    with pytest.raises(ValidationError, match="silent"):
        align(np.zeros(RATE), "我", rate=RATE)
    with pytest.raises(ValidationError, match=r"\(3, 9\)"):
        align(np.ones((3, 9)), "我", rate=RATE)
    with pytest.raises(ValidationError, match="aligns English"):
        align(sound, "我", rate=RATE, method="pocketsphinx")
    with pytest.raises(ValidationError, match="before the one in front"):
        filled([Phone("a", 0, 0.5), Phone("b", 0.2, 0.6)], 1.0)


# -- Real voices: three ways to hear the same line agree -----------------------------------------


@pytest.fixture(scope="module")
def voice():
    pytest.importorskip("spatialdrama_speech")
    from spatialdrama.errors import AssetError
    from spatialdrama.registry import load

    try:
        return load("voice", "kokoro")
    except AssetError as error:
        pytest.skip(str(error))


def word_errors(found, truth):
    assert [w.text for w in found.words] == [w.text for w in truth.words]
    return 1000 * np.abs([a.start - b.start for a, b in zip(found.words, truth.words, strict=True)])


@pytest.mark.slow
def test_english_by_pocketsphinx_agrees_with_the_voice(voice):
    pytest.importorskip("pocketsphinx")
    said = voice.speak("Who's there? Nay, answer me: stand, and unfold.", identity="am_michael")
    truth = align(said)
    found = align(said.samples, said.text, rate=said.rate)
    assert found.method == "pocketsphinx"
    assert found.confidence > 0.8
    assert np.median(word_errors(found, truth)) < 35
    # Without mending, the voice's times are late, and an aligner that knows nothing of it says so.
    raw = word_errors(found, from_voice(said, settle=False))
    assert np.median(raw) > 45
    rough = align(said.samples, said.text, rate=said.rate, method="energy")
    assert np.median(word_errors(rough, truth)) < 120


@pytest.mark.slow
def test_mandarin_by_whisper_agrees_with_the_voice(voice):
    if whisper_words.why_not():
        pytest.skip(whisper_words.why_not())
    said = voice.speak("我寻找过机会，我没有利用机会。", identity="zf_xiaoxiao", language="zh")
    truth = align(said)
    found = align(said.samples, said.text, "zh", rate=said.rate)
    assert found.method == "whisper"
    assert found.confidence > 0.4
    assert np.median(word_errors(found, truth)) < 60
    assert np.median(word_errors(align(said.samples, said.text, rate=said.rate, method="energy"),
                                 truth)) < 120  # fmt: skip
    # More words than the sound has: none is lost, and it is said.
    part = align(said.samples[: said.rate], said.text, "zh", rate=said.rate, method="whisper")
    assert [w.text for w in part.words] == [w.text for w in truth.words]
    assert part.duration == pytest.approx(1.0)
    wrong = align(said.samples, "他们昨天晚上一起去看电影了", "zh", rate=said.rate)
    assert wrong.confidence < 0.2
    assert "hardly fits" in wrong.note
