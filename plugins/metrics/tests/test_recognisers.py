"""Other recognisers than the embedded one: stand-ins with the documented interfaces, and texts.

Neither faster-whisper's models nor Paraformer's are to be had without a network; what the adapters
ask for and make of the answers is what is tested here.
"""

import copy
import json
import pickle
import sys
import types

import numpy as np
import pytest
from spatialdrama_metrics.cer import Cer
from spatialdrama_metrics.recognise import faster, paraformer
from spatialdrama_metrics.recognise.faster import FasterWhisper
from spatialdrama_metrics.recognise.paraformer import Paraformer
from spatialdrama_metrics.recognise.table import RECOGNISERS, recogniser
from spatialdrama_metrics.recognise.transcripts import Transcripts
from spatialdrama_metrics.recognise.whisper import Whisper

from spatialdrama import registry
from spatialdrama.errors import (
    AssetError,
    PluginError,
    PluginImportError,
    UnknownNameError,
    ValidationError,
)
from spatialdrama.types import BinauralAudio, Line, Script

RATE = 48_000


@pytest.fixture(autouse=True)
def fresh():
    faster._load.cache_clear()
    paraformer._load.cache_clear()
    yield
    faster._load.cache_clear()
    paraformer._load.cache_clear()


def noise(seconds=0.5):
    return 0.1 * np.random.default_rng(0).standard_normal(int(RATE * seconds))


def clip():
    return BinauralAudio(np.stack([noise(), noise()]), RATE)


class FakeParaformer:
    """FunASR's ``AutoModel``: keywords in, one dictionary with key and text for each input."""

    made = []  # noqa: RUF012 (reset by the fixture)
    answer = [{"key": "rand_key", "text": "你 好 吗"}]  # noqa: RUF012

    def __init__(self, **options):
        if options["model"].endswith("broken"):
            raise AssertionError(f"{options['model']} is not registered")
        self.options, self.inputs = options, []
        FakeParaformer.made.append(self)

    def generate(self, input, **options):
        self.inputs.append(input)
        return self.answer


@pytest.fixture
def funasr(monkeypatch):
    FakeParaformer.made = []
    monkeypatch.setitem(sys.modules, "funasr", types.SimpleNamespace(AutoModel=FakeParaformer))


@pytest.mark.usefixtures("funasr")
def test_paraformer_scores_a_line(tmp_path):
    metric = Cer(recogniser=f"paraformer-zh:{tmp_path}")
    score = metric.score(clip(), line=Line("A", "你好嗎？"))
    assert score.value == 0
    assert score.details["recogniser"] == "Paraformer"
    assert score.details["heard"] == "你 好 吗"
    metric.score(clip(), line=Line("A", "谁？"))
    (model,) = FakeParaformer.made  # loaded once
    assert model.options["model"] == str(tmp_path)
    assert model.options["device"] == "cpu"
    assert model.options["disable_update"] is True
    assert model.inputs[0].dtype == np.float32
    assert model.inputs[0].shape == (8000,)  # 16 kHz, which FunASR takes arrays as


@pytest.mark.usefixtures("funasr")
def test_paraformer_hears_long_lines_in_parts_and_no_silence(tmp_path):
    mono = np.concatenate([noise(20), np.zeros(RATE), noise(20)])
    heard = Paraformer(tmp_path).transcribe(mono, rate=RATE, languages=("zh", "en"))
    assert heard.text == "你 好 吗 你 好 吗"
    assert heard.language == "zh"
    assert np.isnan(heard.confidence)
    assert len(FakeParaformer.made[0].inputs) == 2
    silence = Paraformer(tmp_path).transcribe(np.zeros(RATE), rate=RATE, languages=("zh",))
    assert silence.text == ""
    assert len(FakeParaformer.made[0].inputs) == 2


@pytest.mark.usefixtures("funasr")
def test_paraformer_says_what_is_wrong(tmp_path, monkeypatch):
    def ask(model, **options):
        return Paraformer(model, **options).transcribe(noise(), rate=RATE, languages=("zh",))

    with pytest.raises(AssetError, match=r"'paraformer-zh' is no folder.*download=True"):
        ask("paraformer-zh")
    assert not FakeParaformer.made  # FunASR itself would have gone to the network
    assert ask("paraformer-zh", download=True).text
    with pytest.raises(AssetError, match=r"AssertionError.*is not registered.*check the folder"):
        ask("broken", download=True)
    with pytest.raises(ValidationError, match=r"languages=\('fr',\); use recogniser="):
        Paraformer(tmp_path).transcribe(noise(), rate=RATE, languages=("fr",))
    monkeypatch.setattr(FakeParaformer, "answer", [{"token": 1}])
    with pytest.raises(PluginError, match="instead of a list with a 'text' each"):
        ask(tmp_path)
    monkeypatch.setattr(FakeParaformer, "answer", [])
    assert ask(tmp_path).text == ""


class FakeWhisper:
    """faster-whisper's ``WhisperModel``."""

    said = {"en": [(" Good", -0.2), (" night.", -0.4)], "zh": [("顾奈", -0.9)], "fr": []}  # noqa: RUF012
    asked = []  # noqa: RUF012

    def __init__(self, model, *, device, compute_type, local_files_only):
        if local_files_only and model == "small":
            raise FileNotFoundError("Cannot find an appropriate cached snapshot folder")
        self.options = (model, device, compute_type, local_files_only)

    def transcribe(self, audio, *, language, **options):
        if language not in self.said:
            raise ValueError(f"'{language}' is not a valid language code")
        FakeWhisper.asked.append((audio, language, options))
        segment = types.SimpleNamespace
        found = (segment(text=t, avg_logprob=p) for t, p in self.said[language])
        return found, types.SimpleNamespace(language=language)


@pytest.fixture
def faster_whisper(monkeypatch):
    FakeWhisper.asked = []
    fake = types.SimpleNamespace(WhisperModel=FakeWhisper)
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)


@pytest.mark.usefixtures("faster_whisper")
def test_faster_whisper_tries_each_language_and_keeps_the_surer():
    line = Line("A", "Good night 你")
    score = Cer(recogniser="faster-whisper:tiny").score(clip(), line=line)
    assert score.details["hypothesis"] == "goodnight"
    assert score.details["language"] == "en"
    assert score.value == pytest.approx(1 / 10)
    asked = {language: (audio, options) for audio, language, options in FakeWhisper.asked}
    assert set(asked) == {"en", "zh"}
    audio, options = asked["zh"]
    assert (audio.dtype, audio.shape) == (np.float32, (8000,))
    assert options["temperature"] == 0.0
    assert options["condition_on_previous_text"] is False
    assert options["initial_prompt"].startswith("以下是")
    assert asked["en"][1]["initial_prompt"] is None


@pytest.mark.usefixtures("faster_whisper")
def test_faster_whisper_says_what_is_wrong(tmp_path):
    def ask(model, languages=("en",), **options):
        made = FasterWhisper(model, **options)
        return made.transcribe(noise(), rate=RATE, languages=languages)

    with pytest.raises(AssetError, match=r"'small'.*cached snapshot.*download=True"):
        ask("small")
    assert ask("small", download=True).text == "Good night."
    assert ask(tmp_path).confidence == pytest.approx(-0.3)
    assert ask("tiny", ("fr",)) == ("", "fr", -np.inf)
    with pytest.raises(ValidationError, match=r"'tiny' cannot decode in language 'tlh'"):
        ask("tiny", ("tlh",))
    with pytest.raises(ValidationError, match="at least one language"):
        ask("tiny", ())


@pytest.mark.parametrize(
    ("name", "module"), [("faster-whisper", "faster_whisper"), ("paraformer-zh", "funasr")]
)
def test_missing_packages_say_what_to_type(monkeypatch, tmp_path, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    made = recogniser(f"{name}:{tmp_path}")
    with pytest.raises(PluginImportError, match=rf"'{name}'.*'{module}'.*pip install"):
        made.transcribe(noise(), rate=RATE, languages=("zh",))


def test_names():
    assert Cer() == Cer(recogniser="whisper-base") == Cer(recogniser=Whisper())
    assert recogniser("faster-whisper").model == "large-v3"
    assert recogniser("faster-whisper:C:/models").model == "C:/models"
    for name in RECOGNISERS.keys() - {"transcripts"}:
        made = recogniser(name)
        assert recogniser(made) is made
        assert pickle.loads(pickle.dumps(copy.deepcopy(made))) == made
    with pytest.raises(
        UnknownNameError, match=r"'wisper'; use one of whisper-base, faster-whisper"
    ):
        Cer(recogniser="wisper")
    with pytest.raises(ValidationError, match="takes nothing after a colon, got 'large'"):
        Cer(recogniser="whisper-base:large")
    with pytest.raises(ValidationError, match="needs its file"):
        Cer(recogniser="transcripts")
    with pytest.raises(ValidationError, match="with transcribe"):
        Cer(recogniser=Whisper)  # the class itself


@pytest.mark.parametrize(
    ("name", "module", "model"),
    [("cer/paraformer-zh", "funasr", "paraformer-zh"),
     ("cer/faster-whisper", "faster_whisper", "large-v3")],
)  # fmt: skip
def test_entries(name, module, model):
    spec = registry.get("metric", name)
    assert spec.needs == ("line",)
    assert module in spec.requires
    assert spec.extra.startswith("spatialdrama-metrics[")
    metric = registry.load("metric", name)
    assert metric.recogniser.model == model
    assert pickle.loads(pickle.dumps(metric)) == metric


def test_transcripts_by_text_speaker_and_time():
    heard = Transcripts(
        {"Yes.": "yes", ("BEN", "Yes."): "yet", ("BEN", "Yes.", 3.5): "", "No.": "no"}
    )
    metric = Cer(recogniser=heard)
    lines = {
        Line("ANNA", "Yes."): 0,
        Line("BEN", "Yes."): 1 / 3,
        Line("BEN", "Yes.", start=3.5, end=4): 1,
        Line("BEN", "Yes.", start=9, end=10): 1 / 3,
        Line("ANNA", "No.", start=9, end=10): 0,
    }
    for line, rate in lines.items():
        score = metric.score(clip(), line=line)
        assert score.value == pytest.approx(rate)
        assert score.details["recogniser"] == "Transcripts"
        assert ("note" in score.details) == (rate == 1)
    with pytest.raises(ValidationError, match=r"no transcript was given for the line 'Maybe\.' of"):
        metric.score(clip(), line=Line("ANNA", "Maybe."))
    assert pickle.loads(pickle.dumps(copy.deepcopy(metric))) == metric
    assert metric != Cer(recogniser=Transcripts({"No.": "no"}))
    assert "yet" in repr(metric)  # what a kept score is known by


def test_transcripts_hear_in_the_language_of_their_writing():
    line = Line("A", "2026", language="zh")
    assert Cer(recogniser=Transcripts({"2026": "二千零二十六"})).score(clip(), line=line).value == 0


def test_transcripts_of_a_script():
    script = Script.parse("ANNA: Yes.\nBEN: Yes.\nANNA: Yes.")
    with pytest.raises(ValidationError, match=r"says 'Yes\.' twice and was heard differently"):
        Transcripts.of_script(script, ["yes", "yes", "yet"])
    timed = [
        Line(line.speaker, line.text, start=float(i), end=i + 0.5) for i, line in enumerate(script)
    ]
    heard = Transcripts.of_script(timed, ["yes", "yep", "yet"])
    assert [heard.heard(line).text for line in timed] == ["yes", "yep", "yet"]
    with pytest.raises(ValidationError, match="the script has 3 lines and 1 texts were given"):
        Transcripts.of_script(script, ["yes"])


def test_transcripts_from_a_file(tmp_path):
    path = tmp_path / "heard.json"
    path.write_text(json.dumps({"Who's there?": "whose there"}), encoding="utf-8")
    line = Line("A", "Who's there?", start=0.0, end=1.0)
    score = Cer(recogniser=f"transcripts:{path}").score(clip(), line=line)
    assert score.value == pytest.approx(1 / 9)
    rows = [{"speaker": "A", "text": "Who's there?", "start": 0.0, "heard": "who is there"}]
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert Transcripts.load(path).heard(line).text == "who is there"
    path.write_text('[{"text": "x"}]', encoding="utf-8")
    with pytest.raises(ValidationError, match=r"entry 1 of .* must have 'text' and 'heard'"):
        Transcripts.load(path)
    with pytest.raises(ValidationError, match="no transcripts could be read"):
        Transcripts.load(tmp_path / "nothing.json")
    path.write_text('"text"', encoding="utf-8")
    with pytest.raises(ValidationError, match="takes a mapping"):
        Transcripts.load(path)


@pytest.mark.parametrize(
    ("given", "match"),
    [({3: "x"}, "a key of Transcripts"), ({("A",): "x"}, "a key of Transcripts"),
     ({("A", "b", "c"): "x"}, "a key of Transcripts"), ({(1, 2): "x"}, "a key of Transcripts"),
     ({("A", "b", 1, 2): "x"}, "a key of Transcripts"),
     ({"a": None}, "must be text, got None"), (["a"], "takes a mapping")],
)  # fmt: skip
def test_transcripts_refuse(given, match):
    with pytest.raises(ValidationError, match=match):
        Transcripts(given)
