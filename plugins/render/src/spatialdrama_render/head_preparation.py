"""From measured impulse responses to a head: resample, split, equalise, close the grid."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama_render.head_grid import ring_completion, triangle_areas, with_poles
from spatialdrama_render.hrtf import ITD_MODELS, HrtfSet
from spatialdrama_render.measured_shells import Shell, measured_shells
from spatialdrama_render.near_field import (
    NEAR_MODELS,
    NearField,
    model_near_field,
    sphere_average,
)
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
_RING_NOTE = (
    "its directions lie in the horizontal plane only: sound from above or below has the right "
    "differences between the ears, but is not heard as high or low."
)


def prepare_head(
    responses: xr.Dataset,
    *,
    rate: float,
    equalisation: str = "diffuse",
    itd: str = "measured",
    phase: str = "minimum",
    taps: int | None = None,
    near: str = "auto",
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
        -63 dB apart), at several times the taps and with more colour between directions.
    taps : int, optional
        Samples per filter: 128 with minimum phase, or as many as the responses need to -60 dB.
    near : "auto", "sphere", "points" or "none"
        What makes the head for sources nearer than it was measured, in :attr:`HrtfSet.near`:
        distances that the set itself has; below the nearest of them a rigid sphere, or two ears
        without a head between them. "auto" is the sphere, unless the set's attribute ``near``
        says otherwise. See :mod:`spatialdrama_render.near_field`.

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
    if near not in ("auto", *NEAR_MODELS, "none"):
        raise ValidationError(
            f"near must be one of auto, {', '.join(NEAR_MODELS)}, none; got {near!r}."
        )
    shells = measured_shells(responses)
    far = _analysed(responses, shells[0], rate)
    equaliser = _divisor(far, equalisation)
    filters, delays = _played(far, equaliser, phase=phase, itd=itd, taps=taps)
    kept = np.fft.rfft(filters, fft_size(filters.shape[-1]))
    frequency = np.fft.rfftfreq(fft_size(filters.shape[-1]), 1 / rate)
    head = HrtfSet(
        directions=far.grid,
        filters=filters,
        delays=delays,
        rate=float(rate),
        diffuse=np.sqrt(np.einsum("v,vef->f", far.area, np.abs(kept) ** 2) / 2),
        coherence=_diffuse_coherence(kept, delays, frequency, far.area),
        title=str(responses.attrs["title"]),
        sha256=str(responses.attrs["sha256"]),
        itd=itd,
        phase=phase,
        equaliser=equaliser,
        far_distance=shells[0].distance,
        note="" if far.share is None else _RING_NOTE,
    )
    _check_numbers(head, responses)
    if near == "none":
        return head
    model = responses.attrs.get("near", "sphere") if near == "auto" else near
    nearer = [
        _shell(_analysed(responses, s, rate), far, equaliser, phase=phase, itd=itd, taps=head.taps)
        for s in shells[1:]
    ]
    head = attrs.evolve(head, near=_near_field(head, nearer, model))
    _check_numbers(head, responses)
    return head


def _check_numbers(head: HrtfSet, responses: xr.Dataset) -> None:
    """Refuse a head with anything that is no number, before it is kept or heard."""
    parts = {n: getattr(head, n) for n in ("filters", "delays", "diffuse", "coherence")}
    if head.near is not None:
        parts |= {f"near {n}": getattr(head.near, n) for n in attrs.fields_dict(NearField)}
    for what, values in parts.items():
        if not np.isfinite(values).all():
            where = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
            raise ValidationError(
                f"{head.title or responses.attrs.get('path') or 'the head'}: {what}{where} came "
                f"out as {values[tuple(where)]}; a response of the set is silent or broken, get "
                "another copy."
            )


@attrs.frozen(eq=False)
class _Analysed:
    """One distance of a measured set: (v, 2, t) responses, and the grid with its poles."""

    directions: np.ndarray
    measured: np.ndarray
    own_delay: np.ndarray
    rate: float
    distance: float
    grid: np.ndarray
    area: np.ndarray
    magnitude: np.ndarray
    delays: np.ndarray
    share: np.ndarray | None

    @property
    def frequency(self) -> np.ndarray:
        """(bins,) Hz of the magnitudes."""
        return np.fft.rfftfreq(2 * (self.magnitude.shape[-1] - 1), 1 / self.rate)

    @property
    def diffuse(self) -> np.ndarray:
        """(bins,) magnitude of the average over directions and ears."""
        return np.sqrt(np.einsum("v,vef->f", self.area, self.magnitude**2) / 2)

    def level(self, equaliser: np.ndarray) -> float:
        """Mean power after equalisation where a head is transparent."""
        band = (self.frequency >= _LEVEL_BAND[0]) & (self.frequency <= _LEVEL_BAND[1])
        return float(np.mean((self.diffuse / equaliser)[band] ** 2))


def _analysed(responses: xr.Dataset, shell: Shell, rate: float) -> _Analysed:
    measured = resampled(
        responses["impulse_response"].values[shell.index], responses.attrs["rate"], rate
    )
    own_delay = responses["delay"].values[shell.index]
    magnitude = np.abs(np.fft.rfft(measured, fft_size(measured.shape[-1])))
    delays = own_delay + lag(measured, minimum_phase(magnitude), rate, ITD_BAND)
    # What was not measured (poles, all but a ring) gets a magnitude and a delay, but no response.
    completion = ring_completion(shell.directions)
    if completion is None:
        share = None
        grid, magnitude, delays = with_poles(shell.directions, magnitude, delays)
    else:
        new, share = completion
        grid = np.concatenate([shell.directions, new])
        power = np.einsum("kv,vef->kef", share, magnitude**2)
        magnitude = np.concatenate([magnitude, np.sqrt(power)])
        delays = np.concatenate([delays, share @ delays])
    return _Analysed(
        shell.directions, measured, own_delay, float(rate), shell.distance,
        grid, triangle_areas(grid), magnitude, delays, share,
    )  # fmt: skip


def _played(
    one: _Analysed, equaliser: np.ndarray, *, phase: str, itd: str, taps: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return filters (v, 2, taps) and delays (v, 2) s, relative to the centre's arrival."""
    filters = shortened(minimum_phase(one.magnitude / equaliser), taps or TAPS)
    real = len(one.directions)
    delays = keep_itd(
        one.delays[:real], filters[:real], one.measured, one.own_delay, one.rate, equaliser
    )
    if phase == "measured":
        filters = _with_measured_phase(
            filters, _equalised(one.measured, equaliser), delays, one.own_delay, one.rate, taps
        )
    others = one.delays[real:] if one.share is None else one.share @ delays
    delays = np.concatenate([delays, others])
    delays -= _median_plane_delay(one.directions, delays[:real])
    if itd == "sphere":
        delays = _sphere_delays(one.grid, filters, delays, one.rate, one.distance)
    return filters, delays - GUARD / one.rate if phase == "measured" else delays


def _shell(
    near: _Analysed, far: _Analysed, equaliser: np.ndarray, **options: Any
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return distance, filters and delays of a measured shell, relative to the free field.

    Files differ in whether the nearer loudspeaker's gain and flight were taken out. Below 1 kHz,
    averaged over directions, a head is what a rigid sphere is; that sets both.
    """
    power, late = sphere_average(near.distance, far.distance, near.rate, _LEVEL_BAND)
    gain = near.level(equaliser) / far.level(equaliser) / power
    filters, delays = _played(near, equaliser * np.sqrt(gain), **options)
    return near.distance, filters, delays + late


def _near_field(head: HrtfSet, measured: list[Any], model: str) -> NearField | None:
    """Return the measured shells, and below the nearest of them what the model makes of it."""
    distance, filters, delays = head.far_distance, head.filters, head.delays
    shells = []
    for distance, filters, delays in measured:
        shells.insert(0, NearField(np.array([distance]), filters[None], delays[None]))
    inner = model_near_field(head.directions, filters, delays, head.rate, distance, model)
    shells = [inner, *shells] if inner is not None else shells
    if not shells:
        return None
    return NearField(
        *(np.concatenate([getattr(s, n) for s in shells]) for n in attrs.fields_dict(NearField))
    )


def _divisor(far: _Analysed, equalisation: str) -> np.ndarray:
    """Return (bins,) what all magnitudes are divided by."""
    if equalisation == "diffuse":
        return _equaliser(far.diffuse, far.frequency)
    flat = np.ones(len(far.frequency))
    return flat * np.sqrt(far.level(flat))


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


def resampled(response: np.ndarray, rate_in: float, rate_out: float) -> np.ndarray:
    """Return (m, 2, t) at `rate_out`, as filters of the same gain."""
    if rate_in == rate_out:
        return response
    import soxr

    flat = response.reshape(-1, response.shape[-1]).T
    flat = soxr.resample(np.ascontiguousarray(flat), rate_in, rate_out, quality="VHQ")
    return flat.T.reshape(*response.shape[:2], -1) * (rate_in / rate_out)


def _median_plane_delay(directions: np.ndarray, delays: np.ndarray) -> float:
    """Return the delay (s) at which a wave from straight ahead, above or behind arrives.

    There both ears are abreast of the head's centre, so this is the centre's own arrival.
    """
    side = np.abs(directions[:, 1])
    return float(delays[side <= max(0.05, side.min() + 1e-9)].mean())


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
    directions: np.ndarray, filters: np.ndarray, delays: np.ndarray, rate: float, distance: float
) -> np.ndarray:
    """Return (v, 2) s: delays that with these filters sound like a rigid sphere's below 1.5 kHz.

    The filters differ between the ears in phase, too, so what they bring is taken off; the mean
    of both ears stays as measured.
    """
    from spatialdrama.dsp.pose_itd import pose_itd_us

    wanted = 1e-6 * pose_itd_us(distance * directions)
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
