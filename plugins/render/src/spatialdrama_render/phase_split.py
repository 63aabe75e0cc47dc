"""A measured pair of responses as filters and delays, with the measured time between the ears.

Two ways: minimum-phase filters (short, and smooth between directions), or the measured responses
themselves with their delay taken out (exact at measured directions). Both use delays whose mean
over the ears is the lag behind minimum phase (Kulkarni, Isabelle and Colburn, 1999) and whose
difference gives the pair the measured peak of the interaural cross-correlation below 1.5 kHz,
where hearing uses it.
"""

from __future__ import annotations

import numpy as np

#: Hz; where delays are fitted: hearing's range for time differences in the fine structure.
ITD_BAND = (100.0, 1500.0)
#: Samples kept before the arrival in filters with measured phase: shifting by a fraction of a
#: sample rings both ways, and anti-alias filters of the measurement do, too.
GUARD = 16
_FFT = 2048
#: s; how far the peak of a pair may lie from where the delays expect it, and the steps searched.
_SEARCH, _STEP = 350e-6, 5e-6
#: Energy of a response that may lie beyond the taps that are kept with measured phase (-60 dB).
_BEYOND = 1e-6
_MOST_TAPS = 2048


def fft_size(n: int) -> int:
    """Return the length of the transforms for responses of `n` samples."""
    return max(_FFT, 1 << (int(n) - 1).bit_length())


def minimum_phase(magnitude: np.ndarray) -> np.ndarray:
    """Return the minimum-phase impulse responses of (..., bins) magnitudes.

    The folded real cepstrum (Oppenheim and Schafer, Discrete-Time Signal Processing, 13.5).

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama_render.phase_split import minimum_phase
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
    n = 2 * fft_size(max(late.shape[-1], early.shape[-1]))
    frequency = np.fft.rfftfreq(n, 1 / rate)
    inside = (frequency >= band[0]) & (frequency <= band[1])
    cross = np.fft.rfft(late, n) * np.fft.rfft(early, n).conj() * inside
    correlation = np.fft.irfft(cross, n)
    peak = np.argmax(correlation, axis=-1)[..., None]
    low, mid, high = (np.take_along_axis(correlation, (peak + d) % n, axis=-1) for d in (-1, 0, 1))
    peak = peak + _vertex(low, mid, high)
    peak = np.where(peak > n / 2, peak - n, peak)
    return peak[..., 0] / rate


def keep_itd(
    delays: np.ndarray,
    filters: np.ndarray,
    measured: np.ndarray,
    own_delay: np.ndarray,
    rate: float,
    equaliser: np.ndarray,
) -> np.ndarray:
    """Move each pair of delays apart until the pair's time difference is the measured one.

    Parameters
    ----------
    delays : (v, 2) s, to be corrected; the mean of each pair stays
    filters : (v, 2, taps), what is played after these delays
    measured : (v, 2, t) responses, after `own_delay` (v, 2) s
    rate : float, Hz
    equaliser : (bins,) magnitude that the filters were divided by, on ``rfftfreq``'s grid

    Returns
    -------
    (v, 2) s

    Notes
    -----
    "Time difference" is the peak of the cross-correlation between the ears for white noise through
    the filters, from 100 Hz to 1.5 kHz. It is taken from the measured pair as equalised: a common
    magnitude leaves the phase between the ears alone, but weighs frequencies differently. A delay
    moves the peak by exactly itself, so one correction is enough.
    """
    n = 2 * (len(equaliser) - 1)
    frequency = np.fft.rfftfreq(n, 1 / rate)
    band = (frequency >= ITD_BAND[0]) & (frequency <= ITD_BAND[1])
    frequency = frequency[band]
    about = delays[:, 0] - delays[:, 1]
    ours = _cross(filters, n, band)
    theirs = _cross(measured, n, band) / equaliser[band] ** 2
    # Both are looked at from where the delays put the pair, so that no other period is taken.
    rest = about - (own_delay[:, 0] - own_delay[:, 1])
    theirs = theirs * np.exp(2j * np.pi * rest[:, None] * frequency)
    wanted, brought = peak_of(theirs, frequency), peak_of(ours, frequency)
    half = (wanted - brought) / 2
    return delays + np.stack([half, -half], axis=1)


def measured_filters(
    measured: np.ndarray, delays: np.ndarray, own_delay: np.ndarray, rate: float, taps: int | None
) -> np.ndarray:
    """Take the delay out of measured responses and leave everything else.

    Parameters
    ----------
    measured : (v, 2, t) responses, after `own_delay` (v, 2) s
    delays : (v, 2) s, what to take out; :data:`GUARD` samples are left before the arrival
    rate : float, Hz
    taps : int or None
        None keeps all but -60 dB of each response's energy.

    Returns
    -------
    (v, 2, taps) float64
    """
    n = fft_size(measured.shape[-1] + 2 * GUARD)
    frequency = np.fft.rfftfreq(n, 1 / rate)
    early = delays - own_delay - GUARD / rate
    shift = np.exp(2j * np.pi * frequency * early[..., None])
    shifted = np.fft.irfft(np.fft.rfft(measured, n) * shift, n)
    return shortened(shifted, needed_taps(shifted) if taps is None else taps)


def needed_taps(response: np.ndarray) -> int:
    """Return how many taps hold all but -60 dB of each response's energy, in steps of 64.

    The last eighth of (..., n) is where a circular shift puts what came before the start; it is
    no part of the response's end.
    """
    whole = response[..., : response.shape[-1] * 7 // 8] ** 2
    beyond = np.cumsum(whole[..., ::-1], axis=-1)[..., ::-1]
    late = (beyond > _BEYOND * beyond[..., :1]).any(axis=tuple(range(response.ndim - 1)))
    return int(min(-(-(int(np.flatnonzero(late)[-1]) + 25) // 64) * 64, _MOST_TAPS))


def shortened(filters: np.ndarray, taps: int) -> np.ndarray:
    """Cut to `taps` with a short fade, so that the cut does not ring."""
    out = filters[..., :taps].copy()
    if out.shape[-1] < taps:
        out = np.concatenate([out, np.zeros((*out.shape[:-1], taps - out.shape[-1]))], axis=-1)
    fade = min(24, taps // 4)
    out[..., taps - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade + 1)[1:]) ** 2
    return out


def _cross(pair: np.ndarray, n: int, band: np.ndarray) -> np.ndarray:
    spectra = np.fft.rfft(pair, n)[..., band]
    return spectra[:, 0] * spectra[:, 1].conj()


def peak_of(cross: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return (v,) s: how far the left ear of each cross-spectrum lags, near zero."""
    lags = np.arange(-_SEARCH, _SEARCH + _STEP / 2, _STEP)
    turn = 2 * np.pi * frequency[:, None] * lags
    correlation = cross.real @ np.cos(turn) - cross.imag @ np.sin(turn)
    k = np.clip(np.argmax(correlation, axis=1), 1, len(lags) - 2)
    rows = np.arange(len(k))
    return lags[k] + _STEP * _vertex(*(correlation[rows, k + d] for d in (-1, 0, 1)))


def _vertex(low: np.ndarray, mid: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return where, in steps from the middle, a parabola through three points has its top."""
    bend = low - 2 * mid + high
    return 0.5 * (low - high) / np.where(bend == 0, -1.0, bend)
