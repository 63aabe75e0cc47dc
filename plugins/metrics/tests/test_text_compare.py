"""Error rates of texts: characters against jiwer, syllables against tables of Mandarin readings."""

import json
import sys

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spatialdrama_metrics.functional.edits import token_errors
from spatialdrama_metrics.text import __main__ as command
from spatialdrama_metrics.text import cer, compare, pinyin

from spatialdrama.errors import PluginImportError, ValidationError

SYLLABLES = st.lists(st.sampled_from(["ma1", "ma3", "ni3", "hao3"]), max_size=8)


@given(SYLLABLES.filter(len), SYLLABLES)
def test_token_errors_are_the_edit_distance(reference, hypothesis):
    errors = token_errors(reference, hypothesis)
    # One private letter for each syllable: jiwer's characters are our tokens.
    letters = {s: chr(97 + i) for i, s in enumerate(("ma1", "ma3", "ni3", "hao3"))}
    a, b = ("".join(letters[s] for s in tokens) for tokens in (reference, hypothesis))
    assert errors.rate == pytest.approx(jiwer.cer(a, b) if b else 1)
    assert errors.length == len(reference)


def test_no_tokens_no_rate():
    with pytest.raises(ValidationError, match="no reference tokens"):
        token_errors([], ["ma1"])


@pytest.mark.parametrize(
    ("reference", "heard"),
    [("good night", "good light"), ("who goes there", "goes"), ("他在那里", "她在哪里呢")],
)
def test_characters_agree_with_jiwer(reference, heard):
    joined = (text.replace(" ", "") for text in (reference, heard))
    assert cer(reference, heard) == pytest.approx(jiwer.cer(*joined))


@pytest.mark.parametrize(
    ("reference", "heard", "characters", "tones", "syllables"),
    [
        ("他走了", "她走了", 1 / 3, 0, 0),  # ta1 zou3 le5: homophones
        ("妈妈", "马马", 1, 1, 0),  # ma1 ma5 beside ma3 ma3: tones alone
        ("是四", "十四", 1 / 2, 1 / 2, 0),  # shi4 si4, shi2 si4
        ("银行", "银性", 1 / 2, 1 / 2, 1 / 2),  # hang2 by its phrase, not xing2
        ("他說 ok", "她说 okay", 1 / 6, 0, 0),  # ok becomes okay on both sides
        ("你好", "", 1, 1, 1),
        ("後來", "后来", 0, 0, 0),
    ],
)
def test_homophones_cost_characters_and_no_syllables(
    reference, heard, characters, tones, syllables
):
    errors = compare(reference, heard)
    assert errors.rate == pytest.approx(characters)
    assert errors.tones.rate == pytest.approx(tones)
    assert errors.syllables.rate == pytest.approx(syllables)
    details = errors.details()
    assert (details["tone_pinyin"], details["pinyin"]) == (errors.tones.rate, errors.syllables.rate)


def test_english_has_no_tones():
    details = compare("Good night.", "good light").details()
    assert not {"tone_pinyin", "pinyin", "tone_pinyin_note", "note"} & set(details)
    assert details["substitutions"] == 1


def test_readings_follow_the_phrase():
    assert pinyin.syllables("银行行人") == ["yin2", "hang2", "xing2", "ren2"]
    assert pinyin.syllables("长大长度", tones=False) == ["zhang", "da", "chang", "du"]
    assert pinyin.syllables("ab你") == ["a", "b", "ni3"]


def test_without_pypinyin_the_details_say_so(monkeypatch):
    monkeypatch.setattr(pinyin, "find_spec", lambda name: None)
    details = compare("他", "她").details()
    assert details["tone_pinyin_note"] == "type: pip install 'spatialdrama-metrics[pinyin]'"
    assert "tone_pinyin" not in details
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(PluginImportError, match=r"'pypinyin', which is not installed"):
        pinyin.syllables("他")


def test_the_command_scores_two_files(tmp_path, capsys):
    wanted, heard = tmp_path / "wanted.txt", tmp_path / "heard.txt"
    wanted.write_text("Who's there?\n他走了\n", encoding="utf-8")
    heard.write_text("who's their\n\n", encoding="utf-8")
    assert command.main([str(wanted), str(heard), "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert [line["cer"] for line in out["lines"]] == [pytest.approx(2 / 9), 1]
    assert out["cer"] == pytest.approx((2 + 3) / (9 + 3))  # by characters, not by lines
    assert out["lines"][1]["note"] == "nothing was recognised"
    assert command.main([str(wanted), str(heard)]) == 0
    assert "all  0.417" in capsys.readouterr().out
    script = tmp_path / "script.txt"
    script.write_text("# a scene\nANNA: Who's there?\nBEN [whispering]: 他走了\n", encoding="utf-8")
    assert command.main([str(script), str(heard), "--speakers"]) == 0
    assert "all  0.417" in capsys.readouterr().out


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("Yes.\n", encoding="utf-8")
    two.write_text("yes\nno\n", encoding="utf-8")
    assert command.main([str(one), str(two)]) == 2
    assert "one.txt has 1 lines and" in capsys.readouterr().err
    assert command.main([str(one), str(tmp_path / "none.txt")]) == 2
    assert "cannot be read as text" in capsys.readouterr().err
    one.write_text("...\nYes.\n", encoding="utf-8")
    assert command.main([str(one), str(two)]) == 2
    assert "empty after normalisation" in capsys.readouterr().err
