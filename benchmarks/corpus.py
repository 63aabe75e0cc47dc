"""How fast simulated segments are made, on one core, when their lines have been spoken before.

    python benchmarks/corpus.py
    python benchmarks/corpus.py --segments 24 --video --json corpus.json

Segments are those of the default configuration, one drama in each family of rooms and in the free
field. A line is a burst of noise with phones and a pitch, as long as the plan estimates, so that
no synthesis is timed: placing, rendering, prompts, annotations and writing are. Each family's first
segments are made once before the clock starts, as in a long build, where heads, compiled kernels
and the tails of rooms are there; seconds are of the processor and of the wall.
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from clock import one_thread

FAMILIES = ("dry", "living", "hall", "free")
RATE = 24_000


class Noise:
    """A voice that costs nothing: noise of the length that the text would take."""

    languages = ("en", "zh")

    def speak(self, text: str, *, identity: str, rate: float = 1.0, seed: int = 0, **_: Any) -> Any:
        from spatialdrama_corpora.scripts.lengths import spoken_seconds

        from spatialdrama.types import Phone, Speech

        n = round(spoken_seconds(text) / rate * 40) * (RATE // 40)
        samples = 0.1 * np.random.default_rng(seed % 2**32).standard_normal(n)
        edges = np.linspace(0.0, n / RATE, len(text) + 1).round(6)
        phones = [Phone("a", a, b) for a, b in pairwise(edges)]
        f0 = np.full(n * 80 // RATE, 150.0)
        return Speech(samples, RATE, phones=phones, f0=f0, f0_hop=1 / 80, text=text)


def measured(family: str, segments: int, *, video: bool, seed: int) -> dict[str, float]:
    """Return seconds of sound, of the processor and of the wall for one family's segments."""
    from spatialdrama_corpora.simulate import SimulationConfig, make, plan

    config = SimulationConfig(
        hours=1.0, seed=seed, voice="noise", rooms={family: 1}, heads={"kemar": 1}, test_head="",
        video=video,
    )  # fmt: skip
    some = list(islice(plan(config), segments))
    with tempfile.TemporaryDirectory() as folder:

        def run(plans: Any, name: str) -> float:
            sound = 0.0
            for i, segment in enumerate(plans):
                out = Path(folder) / f"{name}{i}"
                out.mkdir()
                sound += make(segment, out, config)["duration"]
            return sound

        run(some[:2], "warm")
        before = time.perf_counter(), time.process_time()
        sound = run(some, "timed")
        wall, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
        size = sum(f.stat().st_size for f in Path(folder).glob("timed*/*"))
    return {"sound": sound, "cpu": cpu, "wall": wall, "bytes": size / sound}


def main() -> None:
    """Print a table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--segments", type=int, default=16, help="of each family")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--video", action="store_true", help="also films each segment")
    p.add_argument("--json", type=Path, metavar="FILE")
    options = p.parse_args()
    one_thread()

    from spatialdrama.registry import VoiceSpec, register_local

    register_local("voice", VoiceSpec("noise", "corpus:Noise"), Noise)
    run = functools.partial(
        measured, segments=options.segments, video=options.video, seed=options.seed
    )
    rows = {family: run(family) for family in FAMILIES}
    total = {k: sum(row[k] for row in rows.values()) for k in ("sound", "cpu", "wall")}
    total["bytes"] = sum(r["bytes"] * r["sound"] for r in rows.values()) / total["sound"]
    rows["all"] = total
    print("times real time on one core, synthesis left out" + ", with video" * options.video)
    print(f"{'room':8} {'sound s':>8} {'cpu s':>7} {'x cpu':>7} {'x wall':>7} {'kB / s':>7}")
    for name, row in rows.items():
        print(
            f"{name:8} {row['sound']:8.1f} {row['cpu']:7.2f} {row['sound'] / row['cpu']:7.1f} "
            f"{row['sound'] / row['wall']:7.1f} {row['bytes'] / 1e3:7.0f}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
