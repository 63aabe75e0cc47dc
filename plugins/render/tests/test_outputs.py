"""Stems, blocks and files: the same samples as rendering whole, with bounded memory."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
from spatialdrama_render.engine import BLOCK

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.io.audio import MonoFile, read_samples
from spatialdrama.types import Pose, Room, Scene, Source

RATE = 48_000
ROOM = Room((6, 5, 3), rt60=0.3)
WALK = Pose.walk([(2, 1, 0), (-1, 1.5, 0.3), (-1.2, -1.5, 0)], speed=1.5)
JUMP = Pose.from_samples(
    np.arange(100) / 50, np.where(np.arange(100)[:, None] < 40, [[1, 1, 0]], [[1, -1, 0]])
)


@pytest.fixture
def scene():
    speakers = {"A": Source(WALK, gain_db=-3.0), "B": Source(Pose.fixed((1, -1, 0.2)))}
    listener = Pose.from_samples(
        [0.0, 2.0], np.zeros((2, 3)), [[0, 0, 0, 1], [0, 0, np.sin(0.5), np.cos(0.5)]]
    )
    return Scene(ROOM, speakers, listener=listener)


@pytest.fixture
def stems(noise):
    return [("A", 0.1, noise(20_000, 1)), ("B", 0.3, noise(9000, 2)), ("A", 0.9, noise(12_345, 3))]


@pytest.fixture
def on_disk(stems, tmp_path):
    out = []
    for i, (who, start, samples) in enumerate(stems):
        soundfile.write(tmp_path / f"{i}.wav", samples, RATE, "FLOAT")
        out.append((who, start, MonoFile(tmp_path / f"{i}.wav")))
    return out


class TestStems:
    def test_they_add_up_to_the_mix_which_is_the_scene(self, sphere, stems, scene):
        mix, alone = sphere.render_stems(stems, scene)
        total = sum(audio.samples.astype(float) for audio in alone.values())
        assert list(alone) == ["A", "B"]
        np.testing.assert_allclose(total, mix.samples, atol=1e-6)
        np.testing.assert_allclose(mix.samples, sphere.render_scene(stems, scene).samples,
                                   atol=1e-6)  # fmt: skip
        assert mix.duration == alone["A"].duration == alone["B"].duration

    def test_each_has_its_own_reflections_and_tail_and_nothing_else(self, sphere, stems, scene):
        _, alone = sphere.render_stems(stems, scene)
        only = sphere.render_scene([stem for stem in stems if stem[0] == "B"], scene).samples
        got = alone["B"].samples
        np.testing.assert_allclose(got[:, : only.shape[1]], only, atol=1e-7)
        assert not got[:, only.shape[1] :].any()
        assert np.abs(got[:, : int(0.3 * RATE)]).max() < 1e-6
        late = slice(int((0.3 + 0.05) * RATE) + 9000, only.shape[1])  # B is silent, its tail is not
        assert np.abs(got[:, late]).max() > 1e-4

    def test_progress_is_told_of_all_speakers(self, sphere, stems, scene):
        told = []
        sphere.render_stems(stems, scene, progress=lambda done, total: told.append(done / total))
        assert told == sorted(told)
        assert told[-1] == 1.0


class TestBlocksAndFiles:
    @pytest.mark.parametrize("layout", ["binaural", "foa", "5.1"])
    def test_files_of_stems_on_disk_hold_what_is_rendered_whole(
        self, sphere, stems, on_disk, scene, tmp_path, layout
    ):
        if layout == "binaural":
            want = sphere.render_scene(stems, scene).samples
        else:
            want = sphere.render_layout(stems, scene, layout=layout).samples
        done = sphere.render_file(
            on_disk, scene, tmp_path / "out.wav", layout=layout, subtype="FLOAT"
        )
        got, rate = read_samples(tmp_path / "out.wav")
        np.testing.assert_array_equal(got, want)
        assert (rate, done.frames, done.layout) == (RATE, want.shape[1], layout)
        assert done.peak == np.abs(want).max()
        assert done.provenance["order"] == 2

    def test_one_voice_in_a_file_is_what_render_gives(self, sphere, noise, tmp_path):
        mono = noise(30_000)
        soundfile.write(tmp_path / "mono.wav", mono, RATE, "FLOAT")
        scene = Scene(ROOM, {"A": Source(WALK, gain_db=2.0)})
        sphere.render_file(
            [("A", 0.0, MonoFile(tmp_path / "mono.wav"))], scene, tmp_path / "out.wav",
            subtype="FLOAT",
        )  # fmt: skip
        want = sphere.render(mono, WALK, room=ROOM, gain_db=2.0).samples
        np.testing.assert_array_equal(read_samples(tmp_path / "out.wav")[0], want)

    def test_a_voice_that_jumps_does_so_in_a_file_too(self, sphere, noise, tmp_path):
        mono, scene = noise(60_000), Scene(None, {"A": JUMP})
        with pytest.warns(SpatialDramaWarning, match="jumps"):
            sphere.render_file([("A", 0.0, mono)], scene, tmp_path / "a.wav", subtype="FLOAT")
        with pytest.warns(SpatialDramaWarning, match="jumps"):
            want = sphere.render(mono, JUMP).samples
        np.testing.assert_array_equal(read_samples(tmp_path / "a.wav")[0], want)

    def test_blocks_are_the_scene_and_mistakes_are_told_before_the_first(
        self, sphere, stems, scene
    ):
        parts = list(sphere.blocks(stems, scene))
        want = sphere.render_scene(stems, scene).samples
        assert len(parts) == -(-want.shape[1] // BLOCK)
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), want)
        with pytest.raises(ValidationError, match="takes mono"):
            sphere.blocks([("A", 0.0, np.zeros((2, 100)))], scene)

    def test_a_broken_sample_far_in_ends_it_and_keeps_the_old_file(
        self, sphere, noise, tmp_path, scene
    ):
        mono = noise(60_000)
        mono[50_000] = np.nan
        soundfile.write(tmp_path / "mono.wav", mono, RATE, "FLOAT")
        (tmp_path / "out.wav").write_bytes(b"old")
        with pytest.raises(ValidationError, match=r"mono\[50000\] is nan"):
            sphere.render_file(
                [("A", 0.0, MonoFile(tmp_path / "mono.wav"))], scene, tmp_path / "out.wav"
            )
        assert (tmp_path / "out.wav").read_bytes() == b"old"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["mono.wav", "out.wav"]

    def test_ctrl_c_leaves_no_half_file(self, sphere, stems, scene, tmp_path):
        def stop(done, total):
            if done > total / 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sphere.render_file(stems, scene, tmp_path / "out.wav", progress=stop)
        assert not list(tmp_path.iterdir())

    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_file(self, tmp_path):
        peaks = [_peak_memory(tmp_path, seconds) for seconds in (10, 130)]
        # Two minutes more are 23 MB of mono and 46 MB of output, were they held.
        assert peaks[1] - peaks[0] < 12e6


def _peak_memory(folder, seconds):
    """Bytes that rendering some seconds takes at most, in a process of its own."""
    program = f"""
import resource, numpy as np, soundfile
from spatialdrama.io.audio import MonoFile
from spatialdrama.io.sofa import hrir_dataset
from spatialdrama.types import Pose, Scene
from spatialdrama_render.physical import PhysicalRenderer
with soundfile.SoundFile("{folder}/mono.wav", "w", 48000, 1, "PCM_16") as file:
    for k in range({seconds}):
        file.write(np.sin(np.arange(48000) / 50) / 10)
walk = Pose.walk([(2, 1, 0), (-1, 2, 0)], speed=0.01)
stems = [("A", 0.0, MonoFile("{folder}/mono.wav"))]
corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T
clicks = np.tile(np.eye(128)[20], (8, 2, 1))
head = hrir_dataset(clicks, corners, rate=48000, title="two clicks")
renderer = PhysicalRenderer(head, equalisation="none", near="none")
renderer.render_file(stems, Scene(None, {{"A": walk}}), "{folder}/out.wav")
print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


class TestForecast:
    def test_it_tells_what_comes_out(self, sphere, stems, scene):
        forecast = sphere.forecast(stems, scene)
        audio = sphere.render_scene(stems, scene)
        assert forecast.duration == audio.duration
        assert forecast.speakers == ("A", "B")
        # A speaks last at 0.9 s + 12345 samples and comes nearer all the time; B stands still.
        first, way = np.array([2.0, 1, 0]), np.array([-3.0, 0.5, 0.3])
        first_word, last_word = (
            np.linalg.norm(first + way / np.linalg.norm(way) * 1.5 * t)
            for t in (0.1, 0.9 + 12_345 / RATE)
        )
        assert forecast.nearest == pytest.approx(last_word, abs=0.01)
        assert forecast.farthest == pytest.approx(first_word, abs=0.01)
        assert 0 < forecast.work < 60
        assert str(forecast).startswith(
            f"{audio.duration:.2f} s of binaural sound at 48000 Hz: A, B"
        )

    def test_the_longer_the_more_work(self, sphere, noise):
        scene = Scene(ROOM, {"A": WALK})
        short, long = (sphere.forecast([("A", 0.0, noise(n))], scene).work for n in (5000, 500_000))
        assert 20 < long / short < 500

    def test_it_refuses_what_rendering_would(self, sphere, noise):
        scene = Scene(None, {"A": WALK})
        with pytest.raises(ValidationError, match="44100 Hz and the renderer works at 48000"):
            sphere.forecast([("A", 0.0, noise(5000))], scene, rate=44_100)
