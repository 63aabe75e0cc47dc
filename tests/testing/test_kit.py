"""The kit passes what keeps the clauses and catches each broken one by its name."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import numpy as np
import pytest

from spatialdrama.errors import ValidationError
from spatialdrama.testing import (
    CLAUSES,
    ConformanceError,
    cases,
    check_encoder,
    check_generator,
    check_metric,
    check_renderer,
    check_voice,
)
from spatialdrama.types import BinauralAudio, Drama, GeometricPrompt, Pose, Score

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"


def breaks(clause, call):
    """The call fails, and names this clause in words."""
    with pytest.raises(ConformanceError) as caught:
        call()
    assert caught.value.clause == clause, str(caught.value)
    assert f"breaks the clause '{clause}': {CLAUSES[clause]} Seen: " in str(caught.value)


def test_every_clause_is_documented_word_for_word():
    text = PAGE.read_text()
    for clause, sentence in CLAUSES.items():
        assert f"### {clause}\n\n{sentence}\n" in text, clause
    assert sorted(re.findall(r"^### (\S+)$", text, re.M)) == sorted(CLAUSES)


def test_every_clause_has_a_test_that_breaks_it():
    text = Path(__file__).read_text()
    for clause in CLAUSES:
        assert f'"{clause}"' in text, f"Write a plugin that breaks {clause!r}."


# Metrics


class Level:
    """Level difference in dB, both ears together."""

    def score(self, audio, *, reference):
        if audio.rate != reference.rate:
            raise ValidationError("rates differ")
        one, other = (np.square(c.samples, dtype=float).mean() for c in (audio, reference))
        if min(one, other) == 0:
            return Score(float("nan"), weight=0)
        return abs(10 * np.log10(one / other))


METRIC = {"needs": "reference", "bounds": (0, None)}


def test_a_good_metric_passes(register):
    check_metric(register("metric", Level, **METRIC))


def test_a_good_batch_passes(register):
    def score_batch(self, audios, *, reference):
        pairs = zip(audios, reference, strict=True)
        return [self.score(audio, reference=other) for audio, other in pairs]

    check_metric(register("metric", variant(score_batch=score_batch), **METRIC))


def test_a_good_function_passes(register):
    def level(audio, *, reference):
        """Level difference."""
        return Level().score(audio, reference=reference)

    # functions of a cell cannot be pickled by name; those of a module can
    with pytest.raises(ConformanceError, match="pickle raised"):
        check_metric(register("metric", level, **METRIC))
    check_metric(register("metric", module_level, **METRIC))


def module_level(audio, *, reference):
    """Level difference."""
    return Level().score(audio, reference=reference)


class Offset(Level):
    """What a careless copy turns into."""

    def score(self, audio, *, reference):
        return 1.0


def variant(**members):
    """A subclass of Level at module level, so that it pickles."""
    made = type("Variant", (Level,), {"__doc__": "A variant.", "__module__": __name__, **members})
    made.__qualname__ = "Variant"
    globals()["Variant"] = made
    return made


COUNTER = iter(range(10**6))


@pytest.mark.parametrize(
    ("clause", "members", "fields"),
    [
        ("constructs", {"__doc__": ""}, {}),
        ("constructs", {"__init__": lambda self, needed: None}, {}),
        ("repr", {"__repr__": lambda self: "x" * 3000}, {}),
        ("metric-result", {"score": lambda self, audio, reference: "good"}, {}),
        ("metric-result", {"score": lambda self, audio, reference: float("inf")}, {}),
        ("metric-result", {"score": lambda self, audio, reference: True}, {}),
        ("metric-needs", {}, {"needs": ("reference", "pose")}),
        ("metric-needs", {"score": lambda self, audio, reference, pose: 1.0}, {}),
        ("repeats", {"score": lambda self, audio, reference: float(next(COUNTER))}, {}),
        ("metric-bounds", {}, {"bounds": (0, 1.0)}),
        (
            "metric-best",
            {"score": lambda self, a, reference: -Level.score(self, a, reference=reference)},
            {"bounds": (None, None)},
        ),
        ("metric-best", {"score": lambda self, audio, reference: float("nan")}, {}),
        ("metric-best", {}, {"direction": "up"}),
        ("metric-worse", {"score": lambda self, audio, reference: 1.0}, {}),
        (
            "metric-odd",
            {
                "score": lambda self, a, reference: (
                    Level.score(self, a, reference=reference) + 0 * a.samples[0, 100]
                )
            },
            {},
        ),
        (
            "metric-rate",
            {
                "score": lambda self, a, reference: Level.score(
                    self, BinauralAudio(a.samples, reference.rate), reference=reference
                )
            },
            {},
        ),
        ("metric-batch", {"score_batch": lambda self, audios, reference: [1.0] * len(audios)}, {}),
        ("metric-batch", {"score_batch": lambda self, audios, reference: [0.0]}, {}),
        ("pickles", {"__reduce__": lambda self: 1 / 0}, {}),
        ("pickles", {"__deepcopy__": lambda self, memo: Offset()}, {}),
    ],
)
def test_broken_metrics_are_caught(register, clause, members, fields):
    name = register("metric", variant(**members), **{**METRIC, **fields})
    breaks(clause, lambda: check_metric(name))


# Voices


def test_a_good_voice_passes(register):
    check_voice(register("voice", cases.ToneVoice, languages=("en", "zh"), rate=24_000))


class Voice(cases.ToneVoice):
    """A voice with one thing wrong."""

    def __init__(self, **wrong):
        super().__init__()
        self.wrong = wrong

    def identities(self):
        return self.wrong.get("identities", super().identities())

    def speak(self, text, *, identity, **how):
        if self.wrong.get("slow"):
            how["rate"] = 1.0
        if self.wrong.get("restless"):
            how["seed"] = next(COUNTER)
        speech = super().speak(text, identity=identity, **how)
        change = self.wrong.get("change")
        return change(speech) if change else speech


@pytest.mark.parametrize(
    ("clause", "wrong"),
    [
        ("voice-identities", {"identities": ()}),
        ("voice-identities", {"identities": ("low", "low")}),
        ("voice-speech", {"change": lambda s: s.samples}),
        ("voice-speech", {"change": lambda s: attrs.evolve(s, samples=0 * s.samples)}),
        ("voice-speech", {"change": lambda s: attrs.evolve(s, rate=16_000)}),
        ("voice-speech", {"change": lambda s: attrs.evolve(s, text="")}),
        ("voice-phones", {"change": lambda s: attrs.evolve(s, phones=s.phones[::-1])}),
        ("voice-phones", {"change": lambda s: attrs.evolve(s, samples=s.samples[:500])}),
        ("voice-rate", {"slow": True}),
        ("repeats", {"restless": True}),
    ],
)
def test_broken_voices_are_caught(register, clause, wrong):
    name = register("voice", Voice, languages=("en", "zh"), rate=24_000)
    breaks(clause, lambda: check_voice(name, options=wrong))


@pytest.mark.parametrize("error", [None, KeyError])
@pytest.mark.parametrize("what", [{"identity": "no such identity"}, {"language": "xx"}])
def test_voices_that_accept_anything_are_caught(register, error, what):
    class Careless(cases.ToneVoice):
        """Speaks whatever it is asked, or fails with an error that helps nobody."""

        def speak(self, text, *, identity, language=None, **how):
            if what.items() <= {"identity": identity, "language": language}.items():
                if error:
                    raise error(identity)
                identity, language = "low", "en"
            return super().speak(text, identity=identity, language=language, **how)

    name = register("voice", Careless, languages=("en", "zh"))
    breaks("voice-unknown", lambda: check_voice(name))


def test_voices_that_say_other_languages_or_nothing_are_caught(register):
    name = register("voice", cases.ToneVoice, languages=("en",), rate=24_000)
    breaks("voice-languages", lambda: check_voice(name))

    class Chatty(cases.ToneVoice):
        """Says something even when there is nothing to say."""

        def speak(self, text, **how):
            return super().speak(text if text.strip() else "well", **how)

    name = register("voice", Chatty, languages=("en", "zh"))
    breaks("voice-empty", lambda: check_voice(name))


# Renderers


class Plain:
    """Delay and 1/r to two ears at y = +-9 cm, for poses that stand still at ``start``."""

    def __init__(self, **wrong):
        self.wrong = wrong

    rate = 48_000

    def render(
        self, mono, pose, *, rate=48_000, start=0.0, room=None, listener=None,
        directivity="speech", gain_db=0.0,
    ):  # fmt: skip
        wrong = self.wrong
        if not np.isfinite(mono).all():
            if wrong.get("lets_nan_pass"):
                mono = np.nan_to_num(mono)
            else:
                raise ValidationError("NaN")
        at = pose.positions_at([0.0 if wrong.get("frozen") else start])[0]
        ears = []
        for y in (0.09, -0.09):
            distance = np.linalg.norm(at - [0, y, 0])
            delay = 0 if wrong.get("no_delay") else round(distance / 343 * rate)
            fall = 1 if wrong.get("no_distance") else distance
            ears.append(np.concatenate([np.zeros(delay), mono / fall]))
        if wrong.get("swapped"):
            ears.reverse()
        count = max(map(len, ears))
        samples = np.stack([np.pad(ear, (0, count - len(ear))) for ear in ears])
        samples = samples * 10 ** (gain_db / 20)
        if wrong.get("normalises"):
            samples = samples / np.abs(samples).max()
        if wrong.get("short"):
            samples = samples[:, : len(mono) // 2]
        if wrong.get("restless"):
            samples = samples * (1 + 1e-3 * next(COUNTER))
        return BinauralAudio(samples, rate)

    def render_scene(self, stems, scene, *, rate=48_000, progress=None):
        total = np.zeros((2, rate))
        for speaker, start, mono in stems:
            part = self.render(mono, scene.source(speaker).pose, rate=rate, start=start).samples
            first = 0 if self.wrong.get("all_at_once") else round(start * rate)
            total[:, first : first + part.shape[1]] += part
        return BinauralAudio(total, rate)


def test_a_good_renderer_passes(register):
    check_renderer(register("renderer", Plain))


@pytest.mark.parametrize(
    ("clause", "wrong"),
    [
        ("renderer-audio", "short"),
        ("repeats", "restless"),
        ("renderer-sides", "swapped"),
        ("renderer-delay", "no_delay"),
        ("renderer-linear", "normalises"),
        ("renderer-distance", "no_distance"),
        ("renderer-start", "frozen"),
        ("renderer-mix", "all_at_once"),
        ("renderer-refuses", "lets_nan_pass"),
    ],
)
def test_broken_renderers_are_caught(register, clause, wrong):
    name = register("renderer", Plain)
    breaks(clause, lambda: check_renderer(name, options={wrong: True}))


# Generators


class Sequence:
    """Lines one after the other, the same sound in both ears; at most two speakers."""

    def __init__(self, **wrong):
        self.wrong = wrong

    def generate(self, script, scene, *, voices, seed=0, progress=True):
        wrong = self.wrong
        if not wrong.get("careless"):
            if len(scene.speakers) > 2 and not wrong.get("crowded"):
                raise ValidationError("two speakers at most")
            for speaker in script.speakers:
                if speaker not in voices:
                    raise ValidationError(f"{speaker} has no voice")
        stems, lines, time = [], [], 0.1
        for number, line in enumerate(script):
            key = len(script) if wrong.get("batched") else number
            key = next(COUNTER) if wrong.get("restless") else key
            identity = voices.get(line.speaker, "low")
            stem = cases.ToneVoice().speak(line.text, identity=identity, seed=key)
            stems.append(stem)
            lines.append(attrs.evolve(line, start=time, end=time + stem.duration))
            time += stem.duration + 0.1
        if wrong.get("reversed"):
            lines.reverse()
        if wrong.get("stretched"):
            lines = [attrs.evolve(line, end=line.end + 0.05) for line in lines]
        mono = np.concatenate([np.zeros(2400)] + [np.pad(s.samples, (0, 2400)) for s in stems])
        if wrong.get("cut"):
            mono = mono[: len(mono) // 2]
        return Drama(
            BinauralAudio(np.stack([mono, mono]), 24_000),
            attrs.evolve(script, lines=lines),
            scene,
            () if wrong.get("no_stems") else stems,
            {"seed": seed},
        )


CAST = {"ANNA": "low", "BERT": "high"}


def test_a_good_generator_passes(register):
    check_generator(register("generator", Sequence, max_speakers=2), voices=CAST)


@pytest.mark.parametrize(
    ("clause", "wrong"),
    [
        ("generator-drama", "reversed"),
        ("generator-stems", "no_stems"),
        ("generator-stems", "stretched"),
        ("generator-length", "cut"),
        ("generator-line", "batched"),
        ("generator-line", "restless"),
        ("generator-voices", "careless"),
        ("generator-speakers", "crowded"),
    ],
)
def test_broken_generators_are_caught(register, clause, wrong):
    name = register("generator", Sequence, max_speakers=2)
    breaks(clause, lambda: check_generator(name, voices=CAST, options={wrong: True}))


# Encoders


class Still:
    """A pose that stands where the prompt's pose is at time 0."""

    def __init__(self, **wrong):
        self.wrong = wrong

    def encode(self, prompt, *, duration, rate):
        if self.wrong.get("words"):
            return "in front"
        steps = round(duration * rate * (0.5 if self.wrong.get("short") else 1)) + 1
        where = [1.5, 0, 0.001 * next(COUNTER) if self.wrong.get("restless") else 0]
        if self.wrong.get("inside"):
            where = [0.01, 0, 0]
        return Pose.from_samples(np.arange(steps) / rate, np.tile(where, (steps, 1)))


PROMPT = GeometricPrompt(Pose.fixed((1.5, 0, 0)))


def test_a_good_encoder_passes(register):
    check_encoder(register("encoder", Still), prompt=PROMPT)


@pytest.mark.parametrize(
    ("clause", "wrong"),
    [
        ("encoder-pose", "words"),
        ("encoder-pose", "inside"),
        ("encoder-duration", "short"),
        ("repeats", "restless"),
    ],
)
def test_broken_encoders_are_caught(register, clause, wrong):
    name = register("encoder", Still)
    breaks(clause, lambda: check_encoder(name, prompt=PROMPT, options={wrong: True}))


# Every kind


def test_a_plugin_module_that_imports_numpy_is_caught(tmp_path, monkeypatch):
    from spatialdrama.registry import plugins

    (tmp_path / "heavyprobe.py").write_text(
        "import numpy\nfrom spatialdrama.registry import MetricSpec, hookimpl\n@hookimpl\n"
        "def register_metrics(register):\n"
        "    register(MetricSpec('probe', 'heavyprobe:hookimpl'))\n"
    )
    info = tmp_path / "heavyprobe-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heavyprobe\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[spatialdrama]\nheavyprobe = heavyprobe\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SPATIALDRAMA_PLUGINS", "heavyprobe")
    plugins.refresh()
    try:
        breaks("light", lambda: check_metric("heavyprobe/probe"))
    finally:
        monkeypatch.undo()
        plugins.refresh()


@pytest.mark.slow
def test_first_party_metrics_and_renderers_conform():
    for name in ("itd_mae", "ild_mae", "ipd_mae"):
        check_metric(name)
    check_renderer("geometric")
