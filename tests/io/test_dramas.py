"""Drama folders whose sound stays where it is."""

import os
import shutil

import attrs
import numpy as np
import pytest
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io import block_writer, stored
from spatialdrama.types import BinauralAudio, Drama, Line, Pose, Scene, Script, Speech

RATE = 48_000


def noise(channels, n, peak=0.5, seed=0):
    raw = np.random.default_rng(seed).uniform(-1, 1, (channels, n)).astype(np.float32)
    return raw * np.float32(peak)


def drama(folder=None, loud=1.0):
    """Three lines, the second one beyond full scale; in memory, or below `folder`."""
    shelf = stored.Scratch(folder=folder, in_memory=10**9 if folder is None else 0)
    lines, stems = [], []
    for i, (who, peak) in enumerate([("A", 0.5), ("B é", 1.7), ("A", 0.3)]):
        lines.append(Line(who, "words", start=i / 2, end=i / 2 + 0.4))
        samples = noise(1, round(0.4 * RATE), peak, seed=i)[0]
        stems.append(Speech(shelf.keep(samples), RATE, text="words", identity="x"))
    mix = noise(2, 2 * RATE, 0.5 * loud, seed=9)
    if folder is not None:
        mix = stored.Scratch(2, folder=folder, in_memory=0).keep(mix)
    scene = Scene(None, {"A": Pose.fixed((1, 1, 0)), "B é": Pose.fixed((1, -1, 0))})
    return Drama(BinauralAudio(mix, RATE), Script(lines), scene, stems, {"seed": 7})


def tree(folder):
    """Every file below a folder: name to (inode, time of writing, bytes)."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {
        str(p.relative_to(folder)): (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes())
        for p in files
    }


def content(folder):
    return {name: data for name, (_, _, data) in tree(folder).items()}


@pytest.mark.parametrize("loud", [1.0, 3.0])
def test_a_drama_from_files_is_saved_as_one_from_memory(tmp_path, loud):
    drama(loud=loud).save(tmp_path / "memory")
    drama(tmp_path, loud).save(tmp_path / "files")
    assert content(tmp_path / "files") == content(tmp_path / "memory")
    assert soundfile.info(tmp_path / "files" / "drama.wav").subtype == (
        "FLOAT" if loud > 2 else "PCM_24"
    )
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["files", "memory"]


def test_loaded_sound_stays_in_its_files_when_it_is_long_or_when_asked(tmp_path):
    drama().save(tmp_path / "d")
    memory, files = Drama.load(tmp_path / "d"), Drama.load(tmp_path / "d", stored=True)
    assert not memory.audio.is_stored
    assert files.audio.is_stored
    assert files.audio == memory.audio
    assert files.stems == memory.stems
    assert files.script == memory.script
    np.testing.assert_allclose(files.stems[1].samples, drama().stems[1].samples, atol=2**-21)
    audio = BinauralAudio(np.zeros((2, 61 * RATE)), RATE)
    attrs.evolve(memory, audio=audio, stems=()).save(tmp_path / "long")
    assert Drama.load(tmp_path / "long").audio.is_stored
    assert not Drama.load(tmp_path / "long", stored=False).audio.is_stored


def test_saving_where_it_lies_touches_no_sound(tmp_path):
    drama().save(tmp_path / "d")
    before = tree(tmp_path / "d")
    loaded = Drama.load(tmp_path / "d", stored=True)
    attrs.evolve(loaded, provenance={"seed": 8}).save(tmp_path / "d")
    after = tree(tmp_path / "d")
    assert Drama.load(tmp_path / "d").seed == 8
    assert before.keys() == after.keys()
    sounds = [name for name in before if name != "drama.json"]
    assert len(sounds) == 4
    for name in sounds:
        assert after[name] == before[name]
    # and what was loaded before can still be read
    assert loaded.audio == Drama.load(tmp_path / "d").audio
    assert loaded.stems == Drama.load(tmp_path / "d").stems
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_where_links_are_not_known_it_is_copied(tmp_path, monkeypatch):
    drama().save(tmp_path / "d")
    before = content(tmp_path / "d")

    def no_links(*_):
        raise OSError("Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    Drama.load(tmp_path / "d", stored=True).save(tmp_path / "d")
    after = content(tmp_path / "d")
    for name in before.keys() - {"drama.json"}:
        assert after[name] == before[name]


def test_saving_elsewhere_makes_files_of_its_own(tmp_path):
    drama().save(tmp_path / "d")
    Drama.load(tmp_path / "d", stored=True).save(tmp_path / "e")
    one, other = tree(tmp_path / "d"), tree(tmp_path / "e")
    assert one.keys() == other.keys()
    assert not {v[0] for v in one.values()} & {v[0] for v in other.values()}
    again, first = (Drama.load(tmp_path / name) for name in ("e", "d"))
    assert again.audio == first.audio
    for a, b in zip(again.stems, first.stems, strict=True):
        np.testing.assert_allclose(a.samples, b.samples, atol=2**-22)


def test_what_is_changed_is_written_over_its_own_source(tmp_path):
    drama().save(tmp_path / "d")
    loaded = Drama.load(tmp_path / "d", stored=True)
    want = loaded.audio.samples * np.float32(0.5)
    attrs.evolve(loaded, audio=loaded.audio.scaled(0.5)).save(tmp_path / "d")
    np.testing.assert_allclose(Drama.load(tmp_path / "d").audio.samples, want, atol=2**-23)


def test_an_older_drama_in_the_same_folder_says_that_it_is_gone(tmp_path):
    drama().save(tmp_path / "d")
    loaded = Drama.load(tmp_path / "d", stored=True)
    drama(loud=0.5).save(tmp_path / "d")
    with pytest.raises(ValidationError, match=r"drama\.wav was written anew"):
        loaded.audio.cut(0, 1).samples.mean()
    before = tree(tmp_path / "d")
    with pytest.raises(ValidationError, match="was written anew"):
        loaded.save(tmp_path / "d")
    assert tree(tmp_path / "d") == before


def test_a_missing_or_damaged_file_is_named_when_loaded(tmp_path):
    drama().save(tmp_path / "d")
    shutil.copytree(tmp_path / "d", tmp_path / "e")
    (tmp_path / "d" / "drama.wav").write_bytes(b"RIFF not really")
    with pytest.raises(ValidationError, match=r"drama\.wav cannot be read"):
        Drama.load(tmp_path / "d", stored=True)
    (tmp_path / "e" / "stems" / "001_A.flac").unlink()
    for kept in (True, False):
        with pytest.raises(ValidationError, match=r"001_A\.flac does not exist"):
            Drama.load(tmp_path / "e", stored=kept)


def test_a_full_disk_leaves_the_older_drama(tmp_path, monkeypatch):
    drama().save(tmp_path / "d")
    before = tree(tmp_path / "d")
    new = drama(tmp_path, loud=0.5)

    def full(*_):
        raise soundfile.LibsndfileError(0, "System error.")

    nothing = type("Usage", (), {"free": 0})
    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    monkeypatch.setattr(block_writer, "_check_space", lambda *_: None)
    monkeypatch.setattr(block_writer.shutil, "disk_usage", lambda _: nothing)
    with pytest.raises(ValidationError, match=r"no space left to write .*d/drama\.wav"):
        new.save(tmp_path / "d")
    assert tree(tmp_path / "d") == before
    assert [p.name for p in tmp_path.iterdir()] == ["d"]
