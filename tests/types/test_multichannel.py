"""MultichannelAudio: shapes, levels, pictures and files."""

import copy
import pickle

import numpy as np
import pytest

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import MultichannelAudio


def noise(channels, n=4800, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (channels, n)).astype(np.float32)


@pytest.mark.parametrize(("layout", "channels"), [("foa", "W Y Z X"), ("5.1", "L R C LFE Ls Rs")])
def test_channels_have_names(layout, channels):
    names = tuple(channels.split())
    samples = noise(len(names))
    audio = MultichannelAudio(samples, 48_000, layout)
    assert audio.channels == names
    for row, name in zip(samples, names, strict=True):
        np.testing.assert_array_equal(audio[name], row)
    assert audio.duration == 0.1
    assert audio.peak == np.abs(samples).max()


def test_levels_are_root_mean_squares():
    samples = np.zeros((4, 1000))
    samples[0] = 0.5
    samples[3, ::2] = 0.1
    levels = MultichannelAudio(samples, 48_000, "foa").levels_db
    assert levels["W"] == pytest.approx(-6.0206, abs=1e-4)
    assert levels["X"] == pytest.approx(-20 - 3.0103, abs=1e-4)
    assert levels["Y"] == -np.inf


def test_values_are_read_only_equal_by_content_and_copied():
    audio = MultichannelAudio(noise(4), 48_000, "foa", provenance={"a": 1})
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0, 0] = 1
    for other in (copy.deepcopy(audio), pickle.loads(pickle.dumps(audio))):
        assert other == audio
        assert not other.samples.flags.writeable
        assert dict(other.provenance) == {"a": 1}
    assert audio != MultichannelAudio(noise(4, seed=1), 48_000, "foa")


@pytest.mark.parametrize(("layout", "channels"), [("foa", 4), ("5.1", 6)])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_files_keep_channels_in_order(tmp_path, layout, channels, name):
    audio = MultichannelAudio(noise(channels), 48_000, layout)
    again = MultichannelAudio.load(audio.save(tmp_path / name), layout, rate=48_000)
    np.testing.assert_allclose(again.samples, audio.samples, atol=2**-23)
    audio.save(tmp_path / "b.wav", subtype="FLOAT")
    assert MultichannelAudio.load(tmp_path / "b.wav", layout) == audio


def test_a_file_of_another_layout_is_refused(tmp_path):
    MultichannelAudio(noise(4), 48_000, "foa").save(tmp_path / "a.wav")
    with pytest.raises(ValidationError, match=r"'5.1' needs shape \(6, n\)"):
        MultichannelAudio.load(tmp_path / "a.wav", "5.1")


def test_the_picture_tells_each_channels_level():
    samples = noise(6)
    samples[3] = 0
    audio = MultichannelAudio(samples, 48_000, "5.1")
    html = audio._repr_mimebundle_()["text/html"]
    for name in audio.channels:
        assert f">{name}</text>" in html
    assert html.count(">silent</text>") == 1
    assert f"{audio.levels_db['Ls']:.1f} dBFS" in html
    assert repr(audio).startswith("MultichannelAudio(5.1, 0.10 s at 48000 Hz, peak")


@pytest.mark.parametrize(
    ("samples", "rate", "layout", "words"),
    [
        (noise(2), 48_000, "foa", r"shape \(4, n\), channels W Y Z X; got \(2, 4800\)"),
        (noise(4).T, 48_000, "foa", "use samples.T"),
        (noise(4)[:, :0], 48_000, "foa", "no samples"),
        (noise(4) * np.nan, 48_000, "foa", "is nan"),
        (noise(4), 4800, "foa", "8000 to 192000"),
        (noise(4)[0], 48_000, "foa", "got"),
    ],
)
def test_refusals(samples, rate, layout, words):
    with pytest.raises(ValidationError, match=words):
        MultichannelAudio(samples, rate, layout)


def test_unknown_layouts_and_channels_get_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"5\.1"):
        MultichannelAudio(noise(6), 48_000, "5.2")
    with pytest.raises(UnknownNameError, match="no channel named 'V'"):
        MultichannelAudio(noise(4), 48_000, "foa")["V"]
