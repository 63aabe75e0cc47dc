"""One plugin that fails never stops the others, and says why."""

from __future__ import annotations

import pytest

STATUS = """
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from spatialdrama.registry import metrics, plugins
        names = list(metrics)
    result = {
        "metrics": names,
        "warnings": [f"{w.category.__name__}: {w.message}" for w in caught],
        "plugins": {r["name"]: r for r in plugins.report(verbose=True).rows()},
    }
"""

BROKEN = {
    "import": (
        "import notthere_at_all",
        "ModuleNotFoundError: No module named 'notthere_at_all'.",
    ),
    "syntax": ("def broken(:", "SyntaxError"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3."),
    "no_hook": ("x = 1", "implements no hook. Decorate a function with @spatialdrama.hookimpl"),
    "misspelt_hook": (
        """
        from spatialdrama.registry import hookimpl
        @hookimpl
        def register_metric(register): pass
        """,
        "there is no hook 'register_metric'. Did you mean 'register_metrics'?",
    ),
    "signature": (
        """
        from spatialdrama.registry import hookimpl
        @hookimpl
        def register_metrics(registry): pass
        """,
        "hook register_metrics(registry) has the argument 'registry'; allowed arguments: register.",
    ),
    "field": (
        """
        from spatialdrama.registry import MetricSpec, hookimpl
        @hookimpl
        def register_metrics(register):
            register(MetricSpec("ok", "a.b:C"))
            register(MetricSpec("bad", "a.b:C", units="s"))
        """,
        "unexpected keyword argument 'units'. MetricSpec takes: name, target, summary,",
    ),
    "value": (
        """
        from spatialdrama.registry import MetricSpec, hookimpl
        @hookimpl
        def register_metrics(register):
            register(MetricSpec("bad", "a.b:C", direction="sideways"))
        """,
        "MetricSpec('bad'): 'direction' must be one of 'down', 'up'; got 'sideways'.",
    ),
    "kind": (
        """
        from spatialdrama.registry import VoiceSpec, hookimpl
        @hookimpl
        def register_metrics(register):
            register(VoiceSpec("bad", "a.b:C"))
        """,
        "register() takes a MetricSpec; got VoiceSpec(name='bad'",
    ),
    "twice": (
        """
        from spatialdrama.registry import MetricSpec, hookimpl
        @hookimpl
        def register_metrics(register):
            register(MetricSpec("same", "a.b:C"))
            register(MetricSpec("same", "a.b:D"))
        """,
        "metric 'same' is registered twice. Give one of them another name.",
    ),
    "later_hook": (
        """
        from spatialdrama.registry import MetricSpec, hookimpl
        @hookimpl
        def register_metrics(register):
            register(MetricSpec("early", "a.b:C"))
        @hookimpl
        def register_voices(register):
            1 / 0
        """,
        "ZeroDivisionError: division by zero.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_kept_with_its_reason_and_others_work(healthy, case):
    code, reason = BROKEN[case]
    healthy.add("broken-one", code, entry="a-broken-one", version="0.3")  # sorts first
    seen = healthy.result(STATUS)
    assert seen["metrics"] == ["loudness"]  # and nothing half-registered
    record = seen["plugins"]["a-broken-one"]
    assert record["status"] == "failed"
    assert reason in record["error"]
    assert "Traceback" in record["traceback"] or case == "syntax"
    assert (record["distribution"], record["version"]) == ("broken-one", "0.3")
    assert seen["plugins"]["healthy"]["status"] == "loaded"
    assert len(seen["warnings"]) == 1
    assert seen["warnings"][0].startswith(
        "PluginLoadWarning: plugin 'a-broken-one' (broken-one 0.3) did not load:"
    )
    assert "spatialdrama plugins a-broken-one --verbose" in seen["warnings"][0]


def test_unknown_names_mention_plugins_that_failed(healthy):
    healthy.add("bad", "import notthere_at_all", version="0.3")
    done = healthy.run("import spatialdrama.registry as r; r.get('metric', 'loudnes')", check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        "spatialdrama.errors.UnknownNameError: no metric named 'loudnes'. Did you mean "
        "'loudness'? Known: loudness. Plugin 'bad' (bad 0.3) did not load: "
        "ModuleNotFoundError: No module named 'notthere_at_all'."
    )


def test_two_distributions_with_one_plugin_name(healthy):
    healthy.add("zz-other", BROKEN["twice"][0].replace("same", "x", 1), entry="healthy")
    seen = healthy.result(STATUS)
    assert seen["metrics"] == ["loudness"]
    failed = next(r for r in seen["plugins"].values() if r["status"] == "failed")
    assert "'healthy' is taken by healthy 1.0; zz-other 1.0 claims it too" in str(seen["warnings"])
    assert failed["distribution"] == "zz-other"


def test_local_is_not_a_plugin_name(healthy):
    healthy.add("odd", BROKEN["twice"][0], entry="local")
    assert "'local' is the name of this session's own" in str(healthy.result(STATUS)["warnings"])


def test_strict_mode_raises_and_names_the_plugin(healthy):
    healthy.add("bad", "import notthere_at_all")
    done = healthy.run(STATUS, check=False, SPATIALDRAMA_STRICT_PLUGINS="1")
    assert done.returncode == 1
    assert "PluginError: plugin 'bad' (bad 1.0) did not load: ModuleNotFoundError" in done.stderr


def test_an_interrupt_is_not_swallowed(healthy):
    healthy.add("bad", "raise KeyboardInterrupt")
    done = healthy.run(STATUS, check=False)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr


def test_heavy_imports_of_a_plugin_module_are_reported(healthy):
    healthy.add("slow", "import numpy\n" + healthy_code())
    seen = healthy.result(STATUS)
    assert seen["plugins"]["slow"]["heavy"] == ["numpy"]
    assert seen["plugins"]["healthy"]["heavy"] == []


def healthy_code() -> str:
    return (
        "from spatialdrama.registry import MetricSpec, hookimpl\n"
        "@hookimpl\n"
        "def register_metrics(register):\n"
        "    register(MetricSpec('other', 'a.b:C'))\n"
    )
