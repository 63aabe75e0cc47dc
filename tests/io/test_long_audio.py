"""Mono files read slice by slice, and sound files written block by block."""

import pickle
import struct

import numpy as np
import pytest
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io import block_writer
from spatialdrama.io.audio import MonoFile, read_samples, write_samples, writing

RATE = 48_000


def noise(channels, n, peak=0.5, seed=0):
    raw = np.random.default_rng(seed).uniform(-1, 1, (channels, n)).astype(np.float32)
    return raw * np.float32(peak)


def write(path, samples, block=1000, **options):
    with writing(path, len(samples), RATE, frames=samples.shape[1], **options) as writer:
        for first in range(0, samples.shape[1], block):
            writer.write(samples[:, first : first + block])
    return writer


class TestMonoFile:
    @pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
    def test_slices_are_those_of_the_whole(self, tmp_path, name):
        soundfile.write(tmp_path / name, noise(1, 20_000)[0], RATE)
        whole = soundfile.read(tmp_path / name, dtype="float32")[0]
        mono = MonoFile(tmp_path / name)
        assert (len(mono), mono.shape, mono.rate, mono.ndim) == (20_000, (20_000,), RATE, 1)
        for low, high in ((0, 7), (7, 9000), (9000, 20_000), (123, 4567), (19_990, 30_000)):
            got = mono.read_slice(low, high)
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, whole[low:high])
        assert len(mono.read_slice(30_000, 30_010)) == 0

    def test_a_copy_in_another_process_reads_on_its_own(self, tmp_path):
        samples = noise(1, 3000)[0]
        soundfile.write(tmp_path / "a.wav", samples, RATE, "FLOAT")
        mono = MonoFile(tmp_path / "a.wav")
        mono.read_slice(0, 1000)
        other = pickle.loads(pickle.dumps(mono))
        np.testing.assert_array_equal(other.read_slice(500, 900), samples[500:900])
        np.testing.assert_array_equal(mono.read_slice(1000, 1200), samples[1000:1200])

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda p: None, "does not exist"),
            (lambda p: p.mkdir(), "is a folder"),
            (lambda p: p.write_bytes(b"not sound"), "cannot be read"),
            (lambda p: soundfile.write(p, np.zeros((10, 2)), RATE), "2 channels"),
            (lambda p: soundfile.write(p, np.zeros(0), RATE), "holds no samples"),
            (lambda p: soundfile.write(p, np.zeros(10), 44_100), "44100 Hz, expected 48000"),
        ],
    )
    def test_refusals_name_the_file(self, tmp_path, make, words):
        make(tmp_path / "a.wav")
        with pytest.raises(ValidationError, match=words) as caught:
            MonoFile(tmp_path / "a.wav", rate=RATE)
        assert "a.wav" in str(caught.value)

    def test_a_file_that_was_cut_off_says_so(self, tmp_path):
        soundfile.write(tmp_path / "a.flac", noise(1, 200_000)[0], RATE)
        data = (tmp_path / "a.flac").read_bytes()
        (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
        mono = MonoFile(tmp_path / "a.flac")
        with pytest.raises(ValidationError, match=r"cut off|cannot be read"):
            mono.read_slice(150_000, 200_000)


class TestWriting:
    @pytest.mark.parametrize(
        ("name", "subtype"),
        [("a.wav", None), ("a.flac", None), ("a.wav", "FLOAT"), ("a.wav", "PCM_16"),
         ("a.flac", "PCM_16")],
    )  # fmt: skip
    def test_a_file_in_blocks_is_the_file_in_one(self, tmp_path, name, subtype):
        samples = noise(2, 10_500, peak=1.0)
        write(tmp_path / name, samples, subtype=subtype)
        write_samples(tmp_path / f"whole-{name}", samples, RATE, subtype)
        got, want = (soundfile.info(tmp_path / n) for n in (name, f"whole-{name}"))
        assert (got.subtype, got.format, got.frames) == (want.subtype, want.format, want.frames)
        np.testing.assert_array_equal(
            read_samples(tmp_path / name)[0], read_samples(tmp_path / f"whole-{name}")[0]
        )

    def test_what_passes_full_scale_late_is_float_throughout(self, tmp_path):
        samples = noise(2, 5000)
        samples[1, 4000] = 1.5
        writer = write(tmp_path / "a.wav", samples)
        assert (writer.subtype, writer.peak) == ("FLOAT", 1.5)
        assert soundfile.info(tmp_path / "a.wav").subtype == "FLOAT"
        np.testing.assert_array_equal(read_samples(tmp_path / "a.wav")[0], samples)

    @pytest.mark.parametrize(("name", "subtype"), [("a.wav", "PCM_24"), ("a.flac", None)])
    def test_whole_numbers_refuse_to_clip_and_leave_the_old_file(self, tmp_path, name, subtype):
        (tmp_path / name).write_bytes(b"old")
        samples = noise(2, 5000)
        samples[0, 4000] = -1.25
        with pytest.raises(ValidationError, match=r"t = 0.08 s the peak is 1.250"):
            write(tmp_path / name, samples, subtype=subtype)
        assert (tmp_path / name).read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == [name]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_an_interruption_leaves_nothing(self, tmp_path, error):
        def interrupted(samples):
            with writing(tmp_path / "a.wav", 2, RATE, frames=5000) as writer:
                writer.write(samples)
                raise error

        with pytest.raises(error):
            interrupted(noise(2, 1000))
        assert not list(tmp_path.iterdir())

    def test_an_interruption_of_the_conversion_leaves_nothing(self, tmp_path, monkeypatch):
        def stopped(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(block_writer.os, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "a.wav", noise(2, 1000))
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("subtype", [None, "FLOAT"])
    def test_more_than_wav_can_count_is_rf64(self, tmp_path, monkeypatch, subtype):
        monkeypatch.setattr(block_writer, "WAV_LIMIT", 20_000)
        samples = noise(2, 5000)
        write(tmp_path / "a.wav", samples, subtype=subtype)
        assert (tmp_path / "a.wav").read_bytes()[:4] == b"RF64"
        got, rate = read_samples(tmp_path / "a.wav")
        assert rate == RATE
        np.testing.assert_allclose(got, samples, atol=2**-23)

    def test_loudspeakers_are_named_in_wav(self, tmp_path):
        write(tmp_path / "a.wav", noise(6, 2000), layout="5.1")
        data = (tmp_path / "a.wav").read_bytes()
        at = data.index(b"fmt ") + 8
        form, channels = struct.unpack("<HH", data[at : at + 4])
        mask = struct.unpack("<I", data[at + 20 : at + 24])[0]
        # WAVE_FORMAT_EXTENSIBLE; front left and right, centre, LFE, and two at the back or sides
        assert (form, channels) == (0xFFFE, 6)
        assert mask in (0x3F, 0x60F)

    @pytest.mark.parametrize(
        ("blocks", "words"),
        [
            ([noise(2, 999)], "was to hold 1000 samples and got 999"),
            ([noise(3, 1000)], r"needs shape \(2, n\)"),
            ([np.full((2, 1000), np.nan, np.float32)], "NaN"),
        ],
    )
    def test_wrong_blocks_are_refused(self, tmp_path, blocks, words):
        def written():
            with writing(tmp_path / "a.wav", 2, RATE, frames=1000) as writer:
                for block in blocks:
                    writer.write(block)

        with pytest.raises(ValidationError, match=words):
            written()
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("name", "subtype", "words"),
        [
            ("a.mp3", None, r"ends in .wav or .flac"),
            ("a.flac", "FLOAT", "can be one of PCM_16, PCM_24"),
            ("a.wav", "PCM_12", "can be one of PCM_16, PCM_24, PCM_32, FLOAT"),
        ],
    )
    def test_names_and_subtypes(self, tmp_path, name, subtype, words):
        with pytest.raises(ValidationError, match=words):
            write(tmp_path / name, noise(2, 100), subtype=subtype)

    def test_space_is_asked_for_first(self, tmp_path, monkeypatch):
        small = type("Usage", (), {"free": 10**6})
        monkeypatch.setattr(block_writer.shutil, "disk_usage", lambda _: small)
        with (
            pytest.raises(ValidationError, match=r"needs 2.52 GB .* 0.00 GB are free"),
            writing(tmp_path / "a.wav", 2, RATE, frames=180_000_000),
        ):
            pytest.fail("began to write")
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layout", ["binaural", "5.1"])
@pytest.mark.parametrize("way", ["whole", "blocks"])
def test_the_time_of_writing_is_in_no_file(tmp_path, way, layout):
    """libsndfile's PEAK chunk of float files: id, size, version, time, then the peaks."""
    channels = 6 if layout == "5.1" else 2
    samples = np.random.default_rng(0).normal(0, 1, (channels, 999)).astype(np.float32)
    path = tmp_path / "a.wav"
    if way == "whole":
        write_samples(path, samples, 48_000, "FLOAT", layout=layout)
    else:
        with writing(path, channels, 48_000, frames=999, subtype="FLOAT",
                           layout=layout) as writer:  # fmt: skip
            writer.write(samples)
    data = path.read_bytes()
    chunk = data.index(b"PEAK")
    assert int.from_bytes(data[chunk + 8 : chunk + 12], "little") == 1
    assert data[chunk + 12 : chunk + 16] == bytes(4)
    peak = np.frombuffer(data[chunk + 16 : chunk + 20], "<f4")[0]
    assert peak == np.abs(samples[0]).max()
    np.testing.assert_array_equal(soundfile.read(path, dtype="float32")[0].T, samples)
