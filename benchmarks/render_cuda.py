"""The physical renderer on a CUDA device against itself on two CPU threads.

    python benchmarks/render_cuda.py [--batch 32] [--seconds 16] [--repeats 10] [--json FILE]

Order 2 (25 images) in the reference job's room with its tail, moving voices, each item elsewhere on
the reference walk. Device times are those of events, after a warm-up, medians, with two batches of
other samples and places in turns. "whole call" is `render_batch` on a clock: checks, packing,
transfers both ways and the results' own copies included. The CPU renders one item of the same
length with threads=2 on two cores of the same machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import time
import warnings
from pathlib import Path

import numpy as np
import reference_job
from spatialdrama_render.batch import RenderItem, plan_of, render_batch
from spatialdrama_render.physical import PhysicalRenderer

import spatialdrama as sd
from spatialdrama.runtime.device import resolve

RATE = reference_job.RATE
JOBS = (
    ("omni, no air", {"air": "none"}, "omni"),
    ("omni", {}, "omni"),
    ("speech", {}, "speech"),
)
#: The bars of the project: us per second of sound, times faster, dB.
BARS = {"device_us_per_s": 100.0, "times_cpu": 100.0, "error_db": -60.0}


def items(count: int, seconds: float, directivity: str, seed: int) -> list[RenderItem]:
    """Return items that differ in samples and places."""
    from scipy.signal import firwin, lfilter

    rng = np.random.default_rng(seed)
    room = sd.Room(reference_job.SIZE, rt60=reference_job.RT60, listener=reference_job.LISTENER)
    times = np.arange(0.0, seconds + 0.05, 1 / 60)
    out = []
    for k in range(count):
        raw = rng.standard_normal(round(seconds * RATE))
        mono = 0.1 * lfilter(firwin(129, 16_000, fs=RATE), 1.0, raw).astype(np.float32)
        places = reference_job.positions(times + 1.7 * k + seed, seconds + 1.7 * count + seed + 1)
        pose = sd.Pose.from_samples(times, places)
        out.append(RenderItem(mono.astype(np.float32), pose, room, directivity=directivity))
    return out


def on_device(renderer: PhysicalRenderer, sets: list, where, repeats: int) -> dict:
    """Return medians of device time, by step, in us per second of sound."""
    import torch
    from spatialdrama_render.cuda import device as on_cuda
    from spatialdrama_render.cuda.pack import cut, pack
    from spatialdrama_render.cuda.render import pinned

    lots = [pack([cut(plan_of(renderer, i)) for i in each], pinned) for each in sets]
    heard = on_cuda.heard_by(renderer._receiver.ears, where.torch)
    options = {"rate": renderer.rate, "near_limit": renderer.near_limit}
    steps, totals, uploaded = [], [], []
    for k in range(2 * len(lots) + repeats):
        lot = lots[k % len(lots)]
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        names = ["upload"]
        marks[0].record()
        running = on_cuda.Running(lot, heard, where.torch, **options)
        marks[1].record()

        def mark(name: str, names: list = names, marks: list = marks) -> None:
            names.append(name)
            marks.append(torch.cuda.Event(enable_timing=True))
            marks[-1].record()

        running.start(mark)
        marks[-1].synchronize()
        if k >= 2 * len(lots):
            times = [a.elapsed_time(b) for a, b in itertools.pairwise(marks)]
            steps.append(times)
            totals.append(sum(times[1:]))
            uploaded.append(sum(times))
        del running
    scale = 1e3 / sum(len(i.mono) / RATE for i in sets[0])
    return {
        "steps_us_per_s": dict(
            zip(names, (np.median(steps, axis=0) * scale).tolist(), strict=True)
        ),
        "device_us_per_s": float(np.median(totals) * scale),
        "with_upload_us_per_s": float(np.median(uploaded) * scale),
        "spread_us_per_s": [float(np.min(totals) * scale), float(np.max(totals) * scale)],
        "signals": lots[0].kind[0],
    }


def whole_call(renderer: PhysicalRenderer, sets: list, where, repeats: int) -> float:
    """Return the median wall time of `render_batch`, in us per second of sound."""
    walls = []
    for k in range(1 + repeats):
        began = time.perf_counter()
        render_batch(renderer, sets[k % len(sets)], device=where)
        walls.append(time.perf_counter() - began)
    return 1e6 * float(np.median(walls[1:])) / sum(len(i.mono) / RATE for i in sets[0])


@contextlib.contextmanager
def two_cores():
    """Keep this thread, and those it starts, to two cores."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:2]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def on_cpu(options: dict, item: RenderItem, repeats: int) -> float:
    """Return the median wall time of one item on two threads, in us per second of sound."""
    with two_cores():
        renderer = PhysicalRenderer(threads=2, **options)
        render = {"room": item.room, "directivity": item.directivity}
        renderer.render(item.mono[:RATE], item.pose, **render)
        walls = []
        for _ in range(repeats):
            began = time.perf_counter()
            renderer.render(item.mono, item.pose, **render)
            walls.append(time.perf_counter() - began)
    return 1e6 * float(np.median(walls)) / (len(item.mono) / RATE)


def error_db(renderer: PhysicalRenderer, some: list[RenderItem], where) -> float:
    """Return the worst difference between device and CPU over items and ears, in dB."""
    here, there = (render_batch(renderer, some, device=d) for d in ("cpu", where))
    worst = -np.inf
    for a, b in zip(here, there, strict=True):
        off = np.sum((a.samples.astype(float) - b.samples) ** 2, axis=1)
        worst = max(worst, float(np.max(off / np.sum(a.samples.astype(float) ** 2, axis=1))))
    return 10 * float(np.log10(worst))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=16.0)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    where = resolve(options.device)
    print(
        f"device {where.name}; host {platform.processor() or platform.machine()}, "
        f"{os.cpu_count()} cores; {options.batch} x {options.seconds:g} s, order 2, with tail"
    )
    rows = []
    for name, settings, directivity in JOBS:
        renderer = PhysicalRenderer(**settings)
        sets = [items(options.batch, options.seconds, directivity, seed) for seed in range(2)]
        row = {"job": name, **on_device(renderer, sets, where, options.repeats)}
        row["whole_call_us_per_s"] = whole_call(renderer, sets, where, 3)
        row["cpu_two_threads_us_per_s"] = on_cpu(settings, sets[0][0], 5)
        row["times_cpu"] = row["cpu_two_threads_us_per_s"] / row["device_us_per_s"]
        row["error_db"] = error_db(renderer, sets[0][:2], where)
        rows.append(row)
        show(row)
    if options.json:
        found = {"device": where.name, "batch": options.batch, "seconds": options.seconds,
                 "bars": BARS, "rows": rows}  # fmt: skip
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def show(row: dict) -> None:
    print(f"\n{row['job']} ({row['signals']} signals per voice), us per second of sound")
    for step, value in row["steps_us_per_s"].items():
        print(f"  {step:28s}{value:9.2f}")
    low, high = row["spread_us_per_s"]
    print(f"  {'device':28s}{row['device_us_per_s']:9.2f}   ({low:.2f} to {high:.2f})")
    print(f"  {'device, upload included':28s}{row['with_upload_us_per_s']:9.2f}")
    print(f"  {'whole call':28s}{row['whole_call_us_per_s']:9.0f}")
    print(f"  {'CPU, two threads':28s}{row['cpu_two_threads_us_per_s']:9.0f}")
    for what, better in (("device_us_per_s", -1), ("times_cpu", 1), ("error_db", -1)):
        met = better * row[what] >= better * BARS[what]
        verdict = "met" if met else "NOT met"
        print(f"  {what:20s}{row[what]:10.1f}   bar {BARS[what]:g}: {verdict}")


if __name__ == "__main__":
    main()
