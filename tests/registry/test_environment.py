"""The four variables that choose, leave out, harden and trace plugins."""

from __future__ import annotations

import pytest

STATUS = """
    import warnings; warnings.simplefilter("ignore")
    from spatialdrama.registry import metrics, plugins
    result = [list(metrics), {n: plugins[n].status for n in plugins}]
"""
OTHER = """
    from spatialdrama.registry import MetricSpec, hookimpl

    @hookimpl
    def register_metrics(register):
        register(MetricSpec("other", "a.b:C"))
"""


@pytest.mark.parametrize(
    ("variables", "metrics", "loaded"),
    [
        ({}, ["loudness", "other"], {"healthy", "second"}),
        ({"SPATIALDRAMA_PLUGINS": "second"}, ["other"], {"second"}),
        (
            {"SPATIALDRAMA_PLUGINS": " second , healthy"},
            ["loudness", "other"],
            {"healthy", "second"},
        ),
        ({"SPATIALDRAMA_PLUGINS": ""}, [], set()),
        ({"SPATIALDRAMA_DISABLE_PLUGINS": "second"}, ["loudness"], {"healthy"}),
        (
            {"SPATIALDRAMA_PLUGINS": "second", "SPATIALDRAMA_DISABLE_PLUGINS": "second"},
            [],
            set(),
        ),
    ],
)
def test_subset_and_disable(healthy, variables, metrics, loaded):
    healthy.add("second", OTHER)
    seen, status = healthy.result(STATUS, **variables)
    assert seen == metrics
    assert {name for name, state in status.items() if state == "loaded"} == loaded
    assert set(status) == {"healthy", "second"}  # those left out stay listed


def test_a_disabled_plugin_is_not_imported(healthy):
    healthy.add("bad", "raise RuntimeError('imported')")
    done = healthy.run(
        "from spatialdrama.registry import metrics; print(list(metrics))",
        SPATIALDRAMA_DISABLE_PLUGINS="bad",
    )
    assert done.stdout.strip() == "['loudness']"
    assert done.stderr == ""


def test_a_misspelt_name_in_the_variable_is_announced(healthy):
    done = healthy.run(
        "from spatialdrama.registry import metrics; list(metrics)",
        SPATIALDRAMA_PLUGINS="healty",
    )
    assert (
        "SPATIALDRAMA_PLUGINS names the plugin 'healty', which is not installed. "
        "Installed: healthy." in done.stderr
    )


def test_tracing_prints_hook_calls_to_stderr(healthy):
    code = "from spatialdrama.registry import metrics; print(list(metrics))"
    quiet = healthy.run(code)
    traced = healthy.run(code, SPATIALDRAMA_TRACE_PLUGINS="1")
    assert quiet.stderr == ""
    assert "[spatialdrama plugins]" in traced.stderr
    assert "register_metrics" in traced.stderr
    assert traced.stdout == quiet.stdout == "['loudness']\n"
