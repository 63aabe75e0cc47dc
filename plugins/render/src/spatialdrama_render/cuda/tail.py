"""The rooms' tails and the sum of everything.

The oracle is :mod:`spatialdrama_render.tail_convolver`. Overlap-save in long frames whose length
follows from the response alone. Frames of all renderings with one response are transformed a fixed
number at a time: then a transform never depends on how much there is to do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spatialdrama_render.cuda.fields import (
    HOP,
    I_LENGTH,
    I_OUT,
    I_ROW,
    I_ROW_END,
    I_SIZE,
    I_STEP,
    I_TAIL,
    I_WIDTH,
    ITEMS,
    OUT,
    R_BEGIN,
    R_COLUMNS,
    R_FIRST_HOP,
    R_HOPS,
    R_MIX,
    R_ORIGIN,
    R_WIDTH,
    ROWS,
)
from spatialdrama_render.cuda.lang import kernel, tl
from spatialdrama_render.cuda.pack import ITEM, Lot

#: Frames that are transformed at once.
FRAMES = 16
#: Samples of a frame that one program fills.
FILL = 1024


def frame_size(taps: int) -> int:
    """Return the length of a frame: four responses, which wastes a quarter of each transform."""
    return 1 << int(np.ceil(np.log2(max(4 * taps, 8192))))


def lay_frames(lot: Lot) -> list[tuple[Any, int, np.ndarray, np.ndarray]]:
    """Give each rendering with a tail its frames.

    Returns
    -------
    list of (response, size, item of each frame, number of each frame in its item)
        One entry for each response; the lot's table of items is told where its frames are, in
        samples of all frames so far.
    """
    groups: dict[int, list[int]] = {}
    for i, one in enumerate(lot.renderings):
        if one.tail is not None:
            groups.setdefault(id(one.tail), []).append(i)
    laid, begin = [], 0
    for members in groups.values():
        response = lot.renderings[members[0]].tail
        size = frame_size(response.shape[1])
        step = size - response.shape[1] + 1
        items, numbers = [], []
        for i in members:
            count = -(-lot.renderings[i].length // step)
            place = begin + len(items) * size * response.shape[0]
            lot.items[i, ITEM.index("tail")] = place
            lot.items[i, ITEM.index("size")], lot.items[i, ITEM.index("step")] = size, step
            items += [i] * count
            numbers += range(count)
        items += [-1] * (-len(items) % FRAMES)
        numbers += [0] * (len(items) - len(numbers))
        begin += len(items) * size * response.shape[0]
        laid.append((response, size, np.array(items, np.int32), np.array(numbers, np.int32)))
    return laid


@kernel
def fill_frames(
    rows, items, numbers, frame_item, frame_number, signals, frames, size,
    Q: tl.constexpr, B: tl.constexpr,
):  # fmt: skip
    """Fill a piece of a frame with what all rows of its rendering send into the room.

    Frames of no item stay silent. Their length is that of their response, not of some item: rooms
    of one lot ring for different times.
    """
    frame = tl.program_id(0)
    which = tl.load(frame_item + frame)
    item = items + tl.maximum(which, 0) * ITEMS
    step = tl.load(item + I_STEP)
    at = tl.program_id(1).to(tl.int64) * B + tl.arange(0, B)
    out = frames + frame.to(tl.int64) * size + at
    n = tl.load(frame_number + frame).to(tl.int64) * step - (size - step) + at
    total = tl.zeros((B,), tl.float32)
    if which >= 0:
        begin, end = tl.load(item + I_ROW).to(tl.int32), tl.load(item + I_ROW_END).to(tl.int32)
        for row in range(begin, end):
            r = rows + row * ROWS
            column = n - tl.load(r + R_ORIGIN)
            width = tl.load(r + R_WIDTH)
            inside = (column >= 0) & (column < width)
            signal = signals + tl.load(r + R_COLUMNS) * Q + column
            mix = numbers + tl.load(r + R_MIX)
            for q in tl.static_range(Q):
                share = tl.load(mix + q).to(tl.float32)
                total += share * tl.load(signal + q * width, mask=inside, other=0.0)
    tl.store(out, total)


def convolve(frames: Any, response: Any, out: Any) -> None:
    """Fill (f, c, size) `out` with (f, size) `frames` through (c, taps) `response`, circularly."""
    import torch

    size = frames.shape[1]
    spectrum = torch.fft.rfft(response, size)
    for first in range(0, len(frames), FRAMES):
        some = torch.fft.rfft(frames[first : first + FRAMES])
        product = some[:, None] * spectrum[None]
        out[first : first + FRAMES] = torch.fft.irfft(product, size)


@kernel
def assemble(rows, items, out_item, heard, tails, out, C: tl.constexpr):
    """Fill (c, samples) `out` of each rendering: the sum of its rows, and its tail."""
    block = tl.program_id(0).to(tl.int64)
    item = items + tl.load(out_item + block).to(tl.int64) * ITEMS
    begin, width = tl.load(item + I_OUT), tl.load(item + I_WIDTH)
    n = block * OUT - begin + tl.arange(0, OUT)
    tail, size, step = tl.load(item + I_TAIL), tl.load(item + I_SIZE), tl.load(item + I_STEP)
    known = n < tl.load(item + I_LENGTH)
    first_row = tl.load(item + I_ROW).to(tl.int32)
    end_row = tl.load(item + I_ROW_END).to(tl.int32)
    frame = n // step
    late = tails + tail + frame * (C * size) + (size - step) + (n - frame * step)
    for e in tl.static_range(C):
        total = tl.load(late + e * size, mask=known & (tail >= 0), other=0.0)
        for row in range(first_row, end_row):
            r = rows + row * ROWS
            first, count = tl.load(r + R_FIRST_HOP), tl.load(r + R_HOPS)
            at = n - tl.load(r + R_BEGIN)
            inside = known & (at >= 0) & (at < count * HOP)
            place = heard + first * (HOP * C) + e * count * HOP + at
            total += tl.load(place, mask=inside, other=0.0)
        tl.store(out + begin * C + e * width + n, total)
