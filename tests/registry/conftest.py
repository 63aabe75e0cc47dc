"""Plugins made of a module and a fake installed distribution, loaded through real entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Installation:
    """A folder on ``sys.path`` with modules and ``.dist-info`` folders, as pip leaves them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        name: str,
        code: str,
        *,
        entry: str | None = None,
        version: str = "1.0",
        **modules: str,
    ) -> None:
        """Install distribution ``name`` with plugin module ``name_plugin`` and further modules."""
        module = name.replace("-", "_") + "_plugin"
        self.write(module, code)
        for other, text in modules.items():
            self.write(other, text)
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[spatialdrama]\n{entry or name} = {module}\n")

    def write(self, module: str, code: str) -> None:
        (self.folder / f"{module}.py").write_text(textwrap.dedent(code))

    def run(self, code: str, *, check: bool = True, **environment: str):
        """Run Python with this folder on the path and no other plugin; the finished process."""
        variables = {k: v for k, v in os.environ.items() if not k.startswith("SPATIALDRAMA_")}
        variables |= {"PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]), **environment}
        # plugins that happen to be installed here are none of the test's business
        others = "','".join(sorted(_installed_names()))
        only_ours = f"""
            import importlib.metadata as _m
            _all = _m.entry_points
            _m.entry_points = lambda **k: tuple(
                p for p in _all(**k) if p.name not in {{'{others}'}})
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(only_ours) + textwrap.dedent(code)],
            capture_output=True,
            text=True,
            env=variables,
            timeout=60,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done

    def result(self, code: str, **environment: str):
        """What the code assigned to ``result``, through JSON."""
        code = textwrap.dedent(code) + "\nimport json; print(json.dumps(result))\n"
        return json.loads(self.run(code, **environment).stdout)


def _installed_names() -> set[str]:
    import importlib.metadata

    return {point.name for point in importlib.metadata.entry_points(group="spatialdrama")} or {""}


@pytest.fixture
def installation(tmp_path):
    return Installation(tmp_path)


HEALTHY = """
    from spatialdrama.registry import MetricSpec, hookimpl

    @hookimpl
    def register_metrics(register):
        register(MetricSpec("loudness", "healthy_code:Loudness", unit="LU", direction="up",
                            summary="Loudness <b>of</b> it", needs=("reference",)))
"""
HEALTHY_CODE = """
    class Loudness:
        def __init__(self, *, window=1.0):
            self.window = window
        def score(self, audio, *, reference):
            return self.window
"""


@pytest.fixture
def healthy(installation):
    """An installation with one healthy plugin, "healthy", that provides the metric "loudness"."""
    installation.add("healthy", HEALTHY, healthy_code=HEALTHY_CODE)
    return installation


@pytest.fixture
def clean_registry(monkeypatch):
    """The registry of this process with no plugins and no local registrations."""
    from spatialdrama.registry import manager

    monkeypatch.setenv("SPATIALDRAMA_PLUGINS", "")
    kept = manager._local
    manager._local = {kind: {} for kind in kept}
    manager.refresh()
    yield manager
    manager._local = kept
    manager.refresh()
