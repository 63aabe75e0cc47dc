"""The examples in the docstrings, and the commands of the how-to, run."""

import doctest
import importlib
import pkgutil
import re
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
    text = PAGE.read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    assert program.count("annotate") > 2
    quiet = {"SPATIALDRAMA_PROGRESS": "0", "OMP_NUM_THREADS": "1"}
    import os

    run = {"cwd": tmp_path, "env": {**os.environ, **quiet}, "check": True}
    subprocess.run([sys.executable, "-c", program], **run)
    commands = [
        line.split()
        for block in re.findall(r"```(?:sh|bash|console)?\n(.*?)```", text, re.S)
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("python -m")
    ]
    assert len(commands) >= 3
    for command in commands:
        subprocess.run([sys.executable, *command[1:]], stdout=subprocess.DEVNULL, **run)
