"""On synthetic speech: noise, clipping and other speakers lower what they should lower."""

import numpy as np
import pytest

from spatialdrama import registry
from spatialdrama.errors import SpatialDramaError
from spatialdrama.types import BinauralAudio

pytestmark = pytest.mark.slow
TEXT = "The morning train was late again."


@pytest.fixture(scope="module")
def speech():
    try:
        voice = registry.load("voice", "kokoro")
        return {who: voice.speak(TEXT, identity=who) for who in ("am_michael", "bf_emma")}
    except SpatialDramaError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def other_words(speech):
    return registry.load("voice", "kokoro").speak(
        "Nay, answer me: stand, and unfold yourself.", identity="am_michael"
    )


def noisy(speech, snr_db):
    clean = speech.samples
    noise = np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    noise *= clean.std() * 10 ** (-snr_db / 20)
    return BinauralAudio(np.stack([clean + noise, 0.5 * (clean + noise)]), speech.rate)


@pytest.mark.parametrize(("name", "assets"), [("dnsmos", "dnsmos"), ("distillmos", "distillmos")])
def test_quality_falls_with_noise_and_clipping(speech, name, assets, request):
    request.getfixturevalue(f"{assets}_weights")
    line = speech["am_michael"]
    metric = registry.load("metric", name, ears=False)
    scores = metric.score_batch([noisy(line, snr) for snr in (60, 20, 10, 0)])
    values = [score.value for score in scores]
    assert values == sorted(values, reverse=True)
    assert values[0] > 3
    assert values[0] - values[-1] > 1
    hard = np.clip(30 * line.samples, -1, 1)
    clipped = metric.score(BinauralAudio(np.stack([hard, hard]), line.rate))
    assert clipped.value < values[0] - 0.1
    assert "clipped" in clipped.details["note"]


def test_a_voice_is_its_own_in_other_words_and_less_so_in_noise(
    speech, other_words, resemblyzer_weights
):
    sim = registry.load("metric", "sim")
    lines = [noisy(speech["am_michael"], snr) for snr in (60, 20, 10, 0)]
    values = [s.value for s in sim.score_batch(lines, prompt=[other_words] * 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8
    stranger = sim.score(noisy(speech["bf_emma"], 60), prompt=other_words)
    assert stranger.value < 0.7
