"""The README is held to what it says: its snippet runs, its commands exist, its links lead on."""

import re
from pathlib import Path

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.dsp.interaural import itd_track
from spatialdrama.dsp.pose_itd import pose_itd_us

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_opens_with_the_two_commands_then_a_picture():
    commands, picture = README.index("make demo"), README.index("![")
    assert commands < README.index("make test") < picture < README.index("**spatialdrama**")


def test_ci_runs_the_test_command_and_nothing_else():
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [x for x in script if x and not x.startswith(("#", "set ", "cd "))] == ["make test"]


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))],
                         ids=lambda p: str(p.relative_to(ROOT)))  # fmt: skip
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_of_the_readme_parses():
    from spatialdrama.cli import parser

    block = re.search(r"```sh\n(spatialdrama generate.*?)```", README, re.DOTALL)[1]
    for line in block.splitlines():
        words = line.split("#")[0].split()
        assert parser().parse_args(words[1:]).command == words[1]


@pytest.mark.slow
def test_the_notebook_snippet_says_its_words_from_where_they_stand(tmp_path, monkeypatch):
    snippet = re.search(r"```python\n(import spatialdrama.*?)```", README, re.DOTALL)[1]
    names = {}
    exec(compile(snippet, "README.md", "exec"), names)
    drama, scene = names["drama"], names["scene"]
    assert drama.audio.rate == 48_000
    assert drama.script.is_timed
    assert sd.score(drama, ["cer"])["cer"] <= 0.06
    for line, stem in zip(drama.script, drama.stems, strict=True):
        pose = scene.source(line.speaker).pose
        dry = sd.render(stem.samples, pose, start=line.start)
        track = itd_track(dry.samples, rate=dry.rate)
        active = track.level_db > track.level_db.max() - 25
        expected = pose_itd_us(pose.positions_at(line.start + track.times[active]))
        measured = np.median(track.itd_us[active])
        assert np.sign(measured) == np.sign(np.median(expected))
        assert abs(measured - np.median(expected)) < 80
