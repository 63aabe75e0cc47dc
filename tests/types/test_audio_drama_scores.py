"""BinauralAudio, Drama and ScoreTable."""

import base64
import copy
import io
import json
import pickle
import re

import attrs
import numpy as np
import pytest
import soundfile

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import (
    BinauralAudio,
    Drama,
    GeometricPrompt,
    Line,
    Phone,
    Pose,
    Room,
    Scene,
    Score,
    ScoreTable,
    Script,
    Source,
    Speech,
    VideoPrompt,
)


def noise(n=4800, gain=0.1):
    return np.random.default_rng(0).normal(0, gain, (2, n)).astype(np.float32)


class TestBinauralAudio:
    def test_labels_and_times(self):
        data = BinauralAudio(noise(), 48_000).data
        assert data.dims == ("ear", "time")
        assert data["ear"].values.tolist() == ["left", "right"]
        assert float(data["time"][-1]) == pytest.approx(4799 / 48_000)

    @pytest.mark.parametrize("n", [1, 7, 44_101, 48_000])
    @pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
    def test_one_time_a_sample(self, n, rate):
        data = BinauralAudio(np.zeros((2, n)), rate).data
        assert data.sizes["time"] == n
        assert float(data["time"][n - 1]) == pytest.approx((n - 1) / rate, abs=1e-9)

    @pytest.mark.parametrize(
        ("samples", "rate", "message"),
        [
            (np.zeros(10), 48_000, "one channel"),
            (np.zeros((1, 10)), 48_000, r"shape \(2, n\)"),
            (np.zeros((10, 2)), 48_000, "transposed"),
            (np.zeros((2, 0)), 48_000, "no samples"),
            (np.full((2, 3), np.nan), 48_000, r"sample\[0, 0\] is nan"),
            (np.zeros((2, 3)), 4_000, "rate must be"),
            (np.zeros((2, 3)), 44_100.5, "rate must be"),
        ],
    )
    def test_refusals(self, samples, rate, message):
        with pytest.raises(ValidationError, match=message):
            BinauralAudio(samples, rate)

    def test_float_file_keeps_every_bit_and_levels_beyond_one(self, tmp_path):
        audio = BinauralAudio(noise() * 30, 48_000)
        assert audio.peak > 1
        with pytest.raises(ValidationError, match="would clip"):
            audio.save(tmp_path / "a.wav")
        assert not list(tmp_path.iterdir())
        audio.save(tmp_path / "a.wav", subtype="FLOAT")
        assert BinauralAudio.load(tmp_path / "a.wav") == audio

    def test_24_bit_flac_is_within_half_a_step(self, tmp_path):
        audio = BinauralAudio(noise(), 48_000)
        again = BinauralAudio.load(audio.save(tmp_path / "a.flac"))
        assert np.abs(again.samples - audio.samples).max() <= 2**-23

    def test_files_that_are_not_binaural(self, tmp_path):
        soundfile.write(tmp_path / "m.wav", np.zeros(100), 48_000)
        with pytest.raises(ValidationError, match=r"m\.wav has 1 channel;"):
            BinauralAudio.load(tmp_path / "m.wav")
        soundfile.write(tmp_path / "r.wav", np.zeros((100, 2)), 44_100)
        with pytest.raises(ValidationError, match="44100 Hz, expected 48000"):
            BinauralAudio.load(tmp_path / "r.wav", rate=48_000)
        (tmp_path / "x.wav").write_bytes(b"RIFF not really")
        with pytest.raises(ValidationError, match=r"x\.wav cannot be read"):
            BinauralAudio.load(tmp_path / "x.wav")
        soundfile.write(tmp_path / "n.wav", np.full((10, 2), np.nan), 48_000, subtype="FLOAT")
        with pytest.raises(ValidationError, match="NaN"):
            BinauralAudio.load(tmp_path / "n.wav")

    def test_the_player_carries_the_sound_without_normalising_it(self):
        audio = BinauralAudio(noise(gain=0.01), 48_000)
        page = audio._repr_mimebundle_()["text/html"]
        data = re.search(r"data:audio/flac;base64,([^\"]+)", page)[1]
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32")
        assert rate == 48_000
        assert np.abs(samples.T - audio.samples).max() < 2**-15

    def test_cut(self):
        audio = BinauralAudio(noise(), 48_000)
        assert audio.cut(0.01, 0.02).samples.shape == (2, 480)
        assert audio.cut(0.05, 9.0).duration == pytest.approx(0.05)
        with pytest.raises(ValidationError, match="nothing to cut"):
            audio.cut(1.0, 2.0)


def drama():
    speech = Speech(
        noise()[0], 48_000, phones=(Phone("a", 0.0, 0.05),), f0=[0, 120.0, 121.5], f0_hop=0.0125,
        text="Hi.", language="en", identity="x",
    )  # fmt: skip
    script = Script([Line("A", "Hi.", start=0.2, end=0.3, phones=speech.phones)])
    return Drama(BinauralAudio(noise(24_000), 48_000), script,
                 Scene(None, {"A": Pose.fixed((1, 1, 0))}), (speech,), {"seed": 7})  # fmt: skip


class TestDrama:
    def test_round_trip(self, tmp_path):
        again = Drama.load(drama().save(tmp_path / "d"))
        assert again.script == drama().script
        assert again.scene == drama().scene
        assert again.provenance["seed"] == 7
        np.testing.assert_allclose(again.audio.samples, drama().audio.samples, atol=2**-23)
        np.testing.assert_allclose(again.stems[0].samples, drama().stems[0].samples, atol=2**-22)
        assert again.stems[0].phones == drama().stems[0].phones
        np.testing.assert_allclose(again.stems[0].f0, [0, 120, 121.5])

    def test_refusals(self):
        d = drama()
        with pytest.raises(ValidationError, match="timed script"):
            Drama(d.audio, Script.parse("A: Hi."), d.scene)
        with pytest.raises(UnknownNameError, match="'B'"):
            Drama(d.audio, Script([Line("B", "Hi.", start=0, end=1)]), d.scene)
        with pytest.raises(ValidationError, match="2 stems for 1 lines"):
            Drama(d.audio, d.script, d.scene, d.stems * 2)

    def test_shows_itself(self):
        bundle = drama()._repr_mimebundle_()
        assert "<audio" in bundle["text/html"]
        assert "<svg" in bundle["text/html"]
        assert "seed 7" in bundle["text/plain"]


class TestScores:
    def table(self):
        scores = {
            "cer": {
                "1": Score(0.0, 10, {"hypothesis": "a"}),
                "2": Score(0.2, 30),
                "3": Score(np.nan),
            },
            "itd_mae": {"1": Score(20.0), "2": Score(40.0)},
        }
        return ScoreTable.from_scores(
            scores, direction={"cer": "down", "itd_mae": "down"}, unit={"cer": "", "itd_mae": "us"},
            chance={"itd_mae": 400.0}, notes=("dry",),
        )  # fmt: skip

    def test_weighted_mean_leaves_nan_out(self):
        assert self.table()["cer"] == pytest.approx(0.15)
        assert self.table()["itd_mae"] == pytest.approx(30.0)

    def test_interval_of_the_mean_against_the_normal_formula(self):
        values = np.random.default_rng(1).normal(5, 2, 400)
        table = ScoreTable.from_scores(
            {"m": {str(i): Score(v) for i, v in enumerate(values)}},
            direction={"m": "up"}, unit={"m": ""},
        )  # fmt: skip
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
        assert float(table.data["ci_low"][0]) == pytest.approx(values.mean() - half, abs=0.03)
        assert float(table.data["ci_high"][0]) == pytest.approx(values.mean() + half, abs=0.03)

    def test_one_value_has_no_interval(self):
        table = ScoreTable.from_scores(
            {"m": {"1": Score(1.0)}}, direction={"m": "up"}, unit={"m": ""}
        )
        assert np.isnan(table.data["ci_low"][0])

    def test_files_and_pictures(self, tmp_path):
        table = self.table()
        data = json.loads(table.save(tmp_path / "s.json").read_text())
        assert data["metrics"]["itd_mae"]["chance"] == 400.0
        lines = data["metrics"]["cer"]["items"]["item"]["lines"]
        assert lines["3"]["value"] is None
        assert lines["1"]["details"]["hypothesis"] == "a"
        assert ScoreTable.load(table.save(tmp_path / "s.nc")) == table
        assert "| itd_mae ↓ | 30.0 us |" in table.to_markdown()
        assert "30.0 us" in repr(table)
        assert "<table>" in table._repr_mimebundle_()["text/html"]
        with pytest.raises(UnknownNameError, match="itd_mae"):
            table["itd"]


def test_a_saved_table_comes_back(tmp_path):
    table = TestScores().table()
    again = ScoreTable.load(table.save(tmp_path / "s.json"))
    assert again == table
    assert again.details["1", "cer"] == {"hypothesis": "a"}
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ValidationError, match=r"x\.json: expected a table"):
        ScoreTable.load(tmp_path / "x.json")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_are_equal_and_read_only(copied):
    for value in (drama().audio, drama().stems[0]):
        again = copied(value)
        assert again == value
        assert not again.samples.flags.writeable
    pose = copied(Pose.fixed((1, 0, 0)))
    assert pose == Pose.fixed((1, 0, 0))
    assert not pose.position.values.flags.writeable


def test_every_value_shows_itself():
    pose = Pose.fixed((1, 0, 0))
    room = Room((6, 5, 3), rt60=0.3)
    for value in (pose, room, Source(pose), GeometricPrompt(pose), drama().stems[0], drama().audio):
        bundle = value._repr_mimebundle_()
        assert bundle["text/plain"]
        assert "<svg" in bundle["text/html"] or "<audio" in bundle["text/html"]


@pytest.mark.parametrize("spoilt", ["[]", '{"schema": "spatialdrama.drama/1"}'])
def test_a_spoilt_drama_is_named(tmp_path, spoilt):
    folder = drama().save(tmp_path / "d")
    (folder / "drama.json").write_text(spoilt)
    with pytest.raises(ValidationError, match="drama"):
        Drama.load(folder)


def test_a_drama_with_lost_tracking_can_be_kept(tmp_path):
    pose = Pose.from_samples([0, 1], [[1, 0, 0], [np.nan] * 3], [[0, 0, 0, 1.0]] * 2, [True, False])
    scene = attrs.evolve(drama().scene, speakers={"A": pose})
    again = Scene.load(scene.save(tmp_path / "scene.json"))
    assert again.speakers["A"].pose == pose


def test_speech_is_mono_and_finite():
    with pytest.raises(ValidationError, match="mono"):
        Speech(np.zeros((2, 10)), 48_000)
    with pytest.raises(ValidationError, match=r"sample\[1\] is nan"):
        Speech([0.0, np.nan], 48_000)
    tone = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 24_000)
    up = Speech(tone, 24_000).resampled(48_000)
    spectrum = np.abs(np.fft.rfft(up.samples[4800:43_200]))
    assert np.argmax(spectrum) * 48_000 / 38_400 == pytest.approx(1000, abs=1.3)


def test_video_prompt_needs_a_unit_quaternion():
    with pytest.raises(ValidationError, match="unit quaternion"):
        VideoPrompt("a.mp4", camera_orientation=(0, 0, 0, 2))
    assert VideoPrompt("a.mp4") == VideoPrompt("a.mp4")
