"""Listing plugins costs no numpy, xarray or torch."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HEAVY = ("numpy", "xarray", "pandas", "scipy", "torch", "matplotlib", "soundfile", "onnxruntime")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "code",
    [
        "from spatialdrama.registry import metrics, plugins; repr(metrics), repr(plugins)",
        "import spatialdrama as sd; repr(sd.metrics), repr(sd.voices), repr(sd.plugins)",
        "import spatialdrama as sd; repr(sd.assets.assets), sd.metrics.rows()",
        "import spatialdrama.cli_plugins",
    ],
)
def test_listing_imports_nothing_heavy(healthy, code):
    loaded = healthy.result(
        f"{code}\nimport sys\nresult = [m for m in {HEAVY!r} if m in sys.modules]"
    )
    assert loaded == [], (
        f"{code!r} imports {loaded}. Move the import into the function that needs it."
    )


def test_installed_plugins_are_light():
    """The first-party plugins that are installed here keep the rule that they set."""
    from spatialdrama.registry import plugins

    slow = {record.name: record.heavy for record in plugins.report() if record.heavy}
    assert slow == {}


def test_registry_imports_only_what_it_may():
    allowed = {"attrs", "pluggy", "spatialdrama.errors", "spatialdrama.registry"}
    import sys

    for path in (ROOT / "spatialdrama" / "registry").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                standard = name.split(".")[0] in sys.stdlib_module_names
                assert standard or name in allowed, f"{path.name} imports {name}"


def test_a_plugin_may_list_the_others_while_it_loads(healthy):
    healthy.add(
        "curious",
        """
        from spatialdrama.registry import MetricSpec, hookimpl, metrics
        @hookimpl
        def register_metrics(register):
            register(MetricSpec(f"seen_{len(metrics)}", "a.b:C"))
        """,
    )
    names = healthy.result("from spatialdrama.registry import metrics; result = list(metrics)")
    assert sorted(names) == ["loudness", "seen_0"]
