"""Corpora in the forms that MRSDrama's JSON may have, written by the tests: nothing is official."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 48_000


def noise(seconds, channels=2, seed=0, rate=RATE):
    return np.random.default_rng(seed).normal(0, 0.05, (round(seconds * rate), channels))


def rows(position, seconds, hz, *, quaternion=(1, 0, 0, 0), scale=1.0):
    """(t, 9) rows of a speaker on a line between two points, as the makers' scripts write them."""
    start, end = np.atleast_2d(position)[[0, -1]] * scale
    n = round(seconds * hz) + 1
    share = np.linspace(0, 1, n)[:, None]
    return np.hstack([start + share * (end - start), np.tile(quaternion, (n, 1)), np.zeros((n, 2))])


class Release:
    """A folder that fills with dramas."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sound(self, path, seconds, *, channels=2, rate=RATE, seed=0):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, noise(seconds, channels, seed, rate), rate, subtype="PCM_16")
        return path

    def array(self, path, values):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.asarray(values, dtype=np.float32))
        return path

    def json(self, path, data):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        return path


@pytest.fixture
def release(tmp_path):
    return Release(tmp_path / "MRSDrama")


@pytest.fixture
def samurai(release):
    """A mapping from name to item, tracker rate, metres, paths of another machine."""
    folder = "set1/七武士"
    name = "《七武士》电影剧本_part1_缩混_cut_10.000_12.000_A"
    other = "《七武士》电影剧本_part2_缩混_cut_3.500_5.000_B"
    for i, (item, seconds) in enumerate({name: 2.0, other: 1.5}.items()):
        release.sound(f"{folder}/wav/{item}.wav", seconds, seed=i)
    # 1 m ahead to 1 m right, in their axes x right, y front, z up.
    release.array(
        f"{folder}/geometric_pose/{name}_v.npy", rows([(0, 1, 0.2), (1, 0, 0.2)], 2.0, 20)
    )
    release.array(f"{folder}/geometric_pose/{other}_v.npy", rows([(0, 2, 0)], 1.5, 20)[0])
    (release.root / folder / "七武士.mp4").write_bytes(b"not looked into")
    entry = {
        "item_name": name, "speaker": "A", "raw_txt": "你好我",
        "ph": ["<SP>", "n", "i", "h", "ao", "uo"], "ph_dur": [0.5, 0.1, 0.3, 0.1, 0.4, 0.6],
        "word": ["<SP>", "你", "好", "我"], "word_dur": [0.5, 0.4, 0.5, 0.6],
        "start_time": 10.0, "end_time": 12.0, "scene": 5, "textgrid_txt": "你好,我",
        "wav_fn": f"/data7/someone/mrs/cut/{name}.wav",
        "pos_fn": f"/data7/someone/mrs/npy/{name}_v.npy",
        "spatial_prompt": "[DYNAMIC] Moves from front to right, then pauses",
    }  # fmt: skip
    # The second one says as little as possible.
    release.json(
        f"{folder}/七武士.json",
        {name: entry, other: {"raw_txt": "走", "spatial_prompt": "[Static] Stays in front"}},
    )
    return release, name, other


@pytest.fixture
def cleopatra(release):
    """A wrapped mapping, 187.5 Hz, centimetres, other key names, scenes told once, a camera."""
    folder = "set1/Cleopatra"
    release.sound(f"{folder}/wavs/c1.wav", 1.0)
    release.sound(f"{folder}/mono/c1.wav", 1.0, channels=1)
    release.array(f"{folder}/geometric_pose/c1.npy", rows([(-80, 60, 30)], 1.0, 187.5)[:-1])
    release.json(
        f"{folder}/annotation.json",
        {
            "items": {
                "c1": {
                    "Speaker-ID": "CLEOPATRA", "txt": "Give me some music.", "lang": "en",
                    "phones": "G IH V", "phone_durations": ["0.1", "0.2", "0.3"],
                    "start": 4, "stop": 5, "wav": "wavs/c1.wav", "mono": "mono/c1.wav",
                    "pose_fn": "geometric_pose/c1.npy", "scene": "2",
                    "text_prompt": ["stands at front-left", "站在左前方"], "note": [60, 62],
                    "camera_position": [100, 0, 50],
                }
            },
            "errors": ["c2: no alignment"],
            "scenes": {"2": "a small room with carpets"},
        },
    )  # fmt: skip
    return release


@pytest.fixture
def land(release):
    """A plain list, still speakers as single rows, dialogue's keys; two items, one split."""
    for i, name in enumerate(("x1", "x2")):
        release.sound(f"No Man's Land/{name}.wav", 0.5, seed=i)
    release.array("No Man's Land/geometric_pose/x1.npy", rows([(1, 1, 0)], 0, 20))
    release.array("No Man's Land/geometric_pose/x2.npy", rows([(1, 1, 0)], 0, 20)[0])
    release.json(
        "No Man's Land/all.json",
        [
            {"name": "x1", "start": 0, "stop": 0.5, "speaker": "HIRST", "text": "As it is?",
             "split": "test", "language": "en"},
            {"name": "x2", "start": 1, "stop": 1.5, "speaker": "SPOONER", "text": "As it is.",
             "split": "test", "language": "en"},
        ],
    )  # fmt: skip
    return release
