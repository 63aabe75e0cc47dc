"""What a head would hear of a moving source, straight from the measured responses, in float64.

The renderers' reference. It shares no code with them and makes none of their choices: no control
points, no blocks, no minimum phase, no short filters, no common mesh. An impulse that leaves the
source at time t' reaches an ear after r(t') / c, through the response of the direction in which the
source stood at t'. So with E(t) for the moment at which sound heard at time t set out ::

    y(t) = sum over k of a(k, direction at E(t - k)) s(E(t - k)) / r(E(t - k))
    t = E + r(E) / c + onset(direction at E)

where `a` are the measured responses from their onsets on. Responses and onsets are interpolated
barycentrically on the convex hull of the measured directions; at a measured direction `y` is plain
convolution with the measured response. The sum runs at 96 kHz, where it equals the integral for
everything below 48 kHz - 22 kHz. Directions below the lowest ring of measurements are refused.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numba import njit

C = 343.0
#: Steps of the sum per output sample.
FINE = 2
#: s; how much of each response is kept before and after its onset.
BEFORE, AFTER = 0.7e-3, 11.2e-3
#: Share of a response's peak that its onset has, and how finely onsets are looked for.
_ONSET, _ONSET_STEPS = 0.07, 16
_ROUNDS = 60

Positions = Callable[[np.ndarray], np.ndarray]
Signal = Callable[[np.ndarray], np.ndarray]


class Head:
    """Measured responses, aligned, with the triangles between their directions.

    Parameters
    ----------
    responses : xarray.Dataset
        As ``spatialdrama_render.heads.read_responses`` gives them: the file's own numbers.
    rate : int, Hz
        Of what comes out; responses are kept at `FINE` times that.

    Attributes
    ----------
    directions : (v, 3) unit vectors
    onsets : (v, 2) s
        After the moment the wave is at the middle of the head, as far as the measurement's median
        plane tells it.
    aligned : (v, 2, k)
        From `BEFORE` each onset to `AFTER` it, scaled so that sums over them are integrals.
    """

    def __init__(self, responses: xr.Dataset, rate: int = 48_000) -> None:
        position = responses["position"].values
        unit = position / np.linalg.norm(position, axis=1, keepdims=True)
        _, first = np.unique(unit.round(6), axis=0, return_index=True)
        first = np.sort(first)
        self.rate = rate
        self.directions = unit[first]
        measured = responses["impulse_response"].values[first]
        self._measured_rate = float(responses.attrs["rate"])
        onsets = _onsets(measured, self._measured_rate)
        self.aligned = _shifted(measured, onsets, self._measured_rate, FINE * rate)
        onsets = onsets + responses["delay"].values[first]
        flat = np.abs(self.directions[:, 1]) < 1e-6
        self.centre = float(onsets[flat].mean())
        self.onsets = onsets - self.centre
        self.corners, self._planes = _triangles(self.directions)
        self._lowest = self.directions[:, 2].min()

    def weights(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which triangle (n,) each direction (n, 3) lies in and its three weights (n, 3)."""
        low = direction[:, 2].min()
        if low < self._lowest - 1e-6:
            raise ValueError(
                f"a direction {np.rad2deg(np.arcsin(low)):.0f} degrees up lies below the lowest "
                f"measured ring ({np.rad2deg(np.arcsin(self._lowest)):.0f}); raise the source."
            )
        return _locate(np.ascontiguousarray(direction), self._planes)

    def onsets_at(self, direction: np.ndarray) -> np.ndarray:
        """Return (n, 2) s."""
        triangle, weight = self.weights(direction)
        return np.einsum("nj,nje->ne", weight, self.onsets[self.corners[triangle]])


def render(
    head: Head,
    signal: Signal,
    positions: Positions,
    n: int,
    *,
    near_limit: float = 0.25,
) -> np.ndarray:
    """Return (2, n) float64: what is heard from time 0 on.

    Parameters
    ----------
    head : Head
    signal : callable, (t,) s to (t,) pressure at 1 m
    positions : callable, (t,) s to (t, 3) m in the listener's frame
    n : int
        Samples at ``head.rate``.
    near_limit : float, m
        Nearer sources get no louder.
    """
    fine = head.rate * FINE
    before, taps = round(BEFORE * fine), head.aligned.shape[2]
    lines = np.arange(-(taps - before), FINE * n + before) / fine
    out = np.empty((2, n))
    for ear in (0, 1):
        emission, triangle, weight = _emission(head, positions, lines, ear)
        radius = np.linalg.norm(positions(emission), axis=1)
        heard = signal(emission) / np.maximum(radius, near_limit)
        corner = head.corners[triangle]
        out[ear] = _sum(heard, corner, weight, head.aligned[:, ear].copy(), n)
    return out


def retarded(positions: Positions, times: np.ndarray, late: float | np.ndarray = 0.0) -> np.ndarray:
    """Return (t,) s: when the sound left that is at the listener's centre `late` before `times`.

    The root of E + r(E) / c + late - t, by the secant method from the root without movement.
    """
    a = times - late - np.linalg.norm(positions(times), axis=1) / C
    b = times - late - np.linalg.norm(positions(a), axis=1) / C
    fa = a + np.linalg.norm(positions(a), axis=1) / C + late - times
    for _ in range(_ROUNDS):
        fb = b + np.linalg.norm(positions(b), axis=1) / C + late - times
        if np.abs(fb).max() < 1e-13:
            return b
        slope = np.where(np.abs(b - a) > 0, (fb - fa) / np.where(b == a, 1.0, b - a), 1.0)
        a, fa = b, fb
        # A corner of the path can leave the secant flat; the true slope is 1 +- v / c.
        b = b - fb / np.clip(slope, 0.9, 1.1)
    raise ValueError(f"no retarded time found: {np.abs(fb).max():.1e} s left; is it supersonic?")


def tone(frequency: float, seconds: float, fade: float = 0.25) -> Signal:
    """Return a sine of amplitude 1/2 that fades in and out with raised cosines."""

    def signal(t: np.ndarray) -> np.ndarray:
        edge = np.clip(np.minimum(t, seconds - t) / fade, 0.0, 1.0)
        return 0.5 * np.sin(2 * np.pi * frequency * t) * np.sin(np.pi / 2 * edge) ** 2

    return signal


def sampled(samples: np.ndarray, rate: int) -> Signal:
    """Return the band-limited signal that samples stand for (zero before and after).

    Exact at 16 times the rate by a Fourier transform of the whole; eight-point Lagrange between.
    """
    import scipy.fft

    pad, up = rate // 20, 16
    size = scipy.fft.next_fast_len(len(samples) + 2 * pad, real=True)
    padded = np.zeros(size)
    padded[pad : pad + len(samples)] = samples
    table = scipy.fft.irfft(scipy.fft.rfft(padded), size * up) * up

    def signal(t: np.ndarray) -> np.ndarray:
        return _lagrange(table, np.ascontiguousarray((t * rate + pad) * up))

    return signal


def hull_areas(directions: np.ndarray) -> np.ndarray:
    """Return (v,) shares of the sphere, by the spherical areas of the hull's triangles."""
    corners, _ = _triangles(directions)
    a, b, c = (directions[corners[:, j]] for j in range(3))
    solid = 2 * np.arctan2(
        np.abs(np.einsum("ni,ni->n", a, np.cross(b, c))),
        1 + np.sum(a * b, axis=1) + np.sum(b * c, axis=1) + np.sum(c * a, axis=1),
    )
    share = np.bincount(corners.ravel(), np.repeat(solid / 3, 3), minlength=len(directions))
    return share / share.sum()


# -- preparation ------------------------------------------------------------------------------


def _onsets(measured: np.ndarray, rate: float) -> np.ndarray:
    """Return (v, 2) s: where each response first reaches a share of its peak."""
    n = measured.shape[-1]
    fine = np.abs(np.fft.irfft(np.fft.rfft(measured, 2 * n), 2 * n * _ONSET_STEPS))
    fine = fine[..., : n * _ONSET_STEPS]
    level = _ONSET * fine.max(axis=-1, keepdims=True)
    after = np.argmax(fine >= level, axis=-1)[..., None]
    high = np.take_along_axis(fine, after, axis=-1)
    low = np.take_along_axis(fine, np.maximum(after - 1, 0), axis=-1)
    crossing = after - (high - level) / np.maximum(high - low, 1e-12)
    return crossing[..., 0] / (rate * _ONSET_STEPS)


def _shifted(measured: np.ndarray, onsets: np.ndarray, rate: float, fine: int) -> np.ndarray:
    """Return (v, 2, k): the band-limited responses at `fine` Hz from `BEFORE` their onsets on.

    One matrix of sincs per response would be the obvious way; a Fourier series evaluated at
    shifted times is the same for responses that end before their period does.
    """
    taps = round((BEFORE + AFTER) * fine)
    size = int(2 ** np.ceil(np.log2(measured.shape[-1] + 2 * (BEFORE + AFTER) * rate)))
    spectrum = np.fft.rfft(measured, size)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    out = np.empty((*onsets.shape, taps))
    times = np.arange(taps) / fine
    basis = np.exp(2j * np.pi * frequency[:, None] * times)
    basis[1:-1] *= 2
    for v in range(len(onsets)):
        start = onsets[v][:, None] - round(BEFORE * fine) / fine
        turned = spectrum[v] * np.exp(2j * np.pi * frequency * start)
        out[v] = (turned @ basis).real / size
    # Sums over `fine` samples per second of what was a filter at `rate`.
    return out * rate / fine


def _triangles(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the hull's corners (m, 3) and matrices (m, 3, 3) that give barycentric shares."""
    from scipy.spatial import ConvexHull

    corners = ConvexHull(directions).simplices
    return corners, np.linalg.inv(directions[corners].transpose(0, 2, 1))


# -- kernels ----------------------------------------------------------------------------------


def _emission(
    head: Head, positions: Positions, lines: np.ndarray, ear: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return when what one ear hears at `lines` set out, and the triangle and weights it has."""
    late = np.zeros(len(lines))
    for _ in range(_ROUNDS):
        emission = retarded(positions, lines, late)
        place = positions(emission)
        direction = place / np.linalg.norm(place, axis=1, keepdims=True)
        triangle, weight = head.weights(direction)
        onset = head.onsets[head.corners[triangle], ear]
        new = np.einsum("nj,nj->n", weight, onset)
        change = np.abs(new - late).max()
        late = new
        if change < 1e-12:
            break
    else:
        raise ValueError(f"onsets do not settle: {change:.1e} s left.")
    return emission, triangle, weight


@njit(cache=True)
def _locate(direction, planes):  # pragma: no cover - compiled
    """Return the triangle whose smallest barycentric share is largest, and the shares.

    Looks first where the last direction was, then everywhere.
    """
    n = len(direction)
    triangle, weight = np.empty(n, np.int64), np.empty((n, 3))
    last = 0
    for i in range(n):
        x, y, z = direction[i]
        best, found = -1e9, last
        for m in range(-1, len(planes)):
            k = last if m < 0 else m
            least = 1e9
            for j in range(3):
                least = min(least, planes[k, j, 0] * x + planes[k, j, 1] * y + planes[k, j, 2] * z)
            if least > best:
                best, found = least, k
            if m < 0 and best > -1e-12:  # on an edge either side will do
                break
        triangle[i], last = found, found
        for j in range(3):
            share = planes[found, j, 0] * x + planes[found, j, 1] * y + planes[found, j, 2] * z
            weight[i, j] = max(share, 0.0)
        weight[i] /= weight[i].sum()
    return triangle, weight


@njit(cache=True)
def _sum(heard, corner, weight, aligned, n):  # pragma: no cover - compiled
    """Add up what each moment on the fine lines sends to each output sample."""
    taps = aligned.shape[1]
    out = np.zeros(n)
    for g in range(len(heard)):
        a, b, c = aligned[corner[g, 0]], aligned[corner[g, 1]], aligned[corner[g, 2]]
        wa, wb, wc = weight[g, 0] * heard[g], weight[g, 1] * heard[g], weight[g, 2] * heard[g]
        # Tap k of this moment is heard at the fine step g + k - taps, see `lines` in `render`.
        k = (taps - g) % FINE
        while k < taps:
            sample = (g - taps + k) // FINE
            if 0 <= sample < n:
                out[sample] += wa * a[k] + wb * b[k] + wc * c[k]
            k += FINE
    return out


@njit(cache=True)
def _lagrange(table, position):  # pragma: no cover - compiled
    """Read a table at fractional positions with eight points; zero outside."""
    out = np.zeros(len(position))
    for i in range(len(position)):
        first = int(np.floor(position[i])) - 3
        if first < 0 or first + 8 > len(table):
            continue
        x = position[i] - first
        for j in range(8):
            weight = 1.0
            for m in range(8):
                if m != j:
                    weight *= (x - m) / (j - m)
            out[i] += weight * table[first + j]
    return out
