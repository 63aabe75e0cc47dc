"""What mono in both ears scores stands beside chance, where it is known."""

import re
from importlib import import_module

import pytest

import spatialdrama as sd


@pytest.fixture
def table() -> sd.ScoreTable:
    names = ("itd_mae", "ild_mae", "cer")
    return sd.ScoreTable.from_scores(
        {name: {"1": sd.Score(20.0), "2": sd.Score(50.0)} for name in names},
        direction=dict.fromkeys(names, "down"),
        unit={"itd_mae": "us", "ild_mae": "dB", "cer": ""},
        chance={"itd_mae": 331.0},
        mono={"itd_mae": 402.0, "ild_mae": 75.0},
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_card_draws_and_says_both_levels(table, theme):
    picture = sd.plot.scorecard(table, theme=theme)
    rows = {ax.get_label(): ax for ax in picture.axes}
    strokes = {
        name: [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
        for name, ax in rows.items()
    }
    assert strokes == {"itd_mae": [331.0, 402.0], "ild_mae": [75.0], "cer": []}
    said = {name: [t.get_text() for t in ax.texts][-1] for name, ax in rows.items()}
    assert said["itd_mae"] == "chance 331; mono 402"
    assert said["ild_mae"] == "mono 75.0"
    assert "mono" not in said["cer"]
    for ax in rows.values():
        assert all(ax.get_xlim()[0] <= x <= ax.get_xlim()[1] for x in strokes[ax.get_label()])
    assert "itd_mae 35.0 µs (chance 331; mono 402)" in picture.alt
    assert "dotted: mono" in picture.texts[0].get_text()


def test_words_stay_within_the_card_and_off_each_other(table):
    picture = sd.plot.scorecard(table)
    picture.canvas.draw()
    edge = picture.bbox.width
    words = [t.get_window_extent() for ax in picture.axes for t in ax.texts if t.get_text()]
    assert all(box.x0 >= 0 and box.x1 <= edge and box.y0 >= 0 for box in words)
    for i, one in enumerate(words):
        assert not any(one.overlaps(other) for other in words[i + 1 :])


def test_a_table_without_mono_does_not_speak_of_it(table):
    data = table.data.copy(deep=True)
    data["mono"][:] = float("nan")
    bare = sd.ScoreTable(data)
    picture = sd.plot.scorecard(bare)
    assert "mono" not in picture.alt + picture.texts[0].get_text()
    assert "Mono" not in import_module("spatialdrama.plot.report")._scores(bare)


def test_the_report_has_a_column_for_it(table):
    page = import_module("spatialdrama.plot.report")._scores(table)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in page.split("<tr>")[1 : 4 + 1]]
    assert [len(row) for row in rows] == [6] * 4
    assert rows[0][-2:] == ["Chance level", "Mono in both ears"]
    assert [row[-2:] for row in rows[1:]] == [["331", "402"], ["-", "75.0"], ["-", "-"]]
