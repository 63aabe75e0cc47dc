"""The metric classes through the registry: what they take, return and refuse."""

import copy
import pickle

import numpy as np
import pytest

from spatialdrama import registry
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio

NAMES = ("itd_mae", "ild_mae", "ipd_mae", "coherence_mae")


def clip(seed=0, rate=48000, n=24000):
    return BinauralAudio(np.random.default_rng(seed).standard_normal((2, n)) * 0.1, rate)


@pytest.mark.parametrize("name", NAMES)
def test_spec(name):
    spec = registry.get("metric", name)
    assert (spec.direction, spec.per, spec.needs) == ("down", "line", ("reference",))
    assert spec.chance == "shuffle"
    assert bool(spec.unit) == (name != "coherence_mae")  # a share has no unit
    assert spec.licence
    assert spec.bounds[0] == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_score_and_its_details(name):
    metric = registry.load("metric", name)
    spec = registry.get("metric", name)
    reference = clip(1)
    score = metric.score(clip(2), reference=reference)
    assert 0 < score.value <= spec.bounds[1]
    assert 0 < score.weight <= reference.duration + 0.02
    assert set(score.details) == {"unit", "seconds", "bias", "mono", "silent"}
    assert score.details["unit"] == spec.unit
    same = metric.score(reference, reference=reference)
    assert same.value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_silence_has_no_weight(name):
    metric = registry.load("metric", name)
    silence = BinauralAudio(np.zeros((2, 24000)), 48000)
    score = metric.score(clip(), reference=silence)
    assert np.isnan(score.value)
    assert score.weight == 0
    assert score.details["note"] == "the reference is silent here"


@pytest.mark.parametrize("name", NAMES)
def test_refusals(name):
    metric = registry.load("metric", name)
    with pytest.raises(ValidationError, match="audio is at 16000 Hz and reference at 48000 Hz"):
        metric.score(clip(rate=16000), reference=clip())
    with pytest.raises(ValidationError, match="cut both to the same stretch"):
        metric.score(clip(n=48000), reference=clip())
    with pytest.raises(ValidationError, match="reference must be a BinauralAudio, got ndarray"):
        metric.score(clip(), reference=clip().samples)
    with pytest.raises(ValidationError, match="gate_db must be a positive number, got -3"):
        registry.load("metric", name, gate_db=-3)


@pytest.mark.parametrize("name", NAMES)
def test_options_and_copies(name):
    metric = registry.load("metric", name, gate_db=5.0)
    assert metric.gate_db == 5.0
    other = pickle.loads(pickle.dumps(copy.deepcopy(metric)))
    assert other == metric
    assert "gate_db=5.0" in repr(metric)
    a, b = clip(1), clip(2)
    assert other.score(a, reference=b).value == metric.score(a, reference=b).value


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_items(name):
    metric = registry.load("metric", name)
    audios = [clip(1), clip(2, n=9000), clip(3, rate=16000), clip(1)]
    references = [clip(4), clip(5, n=9600), clip(6, rate=16000), clip(7)]
    alone = [metric.score(a, reference=b) for a, b in zip(audios, references, strict=True)]
    together = metric.score_batch(audios, reference=references)
    assert [s.value for s in together] == [s.value for s in alone]
    assert [s.details for s in together] == [s.details for s in alone]
    assert metric.score_batch([], reference=[]) == []


def test_a_batch_names_the_item_that_is_wrong():
    metric = registry.load("metric", "coherence_mae")
    with pytest.raises(ValidationError, match="2 audios and 1 references"):
        metric.score_batch([clip(1), clip(2)], reference=[clip(1)])
    with pytest.raises(ValidationError, match="item 1: audio is at 16000 Hz"):
        metric.score_batch([clip(1), clip(2, rate=16000)], reference=[clip(1), clip(2)])
