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
