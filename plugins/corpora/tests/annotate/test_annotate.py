"""The steps together, on files and on items: results, resumption, dry runs, problems."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from spatialdrama_corpora.annotate import annotate
from spatialdrama_corpora.annotate.__main__ import main
from spatialdrama_corpora.annotate.loudness import integrated
from spatialdrama_corpora.annotate.recordings import recordings
from spatialdrama_corpora.annotate.textgrid import read_textgrid

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import BinauralAudio, Line, Phone, Pose, Script, Speech

RATE = 24_000
PHONES = ("uo", "x", "vn", "zh", "ao", "g", "uo", "j", "i", "h", "uei")
QUICK = {"aligner": "energy", "progress": False}


@pytest.fixture
def session(tmp_path, speech_like):
    """A folder with a session of two speakers: sound, script with times, pose, room."""
    folder = tmp_path / "in"
    folder.mkdir()
    a, b = speech_like(3.0, RATE, 1), speech_like(2.5, RATE, 2)
    gap = np.zeros(RATE // 2)
    mono = np.concatenate([a, gap, b])
    mono += np.random.default_rng(0).normal(0, 1e-4, len(mono))
    BinauralAudio(np.stack([mono, 0.5 * mono]), RATE).save(folder / "take.flac")
    Script([
        Line("A", "我寻找过机会。", start=0.0, end=3.0),
        Line("B", "我没有利用机会。", start=3.5, end=6.0),
    ]).save(folder / "take.TextGrid")  # fmt: skip
    times = np.arange(0, 6, 0.05)
    path = np.where((times < 3.25)[:, None], [[1.5, -1.5, 0.3]], [[-1.0, 1.0, -0.1]])
    Pose.from_samples(times, path).save(folder / "take.nc")
    (folder / "take_room.json").write_text('{"size": [6, 5, 3], "rt60": 0.4}')
    return folder


def test_a_session_becomes_segments(session, tmp_path):
    out = tmp_path / "out"
    done = annotate(session, out=out, **QUICK)
    assert done.problems == {}
    assert done.made == ("take",)
    assert list(done.items) == ["take_cut_0.000_3.250_A", "take_cut_3.250_6.000_B"]
    first, second = done.items.values()
    assert first["raw_txt"] == "我寻找过机会"
    assert [p for p in first["ph"] if p != "<SP>"] == list(PHONES)
    assert sum(first["ph_dur"]) == pytest.approx(3.25, abs=1e-6)
    assert first["spatial_prompt"] == "[STATIC] Source locates at front-right"
    assert second["spatial_prompt"] == "[STATIC] Source locates at back-left"
    assert {code for code, _ in second["text_prompts"]} == {"en", "zh"}
    assert "medium-sized" in first["scene_prompts"]["en"]
    grid = read_textgrid(out / "take" / first["files"]["tg_fn"])
    assert [i.text for i in grid.spoken("words")] == list("我寻找过机会")
    pose = Pose.read(out / "take" / second["files"]["pos_fn"])
    assert float(pose.time[0]) == 0.0
    np.testing.assert_allclose(pose.position.values[-1], [-1.0, 1.0, -0.1])


def test_segments_share_one_gain_and_keep_their_ears(session, tmp_path):
    done = annotate(session, ["loudness", "turns"], out=tmp_path / "out", **QUICK)
    parts = [
        BinauralAudio.load(tmp_path / "out" / "take" / i["files"]["wav_fn"])
        for i in done.items.values()
    ]
    whole = np.concatenate([p.samples for p in parts], axis=1)
    assert integrated(whole, RATE) == pytest.approx(-23.0, abs=0.05)
    loud = np.abs(whole[0]) > 0.01
    np.testing.assert_allclose(whole[1][loud] / whole[0][loud], 0.5, rtol=1e-3)


def test_what_is_unchanged_is_kept_and_what_changed_is_made_anew(session, tmp_path):
    out = tmp_path / "out"
    first = annotate(session, out=out, **QUICK)
    written = out / "take" / "annotation.json"
    before = (written.read_bytes(), written.stat().st_mtime_ns)
    again = annotate(session, out=out, **QUICK)
    assert (again.made, again.kept) == ((), ("take",))
    assert again.items == first.items
    assert (written.read_bytes(), written.stat().st_mtime_ns) == before
    assert annotate(session, out=out, seed=1, **QUICK).made == ("take",)
    annotate(session, out=out, **QUICK)
    (session / "take_room.json").write_text('{"size": [30, 20, 10], "rt60": 2.0}')
    changed = annotate(session, out=out, **QUICK)
    assert changed.made == ("take",)
    assert "very large" in changed.items["take_cut_0.000_3.250_A"]["scene_prompts"]["en"]
    next((out / "take").glob("*.flac")).unlink()
    assert annotate(session, out=out, **QUICK).made == ("take",)
    written.write_text("{")
    assert annotate(session, out=out, **QUICK).made == ("take",)
    assert annotate(session, out=out, anew=True, **QUICK).made == ("take",)
    # Turns that are no longer there leave no files behind.
    annotate(session, ["loudness"], out=out, **QUICK)
    assert sorted(p.name for p in (out / "take").iterdir()) == ["annotation.json", "take.flac"]


def test_a_stop_in_the_middle_leaves_what_was_whole(session, tmp_path, monkeypatch):
    from spatialdrama_corpora.annotate import run

    (session / "zoo.flac").write_bytes((session / "take.flac").read_bytes())
    made = run.segments_of

    def stopped(recording, settings):
        if recording.name == "zoo":
            raise KeyboardInterrupt
        return made(recording, settings)

    monkeypatch.setattr(run, "segments_of", stopped)
    with pytest.raises(KeyboardInterrupt):
        annotate(session, out=tmp_path / "out", **QUICK)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["take"]
    monkeypatch.setattr(run, "segments_of", made)
    done = annotate(session, out=tmp_path / "out", **QUICK)
    assert (done.kept, done.made) == (("take",), ("zoo",))


def test_a_broken_recording_stops_nothing(session, tmp_path):
    (session / "broken.wav").write_bytes(b"RIFF nothing")
    soundfile.write(session / "silent.wav", np.zeros((RATE, 2)), RATE)
    (session / "late.flac").write_bytes((session / "take.flac").read_bytes())
    Script([Line("A", "走。", start=5, end=90)]).save(session / "late.json")
    done = annotate(session, out=tmp_path / "out", **QUICK)
    assert done.made == ("take",)
    assert set(done.problems) == {"broken", "silent", "late"}
    assert "broken.wav" in done.problems["broken"]
    assert "no block above -70 LUFS" in done.problems["silent"]
    assert "another take" in done.problems["late"]
    assert not (tmp_path / "out" / "silent").exists()


def test_a_dry_run_says_what_there_is_and_writes_nothing(session, tmp_path):
    (session / "bare.flac").write_bytes((session / "take.flac").read_bytes())
    done = annotate(session, out=tmp_path / "out", dry_run=True, **QUICK)
    bare, take = done.plan
    assert take["lacking"] == {}
    assert take["duration"] == 6.0
    assert bare["lacking"] == {
        "phones": "text", "align": "text", "pose": "pose", "text_prompts": "pose",
        "scene_prompts": "room",
    }  # fmt: skip
    assert bare["steps"] == ["denoise", "loudness", "turns"]
    assert not (tmp_path / "out").exists()
    annotate(session, out=tmp_path / "out", **QUICK)
    again = annotate(session, out=tmp_path / "out", dry_run=True, **QUICK)
    assert [row["kept"] for row in again.plan] == [True, True]


def test_the_neighbours_place_is_not_taken_over(session):
    # The pose goes over from A to B 0.3 s after the middle of the silence between them.
    times = np.arange(0, 6, 0.05)
    path = np.where((times < 3.55)[:, None], [[1.5, -1.5, 0.3]], [[-1.0, 1.0, -0.1]])
    Pose.from_samples(times, path).save(session / "take.nc")
    done = annotate(session, ["turns", "pose", "text_prompts"], **QUICK)
    first, second = done.segments
    assert (first.turn.end, second.turn.start) == (3.25, 3.25)
    np.testing.assert_array_equal(second.pose.positions_at([0.0, 0.2, 2.0]), [[-1, 1, -0.1]] * 3)
    assert second.text_prompts[0].text == "[STATIC] Source locates at back-left"


def test_tracker_rows_beside_a_recording(session):
    (session / "take.nc").unlink()
    t = np.arange(0, 6000, 50.0)
    rows = np.column_stack([np.full(len(t), 10.0), 4 + 0.5 * t / 1000, np.full(len(t), 1.5), t])
    np.save(session / "take_tracks.npy", rows)
    about = {"ear_position": [8.0, 5.5, 1.2], "ear_orientation": [1.0, 0.0]}
    with pytest.raises(ValidationError, match=r"take_session\.json"):
        recordings(session)[0].pose()
    (session / "take_session.json").write_text(json.dumps(about))
    done = annotate(session, ["turns", "text_prompts"], **QUICK)
    # Looks along the tracker's x; the speaker goes from 1.5 m on the right to 1.5 m on the left.
    prompts = [i["spatial_prompt"] for i in done.items.values()]
    assert prompts == [
        "[DYNAMIC] Moves from front-right to front",
        "[DYNAMIC] Moves from front to front-left",
    ]


def test_lines_without_times_go_to_as_many_turns(session):
    (session / "take.TextGrid").unlink()
    (session / "take.txt").write_text("A: 我寻找过机会。\nB: 我没有利用机会。\n", encoding="utf-8")
    done = annotate(session, ["turns", "phones"], **QUICK)
    assert [s.turn.speaker for s in done.segments] == ["A", "B"]  # the pose jumps once
    (session / "take.txt").write_text("A: 一。\nB: 二。\nA: 三。\n", encoding="utf-8")
    done = annotate(session, ["turns"], **QUICK)
    assert "3 lines without times, but 2 turns" in done.problems["take"]


def test_text_of_one_recording(session):
    (session / "take.TextGrid").unlink()
    (session / "take.txt").write_text("我寻找过机会，我没有利用机会", encoding="utf-8")
    (segment,) = annotate(session, ["turns", "phones", "align"], **QUICK).segments
    assert segment.turn.text.startswith("我寻找过")
    assert segment.aligned.method == "energy"
    assert segment.line().phones == segment.aligned.phones


def test_items_of_a_corpus_are_segments_already(speech_like):
    mono = speech_like(2.0, RATE)
    speech = Speech(mono, RATE, text="我要", language="zh",
                    phones=[Phone("uo", 0.2, 0.9), Phone("iao", 0.9, 1.8)])  # fmt: skip
    item = SimpleNamespace(
        name="hamlet-1", audio=BinauralAudio(np.stack([mono, mono]), RATE), mono=speech,
        line=Line("A", "我要", language="zh", start=30.0, end=32.0),
        pose=Pose.fixed((0.5, 0.5, 0.4)), listener=None, room=None,
    )  # fmt: skip
    done = annotate([item], progress=False)
    (segment,) = done.segments
    assert segment.name == "hamlet-1"
    assert segment.aligned.method == "voice"
    assert done.items["hamlet-1"]["ph_dur"] == pytest.approx([0.2, 0.7, 0.9, 0.2])
    assert segment.text_prompts[0].text == "[STATIC] Source locates at near front-left, up"
    assert segment.turn.speaker == "A"


def test_lazily_loaded_items_and_a_broken_one_among_them(speech_like, tmp_path):
    from spatialdrama_corpora.items import Item

    mono = speech_like(2.0, RATE)

    def broken():
        raise ValidationError("the file is cut off")

    def item(name, load):
        phones = [Phone("uo", 0.3, 1.0), Phone("iao", 1.0, 1.6)]  # as the corpus has them
        line = Line("A", "我要", language="zh", phones=phones)
        return Item(name=name, drama="hamlet", split="train", line=line, duration=2.0,
                    rate=RATE, load=load)  # fmt: skip

    good = item("act 1/one", {"audio": lambda: BinauralAudio(np.stack([mono, mono]), RATE),
                        "pose": lambda: Pose.fixed((2, 0, 0.3))})  # fmt: skip
    done = annotate([good, item("two", {"audio": broken})], out=tmp_path, progress=False)
    assert done.made == ("act 1/one",)
    assert (tmp_path / "act_1_one" / "annotation.json").exists()
    assert done.items["act 1/one"]["spatial_prompt"] == "[STATIC] Source locates at front"
    assert done.items["act 1/one"]["ph_dur"] == pytest.approx([0.3, 0.7, 0.6, 0.4])
    assert "cut off" in done.problems["two"]


def test_the_command(session, tmp_path, capsys):
    arguments = [str(session), "--out", str(tmp_path / "out"), "--aligner", "energy"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "take  6.00 s  denoise loudness turns" in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["made"] == ["take"]
    assert len(told["items"]) == 2
    (session / "broken.wav").write_bytes(b"RIFF")
    assert main(arguments) == 1
    seen = capsys.readouterr()
    assert "1 kept" in seen.out
    assert "broken.wav" in seen.err
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main([str(session), "--steps", "aligns"]) == 2
    assert "align" in capsys.readouterr().err


def test_what_is_wrong_is_said_before_anything_is_done(session, tmp_path):
    with pytest.raises(UnknownNameError, match="denoise"):
        annotate(session, ["denoize"])
    with pytest.raises(UnknownNameError, match="spectral"):
        annotate(session, denoiser="frcrn")
    with pytest.raises(ValidationError, match="no step"):
        annotate(session, [])
    with pytest.raises(ValidationError, match="nothing to annotate"):
        annotate(tmp_path / "in" / "..")
    sound = BinauralAudio(np.ones((2, RATE)), RATE)
    with pytest.raises(ValidationError, match="called 'recording'"):
        annotate([sound, sound])


def test_importing_the_room_is_cheap():
    code = (
        "import spatialdrama_corpora.annotate as a, sys; "
        "sys.exit('scipy' in sys.modules or 'annotate' not in a.__all__)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
