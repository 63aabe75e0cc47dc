"""The interaural time difference that a position implies: heads as rigid spheres, in four degrees.

Only the direction from the interaural axis and the distance matter for a sphere with ears at
opposite points, so elevation and near sources come for free: the angle is taken between the
source and the ear itself.

Sources: R. S. Woodworth and G. Schlosberg (1954), "Experimental Psychology", p. 349 (path along
the surface); G. F. Kuhn (1977), JASA 62, 157-167 (low frequencies: 3/2 of the straight path);
R. O. Duda and W. L. Martens (1998), JASA 104, 3048-3058 (exact scattering at finite distance).
"""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.interpolate import RectBivariateSpline

from spatialdrama.conventions import HEAD_RADIUS, SPEED_OF_SOUND
from spatialdrama.dsp.interaural import ITD_BAND, MAX_ITD_US, peak_lag
from spatialdrama.errors import ValidationError

#: Speech as delays hear it: its power per Hz is flat to 300 Hz and falls 12 dB per octave (the mean
#: of four voices, two languages). Delays grow towards low frequency, so the weight matters: with it
#: the sphere is 18 us from the 710 directions of the MIT KEMAR set on average and 63 us at most.
_SPEECH_HZ, _SPEECH_POWER = 300.0, 4

Model = Literal["sphere", "woodworth", "kuhn", "straight"]

_TERMS = 48  # the series falls like (radius / distance)**m: 1e-6 at 1.35 radii
_FREQUENCIES = np.linspace(*ITD_BAND, 34)  # 50 Hz apart: unambiguous within +-10 ms


def _distances(positions: ArrayLike, radius: float) -> tuple[NDArray, NDArray]:
    """Distance from the centre and cosine to the left ear; checked."""
    positions = np.asarray(positions, dtype=np.float64)
    if positions.ndim == 0 or positions.shape[-1] != 3:
        raise ValidationError(f"positions must have shape (..., 3), got {positions.shape}")
    distance = np.linalg.norm(positions, axis=-1)
    if not np.all(distance > radius):
        raise ValidationError(
            f"a position lies inside the head (radius {radius:g} m) or is NaN: smallest distance "
            f"{np.min(distance):g} m; move the source outside"
        )
    return distance, positions[..., 1] / distance


def _geodesic(distance: NDArray, cosine: NDArray, radius: float) -> NDArray:
    """Shortest path from a point to the surface point at angle ``arccos(cosine)``, m."""
    straight = np.sqrt(distance**2 + radius**2 - 2 * radius * distance * cosine)
    tangent = np.sqrt(distance**2 - radius**2)
    shadow = np.arccos(np.clip(cosine, -1, 1)) - np.arccos(radius / distance)
    return np.where(shadow <= 0, straight, tangent + radius * shadow)


def _coefficients(wave: NDArray, ratio: NDArray) -> NDArray[np.complex128]:
    """Series coefficients ``(2m+1) h_m(wave ratio) / h_m'(wave)``, shape (terms, ...)."""
    wave, ratio = np.broadcast_arrays(wave, ratio)
    order = np.arange(int(np.ceil(wave.max() + 10 * np.cbrt(wave.max()))) + _TERMS)
    order = order.reshape(-1, *[1] * wave.ndim)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        out = special.spherical_jn(order, wave * ratio) + 1j * special.spherical_yn(
            order, wave * ratio
        )
        slope = special.spherical_jn(order, wave, True) + 1j * special.spherical_yn(
            order, wave, True
        )
        terms = (2 * order + 1) * out / slope
    # Hankel functions overflow where terms have long stopped to count: they fall like ratio**-m.
    return np.where(np.isfinite(terms), terms, 0.0)


def sphere_transfer(
    frequency: ArrayLike,
    distance: ArrayLike,
    incidence: ArrayLike,
    *,
    head_radius: float = HEAD_RADIUS,
    speed_of_sound: float = SPEED_OF_SOUND,
) -> NDArray[np.complex128]:
    """Pressure on a rigid sphere relative to the free field at its centre.

    Parameters
    ----------
    frequency : array_like
        Hz, above 0.
    distance : array_like
        Of the point source from the centre, m; above 1.3 radii for the series to converge.
    incidence : array_like
        Angle between the source and the point on the surface, radians.
    head_radius, speed_of_sound : float
        m, m/s.

    Returns
    -------
    ndarray of complex
        The three inputs broadcast together. Delays are phases ``exp(-2j pi f delay)``, as in
        :func:`numpy.fft.rfft`, relative to the arrival at the centre in the head's absence.

    Notes
    -----
    Duda and Martens (1998), equation 8, conjugated.

    Examples
    --------
    Facing the source, pressure doubles at high frequency; at low frequency nothing changes:

    >>> abs(sphere_transfer([20.0, 20000.0], 10.0, 0.0)).round(1).tolist()
    [1.0, 2.0]
    """
    frequency, distance, incidence = np.broadcast_arrays(frequency, distance, incidence)
    wave = 2 * np.pi * np.asarray(frequency, dtype=np.float64) * head_radius / speed_of_sound
    ratio = np.asarray(distance, dtype=np.float64) / head_radius
    terms = _coefficients(wave, ratio)
    order = np.arange(len(terms)).reshape(-1, *[1] * wave.ndim)
    total = np.sum(terms * special.eval_legendre(order, np.cos(incidence)), axis=0)
    return np.conj(-(ratio / wave) * np.exp(-1j * wave * ratio) * total)


@cache
def _sphere_table(radius: float, speed_of_sound: float) -> RectBivariateSpline:
    """ITD in s over (radius / distance, lateral angle): smooth, so 16 x 61 knots give .1 us.

    On a grid the series splits into a part that knows distance and one that knows angle.
    """
    nearness = np.linspace(0.01, 0.8, 16)
    lateral = np.radians(np.linspace(-90, 90, 61))
    wave = 2 * np.pi * _FREQUENCIES * radius / speed_of_sound
    terms = _coefficients(wave, 1 / nearness[:, None])  # (terms, nearness, frequency)
    legendre = special.eval_legendre(np.arange(len(terms))[:, None], np.sin(lateral))
    # What the ears share (the factor of distance, the phase to the centre) cancels in the product.
    left = np.conj(np.einsum("mdf,ma->daf", terms, legendre)) / wave
    weight = np.minimum(1.0, (_SPEECH_HZ / _FREQUENCIES) ** _SPEECH_POWER)
    cross = (weight * left * left[:, ::-1].conj()).reshape(-1, len(wave))
    lag = peak_lag(cross, 2 * np.pi * _FREQUENCIES, 1.2e-6 * MAX_ITD_US)[0]
    return RectBivariateSpline(nearness, lateral, lag.reshape(16, 61))


def pose_itd_us(
    positions: ArrayLike,
    *,
    model: Model = "sphere",
    head_radius: float = HEAD_RADIUS,
    speed_of_sound: float = SPEED_OF_SOUND,
) -> NDArray[np.float64]:
    """Interaural time difference of sources at given positions, microseconds.

    Parameters
    ----------
    positions : array_like, shape (..., 3)
        In the listener's frame (x forward, y left, z up), m, outside the head.
    model : {"sphere", "woodworth", "kuhn", "straight"}
        ``"sphere"``: exact scattering by a rigid sphere, cross-correlated over 150 to 1800 Hz with
        the spectrum of speech; what :func:`~spatialdrama.dsp.interaural.itd_track` measures.
        ``"woodworth"``: the path round the head, as high frequencies and onsets take it.
        ``"kuhn"``: 3/2 of the straight path difference, the limit at low frequency.
        ``"straight"``: two microphones with no head between them.
    head_radius : float
        Half the distance between the ears, m.
    speed_of_sound : float
        m/s.

    Returns
    -------
    ndarray, shape (...)
        Positive = left ear first.

    Raises
    ------
    ValidationError
        Wrong shape, a position inside the head or NaN, or an unknown model.

    Examples
    --------
    A source one metre to the left:

    >>> {m: round(float(pose_itd_us([0, 1, 0], model=m))) for m in ("woodworth", "straight")}
    {'woodworth': 667, 'straight': 510}
    """
    if model not in get_args(Model):
        raise ValidationError(f"model must be one of {get_args(Model)}, got {model!r}")
    distance, cosine = _distances(positions, head_radius)
    if model == "sphere":
        table = _sphere_table(float(head_radius), float(speed_of_sound))
        nearness = np.clip(head_radius / distance, 0.01, 0.8)
        return 1e6 * table(nearness, np.arcsin(np.clip(cosine, -1, 1)), grid=False)
    if model == "woodworth":
        near, far = (_geodesic(distance, sign * cosine, head_radius) for sign in (1, -1))
        return (far - near) / speed_of_sound * 1e6
    square, product = distance**2 + head_radius**2, 2 * head_radius * distance * cosine
    straight = (np.sqrt(square + product) - np.sqrt(square - product)) / speed_of_sound * 1e6
    return 1.5 * straight if model == "kuhn" else straight
