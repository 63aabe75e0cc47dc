"""The examples in the docstrings, and the commands of the how-to, run."""

import doctest
import importlib
import os
import pkgutil
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from spatialdrama_corpora import annotate

MODULES = [m.name for m in pkgutil.iter_modules(annotate.__path__) if m.name != "__main__"]
PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "annotate-recordings.md"


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"spatialdrama_corpora.annotate.{name}")
    assert doctest.testmod(module).failed == 0


@pytest.mark.slow
def test_the_how_to_runs(tmp_path):
    blocks = PAGE.read_text(encoding="utf-8").split("```")[1::2]
    programs = [b.removeprefix("python\n") for b in blocks if b.startswith("python\n")]
    lines = [x for b in blocks if b.startswith("\n") for x in b.splitlines()]
    commands = [shlex.split(x)[1:] for x in lines if x.startswith("python -m")]
    assert len(programs) >= 5
    assert len(commands) == 3
    quiet = {"SPATIALDRAMA_PROGRESS": "0", "OMP_NUM_THREADS": "1"}
    for command in (["-c", "\n".join(programs)], *commands):
        subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env={**os.environ, **quiet}, check=True
        )
