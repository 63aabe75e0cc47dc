"""One segment: what is annotated against the sound itself."""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import pytest
import soundfile
from scipy.signal import butter, correlate, sosfiltfilt
from spatialdrama_corpora.simulate import make, plan
from spatialdrama_corpora.simulate.make import CEILING
from spatialdrama_corpora.simulate.paths import Path
from spatialdrama_corpora.simulate.rooms import make_room

from spatialdrama.dsp.pose_itd import pose_itd_us
from spatialdrama.types import Pose, Room

RATE = 48_000


@pytest.fixture
def made(tone, config, tmp_path):
    """Return a function that makes one segment, changed as wished, and reads it back."""

    def run(name="one", **changes):
        options = config(heads={"sphere-82mm": 1}, test_head="")
        segment = attrs.evolve(next(plan(options)), head="sphere-82mm", **changes)
        folder = tmp_path / name
        folder.mkdir()
        annotation = make(segment, folder, options)
        ears, rate = soundfile.read(folder / "binaural.flac")
        mono, _ = soundfile.read(folder / "mono.flac")
        assert rate == RATE
        return annotation, ears.T, mono, Pose.read(folder / "pose.nc"), folder

    return run


STAND = {"kind": "stand", "stays": [0.0]}


class TestAnnotations:
    def test_sounds_pose_and_phones_are_of_one_length(self, made):
        told, ears, mono, pose, _ = made()
        assert ears.shape == (2, told["samples"]) == (2, len(mono))
        assert told["duration"] == len(mono) / RATE
        assert float(pose.time[-1]) == pytest.approx(told["duration"], abs=1e-9)
        starts = [p[1] for p in told["phones"]]
        ends = [p[2] for p in told["phones"]]
        assert starts[0] == 0.0
        assert starts[1:] == ends[:-1]
        assert ends[-1] == pytest.approx(told["duration"], abs=1e-8)
        assert sum(told["phone_durations"]) == pytest.approx(told["duration"], abs=1e-6)
        assert len(told["f0"]) == int(np.ceil(told["duration"] / told["f0_hop"] - 1e-9))

    def test_phones_are_where_the_sound_is(self, made):
        told, _, mono, _, _ = made()
        for symbol, start, end in told["phones"]:
            part = mono[round((start + 0.01) * RATE) : round((end - 0.01) * RATE)]
            level = 20 * np.log10(np.sqrt(np.mean(part**2)) + 1e-9) if len(part) else -99
            assert (level > -50) == (symbol != "sil"), (symbol, level)

    def test_the_pitch_told_is_the_pitch_heard(self, made):
        told, _, mono, _, _ = made(identity="mid", pitch=0.0)
        assert set(told["f0"]) == {0.0, 160.0}
        _, start, end = next(p for p in told["phones"] if p[0] != "sil")
        part = mono[round((start + 0.02) * RATE) : round((end - 0.02) * RATE)]
        wave = correlate(part, part)[len(part) - 1 :]
        low, high = RATE // 400, RATE // 80
        assert RATE / (low + int(np.argmax(wave[low:high]))) == pytest.approx(160, rel=0.01)
        voiced = np.array(told["f0"])[int(start / told["f0_hop"]) + 2]
        assert voiced == 160.0

    def test_prompts_and_video_may_be_left_out(self, made):
        told, *_, folder = made()
        assert told["text_prompts"] == []
        assert sorted(p.name for p in folder.iterdir()) == [
            "annotation.json", "binaural.flac", "mono.flac", "pose.nc",
        ]  # fmt: skip
        assert json.loads((folder / "annotation.json").read_text())["files"] == told["files"]

    def test_level_and_distance_decide_how_loud_it_is(self, made):
        near, far = (
            made(name, room=Room.free_field(), path=Path(points=[(d, 0, 0)], **STAND))
            for name, d in (("near", 1.0), ("far", 4.0))
        )
        power = [np.mean(e[1].astype(float) ** 2) for e in (near, far)]
        # 1 / r, and air takes a little more.
        assert 10 * np.log10(power[0] / power[1]) == pytest.approx(12.04, abs=0.3)
        assert near[0]["gain_db"] == 0.0

    def test_too_loud_is_turned_down_for_both_ears_and_told(self, made, monkeypatch):
        module = sys.modules["spatialdrama_corpora.simulate.make"]
        quiet = made("quiet", room=Room.free_field(), path=Path(points=[(0.3, 0.2, 0)], **STAND))
        monkeypatch.setattr(module, "CEILING", 0.02)
        told, ears, *_ = made("loud", room=Room.free_field(),
                              path=Path(points=[(0.3, 0.2, 0)], **STAND))  # fmt: skip
        assert np.abs(ears).max() == pytest.approx(0.02, rel=1e-4)
        assert np.abs(quiet[1]).max() < CEILING
        back = ears * 10 ** (-told["gain_db"] / 20)
        assert np.allclose(back, quiet[1], atol=1e-4)


class TestSoundAgainstPose:
    def track(self, ears, centre, width=0.1):
        """ITD in us (positive: the left ear hears it first) of one stretch, 150 to 1800 Hz."""
        sos = butter(3, [150, 1800], "bandpass", fs=RATE, output="sos")
        low, high = (round((centre + s * width / 2) * RATE) for s in (-1, 1))
        left, right = (sosfiltfilt(sos, e)[low:high] for e in ears)
        c = correlate(right, left)
        middle, most = len(left) - 1, round(0.0012 * RATE)
        lags = np.arange(-most, most + 1)
        c = c[middle - most : middle + most + 1]
        k = int(np.clip(np.argmax(c), 1, len(c) - 2))
        bend = (c[k - 1] - c[k + 1]) / (2 * (c[k - 1] - 2 * c[k] + c[k + 1]))
        return 1e6 * (lags[k] + bend) / RATE

    @pytest.mark.parametrize("azimuth_deg", [90, 35, -60, -140])
    def test_a_still_voice_is_heard_from_where_it_is(self, made, azimuth_deg):
        a = np.deg2rad(azimuth_deg)
        point = (1.8 * np.cos(a), 1.8 * np.sin(a), 0.1)
        told, ears, *_ = made(room=Room.free_field(), path=Path(points=[point], **STAND))
        _, start, end = next(p for p in told["phones"] if p[0] != "sil")
        got = self.track(ears, (start + end) / 2 + 1.8 / 343)
        want = pose_itd_us(np.array(point), head_radius=0.082)
        assert got == pytest.approx(float(want), abs=45)

    def test_a_walking_voice_is_heard_along_its_path(self, made):
        path = Path(kind="walk", points=[(1.2, 1.5, 0), (1.2, -1.5, 0)], speeds=[0.8],
                    stays=[0.2, 0], facing="listener")  # fmt: skip
        told, ears, _, pose, _ = made(room=Room.free_field(), path=path)
        centres = [(s + e) / 2 for symbol, s, e in told["phones"] if symbol != "sil"][:12]
        places = pose.positions_at(centres)
        want = pose_itd_us(places, head_radius=0.082)
        got = np.array([
            self.track(ears, c + np.linalg.norm(p) / 343)
            for c, p in zip(centres, places, strict=True)
        ])  # fmt: skip
        assert np.ptp(want) > 500  # he really walks
        assert np.median(np.abs(got - want)) < 45
        assert np.corrcoef(got, want)[0, 1] > 0.98

    @pytest.mark.parametrize(("family", "index"), [("dry", 0), ("living", 4), ("hall", 0)])
    def test_the_room_rings_as_long_as_its_family_does(self, made, family, index):
        room = make_room(family, index, seed=1)
        path = Path(points=[(1.0, 0.6, 0.2)], **STAND)
        told, ears, *_ = made(room=room, path=path, text="Now listen.", language="en")
        end = next(p[1] for p in reversed(told["phones"]) if p[0] == "sil")
        sos = butter(3, [700, 1400], "bandpass", fs=RATE, output="sos")
        # After the last sound nothing but the room: its level falls by 60 dB in RT60.
        first, last = end + 0.01, min(end + 0.45 * told["rt60_bands"][3], told["duration"] - 0.03)
        size = int(0.02 * RATE)
        tail = sosfiltfilt(sos, ears, axis=1)[:, round(first * RATE) : round(last * RATE)]
        frames = tail[:, : tail.shape[1] // size * size].reshape(2, -1, size)
        level = 10 * np.log10(np.mean(frames**2, axis=(0, 2)))
        slope = np.polyfit(np.arange(len(level)) * 0.02, level, 1)[0]
        assert -60 / slope == pytest.approx(room.rt60_bands[3], rel=0.35)

    def test_ends_are_free_of_clicks(self, made):
        room = make_room("hall", 0, seed=1)
        _, ears, *_ = made(room=room, path=Path(points=[(1.0, 0.6, 0.2)], **STAND))
        assert np.abs(ears[:, 0]).max() < 1e-6
        assert np.abs(ears[:, -1]).max() < 1e-6
        last = ears[:, -int(0.02 * RATE) :]
        assert np.abs(np.diff(last, axis=1)).max() < 3 * np.abs(np.diff(ears, axis=1)).std()


class TestBytes:
    def test_the_same_plan_gives_the_same_bytes(self, made):
        one, two = made("one")[-1], made("two")[-1]
        for file in one.iterdir():
            assert file.read_bytes() == (two / file.name).read_bytes(), file.name

    def test_another_seed_gives_other_sound(self, made):
        assert made("one", seed=1)[0]["files"] != made("two", seed=2)[0]["files"]


def test_the_first_segment_of_a_process_is_made_alone(monkeypatch):
    """And those after it side by side, also when the first one failed."""
    module = sys.modules["spatialdrama_corpora.simulate.make"]
    monkeypatch.setattr(module, "_WARM", threading.Event())
    lock, at_work, beside = threading.Lock(), [], []

    def made(plan, folder, config):
        with lock:
            at_work.append(plan)
            beside.append(len(at_work))
        time.sleep(0.05)
        with lock:
            at_work.remove(plan)
        if plan == 0:
            raise ValueError("broken")
        return {}

    monkeypatch.setattr(module, "_made", made)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(make, k, None, None) for k in range(10)]
    assert [k for k, job in enumerate(jobs) if job.exception()] == [0]
    assert beside[:2] == [1, 1]
    assert max(beside) > 1
