"""The examples in the docstrings run."""

import doctest
import importlib
import pkgutil

import pytest
import spatialdrama_render

MODULES = [m.name for m in pkgutil.iter_modules(spatialdrama_render.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"spatialdrama_render.{name}")
    assert doctest.testmod(module).failed == 0


def test_the_plugin_module_imports_no_numpy():
    import subprocess
    import sys

    code = "import spatialdrama_render.plugin, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
