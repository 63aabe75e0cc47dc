"""The command line as a person meets it: status, one sentence, nothing half-written."""

import errno
import io
import json
import pathlib
import re

import numpy as np
import pytest
import soundfile

import spatialdrama as sd
from spatialdrama.cli import main
from spatialdrama.io import stored
from spatialdrama.registry import VoiceSpec, register_local, unregister_local

RATE = 48_000


class HumVoice:
    """Hums 0.1 s a word; stops where the test wants."""

    languages = ("en", "zh")
    stop_at = None

    def __init__(self):
        self.spoken = 0

    def identities(self):
        return ("hum",)

    def check(self, text, *, identity, language=None):
        for code in sd.Line("x", text, language=language).languages:
            if code not in self.languages:
                raise sd.errors.ValidationError(f"this voice does not speak {code!r}.")
        if identity != "hum":
            raise sd.errors.UnknownNameError(f"no identity named {identity!r}. Known: hum.")

    def speak(self, text, *, identity, **options):
        if self.spoken == self.stop_at:
            raise KeyboardInterrupt
        self.spoken += 1
        n = int(0.1 * (1 + len(text.split())) * RATE)
        return sd.Speech(0.1 * np.sin(2 * np.pi * 220 * np.arange(n) / RATE), RATE, text=text,
                         identity=identity)  # fmt: skip


@pytest.fixture
def voice(tmp_path, monkeypatch):
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "0")
    made = HumVoice()
    register_local("voice", VoiceSpec("hum", "x:Y"), lambda: made)
    # As if a distribution had brought it: what comes from a cell is never kept.
    monkeypatch.setattr("spatialdrama_cascade.part.LOCAL", "another provider")
    yield made
    unregister_local("voice", "hum")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "script.txt").write_text("A: one two\nB: three\nA: four five six\n")
    (tmp_path / "scene.json").write_text(json.dumps({
        "room": None,
        "speakers": {"A": {"azimuth_deg": 60, "distance": 1.5}, "B": {"fixed": [1, -1, 0]}},
    }))  # fmt: skip
    (tmp_path / "voices.json").write_text('{"A": "hum", "B": "hum"}')
    return tmp_path


def generate(files, *more, out="out"):
    return main([
        "generate", str(files / "script.txt"), "--scene", str(files / "scene.json"),
        "--voices", str(files / "voices.json"), "--set", "voice=hum", "--set", "renderer=geometric",
        "--out", str(files / out), *more,
    ])  # fmt: skip


def refused(capsys, status, *words):
    """Status 2 and one sentence on stderr that holds `words`."""
    assert status == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1, err
    assert "Traceback" not in err
    for word in words:
        assert word in err


class TestGenerate:
    def test_writes_the_folder_and_says_so(self, voice, files, capsys):
        assert generate(files, "--seed", "7") == 0
        said = capsys.readouterr().out
        assert "drama.wav" in said
        assert "drama.json" in said
        drama = sd.Drama.load(files / "out")
        assert drama.seed == 7
        assert drama.audio.rate == RATE
        assert [x.speaker for x in drama.script] == ["A", "B", "A"]
        assert sorted(p.name for p in files.iterdir() if p.name.startswith(".")) == []

    def test_json_summary_is_all_of_stdout(self, voice, files, capsys):
        assert generate(files, "--json") == 0
        summary = json.loads(capsys.readouterr().out)
        assert summary["lines"] == 3
        assert any(f.endswith("drama.wav") for f in summary["files"])

    def test_dry_run_makes_nothing(self, voice, files, capsys):
        assert generate(files, "--dry-run") == 0
        assert "would speak 3 lines" in capsys.readouterr().out
        assert voice.spoken == 0
        assert not (files / "out").exists()

    def test_dry_run_says_what_it_needs_on_the_disk(self, voice, files, capsys):
        lines = "A: " + "word " * 24 + "\nB: " + "word " * 24 + "\n"  # 10 s each
        (files / "script.txt").write_text(lines * 180)  # an hour of speech
        assert generate(files, "--dry-run") == 0
        assert "about 62 min of sound: 1.3 GB on the disk, 2.1 GB more" in capsys.readouterr().out
        assert generate(files, "--dry-run", "--json") == 0
        plan = json.loads(capsys.readouterr().out)["forecast"]
        # two ears at 24 bits, and FLAC at about half of 24 bits
        sound = RATE * (6 * plan["seconds"] + 1.5 * plan["spoken"])
        assert plan["folder_bytes"] == pytest.approx(sound, rel=0.01)
        assert plan["seconds"] == pytest.approx(3600 + 360 * 0.45, rel=0.01)

    def test_long_dramas_go_by_the_disk_and_are_the_same(self, voice, files, monkeypatch):
        generate(files, "--seed", "3", out="memory")
        monkeypatch.setattr(stored, "IN_MEMORY", 0)
        generate(files, "--seed", "3", out="disk")
        for path in (files / "memory").rglob("*.*"):
            other = files / "disk" / path.relative_to(files / "memory")
            assert other.read_bytes() == path.read_bytes()
        again = sd.Drama.load(files / "disk", stored=True)
        assert again == sd.Drama.load(files / "memory")

    @pytest.mark.parametrize("after", [0, 2])
    def test_no_space_for_a_long_drama(self, voice, files, capsys, monkeypatch, after):
        """The disk of the nameless files is full from the first stem, or from the mix on."""
        monkeypatch.setattr(stored, "IN_MEMORY", 0)
        made = []

        def full(**where):
            made.append(where["dir"])
            if len(made) > after:
                raise OSError(errno.ENOSPC, "No space left on device")
            return io.BytesIO()

        monkeypatch.setattr(stored.tempfile, "TemporaryFile", full)
        if after:
            assert generate(files, out="first") == 0
            capsys.readouterr()
        refused(capsys, generate(files), "no space left in", "SPATIALDRAMA_HOME")
        assert {str(files / "home" / "cache")} == set(made)
        assert not (files / "out").exists()
        assert not [p for p in files.iterdir() if p.name.startswith(".")]

    def test_a_second_run_replaces_the_first(self, voice, files):
        generate(files, "--seed", "1")
        generate(files, "--seed", "2")
        assert sd.Drama.load(files / "out").seed == 2

    def test_ctrl_c_keeps_finished_lines_and_the_next_run_goes_on(self, voice, files, capsys):
        voice.stop_at = 2
        assert generate(files) == 2
        assert "the same command goes on" in " ".join(capsys.readouterr().err.split())
        assert not (files / "out").exists()
        voice.stop_at = None
        assert generate(files) == 0
        assert voice.spoken == 3

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"script.txt": ""}, ("script.txt", "the script is empty")),
            ({"script.txt": "A: one\nC: two\n"}, ("no speaker in the scene named 'C'",)),
            ({"script.txt": "A: Привет\n"}, ("line 1 of A", "'ru'")),
            ({"voices.json": '{"A": "hum", "B": "ham"}'}, ("line 2 of B", "'ham'")),
            ({"voices.json": '{"A": "hum"}'}, ("'B' has no voice",)),
            ({"voices.json": "{"}, ("voices.json", "not JSON")),
            ({"scene.json": '{"speakers": {"A": {"fixed": [1, 0]}}}'}, ("scene.json", "'A'")),
            (
                {"scene.json": '{"speakers": {"A": {"walk": [[1,0,0],[-1,0,0]], "speed": 1}}}'},
                ("'A' passes through the listener's head",),
            ),
            (
                {"scene.json": '{"room": {"size": [2,2,2], "rt60": 0.2}, "speakers": {"A": '
                               '{"fixed": [3, 0, 0]}}}'},
                ("'A' is outside the room", "(3.00, 0.00, 0.00)"),
            ),
            (
                {"scene.json": '{"speakers": {"A": {"time": [0, 1], "position": [[1,0,0],[NaN,0,0]]'
                               '}}}'},
                ("'A'", "position[1, 0] is nan"),
            ),
            (
                {"scene.json": '{"speakers": {"A": {"time": [1, 0], "position": [[1,0,0],[2,0,0]]}'
                               '}}'},
                ("'A'", "must increase"),
            ),
            (
                {"scene.json": '{"speakers": {"A": {"time": [0], "position": [[1,0,0]], '
                               '"orientation": [[0,0,0,0]]}}}'},
                ("'A'", "norm 0"),
            ),
        ],
    )  # fmt: skip
    def test_wrong_input_is_one_sentence_and_no_folder(self, voice, files, capsys, change, words):
        for name, text in change.items():
            (files / name).write_text(text)
        refused(capsys, generate(files), *words)
        assert not (files / "out").exists()
        assert voice.spoken == 0

    def test_unknown_names_and_files(self, voice, files, capsys):
        refused(capsys, generate(files, "--set", "renderer=geometri"), "'geometri'", "geometric")
        refused(capsys, generate(files, "--report", "--metrics", "itd_ma"), "'itd_ma'")
        refused(capsys, generate(files, "--generator", "cascad"), "Did you mean 'cascade'?")
        refused(capsys, generate(files, "--set", "pauses=1"), "pauses")
        refused(capsys, generate(files, "--voice", "A"), "SPEAKER=IDENTITY")
        refused(capsys, generate(files, "--metrics", "itd_mae"), "add --report")
        (files / "script.txt").unlink()
        refused(capsys, generate(files), "script.txt does not exist")
        assert not (files / "out").exists()

    def test_a_folder_with_other_things_is_left_alone(self, voice, files, capsys):
        (files / "out").mkdir()
        (files / "out" / "thesis.doc").write_text("precious")
        refused(capsys, generate(files), "holds other files and no drama")
        assert (files / "out" / "thesis.doc").read_text() == "precious"

    @pytest.mark.parametrize("where", ["out", "home"])
    def test_no_space_left(self, voice, files, capsys, monkeypatch, where):
        """Every byte of sound passes write_bytes; the disk of `where` is full."""
        write = pathlib.Path.write_bytes

        def full(path, data):
            if where in str(path.relative_to(files)).split("/")[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(path, data)

        monkeypatch.setattr(pathlib.Path, "write_bytes", full)
        refused(capsys, generate(files), "space", "out/drama.wav" if where == "out" else "cache")
        assert not (files / "out").exists()
        assert not [p for p in files.iterdir() if p.name.startswith(".out")]

    def test_a_failed_second_run_leaves_the_first(self, voice, files, capsys, monkeypatch):
        generate(files, "--seed", "1")
        before = (files / "out" / "drama.json").read_bytes()

        def full(*_args):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(pathlib.Path, "write_bytes", full)
        capsys.readouterr()
        refused(capsys, generate(files, "--seed", "2", "--set", "cache=false"), "no space left")
        assert (files / "out" / "drama.json").read_bytes() == before
        assert sd.Drama.load(files / "out").seed == 1

    def test_an_older_report_does_not_stay_beside_new_sound(self, voice, files):
        generate(files)
        (files / "out" / "report.html").write_text("of the older sound")
        generate(files, "--seed", "2")
        assert not (files / "out" / "report.html").exists()

    def test_a_dry_run_finds_missing_models(self, voice, files, capsys):
        status = generate(files, "--set", "renderer=physical", "--dry-run")
        refused(capsys, status, "kemar", "spatialdrama assets fetch kemar")
        refused(capsys, generate(files, "--report", "--dry-run"), "'cer'", "assets fetch")


class TestRender:
    @pytest.fixture
    def mono(self, tmp_path):
        soundfile.write(tmp_path / "m.wav", 0.1 * np.random.default_rng(0).normal(size=RATE), RATE)
        return tmp_path / "m.wav"

    def test_a_source_on_the_left_is_heard_on_the_left_first(self, mono, tmp_path):
        out = tmp_path / "b.wav"
        assert main(["render", "--mono", str(mono), "--azimuth", "90", "--distance", "2",
                     "--renderer", "geometric", "-o", str(out)]) == 0  # fmt: skip
        left, right = sd.BinauralAudio.load(out).samples
        lag = np.argmax(np.correlate(left[4800:9600], right[4800:9600], "full")) - 4799
        assert lag * 1e6 / RATE == pytest.approx(-2 * 0.0875 / 343 * 1e6, abs=25)

    def test_along_a_pose_file(self, mono, tmp_path, capsys):
        rows = np.hstack([np.linspace([1, 1, 0], [-1, 1, 0], 120), np.tile([1, 0, 0, 0], (120, 1))])
        np.savetxt(tmp_path / "tx.txt", rows)
        done = main(["render", "--mono", str(mono), "--pose", str(tmp_path / "tx.txt"),
                     "--pose-format", "mrsdrama-120hz", "--renderer", "geometric", "--json",
                     "-o", str(tmp_path / "b.flac")])  # fmt: skip
        assert done == 0
        assert json.loads(capsys.readouterr().out)["duration"] > 1.0

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ([], ("--pose FILE or --azimuth",)),
            (["--azimuth", "0", "--room", "6x5"], ("--room needs --rt60",)),
            (["--azimuth", "0", "--room", "6 5 3", "--rt60", ".3"], ("6x5x3",)),
            (["--azimuth", "0", "--room", "6x5x3", "--rt60", "fast"], ("--rt60 must be seconds",)),
            (["--azimuth", "0", "--room", "6x5x3", "--rt60", ".3,.2"], ("one number or seven",)),
            (["--azimuth", "0", "--pose-unit", "cm"], ("--pose-unit goes with --pose",)),
            (["--azimuth", "0", "--absorption", ".3"], ("--absorption needs --room",)),
            (["--azimuth", "0", "--drr", "3"], ("--drr needs --room",)),
            (["--azimuth", "0", "--brir", "h.wav", "--room", "6x5x3"], ("leave out --room",)),
            (["--azimuth", "0", "--brir", "no-such.wav"], ("no-such.wav",)),
            (["--azimuth", "0", "--room", "6x5x3", "--absorption", "cheese"], ("cheese",)),
            (["--azimuth", "0", "--distance", "0.05"], ("listener's head",)),
            (["--azimuth", "0", "--distance", "9", "--room", "6x5x3", "--rt60", ".3"],
             ("outside the room",)),
            (["--azimuth", "0", "--set", "renderer=1"], ("--set renderer",)),
            (["--azimuth", "0", "--renderer", "phsical"], ("'phsical'", "physical")),
            (["--pose", "none.txt", "--pose-format", "mrsdrama-120hz"], ("none.txt",)),
        ],
    )  # fmt: skip
    def test_refusals(self, mono, tmp_path, capsys, more, words):
        out = tmp_path / "b.wav"
        refused(capsys, main(["render", "--mono", str(mono), "-o", str(out), *more]), *words)
        assert not out.exists()

    @pytest.mark.filterwarnings("default::spatialdrama.errors.SpatialDramaWarning")
    def test_centimetres_are_guessed_aloud_and_can_be_confirmed(self, mono, tmp_path, capsys):
        rows = np.tile([50.0, 100.0, 0, 1, 0, 0, 0], (120, 1))
        np.savetxt(tmp_path / "tx.txt", rows)
        command = ["render", "--mono", str(mono), "--pose", str(tmp_path / "tx.txt"),
                   "--pose-format", "mrsdrama-120hz", "--renderer", "geometric"]  # fmt: skip
        assert main([*command, "-o", str(tmp_path / "a.wav")]) == 0
        assert "read as centimetres" in capsys.readouterr().err
        assert main([*command, "--pose-unit", "cm", "-o", str(tmp_path / "b.wav")]) == 0
        assert not capsys.readouterr().err
        said, guessed = (sd.BinauralAudio.load(tmp_path / n).samples for n in ("b.wav", "a.wav"))
        np.testing.assert_array_equal(said, guessed)

    def test_a_decay_for_each_band(self, mono, tmp_path, capsys):
        times = ".6,.5,.4,.4,.35,.3,.25"
        assert main(["render", "--mono", str(mono), "--azimuth", "0", "--room", "6x5x3",
                     "--rt60", times, "--json", "-o", str(tmp_path / "b.wav")]) == 0  # fmt: skip
        assert "RT60 0.25 to 0.6 s" in json.loads(capsys.readouterr().out)["provenance"]["room"]

    def test_two_channels_are_not_mono(self, tmp_path, capsys):
        soundfile.write(tmp_path / "s.wav", np.zeros((100, 2)), RATE)
        status = main(["render", "--mono", str(tmp_path / "s.wav"), "--azimuth", "0",
                       "-o", str(tmp_path / "b.wav")])  # fmt: skip
        refused(capsys, status, "2 channels")


class TestScore:
    def test_recording_against_recording(self, tmp_path, capsys):
        x = np.random.default_rng(0).normal(0, 0.1, (2, RATE))
        soundfile.write(tmp_path / "a.wav", x.T, RATE, subtype="FLOAT")
        soundfile.write(tmp_path / "b.wav", (x * [[1.0], [0.5]]).T, RATE, subtype="FLOAT")
        assert main(["score", str(tmp_path / "b.wav"), "--reference", str(tmp_path / "a.wav"),
                     "--metrics", "ild_mae", "--json",
                     "--out", str(tmp_path / "s.json")]) == 0  # fmt: skip
        table = json.loads(capsys.readouterr().out)
        assert table["metrics"]["ild_mae"]["aggregate"] == pytest.approx(6.02, abs=0.02)
        assert json.loads((tmp_path / "s.json").read_text()) == table

    def test_refusals(self, tmp_path, capsys):
        soundfile.write(tmp_path / "m.wav", np.zeros(100), RATE)
        refused(
            capsys, main(["score", str(tmp_path / "m.wav"), "--metrics", "ild_mae"]), "1 channel"
        )
        soundfile.write(tmp_path / "b.wav", np.full((4800, 2), 0.1), RATE)
        item = str(tmp_path / "b.wav")
        refused(capsys, main(["score", item, "--metrics", "ild_mae"]), "--reference")
        refused(capsys, main(["score", item, "--metrics", "itd_mae"]), "--reference")
        refused(capsys, main(["score", item, "--metrics", "ilt_mae"]), "Did you mean 'ild_mae'?")
        refused(capsys, main(["score", str(tmp_path / "no.wav")]), "does not exist")
        (tmp_path / "empty").mkdir()
        refused(capsys, main(["score", str(tmp_path / "empty")]), "drama.json")
        soundfile.write(tmp_path / "r.wav", np.full((4410, 2), 0.1), 44_100)
        both = ["score", item, "--reference", str(tmp_path / "r.wav"), "--metrics", "ild_mae"]
        refused(capsys, main(both), "44100")
        refused(capsys, main([*both, "--out", "t.txt"]), ".json or .nc")
        refused(capsys, main([*both, "--set", "gate_db=3"]), "METRIC.OPTION=VALUE")
        refused(capsys, main([*both, "--set", "cer.gate_db=3"]), "'cer' is not among")
        refused(capsys, main([*both, "--prompt", "ANNA"]), "SPEAKER=FILE")
        refused(capsys, main([*both, "--scheduler", "fast", "--dry-run"]), "'fast'")

    def test_a_recording_against_its_tracker(self, tmp_path, capsys):
        """Noise that is .5 ms earlier at the left ear is heard on the left."""
        noise = np.random.default_rng(0).normal(0, 0.1, RATE + 24)
        ears = np.stack([noise[24:], noise[:-24]])
        soundfile.write(tmp_path / "b.wav", ears.T, RATE, subtype="FLOAT")
        row = [-1.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]  # x is right, so the left ear's side
        np.savetxt(tmp_path / "tx_positions.txt", np.tile(row, (120, 1)))
        item = ["score", str(tmp_path / "b.wav"), "--metrics", "azimuth_mae_deg"]
        pose = [*item, "--pose", str(tmp_path / "tx_positions.txt")]
        form = ["--pose-format", "mrsdrama-120hz"]
        assert main([*pose, *form, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["metrics"]["azimuth_mae_deg"]
        assert found["aggregate"] < 60
        assert main([*pose, *form, "--dry-run"]) == 0
        assert "would score 1 item (b) by azimuth_mae_deg" in capsys.readouterr().out
        refused(capsys, main(pose), "--pose-format")
        refused(capsys, main(item), "--pose FILE")
        refused(capsys, main([*item, *form]), "--pose FILE")
        refused(capsys, main([*item, "--pose", "none.nc"]), "none.nc")
        refused(capsys, main([*pose, "--pose-format", "mrsdrama", "--dry-run"]), "mrsdrama-120hz")

    def test_several_items(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
        x = np.random.default_rng(0).normal(0, 0.1, (2, RATE))
        for folder, factor in (("clips", 0.5), ("recorded", 1.0)):
            (tmp_path / folder).mkdir()
            for name in ("a", "b"):
                sound = (x * [[1.0], [factor]]).T
                soundfile.write(tmp_path / folder / f"{name}.wav", sound, RATE, subtype="FLOAT")
        more = ["--reference", str(tmp_path / "recorded"), "--metrics", "ild_mae", "--json",
                "--set", "ild_mae.gate_db=30", "--workers", "2"]  # fmt: skip
        assert main(["score", str(tmp_path / "clips"), *more]) == 0
        column = json.loads(capsys.readouterr().out)["metrics"]["ild_mae"]
        assert [item["value"] for item in column["items"].values()] == pytest.approx(
            [6.02, 6.02], abs=0.02
        )
        files = [str(tmp_path / "clips" / f"{name}.wav") for name in "ab"]
        assert main(["score", *files, *more, "--dry-run"]) == 0
        plan = json.loads(capsys.readouterr().out)
        assert plan["items"] == ["a", "b"]
        assert plan["metrics"] == {"ild_mae": {"gate_db": 30}}
        assert main(["score", *files, *more[:4], "--dry-run"]) == 0
        said = capsys.readouterr().out
        assert said == "would score 2 items (a, b) by ild_mae on threads\n"


@pytest.mark.parametrize("command", ["generate", "render", "score", "corpus", "plugins", "assets"])
def test_help_gives_an_example(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    examples = re.split(r"(?i)examples?:?\n", capsys.readouterr().out)[-1]
    assert f"spatialdrama {command}" in examples


def test_no_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 2
