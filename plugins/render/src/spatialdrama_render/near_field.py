"""What changes at the ears when a source comes nearer than it was measured: filters per shell.

Below about a metre the level difference between the ears grows at all frequencies and the head's
shadow deepens, beyond the common 1 / distance. A rigid sphere shows both in closed form. The ratio
of its response at the near distance to that at the measured one, per ear, turns a measured head
into a nearer one (the distance variation function of Kan, Jin and van Schaik, 2009, JASA 125,
2233-2242; the sphere is Duda and Martens, 1998, JASA 104, 3048-3058, equation 8).
What a sphere has not, the pinna's own parallax, stays as measured far away.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import HEAD_RADIUS, SPEED_OF_SOUND
from spatialdrama_render.phase_split import ITD_BAND, minimum_phase, peak_of, shortened

#: "sphere": a rigid head; "points": ears without a head between them.
NEAR_MODELS = ("sphere", "points")
#: m; about even in 1 / distance. Between them (linear in 1 / distance) the sphere is met within
#: 0.4 dB and 1 us, down to 3 cm from the skin.
SHELLS = (0.12, 0.14, 0.18, 0.25, 0.4)
#: Samples of the ratio's minimum-phase response; -77 dB of its energy is beyond.
_TAPS = 128
_FFT = 2048
_ANGLES = np.deg2rad(np.arange(0.0, 181.0, 3.0))


@attrs.frozen(eq=False)
class NearField:
    """Filters and delays of a head at distances below its own.

    Parameters
    ----------
    distances : (s,) float64, ascending, m from the head's centre
    filters : (s, v, 2, taps) float64
        On the directions of the head they belong to; relative to the free field at the head's
        centre, so that the 1 / distance law is not in them.
    delays : (s, v, 2) float64, s, relative to the arrival at the head's centre

    Notes
    -----
    Between shells, and up to the head's own distance, filters and delays are linear in
    1 / distance; below the nearest shell that one holds.
    """

    distances: np.ndarray
    filters: np.ndarray
    delays: np.ndarray


def model_near_field(
    directions: np.ndarray,
    filters: np.ndarray,
    delays: np.ndarray,
    rate: float,
    distance: float,
    model: str = "sphere",
) -> NearField | None:
    """Bring a head nearer than it was measured.

    Parameters
    ----------
    directions : (v, 3) unit vectors in the listener frame
    filters, delays : (v, 2, taps), (v, 2) s
        The head at `distance` m.
    rate : float, Hz
    model : "sphere" or "points"

    Returns
    -------
    NearField or None
        None for a head that was measured nearer than any shell.
    """
    shells = tuple(d for d in SHELLS if d < 0.9 * distance)
    if not shells:
        return None
    taps, extra = distance_variation(shells, float(distance), float(rate), model)
    side = np.clip(directions[:, 1], -1.0, 1.0)
    angle = np.arccos(np.stack([side, -side], axis=1)) / (_ANGLES[1] - _ANGLES[0])
    low = np.minimum(angle.astype(int), len(_ANGLES) - 2)
    share = (angle - low)[..., None]
    size = 1 << int(np.ceil(np.log2(filters.shape[-1] + _TAPS)))
    spectra = np.fft.rfft(filters, size)
    nearer = np.empty((len(shells), *filters.shape))
    for s, one in enumerate(taps):
        between = one[low] + share * (one[low + 1] - one[low])
        product = np.fft.irfft(spectra * np.fft.rfft(between, size), size)
        nearer[s] = shortened(product, filters.shape[-1])
    extra = extra[:, low] + share[..., 0] * (extra[:, low + 1] - extra[:, low])
    return NearField(np.asarray(shells), nearer, delays + extra)


@lru_cache(maxsize=8)
def distance_variation(
    distances: tuple[float, ...], reference: float, rate: float, model: str = "sphere"
) -> tuple[np.ndarray, np.ndarray]:
    """Return what an ear hears at some distances relative to a farther one.

    Parameters
    ----------
    distances : tuple of float, m
    reference : float, m
    rate : float, Hz
    model : "sphere" or "points"

    Returns
    -------
    filters : (s, 61, 128) float64
        Minimum phase, for angles between the source and the ear of 0, 3, ..., 180 degrees.
    delays : (s, 61) float64, s
        To be added; both relative to the free field at the head's centre.
    """
    if model == "points":
        near, far = (_ear_distance(np.asarray(d)) for d in (distances, [reference]))
        filters = np.zeros((*near.shape, _TAPS))
        filters[..., 0] = (np.asarray(distances)[:, None] / near) / (reference / far)
        centre = np.asarray(distances)[:, None] - reference
        return filters, (near - far - centre) / SPEED_OF_SOUND
    frequency = np.fft.rfftfreq(_FFT, 1 / rate)
    # At 5 Hz the series is its limit at 0 Hz to one part in a million.
    whole = sphere_response(np.maximum(frequency, 5.0), (*distances, reference), _ANGLES)
    ratio = whole[:-1] / whole[-1]
    response = minimum_phase(np.abs(ratio))
    band = (frequency >= ITD_BAND[0]) & (frequency <= ITD_BAND[1])
    cross = ratio * np.fft.rfft(response).conj()
    delays = peak_of(cross[..., band].reshape(-1, band.sum()), frequency[band])
    return shortened(response, _TAPS), delays.reshape(ratio.shape[:2])


def sphere_average(
    distance: float, reference: float, rate: float, band: tuple[float, float]
) -> tuple[float, float]:
    """Return how a rigid sphere's responses at one distance differ from those at another.

    Returns
    -------
    power : float
        Ratio of mean powers over all directions, in a band (Hz).
    delay : float, s
        Of a wave from the median plane.
    """
    frequency = np.linspace(*band, 32)
    response = np.abs(sphere_response(frequency, (distance, reference), _ANGLES)) ** 2
    power = np.einsum("a,saf->s", np.sin(_ANGLES), response)
    delays = distance_variation((distance,), reference, rate)[1]
    return float(power[0] / power[1]), float(delays[0, len(_ANGLES) // 2])


def sphere_response(
    frequency: np.ndarray, distances: Any, angles: np.ndarray, radius: float = HEAD_RADIUS
) -> np.ndarray:
    """Return the pressure on a rigid sphere relative to the free field at its centre.

    Parameters
    ----------
    frequency : (f,) Hz, above 0
    distances : (s,) m from the centre, at least 1.35 radii
    angles : (a,) radians between the source and the point on the sphere
    radius : float, m

    Returns
    -------
    (s, a, f) complex

    Notes
    -----
    Duda and Martens (1998), equation 8, with the sign of time of :func:`numpy.fft.rfft`: the same
    as :func:`spatialdrama.dsp.pose_itd.sphere_transfer`, on a grid, where the series splits into a
    part that knows the angle and one that knows the rest.
    """
    from scipy.special import eval_legendre

    wave = 2 * np.pi * np.asarray(frequency, dtype=float) * radius / SPEED_OF_SOUND
    # The series falls like (radius / distance)^m: 48 terms beyond the wave number are 1e-6.
    count = int(np.ceil(wave.max() + 10 * np.cbrt(wave.max()))) + 48
    order = np.arange(count)[:, None]
    surface = hankel(wave, count)
    out = np.empty((len(distances), len(angles), len(wave)), dtype=complex)
    with np.errstate(all="ignore"):
        slope = np.concatenate([[-surface[1]], surface[:-1] - (order[1:] + 1) / wave * surface[1:]])
        legendre = eval_legendre(order, np.cos(angles))
        for s, distance in enumerate(distances):
            ratio = distance / radius
            terms = (2 * order + 1) * hankel(wave * ratio, count) / slope
            # Where Hankel functions overflow, terms have long stopped to count.
            terms = np.where(np.isfinite(terms), terms, 0.0)
            total = -(ratio / wave) * np.exp(-1j * wave * ratio) * (legendre.T @ terms)
            out[s] = total.conj()
    return out


def hankel(x: np.ndarray, count: int) -> np.ndarray:
    """Return (count, n) spherical Hankel functions of the first kind of orders 0 to count - 1.

    Upward recurrence: it is stable for the part that grows, and that part is all that counts.
    """
    out = np.empty((count, len(x)), dtype=complex)
    out[0] = np.exp(1j * x) / (1j * x)
    out[1] = out[0] * (1 / x - 1j)
    with np.errstate(all="ignore"):
        for n in range(1, count - 1):
            out[n + 1] = (2 * n + 1) / x * out[n] - out[n - 1]
    return out


def _ear_distance(distances: np.ndarray) -> np.ndarray:
    """Return (s, a) m from sources at (s,) m to an ear, without a head between."""
    d = np.asarray(distances, dtype=float)[:, None]
    return np.sqrt(d**2 + HEAD_RADIUS**2 - 2 * d * HEAD_RADIUS * np.cos(_ANGLES))
