"""From a description to the object, and errors that say what to install."""

from __future__ import annotations

import copy
import datetime
import functools
import pickle

import pytest

from spatialdrama.errors import PluginError, PluginImportError, ValidationError
from spatialdrama.registry import FunctionMetric, MetricSpec, VoiceSpec
from spatialdrama.registry.loading import load_target, missing_imports
from spatialdrama.registry.manager import Entry


def entry(target, spec=MetricSpec, provider="good", distribution="sd-good", obj=None, **fields):
    return Entry(spec("sim", target, **fields), provider, distribution, "0.3", obj)


def test_a_class_is_constructed_with_its_options(healthy):
    value, kind = healthy.result(
        """
        from spatialdrama.registry import load, metrics
        made = load("metric", "loudness", window=2.5)
        result = made.score(None, reference=None), type(metrics.load("loudness")).__name__
        """
    )
    assert value == 2.5
    assert kind == "Loudness"


def test_a_missing_dependency_names_the_extra(healthy):
    healthy.add(
        "lacking",
        """
        from spatialdrama.registry import MetricSpec, hookimpl
        @hookimpl
        def register_metrics(register):
            register(MetricSpec("sim", "lacking_code:Sim", requires="speechbrainzz",
                                extra="spatialdrama-speech[sim]"))
        """,
        lacking_code="import speechbrainzz",
    )
    message, missing = healthy.result(
        """
        from spatialdrama.registry import load, metrics
        try:
            load("metric", "sim")
        except ImportError as error:
            message = str(error)
        result = message, metrics.rows()[-1]["missing"]
        """
    )
    assert message == (
        "metric 'sim' from plugin 'lacking' could not be imported: No module named "
        "'speechbrainzz'. Install it with: pip install 'spatialdrama-speech[sim]'"
    )
    assert missing == ["speechbrainzz"]


def test_without_an_extra_the_missing_module_is_named():
    with pytest.raises(PluginImportError, match="pip install 'sd-good'"):
        load_target(entry("no_such_package_at_all.x:Y"), {})


def test_a_target_that_is_not_in_its_module():
    with pytest.raises(PluginImportError) as caught:
        load_target(entry("json:NoSuchThing"), {})
    assert str(caught.value) == (
        "metric 'sim' from plugin 'good' could not be imported: module 'json' has no "
        "'NoSuchThing'. Correct the target 'json:NoSuchThing' in its description."
    )


def test_a_module_that_raises(healthy):
    healthy.write("raising", "raise ValueError('half a config')")
    message = healthy.result(
        """
        from spatialdrama.registry.manager import Entry
        from spatialdrama.registry import MetricSpec
        from spatialdrama.registry.loading import load_target
        try:
            load_target(Entry(MetricSpec("x", "raising:X"), "p", "sd-p"), {})
        except ImportError as error:
            result = str(error)
        """
    )
    assert "raising raised ValueError: half a config. Report it to the authors of sd-p." in message


@pytest.mark.parametrize("obj", [datetime.date.today, functools.partial(datetime.date, 2026, 1, 1)])
def test_factories_are_called(obj):
    assert isinstance(load_target(entry("x:y", VoiceSpec, obj=obj), {}), datetime.date)


def test_nested_targets():
    made = load_target(entry("datetime:date.today", VoiceSpec), {})
    assert isinstance(made, datetime.date)


def level(audio, *, reference, scale=1.0):
    """Difference of two numbers."""
    return scale * (audio - reference)


def test_a_plain_function_gets_a_score_method():
    found = load_target(entry("x:level", needs="reference", obj=level), {"scale": 3.0})
    assert found.score(2.0, reference=1.0) == found(2.0, reference=1.0) == 3.0
    assert found.__doc__ == "Difference of two numbers."
    for twin in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert isinstance(twin, FunctionMetric)
        assert twin.score(2.0, reference=1.0) == 3.0
    assert repr(found) == "FunctionMetric(level, scale=3.0)"


def test_unknown_options_are_refused_by_name():
    with pytest.raises(ValidationError) as caught:
        load_target(entry("x:level", needs="reference", obj=level), {"scael": 3.0})
    assert str(caught.value) == (
        "metric 'sim' from plugin 'good' does not take the option 'scael'; it takes scale."
    )
    with pytest.raises(ValidationError, match="does not take the option 'x'; it takes no options"):
        load_target(entry("x:Plain", VoiceSpec, obj=type("Plain", (), {})), {"x": 1})


def test_what_a_metric_needs_is_not_an_option():
    with pytest.raises(ValidationError, match="does not take the option 'reference'"):
        load_target(entry("x:level", needs="reference", obj=level), {"reference": 1.0})


def test_a_type_error_inside_a_constructor_stays_itself():
    class Broken:
        def __init__(self, *, a=1):
            len(a)

    with pytest.raises(TypeError, match="has no len"):
        load_target(entry("x:Broken", VoiceSpec, obj=Broken), {})


def test_a_metric_without_score_is_refused():
    with pytest.raises(PluginError, match=r"has no method score\(audio, \*\*needs\)"):
        load_target(entry("x:Plain", obj=type("Plain", (), {})), {})


def test_a_made_object_takes_no_options():
    class Made:
        def score(self, audio):
            return 1.0

    made = Made()
    assert load_target(entry("x:made", obj=made), {}) is made
    with pytest.raises(ValidationError, match="already made and takes no options; got 'x'"):
        load_target(entry("x:made", obj=made), {"x": 1})


def test_missing_imports_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "boom_on_import.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    spec = MetricSpec("x", "a.b:C", requires=("boom_on_import", "json", "certainly_absent_zz.sub"))
    assert missing_imports(spec) == ("certainly_absent_zz.sub",)
