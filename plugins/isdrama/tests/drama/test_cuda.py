"""Dramas on CUDA: what a CPU makes, what a batch makes, and the paper's size for a full segment."""

import time

import numpy as np
import pytest
import torch
from spatialdrama_isdrama import checkpoints, presets
from spatialdrama_isdrama.drama.generator import Isdrama

import spatialdrama as sd

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

#: Phones of the model's own, so that no reader of texts is needed on the machine.
SOUNDS = ("<SP>", "n", "i", "h", "ao", "<SP>", "sh", "ei", "z", "ai", "n", "a", "r", "<SP>")


def line(speaker, start, seconds):
    each = seconds / len(SOUNDS)
    phones = [sd.Phone(s, i * each, (i + 1) * each) for i, s in enumerate(SOUNDS)]
    return sd.Line(speaker, "x", start=start, end=start + seconds, phones=phones)


def drama_of(model, script, scene, voices, **more):
    generator = Isdrama(weights=model, **{"cache": False, **more})
    return generator.generate(script, scene, voices=voices, seed=7, progress=False)


def level_db(x):
    return 10 * np.log10(np.mean(np.square(x, dtype=float)) + 1e-30)


@pytest.fixture
def place():
    return sd.Scene(None, {"ANNA": sd.Pose.fixed(azimuth_deg=70, distance=1.5),
                           "BERT": sd.Pose.fixed(azimuth_deg=-40, distance=2)})  # fmt: skip


@pytest.fixture
def talk():
    turns = [("ANNA", 0.8), ("BERT", 0.9), ("ANNA", 0.85), ("BERT", 0.8)]
    return sd.Script(line(who, 2.0 * i, length) for i, (who, length) in enumerate(turns))


@pytest.fixture
def on_cuda(tiny):
    return checkpoints.random(tiny.config, seed=5, device="cuda")


def test_the_weights_and_the_noise_are_the_cpus(tiny, on_cuda, talk, place, voices):
    """One field, two machines: rounding differs, and an expert may be chosen otherwise."""
    assert on_cuda.fingerprint == tiny.fingerprint
    one, two = (drama_of(m, talk, place, voices, steps=2) for m in (tiny, on_cuda))
    for a, b in zip(one.stems, two.stems, strict=True):
        assert level_db(a.samples - b.samples) < level_db(a.samples) - 30
    assert two.provenance["device"]["name"] == "cuda:0"
    kernel = "reference" if two.provenance["device"]["why_not_fused"] else "fused"
    assert two.provenance["device"]["scan"] == [kernel]


def test_the_same_seed_gives_the_same_samples(on_cuda, talk, place, voices):
    one, two = (drama_of(on_cuda, talk, place, voices, batch_seconds=0) for _ in range(2))
    np.testing.assert_allclose(one.audio.samples, two.audio.samples, atol=1e-5)


def test_a_batch_is_its_items(on_cuda, talk, place, voices):
    one, two = (drama_of(on_cuda, talk, place, voices, batch_seconds=s) for s in (0, 60))
    for a, b in zip(one.stems, two.stems, strict=True):
        assert level_db(a.samples - b.samples) < level_db(a.samples) - 30


def test_the_plain_scan_where_the_fused_one_is_not_wanted(tiny, talk, place, voices):
    model = checkpoints.random(tiny.config.changed(scan="reference"), seed=5, device="cuda")
    drama = drama_of(model, talk, place, voices, steps=2)
    assert drama.provenance["device"]["scan"] == ["reference"]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_papers_size_speaks_for_sixteen_seconds(place, voices, dtype):
    """Texts are read by small networks here: BERT, T5 and CLIP are not on every machine."""
    config = presets.preset(
        "paper",
        content={"semantics": "none"},
        pose={"text_condition": "hashed", "image_condition": "small"},
    )
    model = checkpoints.random(config, seed=1, device="cuda", dtype=dtype, gates=0.02)
    script = sd.Script([line("ANNA", 0.0, 15.9)])
    generator = Isdrama(weights=model, cache=False)
    began = time.monotonic()
    drama = generator.generate(script, place, voices=voices, seed=1, progress=False)
    print(f"\n{dtype}: {time.monotonic() - began:.2f} s for 15.9 s, first call")  # noqa: T201
    began = time.monotonic()
    generator.generate(script, place, voices=voices, seed=2, progress=False)
    print(f"{dtype}: {time.monotonic() - began:.2f} s for 15.9 s, second call")  # noqa: T201
    assert drama.stems[0].duration == pytest.approx(15.9)
    assert np.isfinite(drama.audio.samples).all()
    assert drama.provenance["options"]["steps"] == 25
    assert drama.provenance["device"]["dtype"] == dtype
