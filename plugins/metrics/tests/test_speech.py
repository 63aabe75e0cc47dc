"""The recogniser on speech: synthetic lines of both languages, transcribed, the same each time."""

import numpy as np
import pytest

from spatialdrama import registry
from spatialdrama.errors import SpatialDramaError
from spatialdrama.types import BinauralAudio, Line

pytestmark = pytest.mark.slow

LINES = (
    ("am_michael", "Nay, answer me: stand, and unfold yourself."),
    ("bf_emma", "In 1984 there were 23 men."),
    ("zf_xiaoxiao", "去年我们有23个人，花了1500块钱。"),
    ("zf_xiaoxiao", "这个词在英文里是 hello world。"),
)


@pytest.fixture(scope="module")
def voice():
    try:
        made = registry.load("voice", "kokoro")
        made.speak("Good.", identity="am_michael")
        registry.load("metric", "cer").score(
            BinauralAudio(np.random.default_rng(0).normal(0, 0.1, (2, 4800)), 48000),
            line=Line("A", "noise"),
        )
    except SpatialDramaError as error:
        pytest.skip(str(error))
    return made


@pytest.mark.parametrize(("identity", "text"), LINES)
def test_what_is_said_is_understood_at_two_ears(voice, identity, text):
    speech = voice.speak(text, identity=identity)
    late = np.roll(speech.samples, round(5e-4 * speech.rate)) * 0.6
    audio = BinauralAudio(np.stack([late, speech.samples]), speech.rate)
    cer = registry.load("metric", "cer")
    first, again = (cer.score(audio, line=Line("A", text)) for _ in range(2))
    assert first.value <= 0.06
    assert first == again


def test_drowned_words_raise_the_rate(voice):
    identity, text = LINES[0]
    speech = voice.speak(text, identity=identity)
    noise = np.random.default_rng(0).normal(0, 0.3, (2, len(speech.samples)))
    audio = BinauralAudio(0.3 * speech.samples + noise, speech.rate)
    assert registry.load("metric", "cer").score(audio, line=Line("A", text)).value > 0.3


def test_music_of_no_words_is_no_line(voice):
    t = np.arange(48000) / 48000
    hum = BinauralAudio(np.tile(0.2 * np.sin(2 * np.pi * 220 * t), (2, 1)), 48000)
    score = registry.load("metric", "cer").score(hum, line=Line("A", "Who's there?"))
    assert score.value >= 0.8
