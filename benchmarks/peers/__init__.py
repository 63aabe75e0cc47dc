"""What a user would pick instead: each peer prepares a job and then renders it as often as asked.

A module here has ``NAME``, ``ORDERS`` (the orders of reflections it can do; 0 is the free field),
``missing()`` (why it cannot run here and what to install, or None), ``VARIANTS`` (keywords of
``prepare`` by what is said of them; the first is what the bars are held against) and
``prepare(job, **variant)``, which loads everything (sound, responses, programs) and returns a
function of no arguments that renders the whole job, to (2, n) float32 or to the path of a raw
float32 file. Only that function is timed; where it has a method ``rewind``, that is called before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import reference_job

RATE = reference_job.RATE
Render = Callable[[], "np.ndarray | Path"]


@attrs.frozen(eq=False)
class Job:
    """The reference job, so long and with reflections up to an order.

    Attributes
    ----------
    mono : (n,) float32
    order : int
        0 is the free field; higher ones have the room, too.
    """

    mono: np.ndarray
    order: int

    @property
    def seconds(self) -> float:
        """Length of the sound in s."""
        return len(self.mono) / RATE

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Return (t, 3) m, in the listener's frame."""
        return reference_job.positions(times, self.seconds)


def heard(result: np.ndarray | Path) -> np.ndarray:
    """Return (2, n) samples of what a peer rendered."""
    if isinstance(result, Path):
        return np.fromfile(result, dtype=np.float32).reshape(-1, 2).T
    return result


def kemar() -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors (v, 3) and responses (v, 2, t) of KEMAR at the job's rate."""
    import soxr
    from spatialdrama_render.heads import read_responses

    from spatialdrama.runtime.assets import locate

    responses = read_responses(locate("kemar"))
    position = responses["position"].values
    shape = responses["impulse_response"].values
    rate = float(responses.attrs["rate"])
    flat = np.ascontiguousarray(shape.reshape(-1, shape.shape[-1]).T)
    flat = soxr.resample(flat, rate, RATE, quality="VHQ").T * rate / RATE
    unit = position / np.linalg.norm(position, axis=1, keepdims=True)
    return unit, flat.reshape(*shape.shape[:2], -1)
