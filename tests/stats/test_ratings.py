"""Tables of ratings: what is read, what is refused."""

import numpy as np
import pandas as pd
import pytest

from spatialdrama.errors import ValidationError
from spatialdrama.stats import cmos, mos, tidy


def rows(**changes):
    made = [
        {"listener": listener, "system": system, "item": item, "score": 3}
        for listener in "xy" for system in "ab" for item in (1, 2)
    ]  # fmt: skip
    made[2] |= changes
    return made


@pytest.mark.parametrize(
    "form",
    [lambda r: r, pd.DataFrame, lambda r: pd.DataFrame(r).to_dict("list"), tidy, iter],
    ids=["dicts", "frame", "columns", "ratings", "iterator"],
)
def test_every_form_of_a_table(form):
    checked = tidy(form(rows(score=5)))
    assert len(checked) == 8
    assert checked.systems == ("a", "b")
    assert checked.of("b").score.tolist() == [5, 3, 3, 3]
    assert checked.matrix().shape == (2, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": 6}, "row 2 .* score 6 is off the scale of 1 to 5"),
        ({"score": "good"}, "row 2 .*'good' is no number"),
        ({"score": None}, "row 2 .* no number"),
        ({"score": float("nan")}, "row 2 .* has no score"),
        ({"listener": None}, "row 2 .* has no listener"),
        ({"item": ""}, "row 2 .* has no item"),
        ({"system": "a", "item": 2}, "'x' rated item '2' of 'a' twice, in rows 1 and 2"),
    ],
)
def test_odd_rows_are_named(changes, message):
    with pytest.raises(ValidationError, match=message):
        tidy(rows(**changes))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "no column 'listener', 'system', 'item', 'score'"),
        (pd.DataFrame(rows()).drop(columns="item"), "no column 'item'"),
        (pd.DataFrame(rows()).iloc[:0], "no rows"),
        ([*rows(), {"listener": "z", "system": "a", "score": 3}], "row 8 .* has no 'item'"),
        ({"listener": ["x"], "system": ["a"], "item": [1], "score": [1, 2]}, "differ in length"),
        ("ratings.csv", "got str"),
        (3, "got int"),
    ],
)
def test_odd_tables(table, message):
    with pytest.raises(ValidationError, match=message):
        tidy(table)


def test_comparative_scores_have_their_own_scale():
    with pytest.raises(ValidationError, match="off the scale of -3 to 3"):
        cmos(rows(score=4))
    assert cmos(rows(score=-3))["b"].mean == pytest.approx((-3 + 9) / 4)


def test_one_of_several_questions_is_chosen():
    both = [r | {"question": q, "score": s} for q, s in (("Q", 4), ("P", 2)) for r in rows()]
    with pytest.raises(ValidationError, match="several questions, Q, P; choose one"):
        mos(both)
    assert mos(both, question="P")["a"].mean == 2.0
    with pytest.raises(ValidationError, match="'S'; there are Q, P"):
        mos(both, question="S")
    with pytest.raises(ValidationError, match="'S'; there are none"):
        mos(rows(), question="S")


def test_a_matrix_has_gaps_where_nobody_rated():
    assert np.isnan(tidy(rows()[:-1]).matrix()).sum() == 1
