"""``spatialdrama corpus build`` from end to end, with a voice of tones."""

import json

import pytest
from spatialdrama_corpora.simulate.store import read_manifest

from spatialdrama.cli import main


@pytest.fixture
def arguments(tone, config, tmp_path):
    """Return the command's arguments for a small corpus."""
    file = config().save(tmp_path / "config.json")
    out = tmp_path / "corpus"
    return ["corpus", "build", "--config", str(file), "--out", str(out), "--scheduler", "threads",
            "--workers", "1"]  # fmt: skip


def test_it_builds_and_says_what(arguments, capsys, tmp_path):
    assert main(arguments) == 0
    told = capsys.readouterr()
    rows = read_manifest(tmp_path / "corpus" / "manifest.parquet")
    assert f"{len(rows)} segments" in told.out
    assert "building" in told.err
    assert "left" in told.err
    assert main([*arguments, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["segments"], again["made"], again["failed"]) == (len(rows), 0, {})


def test_a_dry_run_makes_nothing(arguments, capsys, tmp_path):
    assert main([*arguments, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["segments"] > 0
    assert {"hours", "disk_bytes", "free_bytes", "seconds"} <= set(told)
    assert not (tmp_path / "corpus").exists()
    assert main([*arguments, "--dry-run"]) == 0
    assert "on the disk" in capsys.readouterr().out


def test_an_option_overrides_the_file(arguments, capsys):
    assert main([*arguments, "--set", "hours=0.05", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hours"] > 0.05


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--set", "hour=2"], "hours"),
        (["--set", "rooms={\"cave\": 1}"], "cave"),
        (["--workers", "0"], "--workers"),
        (["--scheduler", "mars"], "scheduler must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(arguments, more, told, capsys, tmp_path):
    assert main([*arguments, *more]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "corpus").exists()


def test_failed_segments_give_status_1(arguments, capsys, monkeypatch):
    import sys

    from spatialdrama.errors import ValidationError

    def broken(segment, folder, options):
        raise ValidationError("the voice gave a broken signal")

    monkeypatch.setattr(sys.modules["spatialdrama_corpora.simulate.build"], "make", broken)
    assert main(arguments) == 1
    told = capsys.readouterr().out
    assert "0 segments" in told
    assert "the voice gave a broken signal" in told
    assert "more" in told
