"""From measured impulse responses to a head: resample, split, equalise, close the grid."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama_render.hrtf import ITD_MODELS, HrtfSet

EQUALISATIONS = ("diffuse", "none")
#: Samples of each minimum-phase filter at 48 kHz; KEMAR's energy beyond is below -50 dB.
TAPS = 128
_FFT = 2048
#: Hz; where the delay is fitted: hearing's range for time differences in the fine structure.
_ITD_BAND = (100.0, 1500.0)
#: Hz; outside this range a measured diffuse field says more about loudspeakers than about heads.
_EQUALISE_BAND = (120.0, 18_000.0)
#: dB; how far the equalisation may boost.
_BOOST_LIMIT = 15.0
#: Hz; where a head is transparent enough that its mean gain defines 0 dB without equalisation.
_LEVEL_BAND = (200.0, 1000.0)


def prepare_head(
    responses: xr.Dataset,
    *,
    rate: float,
    equalisation: str = "diffuse",
    itd: str = "measured",
    taps: int = TAPS,
) -> HrtfSet:
    """Make a head of measured responses.

    Parameters
    ----------
    responses : xarray.Dataset
        As :func:`spatialdrama.io.sofa.read_sofa` returns.
    rate : float, Hz
        Rate to render at; responses of another rate are resampled once, here.
    equalisation : "diffuse" or "none"
        "diffuse" divides all filters by one common magnitude, the diffuse-field average, which
        takes out the measuring loudspeaker and the ear canal (headphones bring their own) and
        leaves every difference between ears and directions as measured. "none" keeps the
        measured spectra and only sets their level, 0 dB on average from 200 Hz to 1 kHz.
    itd : "measured" or "sphere"
        Interaural time differences of the measurement, or of a rigid sphere of the house's head
        radius (:func:`spatialdrama.dsp.pose_itd.pose_itd_us`). KEMAR's are up to 0.1 ms from the
        sphere's.
    taps : int

    Returns
    -------
    HrtfSet
    """
    for what, value, known in (
        ("equalisation", equalisation, EQUALISATIONS), ("itd", itd, ITD_MODELS)
    ):  # fmt: skip
        if value not in known:
            raise ValidationError(f"{what} must be one of {', '.join(known)}; got {value!r}.")
    position = responses["position"].values
    distance = np.linalg.norm(position, axis=1)
    if distance.min() <= 0:
        raise ValidationError(
            f"measurement {int(np.argmin(distance))} of {responses.attrs['title']!r} lies at the "
            "head's centre; the file's SourcePosition is wrong."
        )
    directions = position / distance[:, None]
    measured = _resampled(responses["impulse_response"].values, responses.attrs["rate"], rate)
    directions, first = _unique(directions)
    measured, own_delay = measured[first], responses["delay"].values[first]

    magnitude = np.abs(np.fft.rfft(measured, _FFT))
    minimum = minimum_phase(magnitude)
    delays = own_delay + lag(measured, minimum, rate, _ITD_BAND)
    delays -= _median_plane_delay(directions, delays)

    directions, magnitude, delays = _with_poles(directions, magnitude, delays)
    area = triangle_areas(directions)
    diffuse = np.sqrt(np.einsum("v,vef->f", area, magnitude**2) / 2)
    frequency = np.fft.rfftfreq(_FFT, 1 / rate)
    if equalisation == "diffuse":
        magnitude = magnitude / _equaliser(diffuse, frequency)
    else:
        band = (frequency >= _LEVEL_BAND[0]) & (frequency <= _LEVEL_BAND[1])
        magnitude = magnitude / np.sqrt(np.mean(diffuse[band] ** 2))
    filters = _shortened(minimum_phase(magnitude), taps)
    if itd == "sphere":
        delays = _sphere_delays(directions, filters, delays, rate)
    shortened = np.fft.rfft(filters, _FFT)
    return HrtfSet(
        directions=directions,
        filters=filters,
        delays=delays,
        rate=float(rate),
        diffuse=np.sqrt(np.einsum("v,vef->f", area, np.abs(shortened) ** 2) / 2),
        coherence=_diffuse_coherence(shortened, delays, frequency, area),
        title=str(responses.attrs["title"]),
        sha256=str(responses.attrs["sha256"]),
        itd=itd,
    )


def minimum_phase(magnitude: np.ndarray) -> np.ndarray:
    """Return the minimum-phase impulse responses of (..., bins) magnitudes.

    The folded real cepstrum (Oppenheim and Schafer, Discrete-Time Signal Processing, 13.5).

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama_render.head_preparation import minimum_phase
    >>> minimum_phase(np.full(5, 2.0)).round(6) + 0.0
    array([2., 0., 0., 0., 0., 0., 0., 0.])
    """
    n = 2 * (magnitude.shape[-1] - 1)
    floor = 1e-5 * magnitude.max(axis=-1, keepdims=True)
    cepstrum = np.fft.irfft(np.log(np.maximum(magnitude, floor)), n)
    fold = np.zeros(n)
    fold[0] = fold[n // 2] = 1.0
    fold[1 : n // 2] = 2.0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum * fold)), n)


def lag(late: np.ndarray, early: np.ndarray, rate: float, band: tuple[float, float]) -> np.ndarray:
    """Return how many seconds `late` (..., n) lags behind `early`, in a band.

    The peak of the band-limited cross-correlation, refined by a parabola: the band ends far below
    half the rate, so the correlation is smooth between samples.
    """
    n = 2 * _FFT
    frequency = np.fft.rfftfreq(n, 1 / rate)
    inside = (frequency >= band[0]) & (frequency <= band[1])
    cross = np.fft.rfft(late, n) * np.fft.rfft(early, n).conj() * inside
    correlation = np.fft.irfft(cross, n)
    peak = np.argmax(correlation, axis=-1)[..., None]
    low, mid, high = (np.take_along_axis(correlation, (peak + d) % n, axis=-1) for d in (-1, 0, 1))
    peak = peak + 0.5 * (low - high) / (low - 2 * mid + high)
    peak = np.where(peak > n / 2, peak - n, peak)
    return peak[..., 0] / rate


def triangle_areas(directions: np.ndarray) -> np.ndarray:
    """Return (v,) shares of the sphere that each direction stands for; they sum to one.

    Each triangle of the convex hull gives a third of its spherical area to each corner (solid
    angle after Van Oosterom and Strackee, 1983). Without a hull all shares are equal.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(directions)
    except (QhullError, ValueError):
        return np.full(len(directions), 1.0 / len(directions))
    a, b, c = (directions[hull.simplices[:, i]] for i in range(3))
    volume = np.abs(np.einsum("ni,ni->n", a, np.cross(b, c)))
    dots = 1 + sum(np.einsum("ni,ni->n", p, q) for p, q in ((a, b), (b, c), (c, a)))
    solid = 2 * np.arctan2(volume, dots)
    area = np.zeros(len(directions))
    np.add.at(area, hull.simplices, solid[:, None] / 3)
    return area / area.sum()


def _resampled(response: np.ndarray, rate_in: float, rate_out: float) -> np.ndarray:
    """Return (m, 2, t) at `rate_out`, as filters of the same gain."""
    if rate_in == rate_out:
        return response
    import soxr

    flat = response.reshape(-1, response.shape[-1]).T
    flat = soxr.resample(np.ascontiguousarray(flat), rate_in, rate_out, quality="VHQ")
    return flat.T.reshape(*response.shape[:2], -1) * (rate_in / rate_out)


def _unique(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop repeated directions: a triangle needs three different corners."""
    _, first = np.unique(directions.round(6), axis=0, return_index=True)
    first = np.sort(first)
    return directions[first], first


def _median_plane_delay(directions: np.ndarray, delays: np.ndarray) -> float:
    """Return the delay (s) at which a wave from straight ahead, above or behind arrives.

    There both ears are abreast of the head's centre, so this is the centre's own arrival.
    """
    side = np.abs(directions[:, 1])
    return float(delays[side <= max(0.05, side.min() + 1e-9)].mean())


def _with_poles(
    directions: np.ndarray, magnitude: np.ndarray, delays: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Close a missing cap at the south or north pole with the mean of the ring next to it.

    Few sets measure below -40 degrees, where floor reflections come from. Without a point there,
    long thin triangles would mix the left side's filters with the right side's.
    """
    for pole in (-1.0, 1.0):
        height = pole * directions[:, 2]
        top = height.max()
        if top > np.sin(np.deg2rad(80)) or top < 0.2:
            continue
        ring = height > top - 0.02
        directions = np.concatenate([directions, [[0.0, 0.0, pole]]])
        power = np.sqrt(np.mean(magnitude[ring] ** 2, axis=(0, 1)))
        magnitude = np.concatenate([magnitude, np.broadcast_to(power, (1, 2, len(power)))])
        delays = np.concatenate([delays, np.full((1, 2), delays[ring].mean())])
    return directions, magnitude, delays


def _equaliser(diffuse: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return the diffuse-field magnitude, smoothed over a third of an octave and bounded."""
    low, high = _EQUALISE_BAND
    high = min(high, 0.4 * 2 * frequency[-1])
    edge = 2 ** (1 / 6)  # a third of an octave, half below and half above
    power = np.concatenate([[0.0], np.cumsum(diffuse**2)])
    spacing = frequency[1]
    first = np.clip(np.round(frequency / edge / spacing).astype(int), 0, len(diffuse) - 1)
    last = np.clip(np.round(frequency * edge / spacing).astype(int) + 1, 1, len(diffuse))
    smooth = np.sqrt((power[last] - power[first]) / (last - first))
    held = np.interp(np.clip(frequency, low, high), frequency, smooth)
    reference = np.sqrt(np.mean(smooth[(frequency > 300) & (frequency < 3000)] ** 2))
    return np.maximum(held, reference * 10 ** (-_BOOST_LIMIT / 20))


def _sphere_delays(
    directions: np.ndarray, filters: np.ndarray, delays: np.ndarray, rate: float
) -> np.ndarray:
    """Return (v, 2) s: delays that with these filters sound like a rigid sphere's below 1.5 kHz.

    The filters differ between the ears in phase, too, so what they bring is taken off; the mean
    of both ears stays as measured.
    """
    from spatialdrama.dsp.pose_itd import pose_itd_us

    wanted = 1e-6 * pose_itd_us(1.5 * directions)
    brought = lag(filters[:, 1], filters[:, 0], rate, _ITD_BAND)
    half = (wanted - brought) / 2
    return delays.mean(axis=1, keepdims=True) + np.stack([-half, half], axis=1)


def _shortened(filters: np.ndarray, taps: int) -> np.ndarray:
    """Cut to `taps` with a short fade, so that the cut does not ring."""
    out = filters[..., :taps].copy()
    fade = min(24, taps // 4)
    out[..., -fade:] *= np.cos(np.linspace(0, np.pi / 2, fade + 1)[1:]) ** 2
    return out


def _diffuse_coherence(
    spectra: np.ndarray, delays: np.ndarray, frequency: np.ndarray, area: np.ndarray
) -> np.ndarray:
    """Return the real part of the coherence of the ears under waves from everywhere.

    For two points in space this integral is sinc(2 f d / c) (Cook et al., 1955); a head's own
    directions and filters give the head's own curve (Lindevald and Benade, 1986, measured it).
    """
    itd = delays[:, 0] - delays[:, 1]
    cross = spectra[:, 0] * spectra[:, 1].conj()
    cross = cross * np.exp(-2j * np.pi * itd[:, None] * frequency)
    power = [np.einsum("v,vf->f", area, np.abs(spectra[:, e]) ** 2) for e in (0, 1)]
    coherence = np.einsum("v,vf->f", area, cross) / np.sqrt(power[0] * power[1])
    return np.clip(coherence.real, -1.0, 1.0)
