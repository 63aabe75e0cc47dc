"""What a recogniser understands of the voice: needs the assets of the metric ``cer`` too."""

import numpy as np
import pytest

from spatialdrama.registry import load
from spatialdrama.runtime.assets import missing
from spatialdrama.types import BinauralAudio, Line

NEEDED = [
    "kokoro-82m-int8",
    "whisper-base-ct2",
    "whisper-base-ct2-config",
    "whisper-base-ct2-vocabulary",
]
try:
    LACKING = missing(NEEDED)
except LookupError:
    LACKING = ("spatialdrama-metrics",)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACKING), reason=f"type: spatialdrama assets fetch {LACKING}"),
]


@pytest.fixture(scope="module")
def error_rate():
    voice, metric = load("voice", "kokoro"), load("metric", "cer")

    def measure(text, **options):
        said = voice.speak(text, **options)
        ears = np.stack([said.samples, said.samples]) * (0.05 / np.std(said.samples))
        return metric.score(BinauralAudio(ears, said.rate), line=Line("ANNA", text)).value

    return measure


@pytest.mark.parametrize("identity", ["am_michael", "bf_emma"])
def test_english(error_rate, identity):
    assert error_rate("Nay, answer me: stand, and unfold yourself.", identity=identity) <= 0.06


@pytest.mark.parametrize("identity", ["zf_xiaoxiao", "zm_yunxi"])
def test_mandarin(error_rate, identity):
    assert error_rate("大哥，我有话告诉你。", identity=identity) <= 0.10


def test_both_languages_in_one_line(error_rate):
    assert error_rate("Good night, 大哥，我有话告诉你。", identity="zm_yunxi") <= 0.15


def test_whispered(error_rate):
    text = "For this relief much thanks: 'tis bitter cold, and I am sick at heart."
    assert error_rate(text, identity="am_michael", style="whispering") <= 0.2


@pytest.mark.parametrize("text", ["Not a mouse stirring.", "我们什么时候回来？"])
def test_a_new_identity_is_clear_in_both_languages(error_rate, text):
    assert error_rate(text, identity="zf_xiaoxiao:0.6+bm_george:0.4") <= 0.1
