"""Scoring: cuts, notes, chance levels, and what a metric may do wrong."""

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import PluginError, ValidationError
from spatialdrama.registry import unregister_local

RATE = 48_000


def made(seed=0, **provenance):
    """Three lines of noise, one gain per ear and line."""
    rng = np.random.default_rng(seed)
    lines, audio = [], np.zeros((2, 4 * RATE), np.float32)
    for i, (who, gain) in enumerate([("A", 1.0), ("B", 0.5), ("A", 0.25)]):
        at = slice(i * RATE + RATE // 4, i * RATE + RATE)
        x = 0.1 * rng.standard_normal(at.stop - at.start)
        audio[:, at] = x, gain * x
        lines.append(sd.Line(who, "words", start=at.start / RATE, end=at.stop / RATE))
    scene = sd.Scene(None, {"A": sd.Pose.fixed((1, 1, 0)), "B": sd.Pose.fixed((1, -1, 0))})
    return sd.Drama(sd.BinauralAudio(audio, RATE), sd.Script(lines), scene, (), provenance)


@pytest.fixture
def mine():
    """Register a metric for one test."""
    names = []

    def register(function, **fields):
        names.append(function.__name__)
        return sd.metric(function.__name__, **fields)(function)

    yield register
    for name in names:
        unregister_local("metric", name)


def test_a_metric_hears_each_line_alone(mine):
    def ear_ratio(audio, line, pose):
        left, right = np.abs(audio.samples).max(axis=1)
        assert pose.time[0] == -line.start
        return right / left

    mine(ear_ratio, needs=("line", "pose"), per="line")
    table = sd.score(made(), ["ear_ratio"], progress=False)
    assert list(table.lines("ear_ratio").values()) == pytest.approx([1.0, 0.5, 0.25], rel=1e-5)
    assert table["ear_ratio"] == pytest.approx(1.75 / 3, rel=1e-5)


def test_one_odd_line_does_not_cost_the_others(mine):
    def picky(audio, line):
        if line.speaker == "B":
            raise ValidationError("not this one")
        return 1.0

    mine(picky, needs=("line",), per="line")
    table = sd.score(made(), ["picky"], progress=False)
    assert table["picky"] == 1.0
    assert any("not this one" in note and "002 B" in note for note in table.notes)


def test_a_metric_without_any_value_is_an_error(mine):
    def never(audio):
        raise ValidationError("too quiet")

    mine(never, per="line")
    with pytest.raises(ValidationError, match="'never' has no value: too quiet"):
        sd.score(made(), ["never"], progress=False)


@pytest.mark.parametrize("wrong", [lambda audio: 1 / 0, lambda audio: "loud"])
def test_a_broken_metric_is_named_with_its_line(mine, wrong):
    wrong.__name__ = "broken"
    mine(wrong, per="line")
    with pytest.raises(PluginError, match=r"'broken'.*001 A"):
        sd.score(made(), ["broken"], progress=False)


def test_chance_is_what_other_lines_references_score():
    drama = made()
    table = sd.score(drama, ["ild_mae"], reference=drama.audio, progress=False)
    assert table["ild_mae"] == pytest.approx(0.0, abs=1e-4)
    # Against each other line: 6, 12 and 6 dB apart, each pair met twice.
    assert float(table.data["chance"][0]) == pytest.approx((6.02 + 12.04 + 6.02) / 3, abs=0.3)


def test_a_drama_that_does_not_name_its_renderer_is_not_compared_with_another():
    speech = sd.Speech(np.ones(RATE, np.float32), RATE)
    drama = sd.Drama(made().audio, made().script, made().scene, (speech,) * 3, {})
    with pytest.raises(ValidationError, match="does not say which renderer"):
        sd.score(drama, ["itd_mae"], progress=False)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (lambda a: sd.BinauralAudio(a.samples, 44_100), "44100 Hz"),
        (lambda a: sd.BinauralAudio(a.samples[:, : RATE // 2], RATE), "its reference 0.50 s"),
        (lambda a: a.samples, "BinauralAudio.load"),
        (lambda a: "b.wav", "b.wav does not exist"),
    ],
)
def test_references_that_are_none(reference, message):
    drama = made()
    with pytest.raises(ValidationError, match=message):
        sd.score(drama, ["ild_mae"], reference=reference(drama.audio), progress=False)


def test_speech_can_be_rendered_as_it_is():
    speech = sd.Speech(np.ones(RATE // 10, np.float32), RATE)
    audio = sd.render(speech, sd.Pose.fixed((0, 1, 0)), renderer="geometric")
    assert audio.samples[0].max() > audio.samples[1].max()


class TestPrompts:
    """Which voice prompt a line is compared with."""

    @staticmethod
    def spoken(mine, drama, **given):
        def prompt_seconds(audio, prompt):
            return prompt.duration

        mine(prompt_seconds, needs=("prompt",), unit="s")
        table = sd.score(drama, ["prompt_seconds"], progress=False, **given)
        return list(table.lines("prompt_seconds").values()), table.notes

    @staticmethod
    def drama():
        stems = [sd.Speech(np.ones(n, np.float32), 24_000) for n in (2400, 4800, 7200)]
        return sd.Drama(made().audio, made().script, made().scene, stems, {})

    def test_another_line_of_the_same_speaker_serves_and_is_said(self, mine):
        seconds, notes = self.spoken(mine, self.drama())
        assert seconds == pytest.approx([0.3, 0.2, 0.1])  # lines 1 and 3 are A's, line 2 is B's
        assert any("longest other stem" in note and "A, B" in note for note in notes)
        assert any("002" in note and "own stem" in note for note in notes)

    def test_a_given_prompt_is_taken(self, mine):
        mine_prompt = sd.Speech(np.ones(16_000, np.float32), 16_000)
        seconds, notes = self.spoken(mine, self.drama(), prompts={"A": mine_prompt})
        assert seconds == pytest.approx([1.0, 0.2, 1.0])
        assert any("no prompt was given for B:" in note for note in notes)

    def test_a_recording_takes_one(self, mine):
        ears = sd.BinauralAudio(np.ones((2, 24_000)) * 0.1, 48_000)
        assert self.spoken(mine, made().audio, prompts={"any": ears})[0] == pytest.approx([0.5])

    @pytest.mark.parametrize(
        ("prompts", "message"),
        [({"C": None}, "'C'"), ([1], "speaker: Speech"), ({"A": 3}, "prompt of A must be")],
    )
    def test_odd_prompts(self, mine, prompts, message):
        with pytest.raises(sd.errors.SpatialDramaError, match=message):
            self.spoken(mine, self.drama(), prompts=prompts)

    def test_no_prompt_and_no_stems(self, mine):
        with pytest.raises(ValidationError, match="needs a prompt; pass prompts="):
            self.spoken(mine, made())
