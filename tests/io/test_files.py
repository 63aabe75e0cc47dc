"""Writing files: readable, whole, and never at the cost of what was there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import atomic, write_json

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    plain | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_json_means_the_same_however_it_is_laid_out(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "v.json"
    assert json.loads(write_json(path, value).read_text(encoding="utf-8")) == value


def test_short_lists_stand_on_one_line(tmp_path):
    text = write_json(tmp_path / "v.json", {"phones": [["a", 0.0, 0.1], ["b", 0.1, 0.2]]})
    assert '["a", 0.0, 0.1]' in text.read_text()


def test_nan_is_refused_and_the_old_file_stays(tmp_path):
    path = write_json(tmp_path / "v.json", {"x": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"x": float("nan")})
    assert json.loads(path.read_text()) == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["v.json"]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def interrupted():
        with atomic(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValidationError, match="cannot write"), atomic(tmp_path / "file" / "a.txt"):
        pass
