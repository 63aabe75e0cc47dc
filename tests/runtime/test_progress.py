"""Progress goes to stderr, can be silenced, and writes whole lines where no terminal is."""

from __future__ import annotations

import sys

import pytest

from spatialdrama.runtime import progress as module
from spatialdrama.runtime.progress import progress


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.delenv("SPATIALDRAMA_PROGRESS", raising=False)


@pytest.mark.usefixtures("shown")
class TestPlain:
    def test_one_line_at_the_end(self, capsys):
        assert list(progress([1, 2, 3], "rendering")) == [1, 2, 3]
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "rendering: 3 of 3 (100 %), 0 s\n"

    def test_lines_in_between_at_intervals(self, capsys, monkeypatch):
        clock = iter(range(0, 1000, 2))  # two seconds pass between any two looks at the clock
        monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
        list(progress(range(10), "speaking"))
        lines = capsys.readouterr().err.splitlines()
        assert 2 <= len(lines) < 10
        assert lines[0].startswith("speaking: ")
        assert lines[-1].startswith("speaking: 10 of 10 (100 %)")

    def test_bytes_are_megabytes_and_notes_are_shown(self, capsys):
        with progress(label="kemar", total=5_000_000, unit="B") as bar:
            bar.update(2_500_000, note="half")
        assert capsys.readouterr().err == "kemar: 2.5 of 5.0 MB (50 %), 0 s, half\n"

    def test_an_error_still_ends_the_line(self, capsys):
        bar = progress(label="x", total=2)

        def work():
            with bar:
                bar.update()
                raise ValueError

        with pytest.raises(ValueError):
            work()
        bar.close()  # a second close says nothing more
        assert capsys.readouterr().err == "x: 1 of 2 (50 %), 0 s\n"

    def test_unknown_length(self, capsys):
        assert list(progress(iter("ab"), "letters")) == ["a", "b"]
        assert capsys.readouterr().err == "letters: 2, 0 s\n"


def test_a_terminal_gets_a_bar_on_stderr(capsys, monkeypatch, shown):
    monkeypatch.setattr(module, "_place", lambda: "bar")
    assert list(progress([1, 2], "rendering")) == [1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert "rendering" in err
    assert "2/2" in err


def test_place_is_a_bar_on_terminals_and_plain_in_pipes(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert module._place() == "plain"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert module._place() == "bar"


@pytest.mark.parametrize("value", ["0", "off", "False"])
def test_quiet(capsys, monkeypatch, value):
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", value)
    list(progress([1, 2], "rendering"))
    assert capsys.readouterr() == ("", "")


def test_show_decides_over_the_environment(capsys, monkeypatch):
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "0")
    list(progress([1], "a", show=True))
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "1")
    list(progress([1], "b", show=False))
    assert capsys.readouterr().err == "a: 1 of 1 (100 %), 0 s\n"
