"""Specs check every field on the way in."""

from __future__ import annotations

import attrs
import pytest

from spatialdrama.errors import ValidationError
from spatialdrama.registry import (
    AssetSource,
    AssetSpec,
    CorpusSpec,
    EncoderSpec,
    GeneratorSpec,
    MetricSpec,
    RendererSpec,
    VoiceSpec,
)

GOOD_ASSET = {
    "version": "1",
    "sha256": "ab" * 32,
    "size": 10,
    "licence": "CC0-1.0",
    "filename": "a.bin",
    "sources": (AssetSource.url("https://example.org/a.bin"),),
}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: MetricSpec("Bad Name", "a:b"), "'name' must be lower-case letters"),
        (lambda: MetricSpec("a/b/c", "a:b"), "'name' must be lower-case letters"),
        (lambda: MetricSpec(3, "a:b"), "got 3"),
        (lambda: MetricSpec("m", "a.b"), "'target' must be 'package.module:Object'; got 'a.b'"),
        (lambda: MetricSpec("m", len), "'target' must be 'package.module:Object'; got <built-in"),
        (lambda: MetricSpec("m", "a:b", summary="two\nlines"), "'summary' must be one line"),
        (lambda: MetricSpec("m", "a:b", requires="not-an-import"), "tuple of import names"),
        (lambda: MetricSpec("m", "a:b", version=0), "'version' must be a whole number from 1"),
        (lambda: MetricSpec("m", "a:b", version=True), "'version' must be a whole number from 1"),
        (lambda: MetricSpec("m", "a:b", direction="higher"), "'down', 'up'; got 'higher'"),
        (lambda: MetricSpec("m", "a:b", per="word"), "'line', 'item'; got 'word'"),
        (lambda: MetricSpec("m", "a:b", needs="audio"), "'reference', 'line', 'script'"),
        (
            lambda: MetricSpec("m", "a:b", per="item", needs="pose"),
            "has no 'line', 'pose' or 'prompt'",
        ),
        (lambda: MetricSpec("m", "a:b", per="item", needs="prompt"), "'pose' or 'prompt'"),
        (lambda: MetricSpec("m", "a:b", chance="random"), "None, a finite number or 'shuffle'"),
        (lambda: MetricSpec("m", "a:b", chance=float("nan")), "'chance' must be"),
        (lambda: MetricSpec("m", "a:b", bounds=(1, 0)), "'bounds' must be (lowest, highest)"),
        (lambda: MetricSpec("m", "a:b", spatial=1), "'spatial' must be True or False; got 1"),
        (lambda: MetricSpec("m", "a:b", bounds=3), "'bounds' must be (lowest, highest)"),
        (lambda: EncoderSpec("e", "a:b", prompt="smell"), "'geometric', 'text', 'video'"),
        (lambda: GeneratorSpec("g", "a:b", max_speakers=0), "'max_speakers' must be a whole"),
        (lambda: VoiceSpec("v", "a:b", rate=24e3), "'rate' must be a whole number"),
        (lambda: RendererSpec("r", "a:b", device="tpu"), "'cpu', 'cuda', 'any'; got 'tpu'"),
        (lambda: CorpusSpec("c", "a:b"), "must name the licence of the recordings"),
        (lambda: AssetSpec("a", **GOOD_ASSET | {"sha256": "xyz"}), "64 lower-case hexadecimal"),
        (lambda: AssetSpec("a", **GOOD_ASSET | {"size": 0}), "'size' must be a whole number"),
        (lambda: AssetSpec("a", **GOOD_ASSET | {"licence": ""}), "'licence' must be a licence"),
        (lambda: AssetSpec("a", **GOOD_ASSET | {"filename": "../a"}), "a plain file name"),
        (lambda: AssetSpec("a", **GOOD_ASSET | {"sources": ()}), "at least one AssetSource"),
        (lambda: AssetSpec("a", **GOOD_ASSET | {"folder": "x/y"}), "a plain folder name"),
        (lambda: AssetSource.url("ftp://example.org/a"), "starts with https://"),
        (lambda: AssetSource.url("https://x/a", decompress="zip"), "got 'zip'"),
        (lambda: AssetSource.folder(""), "expected a path"),
        (lambda: AssetSource.package("d", "1"), "name at least one member"),
        (lambda: AssetSource.packages(), "name at least one part"),
        (lambda: AssetSource.package("d", "1", "../../etc/passwd"), "a path inside the package"),
        (lambda: AssetSource.package("d", 1, "m"), "'version' must be text"),
    ],
)
def test_what_is_wrong_is_said_with_the_value(make, says):
    with pytest.raises(ValidationError) as caught:
        make()
    assert says in str(caught.value)


def test_name_and_target_are_positional_the_rest_is_not():
    with pytest.raises(TypeError):
        MetricSpec("m", "a:b", "a summary")


def test_specs_are_frozen_and_equal_by_content():
    spec = MetricSpec("m", "a:b", needs=["reference"])
    assert spec == MetricSpec("m", "a:b", needs=("reference",))
    assert hash(spec) == hash(MetricSpec("m", "a:b", needs="reference"))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        spec.name = "n"


def test_sources_describe_themselves():
    source = AssetSource.packages(("d-1", "0.1", "d/p1"), ("d-2", "0.1", "d/p2"))
    assert str(source) == "package d-1==0.1, d-2==0.1"
    assert str(AssetSource.url("https://x/a")) == "url https://x/a"
    same = AssetSource.package("d", "1", "m1", "m2")
    assert [(p.distribution, p.member) for p in same.parts] == [("d", "m1"), ("d", "m2")]


def test_a_metric_with_shuffled_chance_is_spatial_unless_it_says_otherwise():
    assert MetricSpec("m", "a:b", chance="shuffle").spatial
    assert not MetricSpec("m", "a:b", chance="shuffle", spatial=False).spatial
    assert not MetricSpec("m", "a:b", chance=1.57).spatial
    assert MetricSpec("m", "a:b", chance=1.57, spatial=True).spatial
