"""How fast the physical renderer is, and what else a user could take, in one run.

    python benchmarks/render_speed.py [--repeats 5] [--seconds 60] [--hour] [--json FILE]

Every renderer does the reference job (`reference_job.py`): the free field, then the room with 7, 25
and 63 images. They take turns (A B C A B C) on one thread, with everything loaded beforehand, and
medians are compared. On a busy machine the processor's time is the steadier figure; verdicts go by
the wall's clock all the same. Peers that are not installed are skipped, and it is said what to
install. Ten minutes; `--seconds 20` takes four.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clock

clock.one_thread()

import long_render  # noqa: E402
import numpy as np  # noqa: E402
import peers  # noqa: E402
import reference_job  # noqa: E402
from peers import csound, numpy_overlap_add, openal, ours, pyroomacoustics_hrtf  # noqa: E402

MODULES = (ours, openal, csound, numpy_overlap_add, pyroomacoustics_hrtf)
CASES = {"free field": 0, "order 1": 1, "order 2": 2, "order 3": 3}
#: (case, slower, faster, least ratio of their times) as issue 3 asks.
RATIOS = (
    ("free field", "OpenAL-soft", "physical", 1.0),
    ("free field", "numpy overlap-add", "physical", 3.0),
    ("order 1", "csound", "physical", 2.0),
    ("order 2", "csound", "physical", 4.0),
    ("order 2", "pyroomacoustics", "physical", 6.0),
)
FOUR_TO_ONE, STREAM_RTF, HOUR_MB = 3.5, 0.1, 1000.0


def contenders(order: int, *, everything: bool) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return by name which modules do an order, and how."""
    out = {}
    for module in MODULES:
        if order not in module.ORDERS or module.missing() is not None:
            continue
        if order == 3 and module is not ours and not everything:
            continue
        for variant, keywords in module.VARIANTS.items():
            name = f"{module.NAME}, {variant}" if variant else module.NAME
            out[name] = (module, keywords)
    return out


def raced(name: str, runs: dict[str, Callable[[], Any]], options: argparse.Namespace) -> dict:
    """Let `runs` take turns; return and print their rows."""
    print(f"\n{name}")
    timings = clock.take_turns(runs, options.repeats, options.told)
    rows = {}
    for who, timing in timings.items():
        rows[who] = {
            "rtf_wall": timing.wall_median / options.seconds,
            "rtf_cpu": timing.cpu_median / options.seconds,
            "wall_s": timing.wall, "cpu_s": timing.cpu,
        }  # fmt: skip
    report(rows)
    return rows


def report(rows: dict[str, dict[str, Any]]) -> None:
    """Print one case's table: seconds of work per second of sound, fastest first."""
    first = next(iter(rows.values()))
    print(f"  {'':38}{'wall':>9}{'spread':>16}{'cpu':>9}{'re the first':>14}")
    for who, row in sorted(rows.items(), key=lambda item: item[1]["rtf_wall"]):
        scale = row["rtf_wall"] / np.median(row["wall_s"])
        low, high = min(row["wall_s"]) * scale, max(row["wall_s"]) * scale
        print(f"  {who:38}{row['rtf_wall']:9.5f}{low:8.4f}-{high:.4f} {row['rtf_cpu']:9.5f}"
              f"{row['rtf_wall'] / first['rtf_wall']:12.2f} x")  # fmt: skip


def race(case: str, order: int, mono: np.ndarray, options: argparse.Namespace) -> dict:
    """Prepare everybody for one order, check that all are heard, and time them."""
    job = peers.Job(mono, order)
    runs = {}
    for name, (module, keywords) in contenders(order, everything=options.all).items():
        runs[name] = module.prepare(job, **keywords)
    rows = raced(f"{case}, {len(images(order))} image(s)", runs, options)
    for name, run in runs.items():
        getattr(run, "rewind", lambda: None)()
        check(name, peers.heard(run()), job)
    return rows


def images(order: int) -> list[tuple[int, int, int]]:
    """Return the cells of the image lattice up to an order: who has as many, does as much."""
    span = range(-order, order + 1)
    return [
        (x, y, z) for x in span for y in span for z in span if abs(x) + abs(y) + abs(z) <= order
    ]


def check(name: str, ears: np.ndarray, job: peers.Job) -> None:
    """Raise unless a render is whole, finite and on average louder on the side of the source.

    A peer that does half of the job is fast for the wrong reason.
    """
    if ears.shape[0] != 2 or ears.shape[1] < len(job.mono) - 1024 or not np.isfinite(ears).all():
        raise RuntimeError(f"{name} returned {ears.shape}, not all of the job.")
    frame = reference_job.RATE // 4
    count = min(len(job.mono), ears.shape[1]) // frame
    level = (ears[:, : count * frame].reshape(2, count, frame) ** 2).sum(axis=2)
    difference = 10 * np.log10((level[0] + 1e-9) / (level[1] + 1e-9))
    side = job.positions((np.arange(count) + 0.5) / 4)[:, 1]
    nearer = float(np.mean((np.sign(side) * difference)[np.abs(side) > 0.5]))
    if nearer < 0.5:
        raise RuntimeError(
            f"{name} is {nearer:.1f} dB louder at the ear that is nearer; that is not the job."
        )


def crowd(mono: np.ndarray, options: argparse.Namespace) -> dict:
    """Time one speaker and four at once, in the room and in the free field."""
    return {
        place: raced(
            f"speakers at once, {place}",
            {f"{n} speaker{'s' * (n > 1)}": ours.prepare_scene(mono, n, order) for n in (1, 4)},
            options,
        )
        for place, order in (("order 2", 2), ("free field", 0))
    }


def streamed(mono: np.ndarray, order: int, options: argparse.Namespace) -> dict[str, Any]:
    """Time a stream of 5.3 ms blocks with a head that turns at every block."""
    import spatialdrama as sd

    renderer = sd.load_renderer("physical", order=order)
    pose = reference_job.pose(options.seconds)
    room = reference_job.room() if order else None
    wall, cpu, slowest = [], [], []
    for _ in range(options.repeats + 1):  # the first one compiles
        stream = renderer.stream(pose, room=room, seconds=options.seconds)
        n = stream.block
        angle = 0.5 * np.sin(2 * np.pi * 0.5 * np.arange(len(mono) // n) * n / reference_job.RATE)
        turned = np.stack([0 * angle, 0 * angle, np.sin(angle / 2), np.cos(angle / 2)], axis=1)
        took = np.empty(len(angle))
        started = time.process_time()
        for k, orientation in enumerate(turned):
            before = time.perf_counter()
            stream.process(mono[k * n : (k + 1) * n], orientation=orientation)
            took[k] = time.perf_counter() - before
        cpu.append((time.process_time() - started) / options.seconds)
        wall.append(took.sum() / options.seconds)
        slowest.append(np.percentile(took, 99.9))
    row = {
        "rtf_wall": float(np.median(wall[1:])), "rtf_cpu": float(np.median(cpu[1:])),
        "block_ms": 1000 * n / reference_job.RATE,
        "p999_ms": float(1000 * np.median(slowest[1:])),
    }  # fmt: skip
    print(f"  order {order}: {row['rtf_wall']:.4f} s per s (cpu {row['rtf_cpu']:.4f}); of a "
          f"thousand blocks of {row['block_ms']:.1f} ms the slowest takes "
          f"{row['p999_ms']:.2f} ms")  # fmt: skip
    return row


def summary(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each ratio that the issue asks for, its bar and whether it is met."""
    out = []
    for case, slower, faster, least in RATIOS:
        rows = result["cases"].get(case, {})
        if slower not in rows:
            continue
        tuned = [n for n in rows if n.startswith(f"{slower}, ")]
        ratio = rows[slower]["rtf_wall"] / rows[faster]["rtf_wall"]
        out.append({
            "what": f"{case}: {slower} takes so many times as long", "value": ratio,
            "cpu": rows[slower]["rtf_cpu"] / rows[faster]["rtf_cpu"],
            "defaults": rows[slower]["rtf_wall"] / rows[f"{faster}, defaults"]["rtf_wall"],
            "tuned": rows[tuned[0]]["rtf_wall"] / rows[faster]["rtf_wall"] if tuned else None,
            "bar": least, "at_least": True, "met": ratio >= least,
        })  # fmt: skip
    for place, rows in result["speakers"].items():
        ratio = rows["4 speakers"]["rtf_wall"] / rows["1 speaker"]["rtf_wall"]
        out.append({
            "what": f"{place}: four speakers re one", "value": ratio,
            "cpu": rows["4 speakers"]["rtf_cpu"] / rows["1 speaker"]["rtf_cpu"],
            "bar": FOUR_TO_ONE, "at_least": False, "met": ratio <= FOUR_TO_ONE,
        })  # fmt: skip
    for place, row in result["stream"].items():
        out.append({"what": f"{place}: stream of 5.3 ms blocks, s per s", "value": row["rtf_wall"],
                    "cpu": row["rtf_cpu"], "bar": STREAM_RTF, "at_least": False,
                    "met": row["rtf_wall"] <= STREAM_RTF})  # fmt: skip
    longest = result["memory"][-1]
    peak = longest["peak_mb"]
    out.append({"what": f"peak memory of {longest['seconds']:g} s, MB", "value": peak,
                "bar": HOUR_MB, "at_least": False, "met": peak <= HOUR_MB})  # fmt: skip
    return out


def report_summary(rows: list[dict[str, Any]]) -> None:
    """Print the summary."""
    print(f"\nSummary\n  {'':56}{'wall':>8}{'cpu':>8}{'defaults':>10}{'tuned':>8}{'bar':>10}")
    for row in rows:
        cells = "".join(
            f"{row[key]:{width}.2f}" if row.get(key) is not None else " " * width
            for key, width in (("value", 8), ("cpu", 8), ("defaults", 10), ("tuned", 8))
        )
        sign = ">=" if row["at_least"] else "<="
        print(f"  {row['what']:56}{cells}{sign:>4} {row['bar']:<6g}"
              f"{'met' if row['met'] else 'NOT MET'}")  # fmt: skip
    print("  defaults: with a mouth, air and a head that changes nearby, which no peer has; tuned: "
          "against the peer's faster variant")  # fmt: skip


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--all", action="store_true", help="peers at order 3, too")
    parser.add_argument("--hour", action="store_true", help="memory of an hour, not of 5 minutes")
    parser.add_argument("--quiet", action="store_true", help="no line for each round")
    options = parser.parse_args()
    options.told = (lambda _: None) if options.quiet else print
    mono, what = reference_job.voice(options.seconds)
    result: dict[str, Any] = {"machine": clock.machine(), "seconds": options.seconds,
                              "repeats": options.repeats, "voice": what}  # fmt: skip
    print(f"{options.seconds:g} s of {what}, medians of {options.repeats}, one thread; "
          f"{result['machine']['processor']}, load {result['machine']['load'][0]}")  # fmt: skip
    result["skipped"] = {m.NAME: why for m in MODULES if (why := m.missing()) is not None}
    for name, why in result["skipped"].items():
        print(f"  {name} is skipped: {why}")
    result["cases"] = {case: race(case, order, mono, options) for case, order in CASES.items()}
    result["speakers"] = crowd(mono, options)
    print("\nstreaming, the head turning at every block")
    result["stream"] = {
        place: streamed(mono, order, options)
        for place, order in (("free field", 0), ("order 2", 2))
    }
    lengths = (60.0, 3600.0) if options.hour else (60.0, 300.0)
    result["memory"] = [long_render.measured(length) for length in lengths]
    print("\nmemory of a render from file to file, order 2")
    for row in result["memory"]:
        print(f"  {row['seconds']:6g} s: {row['peak_mb']:.0f} MB at most, {row['before_mb']:.0f} "
              f"before the first block; {row['wall_s']:.1f} s")  # fmt: skip
    result["summary"] = summary(result)
    report_summary(result["summary"])
    result["machine"]["load_after"] = clock.machine()["load"]
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
