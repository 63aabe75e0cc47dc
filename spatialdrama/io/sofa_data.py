"""The data of a SOFA file as impulse responses, whatever type they are stored as.

FIR as they are; TF (spectra at any frequencies) by an inverse transform on a linear grid; SOS
(second-order sections) by what they answer to an impulse. Emitters that are coefficients of
spherical harmonics are evaluated on a grid of directions.
Source: AES69-2022, and the conventions at https://www.sofaconventions.org.
"""

from __future__ import annotations

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa_fields import SofaFields

#: Names of the standard's types of data, with the older spelling of files before 2020.
FIR, TF, SOS = ("FIR", "FIR-E", "FIRE"), ("TF", "TF-E", "TFE"), ("SOS",)
#: Fewest and most samples of a response that is made of a spectrum.
_TF_TAPS = (256, 4096)
_RATES = (32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
_SOS_TAPS = 4096
#: s; how late a wave may arrive in a spectrum on an uneven grid: 15 m.
_LATEST = 0.045


def read_responses(
    file: SofaFields, emitters: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Return the impulse responses (m, r, e, n) float64 and their rate in Hz.

    Parameters
    ----------
    file : SofaFields
    emitters : (d, e) float64, optional
        What each of d places hears of each of the file's emitters, as spherical harmonics do; the
        responses then are those of the d places.

    Raises
    ------
    ValidationError
        For a missing field, an unknown type of data, values that are not finite, or filters that
        are not stable.
    """
    kind = file.texts.get("DataType", "none").upper()
    if kind in FIR:
        file.require("Data.IR", "Data.SamplingRate")
        return _mixed(file.array("Data.IR", "MREN"), emitters), file.rate()
    if kind in TF:
        file.require("Data.Real", "Data.Imag", "N")
        real, imaginary = file.array("Data.Real", "MREN"), file.array("Data.Imag", "MREN")
        if real.shape != imaginary.shape:
            raise ValidationError(
                f"{file.name}: Data.Real has shape {real.shape} but Data.Imag {imaginary.shape}; "
                "the file is wrong, get another copy."
            )
        spectra = _mixed(real + 1j * imaginary, emitters)
        return from_spectra(spectra, file.values["N"].ravel(), file.name)
    if kind in SOS and emitters is None:
        file.require("Data.SOS", "Data.SamplingRate")
        return from_sections(file.array("Data.SOS", "MREN"), file.name), file.rate()
    raise ValidationError(
        f"{file.name} holds data of the type {kind!r}; {', '.join(FIR + TF + SOS)} are understood. "
        "Convert the file."
    )


def emitter_count(file: SofaFields) -> int:
    """Return how many emitters the data have."""
    for name in ("Data.IR", "Data.Real", "Data.SOS"):
        if "E" in file.dimensions.get(name, ()):
            return file.values[name].shape[file.dimensions[name].index("E")]
    return 1


def _mixed(data: np.ndarray, emitters: np.ndarray | None) -> np.ndarray:
    return data if emitters is None else np.einsum("mren,de->mrdn", data, emitters)


def from_spectra(spectra: np.ndarray, frequency: np.ndarray, name: str) -> tuple[np.ndarray, float]:
    """Make impulse responses of spectra at any frequencies.

    Parameters
    ----------
    spectra : (..., f) complex
    frequency : (f,) Hz, different from each other
    name : str
        What messages call the file.

    Returns
    -------
    response : (..., n) float64
    rate : float, Hz
        Twice the highest frequency; nothing is invented above it. A grid that stops one step short
        of half a usual rate has that rate.

    Notes
    -----
    On a linear grid the values are kept; a missing 0 Hz gets the magnitude of the lowest
    frequency. On any other grid the delay that all responses have in common is taken out, and
    magnitude and unwrapped phase are interpolated linearly.
    The inverse transform is circular. The period is cut where the whole set is quietest, at one
    place for all responses, so that what begins before 0 s (a nearer ear, when 0 s is the arrival
    at the head's centre) stays in front: all responses together are shifted, which changes no
    time between ears or directions.
    """
    if spectra.shape[-1] != len(frequency):
        raise ValidationError(
            f"{name}: {spectra.shape[-1]} values per spectrum but {len(frequency)} frequencies in "
            "N; the file is wrong, get another copy."
        )
    order = np.argsort(frequency)
    frequency, spectra = frequency[order], spectra[..., order]
    steps = np.diff(frequency)
    finite = np.isfinite(frequency).all()
    if len(frequency) < 8 or not finite or frequency[0] < 0 or steps.min() <= 0:
        raise ValidationError(
            f"{name}: N holds {len(frequency)} frequencies from {frequency[0]:g} to "
            f"{frequency[-1]:g} Hz; at least 8 different ones, none negative, are needed."
        )
    step = float(np.median(steps))
    ratio = frequency / step
    linear = np.abs(ratio - ratio.round()).max() < 1e-3 and np.ptp(steps) < 1e-3 * step
    rate = _rate_of(frequency[-1], step if linear else 0.0)
    if not 4_000 <= rate <= 1_000_000:
        raise ValidationError(
            f"{name}: N ends at {frequency[-1]:g} Hz, so that the rate would be {rate:g} Hz; "
            "4 kHz to 1 MHz are understood. Is N in Hz?"
        )
    if linear:
        n = round(rate / step)
        first = round(ratio[0])
        whole = np.zeros((*spectra.shape[:-1], n // 2 + 1), dtype=complex)
        whole[..., first : first + len(frequency)] = spectra[..., : n // 2 + 1 - first]
        _fill_low(whole, first)
    else:
        n = int(np.clip(2 * np.ceil(rate / steps.min() / 2), *_TF_TAPS))
        whole = _interpolated(spectra, frequency, np.arange(n // 2 + 1) * rate / n)
    response = np.fft.irfft(whole, n)
    return np.roll(response, -_quietest(response), axis=-1), rate


def from_sections(sections: np.ndarray, name: str) -> np.ndarray:
    """Return the impulse responses (..., n) of second-order sections (..., 6 k).

    Each section is b0 b1 b2 a0 a1 a2, as scipy and the standard have it; n is what 99.9999999 %
    of the energy of the longest response needs.
    """
    from scipy.signal import sosfilt

    if sections.shape[-1] % 6:
        raise ValidationError(
            f"{name}: Data.SOS holds {sections.shape[-1]} coefficients per filter; each section "
            "has six."
        )
    sections = sections.reshape(*sections.shape[:-1], -1, 6)
    lead = sections[..., 3:4]
    if not lead.all():
        raise ValidationError(
            f"{name}: Data.SOS has a section whose a0 is 0; the file is wrong, get another copy."
        )
    sections = sections / lead
    # A polynomial z^2 + a1 z + a2 has its roots inside the unit circle in this triangle.
    a1, a2 = sections[..., 4], sections[..., 5]
    if not ((np.abs(a2) < 1) & (np.abs(a1) < 1 + a2)).all():
        raise ValidationError(
            f"{name}: Data.SOS has a section that is not stable; the file is wrong, get another "
            "copy."
        )
    flat = sections.reshape(-1, *sections.shape[-2:])
    impulse = np.zeros(_SOS_TAPS)
    impulse[0] = 1.0
    response = np.stack([sosfilt(s, impulse) for s in flat])
    beyond = np.cumsum(response[:, ::-1] ** 2, axis=1)[:, ::-1]
    late = np.flatnonzero((beyond > 1e-9 * beyond[:, :1]).any(axis=0))
    n = -(-(int(late[-1]) + 1 if len(late) else 1) // 16) * 16
    return response[:, :n].reshape(*sections.shape[:-2], n)


def _rate_of(highest: float, step: float) -> float:
    """Return twice the highest frequency, or the usual rate that the next step would complete."""
    for rate in _RATES:
        if abs(2 * (highest + step) - rate) < 1e-6 * rate and 2 * highest not in _RATES:
            return float(rate)
    return 2.0 * float(highest)


def _fill_low(whole: np.ndarray, first: int) -> None:
    """Fill the bins below `first` in place: the lowest magnitude, the phase on a line to zero."""
    if first == 0:
        return
    low = whole[..., first]
    share = np.arange(first) / first
    whole[..., :first] = np.abs(low)[..., None] * np.exp(1j * np.angle(low)[..., None] * share)


def _interpolated(spectra: np.ndarray, frequency: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return (..., w) spectra at other frequencies; zero above the highest one."""
    flat = spectra.reshape(-1, len(frequency))
    common = _common_delay(flat, frequency)
    turn = np.exp(2j * np.pi * frequency * common)
    phase = np.unwrap(np.angle(flat * turn), axis=1)
    # Pressure at 0 Hz has no phase; the nearest whole turn there is the true one.
    phase -= 2 * np.pi * np.round(phase[:, :1] / (2 * np.pi))
    frequency = np.concatenate([[0.0], frequency]) if frequency[0] > 0 else frequency
    missing = len(frequency) - flat.shape[1]
    magnitude = np.pad(np.abs(flat), ((0, 0), (missing, 0)), mode="edge")
    phase = np.pad(phase, ((0, 0), (missing, 0)))
    k = np.clip(np.searchsorted(frequency, wanted, side="right") - 1, 0, len(frequency) - 2)
    share = (wanted - frequency[k]) / (frequency[k + 1] - frequency[k])
    magnitude, phase = (v[:, k] + share * (v[:, k + 1] - v[:, k]) for v in (magnitude, phase))
    out = magnitude * np.exp(1j * (phase - 2 * np.pi * wanted * common))
    out[:, wanted > frequency[-1] * (1 + 1e-9)] = 0.0
    return out.reshape(*spectra.shape[:-1], -1)


def _common_delay(flat: np.ndarray, frequency: np.ndarray) -> float:
    """Return in s the delay that, taken out, leaves the most coherent sums over frequency.

    On an uneven grid no other delay aligns all frequencies, so that a wave which comes many
    periods of the grid's step late is found all the same.
    """
    some = flat[:: max(1, len(flat) // 64)]
    some = some / np.maximum(np.abs(some), 1e-30)
    delays = np.arange(-0.002, _LATEST, 2e-5)
    weight = np.gradient(np.log(np.maximum(frequency, 1.0)))
    sums = (some * weight) @ np.exp(2j * np.pi * frequency[:, None] * delays)
    return float(delays[np.argmax((np.abs(sums) ** 2).sum(axis=0))])


def _quietest(response: np.ndarray) -> int:
    """Return where a period is cut: in front of the sound, in the quietest eighth of the set."""
    n = response.shape[-1]
    energy = (response.reshape(-1, n) ** 2).sum(axis=0)
    width = max(n // 8, 1)
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([energy, energy[:width]]))])
    held = total[width : width + n] - total[:n]
    quiet = held <= 2 * held.min() + 1e-12 * energy.sum()
    # Silence at the end of the period is as good as silence elsewhere: then nothing moves.
    if quiet[n - width]:
        return 0
    last = np.flatnonzero(quiet & ~np.roll(quiet, -1))
    return int(last[0] + width // 2) % n if len(last) else 0
