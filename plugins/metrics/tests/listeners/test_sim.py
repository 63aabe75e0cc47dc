"""Speaker similarity: closed forms, odd inputs, and talkers that the network tells apart."""

import numpy as np
import pytest
from spatialdrama_metrics.speakers.sim import Sim

from spatialdrama import registry
from spatialdrama.errors import PluginError, UnknownNameError, ValidationError
from spatialdrama.testing import check_metric
from spatialdrama.types import BinauralAudio, Speech


class Pitch:
    """A vector whose angle is the share of the spectrum above 1 kHz; counts its calls."""

    def __init__(self):
        self.calls = 0

    def embed(self, mono, *, rate):
        self.calls += 1
        power = np.abs(np.fft.rfft(mono)) ** 2
        high = np.fft.rfftfreq(len(mono), 1 / rate) > 1000
        return np.sqrt([power[high].sum(), power[~high].sum()])


def tone(hz, seconds=1.0, rate=48_000, gain=0.1):
    return gain * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def both(mono, rate=48_000):
    return BinauralAudio(np.stack([mono, mono / 2]), rate)


def test_closed_forms():
    sim = Sim(embedder=Pitch())
    mixed = tone(400) + tone(4000)
    for line, prompt, wanted in (
        (tone(400), tone(300), 1.0),
        (tone(400), tone(3000), 0.0),
        (mixed, tone(400), np.sqrt(0.5)),
        (0.001 * mixed, 10 * tone(400), np.sqrt(0.5)),
    ):
        score = sim.score(both(line), prompt=Speech(prompt, 48_000))
        assert score.value == pytest.approx(wanted, abs=1e-4)
        assert score.weight == pytest.approx(1.0)
        assert score.details["embedder"] == "Pitch"


def test_a_prompt_may_be_speech_ears_or_samples_at_any_rate():
    sim = Sim(embedder=Pitch())
    line = both(tone(400) + tone(4000))
    given = tone(400, rate=24_000)
    prompts = (Speech(given, 24_000), both(given, 24_000), (given, 24_000), (list(given), 24_000))
    values = {round(sim.score(line, prompt=prompt).value, 6) for prompt in prompts}
    assert len(values) == 1


def test_the_louder_ear_is_the_line():
    audio = BinauralAudio(np.stack([tone(4000) / 10, tone(400)]), 48_000)
    sim = Sim(embedder=Pitch())
    assert sim.score(audio, prompt=Speech(tone(400), 48_000)).value == pytest.approx(1, abs=1e-4)


def test_a_batch_is_its_lines_one_by_one_and_asks_once_for_each_sound():
    lines = [both(tone(hz) + tone(4000)) for hz in (300, 400, 500)]
    prompt = Speech(tone(400), 48_000)
    pitch = Pitch()
    scores = Sim(embedder=pitch).score_batch(lines, prompt=[prompt] * 3)
    assert pitch.calls == 4
    alone = [Sim(embedder=Pitch()).score(line, prompt=prompt) for line in lines]
    assert [s.value for s in scores] == pytest.approx([s.value for s in alone], abs=1e-9)
    with pytest.raises(ValidationError, match="3 lines need as many prompts, got 1"):
        Sim(embedder=pitch).score_batch(lines, prompt=[prompt])


@pytest.mark.parametrize(
    ("samples", "seconds"), [(np.zeros((2, 48_000)), "0.00"), (np.full((2, 1), 0.1), "0.00")]
)
def test_a_line_without_a_voice_has_no_score(samples, seconds):
    prompt = Speech(tone(400), 48_000)
    score = Sim(embedder=Pitch()).score(BinauralAudio(samples, 48_000), prompt=prompt)
    assert np.isnan(score.value)
    assert score.weight == 0
    assert f"{seconds} s of sound are too little" in score.details["note"]


def test_a_short_line_is_scored_and_said_to_be_uncertain():
    prompt = Speech(tone(400, 2.0), 48_000)
    sim = Sim(embedder=Pitch())
    score = sim.score(both(tone(400, 0.3)), prompt=prompt)
    assert score.value == pytest.approx(1, abs=1e-3)
    assert "0.30 s of sound: scores of less than 1.6 s" in score.details["note"]
    assert "note" not in sim.score(both(tone(400, 2.0)), prompt=prompt).details


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Speech(np.zeros(48_000), 48_000), "0.00 s of sound in 1.00 s; give at least 0.5 s"),
        (Speech(tone(400, 0.2), 48_000), "0.20 s of sound in 0.20 s"),
        (tone(400), "got ndarray. Give Speech"),
        ((np.stack([tone(400)] * 2), 48_000), r"mono, shape \(n,\); got \(2, 48000\)"),
        ((np.full(48_000, np.nan), 48_000), "48000 NaN or infinite samples"),
        ((tone(400), 0), "rate must be positive"),
        (None, "got NoneType"),
    ],
)
def test_prompts_that_are_none_are_refused(prompt, message):
    with pytest.raises(ValidationError, match=message):
        Sim(embedder=Pitch()).score(both(tone(400)), prompt=prompt)


def test_a_line_must_be_binaural():
    with pytest.raises(ValidationError, match="audio must be a BinauralAudio, got Speech"):
        Sim(embedder=Pitch()).score(Speech(tone(400), 48_000), prompt=Speech(tone(400), 48_000))


@pytest.mark.parametrize(
    ("returned", "message"),
    [([[1.0, 2.0]], r"returned shape \(1, 2\)"), ([np.nan, 1.0], "or NaN")],
)
def test_an_embedder_that_returns_no_vector_is_named(returned, message):
    class Odd:
        def embed(self, mono, *, rate):
            return returned

    with pytest.raises(PluginError, match=f"the embedder Odd {message}|Odd returned .*{message}"):
        Sim(embedder=Odd()).score(both(tone(400)), prompt=Speech(tone(400), 48_000))


def test_names_of_embedders():
    assert Sim(embedder="wavlm:models/x").embedder.folder == "models/x"
    with pytest.raises(UnknownNameError, match="use one of resemblyzer, wavlm"):
        Sim(embedder="ecapa")
    with pytest.raises(ValidationError, match="nothing after a colon"):
        Sim(embedder="resemblyzer:x")
    with pytest.raises(ValidationError, match="an object with embed"):
        Sim(embedder=3)


# -- with the network -------------------------------------------------------------------------


def test_the_same_sound_is_the_same_voice_at_any_gain(resemblyzer_weights, talk, two_ears):
    mono = talk("low", 2.0, rate=44_100)
    sim = registry.load("metric", "sim")
    for gain in (1.0, 0.01):
        audio = two_ears(gain * mono, 44_100)
        assert sim.score(audio, prompt=Speech(mono, 44_100)).value == pytest.approx(1, abs=1e-4)


def test_other_words_of_one_talker_are_nearer_than_another_talker(
    resemblyzer_weights, talk, two_ears
):
    sim = registry.load("metric", "sim")
    prompt = Speech(talk("low", 3.0), 16_000)
    line, other = (two_ears(talk(who, 3.0, seed=1), 16_000) for who in ("low", "high"))
    assert sim.score(line, prompt=prompt).value > sim.score(other, prompt=prompt).value + 0.15


def test_noise_and_clipping_make_a_voice_less_like_itself(resemblyzer_weights, talk, two_ears):
    clean = talk("low", 2.5, seed=1)
    noise = np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    sim = registry.load("metric", "sim")
    prompt = Speech(talk("low", 2.5), 16_000)
    levels = (0.0, 0.008, 0.025, 0.08)  # to 0 dB
    noisy = [two_ears(clean + level * noise, 16_000) for level in levels]
    values = [s.value for s in sim.score_batch(noisy, prompt=[prompt] * len(noisy))]
    assert values == sorted(values, reverse=True)
    assert values[0] - values[-1] > 0.1
    clipped = two_ears(np.clip(20 * clean, -1, 1), 16_000)
    assert sim.score(clipped, prompt=prompt).value < values[0]


@pytest.mark.slow
def test_sim_keeps_the_clauses_for_metrics(resemblyzer_weights):
    check_metric("sim")
