"""TextGrids: round trips, both text forms of Praat, and what the core reads and writes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_corpora.annotate.textgrid import (
    Interval,
    TextGrid,
    parse_textgrid,
    read_textgrid,
    to_textgrid,
    write_textgrid,
)

from spatialdrama.errors import ValidationError
from spatialdrama.types import Line, Phone, Script

# As Praat 6.4 writes it ("Save as short text file"), a point tier between two interval tiers.
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
1.5
<exists>
3
"IntervalTier"
"words"
0
1.5
3
0
0.5
"he said ""no"""
0.5
1.25
""
1.25
1.5
"5 <exists>"
"TextTier"
"clicks"
0
1.5
2
0.25
"a"
1.0
"b"
"IntervalTier"
"phones"
0
1.5
1
0
1.5
"uo"
'''


def test_short_form_with_a_point_tier():
    grid = parse_textgrid(SHORT)
    assert list(grid.tiers) == ["words", "phones"]
    assert [i.text for i in grid["words"]] == ['he said "no"', "", "5 <exists>"]
    assert [(i.start, i.end) for i in grid["words"]] == [(0, 0.5), (0.5, 1.25), (1.25, 1.5)]
    assert grid.spoken("phones") == (Interval("uo", 0.0, 1.5),)
    assert parse_textgrid(to_textgrid(grid)) == grid


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=12).filter(lambda t: "\r" not in t), st.floats(0.001, 3)),
        min_size=1, max_size=8,
    ),
    st.text(min_size=1, max_size=10).filter(lambda t: "\r" not in t),
)  # fmt: skip
def test_any_text_makes_a_round_trip(rows, name):
    clock, intervals = 0.0, []
    for text, length in rows:
        intervals.append(Interval(text, clock, clock + length))
        clock += length
    grid = TextGrid({name: intervals, "phones": intervals[:1]})
    assert parse_textgrid(to_textgrid(grid)) == grid


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_in_the_encodings_of_praat(tmp_path, encoding):
    grid = TextGrid({"words": [Interval("我", 0.0, 0.2)], "phones": [Interval("uo", 0.0, 0.2)]})
    path = write_textgrid(grid, tmp_path / "a.TextGrid")
    assert path.read_bytes().decode("utf-8") == to_textgrid(grid)
    path.write_bytes(to_textgrid(grid).encode(encoding))
    assert read_textgrid(path) == grid


def test_the_core_reads_what_is_written_here(tmp_path):
    grid = TextGrid({"ANNA": [Interval("Who is there?", 0.5, 1.5)]}, end=2.0)
    script = Script.read(write_textgrid(grid, tmp_path / "a.TextGrid"))
    assert script.lines == (Line("ANNA", "Who is there?", start=0.5, end=1.5),)


def test_what_the_core_writes_is_read_here(tmp_path):
    phones = [Phone("HH", 0.0, 0.2), Phone("UW", 0.2, 1.0)]
    script = Script([
        Line("ANNA", "Who?", start=0.5, end=1.5, phones=phones),
        Line("BEN", "Me.", start=1.75, end=2.25),
    ])  # fmt: skip
    script.save(tmp_path / "s.TextGrid")
    grid = read_textgrid(tmp_path / "s.TextGrid")
    assert list(grid.tiers) == ["ANNA", "ANNA - phones", "BEN"]
    assert grid.phones("ANNA - phones")[0] == Phone("HH", 0.5, 0.7)
    assert [(x.speaker, x.text, x.start, x.end) for x in grid.script().lines] == [
        ("ANNA", "Who?", 0.5, 1.5), ("BEN", "Me.", 1.75, 2.25)
    ]  # fmt: skip


def test_silences_are_no_lines():
    rows = [Interval("<SP>", 0, 1), Interval("Yes.", 1, 2), Interval("...", 2, 3)]
    assert [x.text for x in TextGrid({"A": rows, "phones": rows}).script().lines] == ["Yes."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "not a TextGrid"),
        (SHORT[:200], "ends in the middle"),
        (SHORT.replace('"IntervalTier"\n"words"', '7\n"words"'), "text in quotes was expected"),
        (SHORT.replace("0\n0.5\n", '0\n"x"\n', 1), "number was expected"),
        (SHORT.replace("0.5\n1.25", "0.3\n1.25"), "ends at 0.500 s"),
        (SHORT.replace("1.25\n1.5\n", "1.25\n1.75\n"), "goes on to 1.750 s"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n0\n1\n<absent>\n', "no interval"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, message):
    path = tmp_path / "broken.TextGrid"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValidationError, match=rf"broken\.TextGrid.*{message}"):
        read_textgrid(path)


def test_grids_that_cannot_be():
    with pytest.raises(ValidationError, match="no tier 'x'"):
        TextGrid({"words": [Interval("a", 0, 1)]})["x"]
    with pytest.raises(ValidationError, match="lasts from 0 s to 0 s"):
        TextGrid({})
    with pytest.raises(ValidationError, match=r"\.TextGrid"):
        write_textgrid(TextGrid({"w": [Interval("a", 0, 1)]}), "a.txt")
    with pytest.raises(ValidationError, match="does not exist"):
        read_textgrid("missing.TextGrid")
