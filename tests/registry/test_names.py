"""From names to descriptions: bare, with provider, ambiguous, unknown."""

from __future__ import annotations

import attrs
import pytest

from spatialdrama.errors import UnknownNameError
from spatialdrama.registry import MetricSpec
from spatialdrama.registry.manager import Entry
from spatialdrama.registry.names import nearest, resolve, spellings


def entry(provider, name, **fields):
    return Entry(MetricSpec(name, "a.b:C", **fields), provider, f"sd-{provider}", "1.0")


ENTRIES = [
    entry("metrics", "ild_mae"),
    entry("metrics", "isdrama/ild_mae"),
    entry("loudness", "range"),
    entry("other", "range"),
]


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("ild_mae", "metrics/ild_mae"),
        ("metrics/ild_mae", "metrics/ild_mae"),
        ("isdrama/ild_mae", "metrics/isdrama/ild_mae"),
        ("metrics/isdrama/ild_mae", "metrics/isdrama/ild_mae"),
        ("loudness/range", "loudness/range"),
        ("other/range", "other/range"),
    ],
)
def test_names_that_resolve(name, full):
    assert resolve("metric", name, ENTRIES, []).full_name == full


def test_two_providers_of_one_name_neither_wins():
    with pytest.raises(UnknownNameError) as caught:
        resolve("metric", "range", ENTRIES, [])
    assert str(caught.value) == (
        "2 plugins provide a metric named 'range': loudness (sd-loudness 1.0), "
        "other (sd-other 1.0). Say 'loudness/range' or 'other/range'."
    )


def test_every_spelling_resolves_to_its_entry():
    entries = [*ENTRIES, entry("isdrama", "ild_mae")]  # its full name is another's name
    for spelling, wanted in zip(spellings(entries), entries, strict=True):
        assert resolve("metric", spelling, entries, []) is wanted


def test_unknown_names_get_the_nearest_and_all():
    with pytest.raises(UnknownNameError) as caught:
        resolve("metric", "ILD_MAE", ENTRIES, [])
    assert str(caught.value).startswith("no metric named 'ILD_MAE'. Did you mean 'ild_mae'")
    assert str(caught.value).endswith(
        "Known: ild_mae, isdrama/ild_mae, loudness/range, other/range."
    )


def test_many_known_names_are_cut():
    entries = [entry("p", f"metric_{number:02}") for number in range(20)]
    with pytest.raises(UnknownNameError, match="metric_11 and 8 more"):
        resolve("metric", "zzz", entries, [])


def test_nothing_known():
    with pytest.raises(UnknownNameError, match="Known: none; no plugin provides one"):
        resolve("metric", "x", [], [])


def test_names_are_text():
    with pytest.raises(UnknownNameError, match=r"metric names are text.*got 3"):
        resolve("metric", 3, ENTRIES, [])


def test_nearest_ignores_the_provider():
    assert nearest("rang", ["loudness/range", "ild_mae"]) == ["loudness/range"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ilt_mae", ["ild_mae"]),
        ("itd_ma", ["itd_mae"]),
        ("ipd-mae", ["ipd_mae"]),
        ("itd_mse", ["itd_mae"]),
        ("xtd_mae", ["itd_mae"]),
        ("speaker_similarity", []),
    ],
)
def test_nearest_gives_several_only_when_they_are_as_near(typed, meant):
    assert nearest(typed, ["cer", "ild_mae", "ipd", "ipd_mae", "itd_mae"]) == meant
    assert nearest("ixd", ["itd", "ild", "cer"]) == ["itd", "ild"]


def test_the_same_asset_described_twice_is_no_conflict(clean_registry):
    from spatialdrama.registry import AssetSource, AssetSpec

    spec = AssetSpec(
        "kemar",
        version="1",
        sha256="0" * 64,
        size=1,
        licence="x",
        filename="k",
        sources=AssetSource.folder("/nowhere"),
    )
    same = [Entry(spec, "a"), Entry(spec, "b")]
    assert resolve("asset", "kemar", same, []).spec == spec
    differs = [Entry(spec, "a"), Entry(attrs.evolve(spec, size=2), "b")]
    with pytest.raises(UnknownNameError, match="'a/kemar' or 'b/kemar'"):
        resolve("asset", "kemar", differs, [])


def test_conflict_through_real_entry_points(healthy):
    healthy.add(
        "second",
        """
        from spatialdrama.registry import MetricSpec, hookimpl

        @hookimpl
        def register_metrics(register):
            register(MetricSpec("loudness", "healthy_code:Loudness", unit="dB"))
        """,
    )
    listed, unit, message = healthy.result(
        """
        from spatialdrama.registry import metrics, load
        try:
            load("metric", "loudness")
        except LookupError as error:
            message = str(error)
        result = list(metrics), metrics["second/loudness"].unit, message
        """
    )
    assert listed == ["healthy/loudness", "second/loudness"]
    assert unit == "dB"
    assert "Say 'healthy/loudness' or 'second/loudness'" in message
