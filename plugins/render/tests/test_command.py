"""``spatialdrama render`` with the physical renderer: files, layouts, forecasts, interruptions."""

import json

import numpy as np
import pytest
import soundfile

from spatialdrama.cli import main
from spatialdrama.io.audio import read_samples
from spatialdrama.types import Pose, Room

RATE = 48_000


@pytest.fixture
def mono(tmp_path, noise):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "mono.flac", noise(24_000), RATE, "PCM_24")
    return tmp_path / "in" / "mono.flac"


def render(mono, out, *more):
    place = ["--azimuth", "60", "--distance", "2", "--room", "6x5x3", "--rt60", "0.3"]
    return main(["render", "--mono", str(mono), *place, "-o", str(out), *more])


def test_a_file_is_what_render_gives(kemar, mono, tmp_path, capsys):
    assert render(mono, tmp_path / "out.wav", "--gain", "20", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    samples = read_samples(mono)[0][0]
    pose = Pose.fixed(azimuth_deg=60, distance=2)
    want = kemar.render(samples, pose, room=Room((6, 5, 3), rt60=0.3), gain_db=20).samples
    got = read_samples(tmp_path / "out.wav")[0]
    np.testing.assert_allclose(got, want, atol=2**-23)
    assert said["duration"] == want.shape[1] / RATE
    assert said["peak"] == pytest.approx(np.abs(want).max())
    assert said["provenance"]["renderer"] == "physical"


def test_layouts(mono, tmp_path, capsys):
    assert render(mono, tmp_path / "out.wav", "--layout", "foa") == 0
    assert "foa" in capsys.readouterr().out
    w, y, z, x = read_samples(tmp_path / "out.wav")[0]
    first = slice(300, 500)  # the direct sound alone: 2 m are 280 samples, the floor 100 more
    assert np.sum(w[first] * y[first]) / np.sum(w[first] ** 2) == pytest.approx(
        np.sin(np.pi / 3), abs=0.15
    )
    assert np.sum(w[first] * x[first]) / np.sum(w[first] ** 2) == pytest.approx(0.5, abs=0.15)
    assert z.any()


def test_a_dry_run_tells_and_makes_nothing(mono, tmp_path, capsys):
    assert render(mono, tmp_path / "out.wav", "--dry-run") == 0
    text = capsys.readouterr().out
    assert "2.00 to 2.00 m" in text
    assert "Room(6 x 5 x 3 m, RT60 0.3 s)" in text
    assert render(mono, tmp_path / "out.wav", "--dry-run", "--json", "--layout", "5.1") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["layout"], plan["nearest"], plan["farthest"]) == ("5.1", 2.0, 2.0)
    assert 0.5 < plan["duration"] < 1.2
    assert not (tmp_path / "out.wav").exists()
    assert render(mono, tmp_path / "out.wav") == 0
    assert soundfile.info(tmp_path / "out.wav").duration == pytest.approx(plan["duration"], abs=0.1)


def test_ctrl_c_leaves_no_half_file(mono, tmp_path, capsys, monkeypatch):
    from spatialdrama_render.engine import Engine

    real, calls = Engine.process, []

    def stopped(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(Engine, "process", stopped)
    assert render(mono, tmp_path / "out.wav") == 2
    assert "stopped" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_bar_is_shown_on_long_work_only(mono, tmp_path, capsys, monkeypatch):
    from spatialdrama import cli_drama

    monkeypatch.delenv("SPATIALDRAMA_PROGRESS", raising=False)
    assert render(mono, tmp_path / "out.wav") == 0
    assert "rendering" not in capsys.readouterr().err
    monkeypatch.setattr(cli_drama, "LONG", 0.1)
    assert render(mono, tmp_path / "out.wav") == 0
    assert "rendering" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--layout", "foa", "--renderer", "geometric"), "binaural sound alone"),
        (("--distance", "0.05"), "0.05 m"),
        (("--distance", "9"), "room"),
    ],
)
def test_refusals_are_one_sentence_and_no_file(mono, tmp_path, capsys, more, words):
    assert render(mono, tmp_path / "out.wav", *more) == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1
    assert words in err
    assert not (tmp_path / "out.wav").exists()


def test_a_name_that_cannot_be_written_is_said_before_any_work(mono, tmp_path, capsys):
    assert render(mono, tmp_path / "out.mp3", "--renderer", "no-such-renderer") == 2
    assert "ends in .wav or .flac" in capsys.readouterr().err


def refused(capsys, *arguments):
    """Run, and return the one sentence that says why not."""
    assert main(["render", *map(str, arguments)]) == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1
    return err


def test_nothing_that_is_read_is_written_over(mono, tmp_path, capsys):
    pose, brir = tmp_path / "walk.nc", tmp_path / "hall.wav"
    Pose.fixed((1, 1, 0)).save(pose)
    soundfile.write(brir, np.eye(400, 2) / 2, RATE)
    (tmp_path / "link.flac").symlink_to(mono)
    before = mono.read_bytes(), brir.read_bytes()
    place = ("--azimuth", 40)
    for out in (mono, tmp_path / "link.flac", mono.parent / ".." / "in" / "mono.flac"):
        assert "file of --mono, which is read" in refused(capsys, "--mono", mono, *place, "-o", out)
    assert "--brir" in refused(capsys, "--mono", mono, *place, "--brir", brir, "-o", brir)
    link = tmp_path / "pose.wav"
    link.symlink_to(pose)
    assert "--pose" in refused(capsys, "--mono", mono, "--pose", pose, "-o", link)
    assert (mono.read_bytes(), brir.read_bytes()) == before


def test_a_recording_at_another_rate_is_told_in_the_words_of_a_shell(tmp_path, capsys):
    soundfile.write(tmp_path / "slow.wav", np.zeros(1600), 16_000)
    for renderer in ("physical", "geometric"):
        err = refused(
            capsys, "--mono", tmp_path / "slow.wav", "--azimuth", 40, "-o", tmp_path / "out.wav",
            "--renderer", renderer,
        )  # fmt: skip
        assert "--mono" in err
        assert "16000 Hz" in err
        assert "sox" in err
        assert "slow_48000.wav" in err
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pose", "nope.txt"), "--pose nope.txt: there is no such file"),
        (("--pose", "{pose}", "--elevation", 10), "--elevation goes with --azimuth"),
        (("--pose", "{pose}", "--distance", 2), "--distance goes with --azimuth"),
        (("--azimuth", 40, "--pose-format", "mrsdrama-120hz"), "--pose-format goes with --pose"),
        (
            ("--azimuth", 40, "--room", "6x5x3", "--absorption", "{floor: carpet}"),
            "--absorption {floor: carpet} is no JSON",
        ),
        (("--azimuth", 40, "--room", "6x5x3", "--rt60", 350), "Did you mean 0.35?"),
    ],
)
def test_options_that_do_not_go_together(mono, tmp_path, capsys, arguments, words):
    Pose.fixed((1, 1, 0)).save(tmp_path / "walk.nc")
    arguments = [str(tmp_path / "walk.nc") if a == "{pose}" else a for a in arguments]
    assert words in refused(capsys, "--mono", mono, *arguments, "-o", tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_options_are_written_in_full(mono, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["render", "--mono", str(mono), "--azi", "40", "-o", str(tmp_path / "out.wav")])
    assert "--azi" in capsys.readouterr().err
