"""Sound that lies in a file behaves as the same sound in memory."""

import pickle

import numpy as np
import pytest

from spatialdrama.errors import ValidationError
from spatialdrama.io import stored
from spatialdrama.types import BinauralAudio, Speech

RATE = 48_000
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 30_000)).astype(np.float32)


@pytest.fixture(params=["gathered", "opened"])
def pair(request, tmp_path):
    """The same sound in memory and in a file."""
    memory = BinauralAudio(NOISE, RATE, provenance={"seed": 7})
    if request.param == "opened":
        memory.save(tmp_path / "a.wav", subtype="FLOAT")
        return memory, BinauralAudio.open(tmp_path / "a.wav")
    samples = stored.gathered((NOISE[:, i : i + 7000] for i in range(0, 30_000, 7000)), 2,
                              folder=tmp_path, in_memory=0)  # fmt: skip
    return memory, BinauralAudio(samples, RATE)


def test_values_are_those_in_memory(pair):
    memory, file = pair
    assert file.is_stored
    assert not memory.is_stored
    assert (file.duration, file.length, file.peak) == (30_000 / RATE, 30_000, memory.peak)
    assert repr(file) == repr(memory)
    assert file == memory
    assert memory == file
    assert file != memory.scaled(0.99)
    assert file.cut(0, 0.5) != memory
    np.testing.assert_array_equal(file.samples, NOISE)
    assert file.data.equals(memory.data)


@pytest.mark.parametrize(("start", "end"), [(0.0, 9.0), (0.1, 0.25), (-1, 0.2), (0.6, 0.7)])
def test_cuts_stay_in_the_file(pair, start, end):
    memory, file = pair
    cut = file.cut(start, end)
    assert cut.is_stored
    assert cut == memory.cut(start, end)
    assert cut.cut(0.01, 0.02) == memory.cut(start, end).cut(0.01, 0.02)
    with pytest.raises(ValidationError, match="nothing to cut"):
        file.cut(1, 2)


def test_blocks_and_spans(pair):
    for sound in pair:
        blocks = list(sound.blocks(4096))
        assert [b.shape[1] for b in blocks] == [4096] * 7 + [30_000 - 7 * 4096]
        np.testing.assert_array_equal(np.concatenate(blocks, axis=1), NOISE)
        np.testing.assert_array_equal(sound.span(-5, 10), NOISE[:, :10])
        np.testing.assert_array_equal(sound.span(29_990, 40_000), NOISE[:, 29_990:])


def test_one_gain_for_both_ears(pair):
    for sound in pair:
        np.testing.assert_array_equal(sound.scaled(0.3).samples, NOISE * np.float32(0.3))


@pytest.mark.parametrize("name", ["b.wav", "b.flac"])
def test_files_are_the_same_byte_for_byte(pair, tmp_path, name):
    memory, file = pair
    want = memory.save(tmp_path / f"memory-{name}").read_bytes()
    assert file.save(tmp_path / f"file-{name}").read_bytes() == want


def test_it_refuses_to_clip_as_in_memory(pair, tmp_path):
    with pytest.raises(ValidationError, match="would clip"):
        pair[1].scaled(3).save(tmp_path / "loud.wav")
    assert not (tmp_path / "loud.wav").exists()


def test_it_travels_and_shows_itself(pair):
    memory, file = pair
    assert pickle.loads(pickle.dumps(file)) == memory
    shown = file._repr_mimebundle_()
    assert shown["text/html"] == memory._repr_mimebundle_()["text/html"]
    assert shown["image/png"] == memory._repr_mimebundle_()["image/png"]


def test_short_sound_gathered_from_blocks_is_in_memory():
    sound = BinauralAudio.from_blocks((NOISE[:, i : i + 999] for i in range(0, 30_000, 999)), RATE)
    assert not sound.is_stored
    assert sound == BinauralAudio(NOISE, RATE)


def test_a_minute_and_more_is_not():
    block = np.zeros((2, RATE), np.float32)
    assert not BinauralAudio.from_blocks((block for _ in range(60)), RATE).is_stored
    assert BinauralAudio.from_blocks((block for _ in range(61)), RATE).is_stored


def test_a_stem_in_a_file(tmp_path):
    kept = stored.Scratch(folder=tmp_path, in_memory=0).keep(NOISE[0])
    about = {"text": "Hi.", "f0": [0.0, 120.0], "f0_hop": 0.01, "provenance": {"gain_db": -6.0}}
    memory, file = Speech(NOISE[0], RATE, **about), Speech(kept, RATE, **about)
    assert file == memory
    assert file.duration == memory.duration
    assert file.resampled(RATE) is file
    assert file.resampled(24_000) == memory.resampled(24_000)
    assert pickle.loads(pickle.dumps(file)) == memory
    assert file.signal is kept
    np.testing.assert_array_equal(file.samples, NOISE[0])
    with pytest.raises(ValidationError, match="mono"):
        Speech(stored.Scratch(2, folder=tmp_path, in_memory=0).keep(NOISE), RATE)
