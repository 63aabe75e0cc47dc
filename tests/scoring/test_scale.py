"""Kept scores, runs that were stopped, processes, Dask, and memory."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import ValidationError
from spatialdrama.runtime.cache import Cache, key_of

RATE = 16_000


@pytest.fixture
def files(make, tmp_path):
    """Clips and their references as files, ild 1 to 4 dB off."""
    for i in (1, 2, 3, 4):
        audio, reference = make.pair(i, seed=i)
        for folder, sound in (("clips", audio), ("recorded", reference)):
            (tmp_path / folder).mkdir(exist_ok=True)
            sound.save(tmp_path / folder / f"c{i}.wav", subtype="FLOAT")
    return tmp_path


def scored(files, **given):
    return sd.score(files / "clips", ["ild_mae"], reference=files / "recorded", **given)


class TestKept:
    def test_a_second_run_takes_what_the_first_made(self, files, monkeypatch):
        first = scored(files)
        assert len(Cache("scores")) == 4
        _forbid_work(monkeypatch)
        again = scored(files)
        assert again == first
        assert again.details["c1", "ild_mae"] == first.details["c1", "ild_mae"]
        assert list(first.lines("ild_mae").values()) == pytest.approx([1, 2, 3, 4], abs=0.05)

    @pytest.mark.parametrize("change", ["sound", "reference", "options"])
    def test_what_changes_is_scored_anew(self, files, make, change):
        scored(files)
        options = {}
        if change == "options":
            options = {"gate_db": 30.0}
        else:
            folder = {"sound": "clips", "reference": "recorded"}[change]
            make.pair(9, seed=2)[0].save(files / folder / "c2.wav", subtype="FLOAT")
        table = sd.score(
            files / "clips", {"ild_mae": options}, reference=files / "recorded", cache=True
        )
        alone = sd.score(
            files / "clips", {"ild_mae": options}, reference=files / "recorded", cache=False
        )
        assert table == alone

    def test_an_added_item_costs_itself_and_its_neighbour(self, files, make):
        scored(files)
        audio, reference = make.pair(5, seed=5)
        audio.save(files / "clips" / "c5.wav", subtype="FLOAT")
        reference.save(files / "recorded" / "c5.wav", subtype="FLOAT")
        scored(files)
        # c1 still lends from c2, c3 and c4; c2, c3 and c4 have c5 among their strangers now.
        assert len(Cache("scores")) == 4 + 1 + 3

    def test_weights_count_by_content(self, tmp_path, monkeypatch):
        from spatialdrama.scoring.content import described

        def told():
            options = {"weights": str(tmp_path / "w.bin")}
            return described("metric", "ild_mae", options)

        (tmp_path / "w.bin").write_bytes(b"one")
        one = told()
        (tmp_path / "w.bin").write_bytes(b"other")
        other = told()
        assert one != other
        monkeypatch.setenv("SPATIALDRAMA_SPATIAL_AST", str(tmp_path / "w.bin"))
        assert told() != other
        monkeypatch.delenv("SPATIALDRAMA_SPATIAL_AST")
        monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "1")
        assert told() == other

    @pytest.mark.parametrize("name", ["isdrama/ang_cos", "isdrama/dis_cos"])
    def test_the_checkpoint_that_a_variable_names_counts_by_content(
        self, tmp_path, monkeypatch, name
    ):
        from spatialdrama.scoring.content import described

        monkeypatch.delenv("SPATIALDRAMA_SPATIAL_AST", raising=False)
        found = [described("metric", name, {})]
        for file, says in (("a.pth", b"one"), ("a.pth", b"other"), ("b.pth", b"other")):
            (tmp_path / file).write_bytes(says)
            monkeypatch.setenv("SPATIALDRAMA_SPATIAL_AST", str(tmp_path / file))
            found.append(described("metric", name, {}))
        none, one, other, moved = (key_of(made) for made in found)
        assert len({none, one, other}) == 3
        assert moved == other

    def test_options_that_name_files_and_folders_count_by_content(self, tmp_path, monkeypatch):
        from spatialdrama.scoring.content import described

        def told(recogniser):
            return key_of(described("metric", "cer", {"recogniser": recogniser}))

        heard, model = tmp_path / "heard.json", tmp_path / "model"
        heard.write_text('{"Hi.": "hi"}')
        (model / "deep").mkdir(parents=True)
        (model / "deep" / "model.bin").write_bytes(b"one")
        first = told(f"transcripts:{heard}"), told(f"faster-whisper:{model}")
        assert len(set(first)) == 2
        assert told(f"paraformer-zh:{model}") != first[1]
        heard.write_text('{"Hi.": "ho"}')
        (model / "deep" / "model.bin").write_bytes(b"other")
        second = told(f"transcripts:{heard}"), told(f"faster-whisper:{model}")
        assert not set(first) & set(second)
        heard.rename(tmp_path / "moved.json")
        assert told(f"transcripts:{tmp_path / 'moved.json'}") == second[0]
        # A name is not a path: what lies in the working folder does not matter to it.
        monkeypatch.chdir(tmp_path)
        named = told("whisper-base"), told("transcripts:"), told("")
        (tmp_path / "more").write_text("")
        assert (told("whisper-base"), told("transcripts:"), told("")) == named

    def test_transcripts_that_changed_are_compared_anew(self, make, tmp_path):
        """A kept score must not outlive the file that it was made from."""
        (tmp_path / "clips").mkdir()
        make.pair()[0].save(tmp_path / "clips" / "a.wav")
        heard = tmp_path / "heard.json"
        found = []
        for says in ("good night", "wood kite", "good night"):
            heard.write_text(json.dumps({"Good night.": says}))
            table = sd.score(
                tmp_path / "clips",
                {"cer/faster-whisper": {"recogniser": f"transcripts:{heard}"}},
                transcript="Good night.", language="en",
            )  # fmt: skip
            found.append(table["cer/faster-whisper"])
        # "goodnight" to "woodkite": g to w, n to k, and three edits from "ght" to "te".
        assert found == pytest.approx([0.0, 5 / 9, 0.0])

    def test_dramas_with_their_dry_reference(self, tmp_path, monkeypatch):
        """Kept by sound, script, stems and the renderer that makes the reference."""
        drama = _rendered()
        for name in ("a", "b"):
            drama.save(tmp_path / "dramas" / name)
        first = sd.score(tmp_path / "dramas", ["ild_mae"])
        assert first["ild_mae"] == pytest.approx(0.0, abs=1e-3)  # free field is its own reference
        assert len(Cache("scores")) == 1  # two folders, one content
        assert any("dry rendering" in note and "(2 items)" in note for note in first.notes)
        with monkeypatch.context() as patch:
            _forbid_work(patch)
            assert sd.score(tmp_path / "dramas", ["ild_mae"]) == first
        louder = sd.Drama(drama.audio, drama.script, drama.scene,
                          [sd.Speech(2 * s.samples, s.rate) for s in drama.stems],
                          drama.provenance)  # fmt: skip
        louder.save(tmp_path / "dramas" / "b")
        sd.score(tmp_path / "dramas", ["ild_mae"])
        assert len(Cache("scores")) == 2

    def test_sound_in_memory_is_kept_by_content(self, make, monkeypatch):
        items = {str(i): make.pair(i)[0] for i in (1, 2)}
        given = {"reference": {str(i): make.pair(i)[1] for i in (1, 2)}}
        first = sd.score(items, ["ild_mae"], **given)
        _forbid_work(monkeypatch)
        assert sd.score(items, ["ild_mae"], **given) == first

    def test_failures_are_tried_again(self, files):
        (files / "clips" / "c3.wav").write_bytes(b"no sound")
        assert any("c3" in note for note in scored(files).notes)
        (files / "clips" / "c3.wav").write_bytes((files / "clips" / "c2.wav").read_bytes())
        assert not any("c3" in note for note in scored(files).notes)

    def test_a_damaged_entry_is_made_again(self, files):
        first = scored(files)
        for entry in (Cache("scores").folder).rglob("column.json"):
            entry.write_text('{"lines": [')
        assert scored(files) == first

    def test_metrics_of_a_notebook_are_not_kept(self, files, mine):
        mine(lambda audio: 1.0, "one")
        sd.score(files / "clips", ["one"])
        assert len(Cache("scores")) == 0


def _rendered():
    """Two lines by the geometric renderer, in free field."""
    scene = sd.Scene(None, {"A": sd.Pose.fixed((1, 1, 0)), "B": sd.Pose.fixed((1, -1, 0))})
    rng = np.random.default_rng(0)
    stems = [sd.Speech(rng.normal(0, 0.05, 24_000), 48_000) for _ in range(2)]
    lines = [sd.Line(who, "words", start=t, end=t + 0.5) for who, t in (("A", 0.0), ("B", 0.7))]
    placed = [(n.speaker, n.start, s.samples) for n, s in zip(lines, stems, strict=True)]
    audio = sd.load_renderer("geometric").render_scene(placed, scene, rate=48_000)
    provenance = {"renderer": {"name": "geometric", "options": {}}}
    return sd.Drama(audio, sd.Script(lines), scene, stems, provenance)


def _forbid_work(monkeypatch):
    from spatialdrama.scoring import measure

    def refuse(*_):
        raise AssertionError("scored again")

    monkeypatch.setattr(measure, "metric_of", refuse)


SLOW = """
import sys, time
import spatialdrama as sd
from spatialdrama.scoring import calls as calling

calls = open(sys.argv[2], "a", buffering=1)
called = calling._called

def slow(metric, wanted, cut, place):
    if place.startswith("c"):
        calls.write(place + "\\n")
        time.sleep(0.4)
    return called(metric, wanted, cut, place)

calling._called = slow
table = sd.score(sys.argv[1] + "/clips", ["ild_mae"], reference=sys.argv[1] + "/recorded",
                 workers=1, batch=1, progress=False)
print(table["ild_mae"])
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(files, tmp_path):
    calls = tmp_path / "calls"
    command = [sys.executable, "-c", textwrap.dedent(SLOW), str(files), str(calls)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    kept = Cache("scores")
    for _ in range(600):
        if len(kept) >= 2:
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    done = len(kept)
    assert 2 <= done < 4
    seen = len(calls.read_text().split())
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    # Each clip is heard four times: itself, and three wrong references. Kept ones are not.
    again = calls.read_text().split()[seen:]
    assert len(set(again)) == 4 - done
    assert float(out.stdout) == scored(files, cache=False)["ild_mae"]


@pytest.mark.slow
class TestDask:
    def test_processes_give_the_same_table(self, files):
        pytest.importorskip("distributed")
        here = scored(files, cache=False)
        assert scored(files, cache=False, scheduler="processes", workers=2) == here

    def test_an_address_and_a_client(self, files, mine):
        distributed = pytest.importorskip("distributed")
        local = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
        with distributed.LocalCluster(**local) as cluster:
            table = scored(files, scheduler=cluster.scheduler_address, cache=False)
            with distributed.Client(cluster) as client:
                assert scored(files, scheduler=client, cache=False) == table
                # A metric of this kernel travels to the worker.
                factor = 2.0
                mine(lambda audio: factor * audio.duration, "twice")
                twice = sd.score(files / "clips", ["twice"], scheduler=client)
                assert twice["twice"] == pytest.approx(1.0)
        assert table == scored(files, cache=False)

    def test_a_worker_that_dies_costs_its_item(self, files, mine, tmp_path):
        distributed = pytest.importorskip("distributed")

        def fatal(audio):
            if abs(audio.peak - peak) < 1e-9:
                os._exit(1)
            return 1.0

        peak = sd.BinauralAudio.load(files / "clips" / "c2.wav").peak
        mine(fatal)
        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            table = sd.score(files / "clips", ["fatal"], scheduler=client)
        # Dask blames whatever else was on the worker, too; only the item itself may be lost.
        values = table.lines("fatal")
        assert np.isnan(values.pop("c2"))
        assert set(values.values()) == {1.0}
        assert any("fatal on c2" in note and "worker died" in note for note in table.notes)


def test_a_cluster_without_workers_is_no_wait_for_ever(files, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("spatialdrama.scoring.schedule.POLL_S", 0.1)
    monkeypatch.setattr("spatialdrama.scoring.schedule.DESERTED_S", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(ValidationError, match="no worker for"),
    ):
        scored(files, scheduler=client, cache=False)


def test_nobody_at_the_address(files):
    pytest.importorskip("distributed")
    with pytest.raises(ValidationError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        scored(files, scheduler="tcp://127.0.0.1:9")


def test_without_dask_a_cluster_is_refused_by_name(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValidationError, match=r"spatialdrama\[scale\]"):
        scored(files, scheduler="processes")
    assert scored(files)["ild_mae"] == pytest.approx(2.5, abs=0.05)


def test_memory_does_not_grow_with_the_number_of_items(make, mine, tmp_path):
    audio, _ = make.pair(seconds=20.0)
    whole = audio.samples.nbytes
    paths = [Path(audio.save(tmp_path / f"{i:03d}.wav")) for i in range(40)]
    mine(lambda audio: float(np.abs(audio.samples).max()), "loudest", direction="up")
    sd.score(paths[:2], ["loudest"], workers=1)
    tracemalloc.start()
    sd.score(paths, ["loudest"], workers=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * whole  # 40 of them would be 40 times that
