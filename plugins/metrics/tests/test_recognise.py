"""The recogniser around the network: features, vocabulary, windows; the network itself is slow."""

import itertools

import numpy as np
import pytest
from spatialdrama_metrics.recognise import whisper
from spatialdrama_metrics.recognise.features import RATE, log_mel, to_16k
from spatialdrama_metrics.recognise.vocabulary import Vocabulary, _alphabet
from spatialdrama_metrics.recognise.whisper import ASSETS, MANDARIN_PROMPT, Whisper, windows

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.runtime.assets import missing

needs_model = pytest.mark.skipif(
    bool(missing(ASSETS)), reason="type: spatialdrama assets fetch " + " ".join(ASSETS)
)


def oracle_log_mel(x):
    """Frame by frame with a DFT matrix, as the paper's code defines it."""
    from spatialdrama.dsp.mel import mel_matrix

    padded = np.pad(np.pad(x, (0, 480000 - len(x))), 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(400), np.arange(201)) / 400)
    mels = mel_matrix(rate=16000, n_fft=400, bands=80, high=8000.0)
    out = np.empty((80, 3000))
    for t in range(3000):
        power = np.abs((padded[t * 160 : t * 160 + 400] * window) @ matrix) ** 2
        out[:, t] = np.log10(np.maximum(mels @ power, 1e-10))
    return (np.maximum(out, out.max() - 8) + 4) / 4


def test_features_match_the_definition():
    x = np.random.default_rng(0).standard_normal(5 * RATE) * 0.1
    np.testing.assert_allclose(log_mel(x), oracle_log_mel(x), atol=2e-4)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_resampling_keeps_a_tone(rate):
    t = np.arange(rate) / rate
    out = to_16k(np.sin(2 * np.pi * 1000 * t), rate=rate)
    assert out.shape == (16000,)
    want = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    np.testing.assert_allclose(out[2000:-2000], want[2000:-2000], atol=0.01)


def test_vocabulary_round_trip(tmp_path):
    table = {b: c for c, b in _alphabet().items()}
    text = "Hé, 你好\n！"
    token = "".join(table[b] for b in text.encode())
    specials = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|translate|>"]
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join([token, *specials]) + "\n", encoding="utf-8")
    vocabulary = Vocabulary.load(path)
    assert vocabulary.text([0, 1, 2]) == text
    assert vocabulary.languages == ("en", "zh")
    assert vocabulary.number("<|zh|>") == 4
    # Half a character at the end of a cut hypothesis is dropped.
    assert Vocabulary((table["你".encode()[0]], "<|endoftext|>")).text([0]) == ""
    path.write_text("a\nb\n")
    with pytest.raises(AssetError, match=r"vocabulary\.txt is not the vocabulary.*2 lines"):
        Vocabulary.load(path)


def test_the_byte_alphabet_is_complete():
    assert sorted(_alphabet().values()) == list(range(256))
    assert _alphabet()["Ġ"] == ord(" ")
    assert _alphabet()["Ċ"] == ord("\n")


def test_windows_cut_in_pauses():
    x = np.ones(70 * RATE)
    for pause in (24.0, 47.5):
        x[int(pause * RATE) : int((pause + 0.4) * RATE)] = 0
    parts = windows(x)
    assert parts[0].start == 0
    assert parts[-1].stop == len(x)
    assert all(a.stop == b.start for a, b in itertools.pairwise(parts))
    assert all(p.stop - p.start <= 28 * RATE for p in parts)
    assert 24.0 <= parts[0].stop / RATE <= 24.4
    assert 47.5 <= parts[1].stop / RATE <= 47.9


def test_silence_never_reaches_the_network(monkeypatch):
    monkeypatch.setattr(whisper, "_load", lambda *a: pytest.fail("asked"))
    rng = np.random.default_rng(0)
    for quiet in (np.zeros(16000), 1e-5 * rng.standard_normal(16000)):
        assert Whisper().transcribe(quiet, rate=16000, languages=("en",)).text == ""


def test_missing_files_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path))
    monkeypatch.delenv("SPATIALDRAMA_ASSETS", raising=False)
    whisper._load.cache_clear()
    from spatialdrama.runtime import asset_files

    monkeypatch.setattr(asset_files, "installed_file", lambda part: None)
    with pytest.raises(AssetError, match="Type: spatialdrama assets fetch --for cer"):
        Whisper().transcribe(np.ones(16000), rate=16000, languages=("en",))


def test_languages_are_needed():
    with pytest.raises(ValidationError, match="at least one language"):
        Whisper().transcribe(np.ones(1600), rate=16000, languages=())


@needs_model
@pytest.mark.slow
def test_the_prompt_says_what_the_comment_says():
    from spatialdrama.runtime.assets import locate

    vocabulary = Vocabulary.load(locate(ASSETS[2]))
    assert vocabulary.text(MANDARIN_PROMPT) == " 以下是普通话的句子。"
    assert len(vocabulary.languages) == 99


@needs_model
@pytest.mark.slow
def test_the_network_refuses_an_unknown_language():
    with pytest.raises(ValidationError, match="no language 'tlh'"):
        Whisper().transcribe(np.ones(16000), rate=16000, languages=("tlh",))
