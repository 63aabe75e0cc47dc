"""From measured impulse responses to a head: resample, split, equalise, close the grid."""

from __future__ import annotations

import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama_render.hrtf import ITD_MODELS, HrtfSet
from spatialdrama_render.phase_split import (
    GUARD,
    ITD_BAND,
    fft_size,
    keep_itd,
    lag,
    measured_filters,
    minimum_phase,
    shortened,
)

EQUALISATIONS = ("diffuse", "none")
PHASES = ("minimum", "measured")
#: Samples of each minimum-phase filter at 48 kHz. On KEMAR, equalised: interaural level over the
#: whole band within 0.25 dB (95 %) of the measured one.
TAPS = 128
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
    phase: str = "minimum",
    taps: int | None = None,
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
        measured spectra and divides by one number, so that their level is 0 dB on average from
        200 Hz to 1 kHz. What they were divided by is kept in :attr:`HrtfSet.equaliser`.
    itd : "measured" or "sphere"
        Interaural time differences of the measurement, or of a rigid sphere of the house's head
        radius (:func:`spatialdrama.dsp.pose_itd.pose_itd_us`). KEMAR's are up to 0.1 ms from the
        sphere's.
    phase : "minimum" or "measured"
        "minimum" plays minimum-phase filters after the delays: few taps, smooth between
        directions, and below 1.5 kHz the measured time between the ears. "measured" plays the
        measured responses with their delay taken out: with ``equalisation="none"`` a source that
        rests at a measured direction sounds as plain convolution with its response does (KEMAR:
        -65 dB apart), at several times the taps and with more colour between directions.
    taps : int, optional
        Samples per filter: 128 with minimum phase, or as many as the responses need to -60 dB.

    Returns
    -------
    HrtfSet

    Examples
    --------
    >>> from spatialdrama.io.sofa import read_sofa
    >>> from spatialdrama_render.head_preparation import prepare_head
    >>> prepare_head(read_sofa("head.sofa"), rate=48000).taps       # doctest: +SKIP
    128
    """
    for what, value, known in (
        ("equalisation", equalisation, EQUALISATIONS),
        ("itd", itd, ITD_MODELS),
        ("phase", phase, PHASES),
    ):
        if value not in known:
            raise ValidationError(f"{what} must be one of {', '.join(known)}; got {value!r}.")
    if taps is not None and not (isinstance(taps, int) and 8 <= taps <= 4096):
        raise ValidationError(f"taps must be a whole number from 8 to 4096; got {taps!r}.")
    directions, measured, own_delay = _measurements(responses, rate)
    n = fft_size(measured.shape[-1])
    frequency = np.fft.rfftfreq(n, 1 / rate)
    magnitude = np.abs(np.fft.rfft(measured, n))
    delays = own_delay + lag(measured, minimum_phase(magnitude), rate, ITD_BAND)

    # A pole that was not measured has a magnitude and a delay, but no response of its own.
    grid, magnitude, grid_delays = _with_poles(directions, magnitude, delays)
    area = triangle_areas(grid)
    equaliser = _divisor(magnitude, area, frequency, equalisation)
    filters = shortened(minimum_phase(magnitude / equaliser), taps or TAPS)
    real = len(directions)
    delays = keep_itd(delays, filters[:real], measured, own_delay, rate, equaliser)
    if phase == "measured":
        filters = _with_measured_phase(
            filters, _equalised(measured, equaliser), delays, own_delay, rate, taps
        )
    delays = np.concatenate([delays, grid_delays[real:]])
    delays -= _median_plane_delay(directions, delays[:real])
    if itd == "sphere":
        delays = _sphere_delays(grid, filters, delays, rate)
    if phase == "measured":
        delays = delays - GUARD / rate
    kept = np.fft.rfft(filters, fft_size(filters.shape[-1]))
    kept_frequency = np.fft.rfftfreq(fft_size(filters.shape[-1]), 1 / rate)
    return HrtfSet(
        directions=grid,
        filters=filters,
        delays=delays,
        rate=float(rate),
        diffuse=np.sqrt(np.einsum("v,vef->f", area, np.abs(kept) ** 2) / 2),
        coherence=_diffuse_coherence(kept, delays, kept_frequency, area),
        title=str(responses.attrs["title"]),
        sha256=str(responses.attrs["sha256"]),
        itd=itd,
        phase=phase,
        equaliser=equaliser,
    )


def _measurements(responses: xr.Dataset, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return directions (v, 3), responses (v, 2, t) at `rate` and their delays (v, 2) s."""
    position = responses["position"].values
    distance = np.linalg.norm(position, axis=1)
    if distance.min() <= 0:
        raise ValidationError(
            f"measurement {int(np.argmin(distance))} of {responses.attrs['title']!r} lies at the "
            "head's centre; the file's SourcePosition is wrong."
        )
    directions, first = _unique(position / distance[:, None])
    measured = _resampled(
        responses["impulse_response"].values[first], responses.attrs["rate"], rate
    )
    return directions, measured, responses["delay"].values[first]


def _divisor(
    magnitude: np.ndarray, area: np.ndarray, frequency: np.ndarray, equalisation: str
) -> np.ndarray:
    """Return (bins,) what all magnitudes are divided by."""
    diffuse = np.sqrt(np.einsum("v,vef->f", area, magnitude**2) / 2)
    if equalisation == "diffuse":
        return _equaliser(diffuse, frequency)
    band = (frequency >= _LEVEL_BAND[0]) & (frequency <= _LEVEL_BAND[1])
    return np.full(len(diffuse), np.sqrt(np.mean(diffuse[band] ** 2)))


def _equalised(measured: np.ndarray, equaliser: np.ndarray) -> np.ndarray:
    """Return (v, 2, t) divided by the magnitude, as a minimum-phase filter common to all."""
    if np.ptp(equaliser) == 0:
        return measured / equaliser[0]
    inverse = minimum_phase(1 / equaliser)[: len(equaliser)]
    n = measured.shape[-1] + len(inverse)
    return np.fft.irfft(np.fft.rfft(measured, n) * np.fft.rfft(inverse, n), n)


def _with_measured_phase(
    filters: np.ndarray,
    measured: np.ndarray,
    delays: np.ndarray,
    own_delay: np.ndarray,
    rate: float,
    taps: int | None,
) -> np.ndarray:
    """Replace minimum-phase filters where there are responses; poles get the same lead."""
    exact = measured_filters(measured, delays, own_delay, rate, taps)
    lead = np.zeros((*filters.shape[:2], GUARD))
    late = shortened(np.concatenate([lead, filters], axis=-1), exact.shape[-1])
    return np.concatenate([exact, late[len(exact) :]])


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
    brought = lag(filters[:, 1], filters[:, 0], rate, ITD_BAND)
    half = (wanted - brought) / 2
    return delays.mean(axis=1, keepdims=True) + np.stack([-half, half], axis=1)


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
