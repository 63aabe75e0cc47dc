"""``spatialdrama corpus`` finds the reader by itself, and lists what is wrong."""

import json

import numpy as np

from spatialdrama.cli import main


def test_check_and_describe_an_mrsdrama_folder(samurai, capsys):
    release, name, _ = samurai
    assert main(["corpus", "check", str(release.root)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "Corpus(mrsdrama: 2 items" in said.err
    (release.root / "set1/七武士/wav" / f"{name}.wav").write_bytes(b"RIFF")
    assert main(["corpus", "check", str(release.root), "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)
    assert [p["item"] for p in problems] == [name]
    assert "cut off in its header" in problems[0]["what"]
    picture = release.root / "about.png"
    assert main(["corpus", "describe", str(release.root), "--picture", str(picture)]) == 0
    assert "corpus             mrsdrama (CC-BY-NC-SA-4.0)" in capsys.readouterr().out
    assert picture.read_bytes()[1:4] == b"PNG"


def test_plain_sound_is_for_the_folder_reader(release, capsys):
    release.sound("play/a.wav", 0.2)
    np.savetxt(release.root / "play/a_pose.txt", np.tile([0, 1, 0, 1, 0, 0, 0], (24, 1)))
    command = ["corpus", "check", str(release.root)]
    assert main(command) == 1
    assert "open the corpus with pose_format=" in capsys.readouterr().out
    assert main([*command, "--set", "pose_format=mrsdrama-120hz"]) == 0
