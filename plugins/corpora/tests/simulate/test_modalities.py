"""Prompts, video and the reader on a corpus that has all of it."""

import numpy as np
import pytest
from spatialdrama_corpora.simulate import build
from spatialdrama_corpora.simulate.store import read_manifest

import spatialdrama as sd

pytestmark = pytest.mark.slow


@pytest.fixture
def whole(tone, config, tmp_path):
    """A corpus of one drama with every modality, and a second one of the same configuration."""
    pytest.importorskip("imageio_ffmpeg")
    options = config(hours=0.004, video=True, text_prompts=2, scene_prompts=True,
                     video_size=(160, 120), splits={"train": 1})  # fmt: skip
    for name in "ab":
        build(options, tmp_path / name, scheduler="threads", workers=1, progress=False)
    return tmp_path


def test_every_modality_is_there_and_agrees(whole):
    from spatialdrama_corpora.video import Camera, project, read_frames

    corpus = sd.load_corpus("simulated").open(whole / "a")
    for item in corpus:
        languages = [p.language for p in item.text_prompts]
        assert languages.count("en") == languages.count("zh") == 2
        assert item.scene_prompt
        assert item.room is not None
        assert item.audio.length == len(item.mono.samples)
        assert item.line.phones[-1].end == pytest.approx(item.audio.duration, abs=1e-8)
        assert float(item.pose.time[-1]) == pytest.approx(item.audio.duration, abs=1e-8)
        frames = read_frames(item.video.path, 1)
        assert frames.shape[1:] == (120, 160, 3)
        assert len(frames) == int(np.ceil(item.audio.duration * 24 - 1e-6))
        camera = {k: v for k, v in item.extra["camera"].items() if k != "rate"}
        pixels = item.extra["mouth_pixels"]
        want, _ = project(Camera(**camera), item.pose.positions_at(np.arange(len(frames)) / 24))
        assert np.allclose(pixels, want, atol=0.02, equal_nan=True)
    assert not [p for p in corpus.check() if p.level == "problem"]


def test_all_bytes_are_the_same_in_a_rebuild(whole):
    a, b = (read_manifest(whole / n / "manifest.parquet") for n in "ab")
    assert a == b
    assert all(row["video_sha256"] for row in a)


def test_a_walk_is_said_to_be_one(whole):
    for row in read_manifest(whole / "a" / "manifest.parquet"):
        english = [p["text"] for p in row["text_prompts"] if p["language"] == "en"]
        still = row["movement"] in ("stand", "sit", "turn")
        assert any("STATIC" in t or "stand" in t or "sit" in t.lower() for t in english) or (
            not still
        ), (row["movement"], english)
