"""The layout of the Binaural Speech benchmark, on a small one that the test writes."""

import numpy as np
import pytest
import soundfile
from scipy.spatial.transform import Rotation
from spatialdrama_corpora.readers.binaural_speech import BinauralSpeech

import spatialdrama as sd
from spatialdrama.errors import ValidationError

SECONDS, RATE = 1.0, 48_000
ROWS = 120


def subject(folder, seed, *, rx=(0, 0, 0, 0, 0, 0, 1), channels=2):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    n = round(SECONDS * RATE)
    ears = rng.normal(0, 0.05, (n, channels))
    soundfile.write(folder / "binaural.wav", ears, RATE, subtype="PCM_16")
    soundfile.write(folder / "mono.wav", rng.normal(0, 0.05, n), RATE, subtype="PCM_16")
    # From 1 m ahead to 1 m to the RIGHT (their y), turned by 90 degrees about z; their quaternions
    # take the world to the body.
    share = np.linspace(0, 1, ROWS)[:, None]
    q = Rotation.from_euler("z", 90, degrees=True).inv().as_quat()
    table = np.hstack([1 - share, share, np.full((ROWS, 1), 0.5), np.tile(q, (ROWS, 1))])
    np.savetxt(folder / "tx_positions.txt", table)
    np.savetxt(folder / "rx_positions.txt", np.tile(rx, (ROWS, 1)))


@pytest.fixture
def benchmark_folder(tmp_path):
    subject(tmp_path / "trainset/subject1", 1)
    subject(tmp_path / "trainset/subject2", 2, channels=4)
    subject(tmp_path / "testset/subject1", 3, rx=(0.1, 0.2, 0, 0, 0, 0, 1))
    subject(tmp_path / "testset/validation_sequence", 4)
    return tmp_path


def test_the_official_split_is_kept(benchmark_folder):
    corpus = sd.corpora["binaural-speech"].open(benchmark_folder)
    assert [item.name for item in corpus.split("train")] == [
        "trainset/subject1",
        "trainset/subject2",
    ]
    assert [item.speaker for item in corpus.split("test")] == ["subject1"]
    assert [item.name for item in corpus.split("validation")] == ["testset/validation_sequence"]
    assert corpus.licence == "CC-BY-NC-4.0"
    assert corpus.check(progress=False) == ()


def test_positions_come_into_the_house_frame(benchmark_folder):
    item = BinauralSpeech().open(benchmark_folder)["trainset/subject1"]
    pose = item.pose
    assert len(pose.time) == ROWS
    assert float(pose.time[1] - pose.time[0]) == pytest.approx(1 / 120)
    # y right becomes y left.
    assert pose.position.values[[0, -1]] == pytest.approx(np.array([[1, 0, 0.5], [0, -1, 0.5]]))
    # Turned towards their y, which is our right.
    mouth = Rotation.from_quat(pose.orientation.values[0]).apply([1.0, 0, 0])
    assert mouth == pytest.approx([0, -1, 0], abs=1e-6)
    assert item.line is None
    assert item.text == ""


def test_sound_stays_in_its_file(benchmark_folder):
    corpus = BinauralSpeech().open(benchmark_folder)
    audio = corpus["trainset/subject1"].audio
    assert audio.is_stored
    raw, _ = soundfile.read(benchmark_folder / "trainset/subject1/binaural.wav", dtype="float32")
    assert np.array_equal(audio.cut(0.5, 0.6).samples, raw[24_000:28_800].T)
    # Of more channels the first two are the ears.
    more, _ = soundfile.read(benchmark_folder / "trainset/subject2/binaural.wav", dtype="float32")
    assert np.array_equal(corpus["trainset/subject2"].audio.samples, more[:, :2].T)
    dry = corpus["trainset/subject1"].mono
    assert hasattr(dry.signal, "read_slice")
    assert dry.samples.shape == (48_000,)


def test_a_listener_at_the_origin_is_none(benchmark_folder):
    corpus = BinauralSpeech().open(benchmark_folder)
    assert corpus["trainset/subject1"].listener is None
    moved = corpus["testset/subject1"].listener
    assert moved.position.values[0] == pytest.approx([0.1, -0.2, 0.0])


def test_short_positions_and_missing_files_are_told(benchmark_folder):
    path = benchmark_folder / "trainset/subject1/tx_positions.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:60]))
    (benchmark_folder / "trainset/subject2/mono.wav").unlink()
    (benchmark_folder / "trainset/subject3").mkdir()
    corpus = BinauralSpeech().open(benchmark_folder)
    with pytest.raises(
        ValidationError, match=r"item 'trainset/subject1'.*60 rows last 0\.50 s.*1\.00 s"
    ):
        _ = corpus["trainset/subject1"].pose
    found = {(p.item, p.what.split(" ")[0]) for p in corpus.check(progress=False)}
    assert found == {
        ("trainset/subject1", "pose"),
        ("trainset/subject2", "sound"),
        ("trainset/subject3", "sound"),
    }


def test_another_folder_is_refused(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(ValidationError, match="trainset and testset"):
        BinauralSpeech().open(tmp_path)
    assert not BinauralSpeech().knows(tmp_path)
