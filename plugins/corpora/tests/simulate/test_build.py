"""Many segments: the same hashes whatever happens on the way, nothing lost, nothing doubled."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
import soundfile
from spatialdrama_corpora.simulate import build, plan, store
from spatialdrama_corpora.simulate.store import read_manifest

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.folders import sha256_of

INLINE = {"scheduler": "threads", "workers": 1, "progress": False}
DRIVER = """
import sys
from spatialdrama_corpora.simulate import SimulationConfig, build

if __name__ == "__main__":
    config = SimulationConfig.read(sys.argv[1])
    scheduler = sys.argv[3] if len(sys.argv) > 3 else "threads"
    done = build(config, sys.argv[2], scheduler=scheduler, workers=2, progress=False)
    print(done.segments, len(done.failed))
"""


def content(path):
    """Return what a corpus holds: names, hashes of files, and the manifest's own hash."""
    rows = read_manifest(path / "manifest.parquet")
    for row in rows:
        for part in store.FILES:
            if row[part]:
                assert sha256_of(path / row[part]) == row[f"{part}_sha256"], (row["name"], part)
    return {r["name"]: (r["id"], r["annotation_sha256"]) for r in rows}, sha256_of(
        path / "manifest.parquet"
    )


@pytest.fixture
def driver(tone_path, tmp_path, config):
    """Start a build in a process of its own that speaks with tones."""
    script, file = tmp_path / "driver.py", tmp_path / "config.json"
    script.write_text(DRIVER)
    config().save(file)

    def start(out, *more, home="home", **environment):
        return subprocess.Popen(
            [sys.executable, str(script), str(file), str(out), *more],
            env=os.environ | {"PYTHONPATH": str(tone_path), "OMP_NUM_THREADS": "1",
                              "SPATIALDRAMA_HOME": str(tmp_path / home)} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    return start


class TestOneBuild:
    def test_the_manifest_is_what_was_planned(self, tone, config, tmp_path):
        done = build(config(), tmp_path / "c", **INLINE)
        plans = list(plan(config()))
        rows = read_manifest(done.path)
        assert done.segments == done.made == len(plans) == len(rows)
        assert not done.failed
        for row, segment in zip(rows, plans, strict=True):
            for field in ("name", "drama", "split", "speaker", "identity", "text", "seed", "head"):
                assert row[field] == getattr(segment, field)
            info = soundfile.info(tmp_path / "c" / row["binaural"])
            assert (info.channels, info.samplerate) == (2, 48_000)
            assert info.frames / 48_000 == row["duration"]
            assert row["end"] - row["start"] == pytest.approx(row["duration"], abs=2e-6)
        assert done.hours == pytest.approx(sum(r["duration"] for r in rows) / 3600)
        content(tmp_path / "c")

    def test_lines_of_a_drama_do_not_overlap(self, tone, config, tmp_path):
        rows = read_manifest(build(config(), tmp_path / "c", **INLINE).path)
        for a, b in pairwise(rows):
            if a["drama"] == b["drama"]:
                assert b["start"] == pytest.approx(a["end"] + b["gap"], abs=2e-6)
            else:
                assert b["index"] == 0

    def test_a_second_build_makes_nothing(self, tone, config, tmp_path):
        first = build(config(), tmp_path / "c", **INLINE)
        before = content(tmp_path / "c")
        second = build(config(), tmp_path / "c", **INLINE)
        assert (first.made > 0, second.made) == (True, 0)
        assert content(tmp_path / "c") == before

    def test_a_rebuild_elsewhere_has_the_same_hashes(self, tone, config, tmp_path):
        for name in "ab":
            build(config(), tmp_path / name, **INLINE)
        assert content(tmp_path / "a") == content(tmp_path / "b")
        heads = [(tmp_path / n / "corpus.json").read_bytes() for n in "ab"]
        assert heads[0] == heads[1]

    def test_lines_are_spoken_once(self, tone, config, tmp_path, monkeypatch):
        monkeypatch.setenv("TONE_LOG", str(tmp_path / "log"))
        for name in "ab":
            build(config(), tmp_path / name, **INLINE)
        said = (tmp_path / "log").read_text().splitlines()
        assert len(said) == len(set(said)) == len(list(plan(config())))

    def test_the_manifest_is_rewritten_on_the_way(self, tone, config, tmp_path, monkeypatch):
        module = sys.modules["spatialdrama_corpora.simulate.build"]
        monkeypatch.setattr(module, "_EVERY", 0.0)
        monkeypatch.setattr(module, "_SHARE", 0.0)
        counts, write = [], store.write_manifest
        monkeypatch.setattr(
            store, "write_manifest", lambda p, rows: counts.append(len(rows)) or write(p, rows)
        )
        done = build(config(), tmp_path / "c", **INLINE)
        assert counts[:3] == [1, 2, 3]
        assert counts[-1] == done.segments


class TestWhenSomethingIsWrong:
    def test_a_line_that_fails_is_named_and_tried_again(self, tone, config, tmp_path, monkeypatch):
        module = sys.modules["spatialdrama_corpora.simulate.build"]
        victim = list(plan(config()))[1].name
        make = module.make

        def broken(segment, folder, options):
            if segment.name == victim:
                raise ValidationError("the voice gave a broken signal")
            return make(segment, folder, options)

        monkeypatch.setattr(module, "make", broken)
        done = build(config(), tmp_path / "c", **INLINE)
        assert list(done.failed) == [victim]
        assert "broken signal" in done.failed[victim]
        assert victim not in {r["name"] for r in read_manifest(done.path)}
        monkeypatch.setattr(module, "make", make)
        again = build(config(), tmp_path / "c", **INLINE)
        assert (again.made, again.failed) == (1, {})
        build(config(), tmp_path / "fresh", **INLINE)
        assert content(tmp_path / "c") == content(tmp_path / "fresh")

    def test_a_full_disk_is_said_and_the_build_goes_on_later(
        self, tone, config, tmp_path, monkeypatch
    ):
        module = sys.modules["spatialdrama_corpora.simulate.make"]
        write, left = module.write_samples, [5]

        def full(*arguments):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(*arguments)

        monkeypatch.setattr(module, "write_samples", full)
        with pytest.raises(ValidationError, match=r"no space left.*goes on from there"):
            build(config(), tmp_path / "c", **INLINE)
        made = content(tmp_path / "c")[0]
        assert len(made) == 2  # what fitted opens, and nothing half-made is left
        assert not list((tmp_path / "c").rglob("*.making"))
        monkeypatch.setattr(module, "write_samples", write)
        assert build(config(), tmp_path / "c", **INLINE).made == len(list(plan(config()))) - 2

    def test_a_damaged_item_is_made_again(self, tone, config, tmp_path):
        done = build(config(), tmp_path / "c", **INLINE)
        before = content(tmp_path / "c")
        row = read_manifest(done.path)[0]
        (tmp_path / "c" / row["annotation"]).write_text("{")
        (tmp_path / "c" / "manifest.parquet").unlink()
        assert build(config(), tmp_path / "c", **INLINE).made == 1
        assert content(tmp_path / "c") == before

    def test_another_configuration_is_refused(self, tone, config, tmp_path):
        build(config(), tmp_path / "c", **INLINE)
        with pytest.raises(ValidationError, match="another configuration"):
            build(config(seed=6), tmp_path / "c", **INLINE)

    def test_a_folder_with_something_else_is_refused(self, tone, config, tmp_path):
        (tmp_path / "c").mkdir()
        (tmp_path / "c" / "thesis.doc").write_text("precious")
        with pytest.raises(ValidationError, match="holds no corpus"):
            build(config(), tmp_path / "c", **INLINE)
        assert (tmp_path / "c" / "thesis.doc").read_text() == "precious"

    def test_two_builds_at_once_are_refused(self, tone, config, tmp_path):
        with (
            store.Store(tmp_path / "c", config()).opened(),
            pytest.raises(ValidationError, match="another build"),
        ):
            build(config(), tmp_path / "c", **INLINE)

    def test_a_manifest_that_is_none_is_named(self, tmp_path):
        (tmp_path / "manifest.parquet").write_bytes(b"PAR1")
        with pytest.raises(ValidationError, match=r"manifest\.parquet cannot be read"):
            read_manifest(tmp_path / "manifest.parquet")


@pytest.mark.slow
class TestKilled:
    def test_killed_twice_and_continued_equals_an_undisturbed_build(self, driver, tmp_path):
        whole = driver(tmp_path / "whole", home="other")
        assert whole.wait(timeout=200) == 0, whole.stderr.read()
        for wanted in (1, 4):
            process = driver(tmp_path / "c", TONE_DELAY="0.3")
            deadline = time.monotonic() + 120
            while len(list((tmp_path / "c").glob("items/??/????*"))) < wanted:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        last = driver(tmp_path / "c")
        out, error = last.communicate(timeout=200)
        assert last.returncode == 0, error
        assert content(tmp_path / "c") == content(tmp_path / "whole")
        assert not list((tmp_path / "c").rglob("*.making"))
        assert out.split()[1] == "0"

    def test_a_worker_that_dies_loses_its_item_only(self, driver, config, tmp_path):
        victim = list(plan(config()))[2]
        process = driver(tmp_path / "c", "processes", TONE_DIES_AT=victim.text)
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        assert out.split()[-1] == "1"
        names = {r["name"] for r in read_manifest(tmp_path / "c" / "manifest.parquet")}
        assert names == {s.name for s in plan(config())} - {victim.name}
        process = driver(tmp_path / "c", "processes")
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        assert out.split()[-1] == "0"
        rows = read_manifest(tmp_path / "c" / "manifest.parquet")
        assert json.dumps([r["name"] for r in rows]) == json.dumps([s.name for s in plan(config())])
