"""Score tables of corpora: items, their lines, intervals, chance, mono, files."""

import json

import numpy as np
import pytest

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Score, ScoreTable
from spatialdrama.types.scores import bootstrap, plain


def corpus(seed=0, items=40, lines=5):
    """Items whose lines share most of their deviation: variance 4 between, 1 within."""
    rng = np.random.default_rng(seed)
    scores = {}
    for i in range(items):
        common = rng.normal(10, 2)
        for j in range(lines):
            scores[f"item {i}", f"{j:03d}"] = Score(rng.normal(common, 1))
    return ScoreTable.from_scores(
        {"m": scores}, direction={"m": "down"}, unit={"m": "dB"}, chance={"m": 14.0},
        mono={"m": 12.5}, notes=("a note",),
    )  # fmt: skip


def test_rows_belong_to_items():
    table = corpus(items=2, lines=2)
    assert table.items == ("item 0", "item 1")
    assert table.rows == ("item 0/000", "item 0/001", "item 1/000", "item 1/001")
    own = table.lines("m", "item 1")
    assert list(own) == ["000", "001"]
    mean, weight = table.by_item("m")["item 1"]
    assert weight == 2
    assert mean == pytest.approx(sum(own.values()) / 2)
    with pytest.raises(UnknownNameError, match="item 1"):
        table.lines("m", "item 2")


def test_the_interval_is_over_items_not_lines():
    # Of a mean over clusters: variance (4 + 1/5) / 40. Over lines it would be (4 + 1) / 200.
    widths = [np.diff(corpus(seed).interval("m"))[0] for seed in range(20)]
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.sqrt(4.2 / 40), rel=0.06)


def test_an_interval_over_items_weighs_lines():
    """Ratio of sums: of two items the draws are one, the other, or both."""
    value = np.array([0.0, 0.0, 1.0])
    weight = np.array([1.0, 1.0, 6.0])
    mean, low, high = bootstrap(value, weight, np.array(["a", "a", "b"]))
    assert mean == pytest.approx(6 / 8)
    assert (low, high) == (0.0, 1.0)


def test_one_item_with_values_falls_back_to_its_lines():
    scores = {("a", "1"): Score(1.0), ("a", "2"): Score(3.0), ("b", "1"): Score(np.nan)}
    table = ScoreTable.from_scores({"m": scores}, direction={"m": "up"}, unit={"m": ""})
    assert table.interval("m") == (1.0, 3.0)


def test_chance_and_mono_are_shown_everywhere():
    table = corpus()
    for text in (repr(table), table.to_markdown(), table._repr_mimebundle_()["text/html"]):
        assert "chance" in text
        assert "mono" in text
        assert "14.0" in text
        assert "12.5" in text
    data = table.to_dict()["metrics"]["m"]
    assert (data["chance"], data["mono"]) == (14.0, 12.5)
    assert data["items"]["item 3"]["value"] == pytest.approx(table.by_item("m")["item 3"][0])
    assert "40 items, 200 lines" in repr(table)


@pytest.mark.parametrize("suffix", ["json", "nc"])
def test_files_give_the_table_back(tmp_path, suffix):
    table = corpus(items=3)
    again = ScoreTable.load(table.save(tmp_path / f"t.{suffix}"))
    assert again == table
    assert again.notes == table.notes
    assert again.items == table.items
    assert again.to_markdown() == table.to_markdown()


def test_the_first_schema_is_read(tmp_path):
    column = {
        "aggregate": 2.0, "ci95": [1.0, 3.0], "chance": None, "direction": "down", "unit": "us",
        "items": {"001 A": {"value": 1.0, "weight": 1.0, "bias": 0.5},
                  "002 B": {"value": None, "weight": 0.0}},
    }  # fmt: skip
    old = {"schema": "spatialdrama.scores/1", "notes": ["dry"], "metrics": {"itd_mae": column}}
    (tmp_path / "old.json").write_text(json.dumps(old))
    table = ScoreTable.load(tmp_path / "old.json")
    assert table["itd_mae"] == 1.0
    assert table.details["001 A", "itd_mae"] == {"bias": 0.5}
    assert np.isnan(table.data["mono"].values[0])


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"schema": "spatialdrama.scores/9"}')
    with pytest.raises(ValidationError, match=r"x\.json: expected .*scores/2.*scores/9"):
        ScoreTable.load(tmp_path / "x.json")
    (tmp_path / "x.nc").write_bytes(b"no netCDF")
    with pytest.raises(ValidationError, match=r"x\.nc: cannot be read as netCDF"):
        ScoreTable.load(tmp_path / "x.nc")
    with pytest.raises(ValidationError, match=r"ends in \.json or \.nc"):
        corpus(items=2).save(tmp_path / "x.txt")


def test_two_rows_with_one_label_are_refused():
    scores = {("a", "b/c"): Score(1.0), ("a/b", "c"): Score(1.0)}
    with pytest.raises(ValidationError, match="one label"):
        ScoreTable.from_scores({"m": scores}, direction={"m": "up"}, unit={"m": ""})


def test_details_become_plain():
    given = {"a": np.float32(0.5), "b": np.array([1, 2]), "c": [np.nan, (np.int64(3),)]}
    assert plain(given) == {"a": 0.5, "b": [1, 2], "c": [None, [3]]}
