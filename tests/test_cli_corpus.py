"""``spatialdrama corpus`` with readers that are registered here."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from spatialdrama.cli import main
from spatialdrama.errors import ValidationError
from spatialdrama.registry import CorpusSpec, manager, register_local, unregister_local


class Opened:
    """A corpus of one broken item."""

    def __init__(self, gain):
        self.gain = gain

    def __repr__(self):
        return "Corpus(mine: 1 item)"

    def describe(self):
        return SimpleNamespace(
            text=lambda: f"gain {self.gain}", to_dict=lambda: {"gain": self.gain},
            picture=lambda theme: SimpleNamespace(save=lambda p: open(p, "w").write(theme)),
        )  # fmt: skip

    def check(self):
        def row(level):
            return SimpleNamespace(level=level, item="a", file="a.wav", what=f"a {level}.",
                                   remedy="Mend it.")  # fmt: skip

        return [] if self.gain == 0 else [Row(**vars(row("problem"))), Row(**vars(row("note")))]


class Row(SimpleNamespace):
    def __str__(self):
        return f"{self.item} ({self.file}): {self.what} {self.remedy}"


class Mine:
    def knows(self, path):
        return (path / "mine.json").exists()

    def open(self, path, *, gain=1):
        return Opened(gain)


class Anything(Mine):
    def knows(self, path):
        return True


@pytest.fixture(autouse=True)
def readers(tmp_path, monkeypatch):
    monkeypatch.setenv("SPATIALDRAMA_PLUGINS", "")
    manager.refresh()
    for name, reader in (("mine", Mine), ("folder", Anything)):
        register_local("corpus", CorpusSpec(name, "a.b:C", licence="CC0-1.0"), reader)
    (tmp_path / "mine.json").write_text("{}")
    yield tmp_path
    for name in ("mine", "folder"):
        unregister_local("corpus", name)
    monkeypatch.undo()
    manager.refresh()


def run(capsys, *arguments):
    status = main(["corpus", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_check_lists_problems_and_says_so_by_its_status(capsys, tmp_path):
    status, out, err = run(capsys, "check", tmp_path)
    assert status == 1
    assert out.splitlines() == [
        "problem: a (a.wav): a problem. Mend it.",
        "note: a (a.wav): a note. Mend it.",
    ]
    assert err == "Corpus(mine: 1 item): 1 problem, 1 note\n"
    status, out, _ = run(capsys, "check", tmp_path, "--json", "--no-notes")
    assert status == 1
    assert json.loads(out) == [
        {"level": "problem", "item": "a", "file": "a.wav", "what": "a problem.",
         "remedy": "Mend it."}
    ]  # fmt: skip
    assert run(capsys, "check", tmp_path, "--set", "gain=0")[:2] == (0, "")


def test_describe_prints_and_draws(capsys, tmp_path):
    picture = tmp_path / "a.png"
    status, out, _ = run(capsys, "describe", tmp_path, "--picture", picture, "--theme", "dark")
    assert (status, out) == (0, "gain 1\n")
    assert picture.read_text() == "dark"
    status, out, _ = run(capsys, "describe", tmp_path, "--json", "--set", "gain=2")
    assert json.loads(out) == {"gain": 2}


def test_the_folder_reader_is_the_last_to_be_asked(capsys, tmp_path):
    (tmp_path / "plain").mkdir()
    assert run(capsys, "describe", tmp_path / "plain")[0] == 0
    register_local("corpus", CorpusSpec("folder", "a.b:C", licence="CC0-1.0"), Mine)
    status, _, err = run(capsys, "describe", tmp_path / "plain")
    assert status == 2
    assert "no reader knows it; name one with --reader: mine, folder" in err


def test_two_readers_that_know_a_folder_must_be_told_apart(capsys, tmp_path):
    register_local("corpus", CorpusSpec("other", "a.b:C", licence="CC0-1.0"), Anything)
    try:
        status, _, err = run(capsys, "check", tmp_path)
        assert status == 2
        assert "mine, other all know it; name one with --reader" in err
        assert run(capsys, "describe", tmp_path, "--reader", "other")[0] == 0
    finally:
        unregister_local("corpus", "other")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["describe", "gone"], "corpus folder gone does not exist"),
        (["check", ".", "--reader", "min"], "Did you mean 'mine'"),
        (["check", ".", "--reader", "mine", "--set", "volume=3"], "local/mine does not take all "
         "of volume"),
        (["describe", ".", "--reader", "mine", "--picture", "a.gif"], ".png, .svg or .pdf"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_status_2(capsys, arguments, says):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_what_a_reader_refuses_is_told_as_it_says_it(capsys, tmp_path):
    class Refuses(Mine):
        def open(self, path):
            raise ValidationError("there is nothing here.")

    register_local("corpus", CorpusSpec("mine", "a.b:C", licence="CC0-1.0"), Refuses)
    assert run(capsys, "check", tmp_path)[2] == "spatialdrama corpus: there is nothing here.\n"
