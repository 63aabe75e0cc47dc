"""Renderings in, samples out: in lots that fit the device, one packed while another runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from spatialdrama.errors import DeviceError
from spatialdrama.runtime.device import Device
from spatialdrama_render.cuda import lang
from spatialdrama_render.cuda.pack import Lot, Rendering, pack


def render_all(
    renderings: Iterable[Rendering], where: Device
) -> Iterator[tuple[list[int], list[np.ndarray]]]:
    """Render with one renderer on a CUDA device.

    Parameters
    ----------
    renderings : iterable of Rendering
        Taken as they are needed.
    where : Device

    Yields
    ------
    members : list of int
        Which renderings these are; in any order.
    samples : list of (c, n) float32

    Raises
    ------
    DeviceError
        When Triton is not installed.
    """
    if lang.triton is None:
        raise DeviceError(
            "the renderer's CUDA kernels need Triton, which is not installed; install a CUDA build "
            "of torch (it brings Triton), or use device='cpu'."
        )
    import torch

    from spatialdrama_render.cuda import device as on_device

    with torch.cuda.device(where.index):
        most = on_device.limit(where.torch)
        running: list[tuple[list[int], Any]] = []
        for lot, members in lots(renderings, most, pinned):
            running.append((members, on_device.run(lot, where.torch)))
            if len(running) > 1:
                those, done = running.pop(0)
                yield those, done.results()
        for those, done in running:
            yield those, done.results()


def lots(renderings: Iterable[Rendering], most: int, empty: Any) -> Iterator[tuple[Lot, list[int]]]:
    """Yield lots of one kind, as large as `most` bytes allow, and which renderings they hold."""
    waiting: dict[tuple, list[tuple[int, Rendering]]] = {}
    sizes: dict[tuple, int] = {}
    for i, one in enumerate(renderings):
        size, kind = one.bytes(), one.kind
        if kind in waiting and sizes[kind] + size > most:
            yield _lot(waiting.pop(kind), empty)
        if kind not in waiting:
            waiting[kind], sizes[kind] = [], 0
        waiting[kind].append((i, one))
        sizes[kind] += size
    for members in waiting.values():
        yield _lot(members, empty)


def _lot(members: list[tuple[int, Rendering]], empty: Any) -> tuple[Lot, list[int]]:
    return pack([one for _, one in members], empty), [i for i, _ in members]


def pinned(count: int) -> np.ndarray:
    """Return (count,) float32 in memory that a device reads by itself."""
    import torch

    return torch.empty(count, dtype=torch.float32, pin_memory=True).numpy()
