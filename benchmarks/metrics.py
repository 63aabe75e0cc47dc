"""How fast the headline spatial metrics are, on one core, and what memory scoring takes.

    python benchmarks/metrics.py [--full] [--items 10] [--repeats 3] [--json FILE]

Items of 10 s at two ears, 48 kHz: speech-like noise that walks round the head in noise of the
room's kind, against a reference that is the same with other delays. ``--full`` takes 100 of them.

Three ways to the same figures take turns:

* ``batch``: ``score_batch`` of each metric over all items, 16 at a time, as ``sd.score`` calls it.
* ``alone``: the same code, item by item and metric by metric, everything that was kept forgotten
  in between: each metric makes its own transforms.
* ``plain``: item by item and metric by metric, the definitions written down with numpy in double
  precision, each metric with its own transform of the whole clip (`plain_interaural.py`). Its
  values must agree with the others', or the script fails.

Chance is scored as a table does it: every item against the references of three others. What the
issue asks: all seven metrics at least 20 times faster than real time; the batched path at least 3
times faster than item by item. Verdicts go by processor time: one core is what is asked about, and
others may be using the machine. Memory is the peak of a process of its own per count of items.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clock

clock.one_thread()

import numpy as np  # noqa: E402
import plain_interaural  # noqa: E402
from spatialdrama_metrics.functional import analysis  # noqa: E402
from spatialdrama_metrics.places import _localiser  # noqa: E402

import spatialdrama as sd  # noqa: E402
from spatialdrama.types import BinauralAudio, Pose  # noqa: E402

RATE, SECONDS, BATCH = 48_000, 10.0, 16
INTERAURAL = ("itd_mae", "ild_mae", "ipd_mae", "coherence_mae")
PLACES = ("azimuth_mae_deg", "elevation_mae_deg", "distance_mae_m")
WANTED_RTF, WANTED_RATIO, SHIFTS = 20.0, 3.0, 3
#: Both beyond the 60 items of 10 s whose analyses fill what is kept (64 MB).
MEMORY_ITEMS = (100, 200)
#: Relative; single against double precision.
AGREE = 1e-6


def clip(seed: int) -> BinauralAudio:
    """Return 10 s of a source that jumps to another side every half second, and a diffuse rest."""
    rng = np.random.default_rng(seed)
    n = round(SECONDS * RATE)
    source, left, right = rng.standard_normal((3, n)).astype(np.float32) / 10
    source *= np.maximum(0.05, np.sin(2 * np.pi * 3 * np.arange(n) / RATE)).astype(np.float32)
    ears = np.stack([left, right]) * 0.1
    for start in range(0, n, RATE // 2):
        lag = int(rng.integers(-30, 31))
        part = slice(start, start + RATE // 2)
        ears[0, part] += source[part] * 10 ** (lag / 80)
        ears[1, part] += np.roll(source[part], lag) * 10 ** (-lag / 80)
    return BinauralAudio(ears, RATE)


class Work:
    """All pairs, and the ways to score them."""

    def __init__(self, items: int) -> None:
        self.audios = [clip(2 * k) for k in range(items)]
        self.references = [clip(2 * k + 1) for k in range(items)]
        self.pose = Pose.fixed(azimuth_deg=30, distance=1.5)
        self.metrics = {name: sd.load_metric(name) for name in (*INTERAURAL, *PLACES)}

    def forget(self) -> None:
        """Let everything that was kept go."""
        analysis.forget()
        _localiser(None)._kept.clear()

    def batch(self, names: tuple[str, ...], shifts: int = 0) -> dict[str, list[float]]:
        """Score in batches; with `shifts`, also against the references of others."""
        self.forget()
        out: dict[str, list[float]] = {name: [] for name in names}
        items = len(self.audios)
        for shift in range(shifts + 1):
            for low in range(0, items, BATCH):
                part = range(low, min(low + BATCH, items))
                audios = [self.audios[k] for k in part]
                given = [self.references[(k + shift) % items] for k in part]
                for name in names:
                    out[name] += self.scored(name, audios, given)
        return out

    def scored(self, name: str, audios: list, references: list) -> list[float]:
        """Return the values of one metric for a batch."""
        metric = self.metrics[name]
        if name in INTERAURAL:
            return [s.value for s in metric.score_batch(audios, reference=references)]
        return [metric.score(audio, pose=self.pose).value for audio in audios]

    def alone(self, names: tuple[str, ...], shifts: int = 0) -> dict[str, list[float]]:
        """Score item by item, each metric with analyses of its own."""
        out: dict[str, list[float]] = {name: [] for name in names}
        for name in names:
            for audio, reference in self.pairs(shifts):
                self.forget()
                out[name] += self.scored(name, [audio], [reference])
        return out

    def plain(self, names: tuple[str, ...], shifts: int = 0) -> dict[str, list[float]]:
        """Score item by item, by the definitions."""
        return {
            name: [
                plain_interaural.ERRORS[name](a.samples, b.samples, RATE)
                for a, b in self.pairs(shifts)
            ]
            for name in names
        }

    def pairs(self, shifts: int) -> list[tuple[BinauralAudio, BinauralAudio]]:
        """Return all pairs in the order of `batch`."""
        items = len(self.audios)
        return [
            (self.audios[k], self.references[(k + shift) % items])
            for shift in range(shifts + 1)
            for k in range(items)
        ]


def faster_than_real_time(work: Work, repeats: int) -> dict[str, dict[str, float]]:
    """Time each metric by itself and all together; times real time."""
    everything = (*INTERAURAL, *PLACES)
    runs: dict[str, Callable[[], Any]] = {
        name: (lambda name=name: work.batch((name,))) for name in everything
    }
    runs["the four interaural"] = lambda: work.batch(INTERAURAL)
    runs["all seven"] = lambda: work.batch(everything)
    seconds = SECONDS * len(work.audios)
    print(f"\n{len(work.audios)} x {SECONDS:g} s, times real time (median of {repeats})")
    rows = {}
    for name, timing in clock.take_turns(runs, repeats, lambda _: None).items():
        rows[name] = {
            "rtf_wall": seconds / timing.wall_median,
            "rtf_cpu": seconds / timing.cpu_median,
        }
        print(f"  {name:24}{rows[name]['rtf_wall']:8.0f} wall {rows[name]['rtf_cpu']:8.0f} cpu")
    return rows


def batched_against_single(work: Work, repeats: int, shifts: int) -> dict[str, float]:
    """Time the ways of scoring the four interaural metrics; return ratios of processor time."""
    ways = {w: (lambda w=w: getattr(work, w)(INTERAURAL, shifts)) for w in
            ("batch", "alone", "plain")}  # fmt: skip
    values = {way: run() for way, run in ways.items()}
    for name in INTERAURAL:
        if values["batch"][name] != values["alone"][name]:
            raise RuntimeError(f"{name} of a batch is not that of its items.")
        np.testing.assert_allclose(
            values["batch"][name], values["plain"][name], rtol=AGREE, err_msg=name
        )
    timings = clock.take_turns(ways, repeats, lambda _: None)
    cost = {way: timing.cpu_median for way, timing in timings.items()}
    out = {f"{way}_s": cost[way] for way in ways}
    out |= {f"{way}_over_batch": cost[way] / cost["batch"] for way in ("alone", "plain")}
    what = f"with chance ({shifts} shifts)" if shifts else "once"
    times = "".join(f"{way} {cost[way]:.2f} s, " for way in ways)
    ratios = ", ".join(f"{w} / batch {out[f'{w}_over_batch']:.2f}" for w in ("alone", "plain"))
    print(f"  {what:24}{times}{ratios}")
    return out


def streamed(items: int) -> None:
    """Score `items` one batch after the other, none kept, and print the peak of the process."""
    metrics = [sd.load_metric(name) for name in (*INTERAURAL, *PLACES)]
    pose = Pose.fixed(azimuth_deg=30, distance=1.5)
    for k in range(items):
        audio, reference = clip(2 * k), clip(2 * k + 1)
        for metric in metrics:
            given = {"pose": pose} if hasattr(metric, "weights") else {"reference": reference}
            metric.score(audio, **given)
    print(peak_mb())


def peak_mb() -> float:
    """Return this process' peak memory, MB.

    On Linux ``ru_maxrss`` begins with what the process had that started this one.
    """
    own = Path("/proc/self/status")
    if own.is_file():
        line = next(x for x in own.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(items: int) -> float:
    """Return the peak memory (MB) of a fresh process that scores so many items."""
    command = [sys.executable, __file__, "--child", str(items)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """Run, print, and say what was asked for and missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="100 items")
    parser.add_argument("--items", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        streamed(options.child)
        return
    work = Work(100 if options.full else options.items)
    report: dict[str, Any] = {"machine": clock.machine(), "items": len(work.audios)}
    report["real_time"] = faster_than_real_time(work, options.repeats)
    few = Work(min(len(work.audios), 10))
    print(f"\nthe four interaural metrics, {len(few.audios)} items, processor time")
    report["once"] = batched_against_single(few, options.repeats, 0)
    report["chance"] = batched_against_single(few, options.repeats, SHIFTS)
    report["memory_mb"] = {n: memory(n) for n in MEMORY_ITEMS}
    print("\npeak memory: " + ", ".join(f"{n} items {m:.0f} MB" for n, m in
                                       report["memory_mb"].items()))  # fmt: skip
    asked = {
        "all seven, times real time": (report["real_time"]["all seven"]["rtf_cpu"], WANTED_RTF),
        "batch over plain, once": (report["once"]["plain_over_batch"], WANTED_RATIO),
        "batch over alone, once": (report["once"]["alone_over_batch"], WANTED_RATIO),
        "batch over alone, with chance": (report["chance"]["alone_over_batch"], WANTED_RATIO),
    }
    print("\nasked for (processor time)")
    for what, (have, want) in asked.items():
        print(f"  {what:32}{have:8.1f} of {want:g}{'' if have >= want else '   MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
