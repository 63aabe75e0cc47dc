"""Plain folders: what belongs together by its name."""

import numpy as np
import pytest
import soundfile
from spatialdrama_corpora.readers.folder import Folder

import spatialdrama as sd
from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Line, Phone, Pose, Script


@pytest.fixture
def put(tmp_path):
    """Write one second of noise, or a text, below the folder."""

    def write(path, content=None, *, channels=2, seconds=1.0, rate=48_000):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_text(content, encoding="utf-8")
        else:
            rng = np.random.default_rng(len(str(path)))
            samples = rng.normal(0, 0.05, (round(seconds * rate), channels))
            soundfile.write(path, samples, rate, subtype="PCM_16")
        return path

    write.root = tmp_path
    return write


def test_files_of_one_stem_are_one_item(put):
    put("faust/a.wav")
    put("faust/a_mono.flac", channels=1)
    put("faust/a.txt", "FAUST [whispering]: Who's there?")
    put("faust/a_prompt.txt", "stands in front\n站在前面\n")
    put("faust/a_scene.txt", "a small room")
    put("faust/a.mp4", "")
    Pose.line((1, 0, 0), (2, 0, 0), duration=1.0).save(put.root / "faust/a.nc")
    put("faust/b.wav", channels=1)
    corpus = sd.corpora["folder"].open(put.root)
    assert [item.name for item in corpus] == ["faust/a", "faust/b"]
    item = corpus["faust/a"]
    assert (item.line.speaker, item.line.style, item.text) == (
        "FAUST", "whispering", "Who's there?",
    )  # fmt: skip
    assert (item.line.start, item.line.end) == (0.0, 1.0)
    assert item.audio.samples.shape == (2, 48_000)
    assert item.mono.text == "Who's there?"
    assert [p.language for p in item.text_prompts] == ["en", "zh"]
    assert item.scene_prompt == "a small room"
    assert item.video.path.name == "a.mp4"
    assert item.pose.positions_at([0.5])[0].tolist() == [1.5, 0.0, 0.0]
    # One channel is the dry voice.
    assert corpus["faust/b"].audio is None
    assert corpus["faust/b"].mono.duration == 1.0
    assert {item.drama for item in corpus} == {"faust"}


def test_parallel_folders_are_one_item(put):
    for name in ("a", "b"):
        put(f"play/wav/{name}.wav")
        put(f"play/mono/{name}.wav", channels=1)
        put(f"play/scripts/{name}.txt", f"words of {name}")
    corpus = Folder().open(put.root, speaker="ANNA")
    assert [item.name for item in corpus] == ["play/a", "play/b"]
    assert corpus["play/b"].text == "words of b"
    assert corpus["play/b"].speaker == "ANNA"
    assert corpus["play/b"].mono.samples.shape == (48_000,)


def test_a_folder_named_after_the_item(put):
    put("take1/binaural.wav")
    put("take1/mono.wav", channels=1)
    put("take1/geowarp.wav")
    put("take1/SOURCE.txt", "somebody: recorded this")
    rows = np.tile([0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0], (120, 1))
    np.savetxt(put.root / "take1/tx_positions.txt", rows)
    corpus = Folder().open(put.root, pose_format="mrsdrama-120hz")
    assert [item.name for item in corpus] == ["take1"]
    assert corpus[0].drama == "take1"
    assert corpus[0].line is None
    assert corpus[0].pose.position.values[0].tolist() == [1.0, 0.0, 0.0]
    assert corpus.check(progress=False) == ()


def test_text_poses_need_a_convention(put):
    put("take1/binaural.wav")
    np.savetxt(put.root / "take1/tx_positions.txt", np.ones((120, 7)))
    with pytest.raises(ValidationError, match=r"item 'take1'.*pose_format=.*mrsdrama-120hz"):
        _ = Folder().open(put.root)[0].pose
    with pytest.raises(UnknownNameError, match="Did you mean 'mrsdrama-120hz'"):
        Folder().open(put.root, pose_format="mrsdrama-120")


def test_a_whole_drama_is_cut_at_its_lines(put):
    path = put("play/all.wav", seconds=3.0)
    put("play/all_mono.wav", seconds=3.0, channels=1)
    Pose.line((1, 0, 0), (4, 0, 0), duration=3.0).save(put.root / "play/all_pose.nc")
    Script(
        [
            Line("A", "Stop!", start=0.5, end=1.0, phones=[Phone("s", 0.1, 0.3)]),
            Line("B", "No!", start=1.25, end=2.75),
        ]
    ).save(put.root / "play/all.TextGrid")
    corpus = Folder().open(put.root)
    first, second = corpus
    assert (first.name, second.name) == ("play/all#001", "play/all#002")
    assert (second.speaker, second.duration, second.line.start) == ("B", 1.5, 1.25)
    raw, _ = soundfile.read(path, dtype="float32")
    assert np.array_equal(second.audio.samples, raw[60_000:132_000].T)
    assert second.mono.samples.shape == (72_000,)
    # 1.25 s into a walk of 1 m/s from 1 m.
    assert second.pose.positions_at([0.0, 1.0])[:, 0] == pytest.approx([2.25, 3.25])
    assert first.phones == (Phone("s", 0.1, 0.3),)
    assert {item.drama for item in corpus} == {"play"}


def test_an_aligners_tiers_are_no_speakers(put):
    put("play/a.wav")
    put(
        "play/a.TextGrid",
        'File type = "ooTextFile"\nObject class = "TextGrid"\nitem []:\n'
        + _tier(1, "words", [("", 0, 0.2), ("who", 0.2, 0.5), ("there", 0.5, 1.0)])
        + _tier(2, "phones", [("HH", 0.2, 0.3), ("UW1", 0.3, 0.5), ("DH", 0.5, 1.0)]),
    )
    item = Folder().open(put.root, speaker="ANNA")[0]
    assert (item.text, item.speaker) == ("who there", "ANNA")
    assert item.phones[1] == Phone("UW1", 0.3, 0.5)


def _tier(number, name, intervals):
    rows = "".join(f'xmin = {a}\nxmax = {b}\ntext = "{text}"\n' for text, a, b in intervals)
    return f'item [{number}]:\nclass = "IntervalTier"\nname = "{name}"\nxmin = 0\nxmax = 1\n{rows}'


def test_what_is_odd_is_told_and_the_rest_is_read(put):
    put("d/a.wav")
    put("d/b.wav", rate=44_100)
    put("d/c.wav")
    put("d/d.wav")
    put("d/cut.flac")
    whole = (put.root / "d/cut.flac").read_bytes()
    (put.root / "d/cut.flac").write_bytes(whole[: len(whole) // 3])
    put("d/empty.wav", "")
    put("d/c.json", "{")
    put("d/d.txt", "A: one\nB: two")
    Pose.line((1, 0, 0), (2, 0, 0), duration=0.4).save(put.root / "d/a.nc")
    Pose.fixed((1, 0, 0)).save(put.root / "d/stray.nc")
    corpus = Folder().open(put.root)
    assert corpus["d/a"].rate == 48_000
    with pytest.raises(ValidationError, match=r"item 'd/b'.*b\.wav is at 44100 Hz"):
        _ = corpus["d/b"].audio
    with pytest.raises(ValidationError, match=r"item 'd/cut'.*cut\.flac"):
        _ = corpus["d/cut"].audio
    with pytest.raises(ValidationError, match=r"a\.nc is shorter than the sound.*0\.40 s"):
        _ = corpus["d/a"].pose
    found = {(p.item, p.level): p.what for p in corpus.check(progress=False)}
    assert set(found) == {
        ("d/a", "problem"), ("d/b", "problem"), ("d/c", "problem"), ("d/d", "problem"),
        ("d/cut", "problem"), ("d/empty", "problem"), ("d/stray", "note"),
    }  # fmt: skip
    assert "2 lines without times" in found["d/d", "problem"]
    assert "not JSON" in found["d/c", "problem"]


def test_dramas_may_be_read_off_names(put):
    for name in ("faust_1", "faust_2", "hamlet_1"):
        put(f"{name}.wav", seconds=0.1)
    corpus = Folder().open(put.root, drama=r"(.+?)_\d+$")
    assert corpus.dramas == ("faust", "hamlet")
    assert Folder().open(put.root).dramas == (put.root.name,)
    with pytest.raises(ValidationError, match="needs one group"):
        Folder().open(put.root, drama="faust")


def test_a_room_beside_a_sound(put):
    put("d/a.wav")
    put("d/a_scene.json", '{"room": {"size": [5, 4, 3], "listener": [2, 2, 1.2], "rt60": 0.4}}')
    assert Folder().open(put.root)[0].room.rt60 == 0.4


def test_no_sound_is_said(tmp_path):
    with pytest.raises(ValidationError, match="holds no sound"):
        Folder().open(tmp_path)
