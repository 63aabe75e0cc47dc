"""Line and Script: parsing, refusals, JSON and TextGrid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatialdrama.errors import ValidationError
from spatialdrama.types import Line, Phone, Script
from spatialdrama.types.script import languages_in

TEXT = """\
# Hamlet, I.1
BERNARDO: Who's there?
FRANCISCO [whispering]: Nay, answer me: stand,
  and unfold yourself.

袭人 [pause 1.5] [lang zh]：你往哪里去？
宝玉 [overlap 0.4] [shouting]: OK，我就来。
"""


class TestParse:
    def test_turns_notes_and_continuations(self):
        script = Script.parse(TEXT)
        assert script.speakers == ("BERNARDO", "FRANCISCO", "袭人", "宝玉")
        assert script[1].text == "Nay, answer me: stand, and unfold yourself."
        assert script[1].style == "whispering"
        assert (script[2].gap, script[2].language) == (1.5, "zh")
        assert (script[3].gap, script[3].style) == (-0.4, "shouting")
        assert script[3].languages == ("en", "zh")

    def test_colons_inside_words_name_nobody(self):
        script = Script.parse("A: Come\nat 12:30 sharp, see http://x.y\nB:No.")
        assert script.speakers == ("A", "B")
        assert script[0].text == "Come at 12:30 sharp, see http://x.y"

    def test_notes_may_share_a_bracket(self):
        line = Script.parse("A [whispering, pause 2]: Hello")[0]
        assert (line.style, line.gap) == ("whispering", 2.0)

    def test_plain_form_round_trip(self):
        script = Script.parse(TEXT)
        assert Script.parse(script.to_text()) == script

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "script is empty"),
            ("# only a comment\n\n", "script is empty"),
            ("no speaker here", "script line 1: 'no speaker here' has no speaker"),
            ("A: Hello\nB: ...\n", "script line 2: the line of B has nothing to say"),
            ("A [pause two]: Hello", r"line 1: \[pause two\] is not understood"),
            ("A [lang]: Hello", r"\[lang\] is not understood"),
            ("A [pause -1]: Hello", "script line 1: pause must be zero or more"),
        ],
    )
    def test_refusals_name_the_line(self, text, message):
        with pytest.raises(ValidationError, match=message):
            Script.parse(text)

    @pytest.mark.parametrize(
        ("text", "found"),
        [("Hello", ("en",)), ("你好", ("zh",)), ("说 hello", ("zh", "en")), ("Привет", ("ru",)),
         ("これは本", ("ja",)), ("123", ())],
    )  # fmt: skip
    def test_languages_of_the_writing(self, text, found):
        assert languages_in(text) == found

    @pytest.mark.parametrize(
        "line",
        [
            Line("A: B", "hi"),
            Line("A", "hi", style="a]b"),
            Line("A", "hi", style="pause 1"),
            Line("#A", "hi"),
        ],
    )
    def test_what_the_plain_form_cannot_hold_is_refused(self, line):
        with pytest.raises(ValidationError, match=r"line 1 of .* does not fit the plain form"):
            Script([line]).to_text()


class TestLine:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"speaker": " "}, "needs a speaker"),
            ({"text": "?!"}, "nothing to say"),
            ({"start": "0", "end": 1.0}, "start of A's line must be a finite number"),
            ({"start": 0.0, "end": float("inf")}, "end of A's line must be a finite"),
            ({"start": 1.0}, "both start and end"),
            ({"start": 2.0, "end": 1.0}, "end after it starts"),
            ({"start": -1.0, "end": 1.0}, "from 0 s on"),
            ({"gap": float("nan")}, "gap"),
            ({"text": "one\ntwo"}, "one line of text"),
        ],
    )
    def test_refusals(self, fields, message):
        base = {"speaker": "A", "text": "Hello."} | fields
        with pytest.raises(ValidationError, match=message):
            Line(base.pop("speaker"), base.pop("text"), **base)


def timed():
    phones = (Phone("h", 0.0, 0.1), Phone("i", 0.1, 0.25))
    return Script([
        Line("ANNA", 'She said "hi"', start=0.5, end=1.75, phones=phones),
        Line("BEN", "你好。", style="softly", gap=-0.2, start=1.55, end=2.0),
        Line("ANNA", "Bye.", start=2.5, end=3.0),
    ])  # fmt: skip


class TestFiles:
    def test_json_round_trip(self, tmp_path):
        assert Script.read(timed().save(tmp_path / "s.json")) == timed()

    def test_textgrid_round_trip_of_times_and_phones(self, tmp_path):
        again = Script.read(timed().save(tmp_path / "s.TextGrid"))
        for a, b in zip(again, timed(), strict=True):
            assert (a.speaker, a.text, a.start, a.end, a.phones) == (
                b.speaker, b.text, b.start, b.end, b.phones)  # fmt: skip

    def test_textgrid_needs_times(self, tmp_path):
        with pytest.raises(ValidationError, match="needs times"):
            Script.parse("A: Hi").save(tmp_path / "s.TextGrid")

    def test_missing_and_odd_files(self, tmp_path):
        with pytest.raises(ValidationError, match=r"none\.txt does not exist"):
            Script.read(tmp_path / "none.txt")
        (tmp_path / "latin.txt").write_bytes("A: d\xe9j\xe0".encode("latin-1"))
        with pytest.raises(ValidationError, match="not UTF-8"):
            Script.read(tmp_path / "latin.txt")
        (tmp_path / "s.json").write_text('{"lines": [{"speaker": "A"}]}')
        with pytest.raises(ValidationError, match=r"s\.json: line 1: expected speaker and text"):
            Script.read(tmp_path / "s.json")


words = st.text(
    st.characters(categories=["L", "N"], exclude_characters="\x85"), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(
    Line, words, words, style=st.sampled_from(["", "softly"]),
    gap=st.none() | st.floats(-5, 5).map(lambda x: round(x, 3)),
), min_size=1, max_size=4))  # fmt: skip
def test_any_script_survives_json_and_text(lines):
    script = Script(lines)
    assert Script.from_dict(script.to_dict()) == script
    assert [x.text for x in Script.parse(script.to_text())] == [x.text.strip() for x in script]


def test_table_escapes_text():
    page = Script([Line("A", "<script>alert(1)</script> hi")])._repr_mimebundle_()["text/html"]
    assert "<script>" not in page
