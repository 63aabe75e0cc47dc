"""A plugin written from docs/how-to/publish-a-plugin.md alone installs, is listed and scores."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "publish-a-plugin.md").read_text()

pytestmark = pytest.mark.slow


def block_after(sentence: str, language: str) -> str:
    """The first code block behind a sentence of the page."""
    _, _, rest = PAGE.partition(sentence)
    assert rest, f"{sentence!r} is not on the page any more"
    found = re.search(rf"```{language}\n(.*?)```", rest, re.S)
    assert found, f"no {language} block behind {sentence!r}"
    return found.group(1)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Write the three files of the page and install them into a folder of their own."""
    pytest.importorskip("hatchling")
    project = tmp_path_factory.mktemp("spatialdrama-level")
    for name, language in {
        "pyproject.toml": "toml",
        "spatialdrama_level.py": "python",
        "test_level.py": "python",
    }.items():
        (project / name).write_text(block_after(f"`{name}`:", language))
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--quiet", "--target", str(site), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return project, site


def run(installed, *command, **options):
    _, site = installed
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    environment.pop("SPATIALDRAMA_PLUGINS", None)
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, check=False,
        **options,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_listed(installed):
    shown = run(installed, "-m", "spatialdrama", "plugins", "level_db")
    assert shown.startswith("metric level_db\n")
    assert "provider: level" in shown
    assert "distribution: spatialdrama-level" in shown
    everything = run(installed, "-m", "spatialdrama", "plugins")
    assert re.search(r"level +spatialdrama-level +0\.1\.0 +metrics +[\d.]+ +loaded", everything)


def test_its_own_tests_pass(installed):
    project, _ = installed
    shown = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", cwd=project)
    assert "2 passed" in shown


def test_it_scores(installed):
    code = (
        "import spatialdrama as sd\n"
        "from spatialdrama.testing import cases\n"
        "clip = cases.clip()\n"
        "half = sd.BinauralAudio(clip.samples / 2, clip.rate)\n"
        "print(sd.score(half, ['level_db'], reference=clip, progress=False)['level_db'])\n"
        "print(sd.load_metric('level_db', floor_db=-80).floor_db)\n"
    )
    value, option = run(installed, "-c", code).split()
    assert float(value) == pytest.approx(6.0206, abs=1e-3)  # 20 log10(2)
    assert option == "-80"


def test_the_cell_of_the_page_works():
    """The notebook version gives the same number."""
    import spatialdrama as sd
    from spatialdrama.registry import unregister_local
    from spatialdrama.testing import cases

    cell = block_after("register it for this session:", "python")
    code, _, last = cell.rpartition("sd.score(")
    assert last == 'drama, ["level_db"])\n'
    clip = cases.clip()
    half = sd.BinauralAudio(clip.samples / 2, clip.rate)
    try:
        exec(code, {})
        table = sd.score(half, ["local/level_db"], reference=clip, progress=False)
    finally:
        unregister_local("metric", "level_db")
    assert table["local/level_db"] == pytest.approx(6.0206, abs=1e-3)
