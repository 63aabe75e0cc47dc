"""Lots on the device: what is uploaded, which kernels run, what comes back.

Nothing here waits for the device until a lot's samples are fetched, and the next lot is packed
while one runs.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import delay
from spatialdrama_render.cuda import buses, control, direct, pack, read, tail
from spatialdrama_render.cuda.lang import next_power
from spatialdrama_render.engine import Ears

#: Share of the free memory that one lot may take; two are on the device at a time.
SHARE = 0.35
#: Bytes of a lot: enough to fill the device (two minutes of sound), few enough that while one runs
#: the next is packed and the one before is wrapped up.
ENOUGH = 1 << 30
#: Hops whose buses are in memory at once: 24 buses of 44 s are 0.4 GB.
SLAB = 16_384
#: Paths of one matrix product, at most.
CHUNK = 32
#: Warps of a program that mixes.
MIX_WARPS = 4
#: Hops that one program filters, its warps, and how many loads are under way.
FILTERED, FILTER_WARPS, FILTER_STAGES = 32, 4, 3
_NO_ANSWER = {
    1: "a source moves as fast as sound (343 m/s); slow the pose down or cut it where it jumps.",
    2: "a pose has a place that is not finite.",
}


@attrs.frozen(eq=False)
class Heard:
    """A head on the device."""

    ears: Ears
    table: Any
    delays: Any
    shells: Any
    directions: Any
    corners: Any
    neighbours: Any
    inverse: Any
    starts: Any
    shares: Any
    taps: Any
    filters_high: Any
    filters_low: Any

    @classmethod
    def of(cls, ears: Ears, device: Any) -> Heard:
        """Lay a head out on a device."""
        corners, neighbours, inverse = ears.mesh_arrays()
        starts = np.zeros(1, np.int32) if ears.mesh is None else control.walk_starts(ears.mesh)
        arrays = (
            ears.table, ears.delays, ears.shells, ears.head.directions, corners, neighbours,
            inverse, starts, ears.basis.shares, delay.polynomial_taps(),
        )  # fmt: skip
        filters = _sent(buses.toeplitz(ears.basis.filters), device)
        high = filters.bfloat16()
        low = (filters - high.float()).bfloat16()
        return cls(ears, *(_sent(a, device) for a in arrays), high, low)


_HEARD: weakref.WeakKeyDictionary[Ears, dict[str, Heard]] = weakref.WeakKeyDictionary()


def heard_by(ears: Ears, device: Any) -> Heard:
    """Return a head on a device, uploaded once."""
    there = _HEARD.setdefault(ears, {})
    if str(device) not in there:
        there[str(device)] = Heard.of(ears, device)
    return there[str(device)]


def _sent(array: np.ndarray, device: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)


def limit(device: Any) -> int:
    """Return how many bytes one lot may take."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    # What torch keeps for itself is free as well.
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(ENOUGH, int(SHARE * (free + idle)))


def run(lot: pack.Lot, device: Any) -> Running:
    """Queue a lot; see :meth:`Running.results`."""
    plan = lot.renderings[0].plan
    heard = heard_by(plan.receiver.ears, device)
    lot_there = Running(lot, heard, device, rate=plan.rate, near_limit=plan.acoustics.near_limit)
    return lot_there.start().fetch()


class Running:
    """One lot on the device, from upload to samples.

    Parameters
    ----------
    lot : Lot
    heard : Heard
    device : torch.device
    rate : int, Hz
    near_limit : float, m
    """

    def __init__(
        self, lot: pack.Lot, heard: Heard, device: Any, *, rate: int, near_limit: float
    ) -> None:
        self.lot, self.heard, self.device = lot, heard, device
        self.rate, self.near_limit = rate, near_limit
        self.frames = tail.lay_frames(lot)
        self._upload()

    def start(self, mark: Callable[[str], None] | None = None) -> Running:
        """Queue all steps; `mark` is called with the name of each when it is queued."""
        for name, step in (
            ("copies, polynomials", self.signals_and_polynomials),
            ("direct: control", self.early_control),
            ("direct: read, filter", self.direct_sound),
            ("images: control", self.late_control),
            ("images: read, mix, filter", self.reflections),
            ("tail", self.tails),
            ("sum", self.assemble),
        ):
            step()
            if mark is not None:
                mark(name)
        return self

    # -- steps, in order ----------------------------------------------------------------------

    def _upload(self) -> None:
        lot = self.lot
        for name in ("rows", "items", "numbers", "hop_row", "point_row", "early_row",
                     "column_row", "out_item", "mono"):  # fmt: skip
            setattr(self, name, _sent(getattr(lot, name), self.device))
        self.frame_items = [_sent(items, self.device) for _, _, items, _ in self.frames]
        self.frame_numbers = [_sent(numbers, self.device) for _, _, _, numbers in self.frames]
        self.responses = [_sent(response, self.device) for response, *_ in self.frames]
        self.status = self._empty(1, dtype="int32").zero_()

    def signals_and_polynomials(self) -> None:
        """Make the low-passed copies of each voice, and the polynomials of all signals."""
        signals, columns = self.lot.kind[0], len(self.lot.mono)
        blocks = columns // pack.COLUMNS
        self.signals = self.mono
        if signals > 1:
            self.signals = self._empty(signals * columns)
            ring = max(row.ring for one in self.lot.renderings for row in one.rows)
            read.low_pass[(blocks, signals)](
                self.rows, self.numbers, self.column_row, self.mono, self.signals, Q=signals,
                T=next_power(pack.COLUMNS + ring), num_warps=8,
            )  # fmt: skip
        self.polynomials = self._empty(signals * columns * delay.TERMS)
        read.extend[(columns // 512, signals)](
            self.rows, self.column_row, self.signals, self.heard.taps, self.polynomials, Q=signals,
            B=512, num_warps=4,
        )  # fmt: skip

    def early_control(self) -> None:
        """Describe the direct sound every 64 samples."""
        self.early = self.describe(self.early_row, direct.STEP, 1, 0)

    def late_control(self) -> None:
        """Describe the images every 128 samples."""
        images = self.lot.kind[1] - 1
        if images:
            self.late = self.describe(self.point_row, pack.HOP, images, 1)

    def describe(self, whose: Any, step: int, paths: int, first: int) -> dict[str, Any]:
        """Return what :func:`control.describe` writes down, by name."""
        signals, _, mouth = self.lot.kind
        heard, ears, points = self.heard, self.heard.ears, len(whose)
        shells, size, channels, _ = ears.table.shape
        count = points * paths
        out = {
            "base": self._empty(channels * count, dtype="int32"),
            "rest": self._empty(channels * count),
            "colour": self._empty(signals * count),
            "index": self._empty(3 * count, dtype="int32"),
            "weight": self._empty(3 * count),
            "shell": self._empty(count if shells > 1 else 1),
        }
        control.describe[(-(-count // control.BLOCK),)](
            self.rows, self.numbers, whose, points, heard.starts, heard.corners, heard.neighbours,
            heard.inverse, len(heard.inverse), heard.directions, size, heard.shells, heard.delays,
            *out.values(), self.status, self.lot.most_distances,
            self.lot.most_samples.bit_length(), NEAR=float(self.near_limit),
            RATE=float(self.rate), PATHS=paths, FIRST=first, STEP=step, C=channels, Q=signals,
            SHELLS=shells, MOUTH=mouth, NEAREST=ears.nearest, B=control.BLOCK, num_warps=4,
        )  # fmt: skip
        return out

    def direct_sound(self) -> None:
        """Fill `sounds` with the direct sound of each row."""
        signals, hops, heard = self.lot.kind[0], self.lot.hops, self.heard
        shells, size, channels, taps = heard.ears.table.shape
        early = self.early
        self.sounds = self._empty(hops * pack.HOP * channels)
        dry = self._empty(hops * pack.HOP * channels)
        direct.read_direct[(-(-hops * pack.HOP // direct.READ), channels)](
            self.rows, self.hop_row, hops, len(self.early_row), early["base"], early["rest"],
            early["colour"], self.polynomials, dry, Q=signals, C=channels, B=direct.READ,
            num_warps=4,
        )  # fmt: skip
        points, wide = len(self.early_row), next_power(taps)
        filters = self._empty(points * channels * wide)
        direct.mix_filters[(points,)](
            heard.table, size, points, early["index"], early["weight"], early["shell"], filters,
            TAPS=taps, C=channels, SHELLS=shells, T=wide, num_warps=4,
        )  # fmt: skip
        direct.filter_direct[(hops, channels)](
            self.rows, self.hop_row, filters, dry, self.sounds, C=channels, T=wide, num_warps=4
        )

    def reflections(self) -> None:
        """Add the images of each row to `sounds`, some hops at a time."""
        images = self.lot.kind[1] - 1
        if not images:
            return
        hops, channels = self.lot.hops, self.heard.ears.channels
        size, taps = self.heard.ears.basis.filters.shape
        reach = -(-(taps - 1) // pack.HOP)
        count = (min(hops, SLAB) + reach) * channels * size * pack.HOP
        mixed = self._empty(count, dtype="bfloat16"), self._empty(count, dtype="bfloat16")
        for first in range(0, hops, SLAB):
            skipped, end = min(first, reach), min(first + SLAB, hops)
            self.mix(mixed, first - skipped, end)
            self.filter(mixed, first, skipped, end)

    def mix(self, mixed: Any, first: int, end: int) -> None:
        """Fill the buses of hops `first` to `end`."""
        signals, images, _ = self.lot.kind
        size, late = self.heard.ears.basis.filters.shape[0], self.late
        channels = self.heard.ears.channels
        buses.mix_images[((end - first) * channels,)](
            self.rows, self.hop_row, first, len(self.point_row), late["base"], late["rest"],
            late["colour"], late["index"], late["weight"], self.heard.shares, self.polynomials,
            *mixed, Q=signals, C=channels, IMAGES=images - 1,
            CHUNK=min(CHUNK, max(16, next_power(images - 1))), SIZE=size,
            S=max(16, next_power(size)), num_warps=MIX_WARPS, num_stages=1,
        )  # fmt: skip

    def filter(self, mixed: Any, first: int, skipped: int, end: int) -> None:
        """Add the buses of hops `first` to `end`, through their filters, to `sounds`."""
        size, blocks = self.heard.filters_high.shape[:2]
        channels = self.heard.ears.channels
        buses.filter_buses[(-(-(end - first) // FILTERED), channels)](
            self.rows, self.hop_row, first, skipped, end, *mixed, self.heard.filters_high,
            self.heard.filters_low, self.sounds, C=channels, SIZE=size, REACH=blocks - 1,
            HOPS=FILTERED, num_warps=FILTER_WARPS, num_stages=FILTER_STAGES,
        )  # fmt: skip

    def tails(self) -> None:
        """Fill `late_sounds` with the rooms' tails, frame by frame."""
        channels = self.heard.ears.channels
        counts = [len(items) * size for _, size, items, _ in self.frames]
        self.late_sounds = self._empty(max(1, sum(counts)) * channels)
        begin = 0
        for k, (_, size, items, _) in enumerate(self.frames):
            frames = self._empty(counts[k])
            tail.fill_frames[(len(items), size // tail.FILL)](
                self.rows, self.items, self.numbers, self.frame_items[k], self.frame_numbers[k],
                self.signals, frames, size, Q=self.lot.kind[0], B=tail.FILL, num_warps=4,
            )  # fmt: skip
            out = self.late_sounds[begin : begin + counts[k] * channels]
            tail.convolve(
                frames.view(-1, size), self.responses[k], out.view(-1, channels, size)
            )  # fmt: skip
            begin += counts[k] * channels

    def assemble(self) -> None:
        """Fill `samples`: each rendering's channels, one after the other."""
        channels = self.heard.ears.channels
        self.samples = self._empty(self.lot.out * channels)
        tail.assemble[(len(self.out_item),)](
            self.rows, self.items, self.out_item, self.sounds, self.late_sounds, self.samples,
            C=channels, num_warps=4,
        )  # fmt: skip

    # -- there and back -----------------------------------------------------------------------

    def fetch(self) -> Running:
        """Queue the way back of the samples."""
        import torch

        self._ready = None
        if self.device.type != "cuda":  # Triton's interpreter computes at once
            self._samples, self._status = self.samples, self.status
            return self
        self._samples = torch.empty(self.samples.shape, dtype=torch.float32, pin_memory=True)
        self._samples.copy_(self.samples, non_blocking=True)
        self._status = torch.empty(1, dtype=torch.int32, pin_memory=True)
        self._status.copy_(self.status, non_blocking=True)
        self._ready = torch.cuda.Event()
        self._ready.record()
        return self

    def results(self) -> list[np.ndarray]:
        """Wait, and return (c, n) float32 of each rendering.

        Raises
        ------
        ValidationError
            When a source moves as fast as sound.
        """
        if self._ready is not None:
            self._ready.synchronize()
        if int(self._status[0]):
            raise ValidationError(_NO_ANSWER[int(self._status[0])])
        samples, channels = self._samples.numpy(), self.heard.ears.channels
        out = []
        for item in self.lot.items:
            _, _, begin, width, length = item[:5]
            some = samples[begin * channels : (begin + width) * channels]
            out.append(some.reshape(channels, width)[:, :length])
        return out

    def _empty(self, count: int, dtype: str = "float32") -> Any:
        import torch

        return torch.empty(int(count), dtype=getattr(torch, dtype), device=self.device)
