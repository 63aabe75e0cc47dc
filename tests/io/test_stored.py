"""Samples that stay in files: slices, nameless files, and what can be wrong with them."""

import io
import os
import pickle
import tempfile

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from spatialdrama.errors import ValidationError
from spatialdrama.io import stored
from spatialdrama.io.stored import Scratch, gathered, stored_sound

RATE = 48_000


def noise(channels, n, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, n)).astype(np.float32)


class TestNamedFiles:
    @pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
    @pytest.mark.parametrize("channels", [1, 2])
    def test_slices_are_those_of_the_whole(self, tmp_path, name, channels):
        soundfile.write(tmp_path / name, noise(channels, 20_000).T, RATE)
        whole = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)[0].T
        whole = whole[0] if channels == 1 else whole
        samples, rate = stored_sound(tmp_path / name, channels=channels)
        assert rate == RATE
        assert (samples.shape, samples.ndim, len(samples)) == (whole.shape, whole.ndim, len(whole))
        for low, high in ((0, 7), (123, 4567), (19_990, 30_000), (30_000, 30_010), (-5, 3)):
            got = samples.read_slice(low, high)
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, whole[..., max(low, 0) : high])
        np.testing.assert_array_equal(np.asarray(samples), whole)
        np.testing.assert_array_equal(np.concatenate(list(samples.blocks(999)), axis=-1), whole)
        assert samples.peak == np.abs(whole).max()

    def test_parts_of_parts_and_gains(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", noise(2, 5000).T, RATE, "FLOAT")
        samples, _ = stored_sound(tmp_path / "a.wav", channels=2)
        part = samples.part(1000, 4000).part(100, 200).times(0.5).times(-3)
        assert part.shape == (2, 100)
        want = noise(2, 5000)[:, 1100:1200] * np.float32(-1.5)
        np.testing.assert_array_equal(part.read_slice(0, 500), want)
        assert part.peak == np.abs(want).max()
        assert samples.path == tmp_path / "a.wav"
        assert part.path is None

    def test_more_files_than_a_process_may_hold_open(self, tmp_path):
        import resource

        soundfile.write(tmp_path / "a.flac", noise(1, 100)[0], RATE)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if most > 100_000:
            pytest.skip("this system lets a process hold any number of files open")
        all_of_them = [stored_sound(tmp_path / "a.flac", channels=1)[0] for _ in range(most + 10)]
        assert sum(len(s.read_slice(0, 2)) for s in all_of_them) == 2 * (most + 10)

    @pytest.mark.parametrize("factor", [1.0, 0.5])
    def test_a_copy_in_another_process_reads_the_same_file(self, tmp_path, factor):
        soundfile.write(tmp_path / "a.wav", noise(2, 3000).T, RATE, "FLOAT")
        samples = stored_sound(tmp_path / "a.wav", channels=2)[0].part(500, 900).times(factor)
        data = pickle.dumps(samples)
        assert len(data) < 1000
        np.testing.assert_array_equal(
            np.asarray(pickle.loads(data)), noise(2, 3000)[:, 500:900] * factor
        )

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda p: None, "does not exist"),
            (lambda p: p.mkdir(), "is a folder"),
            (lambda p: p.write_bytes(b"not sound"), "cannot be read"),
            (lambda p: soundfile.write(p, np.zeros(10), RATE), "1 channel; expected two"),
            (lambda p: soundfile.write(p, np.zeros((0, 2)), RATE), "holds no samples"),
            (lambda p: soundfile.write(p, np.zeros((9, 2)), 44_100), "44100 Hz, expected 48000"),
        ],
    )
    def test_refusals_name_the_file(self, tmp_path, make, words):
        make(tmp_path / "a.wav")
        with pytest.raises(ValidationError, match=words) as caught:
            stored_sound(tmp_path / "a.wav", channels=2, rate=RATE)
        assert "a.wav" in str(caught.value)

    def test_a_file_that_changes_is_told(self, tmp_path):
        path = tmp_path / "a.wav"
        soundfile.write(path, noise(2, 3000).T, RATE)
        samples, _ = stored_sound(path, channels=2)
        soundfile.write(path, noise(2, 2000, seed=1).T, RATE)
        with pytest.raises(ValidationError, match=r"a\.wav was written anew .* load it again"):
            samples.read_slice(0, 10)
        path.unlink()
        with pytest.raises(ValidationError, match=r"a\.wav does not exist"):
            samples.read_slice(0, 10)

    def test_a_file_that_was_cut_off_says_so(self, tmp_path):
        soundfile.write(tmp_path / "a.flac", noise(2, 200_000).T, RATE)
        data = (tmp_path / "a.flac").read_bytes()
        (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
        samples, _ = stored_sound(tmp_path / "a.flac", channels=2)
        with pytest.raises(ValidationError, match=r"cut off|cannot be read"):
            samples.read_slice(150_000, 200_000)

    def test_samples_that_are_no_numbers_are_told_when_read(self, tmp_path):
        sound = noise(2, 3000)
        sound[1, 2000] = np.nan
        soundfile.write(tmp_path / "a.wav", sound.T, RATE, "FLOAT")
        samples, _ = stored_sound(tmp_path / "a.wav", channels=2)
        np.testing.assert_array_equal(samples.read_slice(0, 1000), sound[:, :1000])
        with pytest.raises(ValidationError, match=r"a\.wav holds NaN"):
            samples.read_slice(1500, 2500)


class TestScratch:
    def test_first_in_memory_then_in_a_file_without_a_name(self, tmp_path):
        shelf = Scratch(folder=tmp_path / "new", in_memory=2500)
        lines = [noise(1, 1000, seed)[0] for seed in range(5)]
        kept = [shelf.keep(line) for line in lines]
        assert [isinstance(k, np.ndarray) for k in kept] == [True, True, False, False, False]
        for got, want in zip(kept, lines, strict=True):
            np.testing.assert_array_equal(np.asarray(got), want)
        np.testing.assert_array_equal(kept[3].read_slice(10, 20), lines[3][10:20])
        assert list((tmp_path / "new").iterdir()) == []

    def test_writing_goes_on_after_reading(self, tmp_path):
        shelf = Scratch(2, folder=tmp_path, in_memory=0)
        a = shelf.keep(noise(2, 100, 1))
        assert a.peak == np.abs(noise(2, 100, 1)).max()
        b = shelf.keep(noise(2, 50, 2))
        np.testing.assert_array_equal(np.asarray(a), noise(2, 100, 1))
        np.testing.assert_array_equal(np.asarray(b), noise(2, 50, 2))

    def test_what_has_no_name_travels_as_an_array(self, tmp_path):
        kept = Scratch(folder=tmp_path, in_memory=0).keep(noise(1, 100)[0])
        again = pickle.loads(pickle.dumps(kept.times(0.5)))
        np.testing.assert_array_equal(again, noise(1, 100)[0] * np.float32(0.5))

    def test_a_full_disk_is_one_sentence(self, tmp_path, monkeypatch):
        # The kernel's own full disk; nothing that is written to it fits.
        if not os.path.exists("/dev/full"):
            pytest.skip("this system has no /dev/full")
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: _Full())
        with pytest.raises(ValidationError, match=r"no space left in .* SPATIALDRAMA_HOME"):
            Scratch(folder=tmp_path, in_memory=0).keep(noise(1, 10_000)[0])

    def test_space_is_asked_for_first(self, tmp_path, monkeypatch):
        small = type("Usage", (), {"free": 10**6})
        monkeypatch.setattr(stored.shutil, "disk_usage", lambda _: small)
        with pytest.raises(ValidationError, match=r"needs 1.38 GB in .* 0.00 GB are free"):
            Scratch(2, folder=tmp_path).check_space(2 * 3600 * RATE)
        Scratch(2, folder=tmp_path).check_space(2 * 60 * RATE)  # a minute stays in memory

    def test_a_folder_that_cannot_be_made_is_replaced_by_the_systems(self, tmp_path):
        (tmp_path / "file").write_text("")
        shelf = Scratch(folder=tmp_path / "file" / "below", in_memory=0)
        np.testing.assert_array_equal(np.asarray(shelf.keep(noise(1, 9)[0])), noise(1, 9)[0])


class _Full(io.FileIO):
    def __init__(self):
        super().__init__("/dev/full", "w")


@given(
    sizes=st.lists(st.integers(0, 40), max_size=12),
    channels=st.integers(1, 3),
    in_memory=st.integers(0, 200),
)
def test_gathered_blocks_lie_side_by_side(sizes, channels, in_memory):
    blocks = [noise(channels, n, seed) for seed, n in enumerate(sizes)]
    got = gathered(iter(blocks), channels, in_memory=in_memory)
    want = np.concatenate([np.zeros((channels, 0), np.float32), *blocks], axis=1)
    np.testing.assert_array_equal(np.asarray(got), want)
    assert isinstance(got, np.ndarray) == (want.size <= in_memory)
