"""Dramas that do not fit into memory: what they are made of lies on the disk, nothing else differs.

What is written is compared with what the same script gives in memory; `stored.IN_MEMORY = 0` sends
even the shortest drama along the disk.
"""

import gc
import tracemalloc
import weakref

import attrs
import numpy as np
import pytest
from spatialdrama_cascade.cascade import Cascade

import spatialdrama as sd
from spatialdrama.io import stored
from spatialdrama.staging.mixing import CEILING_DB, mixed

RATE = 48_000
SCRIPT = """A: one two three
B [overlap 0.3]: four five
C [overlap 0.2]: six
A [pause 2.5]: seven eight
B: nine"""


class NoiseVoice:
    """0.2 s of noise a word, at the rate of common voices."""

    languages = ("en",)

    def __init__(self, level=0.1):
        self.level = level

    def identities(self):
        return ("x",)

    def speak(self, text, *, identity, seed=0, **options):
        n = round(0.2 * 24_000 * len(text.split()))
        samples = np.random.default_rng(seed).uniform(-self.level, self.level, n)
        return sd.Speech(samples, 24_000, text=text, identity=identity)


class EchoRenderer:
    """A gain per ear and an echo 0.3 s later, so that lines ring into what follows."""

    rate = RATE

    def __init__(self, stop_at=None):
        self.starts, self.rendered, self.stop_at = [], [], stop_at

    def render(self, mono, pose, *, rate=RATE, start=0.0, room=None, listener=None,
               directivity="speech", gain_db=0.0):  # fmt: skip
        if len(self.starts) == self.stop_at:
            raise KeyboardInterrupt
        self.starts.append(start)
        heard = np.zeros((2, len(mono) + round(0.3 * RATE)), np.float32)
        heard[:, : len(mono)] = mono
        heard[:, -len(mono) :] += mono / 2
        heard *= np.array([[1.0], [0.7]], np.float32)
        audio = sd.BinauralAudio(heard, rate)
        self.rendered.append(weakref.ref(audio))
        return audio


def scene():
    places = {"A": (1, 1, 0), "B": (1, -1, 0), "C": (-1, 0, 0)}
    return sd.Scene(None, {name: sd.Pose.fixed(place) for name, place in places.items()})


def made(script=SCRIPT, *, renderer=None, out=None, level=0.1, **options):
    return sd.generate(
        script, scene(), voices=dict.fromkeys("ABC", "x"), seed=7, out=out, progress=False,
        voice=NoiseVoice(level), renderer=renderer or EchoRenderer(), **options,
    )  # fmt: skip


@pytest.fixture
def on_disk(monkeypatch, tmp_path):
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))

    def switch():
        monkeypatch.setattr(stored, "IN_MEMORY", 0)

    return switch


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestSameDrama:
    @pytest.mark.parametrize("level_db", [-26.0, 0.0])
    def test_every_sample_and_every_file(self, on_disk, tmp_path, level_db):
        memory = made(level_db=level_db)
        memory.save(tmp_path / "memory")
        on_disk()
        disk = made(level_db=level_db)
        assert disk.audio.is_stored
        assert not memory.audio.is_stored
        assert disk.audio == memory.audio
        assert disk.stems == memory.stems
        assert dict(disk.provenance) == dict(memory.provenance)
        assert (disk.provenance["mix_gain_db"] < 0) == (level_db == 0.0)
        made(level_db=level_db, out=tmp_path / "disk")
        assert content(tmp_path / "disk") == content(tmp_path / "memory")

    def test_lines_whose_times_run_backwards(self, on_disk):
        lines = [sd.Line("A", "one two", start=3.0, end=3.4),
                 sd.Line("B", "three", start=0.5, end=0.7),
                 sd.Line("C", "four five", start=0.5, end=0.9)]  # fmt: skip
        memory = made(sd.Script(lines))
        on_disk()
        renderer = EchoRenderer()
        disk = made(sd.Script(lines), renderer=renderer)
        assert disk.audio == memory.audio
        assert renderer.starts == [0.5, 0.5, 3.0]
        assert [line.text for line in disk.script] == ["one two", "three", "four five"]
        first = disk.audio.cut(3.0, 3.4).samples[0]
        np.testing.assert_allclose(first[:9000], disk.stems[0].samples[:9000], atol=1e-6)

    def test_out_gives_what_lies_in_the_folder(self, on_disk, tmp_path):
        on_disk()
        drama = made(out=tmp_path / "d")
        assert drama.audio == sd.Drama.load(tmp_path / "d").audio
        (tmp_path / "file").write_text("mine")
        renderer = EchoRenderer()
        with pytest.raises(sd.errors.ValidationError, match="is a file; name a folder"):
            made(out=tmp_path / "file", renderer=renderer)
        assert renderer.starts == []

    def test_an_interruption_leaves_nothing(self, on_disk, tmp_path):
        on_disk()
        with pytest.raises(KeyboardInterrupt):
            made(renderer=EchoRenderer(stop_at=3), out=tmp_path / "d")
        assert not (tmp_path / "d").exists()
        left = [p for p in tmp_path.rglob("*") if p.is_file()]
        assert left == []


def test_scores_are_the_same_and_read_line_by_line(on_disk, tmp_path, monkeypatch):
    drama = made(SCRIPT)
    renderer = {"name": "physical", "options": {"hrtf": "sphere", "order": 0}}
    drama = attrs.evolve(drama, provenance={"seed": 7, "renderer": renderer})
    drama.save(tmp_path / "d")
    names = ["ild_mae", "itd_mae"]
    want = sd.score(sd.Drama.load(tmp_path / "d"), names, progress=False)
    on_disk()
    files = sd.Drama.load(tmp_path / "d", stored=True)
    read = []
    slices = stored.Stored.read_slice
    monkeypatch.setattr(
        stored.Stored, "read_slice", lambda s, a, b: read.append(b - a) or slices(s, a, b)
    )
    assert sd.score(files, names, progress=False) == want
    longest = max(line.duration for line in drama.script) + 0.2
    assert max(read) < longest * RATE < files.audio.length / 2


class TestMixing:
    def test_rendered_lines_are_let_go(self):
        renderer = EchoRenderer()
        alive = []

        def watched():
            for second in range(6):
                yield float(second), renderer.render(np.ones(4800, np.float32), None)
                gc.collect()
                alive.append(sum(ref() is not None for ref in renderer.rendered))

        mixed(watched(), RATE)
        assert max(alive) <= 1

    def test_full_scale_is_turned_down_to_the_ceiling(self, on_disk):
        on_disk()
        one = sd.BinauralAudio(np.array([[1.0, 0.5], [0.25, 0.0]]), RATE)
        mix, gain_db = mixed([(0.0, one), (0.0, one)], RATE)
        assert mix.is_stored
        assert gain_db == pytest.approx(CEILING_DB - 20 * np.log10(2))
        np.testing.assert_allclose(mix.samples, one.samples * 10 ** (CEILING_DB / 20), rtol=1e-6)


class TestForecast:
    def test_what_a_short_one_needs_is_its_folder(self, tmp_path):
        plan = Cascade(voice=NoiseVoice(), renderer=EchoRenderer()).forecast(made().script)
        assert plan.work_bytes == plan.cache_bytes == 0
        made(out=tmp_path / "d")
        size = sum(len(data) for name, data in content(tmp_path / "d").items() if "." in name)
        assert plan.folder_bytes == pytest.approx(size, rel=0.25)


@pytest.mark.slow
def test_memory_does_not_grow_with_length(monkeypatch, tmp_path):
    """Four more minutes are 92 MB of sound and 46 MB of stems; the peak must not see them."""
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    made(out=tmp_path / "warm")

    def peak(minutes):
        words = "word " * 24  # 4.8 s
        script = sd.Script([sd.Line("ABC"[i % 3], words) for i in range(12 * minutes)])
        gc.collect()
        tracemalloc.start()
        drama = made(script, out=tmp_path / str(minutes), pause=0.2)
        for i in range(len(drama.script)):
            drama.line_audio(i, tail=0.1).samples.max()
        drama.save(tmp_path / str(minutes))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert drama.audio.duration == pytest.approx(60 * minutes, abs=5)
        return most / 1e6

    short, long = peak(2), peak(6)
    assert long < short + 8
    assert long < 100
