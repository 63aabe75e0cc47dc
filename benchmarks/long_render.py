"""How much memory a long render takes: from a file to a file, in a process of its own.

    python benchmarks/long_render.py 3600

prints one line of JSON. `from_file_to_file` is the way that is measured; a renderer that has a way
of its own belongs there.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 8192


def measured(seconds: float) -> dict[str, Any]:
    """Return peak memory (MB) and wall time of a render of `seconds`, by a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, str(seconds)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def from_file_to_file(source: Path, out: Path, seconds: float) -> float:
    """Render the reference job of `seconds`, order 2, without ever holding all of it.

    Returns the memory (MB) that was used before the first block: libraries, head, compiler.
    """
    import reference_job
    import soundfile

    import spatialdrama as sd

    renderer = sd.load_renderer("physical", order=2)
    stream = renderer.stream(
        reference_job.pose(seconds), block=BLOCK, room=reference_job.room(), seconds=seconds
    )
    stream.process(np.zeros(BLOCK, np.float32))  # compiles
    before = peak_mb()
    stream = renderer.stream(
        reference_job.pose(seconds), block=BLOCK, room=reference_job.room(), seconds=seconds
    )
    with (
        soundfile.SoundFile(source) as reading,
        soundfile.SoundFile(out, "w", reference_job.RATE, 2, "FLOAT", format="W64") as writing,
    ):
        while True:
            block = reading.read(BLOCK, dtype="float32")
            if not len(block):
                return before
            heard = stream.process(np.pad(block, (0, BLOCK - len(block))))
            writing.write(heard.T)


def peak_mb() -> float:
    """Return the most memory this process has held, in MB.

    Linux hands the rusage figure down from the process that started this one, so its own account
    is read there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Render in this process and print what it took."""
    import reference_job
    import soundfile

    seconds = float(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="long-render-") as folder:
        source, out = Path(folder) / "voice.w64", Path(folder) / "heard.w64"
        minute, _ = reference_job.voice(60.0)
        with soundfile.SoundFile(source, "w", reference_job.RATE, 1, "FLOAT", format="W64") as file:
            left = round(seconds * reference_job.RATE)
            while left > 0:
                file.write(minute[:left])
                left -= len(minute)
        before = time.perf_counter()
        before_mb = from_file_to_file(source, out, seconds)
        wall = time.perf_counter() - before
        frames = soundfile.info(out).frames
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "before_mb": before_mb,
                      "wall_s": wall, "frames": frames}))  # fmt: skip


if __name__ == "__main__":
    main()
