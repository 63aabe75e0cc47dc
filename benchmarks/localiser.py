"""The shipped localiser on rooms, voices and heads that it was not trained on, and on recordings.

    python benchmarks/localiser.py [--clips 48] [--recordings FOLDER] [--json FILE]

Clips of 4 s: kokoro speaks lines that were not trained on, the physical renderer places them (60 %
still, the others walk up to 2 m/s) in rooms drawn with a seed that training did not use. Beside
the localiser a lookup of ITD and ILD: for each frame the direction of the KEMAR set, free field,
all azimuths at ear height every 5 degrees, whose delay and band levels are nearest; it knows the
head, and takes the median of a second. Every error is taken over frames with a voice in them.

RECORDINGS holds one folder a clip, with ``binaural.flac`` and ``tx_positions.txt``.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from scipy.ndimage import median_filter
from spatialdrama_metrics.localise.localiser import Localiser
from spatialdrama_metrics.localise.training import scenes
from spatialdrama_metrics.localise.training.data import spoken
from spatialdrama_metrics.localise.training.heads import HEADS, responses

import spatialdrama as sd
from spatialdrama.dsp.interaural import ild_track, itd_track
from spatialdrama.errors import SpatialDramaWarning

RATE, SEED, PER_ROOM = 48_000, 990_001, 4
TESTED = ("kemar", "kemar +2 %, held out", "pinnae 10 cm, held out")
LINES = (
    ("en", "af_nicole", "The moon was late that night, and nobody had lit the lamp."),
    ("en", "am_fenrir", "I told you twice already: the door was open when I came."),
    ("en", "bf_emma", "Give me your hand, and do not look behind you."),
    ("en", "bm_lewis", "What did the captain say before he left the harbour?"),
    ("zh", "zf_xiaoyi", "昨天晚上下了一场大雨，路上一个人也没有。"),
    ("zh", "zm_yunyang", "你先坐下，我慢慢地把事情告诉你。"),
)


def voices() -> list[np.ndarray]:
    """Return lines at 48 kHz, each with a peak of .7."""
    kokoro, out = sd.load_voice("kokoro"), []
    for language, identity, text in LINES:
        said = kokoro.speak(text, identity=identity, language=language, seed=1)
        samples = soxr.resample(said.samples, said.rate, RATE)
        out.append(0.7 * samples / np.abs(samples).max())
    return out


def clips(name: str, count: int, lines: list[np.ndarray]) -> list[tuple[Any, Any]]:
    """Return (sound, pose in the listener's frame) of one head in many rooms."""
    head = next(h for h in HEADS if h.name == name)
    measured = sd.load_renderer("physical").head
    renderer = sd.load_renderer("physical", hrtf=responses(head, measured))
    rng, items, poses = np.random.default_rng([SEED, HEADS.index(head)]), [], []
    while len(items) < count:
        where = scenes.stage(rng)
        for _ in range(PER_ROOM):
            pose = scenes.trajectory(rng, where, still=rng.random() < 0.6)
            items.append(scenes.item(rng, where, spoken(rng, lines), pose))
            poses.append(pose.relative_to(where.listener))
    wanted = round(scenes.CLIP * RATE)
    sounds = renderer.render_batch(items[:count], device="cpu", progress=True)
    return [
        (sd.BinauralAudio(s.samples[:, :wanted], RATE), p)
        for s, p in zip(sounds, poses, strict=False)
    ]


class Lookup:
    """The nearest direction by delay and level, as a person would write it in an afternoon."""

    def __init__(self) -> None:
        renderer = sd.load_renderer("physical", near="none", air="none")
        noise = np.random.default_rng(0).standard_normal(RATE // 2) / 10
        self.azimuths = np.arange(-180.0, 180.0, 5.0)
        cues = [
            self._cues(
                renderer.render(
                    noise, sd.Pose.fixed(azimuth_deg=a, distance=1.4), directivity="omni"
                )
            )
            for a in self.azimuths
        ]
        self.itd = np.array([np.median(c[1]) for c in cues])
        self.ild = np.array([np.median(c[2], axis=0) for c in cues])

    @staticmethod
    def _cues(audio: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        delay = itd_track(audio.samples, rate=audio.rate, hop_s=0.04)
        level = ild_track(audio.samples, rate=audio.rate, hop_s=0.04)
        return delay.times, delay.itd_us, np.clip(level.ild_db, -40, 40)

    def azimuth(self, audio: Any, times: np.ndarray) -> np.ndarray:
        """Return degrees at `times`: the nearest entry to cues that are medians of a second."""
        own, delay, level = self._cues(audio)
        delay, level = median_filter(delay, 25), median_filter(level, (25, 1))
        far = ((delay[:, None] - self.itd) / 50.0) ** 2
        far = far + (((level[:, None] - self.ild) / 5.0) ** 2).mean(axis=-1)
        nearest = self.azimuths[far.argmin(axis=1)]
        return nearest[np.abs(times[:, None] - own).argmin(axis=1)]


def errors(found: dict[str, np.ndarray], places: np.ndarray) -> dict[str, np.ndarray]:
    """Return errors frame by frame; azimuths count within 15 degrees of ear height."""
    true = np.rad2deg(np.arctan2(places[:, 1], places[:, 0]))
    raised = np.rad2deg(np.arctan2(places[:, 2], np.hypot(places[:, 0], places[:, 1])))
    off = np.abs((found["azimuth"] - true + 180) % 360 - 180)
    mirrored = np.abs((180 - found["azimuth"] - true + 180) % 360 - 180)
    level = np.abs(raised) < 15
    out = {
        "azimuth": off[level],
        "folded": np.minimum(off, mirrored)[level],
        "front/back": (mirrored < off - 20)[level],
        "azimuth, any height": off,
    }
    if "elevation" in found:
        distance = np.linalg.norm(places, axis=1)
        out["elevation"] = np.abs(found["elevation"] - raised)
        out["distance"] = np.abs(found["distance"] - distance)
    return out


def measured(sounds: list[tuple[Any, Any]], who: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return medians (and the share of confusions) of each system over all frames."""
    rows: dict[str, list[dict[str, np.ndarray]]] = {}
    for audio, pose in sounds:
        track = who["localiser"].track(audio)
        places = pose.positions_at(np.minimum(track.times, audio.duration))[track.active]
        times = track.times[track.active]
        found = {
            "localiser": {
                "azimuth": track.azimuth_deg[track.active],
                "elevation": track.elevation_deg[track.active],
                "distance": track.distance_m[track.active],
            },
            "lookup": {"azimuth": who["lookup"].azimuth(audio, times)},
        }
        for system, values in found.items():
            rows.setdefault(system, []).append(errors(values, places))
    out = {}
    for system, parts in rows.items():
        joined = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
        out[system] = {
            k: float(v.mean() if k == "front/back" else np.median(v)) if len(v) else np.nan
            for k, v in joined.items()
        }
    return out


def main() -> None:
    """Print the tables, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=48, help="of each head")
    parser.add_argument("--recordings", help="folder of recorded clips")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    warnings.simplefilter("ignore", SpatialDramaWarning)
    who = {"localiser": Localiser(), "lookup": Lookup()}
    result: dict[str, Any] = {}
    lines = voices()
    for name in TESTED:
        result[name] = measured(clips(name, options.clips, lines), who)
    if options.recordings:
        every = []
        for folder in sorted(p for p in Path(options.recordings).iterdir() if p.is_dir()):
            pose = sd.Pose.read(folder / "tx_positions.txt", format="mrsdrama-120hz")
            every.append((sd.BinauralAudio.load(folder / "binaural.flac"), pose))
            result[f"recording {folder.name}"] = measured(every[-1:], who)
        result["recordings, all frames"] = measured(every, who)
    columns = ("azimuth", "folded", "front/back", "azimuth, any height", "elevation", "distance")
    print(
        f"{'median errors (deg, deg, share, deg, deg, m)':<34}"
        + "".join(f"{c:>21}" for c in columns)
    )
    for name, systems in result.items():
        for system, row in systems.items():
            cells = "".join(f"{row[c]:>21.2f}" if c in row else f"{'-':>21}" for c in columns)
            print(f"{name + ': ' + system:<34}"[:34] + cells)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
