"""The doors that a person comes through: `sd.generate`, the command line, the tables."""

import json

import pytest
from spatialdrama_isdrama import checkpoints

import spatialdrama as sd
from spatialdrama.cli import main
from spatialdrama.errors import ValidationError


@pytest.fixture
def folder(tiny, tmp_path):
    return checkpoints.save(tmp_path / "tiny", tiny.config, tiny.parts)


@pytest.fixture
def command(folder, script, scene, voices, tmp_path):
    (tmp_path / "script.txt").write_text(script.to_text())
    scene.save(tmp_path / "scene.json")
    return [
        "generate", str(tmp_path / "script.txt"), "--scene", str(tmp_path / "scene.json"),
        *(part for who, path in voices.items() for part in ("--voice", f"{who}={path}")),
        "--generator", "isdrama", "--set", f"weights={folder}", "--set", "steps=1",
        "--set", "cache=false", "--out", str(tmp_path / "out"), "--json",
    ]  # fmt: skip


def test_generate_by_name(folder, script, scene, voices):
    drama = sd.generate(script, scene, voices=voices, seed=3, generator="isdrama", progress=False,
                        weights=str(folder), steps=1, cache=False)  # fmt: skip
    assert drama.provenance["weights"]["path"] == folder.name
    assert len(drama.stems) == 3


def test_the_command_line_makes_a_folder(command, capsys, tmp_path):
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    drama = sd.Drama.load(tmp_path / "out")
    assert said["lines"] == 3
    assert drama.provenance["generator"] == "isdrama"
    assert said["duration"] == drama.audio.duration


def test_a_dry_run_checks_and_makes_nothing(command, capsys, tmp_path):
    assert main([*command, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["forecast"]["seconds"] > 0
    assert not (tmp_path / "out").exists()


def test_a_wrong_prompt_is_one_sentence_and_status_2(command, capsys, tmp_path):
    assert main([*command, "--voice", "BERT=nobody.wav"]) == 2
    assert "the voice prompt of BERT" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_variable_names_the_weights(folder, script, scene, voices, monkeypatch):
    with pytest.raises(ValidationError, match="needs weights"):
        sd.load_generator("isdrama").check(script, scene, voices)
    monkeypatch.setenv("SPATIALDRAMA_ISDRAMA", str(folder))
    sd.load_generator("isdrama").check(script, scene, voices)


def test_the_table_says_that_weights_are_needed(monkeypatch):
    assert "weights='checkpoint-folder'" in repr(sd.generators)
    monkeypatch.setenv("SPATIALDRAMA_ISDRAMA", "somewhere")
    assert "weights='checkpoint-folder'" not in repr(sd.generators)
