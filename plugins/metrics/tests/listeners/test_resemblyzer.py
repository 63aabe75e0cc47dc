"""The embedded speaker network against the package, torch's LSTM, and files that do not fit."""

import pickle

import numpy as np
import pytest
from spatialdrama_metrics.at_16k import at_16k
from spatialdrama_metrics.speakers.lstm import Lstm
from spatialdrama_metrics.speakers.partials import partials, starts
from spatialdrama_metrics.speakers.resemblyzer import Resemblyzer
from spatialdrama_metrics.speakers.torch_archive import read_state
from spatialdrama_metrics.speakers.voiced import (
    levelled,
    seconds_of_sound,
    voiced_windows,
    without_silence,
)

from spatialdrama.errors import ValidationError


@pytest.mark.parametrize("batch", [1, 3])
def test_lstm_is_torchs(batch):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    oracle = torch.nn.LSTM(5, 7, 3, batch_first=True)
    state = {f"lstm.{name}": value.numpy() for name, value in oracle.state_dict().items()}
    x = np.random.default_rng(0).standard_normal((batch, 11, 5)).astype(np.float32)
    with torch.no_grad():
        wanted = oracle(torch.from_numpy(x))[1][0][-1].numpy()
    np.testing.assert_allclose(Lstm.from_state(state).last(x), wanted, atol=1e-6)


def test_stretches_are_the_packages(golden):
    for samples, wanted in golden["partial_starts"].items():
        assert starts(int(samples)) == wanted


def test_a_short_signal_is_one_stretch_filled_with_zeros():
    part = partials(np.ones(4800, dtype=np.float32))
    assert part.shape == (1, 160, 40)
    assert part[0, :29].all()
    assert not part[0, 32:].any()


@pytest.mark.parametrize("who", ["low", "high"])
def test_embeddings_are_the_packages(resemblyzer_weights, golden, talk, who):
    # Louder than -30 dBFS and whole: the package's embed_utterance, without its preprocessing.
    network = Resemblyzer(level="raise", trim="none")
    embedding = network.embed(talk(who, 3.1), rate=16_000)
    np.testing.assert_allclose(embedding, golden["resemblyzer"][who]["embed_utterance"], atol=1e-5)


@pytest.mark.parametrize("who", ["low", "high"])
def test_resampled_and_trimmed_ones_are_the_packages(resemblyzer_weights, golden, talk, who):
    pytest.importorskip("webrtcvad")
    paused = np.concatenate([talk(who, 1.7, rate=24_000), np.zeros(24_000, np.float32)] * 2)
    embedding = Resemblyzer(level="raise", trim="webrtc").embed(paused, rate=24_000)
    np.testing.assert_allclose(embedding, golden["resemblyzer"][who]["preprocessed"], atol=1e-5)


def test_signals_in_one_batch_are_those_one_by_one(resemblyzer_weights, talk):
    sounds = [(talk("low", 0.7), 16_000), (talk("high", 4.0, rate=44_100), 44_100)]
    together = Resemblyzer().embed_batch(sounds)
    alone = [Resemblyzer().embed(mono, rate=rate) for mono, rate in sounds]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_gain_changes_an_embedding_only_where_the_package_lets_it(resemblyzer_weights, talk):
    mono = talk("low", 2.0)
    fixed, raising = Resemblyzer(), Resemblyzer(level="raise")
    one, other = (fixed.embed(gain * mono, rate=16_000) for gain in (1.0, 0.01))
    np.testing.assert_allclose(one, other, atol=1e-5)
    one, other = (raising.embed(gain * mono, rate=16_000) for gain in (1.0, 4.0))
    assert np.abs(one - other).max() > 1e-3


def test_silence_has_no_embedding():
    with pytest.raises(ValidationError, match=r"no voice is left of 0\.10 s"):
        Resemblyzer().embed(np.zeros(1600), rate=16_000)


def test_a_rate_of_stretches_that_leaves_gaps_is_refused():
    with pytest.raises(ValidationError, match=r"per_second must lie between 0\.625"):
        Resemblyzer(per_second=0.5)


# -- levels and silences ----------------------------------------------------------------------


def test_levels_in_closed_form():
    square = np.tile([0.1, -0.1], 500)  # -20 dBFS
    assert np.abs(levelled(square)[0]) == pytest.approx(10 ** (-24 / 20))
    np.testing.assert_array_equal(levelled(square, "raise"), square)
    assert np.abs(levelled(square / 100, "raise")[0]) == pytest.approx(10 ** (-30 / 20))


def test_long_silences_go_and_short_ones_stay():
    tone = np.tile([0.1, -0.1], 12_000)  # 1.5 s
    short, long = np.zeros(2400), np.zeros(24_000)
    assert len(without_silence(np.concatenate([tone, short, tone]))) == 50_400
    kept = len(without_silence(np.concatenate([tone, long, tone]))) / 16_000
    assert 3.0 < kept < 3.6
    assert len(without_silence(long)) == 0
    assert len(without_silence(long, "none")) == 24_000


def test_what_sounds_is_counted_in_seconds():
    tone = np.tile([0.1, -0.1], 24_000)
    paused = np.concatenate([tone, np.zeros(48_000), 0.1 * tone])  # 20 dB softer still counts
    assert seconds_of_sound(paused, rate=48_000) == pytest.approx(2.0, abs=0.061)
    assert seconds_of_sound(np.zeros(48_000), rate=48_000) == 0
    assert seconds_of_sound(np.ones(1), rate=48_000) == pytest.approx(1 / 48_000)


def test_webrtc_hears_no_voice_in_silence(talk):
    pytest.importorskip("webrtcvad")
    paused = np.concatenate([np.zeros(16_000, np.float32), talk("low", 1.0)])
    flags = voiced_windows(paused, "webrtc")
    assert not flags[:30].any()
    assert flags[34:].mean() > 0.5


def test_16k_has_the_length_that_the_rates_say():
    assert at_16k(np.zeros(44_101), rate=44_100).shape == (16_001,)
    tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(at_16k(tone, rate=48_000)[500:-500], wanted[500:-500], atol=1e-3)


# -- the file of weights ----------------------------------------------------------------------


def _legacy(path, saved):
    torch = pytest.importorskip("torch")
    torch.save(saved, path, _use_new_zipfile_serialization=False)
    return path


def test_arrays_are_read_as_torch_wrote_them(tmp_path):
    torch = pytest.importorskip("torch")
    state = {"a": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7), "e": torch.zeros(2, 0)}
    path = _legacy(tmp_path / "w.pt", {"model_state": state, "optimiser": [torch.ones(3)]})
    read = read_state(path, "model_state")
    for name, value in state.items():
        np.testing.assert_array_equal(read[name], value.numpy())
        assert read[name].shape == tuple(value.shape)


def test_a_file_that_names_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return (print, ("run",))

    path = _legacy(tmp_path / "w.pt", {"model_state": Harm()})
    with pytest.raises(ValidationError, match=r"names __builtin__\.print, which is no plain array"):
        read_state(path, "model_state")


def test_files_of_another_kind_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    whole = _legacy(tmp_path / "w.pt", {"model_state": {"a": torch.ones(100)}}).read_bytes()
    turned = {"model_state": {"a": torch.ones(3, 4).T}}
    for name, content, reason in (
        ("cut.pt", whole[:-40], "cut off"),
        ("text.pt", b"no weights", ""),
        ("empty.pt", b"", ""),
        ("other.pt", pickle.dumps(3), "does not begin as one"),
        ("turned.pt", _legacy(tmp_path / "t.pt", turned).read_bytes(), "in one piece"),
        ("list.pt", _legacy(tmp_path / "l.pt", {"model_state": [1]}).read_bytes(), "no dictionary"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValidationError, match=f"{name} is not the file.*{reason}"):
            read_state(tmp_path / name, "model_state")
    with pytest.raises(ValidationError, match="'else'"):
        read_state(tmp_path / "w.pt", "else")
