"""Registration from a notebook cell."""

from __future__ import annotations

import pytest

from spatialdrama.errors import PluginError, UnknownNameError, ValidationError
from spatialdrama.registry import (
    VoiceSpec,
    load,
    load_metric,
    load_voice,
    metric,
    metrics,
    plugins,
    register_local,
    unregister_local,
)

pytestmark = pytest.mark.usefixtures("clean_registry")


def test_a_decorated_function_is_a_metric():
    @metric("mine", direction="up", unit="dB", needs=("reference",), per="item")
    def mine(audio, *, reference):
        """Sum of both.

        More text.
        """
        return audio + reference

    assert mine(1, reference=2) == 3  # the function itself stays as it is
    assert load("metric", "mine").score(1, reference=2) == 3
    assert load_metric("local/mine").score(1, reference=2) == 3
    spec = metrics["mine"]
    assert (spec.direction, spec.unit, spec.needs, spec.per) == ("up", "dB", ("reference",), "item")
    assert spec.summary == "Sum of both."
    assert metrics.entry("mine").full_name == "local/mine"


def test_running_the_cell_again_replaces():
    for value in (1.0, 2.0):

        @metric("mine", unit=str(value))
        def mine(audio, value=value):
            return value

    assert list(metrics) == ["mine"]
    assert load("metric", "mine").score(None) == 2.0
    assert metrics["mine"].unit == "2.0"


def test_classes_lambdas_and_partials_work():
    import functools

    @metric("from_class")
    class FromClass:
        def score(self, audio):
            return 4.0

    metric("from_lambda")(lambda audio: 5.0)
    metric("from_partial")(functools.partial(max, 6.0))
    assert load("metric", "from_class").score(None) == 4.0
    assert load("metric", "from_lambda").score(None) == 5.0
    assert load("metric", "from_partial").score(1.0) == 6.0


def test_wrong_fields_are_refused_at_the_cell():
    with pytest.raises(ValidationError, match="'needs' must be a tuple of 'reference'"):
        metric("mine", needs=("truth",))(lambda audio: 0.0)
    with pytest.raises(TypeError, match="directions"):
        metric("mine", directions="up")(lambda audio: 0.0)
    assert len(metrics) == 0


def test_every_kind_takes_local_objects():
    class Silence:
        languages = ("en",)

        def __init__(self, *, depth=1):
            self.depth = depth

    register_local("voice", VoiceSpec("silence", "__main__:Silence", languages="en"), Silence)
    assert load_voice("silence", depth=3).depth == 3
    unregister_local("voice", "silence")
    unregister_local("voice", "silence")  # nothing to do, no error
    with pytest.raises(UnknownNameError):
        load_voice("silence")


def test_kind_and_spec_have_to_agree():
    with pytest.raises(PluginError, match="takes a MetricSpec; got VoiceSpec"):
        register_local("metric", VoiceSpec("v", "a:b"), object())
    with pytest.raises(PluginError, match="no kind 'metrics'; kinds: encoder"):
        register_local("metrics", VoiceSpec("v", "a:b"), object())


def test_refreshing_keeps_local_registrations():
    metric("mine")(lambda audio: 1.0)
    plugins.refresh()
    assert "mine" in metrics
