"""MRSDrama's layout in the forms that its JSON may have; see conftest.py for what is written."""

import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from spatialdrama_corpora.readers.mrsdrama import MRSDrama

import spatialdrama as sd
from spatialdrama.errors import SpatialDramaWarning, ValidationError


def test_a_mapping_with_paths_of_another_machine(samurai):
    release, name, other = samurai
    corpus = sd.corpora["mrsdrama"].open(release.root)
    assert [item.name for item in corpus] == [name, other]
    item = corpus[name]
    assert (item.drama, item.speaker, item.line.speaker) == ("七武士", "七武士/A", "A")
    assert (item.line.start, item.line.end, item.duration) == (10.0, 12.0, 2.0)
    assert item.line.text == "你好我"
    assert item.line.languages == ("zh",)
    assert [p.symbol for p in item.phones] == ["<SP>", "n", "i", "h", "ao", "uo"]
    # 0.5 + 0.1 + 0.3 s before the fourth phone, which lasts 0.1 s.
    assert (item.phones[3].start, item.phones[3].end) == (0.9, 1.0)
    assert item.audio.samples.shape == (2, 96_000)
    assert item.text_prompts[0].text == "Moves from front to right, then pauses"
    assert item.extra["motion"] == "dynamic"
    assert item.extra["scene"] == 5
    assert item.extra["words"][1] == ("你", 0.5, 0.9)
    assert item.video.path.name == "七武士.mp4"
    assert item.extra["video_start"] == 10.0
    assert item.mono is None
    assert item.room is None


def test_poses_come_into_the_house_frame(samurai):
    release, name, other = samurai
    corpus = MRSDrama().open(release.root)
    pose = corpus[name].pose
    # Their (x right, y front) = (0, 1) is our (x forward, y left) = (1, 0), and (1, 0) is (0, -1).
    assert pose.positions_at([0.0, 1.0, 2.0]) == pytest.approx(
        np.array([[1, 0, 0.2], [0.5, -0.5, 0.2], [0, -1, 0.2]]), abs=1e-6
    )
    assert len(pose.time) == 41
    assert float(pose.time[-1]) == 2.0
    # The mouth points along their x, which is our right.
    mouth = Rotation.from_quat(pose.orientation.values[0]).apply([1.0, 0.0, 0.0])
    assert mouth == pytest.approx([0, -1, 0], abs=1e-6)
    assert len(corpus[other].pose.time) == 1  # shape (9,)


def test_an_entry_that_says_little_is_read_off_its_name(samurai):
    release, _, other = samurai
    item = MRSDrama().open(release.root)[other]
    assert (item.line.start, item.line.end) == (3.5, 5.0)
    assert (item.speaker, item.drama) == ("七武士/B", "七武士")
    assert item.extra["motion"] == "static"


def test_a_wrapped_mapping_in_centimetres(cleopatra):
    with pytest.warns(SpatialDramaWarning, match=r"Cleopatra.*read as centimetres.*unit='m'"):
        corpus = MRSDrama().open(cleopatra.root)
    item = corpus["c1"]
    assert item.pose.positions_at([0.5])[0] == pytest.approx([0.6, 0.8, 0.3], abs=1e-6)
    # 188 rows of 1/187.5 s, the first at 0.
    assert float(item.pose.time[-1]) == pytest.approx(187 / 187.5)
    assert item.speaker == "CLEOPATRA"
    assert item.line.language == "en"
    assert item.mono.text == "Give me some music."
    assert item.mono.samples.shape == (48_000,)
    assert [p.language for p in item.text_prompts] == ["en", "zh"]
    assert item.scene_prompt == "a small room with carpets"
    assert item.extra["note"] == [60, 62]
    assert [p.what for p in corpus.problems if p.level == "note"] == [
        "its makers' script says: c2: no alignment"
    ]


def test_a_unit_that_is_said_is_not_guessed(cleopatra):
    corpus = MRSDrama().open(cleopatra.root, unit="cm")
    assert corpus["c1"].pose.positions_at([0.0])[0] == pytest.approx([0.6, 0.8, 0.3], abs=1e-6)
    corpus = MRSDrama().open(cleopatra.root, unit="m")
    with pytest.raises(ValidationError, match=r"item 'c1'.*c1\.npy.*unit='cm'"):
        _ = corpus["c1"].pose


def test_the_camera_is_in_the_house_frame_too(cleopatra):
    (cleopatra.root / "set1/Cleopatra/play.mp4").write_bytes(b"")
    item = MRSDrama().open(cleopatra.root, unit="cm")["c1"]
    assert item.video.camera_position.tolist() == pytest.approx([0, -1, 0.5])
    assert item.video.camera_orientation.tolist() == [0, 0, 0, 1]


def test_a_list_with_still_speakers(land):
    corpus = MRSDrama().open(land.root)
    assert [item.split for item in corpus] == ["test", "test"]
    assert [item.drama for item in corpus] == ["No Man's Land"] * 2
    for item in corpus:  # shapes (1, 9) and (9,)
        assert item.pose.is_static
        assert item.pose.position.values.tolist() == [[1.0, -1.0, 0.0]]
    assert corpus["x2"].line.end == 1.5
    assert corpus.check(progress=False) == ()


def test_dramas_side_by_side_are_one_corpus(samurai, cleopatra, land):
    corpus = MRSDrama().open(land.root, unit="m")
    assert len(corpus) == 5
    assert set(corpus.dramas) == {"七武士", "Cleopatra", "No Man's Land"}
    # Both parts of a play are one drama, so all of it is in one split.
    for drama in corpus.dramas:
        assert len({item.split for item in corpus if item.drama == drama}) == 1
    assert sum(len(corpus.split(s)) for s in ("train", "validation", "test")) == 5
    again = pickle.loads(pickle.dumps(corpus))
    assert again[0] == corpus[0]
    assert again[0].pose == corpus[0].pose


def test_shares_decide_where_dramas_go(samurai):
    release, *_ = samurai
    corpus = MRSDrama().open(release.root, shares={"validation": 1.0})
    assert len(corpus.split("validation")) == 2
    with pytest.raises(ValidationError, match="sum to 1"):
        MRSDrama().open(release.root, shares={"train": 0.7})


def test_two_dramas_may_use_one_name(release):
    for drama in ("Faust", "Hamlet"):
        release.sound(f"{drama}/001.wav", 0.2)
        release.array(f"{drama}/geometric_pose/001_v.npy", np.eye(1, 9, 3))
        release.json(f"{drama}/a.json", [{"id": "001", "spk": "X", "text": "Ha."}])
    corpus = MRSDrama().open(release.root)
    assert [item.name for item in corpus] == ["Faust/001", "Hamlet/001"]
    assert [item.files["audio"].parent.name for item in corpus] == ["Faust", "Hamlet"]


def test_other_json_is_left_alone(samurai):
    release, *_ = samurai
    release.json("phone_set.json", ["<SP>", "a", "ai"])
    release.json("set1/s_metadata.json", {"ear_position": [0, 0, 1], "wav_fn": "s.wav",
                                          "text": "s.txt", "ear_orientation": [0, 1]})  # fmt: skip
    corpus = MRSDrama().open(release.root)
    assert len(corpus) == 2
    assert corpus.problems == ()


def test_quaternions_across_a_sign_flip_are_bridged(release):
    release.sound("d/a.wav", 1.0)
    # A turn from 0 to 90 degrees whose middle was interpolated to the other sign, component by
    # component, as MRSDrama's is.
    angles = np.linspace(0, 90, 21)
    q = Rotation.from_euler("z", angles[:, None], degrees=True).as_quat()[:, [3, 0, 1, 2]]
    broken = q.copy()
    broken[11:] *= -1
    broken[10] = (broken[9] + broken[11]) / 2  # nearly zero
    table = np.hstack([np.tile([0, 1, 0], (21, 1)), broken, np.zeros((21, 2))])
    release.array("d/geometric_pose/a_v.npy", table)
    release.json("d/a.json", [{"item_name": "a", "speaker": "X", "raw_txt": "好"}])
    with pytest.warns(SpatialDramaWarning, match="1 of 21 quaternions"):
        pose = MRSDrama().open(release.root)["a"].pose
    forward = Rotation.from_quat(pose.quaternions_at([0.5])).apply([1.0, 0, 0])[0]
    # 45 degrees from their x (our right) to their y (our front).
    assert forward == pytest.approx([np.sqrt(0.5), -np.sqrt(0.5), 0], abs=1e-3)


def test_nothing_to_open_is_said(tmp_path):
    with pytest.raises(ValidationError, match="does not exist"):
        MRSDrama().open(tmp_path / "gone")
    with pytest.raises(ValidationError, match=r"no JSON with segments.*\['folder'\]"):
        MRSDrama().open(tmp_path)
    assert not MRSDrama().knows(tmp_path)


def test_it_knows_its_own(samurai):
    assert MRSDrama().knows(samurai[0].root)


def test_its_statistics_are_those_of_what_was_written(samurai):
    release, *_ = samurai
    about = sd.corpora["mrsdrama"].open(release.root).describe(progress=False)
    assert about.facts["hours"] == pytest.approx(3.5 / 3600)
    assert about.data["phone_count"].sel(phone="uo") == 1
    # sqrt(2) m in 2 s, while the other one stands for 1.5 s.
    assert about.facts["median_speed_m_s"] == pytest.approx(np.sqrt(2) / 2, abs=1e-3)
    assert about.facts["moving_share"] == pytest.approx(2 / 3.5, abs=1e-3)
