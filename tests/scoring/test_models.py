"""Which models a run asks for before it begins: those of its options, and no others."""

import json
from typing import ClassVar

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import AssetError, DeviceError, ValidationError


@pytest.fixture
def no_assets(monkeypatch, tmp_path):
    """A machine to which no model was ever brought."""
    monkeypatch.setenv("SPATIALDRAMA_ASSETS", str(tmp_path / "none"))
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SPATIALDRAMA_SPATIAL_AST", raising=False)


@pytest.mark.parametrize("metric", ["cer", "cer/transcripts"])
def test_texts_that_are_there_need_no_recogniser(metric, make, no_assets, tmp_path):
    heard = tmp_path / "heard.json"
    heard.write_text(json.dumps({"words": "word"}), encoding="utf-8")
    options = {"cer": {"recogniser": f"transcripts:{heard}"}, "cer/transcripts": {"heard": heard}}
    table = sd.score({"x": make.drama(), "y": make.drama(1)}, {metric: options[metric]})
    assert table[metric] == pytest.approx(1 / 5)  # one letter of five


def test_the_embedded_recogniser_is_asked_for_by_default(make, no_assets):
    with pytest.raises(AssetError, match=r"metric 'cer': asset 'whisper-base-ct2'.*Type: "):
        sd.score(make.drama(), ["cer"])


def test_texts_must_be_given(make, no_assets):
    with pytest.raises(ValidationError, match="heard"):
        sd.score(make.drama(), ["cer/transcripts"])


def test_weights_that_nobody_gave_end_the_run_before_it_begins(make, no_assets, tmp_path):
    audio, reference = make.pair()
    with pytest.raises(AssetError, match=r"isdrama/ang_cos needs the weights.*weights="):
        sd.score(audio, ["isdrama/ang_cos"], reference=reference)
    gone = {"isdrama/dis_cos": {"weights": str(tmp_path / "gone.pth")}}
    with pytest.raises(AssetError, match=r"gone\.pth' is no file"):
        sd.score(audio, gone, reference=reference)


class _Heavy:
    made = 0

    def __init__(self):
        type(self).made += 1

    def score(self, audio):
        return float(np.abs(audio.samples).max())


def test_what_holds_a_model_is_made_once_for_all_threads(make, monkeypatch):
    from spatialdrama.registry import MetricSpec
    from spatialdrama.scoring import calls
    from spatialdrama.scoring.sheets import Wanted

    monkeypatch.setattr(calls, "load", lambda kind, name, **options: _Heavy())
    spec = MetricSpec("heavy", "a.b:C", bring="weights: bring them")
    _Heavy.made = 0
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: calls.metric_of(Wanted("heavy", spec, {})), range(8)))
    calls.release()
    assert _Heavy.made == 1


class _Placed:
    seen: ClassVar[list] = []

    def __init__(self, device="auto"):
        self.seen.append(device)

    def score(self, audio):
        return 1.0


def test_a_device_goes_to_metrics_that_take_one_and_were_given_none(make, mine):
    mine(_Placed, name="placed", direction="up")
    mine(lambda audio: 1.0, name="everywhere", direction="up")
    audio = make.pair()[0]
    sd.score(audio, ["placed", "everywhere"], device="cpu")
    sd.score(audio, {"placed": {"device": "cuda"}}, device="cpu")
    sd.score(audio, ["placed"])
    assert _Placed.seen == ["cpu", "cuda", "auto"]


def test_a_device_that_is_not_there_is_said_before_any_work(make, monkeypatch):
    from spatialdrama.runtime import device

    monkeypatch.setattr(device, "_why_no_cuda", lambda: "this machine has none")
    with pytest.raises(DeviceError, match=r"this machine has none.*device='cpu'"):
        sd.score({"x": make.drama()}, ["ild_mae"], device="cuda")
    with pytest.raises(ValidationError, match="tpu"):
        sd.score({"x": make.drama()}, ["ild_mae"], device="tpu")


def test_a_device_reaches_what_a_metric_hears_with():
    pytest.importorskip("spatialdrama_metrics")
    assert sd.load_metric("cer/faster-whisper", device="cuda").recogniser.device == "cuda"
    assert sd.load_metric("sim/wavlm", device="cpu").embedder.device == "cpu"
    assert sd.load_metric("ffe", tracker="crepe", device="cuda").tracker.device == "cuda"
    assert sd.load_metric("cer", device="cuda") is not None  # the embedded one has no choice


def test_the_command_line_has_the_device_too(tmp_path, make, monkeypatch, capsys):
    from spatialdrama.cli import main
    from spatialdrama.runtime import device

    monkeypatch.setattr(device, "_why_no_cuda", lambda: "this machine has none")
    sound = tmp_path / "a.wav"
    make.pair()[0].save(sound)
    asked = ["score", str(sound), "--reference", str(sound), "--metrics", "ild_mae", "--device"]
    assert main([*asked, "cuda"]) == 2
    assert "this machine has none" in capsys.readouterr().err
    assert main([*asked, "cpu"]) == 0
