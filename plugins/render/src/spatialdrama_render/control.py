"""From poses to what the sample kernels need, at control points a millisecond or two apart.

The same steps as :func:`spatialdrama_render.propagation.trace` and
:meth:`spatialdrama_render.hrtf.HrtfSet.look_up`, which are the slow and obvious oracle of this
module, path by path and compiled: solve the retarded time, turn the direction into the head's
axes, find its triangle, and write down delays and weights.
"""

from __future__ import annotations

import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama_render.jit import kernel
from spatialdrama_render.mesh import find, nearest

#: s; retarded times are solved to this (a 20,000th of a sample at 48 kHz).
TOLERANCE = 1e-9
_MAX_ROUNDS = 60
#: Head shadow of the mouth, see :mod:`spatialdrama_render.directivity`.
_HALF_MINIMUM = 0.05
_ANGLE_FACTOR = 180.0 / 150.0


@kernel
def interval(grid, time, cursor):
    """Return the largest i with grid[i] <= time (0 before the first), looking from `cursor` on."""
    last = len(grid) - 1
    while cursor < last and grid[cursor + 1] <= time:
        cursor += 1
    while cursor > 0 and grid[cursor] > time:
        cursor -= 1
    return cursor


@kernel
def share_at(grid, time, cursor):
    """Return how far between grid[cursor] and the next `time` lies, 0 to 1, held at the ends."""
    if cursor >= len(grid) - 1:
        return 0.0
    step = (time - grid[cursor]) / (grid[cursor + 1] - grid[cursor])
    return min(max(step, 0.0), 1.0)


@kernel
def mouth_share(cosine):
    """As :func:`spatialdrama_render.directivity.direct_share`, for one cosine."""
    theta = np.arccos(min(max(cosine, -1.0), 1.0))
    return 0.5 * ((1.0 + _HALF_MINIMUM) + (1.0 - _HALF_MINIMUM) * np.cos(_ANGLE_FACTOR * theta))


@kernel
def follow(
    times, receiver, thin, track_time, track_place, sign, offset, cursor, emission, vector
):  # fmt: skip
    """Solve t' = t - |s(t') - r(t)| / c for every image; see ``propagation.emission_times``.

    Parameters
    ----------
    times : (k,) float64, s
    receiver : (thin (k - 1) + 1 or 1, 3) float64, m
    thin : int
        One row of `receiver` in so many counts.
    track_time, track_place : (m,) s and (3, m) m
    sign, offset : (i, 3)
    cursor : (i,) int64, where to look in the track; kept for the next call
    emission : (k, i) s, filled
    vector : (k, i, 3) m, filled: from the receiver to the image at emission

    Returns
    -------
    int
        The index of a time that no emission answers (the source is as fast as sound), or -1.
    """
    still = len(track_time) == 1
    for i in range(len(sign)):
        late = 0.0
        for k in range(len(times)):
            at = receiver[thin * k if len(receiver) > 1 else 0]
            t = times[k]
            when = t - late  # the last delay is at most a few hundredths of a sample off
            here = cursor[i]
            solved = False
            for _ in range(_MAX_ROUNDS):
                here = interval(track_time, when, here)
                far = share_at(track_time, when, here)
                after = min(here + 1, len(track_time) - 1)
                square = 0.0
                for a in range(3):
                    place = track_place[a, here]
                    place += far * (track_place[a, after] - place)
                    v = sign[i, a] * place + offset[i, a] - at[a]
                    vector[k, i, a] = v
                    square += v * v
                late = np.sqrt(square) / SPEED_OF_SOUND
                change = abs(t - late - when)
                when = t - late
                if still or change < TOLERANCE:
                    solved = True
                    break
            if not solved:
                return k
            cursor[i] = here
            emission[k, i] = when
    return -1


@kernel
def colour_weights(table, distances, distance, share, gain, out):
    """Mix the weights of the coloured signals at a distance and a mouth share; fill out (q,)."""
    g = 0
    while g < len(distances) - 2 and distances[g + 1] <= distance:
        g += 1
    far = share_at(distances, distance, g)
    after = min(g + 1, len(distances) - 1)
    for q in range(table.shape[2]):
        near_mix = share * table[g, 0, q] + (1.0 - share) * table[g, 1, q]
        far_mix = share * table[after, 0, q] + (1.0 - share) * table[after, 1, q]
        out[q] = gain * (near_mix + far * (far_mix - near_mix))


@kernel
def describe(
    times, emission, vector, rotation, thin, axis_time, axis, sign, image_gain, near_limit,
    mouth, colour_table, colour_distances, nearest_only, directions, corners, neighbours, inverse,
    shells, delays, start, rate, axis_cursor, triangle,
    position, colour, index, weight, shell,
):  # fmt: skip
    """Write down for each path and control point what the sample kernels read.

    Parameters
    ----------
    times, emission, vector
        From :func:`follow`.
    rotation : (thin (k - 1) + 1 or 1, 3, 3)
        Columns are the head's forward, left and up in the scene frame.
    thin : int
        One of them in so many counts.
    axis_time, axis : (m,) s and (3, m)
        Where the mouth points; used when `mouth`.
    shells : (s,) float64, 1/m, descending
        Reciprocal distances of the shells of filters; the last is the far field.
    delays : (s, v, c) float64, s
    start : float, s, drama time of sample 0; rate : float, Hz
    axis_cursor, triangle : (i,) int64, kept for the next call
    position : (c, k, i) float64, in samples of the source, for each ear (or channel)
    colour : (k, i, q) float64, gain included
    index, weight : (k, i, 3); shell : (k, i) float64, the shell and the share of the next one

    Returns
    -------
    bool
        False when a direction is not finite.
    """
    direction = np.empty(3)
    corner_weight = np.empty(3)
    last_shell = len(shells) - 1
    for i in range(emission.shape[1]):
        for k in range(len(times)):
            turn = rotation[thin * k if len(rotation) > 1 else 0]
            v = vector[k, i]
            distance = np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
            scale = 1.0 / max(distance, 1e-9)
            for a in range(3):
                direction[a] = scale * (turn[0, a] * v[0] + turn[1, a] * v[1] + turn[2, a] * v[2])
            share = 1.0
            if mouth:
                here = interval(axis_time, emission[k, i], axis_cursor[i])
                axis_cursor[i] = here
                far = share_at(axis_time, emission[k, i], here)
                after = min(here + 1, len(axis_time) - 1)
                along, square = 0.0, 0.0
                for a in range(3):
                    f = axis[a, here] + far * (axis[a, after] - axis[a, here])
                    along -= sign[i, a] * f * v[a]
                    square += f * f
                share = mouth_share(along * scale / np.sqrt(square))
            gain = image_gain[i] / max(distance, near_limit)
            colour_weights(colour_table[i], colour_distances, distance, share, gain, colour[k, i])
            if nearest_only:
                closest = nearest(direction[0], direction[1], direction[2], directions)
                for c in range(3):
                    index[k, i, c] = closest
                    weight[k, i, c] = 1.0 if c == 0 else 0.0
            else:
                found = find(
                    direction[0], direction[1], direction[2], triangle[i], neighbours, inverse,
                    corner_weight,
                )  # fmt: skip
                if found < 0:
                    return False
                triangle[i] = found
                for c in range(3):
                    index[k, i, c] = corners[found, c]
                    weight[k, i, c] = corner_weight[c]
            at = 0.0
            if last_shell > 0:
                s = 0
                while s < last_shell - 1 and shells[s + 1] >= scale:
                    s += 1
                at = s + min(max((shells[s] - scale) / (shells[s] - shells[s + 1]), 0.0), 1.0)
            shell[k, i] = at
            low = min(int(at), max(last_shell - 1, 0))
            beyond = at - low
            for e in range(delays.shape[2]):
                late = 0.0
                for c in range(3):
                    v0 = delays[low, index[k, i, c], e]
                    if last_shell > 0:
                        v0 += beyond * (delays[low + 1, index[k, i, c], e] - v0)
                    late += weight[k, i, c] * v0
                position[e, k, i] = (emission[k, i] - start - late) * rate
    return True
