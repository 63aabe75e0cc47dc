"""The whole voice, with its network: needs the asset ``kokoro-82m-int8``."""

import warnings

import numpy as np
import onnxruntime
import pytest
from spatialdrama_speech import g2p
from spatialdrama_speech.identities import Identity
from spatialdrama_speech.network import providers, whole_frames

from spatialdrama.dsp.pitch import f0_yin
from spatialdrama.errors import (
    DeviceError,
    SpatialDramaWarning,
    UnknownNameError,
    ValidationError,
)
from spatialdrama.registry import load
from spatialdrama.runtime.assets import locate, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing(["kokoro-82m-int8"])),
        reason="type: spatialdrama assets fetch kokoro-82m-int8",
    ),
]
TEXT = "Nay, answer me: stand, and unfold yourself."


@pytest.fixture(scope="module")
def voice():
    return load("voice", "kokoro", threads=1)


@pytest.fixture(scope="module")
def plain(voice):
    return voice.speak(TEXT, identity="bm_george")


def heard_f0(speech):
    """Pitch every 5 ms by YIN, which knows nothing of the network (and is proven on its own)."""
    return f0_yin(speech.samples, rate=speech.rate, hop_s=0.005, low=50, high=500).f0


def median_f0(speech):
    f0 = heard_f0(speech)
    return float(np.median(f0[f0 > 0]))


def test_samples_equal_the_uncut_network(plain):
    session = onnxruntime.InferenceSession(
        str(locate("kokoro-82m-int8")), providers=["CPUExecutionProvider"]
    )
    symbols = plain.provenance["phonemes"]
    tokens = np.array([[0, *(g2p.SYMBOLS[c] for c in symbols), 0]], np.int64)
    style = Identity.parse("bm_george").style(len(symbols))
    feeds = {"tokens": tokens, "style": style[None], "speed": np.ones(1, np.float32)}
    (audio,) = session.run(["audio"], feeds)
    np.testing.assert_array_equal(plain.samples, audio)


def test_phones_fill_the_samples_on_a_grid_of_25_ms(plain):
    ends = [0.0, *(phone.end for phone in plain.phones)]
    starts = [phone.start for phone in plain.phones]
    assert starts == ends[:-1]
    assert round(ends[-1] * plain.rate) == len(plain.samples)
    np.testing.assert_allclose(np.array(ends) / 0.025, np.rint(np.array(ends) / 0.025), atol=1e-9)
    assert "".join(p.symbol for p in plain.phones[1:-1]) == plain.provenance["phonemes"]
    assert plain.phones[0].symbol == plain.phones[-1].symbol == "sil"
    assert len(plain.f0) * plain.f0_hop == pytest.approx(plain.duration)


def test_the_f0_curve_is_what_is_heard(plain):
    times, f0, _ = f0_yin(plain.samples, rate=plain.rate)
    told = plain.f0[np.clip(np.rint(times / plain.f0_hop).astype(int), 0, len(plain.f0) - 1)]
    both = (told > 0) & (f0 > 0)
    assert both.mean() > 0.3
    assert np.median(np.abs(np.log2(f0[both] / told[both]))) * 1200 < 50  # cents


@pytest.mark.parametrize("semitones", [5, -4])
def test_pitch_moves_the_median_by_its_ratio(voice, plain, semitones):
    moved = voice.speak(TEXT, identity="bm_george", pitch=semitones)
    assert len(moved.samples) == len(plain.samples)
    before, after = heard_f0(plain), heard_f0(moved)
    both = (before > 0) & (after > 0)  # where YIN finds a voice in both
    assert both.sum() > 0.8 * (before > 0).sum()
    cents = 1200 * np.median(np.log2(after[both] / before[both]))
    assert cents == pytest.approx(100 * semitones, abs=25)


@pytest.mark.parametrize("rate", [1.25, 0.8])
def test_rate_divides_the_length(voice, plain, rate):
    said = voice.speak(TEXT, identity="bm_george", rate=rate)
    assert said.duration == pytest.approx(plain.duration / rate, abs=0.0126)
    assert round(said.phones[-1].end * said.rate) == len(said.samples)


def test_same_input_same_samples_with_any_number_of_threads(voice, plain):
    again = voice.speak(TEXT, identity="bm_george", seed=99)
    np.testing.assert_array_equal(again.samples, plain.samples)
    other = load("voice", "kokoro", threads=2).speak(TEXT, identity="bm_george")
    np.testing.assert_array_equal(other.samples, plain.samples)


def test_a_blend_sounds_like_neither(voice, plain):
    blend = voice.speak(TEXT, identity="zf_xiaoxiao:0.6+bm_george:0.4")
    assert blend.identity == "zf_xiaoxiao:0.6+bm_george:0.4"
    woman = voice.speak(TEXT, identity="zf_xiaoxiao")
    assert median_f0(plain) * 1.1 < median_f0(blend) < median_f0(woman) * 1.1


def test_whispers_have_no_pitch_and_the_same_times(voice):
    slow = voice.speak(TEXT, identity="bm_george", rate=0.92)
    breath = voice.speak(TEXT, identity="bm_george", style="whispering", seed=3)
    assert breath.phones == slow.phones
    assert breath.f0.max() == 0
    assert (heard_f0(breath) > 0).mean() < 0.1 < 0.4 < (heard_f0(slow) > 0).mean()
    again = voice.speak(TEXT, identity="bm_george", style="whispering", seed=3)
    np.testing.assert_array_equal(again.samples, breath.samples)


def test_levels_of_styles_are_told_and_applied(voice, plain):
    soft = voice.speak(TEXT, identity="bm_george", style="loudly")
    assert soft.provenance["gain_db"] == 4.0
    level = 20 * np.log10(np.std(soft.samples) / np.std(plain.samples))
    assert level == pytest.approx(4.0, abs=1.0)


def test_an_unknown_style_is_plain_speech_with_one_warning(voice, plain):
    with pytest.warns(SpatialDramaWarning, match="'like a bear'"):
        said = voice.speak(TEXT, identity="bm_george", style="like a bear")
    assert said.provenance["style_unused"] == "like a bear"
    np.testing.assert_array_equal(said.samples, plain.samples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        voice.speak(TEXT, identity="bm_george", style="like a bear")


def test_lines_longer_than_the_network_takes(voice):
    text = "Not a mouse stirring, not a bird, not a leaf upon the tree. " * 10
    said = voice.speak(text, identity="am_michael", rate=2)
    assert len(said.provenance["phonemes"]) > 510
    assert said.duration > 15
    assert round(said.phones[-1].end * said.rate) == len(said.samples)
    assert sum(phone.symbol == "sil" for phone in said.phones) >= 4


def test_provenance_names_what_made_the_line(plain):
    told = plain.provenance
    assert told["sha256"].startswith("6e742170d309")
    assert told["identity"] == "bm_george"
    assert told["accent"] == "en-GB"
    assert {"misaki", "pypinyin", "rjieba", "onnxruntime"} <= set(told["versions"])


def test_what_cannot_be_spoken_is_refused_before_the_network_runs(voice, monkeypatch):
    monkeypatch.setattr(voice._network, "_run", lambda *a, **k: pytest.fail("it ran"))
    for text, extra, says in [
        ("Привет", {}, "Cyrillic"),
        ("Bonjour", {"language": "fr"}, "'fr'"),
        ("", {}, "words to speak"),
        ("?!", {}, "punctuation only"),
        ("Hello", {"rate": 3}, "rate must be from 0.5 to 2"),
        ("Hello", {"pitch": float("nan")}, "pitch must be from -12 to 12"),
    ]:
        with pytest.raises(ValidationError, match=says):
            voice.speak(text, identity="bm_george", **extra)
    with pytest.raises(UnknownNameError, match="nearest"):
        voice.speak("Hello", identity="bm_georg")
    with pytest.raises(ValidationError, match="Cyrillic"):
        voice.check("Привет", identity="bm_george")


def test_cuda_is_never_replaced_by_the_cpu():
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        assert providers("cuda")[0] == "CUDAExecutionProvider"
    else:
        with pytest.raises(DeviceError, match="onnxruntime-gpu"):
            load("voice", "kokoro", device="cuda")


def test_durations_rounded_alone_are_the_networks_own(voice):
    tokens = np.array([0, *(g2p.SYMBOLS[c] for c in "hˈæmlət"), 0])
    raw = voice._network.durations(tokens, Identity.parse("af_heart").style(7))
    assert whole_frames(raw).sum() == np.maximum(np.rint(raw), 1).sum()
