"""The selective scan: a loop over time, chunks in plain torch and mamba-ssm's kernel.

    python benchmarks/isdrama_scan.py [--device cpu] [--threads 1] [--chunks 16,32] [--json FILE]

Forward without gradients, and forward with backward for every input, in milliseconds: medians of
`--repeats` runs after one that warms up, the ways taking turns. On CUDA the times are those of
events. The loop is autograd's own, with every state kept: with gradients it is left out where those
would take more than `--loop-gib`. `fused` is there where mamba-ssm is. The last column says how far
an output is from the loop's in float64, as a part of its greatest number.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from spatialdrama_isdrama.scan import fused
from spatialdrama_isdrama.scan.chunked import chunk_length, scan_chunked
from spatialdrama_isdrama.scan.loop import scan_loop

#: Batch, channels, states, frames: a tiny test, a line at the latent rate, at the mel rate, 12 K.
SIZES = {
    "tiny": (2, 32, 16, 100),
    "line": (1, 1536, 16, 375),
    "long": (1, 1536, 16, 1500),
    "batch": (8, 1536, 16, 1500),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def given(size: tuple[int, ...], device: str, dtype: torch.dtype) -> list[torch.Tensor]:
    """Return u, delta, A, B, C as a Mamba layer has them: time before channels in memory."""
    b, d, n, t = size
    make = torch.Generator().manual_seed(0)
    u, delta = (torch.randn(b, t, d, generator=make).mT for _ in range(2))
    B, C = (torch.randn(b, t, n, generator=make).mT for _ in range(2))
    A = -torch.arange(1.0, n + 1).repeat(d, 1)
    varying = [x.to(device, dtype) for x in (u, delta.abs() * 0.05, B, C)]
    return [*varying[:2], A.to(device), *varying[2:]]


def ways(size, device: str, dtype: torch.dtype, chunks: list[int]) -> dict[str, Callable]:
    """Return what can run here, by name."""
    b, d, n, t = size
    default = min(chunk_length(b * d * n, torch.device(device)), t)
    out: dict[str, Callable] = {
        "loop": lambda *xs: scan_loop(*(x.float() for x in xs)),
        f"chunked ({default}, default)": scan_chunked,
    }
    for chunk in chunks:
        out[f"chunked ({chunk})"] = lambda *xs, c=chunk: scan_chunked(*xs, chunk=c)
    probe = torch.zeros(1, 1, 1, device=device, dtype=dtype)
    if not fused.why_not(probe):
        out["fused"] = fused.scan_fused
    return out


def clock(run: Callable, device: str) -> float:
    """Return the milliseconds of one run."""
    if device != "cuda":
        begin = time.perf_counter()
        run()
        return 1e3 * (time.perf_counter() - begin)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end)


def measure(size, options) -> dict[str, dict[str, float]]:
    """Return forward and forward+backward of each way, and its error."""
    dtype = DTYPES[options.dtype]
    xs = given(size, options.device, dtype)
    exact = scan_loop(*(x.double() for x in xs)) if size[0] == 1 or size[3] < 500 else None
    both, alone, out = {}, {}, {}
    for name, way in ways(size, options.device, dtype, options.chunks).items():
        out[name] = {}
        alone[name] = lambda way=way: way(*xs)
        # A state, its decay, its drive and two products of them, for each step.
        states = 5 * 4 * np.prod([float(s) for s in size]) / 2**30
        if name != "loop" or states <= options.loop_gib:
            leaves = [x.clone().requires_grad_() for x in xs]
            both[name] = lambda way=way, leaves=leaves: torch.autograd.grad(
                way(*leaves).sum(), leaves
            )
        if exact is not None:
            error = (way(*xs).double() - exact).abs().max() / exact.abs().max()
            out[name]["error"] = float(error)
    with torch.no_grad():
        collect(alone, "forward_ms", out, options)
    collect(both, "both_ms", out, options)
    return out


def collect(runs: dict[str, Callable], label: str, out: dict, options) -> None:
    """Put the median of each run into `out`, the runs taking turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.repeats + 1):
        for name, run in runs.items():
            times[name].append(clock(run, options.device))
    for name, found in times.items():
        out[name][label] = float(np.median(found[1:]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=tuple(DTYPES), default="float32")
    parser.add_argument("--sizes", default="tiny,line,long", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--chunks", default="", help="more lengths of chunks, like 16,64")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--loop-gib", type=float, default=1.5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.chunks = [int(c) for c in options.chunks.split(",") if c]
    options.sizes = options.sizes.split(",")
    unknown = [name for name in options.sizes if name not in SIZES]
    if unknown:
        parser.error(f"no size {unknown[0]!r}; there are {', '.join(SIZES)}")
    return options


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    where = torch.cuda.get_device_name() if options.device == "cuda" else platform.machine()
    print(f"{where}, torch {torch.__version__}, {options.threads} threads, {options.dtype}")
    report = {"device": where, "torch": torch.__version__, "dtype": options.dtype, "sizes": {}}
    for name in options.sizes:
        b, d, n, t = SIZES[name]
        print(f"\n{name}: batch {b}, {d} channels, {n} states, {t} frames")
        print(f"  {'':24} {'forward ms':>12} {'and backward':>13} {'error':>9}")
        report["sizes"][name] = measure(SIZES[name], options)
        for way, found in report["sizes"][name].items():
            both = f"{found['both_ms']:13.1f}" if "both_ms" in found else f"{'-':>13}"
            error = f"{found['error']:9.1e}" if "error" in found else f"{'-':>9}"
            print(f"  {way:24} {found['forward_ms']:12.1f} {both} {error}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
