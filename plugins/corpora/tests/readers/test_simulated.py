"""A corpus that a build made, read back; also after a kill, a full disk and a careless hand."""

import itertools
import shutil

import numpy as np
import pytest
import soundfile
from spatialdrama_corpora.readers.mrsdrama import MRSDrama
from spatialdrama_corpora.readers.simulated import Simulated, _annotation
from spatialdrama_corpora.simulate import SimulationConfig, build

import spatialdrama as sd
from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json, write_json
from spatialdrama.registry import VoiceSpec, register_local, unregister_local
from spatialdrama.testing import cases

pytestmark = pytest.mark.slow  # building the corpus takes some seconds


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Half a minute, spoken by a voice of tones, without video.

    The folder of assets and the voice are there while it is built and no longer: tests of other
    modules run in between, on the same worker.
    """
    home = tmp_path_factory.mktemp("home")
    names = cases.ToneVoice().identities()
    config = SimulationConfig(
        hours=0.008, seed=3, voice="tone-read-back", identities={"en": names, "zh": names},
        blends=0, drama_minutes=(0.1, 0.2), heads={"spaced-pinnae": 1}, rooms_each=3,
        held_out=0.4, video=False, text_prompts=1, scene_prompts=True,
        splits={"train": 0.5, "validation": 0.25, "test": 0.25},
    )  # fmt: skip
    spec = VoiceSpec(
        "tone-read-back", "spatialdrama.testing.cases:ToneVoice", languages=("en", "zh")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPATIALDRAMA_HOME", str(home))
        register_local("voice", spec, cases.ToneVoice)
        try:
            build(config, home / "corpus", scheduler="threads", workers=1, progress=False)
        finally:
            unregister_local("voice", "tone-read-back")
    return home / "corpus"


@pytest.fixture
def copy(made, tmp_path):
    """The same corpus, to be spoilt."""
    return shutil.copytree(made, tmp_path / "corpus")


def test_items_hold_what_was_made(made):
    corpus = sd.corpora["simulated"].open(made)
    assert len(corpus) > 3
    assert "public domain" in corpus.licence
    for item in corpus:
        told = read_json(item.files["line"], "annotation")
        raw, rate = soundfile.read(item.files["audio"], dtype="float32")
        assert np.array_equal(item.audio.samples, raw.T)
        assert item.rate == rate == 48_000
        assert item.duration == pytest.approx(len(raw) / rate, abs=1e-9)
        assert (item.text, item.line.speaker) == (told["text"], told["speaker"])
        assert item.speaker == item.extra["identity"] == told["identity"]
        assert item.line.end - item.line.start == pytest.approx(item.duration, abs=1e-5)
        assert [p.symbol for p in item.phones] == [p[0] for p in told["phones"]]
        assert item.mono.phones == item.phones
        assert item.mono.f0.tolist() == pytest.approx(told["f0"])
        assert float(item.pose.time[-1]) >= item.duration - 0.25 or item.pose.is_static
        assert {p.language for p in item.text_prompts} == {"en", "zh"}
        assert item.scene_prompt == told["scene_prompts"]["en"]
        assert item.room.is_free_field or item.room.rt60_bands[3] == pytest.approx(
            item.extra["rt60"]
        )
        assert item.video is None
    assert corpus.check(progress=False) == ()
    assert corpus.describe(progress=False).facts["speakers"] == len(corpus.speakers)


def test_lines_of_a_drama_follow_each_other(made):
    corpus = Simulated().open(made)
    for drama in corpus.dramas:
        lines = [item.line for item in corpus if item.drama == drama]
        assert all(a.end <= b.start for a, b in itertools.pairwise(lines))
        assert len({item.split for item in corpus if item.drama == drama}) == 1


def test_a_build_killed_before_its_manifest_leaves_a_corpus_that_opens(copy, made):
    (copy / "manifest.parquet").unlink()
    half = copy / "items/00" / ("0" * 64 + ".1234.making")
    half.mkdir(parents=True)
    (half / "binaural.flac").write_bytes(b"")
    corpus, whole = Simulated().open(copy), Simulated().open(made)
    assert {item.name for item in corpus} == {item.name for item in whole}
    for item in corpus:
        assert item.audio == whole[item.name].audio
        assert item.scene_prompt == whole[item.name].scene_prompt
        assert item.text_prompts == whole[item.name].text_prompts
        assert not item.line.is_timed
    problems = corpus.check(progress=False)
    assert [p.level for p in problems] == ["note"]
    assert "not in the manifest" in problems[0].what


def test_a_video_comes_with_its_camera_and_the_mouth_in_it(copy):
    (copy / "manifest.parquet").unlink()
    folder = Simulated().open(copy)[0].files["line"].parent
    (folder / "video.mp4").write_bytes(b"not looked into")
    told = read_json(folder / "annotation.json", "annotation")
    told["files"]["video"] = "0" * 64
    told["mouth_pixels"] = [[100.4, 50.6], [101.0, 50.0]]
    told["camera"] |= {"position": [1.0, 2.0, 0.5], "orientation": [0.0, 0.0, 1.0, 0.0]}
    write_json(folder / "annotation.json", told)
    _annotation.cache_clear()
    item = next(item for item in Simulated().open(copy) if item.has("video"))
    assert item.video.camera_position.tolist() == [1.0, 2.0, 0.5]
    assert item.video.camera_orientation.tolist() == [0.0, 0.0, 1.0, 0.0]
    assert item.video.speaker_pixel == (100, 51)
    assert item.video.rate == 24.0
    assert item.extra["mouth_pixels"].shape == (2, 2)
    assert item.extra["camera"]["focal_px"] > 0
    problems = Simulated().open(copy).check(progress=False)
    assert [p.file for p in problems if p.level == "problem"] == [str(folder / "video.mp4")]
    told["mouth_pixels"][0] = [None, None]  # behind the camera as the film begins
    write_json(folder / "annotation.json", told)
    _annotation.cache_clear()
    item = next(item for item in Simulated().open(copy) if item.has("video"))
    assert item.video.speaker_pixel is None
    assert np.isnan(item.extra["mouth_pixels"][0]).all()


def test_a_cut_manifest_is_told_and_done_without(copy):
    path = copy / "manifest.parquet"
    path.write_bytes(path.read_bytes()[:200])
    corpus = Simulated().open(copy)
    assert len(corpus) > 3
    assert any("manifest.parquet" in p.file and "cannot be read" in p.what
               for p in corpus.check(progress=False))  # fmt: skip


def test_what_was_changed_or_lost_is_told_with_its_file(copy):
    corpus = Simulated().open(copy)
    lost, cut, other = corpus[0], corpus[1], corpus[2]
    lost.files["line"].unlink()
    whole = cut.files["audio"].read_bytes()
    cut.files["audio"].write_bytes(whole[: len(whole) // 2])
    samples, rate = soundfile.read(other.files["mono"])
    soundfile.write(other.files["mono"], samples * 0.5, rate, subtype="PCM_24")
    corpus = Simulated().open(copy)
    with pytest.raises(ValidationError, match=rf"item '{lost.name}'.*annotation\.json does not"):
        _ = corpus[lost.name].line
    with pytest.raises(ValidationError, match=rf"item '{cut.name}'.*binaural\.flac"):
        _ = corpus[cut.name].audio
    found = [(p.item, p.file.rpartition("/")[2]) for p in corpus.check(progress=False)]
    assert (lost.name, "annotation.json") in found
    assert (cut.name, "binaural.flac") in found
    assert (other.name, "mono.flac") in found
    assert {name for name, _ in found} == {lost.name, cut.name, other.name}


def test_other_folders_are_not_simulated(tmp_path, copy):
    assert not Simulated().knows(tmp_path / "nothing")
    assert Simulated().knows(copy)
    assert not MRSDrama().knows(copy)
    head = copy / "corpus.json"
    head.write_text(head.read_text().replace("spatialdrama.corpus/1", "spatialdrama.corpus/9"))
    with pytest.raises(ValidationError, match="layout '9'; this version reads '1'"):
        Simulated().open(copy)
    shutil.rmtree(copy / "items")
    (copy / "manifest.parquet").unlink()
    head.write_text(head.read_text().replace("spatialdrama.corpus/9", "spatialdrama.corpus/1"))
    with pytest.raises(ValidationError, match="holds no item yet"):
        Simulated().open(copy)
