"""From poses to what the sample kernels need, one thread for each path and control point.

The oracle is :mod:`spatialdrama_render.control`. There a path remembers where it was at the last
control point; here each point stands alone, so that all are solved at once: intervals of a track
are found by bisection and the walk through the mesh begins in a table of directions. Times and
directions are float64: a position is a number of samples up to millions that must be right to a
thousandth. What is passed on is its whole part and, as float32, the rest.
"""

from __future__ import annotations

import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama_render import control as on_cpu
from spatialdrama_render.cuda.fields import (
    HOP,
    R_AXIS,
    R_AXIS_COUNT,
    R_BEGIN,
    R_DISTANCE_COUNT,
    R_DISTANCES,
    R_FIRST_HOP,
    R_IMAGES,
    R_LISTENER,
    R_LISTENER_COUNT,
    R_ORIGIN,
    R_START,
    R_TABLE,
    R_TRACK,
    R_TRACK_COUNT,
    ROWS,
)
from spatialdrama_render.cuda.lang import constant, kernel, tl
from spatialdrama_render.jit import kernel as cpu_kernel
from spatialdrama_render.mesh import SphereMesh, find

#: Paths times control points of one program.
BLOCK = 128
#: Cells per axis of the table that says where a walk through the mesh begins.
CELLS = 32

_CELLS = constant(CELLS)
_SOUND = constant(SPEED_OF_SOUND)
_TOLERANCE = constant(on_cpu.TOLERANCE)
_ROUNDS = constant(on_cpu._MAX_ROUNDS)
_HALF_MINIMUM = constant(on_cpu._HALF_MINIMUM)
_ANGLE_FACTOR = constant(on_cpu._ANGLE_FACTOR)
#: As in :mod:`spatialdrama_render.mesh`.
_INSIDE = constant(-1e-9)


def walk_starts(mesh: SphereMesh) -> np.ndarray:
    """Return (CELLS**3,) int32: a triangle near each cell of the cube round the unit sphere."""
    centre = (np.arange(CELLS) + 0.5) * (2 / CELLS) - 1
    cells = np.stack(np.meshgrid(centre, centre, centre, indexing="ij"), axis=-1).reshape(-1, 3)
    length = np.linalg.norm(cells, axis=1)
    # A cell that the sphere meets has its centre within half its diagonal of it.
    met = np.abs(length - 1) < np.sqrt(3) / CELLS + 1e-9
    out = np.zeros(len(cells), dtype=np.int32)
    out[met] = _triangles(cells[met] / length[met, None], mesh.neighbours, mesh.inverse)
    return out


@cpu_kernel
def _triangles(directions, neighbours, inverse):
    out = np.empty(len(directions), dtype=np.int32)
    weight = np.empty(3)
    here = 0
    for n in range(len(directions)):
        here = max(
            find(
                directions[n, 0], directions[n, 1], directions[n, 2], here, neighbours, inverse,
                weight,
            ), 0,
        )  # fmt: skip
        out[n] = here
    return out


@kernel
def _interval(grid, count, stride, time, bits):
    """Return the largest i with grid[i stride] <= time, 0 before the first."""
    low = tl.zeros_like(count)
    high = count - 1
    for _ in range(bits):
        middle = (low + high + 1) // 2
        before = tl.load(grid + middle * stride) <= time
        low = tl.where(before, middle, low)
        high = tl.where(before, high, tl.maximum(middle - 1, 0))
    return low


@kernel
def _share(time, one, next_one, is_last):
    """Return how far between two grid values `time` lies, 0 to 1, held at the last."""
    step = (time - one) / tl.where(is_last, 1.0, next_one - one)
    return tl.where(is_last, 0.0, tl.minimum(tl.maximum(step, 0.0), 1.0))


@kernel
def _arc_cosine(x):
    """Abramowitz and Stegun 4.4.46: within 2e-8."""
    a = tl.abs(x)
    p = -0.0012624911 * a + 0.0066700901
    p = p * a - 0.0170881256
    p = p * a + 0.0308918810
    p = p * a - 0.0501743046
    p = p * a + 0.0889789874
    p = p * a - 0.2145988016
    p = p * a + 1.5707963050
    angle = tl.sqrt(tl.maximum(1.0 - a, 0.0)) * p
    return tl.where(x < 0, 3.141592653589793 - angle, angle)


@kernel
def _mouth_share(axis, count, when, vx, vy, vz, sx, sy, sz, scale, bits):
    """As :func:`spatialdrama_render.control.mouth_share`, of the direction at emission."""
    here = _interval(axis, count, 4, when, bits)
    after = tl.minimum(here + 1, count - 1)
    a, b = axis + 4 * here, axis + 4 * after
    far = _share(when, tl.load(a), tl.load(b), here >= count - 1)
    fx = tl.load(a + 1) + far * (tl.load(b + 1) - tl.load(a + 1))
    fy = tl.load(a + 2) + far * (tl.load(b + 2) - tl.load(a + 2))
    fz = tl.load(a + 3) + far * (tl.load(b + 3) - tl.load(a + 3))
    along = -(sx * fx * vx + sy * fy * vy + sz * fz * vz)
    cosine = along * scale / tl.sqrt(fx * fx + fy * fy + fz * fz)
    theta = _arc_cosine(tl.minimum(tl.maximum(cosine, -1.0), 1.0))
    turned = tl.cos(theta * _ANGLE_FACTOR)
    return 0.5 * ((1.0 + _HALF_MINIMUM) + (1.0 - _HALF_MINIMUM) * turned)


@kernel
def _walk(x, y, z, active, starts, neighbours, inverse, limit):
    """Return the triangle of each direction, and whether all were found."""
    cell_x = tl.minimum(tl.maximum((x + 1.0) * (_CELLS / 2), 0.0), _CELLS - 1.0).to(tl.int32)
    cell_y = tl.minimum(tl.maximum((y + 1.0) * (_CELLS / 2), 0.0), _CELLS - 1.0).to(tl.int32)
    cell_z = tl.minimum(tl.maximum((z + 1.0) * (_CELLS / 2), 0.0), _CELLS - 1.0).to(tl.int32)
    here = tl.load(starts + (cell_x * _CELLS + cell_y) * _CELLS + cell_z)
    searching = active.to(tl.int32)
    steps = 0
    while (tl.max(searching, axis=0) > 0) & (steps < limit):
        a, b, c = _corner_weights(x, y, z, inverse, here)
        side = tl.where((a <= b) & (a <= c), 0, tl.where(b <= c, 1, 2))
        outside = (tl.minimum(tl.minimum(a, b), c) < _INSIDE) & (searching > 0)
        there = tl.load(neighbours + here * 3 + side)
        here = tl.where(outside, there, here)
        searching = outside.to(tl.int32)
        steps += 1
    return here, tl.max(searching, axis=0) == 0


@kernel
def _corner_weights(x, y, z, inverse, here):
    m = inverse + here * 9
    a = tl.load(m) * x + tl.load(m + 1) * y + tl.load(m + 2) * z
    b = tl.load(m + 3) * x + tl.load(m + 4) * y + tl.load(m + 5) * z
    c = tl.load(m + 6) * x + tl.load(m + 7) * y + tl.load(m + 8) * z
    return a, b, c


@kernel
def _nearest(x, y, z, directions, count):
    best = tl.full(x.shape, -2.0, tl.float64)
    found = tl.zeros(x.shape, tl.int32)
    for v in range(count):
        d = directions + 3 * v
        dot = tl.load(d) * x + tl.load(d + 1) * y + tl.load(d + 2) * z
        found = tl.where(dot > best, v, found)
        best = tl.maximum(dot, best)
    return found


@kernel
def _emission(track, count, t, rx, ry, rz, sx, sy, sz, ox, oy, oz, active, bits):
    """Solve t' = t - |s(t') - r(t)| / c; return t', s(t') - r(t), and whether all were solved."""
    when = t
    vx = tl.zeros_like(t)
    vy = tl.zeros_like(t)
    vz = tl.zeros_like(t)
    open_ones = active.to(tl.int32)
    rounds = 0
    while (tl.max(open_ones, axis=0) > 0) & (rounds < _ROUNDS):
        here = _interval(track, count, 4, when, bits)
        after = tl.minimum(here + 1, count - 1)
        a, b = track + 4 * here, track + 4 * after
        far = _share(when, tl.load(a), tl.load(b), here >= count - 1)
        x, y, z = tl.load(a + 1), tl.load(a + 2), tl.load(a + 3)
        nx = sx * (x + far * (tl.load(b + 1) - x)) + ox - rx
        ny = sy * (y + far * (tl.load(b + 2) - y)) + oy - ry
        nz = sz * (z + far * (tl.load(b + 3) - z)) + oz - rz
        better = t - tl.sqrt(nx * nx + ny * ny + nz * nz) / _SOUND
        moved = tl.abs(better - when) >= _TOLERANCE
        going = open_ones > 0
        vx = tl.where(going, nx, vx)
        vy = tl.where(going, ny, vy)
        vz = tl.where(going, nz, vz)
        when = tl.where(going, better, when)
        open_ones = (going & moved & (count > 1)).to(tl.int32)
        rounds += 1
    return when, vx, vy, vz, tl.max(open_ones, axis=0) == 0


@kernel
def _shell_of(scale, shells, SHELLS: tl.constexpr):
    """Return the shell below 1 / distance and the share of the next, as one number."""
    s = tl.zeros(scale.shape, tl.int32)
    for j in tl.static_range(1, SHELLS - 1):
        s += (tl.load(shells + j) >= scale).to(tl.int32)
    one = tl.load(shells + s)
    step = (one - scale) / (one - tl.load(shells + s + 1))
    return s.to(tl.float64) + tl.minimum(tl.maximum(step, 0.0), 1.0)


@kernel
def _delay(delays, low, beyond, ear, i0, i1, i2, w0, w1, w2, size, C: tl.constexpr,
           SHELLS: tl.constexpr):  # fmt: skip
    """Return the delay of one ear, in seconds, mixed of three corners and two shells."""
    at = delays + low.to(tl.int64) * size * C + ear
    late = w0 * tl.load(at + i0 * C) + w1 * tl.load(at + i1 * C) + w2 * tl.load(at + i2 * C)
    if SHELLS > 1:
        at += size * C
        far = w0 * tl.load(at + i0 * C) + w1 * tl.load(at + i1 * C) + w2 * tl.load(at + i2 * C)
        late += beyond * (far - late)
    return late


@kernel
def describe(
    rows, numbers, point_row, points, starts, corners, neighbours, inverse, triangles, directions,
    size, shells, delays, base, rest, colour, index, weight, shell, status, most_distances, bits,
    NEAR: tl.constexpr, RATE: tl.constexpr, PATHS: tl.constexpr, FIRST: tl.constexpr,
    STEP: tl.constexpr, C: tl.constexpr, Q: tl.constexpr, SHELLS: tl.constexpr,
    MOUTH: tl.constexpr, NEAREST: tl.constexpr, B: tl.constexpr,
):  # fmt: skip
    """Write down for each path and control point what the sample kernels read.

    Points are STEP samples apart and have PATHS paths each, from image FIRST on. Outputs are
    planes of points * PATHS numbers: `base` (C) and `rest` (C) of the position in columns,
    `colour` (Q), `index` (3), `weight` (3), `shell`. `status` gets a one where no time of
    emission answers and a two where no triangle does.
    """
    n = tl.program_id(0).to(tl.int64) * B + tl.arange(0, B)
    total = points.to(tl.int64) * PATHS
    active = n < total
    n_safe = tl.minimum(n, total - 1)
    point = n_safe // PATHS
    image = (n_safe % PATHS).to(tl.int32) + FIRST
    row = tl.load(point_row + point).to(tl.int64)
    r = rows + row * ROWS
    # Rows have one control point more than intervals.
    k = point - row - tl.load(r + R_FIRST_HOP) * (HOP // STEP)
    begin = tl.load(r + R_BEGIN)
    start = tl.load(numbers + tl.load(r + R_START))
    t = start + (begin + k * STEP).to(tl.float64) / RATE

    listeners = tl.load(r + R_LISTENER_COUNT)
    head = tl.where(listeners > 1, k * (STEP // 64), 0)
    head = numbers + tl.load(r + R_LISTENER) + head * 12
    a = numbers + tl.load(r + R_IMAGES) + image * 7
    sx, sy, sz = tl.load(a), tl.load(a + 1), tl.load(a + 2)
    when, vx, vy, vz, solved = _emission(
        numbers + tl.load(r + R_TRACK), tl.load(r + R_TRACK_COUNT), t,
        tl.load(head), tl.load(head + 1), tl.load(head + 2), sx, sy, sz,
        tl.load(a + 3), tl.load(a + 4), tl.load(a + 5), active, bits,
    )  # fmt: skip
    if not solved:
        tl.store(status, 1)
    distance = tl.sqrt(vx * vx + vy * vy + vz * vz)
    scale = 1.0 / tl.maximum(distance, 1e-9)
    h = head + 3
    x = scale * (tl.load(h) * vx + tl.load(h + 3) * vy + tl.load(h + 6) * vz)
    y = scale * (tl.load(h + 1) * vx + tl.load(h + 4) * vy + tl.load(h + 7) * vz)
    z = scale * (tl.load(h + 2) * vx + tl.load(h + 5) * vy + tl.load(h + 8) * vz)

    if MOUTH:
        share = _mouth_share(
            numbers + tl.load(r + R_AXIS), tl.load(r + R_AXIS_COUNT), when, vx, vy, vz, sx, sy, sz,
            scale, bits,
        )  # fmt: skip
    else:
        share = tl.full((B,), 1.0, tl.float64)
    gain = tl.load(a + 6) / tl.maximum(distance, NEAR)
    grid, many = numbers + tl.load(r + R_DISTANCES), tl.load(r + R_DISTANCE_COUNT)
    g = tl.zeros_like(many)
    for j in range(most_distances - 2):
        g += ((j < many - 2) & (tl.load(grid + tl.minimum(j + 1, many - 1)) <= distance)).to(
            tl.int64
        )
    after = tl.minimum(g + 1, many - 1)
    far = _share(distance, tl.load(grid + g), tl.load(grid + after), g >= many - 1)
    table = numbers + tl.load(r + R_TABLE) + image * many * (2 * Q)
    for q in tl.static_range(Q):
        one, two = table + g * (2 * Q) + q, table + after * (2 * Q) + q
        near_mix = share * tl.load(one) + (1.0 - share) * tl.load(one + Q)
        far_mix = share * tl.load(two) + (1.0 - share) * tl.load(two + Q)
        mixed = gain * (near_mix + far * (far_mix - near_mix))
        tl.store(colour + q * total + n, mixed.to(tl.float32), mask=active)

    if NEAREST:
        i0 = _nearest(x, y, z, directions, size)
        i1, i2 = i0, i0
        w0 = tl.full((B,), 1.0, tl.float64)
        w1, w2 = tl.zeros_like(w0), tl.zeros_like(w0)
    else:
        here, found = _walk(x, y, z, active, starts, neighbours, inverse, triangles)
        if not found:
            tl.store(status, 2)
        w0, w1, w2 = _corner_weights(x, y, z, inverse, here)
        sum_of = w0 + w1 + w2
        w0 = tl.maximum(w0, 0.0) / sum_of
        w1 = tl.maximum(w1, 0.0) / sum_of
        w2 = tl.maximum(w2, 0.0) / sum_of
        i0 = tl.load(corners + here * 3)
        i1 = tl.load(corners + here * 3 + 1)
        i2 = tl.load(corners + here * 3 + 2)
    tl.store(index + n, i0, mask=active)
    tl.store(index + total + n, i1, mask=active)
    tl.store(index + 2 * total + n, i2, mask=active)
    tl.store(weight + n, w0.to(tl.float32), mask=active)
    tl.store(weight + total + n, w1.to(tl.float32), mask=active)
    tl.store(weight + 2 * total + n, w2.to(tl.float32), mask=active)

    if SHELLS > 1:
        level = _shell_of(scale, shells, SHELLS)
        low = tl.minimum(level.to(tl.int32), SHELLS - 2)
        beyond = level - low
        tl.store(shell + n, level.to(tl.float32), mask=active)
    else:
        low = tl.zeros((B,), tl.int32)
        beyond = tl.zeros((B,), tl.float64)
    origin = tl.load(r + R_ORIGIN)
    for e in tl.static_range(C):
        late = _delay(delays, low, beyond, e, i0, i1, i2, w0, w1, w2, size, C, SHELLS)
        position = (when - start - late) * RATE - origin
        whole = tl.floor(position)
        tl.store(base + e * total + n, whole.to(tl.int32), mask=active)
        tl.store(rest + e * total + n, (position - whole).to(tl.float32), mask=active)
