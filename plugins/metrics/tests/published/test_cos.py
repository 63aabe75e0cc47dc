"""ANG Cos and DIS Cos through the registry, on a random checkpoint of the published keys."""

import copy
import os
import pickle
import threading

import numpy as np
import pytest
import torch
from spatialdrama_metrics.published import clips, embedding
from spatialdrama_metrics.published.embedding_cos import cosine
from spatialdrama_metrics.published.network import SpatialAst
from spatialdrama_metrics.published.weights import VARIABLE as WEIGHTS

from spatialdrama import registry
from spatialdrama.errors import AssetError, DeviceError, ValidationError
from spatialdrama.testing import check_metric
from spatialdrama.types import BinauralAudio

NAMES = ("isdrama/ang_cos", "isdrama/dis_cos")
TOKENS = {"isdrama/ang_cos": 1, "isdrama/dis_cos": 0}


@pytest.fixture(autouse=True)
def no_setting(monkeypatch):
    monkeypatch.delenv(WEIGHTS, raising=False)


@pytest.fixture
def load(small_weights, small_config):
    def made(name, **options):
        options = {"weights": small_weights, "config": small_config, "device": "cpu"} | options
        return registry.load("metric", name, **options)

    return made


def clip(seed=0, seconds=1.0, rate=48_000, delay=20):
    x = np.random.default_rng(seed).standard_normal(round(seconds * rate) + delay) * 0.1
    return BinauralAudio(np.stack([x[delay:], 0.7 * x[: len(x) - delay]]), rate)


class TestCosine:
    def test_closed_forms(self):
        assert cosine([2, 0, 0], [5, 0, 0]) == pytest.approx(1)
        assert cosine([2, 0], [0, 3]) == 0
        assert cosine([1, 1], [-1, -1]) == pytest.approx(-1)
        assert cosine([0, 0], [1, 2]) == 0
        assert cosine([1e-8, 0], [1, 0]) == pytest.approx(0.5)  # 1e-8 is added to both norms

    def test_a_component_at_pi_jumps_with_its_rounding(self):
        """Why a CPU and a GPU may differ by hundredths under the published wrapping."""
        rng = np.random.default_rng(0)
        reference, candidate = rng.standard_normal((2, 768)).clip(-3, 3)
        reference[0], candidate[1], reference[1] = 3.5, np.pi, 2.5  # so that all are wrapped
        below, above = candidate.copy(), candidate.copy()
        below[1] -= 1e-6
        above[1] += 1e-6
        jump = cosine(below, reference, wrap=True) - cosine(above, reference, wrap=True)
        wrapped = reference.copy()
        wrapped[0] -= 2 * np.pi
        norms = np.linalg.norm(wrapped) * np.linalg.norm(candidate)
        assert jump == pytest.approx(2 * np.pi * 2.5 / norms, rel=1e-4)
        assert jump > 0.015
        plain = cosine(below, reference) - cosine(above, reference)
        assert abs(plain) < 1e-8

    def test_wraps_only_when_the_reference_exceeds_pi(self):
        small, large = np.array([0.5, 1.0]), np.array([3.5, 1.0])
        assert cosine(large, small, wrap=True) == cosine(large, small)
        wrapped = np.array([3.5 - 2 * np.pi, 1.0])
        assert cosine(small, large, wrap=True) == pytest.approx(cosine(small, wrapped))
        assert cosine(large, large, wrap=True) == pytest.approx(1)
        # Below -pi alone nothing is wrapped; with a component above pi everything is.
        assert cosine(small, -large, wrap=True) == cosine(small, -large)
        both = np.array([-3.5, 4.0])
        wanted = cosine(small, np.array([2 * np.pi - 3.5, 4.0 - 2 * np.pi]))
        assert cosine(small, both, wrap=True) == pytest.approx(wanted)

    def test_an_outlier_decides_until_it_is_wrapped(self):
        # The distance embedding has one component of about 5.7 among 767 of about .2: unrelated
        # vectors are close because of it, and are not once it is 5.7 - 2 pi = -.58.
        rng = np.random.default_rng(0)
        a, b = rng.normal(0, 0.07, (2, 768))
        a[562], b[562] = 5.7, 5.6
        assert cosine(b, a) > 0.85
        assert cosine(b, a, wrap=True) < 0.35


class TestClips:
    def test_level_and_rate(self):
        x = clip(seconds=2)
        got = clips.prepared(x)
        assert got.shape == (2, 64_000)
        assert 20 * np.log10(np.sqrt(np.mean(got**2))) == pytest.approx(-14)
        left, right = np.sqrt(np.mean(got**2, axis=1))
        assert right / left == pytest.approx(0.7, rel=1e-3)  # one gain for both ears

    def test_silence_stays(self):
        assert not clips.prepared(BinauralAudio(np.zeros((2, 480)), 48_000)).any()

    def test_ten_seconds(self):
        x = np.arange(2 * 330_000.0).reshape(2, -1)
        np.testing.assert_array_equal(clips.padded(x), x[:, :320_000].astype(np.float32))
        short = clips.padded(x[:, :5])
        np.testing.assert_array_equal(short[:, :5], x[:, :5])
        assert not short[:, 5:].any()

    @pytest.mark.parametrize(
        ("n", "lengths"), [(10, [10]), (32_000, [32_000]), (70_000, [32_000] * 2)]
    )
    def test_seconds(self, n, lengths):
        pieces = clips.seconds_of([np.ones((2, n)), np.ones((2, n + 40_000))])
        for signal in pieces:
            assert [piece.shape[1] for piece in signal] == lengths


class TestScore:
    @pytest.mark.parametrize("name", NAMES)
    def test_is_the_cosine_of_the_network_s_tokens(self, load, name, small_state, small_config):
        a, b = clip(1), clip(2, rate=48_000)
        network = SpatialAst(small_config)
        network.load_state_dict(small_state)
        waves = np.stack([clips.padded(clips.prepared(x)) for x in (a, b)])
        with torch.no_grad():
            tokens = network.eval()(torch.tensor(waves))[TOKENS[name]].double().numpy()
        plain = load(name, reading="plain").score(a, reference=b)
        assert plain.value == pytest.approx(tokens[0] @ tokens[1] / np.prod(
            np.linalg.norm(tokens, axis=1)), abs=1e-5)  # fmt: skip
        code = load(name).score(a, reference=b)
        assert code.value == pytest.approx(cosine(*tokens, wrap=True), abs=1e-5)
        assert (code.weight, code.details["segments"], code.details["seconds"]) == (1, 1, 1.0)
        assert code.details["reading"] == "code"

    def test_the_two_names_are_two_tokens(self, load):
        a, b = clip(1), clip(2)
        assert load(NAMES[0]).score(a, reference=b) != load(NAMES[1]).score(a, reference=b)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(
        "reading", ["code", *(pytest.param(r, marks=pytest.mark.slow) for r in ("paper", "plain"))]
    )
    def test_itself_and_mono(self, load, name, reading):
        metric, x = load(name, reading=reading), clip()
        same = metric.score(x, reference=x)
        assert same.value == pytest.approx(1, abs=1e-6)
        left, right = x.samples
        mono = BinauralAudio(np.stack([(left + right) / 2] * 2), x.rate)
        assert metric.score(mono, reference=x).value == pytest.approx(
            same.details["mono"], abs=1e-4
        )
        assert same.details["mono"] < 0.9999

    @pytest.mark.parametrize("name", NAMES)
    def test_more_of_another_clip_is_worse(self, load, name):
        reference, other = clip(1), clip(2)
        values = []
        for share in (0, 0.1, 0.3, 1.0):
            mixed = (1 - share) * reference.samples + share * other.samples
            audio = BinauralAudio(mixed, reference.rate)
            values.append(load(name, reading="plain").score(audio, reference=reference).value)
        assert values[0] == pytest.approx(1, abs=1e-6)
        assert np.all(np.diff(values) < 0)

    def test_level_does_not_matter(self, load):
        a, b = clip(1), clip(2)
        metric = load(NAMES[0])
        softer = metric.score(a.scaled(0.05), reference=b).value
        assert softer == pytest.approx(metric.score(a, reference=b).value, abs=1e-4)

    @pytest.mark.slow
    def test_the_paper_s_seconds(self, load):
        a, b = clip(1, seconds=2.6), clip(2, seconds=3.1)
        metric = load(NAMES[0], reading="paper")
        got = metric.score(a, reference=b)
        assert (got.details["segments"], got.details["seconds"]) == (2, 2)
        # Each second by itself, at the level that it has in the clip.
        values = []
        for k in range(2):
            part = slice(k * 32_000, (k + 1) * 32_000)
            pair = [clips.prepared(x)[:, part] for x in (a, b)]
            tokens = metric._embedder()(pair, batch=1)
            values.append(cosine(tokens[0].direction, tokens[1].direction))
        assert got.value == pytest.approx(np.mean(values), abs=1e-9)

    @pytest.mark.slow
    def test_only_ten_seconds_are_heard(self, load):
        # Of one level throughout, so that the gain is the same with and without the end.
        tone = np.sin(2 * np.pi * 500 * np.arange(12 * 32_000) / 32_000)
        long = BinauralAudio(np.stack([tone, tone]), 32_000)
        other = BinauralAudio(long.samples[:, : 10 * 32_000], 32_000)
        got = load(NAMES[0]).score(long, reference=other)
        assert got.value == pytest.approx(1, abs=1e-6)
        assert got.details["seconds"] == 10

    def test_silence(self, load):
        silence, x = BinauralAudio(np.zeros((2, 48_000)), 48_000), clip()
        got = load(NAMES[1]).score(x, reference=silence)
        assert -1 <= got.value <= 1
        assert got.details["note"] == "the reference is silent here"
        assert "note" not in load(NAMES[1]).score(silence, reference=x).details

    @pytest.mark.slow
    def test_one_sample(self, load):
        one = BinauralAudio(np.full((2, 1), 0.1), 48_000)
        for reading in ("code", "paper"):
            got = load(NAMES[0], reading=reading).score(one, reference=clip())
            assert -1 <= got.value <= 1


class TestBatch:
    @pytest.mark.parametrize("reading", ["code", pytest.param("paper", marks=pytest.mark.slow)])
    def test_equals_item_by_item(self, load, reading, monkeypatch):
        audios = [clip(s, seconds=1 + 0.6 * s) for s in range(2)]
        references = [clip(10 + s, seconds=2.1) for s in range(2)]
        metric = load(NAMES[0], reading=reading)
        together = metric.score_batch(audios, reference=references)
        monkeypatch.setattr(embedding, "_digest", lambda clip: os.urandom(16))  # nothing is kept
        singly = [metric.score(a, reference=r) for a, r in zip(audios, references, strict=True)]
        assert together == singly
        assert metric.score_batch([], reference=[]) == []

    def test_both_metrics_share_one_pass(self, load, monkeypatch):
        passes = []
        forward = embedding.Embedder._forward

        def counted(self, waves):
            passes.append(len(waves))
            return forward(self, waves)

        monkeypatch.setattr(embedding.Embedder, "_forward", counted)
        a, b = clip(101), clip(102)
        for name in NAMES:
            load(name).score(a, reference=b)
        assert passes == [1, 1, 1]  # candidate, reference, mono: a CPU takes one at a time

    @pytest.mark.slow
    def test_what_is_kept_has_an_end(self, load, monkeypatch):
        monkeypatch.setattr(embedding, "KEPT", 4)
        metric = load(NAMES[0])
        for seed in range(200, 202):
            metric.score(clip(seed), reference=clip(seed + 10))
        assert len(metric._embedder()._kept) == 4

    @pytest.mark.slow
    def test_threads(self, load):
        pairs = [(clip(s), clip(s + 50)) for s in range(300, 302)]
        wanted = [load(NAMES[0]).score(a, reference=b) for a, b in pairs]
        metric, got = load(NAMES[0]), [None] * len(pairs)
        metric._embedder()._kept.clear()

        def work(i):
            got[i] = metric.score(pairs[i][0], reference=pairs[i][1])

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(pairs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == wanted

    def test_refusals_name_the_item(self, load):
        metric, x = load(NAMES[0]), clip()
        with pytest.raises(ValidationError, match="2 audios and 1 references"):
            metric.score_batch([x, x], reference=[x])
        with pytest.raises(ValidationError, match="item 1: audio is at 16000 Hz"):
            metric.score_batch([x, clip(rate=16_000)], reference=[x, x])


class TestWithoutWeights:
    @pytest.mark.parametrize("name", NAMES)
    def test_says_where_they_are(self, name):
        metric = registry.load("metric", name)  # constructing costs nothing
        with pytest.raises(AssetError) as caught:
            metric.score(clip(), reference=clip())
        said = str(caught.value)
        for part in (
            name, "https://huggingface.co/datasets/zhisheng01/SpatialAudio", "finetuned.pth",
            "CC-BY 4.0", "CC BY-NC 4.0", "weights=", WEIGHTS,
        ):  # fmt: skip
            assert part in said
        assert "\n" not in said

    def test_the_setting_names_the_file(self, monkeypatch, small_weights, small_config, load):
        monkeypatch.setenv(WEIGHTS, str(small_weights))
        metric = registry.load("metric", NAMES[0], config=small_config, device="cpu")
        a, b = clip(1), clip(2)
        assert metric.score(a, reference=b) == load(NAMES[0]).score(a, reference=b)
        monkeypatch.setenv(WEIGHTS, str(small_weights) + ".gone")
        with pytest.raises(AssetError, match=r"no checkpoint of Spatial-AST at .*\.gone"):
            metric.score(a, reference=b)

    def test_a_path_that_is_no_file(self, tmp_path):
        with pytest.raises(AssetError, match="is no file; name a checkpoint of Spatial-AST"):
            registry.load("metric", NAMES[0], weights=tmp_path / "none.pth")

    @pytest.mark.slow
    def test_a_new_file_is_loaded_anew(self, load, tmp_path, small_state):
        path, a, b = tmp_path / "weights.pth", clip(1), clip(2)
        torch.save(small_state, path)
        first = load(NAMES[0], weights=path).score(a, reference=b).value
        turned = {**small_state, "cls_tokens": -small_state["cls_tokens"]}
        torch.save({"model": turned, "epoch": 1}, path)
        assert load(NAMES[0], weights=path).score(a, reference=b).value != first


class TestRegistered:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("reading", ["code", "paper", "plain"])
    def test_conformance(self, name, reading, small_weights, small_config):
        options = {"weights": small_weights, "config": small_config, "reading": reading}
        check_metric(name, options={**options, "device": "cpu"})

    @pytest.mark.parametrize("name", NAMES)
    def test_spec(self, name):
        spec = registry.get("metric", name)
        assert (spec.direction, spec.unit, spec.needs) == ("up", "", ("reference",))
        assert (spec.chance, spec.per, spec.assets) == ("shuffle", "line", ())
        assert "CC-BY-4.0" in spec.licence
        assert "CC-BY-NC-4.0" in spec.licence

    def test_copies_and_refusals(self, load):
        metric = load(NAMES[0], reading="plain", batch=3)
        other = pickle.loads(pickle.dumps(copy.deepcopy(metric)))
        assert other == metric
        assert "reading='plain'" in repr(other)
        with pytest.raises(ValidationError, match="reading must be one of 'code', 'paper', 'plain"):
            load(NAMES[0], reading="book")
        with pytest.raises(ValidationError, match="batch must be a whole number from 1, got 0"):
            load(NAMES[0], batch=0)
        with pytest.raises(ValidationError, match="device must be 'auto', 'cpu', 'cuda'"):
            load(NAMES[0], device="tpu").score(clip(), reference=clip())
        if not torch.cuda.is_available():
            with pytest.raises(DeviceError, match="Use device='cpu'"):
                load(NAMES[0], device="cuda").score(clip(), reference=clip())
        with pytest.raises(ValidationError, match="audio is at 16000 Hz and reference at 48000 Hz"):
            load(NAMES[0]).score(clip(rate=16_000), reference=clip())


@pytest.mark.slow
def test_the_published_shapes_end_to_end(full_state, tmp_path):
    path = tmp_path / "finetuned.pth"
    torch.save({"model": full_state}, path)
    metric = registry.load("metric", NAMES[0], weights=path, device="cpu")
    x = clip(seconds=10)
    assert metric.score(x, reference=x).value == pytest.approx(1, abs=1e-6)
    assert metric._embedder().network.config.width == 768
